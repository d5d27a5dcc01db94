"""One view of one version of a table: built once however many ask for it, gathered ahead where somebody scrolls.

Where somebody jumps, first the page is gathered, and what is around it once they stay.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, cast

from ret_convert.arrow import pa
from ret_convert.errors import PageTooLarge
from ret_convert.pages import BYTES, CELLS
from ret_convert.views.building import ORDER, READY, Rows, Told, ViewOrder, around, name_of
from ret_convert.views.shelf import Shelf
from ret_kit.errors import Kind, NotFound, RetError, Unavailable

BUILD, GATHER = "ret_convert.views.building:build", "ret_convert.views.building:gather"
OVERLAP = 1000
"""Rows that gathered rows have in common with those gathered before: no page lies in between."""
PAUSE_SECONDS = 0.3
"""Whoever jumps on within this time looks at nothing."""
BLOCKS = 12
"""Gathered rows that a view keeps."""
TRIES = 10
"""How often something new is waited for."""


@dataclass(eq=False)
class Run:
    """Something that a child does for a view; `rows` are waited for by `waiting` requests."""

    rows: Rows
    wide: bool
    """Whether what is around the rows is gathered as well."""
    quiet: bool
    """Whether nobody waited for it when it was begun."""
    waiting: int = 0
    served: bool = False
    news: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    task: asyncio.Task[None] | None = None

    def gathers(self, wanted: Rows, matched: int) -> bool:
        """Whether it gathers these rows."""
        one = self.rows
        low, high = one["start"], one["end"]
        if self.wide and self.served:
            low, high = around(low, matched, len(one["columns"]))
        return low <= wanted["start"] and wanted["end"] <= high and set(wanted["columns"]) <= set(one["columns"])

    def tell(self, error: BaseException | None = None) -> None:
        """There is something new."""
        news, self.news = self.news, asyncio.get_running_loop().create_future()
        if error is None:
            news.set_result(None)
        else:
            news.set_exception(error)
            news.exception()  # also where nobody waits

    async def heard(self) -> None:
        """Wait until there is something new; its error. Whoever is the last to give up waiting ends it."""
        self.waiting += 1
        try:
            await asyncio.shield(self.news)
        except asyncio.CancelledError:
            if self.waiting == 1 and not self.served and self.task:
                self.task.cancel()
            raise
        finally:
            self.waiting -= 1


class View:
    """One view of one version of a table."""

    def __init__(self, shelf: Shelf, session_id: str, order: ViewOrder) -> None:
        self._shelf, self._session_id, self._order = shelf, session_id, order
        self.key, self.version, self.prefix = order["key"], order["version"], order["prefix"]
        self.matched: int | None = None
        self._ordered = False
        self._blocks: OrderedDict[str, Rows] = OrderedDict()
        self._runs: list[Run] = []
        self._known = False
        self._tried: set[str] = set()
        self._settling: asyncio.Task[None] | None = None
        self._looked_at = 0

    async def rows(self, start: int, end: int, columns: Sequence[str]) -> tuple[int, Any]:
        """(rows of the view, those asked for as an Arrow table: their numbers and their cells)."""
        if not self._known:
            await self._find()
        for _ in range(TRIES):
            if self.matched is not None:
                low, high = min(start, self.matched), min(end, self.matched)
                if (high - low) * len(columns) > CELLS:
                    raise PageTooLarge(cells=CELLS, bytes=BYTES)
                if low == high:
                    return self.matched, _nothing(columns)
                if found := self._covering(low, high, columns):
                    table = await self._shelf.gathered(self.prefix + name_of(found))
                    if table is not None:
                        self._look_ahead(found, high)
                        self._looked_at = high
                        places = [found["columns"].index(name) + 1 for name in columns]
                        return self.matched, table.select([0, *places]).slice(low - found["start"], high - low)
                    self._blocks.pop(name_of(found), None)
                wanted = Rows(start=low, end=high, columns=list(columns))
            else:
                wanted = Rows(start=start, end=end, columns=list(columns))
            await self._run_for(wanted).heard()
        raise Unavailable(what="view")

    def stop(self) -> None:
        """End whatever is done for it."""
        for run in self._runs:
            if run.task:
                run.task.cancel()
        if self._settling:
            self._settling.cancel()

    @property
    def busy(self) -> bool:
        """Whether somebody waits for it."""
        return any(run.waiting for run in self._runs)

    # --- what is there ----------------------------------------------------------------------------------------

    async def _find(self) -> None:
        """What another process has built."""
        names = [key.removeprefix(self.prefix) for key in await self._shelf.blobs.keys(self.prefix)]
        if READY in names and ORDER in names and not self._runs:
            with suppress(NotFound):
                self.matched = int(json.loads(await self._shelf.blobs.get(self.prefix + READY))["matched"])
                self._ordered = True
        self._known = True

    def _covering(self, start: int, end: int, columns: Sequence[str]) -> Rows | None:
        """Gathered rows with these among them."""
        for name in reversed(self._blocks):
            one = self._blocks[name]
            if one["start"] <= start and end <= one["end"] and set(columns) <= set(one["columns"]):
                self._blocks.move_to_end(name)
                return one
        return None

    def _look_ahead(self, found: Rows, end: int) -> None:
        """Begin to gather the rows behind those that somebody scrolls through; or those around where somebody is."""
        if self._settling:
            self._settling.cancel()
            self._settling = None
        if not self._ordered:
            return
        columns, size = found["columns"], found["end"] - found["start"]
        low, high = around(found["start"], self._count, len(columns))
        if size < min(high - low, OVERLAP + 1):
            self._settling = self._shelf.begin(self._settle(Rows(start=low, end=high, columns=columns)))
        elif found["end"] < self._count and end - found["start"] > size // 10:
            start = found["end"] - OVERLAP
            wanted = Rows(start=start, end=min(self._count, start + high - low), columns=columns)
            if not self._covering(start, found["end"] + 1, columns):
                self._once(wanted)

    async def _settle(self, wanted: Rows) -> None:
        """Gather around a place once somebody stays there."""
        await asyncio.sleep(PAUSE_SECONDS)
        if not self._covering(wanted["start"], wanted["end"], wanted["columns"]):
            self._once(wanted)

    def _once(self, wanted: Rows) -> None:
        """Gather rows nobody waits for yet; what held too much for that is not tried again."""
        name = name_of(wanted)
        if name not in self._tried and not self._running(wanted):
            self._tried.add(name)
            self._begin(GATHER, wanted, quiet=True)

    @property
    def _count(self) -> int:
        return self.matched or 0

    # --- what is done -----------------------------------------------------------------------------------------

    def _running(self, wanted: Rows) -> Run | None:
        """Something that gathers these rows."""
        return next((run for run in self._runs if run.gathers(wanted, self._count)), None)

    def _run_for(self, wanted: Rows) -> Run:
        jumped = self._ordered and not -OVERLAP <= wanted["start"] - self._looked_at <= OVERLAP
        gathering = [run for run in self._runs if run.gathers(wanted, self._count)]
        # What is gathered ahead takes seconds: whoever scrolls into it waits, whoever jumps wants the page alone.
        if run := next((run for run in gathering if not (run.quiet and jumped)), None):
            return run
        if self._ordered:
            for run in self._runs:  # whoever jumps does not look any more at what is gathered elsewhere
                if not run.waiting and run.task:
                    run.task.cancel()
            return self._begin(GATHER, wanted)
        return self._runs[0] if self._runs else self._begin(BUILD, wanted)

    def _begin(self, function: str, wanted: Rows, *, quiet: bool = False) -> Run:
        run = Run(wanted, wide=function == BUILD, quiet=quiet)
        self._runs.append(run)
        run.task = self._shelf.begin(self._work(function, run))
        return run

    async def _work(self, function: str, run: Run) -> None:
        """Let a child do it, and take note of what it tells."""
        order = self._order.copy()
        order["page"], order["quiet"] = run.rows, run.quiet
        error: BaseException | None = None
        try:
            stream = self._shelf.pool.stream(function, cast("dict[str, Any]", order), session_id=self._session_id)
            async with aclosing(stream) as lines:
                async for line in lines:
                    self._noted(run, json.loads(line))
        except RetError as failed:
            error = failed
            if failed.kind is Kind.NOT_FOUND:  # the order is gone: it is built again
                self._ordered, self.matched, error = False, None, None
        except asyncio.CancelledError:
            error = Unavailable(what="view")
            raise
        finally:
            self._runs.remove(run)
            run.tell(error)
            await self._trim()

    def _noted(self, run: Run, told: Told) -> None:
        self.matched = told.get("matched", self.matched)
        self._ordered = self._ordered or told.get("ordered", False)
        if rows := told.get("rows"):
            self._blocks[name_of(rows)] = rows
            self._tried.discard(name_of(rows))
            run.served = True
        run.tell()

    async def _trim(self) -> None:
        """Remove the gathered rows that are kept no longer."""
        while len(self._blocks) > BLOCKS:
            name, _ = self._blocks.popitem(last=False)
            self._shelf.forget(self.prefix + name)
            await self._shelf.blobs.delete(self.prefix + name)


def _nothing(columns: Sequence[str]) -> Any:
    fields = [pa.field("row", pa.int64()), *(pa.field(str(at), pa.string()) for at in range(len(columns)))]
    return pa.schema(fields).empty_table()
