"""Convert's server is killed while edits are saved: what was acknowledged is there, and nothing is there by half."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from convert_bench import Bench, User, rows

from ret.convert.v1 import tables_pb2, tables_pb2_grpc
from ret_convert.editing.overlay import Overlay
from ret_convert.editing.versions import Versions
from ret_convert.pages import Pages, Where
from ret_convert.records import table as table_of
from ret_kit.auth import acting_as
from ret_kit.errors import Kind, RemoteError
from ret_kit.rpc.client import Channel
from ret_kit.testing.process import free_port

KILLS = int(os.environ.get("RET_TEST_KILLS", "3"))
ROUND = 5  # kills in one test, which may not take long
ROWS = 60
EDITED = range(1, 41)
SAVERS = 3
AWAY = {Kind.UNAVAILABLE, Kind.DEADLINE, Kind.CANCELLED}


@dataclass
class Server:
    """Convert's server as a process of its own, over the store and the database of the others."""

    bench: Bench
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = self.bench.settings
        given = {
            "RET_DATA_DIR": str(settings.data_dir),
            "RET_NATS_URL": settings.nats_url,
            "RET_REDIS_URL": settings.redis_url,
            "RET_AUTH_ADDRESS": settings.auth_address,
            "RET_INGEST_ADDRESS": settings.ingest_address,
            "RET_CONVERT_ADDRESS": f"127.0.0.1:{self.port}",
            "RET_SERVICE_SECRET": settings.service_secret.get_secret_value(),
            "RET_CONVERT_EXPORTS": "1",
        }
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ret_convert", "serve"], stdout=log, stderr=log, env=os.environ | given
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@dataclass
class Savers:
    """Some who save to the same table as fast as they can; `acknowledged` is what they were told was saved."""

    stub: tables_pb2_grpc.TablesServiceAsyncStub
    user: User
    table_id: str
    acknowledged: dict[int, str] = field(default_factory=dict[int, str])
    saved: asyncio.Event = field(default_factory=asyncio.Event)

    async def save_on(self, name: str) -> None:
        """Set a column of many rows to the same value, over and over, also while nobody answers."""
        version, count = 1, 0
        with acting_as(self.user.who):
            while True:
                value = f"{name}-{count}"
                cell = tables_pb2.Value(text=value)
                edits = [tables_pb2.CellEdit(row=row, column="Word", value=cell) for row in EDITED]
                request = tables_pb2.SaveRequest(table_id=self.table_id, version=version, edits=edits)
                try:
                    answer = await self.stub.Save(request, timeout=5)
                except RemoteError as error:
                    if error.kind not in AWAY:
                        raise
                    await asyncio.sleep(0.02)
                    continue
                if answer.HasField("saved"):
                    version, count = answer.saved.version, count + 1
                    assert version not in self.acknowledged
                    self.acknowledged[version] = value
                    self.saved.set()
                else:
                    version = answer.stale.current_version

    @asynccontextmanager
    async def saving(self) -> AsyncGenerator[None]:
        tasks = [asyncio.create_task(self.save_on(f"saver-{at}")) for at in range(SAVERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


def words(overlay: Overlay) -> set[str | None]:
    """The values that the edited rows have: one, if nothing was done by half."""
    return {overlay.cells.get(row, {}).get("Word") for row in EDITED}


@pytest.mark.parametrize("kills", [min(ROUND, KILLS - at) for at in range(0, KILLS, ROUND)])
async def test_every_acknowledged_save_outlives_the_server_and_none_is_there_by_half(
    bench: Bench, user: User, tmp_path: Path, kills: int
) -> None:
    collection = await user.scanned({"one.xml": rows(*("word",) * ROWS)})
    await user.converted(collection)
    table_id = (await user.documents(collection))["one.xml"].tables[0].id
    server = Server(bench, tmp_path)
    server.start()
    try:
        async with Channel(bench.settings, "convert", f"127.0.0.1:{server.port}") as channel:
            savers = Savers(tables_pb2_grpc.TablesServiceStub(channel), user, table_id)
            async with savers.saving():
                for _ in range(kills):
                    savers.saved.clear()
                    async with asyncio.timeout(60):
                        await savers.saved.wait()
                    await asyncio.sleep(random.uniform(0, 0.2))
                    server.kill()
                    server.start()
                async with asyncio.timeout(60):
                    savers.saved.clear()
                    await savers.saved.wait()
    finally:
        server.kill()

    async with bench.convert.db.read() as conn:
        row = await table_of(conn, user.who.session_id, table_id)
    assert row is not None
    where, versions = Where(row.blob_key, row.size), Versions(bench.convert.blobs, Pages(bench.convert.blobs))
    history = versions.history(where, 0, 1_000_000)
    assert [one.head.version for one in history.items] == list(range(history.version, 1, -1))
    assert len(savers.acknowledged) > kills
    assert max(savers.acknowledged) <= history.version
    for version in range(2, history.version + 1):
        [word] = words(versions.at(where, version))
        assert word == savers.acknowledged.get(version, word)
