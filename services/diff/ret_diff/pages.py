"""Pages of results: some rows of a view, from anywhere, as the JSON of the REST contract.

    results = ResultPages(blobs)
    of = Compared(prefix, a, b)                     # a, b: TableBlob; prefix: what artefact.write told, may be empty
    page = results.rows(of, Window(View.CHANGED, offset=0, limit=100))
    page.total, page.columns, page.pieces()         # pieces are a JSON list of rows, cut anywhere
    results.locate(of, Which.FULL, Sought(next_after=17)).position
    results.strip(of, Which.FULL, 400).changed
    results.patterns(of, 0, 100).items
    bus.subscribe("sessions.closing.*", results.heard)

Everything but `heard` blocks: it is for threads, not for the event loop. All raise NotFound when the result is not
there any more, SideGone when only its side is and the view needs it, BlobDamaged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from ret_diff.gathering import Gathered, Gathering
from ret_diff.locating import Located, Locating, Sought
from ret_diff.marks import MOVED, Which
from ret_diff.meta import ShownColumn, TableBlob
from ret_diff.model import Bytes8, CellState, ColumnStatus, Flags
from ret_diff.opened import Compared, Opened, Results
from ret_diff.stored import KEPT, Kept, Stored
from ret_kit.blobs import Blobs

__all__ = ["Compared", "Located", "ResultPage", "ResultPages", "Sought", "TableBlob", "Which", "Window", "view_of"]

PIECE = 16_384
"""Cells that become JSON at once: the interpreter is held for about two milliseconds."""
UNCHANGED = 100
"""Columns that are shown in place of changed ones where nothing tells any."""
STATUSES = ("same", "changed", "added", "removed")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Window:
    """The rows of a view that are asked for, with all columns, or with key columns and those with changes."""

    view: Which
    offset: int
    limit: int
    all_columns: bool = False


@dataclass(frozen=True)
class ResultPage:
    """Some rows of a view that has `total`."""

    total: int
    columns: list[ShownColumn]
    rows_a: Sequence[int | None]
    rows_b: Sequence[int | None]
    status: Bytes8
    moved: Flags
    cells: Gathered
    places: Sequence[int]
    """Of the columns, in the result."""

    def pieces(self) -> Iterator[bytes]:
        """The rows as a JSON list of `{status, moved, a_row, b_row, a, b, changed, format_only}`, in pieces."""
        # Of a wide table the rows that fit into a page are few, and its columns are gone through once.
        step = PIECE // max(1, 2 * len(self.columns)) or max(1, len(self.rows_a))
        lead = "["
        for start in range(0, len(self.rows_a), step):
            yield (lead + ",".join(self._rows(start, min(start + step, len(self.rows_a))))).encode()
            lead = ","
        yield b"[]" if lead == "[" else b"]"

    def _rows(self, start: int, end: int) -> Iterator[str]:
        cells, size = self.cells, end - start
        left, right = (
            zip(*(column.slice(start, size).to_pylist() for column in side), strict=True) if side else ((),) * size
            for side in (cells.a, cells.b)
        )
        changed, written = self._lists(start, end)
        told = zip(
            self.rows_a[start:end],
            self.rows_b[start:end],
            self.status[start:end].tolist(),
            self.moved[start:end].tolist(),
            cells.differ[start:end].tolist(),
            left,
            right,
            strict=True,
        )
        for at, (row_a, row_b, status, moved, differ, cells_a, cells_b) in enumerate(told):
            of_a = "null" if row_a is None else _encode(cells_a)
            of_b = "null" if row_b is None else of_a if not differ else _encode(cells_b)
            yield (
                f'{{"status":"{STATUSES[status]}","moved":{"true" if moved else "false"}'
                f',"a_row":{"null" if row_a is None else row_a},"b_row":{"null" if row_b is None else row_b}'
                f',"a":{of_a},"b":{of_b},"changed":{changed.get(at, [])},"format_only":{written.get(at, [])}}}'
            )

    def _lists(self, start: int, end: int) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
        """The places of changed cells, and of those that only are written otherwise, by row."""
        changed: dict[int, list[int]] = {}
        written: dict[int, list[int]] = {}
        for at, place in enumerate(self.places):
            if (states := self.cells.states.get(place)) is None:
                continue
            some = states[start:end]
            for row in np.flatnonzero((some == CellState.CHANGED) | (some == CellState.FORMAT_ONLY)).tolist():
                changed.setdefault(row, []).append(at)
                if some[row] == CellState.FORMAT_ONLY:
                    written.setdefault(row, []).append(at)
        return changed, written


@dataclass(frozen=True)
class Strip:
    """A view at a glance: its rows by status, one number for each stretch, and all columns of the result.

    `changed` are rows of both sides that are not the same; `moved` are in any status.
    """

    total: int
    added: list[int]
    removed: list[int]
    changed: list[int]
    moved: list[int]
    columns: Sequence[ShownColumn]


@dataclass(frozen=True)
class ShownPattern:
    """The same change in many rows; None is an absent cell."""

    column: str
    old: str | None
    new: str | None
    count: int
    format_only: bool


@dataclass(frozen=True)
class PatternPage:
    """Some patterns of `total` that are kept; there were `all`."""

    total: int
    all: int
    items: list[ShownPattern]


class ResultPages:
    """The pages of all results, for several threads."""

    def __init__(self, blobs: Blobs) -> None:
        self._kept = Kept(KEPT)
        self._stored = Stored(blobs, self._kept)
        self._results = Results(self._stored, self._kept)
        self._gathering = Gathering(self._stored)
        self._locating = Locating(self._results, self._gathering)

    @property
    def kept(self) -> int:
        """Things that are kept in memory."""
        return len(self._kept)

    def rows(self, of: Compared, window: Window) -> ResultPage:
        """The rows of the window, as far as the view has them. PageTooLarge."""
        opened = self._results.open(of)
        marks, meta = opened.marks, opened.meta
        total = marks.total(window.view)
        columns = range(len(meta.columns)) if window.all_columns else changed_columns(opened)
        # A page that is too large is refused before its rows are looked for.
        places = marks.places(window.view, window.offset, window.offset + window.limit)
        cells = self._gathering.cells(opened, places, columns)
        rows_a, rows_b = self._results.rows(opened, places)
        return ResultPage(
            total=total,
            columns=[meta.columns[at] for at in columns],
            rows_a=self._results.numbers(meta.a, rows_a, "a"),
            rows_b=self._results.numbers(meta.b, rows_b, "b"),
            status=opened.status(places),
            moved=(marks.marks[places] & MOVED) > 0,
            cells=cells,
            places=columns,
        )

    def locate(self, of: Compared, view: Which, sought: Sought) -> Located:
        """Where in a view something is. NotFound when it is nowhere in it."""
        return self._locating.find(self._results.open(of), view, sought)

    def strip(self, of: Compared, view: Which, stretches: int) -> Strip:
        """A view at a glance, in so many stretches."""
        opened = self._results.open(of)
        marks, total = opened.marks, opened.marks.total(view)
        starts = -(-np.arange(stretches) * total // stretches)
        inside = starts < total
        places = marks.at(view, starts[inside])

        def counted(which: Which) -> list[int]:
            before = np.full(stretches + 1, marks.total(which))
            before[:-1][inside] = marks.ranks(which, places)
            return np.diff(before).tolist()

        return Strip(
            total=total,
            added=counted(Which.ADDED),
            removed=counted(Which.REMOVED),
            changed=counted(Which.CHANGED_ONLY),
            moved=counted(Which.MOVED_CHANGED if view is Which.CHANGED else Which.MOVED),
            columns=opened.meta.columns,
        )

    def patterns(self, of: Compared, offset: int, limit: int) -> PatternPage:
        """Equal changes, the most frequent first."""
        meta = self._results.meta(of.prefix) if of.prefix else None
        if meta is None or not meta.patterns:
            return PatternPage(0, 0, [])
        places = np.arange(min(offset, meta.patterns_kept), min(offset + limit, meta.patterns_kept))
        names = ["column", "old", "new", "count", "format_only"]
        found = self._stored.rows(meta.patterns, meta.patterns_size, places, names)
        cells = zip(*(column.to_pylist() for column in found.columns), strict=True)
        items = [
            ShownPattern(meta.columns[cast("int", column)].name, old, new, cast("int", count), bool(format_only))
            for column, old, new, count, format_only in cells
        ]
        return PatternPage(meta.patterns_kept, meta.patterns_total, items)

    async def heard(self, subject: str, _data: bytes) -> None:
        """`sessions.closing.<session>` has come: what is kept of its results goes."""
        self._kept.forget(subject.rpartition(".")[2])


def view_of(name: str, *, moves: bool) -> Which:
    """The view of this name: full, or changed (also for an empty name)."""
    if name == "full":
        return Which.FULL
    return Which.MOVES if moves else Which.CHANGED


def changed_columns(opened: Opened) -> list[int]:
    """Key columns and those in which something changed; where there is neither, the first ones."""
    calm = (ColumnStatus.SAME, ColumnStatus.IGNORED)
    columns = opened.meta.columns
    found = [] if opened.only else [at for at, one in enumerate(columns) if one.key or one.status not in calm]
    return found or list(range(min(UNCHANGED, len(columns))))
