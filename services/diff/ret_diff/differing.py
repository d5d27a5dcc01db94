"""The rows of a result that are not the same, one after the other and in bounded memory: for reports, for taking over.

    results = Differences(blobs)
    found = results.open(prefix)        # as `artefact.write` told it
    found.columns, found.rows()         # all of them, or only some columns

Blocks: it is for pool children and threads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ret_diff.arrow import Array, pa, pc
from ret_diff.errors import PageTooLarge
from ret_diff.gathering import Gathered, Gathering
from ret_diff.marks import Which
from ret_diff.meta import ShownColumn, TableBlob
from ret_diff.model import NOWHERE, CellState, Int64s, RowStatus
from ret_diff.opened import Compared, Opened, Results
from ret_diff.stored import CELLS, Kept, Stored
from ret_kit.blobs import Blobs

KEPT = 64 << 20
"""Bytes of footers and numbers that are kept."""
FALSE = pa.scalar(False, pa.bool_())  # noqa: FBT003 - a value
AT_ONCE = 4096
"""Rows that are read at once at most."""


@dataclass(frozen=True)
class Difference:
    """A row that is not the same: its place among the shown rows, its numbers (0 where there is none), its cells.

    Cells are in the order of the columns that were asked for, None where a side does not have the row. `changed` are
    places among them in which the cells differ, `format_only` those of them that only are written otherwise.
    """

    position: int
    status: RowStatus
    a_row: int
    b_row: int
    a: Sequence[str | None] | None
    b: Sequence[str | None] | None
    changed: Sequence[int]
    format_only: Sequence[int] = ()


class Differences:
    """The results of a store."""

    def __init__(self, blobs: Blobs) -> None:
        kept = Kept(KEPT)
        stored = Stored(blobs, kept)
        self._results, self._gathering = Results(stored, kept), Gathering(stored)

    def open(self, prefix: str) -> Found:
        """The result with this prefix; NotFound when it is not there, BlobDamaged."""
        return Found(self._results, self._gathering, self._results.open(Compared(prefix)))


class Found:
    """An open result."""

    def __init__(self, results: Results, gathering: Gathering, opened: Opened) -> None:
        self._results, self._gathering, self._opened = results, gathering, opened

    @property
    def columns(self) -> Sequence[ShownColumn]:
        """All columns in their order."""
        return self._opened.meta.columns

    @property
    def a_rows(self) -> Int64s:
        """The number in A of each shown row, 0 where there is none."""
        return self._all_rows[0]

    @property
    def b_rows(self) -> Int64s:
        """The number in B of each shown row, 0 where there is none."""
        return self._all_rows[1]

    @cached_property
    def _all_rows(self) -> tuple[Int64s, Int64s]:
        return self._numbered(np.arange(self._opened.meta.rows))

    def partners(self, into: str, column: str, wanted: Collection[str]) -> dict[str, str]:
        """By some values of a column in the other side what stands in it in side `into`, for rows that both have."""
        found: dict[str, str] = {}
        among = pa.array(sorted(wanted), pa.large_string())
        for mine, theirs in self._both(into, column):
            which = pc.and_(pc.is_in(theirs, value_set=among), pc.is_valid(mine))
            found |= dict(zip(theirs.filter(which).to_pylist(), mine.filter(which).to_pylist(), strict=True))
        return found

    def highest(self, into: str, column: str) -> int:
        """The highest number that stands in a column in side `into`; 0 where there is none."""
        highest = 0
        for mine, _ in self._both(into, column):
            numbers = mine.filter(pc.fill_null(pc.match_substring_regex(mine, "^[0-9]{1,15}$"), FALSE))
            highest = max(highest, pc.max(pc.cast(numbers, pa.int64())).as_py() or 0)
        return highest

    def _both(self, into: str, column: str) -> Iterator[tuple[Any, Any]]:
        """A column of all shown rows in side `into` and in the other one, null where there is no such row."""
        place = next(at for at, one in enumerate(self.columns) if column in (one.a, one.b))
        rows = self._opened.meta.rows
        for start in range(0, rows, CELLS // 2):
            places = np.arange(start, min(start + CELLS // 2, rows))
            cells = self._gathering.cells(self._opened, places, [place])
            yield (cells.a[0], cells.b[0]) if into == "a" else (cells.b[0], cells.a[0])

    def rows(self, columns: Sequence[int] | None = None) -> Iterator[Difference]:
        """The rows that are not the same, with some columns by their places, or all of them."""
        wanted = range(len(self.columns)) if columns is None else columns
        step = max(1, min(AT_ONCE, CELLS // max(1, 2 * len(wanted))))
        total = self._opened.marks.total(Which.CHANGED)
        for start in range(0, total, step):
            yield from self._some(self._opened.marks.places(Which.CHANGED, start, start + step), wanted)

    def _some(self, places: Int64s, columns: Sequence[int]) -> Iterator[Difference]:
        """Rows by their places, as many at once as can be held."""
        try:
            cells = self._gathering.cells(self._opened, places, columns)
        except PageTooLarge:
            if len(places) == 1:
                yield self._across(places, columns)
                return
            for half in np.array_split(places, 2):
                yield from self._some(half, columns)
            return
        yield from self._told(places, columns, cells)

    def _across(self, places: Int64s, columns: Sequence[int]) -> Difference:
        """One row that is too large to be read at once. PageTooLarge where a single cell is."""
        half = len(columns) // 2
        if not half:
            [row] = self._told(places, columns, self._gathering.cells(self._opened, places, columns))
            return row
        left, right = (next(self._some(places, part)) for part in (columns[:half], columns[half:]))
        return Difference(
            left.position,
            left.status,
            left.a_row,
            left.b_row,
            None if left.a is None or right.a is None else [*left.a, *right.a],
            None if left.b is None or right.b is None else [*left.b, *right.b],
            [*left.changed, *(at + half for at in right.changed)],
            [*left.format_only, *(at + half for at in right.format_only)],
        )

    def _told(self, places: Int64s, columns: Sequence[int], cells: Gathered) -> Iterator[Difference]:
        changed, written = _lists(columns, cells)
        rows_a, rows_b = self._numbered(places)
        status = self._opened.status(places).tolist()
        left, right = (_by_row(side, len(places)) for side in (cells.a, cells.b))
        for at, position in enumerate(places.tolist()):
            what = RowStatus(status[at])
            yield Difference(
                position,
                what,
                int(rows_a[at]),
                int(rows_b[at]),
                None if what is RowStatus.ADDED else left[at],
                None if what is RowStatus.REMOVED else right[at],
                changed.get(at, []),
                written.get(at, []),
            )

    def _numbered(self, places: Int64s) -> tuple[Int64s, Int64s]:
        """The numbers of shown rows in A and B."""
        meta = self._opened.meta
        rows_a, rows_b = self._results.rows(self._opened, places)
        return self._numbers(meta.a, rows_a, "a"), self._numbers(meta.b, rows_b, "b")

    def _numbers(self, table: TableBlob, rows: Int64s, side: str) -> Int64s:
        if not table.numbers_key or not table.rows:
            return np.where(rows == NOWHERE, 0, rows + 1)
        return np.where(rows == NOWHERE, 0, self._results.all_numbers(table, side)[rows])


def _lists(columns: Sequence[int], cells: Gathered) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """The places of changed cells, and of those that only are written otherwise, by row."""
    changed: dict[int, list[int]] = {}
    written: dict[int, list[int]] = {}
    for at, place in enumerate(columns):
        if (states := cells.states.get(place)) is None:
            continue
        for row in np.flatnonzero((states == CellState.CHANGED) | (states == CellState.FORMAT_ONLY)).tolist():
            changed.setdefault(row, []).append(at)
            if states[row] == CellState.FORMAT_ONLY:
                written.setdefault(row, []).append(at)
    return changed, written


def _by_row(columns: Sequence[Array], rows: int) -> list[tuple[str | None, ...]]:
    """Columns as rows."""
    if not columns:
        return [()] * rows
    return list(zip(*(column.to_pylist() for column in columns), strict=True))
