"""Views of tables: sorted, filtered, page by page.

A new version of a table makes new views, and those of the older ones go. What was built lies in the store, so that
every replica finds it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, cast

from ret_convert.editing.materialising import Materialised, materialised
from ret_convert.editing.overlay import Overlay
from ret_convert.editing.versions import Versions
from ret_convert.pages import Page, PageColumn, Pages, Where, Window, chosen
from ret_convert.views import conditions, sorting
from ret_convert.views.building import Rows, ViewOrder, digest, views_of
from ret_convert.views.finding import Search
from ret_convert.views.profiling import Column, Examined
from ret_convert.views.reading import Version
from ret_convert.views.shelf import Shelf
from ret_convert.views.view import View
from ret_kit.blobs import Blobs, session_prefix
from ret_kit.errors import Invalid, Kind, NotFound, RetError
from ret_kit.pools import Pool

FIND, PROFILE = "ret_convert.views.finding:find", "ret_convert.views.profiling:profile"
MATERIALISE = "ret_convert.editing.materialising:materialise"
MODULES = [
    f"ret_convert.{name}" for name in ("views.building", "views.finding", "views.profiling", "editing.materialising")
]
"""What children of the pool load."""
SOUGHT = 1000
"""Characters of a text that is looked for."""
PROFILED = 500
"""Columns that are profiled at once."""
OF_TABLE = 8
"""Views of one table that are kept."""
VIEWS = 256
"""Views that are known at once."""


@dataclass(frozen=True)
class Asked:
    """A table in one of its versions, and what of it is to be seen; `rows` has the table without its edits."""

    where: Where
    rows: int
    version: int
    overlay: Overlay
    session_id: str
    filter: str = ""
    sort: str = ""


class Views:
    """The views of all tables that this process shows; for one event loop, use with `async with`."""

    def __init__(self, blobs: Blobs, location: str, pool: Pool, pages: Pages) -> None:
        self._shelf = Shelf(blobs, location, pool)
        self._pages = pages
        self._views: OrderedDict[str, View] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._shelf.close()

    async def find(self, asked: Asked, q: str, from_row: int) -> tuple[int, str]:
        """(row, column) of the next cell that holds the text, in the table's own order. NotFound when there is none."""
        if not 1 <= len(q) <= SOUGHT:
            raise Invalid(field="q", reason=f"must be 1 to {SOUGHT} characters")
        if from_row < 0:
            raise Invalid(field="from_row", reason="must not be negative")
        search = Search(**self._version(asked), q=q, from_row=from_row)
        found = await self._called(FIND, search, asked)
        if not found:
            raise NotFound(what="cell")
        return found["row"], found["column"]

    async def profile(self, asked: Asked, names: Sequence[str]) -> list[tuple[PageColumn, Column]]:
        """What columns hold; all columns for no names. Invalid for columns that are not there, or too many."""
        footer = await asyncio.to_thread(self._pages.footer, asked.where)
        columns = chosen(footer.columns, names)
        if len(columns) > PROFILED:
            raise Invalid(field="columns", reason=f"are {len(columns)}, {PROFILED} are the most at once")
        types = {one.name: one.type == "number" for one in columns}
        found = await self._called(PROFILE, Examined(**self._version(asked), columns=types), asked)
        return [(one, found[one.name]) for one in columns]

    async def stored(self, asked: Asked) -> Materialised:
        """The version as a table of its own, stored by whoever asks for it first. NotFound, BlobDamaged."""
        there = await asyncio.to_thread(materialised, self._shelf.blobs, asked.where.key, asked.version)
        return there or cast("Materialised", await self._called(MATERIALISE, self._version(asked), asked))

    def _version(self, asked: Asked) -> Version:
        return Version(
            blobs=self._shelf.location,
            key=asked.where.key,
            size=asked.where.size,
            rows=asked.rows,
            version=asked.version,
        )

    async def _called(self, function: str, payload: Any, asked: Asked) -> dict[str, Any]:
        try:
            return await self._shelf.pool.call(function, payload, session_id=asked.session_id)
        except RetError as error:
            if error.kind is Kind.NOT_FOUND:
                raise NotFound(what="table") from None
            raise

    async def page(self, asked: Asked, window: Window) -> Page:
        """Rows of a view, as far as it has them; without filter and sort those of the table in its own order.

        Invalid for a filter, a sort or columns that cannot be, PageTooLarge, NotFound when the table was replaced.
        """
        wanted, by = conditions.parsed(asked.filter), sorting.parsed(asked.sort)
        if not wanted and not by:
            return await asyncio.to_thread(self._pages.page, asked.where, window, asked.overlay)
        footer = await asyncio.to_thread(self._pages.footer, asked.where)
        numbers = {one.name: one.type == "number" for one in footer.columns}
        conditions.known(wanted, numbers)
        sorting.known(by, numbers)
        columns = chosen(footer.columns, window.columns)
        named = {one.column for one in (*wanted, *by)}
        view = self._view(asked, {name: numbers[name] for name in sorted(named)})
        names = [one.name for one in columns]
        matched, rows = await view.rows(window.offset, window.offset + window.limit, names)
        return _page(asked, columns, matched, rows)

    def _view(self, asked: Asked, numbers: dict[str, bool]) -> View:
        meaning = [
            [[one.column, one.op, one.value] for one in conditions.parsed(asked.filter)],
            [[one.column, one.descending] for one in sorting.parsed(asked.sort)],
        ]
        prefix = f"{views_of(asked.where.key)}{asked.version:06d}-{digest(meaning)}/"
        if view := self._views.get(prefix):
            self._views.move_to_end(prefix)
            return view
        order = ViewOrder(
            **self._version(asked),
            prefix=prefix,
            filter=asked.filter,
            sort=asked.sort,
            numbers=numbers,
            page=Rows(start=0, end=0, columns=[]),
            quiet=False,
        )
        view = self._views[prefix] = View(self._shelf, asked.session_id, order)
        self._make_room(view)
        return view

    def _make_room(self, new: View) -> None:
        """Forget views of older versions of the table, and the ones used longest ago where there are many."""
        of_table = [one for one in self._views.values() if one.key == new.key and one is not new]
        old = [one for one in of_table if one.version < new.version and not one.busy]
        rest = [one for one in of_table if one not in old and not one.busy]
        gone = old + rest[: max(0, len(of_table) - len(old) + 1 - OF_TABLE)]
        for view in gone:
            self._forget(view)
        for view in list(self._views.values())[: max(0, len(self._views) - VIEWS)]:
            if not view.busy and view is not new:
                self._forget(view)
        self._shelf.begin(self._removed(new, [view.prefix for view in gone]))

    def _forget(self, view: View) -> None:
        view.stop()
        self._views.pop(view.prefix, None)
        self._shelf.forget(view.prefix)

    async def _removed(self, new: View, prefixes: Sequence[str]) -> None:
        """Remove these views from the store, and all of the table's older versions."""
        below = views_of(new.key)
        found = {key.removeprefix(below).partition("/")[0] for key in await self._shelf.blobs.keys(below)}
        old = [f"{below}{name}/" for name in found if int(name.partition("-")[0]) < new.version]
        for prefix in {*prefixes, *old}:
            await self._shelf.blobs.delete_prefix(prefix)

    async def heard(self, subject: str, _data: bytes) -> None:
        """`sessions.closing.<session>` has come: what is known of its views goes, its blobs go with the session."""
        prefix = session_prefix(subject.rpartition(".")[2])
        for view in [view for view in self._views.values() if view.prefix.startswith(prefix)]:
            self._forget(view)


def _page(asked: Asked, columns: list[PageColumn], matched: int, rows: Any) -> Page:
    numbers = rows.column(0).to_pylist()
    return Page(columns, numbers, asked.overlay.total, matched, rows.select(range(1, rows.num_columns)), asked.overlay)


@dataclass(frozen=True)
class Reading:
    """All that reads tables in a process that serves."""

    pages: Pages
    versions: Versions
    views: Views

    async def asked(self, where: Where, session_id: str) -> Asked:
        """A table in its present version. NotFound when it was replaced, BlobDamaged."""

        def look() -> tuple[int, int, Overlay]:
            return self.pages.footer(where).rows, *self.versions.current(where)

        rows, version, overlay = await asyncio.to_thread(look)
        return Asked(where, rows, version, overlay, session_id)


@asynccontextmanager
async def open_reading(location: str, pool: Pool) -> AsyncGenerator[Reading]:
    """Everything that reads the tables of a store; the pool has `MODULES` loaded, and is open."""
    blobs = Blobs(location)
    pages = Pages(blobs)
    async with Views(blobs, location, pool, pages) as views:
        yield Reading(pages, Versions(blobs, pages), views)
