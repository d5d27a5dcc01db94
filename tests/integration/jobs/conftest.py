from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pool children and worker processes import these modules by name

import job_worker
from job_bench import SETTINGS, Bench
from sqlalchemy import text

from ret_kit.blobs import Blobs
from ret_kit.bus import Bus
from ret_kit.database import Database
from ret_kit.jobs.host import open_jobs
from ret_kit.testing import NatsServer, PostgresServer, nats_server


@pytest.fixture(autouse=True)
def functions_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.fixture
def own_nats() -> Generator[NatsServer]:
    """A server of the test's own: it is stopped and wiped."""
    with nats_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def sql(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path / 'jobs.db'}"
        else:
            server: PostgresServer = request.getfixturevalue("postgres")
            yield stack.enter_context(server.database())


@pytest.fixture
async def bench(sql: str, own_nats: NatsServer, tmp_path: Path) -> AsyncGenerator[Bench]:
    url = (tmp_path / "blobs").as_uri()
    async with Database(sql, "jobs") as db, await Bus.connect(own_nats.url) as bus:
        async with db.write() as conn:
            if not db.is_sqlite:
                await conn.execute(text("CREATE SCHEMA jobs"))
            await conn.run_sync(job_worker.metadata.create_all)
        await bus.ensure_streams()
        async with open_jobs("jobs", db, job_worker.tables, SETTINGS, bus) as host:
            made = Bench(db, sql, own_nats, bus, Blobs(url), url, host)
            try:
                yield made
            finally:
                await made.close()
