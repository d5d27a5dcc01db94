"""A table and its views as a process that serves reads them, with threads for children."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from convert_documents import store

from ret_convert.arrow import pa, pq
from ret_convert.editing.log import Entry, Head, entry_key
from ret_convert.editing.overlay import Changes, Edit, Insert
from ret_convert.pages import Page, Where, Window
from ret_convert.views import building, finding, profiling, view, views
from ret_convert.views.views import Asked, Reading, open_reading
from ret_kit.blobs import Blobs
from ret_kit.errors import RemoteFailure, RetError
from ret_kit.pools import Pool

KEY = "sessions/s1/0.parquet"
FUNCTIONS = {
    view.BUILD: building.build,
    view.GATHER: building.gather,
    views.FIND: finding.find,
    views.PROFILE: profiling.profile,
}


class Children:
    """A pool whose children are threads, and which can be held up: the real ones are tested where services run."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, int]] = []
        self.ended = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.held: asyncio.Event | None = None
        """When this is set, a stream waits for it after its first line."""

    async def stream(self, function: str, payload: dict[str, Any], *, session_id: str) -> AsyncGenerator[bytes]:
        assert session_id == "s1"
        self.calls.append((function.rpartition(":")[2], payload["page"]["start"], payload["page"]["end"]))
        try:
            await self.gate.wait()
            lines: list[bytes] = []
            await asyncio.to_thread(self._call, FUNCTIONS[function], json.loads(json.dumps(payload)), lines.append)
            for line in lines:
                yield line
                if self.held:
                    await self.held.wait()
        finally:
            self.ended += 1

    @staticmethod
    def _call(function: Callable[[dict[str, Any], Any], Any], payload: dict[str, Any], told: Any) -> dict[str, Any]:
        try:
            return json.loads(json.dumps(function(payload, told)))
        except RetError as error:  # as it comes out of a child
            raise RemoteFailure(kind=error.kind, code=error.code, detail=error.detail, fields=error.extra()) from None

    async def call(self, function: str, payload: dict[str, Any], *, session_id: str) -> dict[str, Any]:
        assert session_id == "s1"
        return await asyncio.to_thread(self._call, FUNCTIONS[function], json.loads(json.dumps(payload)), None)


class Bench:
    """A table of 3,000 rows in groups of 100, and what reads it."""

    def __init__(self, blobs: Blobs, url: str, reading: Reading, children: Children) -> None:
        self.blobs, self.url, self.reading, self.children = blobs, url, reading, children
        self.where = Where(KEY, 0)
        self.put({"A": [str(n) for n in range(3000)], "B": ["xyz"[n % 3] for n in range(3000)]})
        self.version = 1

    def put(self, columns: dict[str, Any]) -> None:
        table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
        out = pa.BufferOutputStream()
        pq.write_table(table, out, row_group_size=100, write_page_checksum=True)
        self.where = Where(KEY, self.blobs.put_sync(KEY, out.getvalue().to_pybytes()).size)

    def edit(self, *edits: Edit, inserts: tuple[Insert, ...] = (), deletes: tuple[int, ...] = ()) -> None:
        self.version += 1
        top = max([3000, *(one.row for one in inserts)])
        head = Head(
            version=self.version, at=0, user="u", kind="edit", of=0, edits=1, inserts=len(inserts), top=top, size=1,
            nonce="n", key="",
        )  # fmt: skip
        self.blobs.put_sync(entry_key(KEY, self.version), Entry(head, Changes(edits, inserts, deletes)).encoded())

    async def asked(self, **given: Any) -> Asked:
        return replace(await self.reading.asked(self.where, "s1"), **given)

    async def page(self, offset: int, limit: int = 10, columns: tuple[str, ...] = (), **given: Any) -> Page:
        asked = await self.asked(**(given or {"sort": "-A"}))
        async with asyncio.timeout(20):
            return await self.reading.views.page(asked, Window(offset, limit, columns))

    async def rows(self, offset: int, limit: int = 10, **given: Any) -> list[int]:
        return list((await self.page(offset, limit, **given)).numbers)

    def kept(self) -> set[str]:
        """The views in the store, each by its version."""
        keys = self.blobs.keys_sync("sessions/s1/0.views/")
        return {key.removeprefix("sessions/s1/0.views/").partition("/")[0] for key in keys}


@asynccontextmanager
async def reading_bench(folder: Path) -> AsyncGenerator[Bench]:
    """The table in a store in the folder."""
    url, blobs = store(folder)
    children = Children()
    async with open_reading(url, cast("Pool", children)) as reading:
        yield Bench(blobs, url, reading, children)
