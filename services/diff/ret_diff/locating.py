"""Where in a view something is: a row by its number, the next row that is not the same, the next text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from ret_diff.arrow import pa, pc
from ret_diff.errors import PageTooLarge
from ret_diff.gathering import Gathering
from ret_diff.marks import TABLES, Which
from ret_diff.meta import TableBlob
from ret_diff.model import NOWHERE, Int64s
from ret_diff.opened import UNLIMITED, Opened, Results
from ret_diff.stored import CELLS
from ret_kit.errors import Invalid, NotFound

FEWEST_ROWS, MOST_ROWS = 512, 8192
"""Rows of which the cells are looked at together."""
THREADS = min(4, len(os.sched_getaffinity(0)))
INDEX_ROWS = 1 << 20
"""Rows of the index that are looked at together."""


@dataclass(frozen=True)
class Sought:
    """One of these. Rows by their numbers; positions in the view, themselves not counted; a text from `start` on.

    Rows that are not the same are those of the changed view, with `moves` also those that only moved. A text is sought
    in the cells of both sides, case ignored, row by row from left to right.
    """

    a_row: int | None = None
    b_row: int | None = None
    next_after: int | None = None
    last_before: int | None = None
    text: str = ""
    start: int = 0
    moves: bool = False


@dataclass(frozen=True)
class Located:
    """A position in the view, the numbers of its row, and the column: of the text, or the first changed one."""

    position: int
    a_row: int | None
    b_row: int | None
    column: str


class Locating:
    """Looks for things in results, for several threads."""

    def __init__(self, results: Results, gathering: Gathering) -> None:
        self._results, self._gathering = results, gathering

    def find(self, opened: Opened, view: Which, sought: Sought) -> Located:
        """NotFound when it is not in the view, or not in the result; SideGone, BlobDamaged."""
        if sought.text:
            return self._text(opened, view, sought.text, max(0, sought.start))
        if sought.a_row is not None:
            place = self._row_a(opened, sought.a_row)
        elif sought.b_row is not None:
            place = self._row_b(opened, sought.b_row)
        elif sought.next_after is not None or sought.last_before is not None:
            place = self._neighbour(opened, view, sought)
        else:
            raise Invalid(field="locate", reason="says nothing to look for")
        if place is None or not TABLES[view][opened.marks.marks[place]]:
            raise NotFound(what="row")
        return self._located(opened, view, place, self._gathering.changed(opened, place))

    def _located(self, opened: Opened, view: Which, place: int, column: int | None) -> Located:
        places = np.array([place])
        rows_a, rows_b = self._results.rows(opened, places)
        return Located(
            int(opened.marks.ranks(view, places)[0]),
            self._results.numbers(opened.meta.a, rows_a, "a")[0],
            self._results.numbers(opened.meta.b, rows_b, "b")[0],
            "" if column is None else opened.meta.columns[column].name,
        )

    def _row_a(self, opened: Opened, number: int) -> int | None:
        row = self._row(opened.meta.a, number, "a")
        if opened.only == "b" or row is None:
            return None
        found = opened.marks.places(Which.IN_A, row, row + 1)
        return int(found[0]) if len(found) else None

    def _row_b(self, opened: Opened, number: int) -> int | None:
        row = self._row(opened.meta.b, number, "b")
        if opened.only == "a" or row is None:
            return None
        if not opened.meta.index:
            return row if row < len(opened.marks) else None
        for start in range(0, len(opened.marks), INDEX_ROWS):
            places = np.arange(start, min(start + INDEX_ROWS, len(opened.marks)))
            found = np.flatnonzero(self._results.index(opened, "b_row", places) == row)
            if len(found):
                return start + int(found[0])
        return None

    def _row(self, table: TableBlob, number: int, side: str) -> int | None:
        """The row of a table that has this number."""
        if not table.numbers_key:
            return number - 1 if number >= 1 else None
        found = np.flatnonzero(self._results.all_numbers(table, side) == number)
        return int(found[0]) if len(found) else None

    def _neighbour(self, opened: Opened, view: Which, sought: Sought) -> int | None:
        """The next, or the last, row that is not the same."""
        marks = opened.marks
        which = Which.MOVES if sought.moves and view is not Which.CHANGED else Which.CHANGED
        total = marks.total(view)
        if sought.next_after is not None:
            position = max(0, sought.next_after + 1)
            if position >= total:
                return None
            rank = int(marks.ranks(which, marks.at(view, np.array([position])))[0])
        else:
            position = min(total, sought.last_before or 0)
            if position <= 0:
                return None
            place = marks.at(view, np.array([position])) if position < total else None
            rank = (int(marks.ranks(which, place)[0]) if place is not None else marks.total(which)) - 1
        found = marks.places(which, rank, rank + 1)
        return int(found[0]) if rank >= 0 and len(found) else None

    def _text(self, opened: Opened, view: Which, text: str, start: int) -> Located:
        wanted = pc.utf8_lower(pa.scalar(text)).as_py()
        columns, total = len(opened.meta.columns), opened.marks.total(view)
        step = max(FEWEST_ROWS, min(MOST_ROWS, CELLS // 2 // max(1, columns)))
        steps = range(start, total, step)

        def look(first: int) -> tuple[int, int]:
            places = opened.marks.places(view, first, first + step)
            row, column = self._first(opened, places, wanted)
            return (int(places[row]), column) if row != NOWHERE else (NOWHERE, NOWHERE)

        # Arrow leaves Python's lock alone; memory is that of as many steps as there are threads.
        with ThreadPoolExecutor(THREADS, thread_name_prefix="locate") as threads:
            for at in range(0, len(steps), THREADS):
                for place, column in threads.map(look, steps[at : at + THREADS]):
                    if place != NOWHERE:
                        return self._located(opened, view, place, column)
        raise NotFound(what="text")

    def _first(self, opened: Opened, places: Int64s, wanted: str) -> tuple[int, int]:
        """(which of the rows is the first to hold the text, in which column), NOWHERE for none."""
        best, column = len(places), NOWHERE
        width = max(1, CELLS // 2 // max(1, len(places)))
        for first in range(0, len(opened.meta.columns), width):
            some = range(first, min(first + width, len(opened.meta.columns)))
            row, found = self._among(opened, places[:best], some, wanted)
            if row != NOWHERE:
                best, column = row, found
            if not best:
                break
        return (best, column) if column != NOWHERE else (NOWHERE, NOWHERE)

    def _among(self, opened: Opened, places: Int64s, columns: Sequence[int], wanted: str) -> tuple[int, int]:
        """As `_first`, among some columns; rows that hold too much to be looked at together are looked at by halves."""
        try:
            cells = self._gathering.cells(opened, places, columns, UNLIMITED if len(places) == 1 else CELLS << 5)
        except PageTooLarge:
            middle = len(places) // 2
            row, column = self._among(opened, places[:middle], columns, wanted)
            if row != NOWHERE:
                return row, column
            row, column = self._among(opened, places[middle:], columns, wanted)
            return (row + middle, column) if row != NOWHERE else (row, column)
        best, column = len(places), NOWHERE
        for at, left, right in zip(columns, cells.a, cells.b, strict=True):
            for side in (left,) if right is left else (left, right):
                row = _holds(side.slice(0, best), wanted)
                if row != NOWHERE:
                    best, column = row, at
        return (best, column) if column != NOWHERE else (NOWHERE, NOWHERE)


def _holds(cells: Any, wanted: str) -> int:
    return int(pc.index(pc.match_substring(pc.utf8_lower(cells), wanted), value=True).as_py())
