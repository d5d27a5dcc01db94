"""Views are built in children: in which order the rows come, and rows of it.

A view is kept below `<table>.views/<version>-<digest>/`: `order.arrow` has the row numbers in their order, `view.json`
how many they are, and is there once that is complete; `<start>-<end>-<columns>.arrow` are rows that were gathered, with
their numbers.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import get_native_id
from typing import Any, TypedDict, cast

from ret_convert.arrow import pa
from ret_convert.errors import PageTooLarge
from ret_convert.export.ahead import in_order
from ret_convert.pages import BYTES, CELLS
from ret_convert.views import conditions, sorting
from ret_convert.views.conditions import Condition
from ret_convert.views.reading import TooMuch, Version, numbers_of, source_of
from ret_convert.views.sorting import By
from ret_kit.blobs import Blobs
from ret_kit.errors import Invalid

AHEAD = 20_000
"""Rows that are gathered ahead."""
BEHIND = 2_000
"""Of these, rows before the place that is looked at."""
GATHERED_CELLS = 1 << 20
"""Cells that are gathered at once at most."""
GATHERED_BYTES = 64 << 20
"""Bytes that are gathered at once at most."""
SORTED_BYTES = 256 << 20
"""Bytes of the columns to sort by, at most."""
QUIET = 5
"""How nice a thread is that does what nobody waits for."""
ORDER = "order.arrow"
READY = "view.json"
BATCH = 1 << 16
"""Row numbers of a piece of an order."""


class Rows(TypedDict):
    """Rows of a view, from `start` up to `end`, with these columns."""

    start: int
    end: int
    columns: list[str]


class ViewOrder(Version):
    """The view that a child is to build, and the rows that are waited for.

    `numbers` says of each column of the filter and the sort whether it is one of numbers, `quiet` that nobody waits.
    """

    prefix: str
    filter: str
    sort: str
    numbers: dict[str, bool]
    page: Rows
    quiet: bool


class Told(TypedDict, total=False):
    """What a child tells: how many rows there are, that the order is there, that rows are."""

    matched: int
    ordered: bool
    rows: Rows


Write = Callable[[bytes], object]


def build(payload: dict[str, Any], write: Write) -> None:
    """Put the rows of a view in order, and gather the page and what is around it; tells `Told`, line by line."""
    Building(cast("ViewOrder", payload), write).build()


def gather(payload: dict[str, Any], write: Write) -> None:
    """Gather rows of a view whose order is there; tells `Told`. NotFound when it is not there any more."""
    Building(cast("ViewOrder", payload), write).gather()


class Building:
    """One view in the making."""

    def __init__(self, order: ViewOrder, write: Write) -> None:
        self._order = order
        self._page = order["page"]
        self._write = write
        self._blobs = Blobs(order["blobs"])
        self._source = source_of(self._blobs, order)

    def build(self) -> None:
        """The page as early as it can be: of the rows that come first, where these are told quickly."""
        numbers, cells = self._selected()
        by = sorting.parsed(self._order["sort"])
        matched, end = len(numbers), min(self._page["end"], len(numbers))
        self._tell({"matched": matched})
        if not by:
            self._store(numbers)
            self._around(numbers)
            return
        among = self._first(by[0], cells[0]) if 0 < end <= AHEAD and matched > sorting.CANDIDATES else None
        if among is not None:
            few = self._keys(by, [sorting.taken(one, among) for one in cells])
            self._around(numbers.take(among.take(sorting.order(few).slice(0, AHEAD))))
            quietly(lambda: self._store(numbers.take(sorting.order(self._keys(by, cells)))))
            return
        order = numbers.take(sorting.order(self._keys(by, cells)))
        self._store(order)
        self._around(order)

    def gather(self) -> None:
        """Just the rows that are asked for."""
        start, end = self._page["start"], self._page["end"]
        if self._order["quiet"]:
            quietly(lambda: self._gather(start, self._stored(start, end), GATHERED_BYTES))
        else:
            self._gather(start, self._stored(start, end), BYTES)

    def _tell(self, told: Told) -> None:
        self._write(json.dumps(told).encode() + b"\n")

    # --- which rows, in which order ---------------------------------------------------------------------------

    def _selected(self) -> tuple[Any, list[list[Any]]]:
        """The numbers of the rows that are wanted, in the table's order; their cells of each column to sort by."""
        wanted = conditions.parsed(self._order["filter"])
        by = sorting.parsed(self._order["sort"])
        filtered, named = {one.column for one in wanted}, [one.column for one in by]
        columns = [*dict.fromkeys([*filtered, *named])]
        pieces = self._source.shown(columns, [name for name in named if name not in filtered])
        chosen = partial(_chosen, wanted=wanted, named=named, types=self._order["numbers"])
        numbers: list[Any] = []
        cells: list[list[Any]] = [[] for _ in by]
        size = 0
        for piece_numbers, piece_cells in in_order(partial(chosen, piece) for piece in pieces):
            numbers.append(piece_numbers)
            for column, one in zip(cells, piece_cells, strict=True):
                column.append(one)
                size += one.nbytes
            if size > SORTED_BYTES:
                raise Invalid(field="sort", reason=f"needs more than {SORTED_BYTES >> 20} MB of text to be compared")
        whole = pa.chunked_array(numbers, pa.int64()).combine_chunks()
        return whole, cells

    def _first(self, by: By, cells: list[Any]) -> Any | None:
        """The places of the rows among which the first ones are."""
        lead = sorting.lead(cells, number=self._order["numbers"][by.column], descending=by.descending)
        return sorting.candidates(lead.cells, AHEAD, descending=by.descending)

    def _keys(self, by: Sequence[By], cells: Sequence[list[Any]]) -> list[sorting.Key]:
        found: list[sorting.Key] = []
        for one, column in zip(by, cells, strict=True):
            number = self._order["numbers"][one.column]
            found += sorting.keys(column, number=number, descending=one.descending)
            column.clear()  # they are large
        return found

    def _store(self, numbers: Any) -> None:
        schema = pa.schema([pa.field("row", pa.int64())])
        out = pa.BufferOutputStream()
        with pa.ipc.new_file(out, schema) as file:
            for start in range(0, len(numbers), BATCH):
                file.write_batch(pa.record_batch([numbers.slice(start, BATCH)], schema=schema))
        self._blobs.put_sync(self._order["prefix"] + ORDER, out.getvalue().to_pybytes())
        ready = json.dumps({"matched": len(numbers)}).encode()
        self._blobs.put_sync(self._order["prefix"] + READY, ready)
        self._tell({"ordered": True})

    def _stored(self, start: int, end: int) -> list[int]:
        """Row numbers of an order that is there."""
        with self._blobs.reader(self._order["prefix"] + ORDER) as file:
            stored = pa.ipc.open_file(pa.PythonFile(file, mode="r"))
            found: list[int] = []
            for at in range(start // BATCH, min(-(-end // BATCH), stored.num_record_batches)):
                low, high = max(start - at * BATCH, 0), min(end - at * BATCH, BATCH)
                found += stored.get_batch(at).column(0).slice(low, high - low).to_pylist()
            return found

    # --- the rows themselves ----------------------------------------------------------------------------------

    def _around(self, order: Any) -> None:
        """Gather the page, where that is quicker alone, and then what is around it."""
        start, end = min(self._page["start"], len(order)), min(self._page["end"], len(order))
        low, high = around(start, len(order), len(self._page["columns"]))
        alone = (end - start < self._source.groups or end > high) and (low, high) != (start, end)
        if alone:
            self._gather(start, order.slice(start, end - start).to_pylist(), BYTES)
        if low < high:
            gather = partial(self._gather, low, order.slice(low, high - low).to_pylist(), GATHERED_BYTES)
            if alone:
                quietly(gather)
            else:
                gather()

    def _gather(self, start: int, numbers: list[int], most: int) -> None:
        """Gather rows; where they hold too much, the first of them. PageTooLarge when that is not the page either."""
        columns = self._page["columns"]
        if len(numbers) * len(columns) > CELLS:
            raise PageTooLarge(cells=CELLS, bytes=BYTES)
        least = min(self._page["end"], start + len(numbers))
        while True:
            try:
                cells = self._source.rows(numbers, columns, most)
                break
            except TooMuch:
                if start + len(numbers) <= least:
                    raise PageTooLarge(cells=CELLS, bytes=BYTES) from None
                numbers = numbers[: max(least - start, len(numbers) // 4)]
        whole = pa.table([pa.array(numbers, pa.int64()), *cells.columns], names=["row", *map(str, range(len(columns)))])
        out = pa.BufferOutputStream()
        with pa.ipc.new_file(out, whole.schema) as file:
            file.write_table(whole)
        found = Rows(start=start, end=start + len(numbers), columns=columns)
        self._blobs.put_sync(self._order["prefix"] + name_of(found), out.getvalue().to_pybytes())
        self._tell({"rows": found})


def _chosen(piece: Any, *, wanted: Sequence[Condition], named: Sequence[str], types: dict[str, bool]) -> Any:
    """(numbers, cells of the columns to sort by) of the rows of a piece that are wanted."""
    numbers, cells = numbers_of(piece), [piece.rows.column(name) for name in named]
    if not wanted:
        return numbers, cells
    mask = conditions.holding(piece.rows, wanted, types)
    return numbers.filter(mask), [one.filter(mask) for one in cells]


def quietly(work: Callable[[], object]) -> None:
    """Do what nobody waits for yet; whatever somebody waits for goes before it, in this process and in others."""
    with ThreadPoolExecutor(1, initializer=_give_way) as threads:
        threads.submit(work).result()


def _give_way() -> None:
    # Linux knows priorities of threads, and the threads that this one begins have its own.
    os.setpriority(os.PRIO_PROCESS, get_native_id(), QUIET)


def around(start: int, count: int, columns: int) -> tuple[int, int]:
    """The rows to gather around a place that is looked at."""
    most = max(1, min(AHEAD, GATHERED_CELLS // max(1, columns)))
    first = max(0, start - most * BEHIND // AHEAD)
    return first, min(count, first + most)


def name_of(rows: Rows) -> str:
    """What gathered rows are called below the view."""
    return f"{rows['start']}-{rows['end']}-{digest(rows['columns'])}.arrow"


def views_of(key: str) -> str:
    """The prefix of a table's views, by the table's key."""
    return f"{key.removesuffix('.parquet')}.views/"


def digest(given: object) -> str:
    """A name for something that is made of texts and numbers."""
    return hashlib.sha256(json.dumps(given, ensure_ascii=True).encode()).hexdigest()[:32]
