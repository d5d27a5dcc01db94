"""The cells of some shown rows: what stands in A, what stands in B, and where the two differ."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ret_diff.arrow import Array, pa, pc
from ret_diff.errors import PageTooLarge, SideGone
from ret_diff.marks import IGNORED_ROWS, SECTION_SHIFT, SECTIONS, Which
from ret_diff.model import NOWHERE, Bytes8, CellState, Flags, Int64s, RowStatus
from ret_diff.opened import Opened
from ret_diff.stored import BYTES, CELLS, Stored
from ret_kit.errors import NotFound

TEXT = pa.large_string()


@dataclass(frozen=True)
class Gathered:
    """Cells of shown rows, column by column; null also where a side has no such row or column.

    `states` has the CellState of each cell for the columns in which cells differ. `differ` are the rows whose cells of
    B are not those of A, whatever is looked at.
    """

    a: list[Array]
    b: list[Array]
    states: dict[int, Bytes8]
    differ: Flags


class Gathering:
    """Reads cells of results, for several threads."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    def cells(self, opened: Opened, places: Int64s, columns: Sequence[int], most: int = BYTES) -> Gathered:
        """The cells of shown rows, which rise, in columns by their places in the result; `most` bytes of each blob.

        SideGone when rows that are the same are wanted and A's table is not there any more. PageTooLarge, BlobDamaged.
        """
        if 2 * len(places) * len(columns) > CELLS:
            raise PageTooLarge(cells=CELLS, bytes=BYTES)
        rows = _Rows(opened, places)
        kept = self._kept(opened, rows, columns, most)
        table = self._table(opened, rows, columns, most)
        a: list[Array] = []
        b: list[Array] = []
        states: dict[int, Bytes8] = {}
        chosen = _Choices()
        differ = rows.one_sided.copy()
        for at in columns:
            column = opened.meta.columns[at]
            left = chosen([table.get(at), kept.get(f"a{at}")], [rows.in_table, rows.whole])
            if f"s{at}" in kept:
                states[at] = np.asarray(pc.fill_null(chosen([kept[f"s{at}"]], [rows.kept]), 0))
                differ |= states[at] > 0
            if column.a is None or column.b is None:
                differ[:] = True
                right = left if opened.only == "b" else chosen([kept.get(f"+{at}")], [rows.everywhere])
                a.append(chosen([None], [rows.everywhere]) if column.a is None else left)
                b.append(right)
            else:
                a.append(left)
                b.append(_right(rows, left, states.get(at), kept.get(f"b{at}"), chosen))
        return Gathered(a, b, states, differ)

    def changed(self, opened: Opened, place: int) -> int | None:
        """The first column in which a shown row has a changed cell, None for none."""
        rows = _Rows(opened, np.array([place]))
        for part in opened.meta.parts if len(rows.ranks) else ():
            if part.everywhere:
                continue
            there = self._stored.footer(part.key, part.size).names
            places = [at for at in range(part.first, part.end) if f"s{at}" in there]
            states = self._stored.rows(part.key, part.size, rows.ranks, [f"s{at}" for at in places])
            for at, [state] in zip(places, (column.to_pylist() for column in states.columns), strict=True):
                if state in (CellState.CHANGED, CellState.FORMAT_ONLY):
                    return at
        return None

    def _kept(self, opened: Opened, rows: _Rows, columns: Sequence[int], most: int) -> dict[str, Array]:
        """What the artefact has of these columns, `+<j>` those of B alone: for all rows, others for `rows.ranks`."""
        found: dict[str, Array] = {}
        for part in opened.meta.parts:
            places = rows.places if part.everywhere else rows.ranks
            asked = columns[bisect_left(columns, part.first) : bisect_left(columns, part.end)]
            if not asked or not len(places):
                continue
            there = self._stored.footer(part.key, part.size).names
            names = [name for at in asked for name in (f"a{at}", f"b{at}", f"s{at}") if name in there]
            table = self._stored.rows(part.key, part.size, places, names, most)
            for name, cells in zip(names, table.columns, strict=True):
                found[f"+{name[1:]}" if part.everywhere else name] = cells
        return found

    def _table(self, opened: Opened, rows: _Rows, columns: Sequence[int], most: int) -> dict[int, Array]:
        """What A's table has of these columns, for `rows.table_rows`."""
        if not len(rows.table_rows):
            return {}
        shown, of_b = opened.meta.columns, opened.only == "b"
        names = {at: shown[at].b if of_b else shown[at].a for at in columns}
        wanted = {at: name for at, name in names.items() if name is not None}
        where = opened.meta.table
        try:
            table = self._stored.rows(where.key, where.size, rows.table_rows, list(wanted.values()), most)
        except NotFound:
            raise SideGone(side=opened.side) from None
        return dict(zip(wanted, table.columns, strict=True))


class _Rows:
    """Where the cells of shown rows are; NOWHERE for those that are not there."""

    def __init__(self, opened: Opened, places: Int64s) -> None:
        marks, meta = opened.marks, opened.meta
        own = marks.marks[places]
        self.places = places
        self.status = opened.status(places)
        sections = own >> SECTION_SHIFT
        rank = np.full(len(places), NOWHERE, np.int64)
        first = 0
        for section, (which, count) in enumerate(zip(SECTIONS, meta.sections, strict=True), 1):
            inside = sections == section
            if inside.any():
                rank[inside] = first + marks.ranks(which, places[inside])
            first += count
        self.ranks = np.sort(rank[rank != NOWHERE])
        """The kept rows, as they are read; `kept` are the places of the shown rows among them."""
        self.kept = np.where(rank == NOWHERE, NOWHERE, np.searchsorted(self.ranks, rank))
        in_a = self.status != RowStatus.ADDED
        copied = in_a & (sections > 0) & (sections != IGNORED_ROWS) & (not meta.own)
        self.whole = np.where(copied, self.kept, NOWHERE)
        """As `kept`, for those of which all of A is kept."""
        from_table = in_a & ~copied if not opened.only else np.ones(len(places), np.bool_)
        self.in_table = np.where(from_table, np.cumsum(from_table) - 1, NOWHERE)
        """The places of the shown rows among those that are read from the table, `table_rows`."""
        chosen = places[from_table]
        self.table_rows = chosen if opened.only else marks.ranks(Which.IN_A, chosen)
        self.everywhere = np.arange(len(places))
        self.one_sided = (self.status == RowStatus.ADDED) | (self.status == RowStatus.REMOVED)
        self.both = np.where(self.one_sided, NOWHERE, self.everywhere)
        self.added = np.where(self.status == RowStatus.ADDED, self.kept, NOWHERE)


def _right(rows: _Rows, left: Array, state: Bytes8 | None, new: Array | None, chosen: _Choices) -> Array:
    """The cells of B in a column of both sides, by those of A."""
    if state is None or not state.any():
        if not rows.one_sided.any():
            return left
        return chosen([left, new], [rows.both, rows.added])
    other = (rows.status == RowStatus.ADDED) | (state > 0)
    same = np.where(other | rows.one_sided, NOWHERE, rows.everywhere)
    return _Choices()([left, new], [same, np.where(other, rows.kept, NOWHERE)])


class _Choices:
    """For each row the value at its place in the first of some values in which it has one, null if in none.

    Where the values come from is the same for most columns, and found out once.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], Any] = {}

    def __call__(self, values: Sequence[Any], places: Sequence[Int64s]) -> Array:
        there = [_flat(one) for one in values if one is not None]
        key = (*map(id, places), *(NOWHERE if one is None else len(one) for one in values))
        if key not in self._known:
            self._known[key] = _found(values, places)
        found = self._known[key]
        if found is None:
            return there[0]
        whole = pa.nulls(0, TEXT) if not there else there[0] if len(there) == 1 else pa.concat_arrays(there)
        return whole.take(found)


def _found(values: Sequence[Any], places: Sequence[Int64s]) -> Any | None:
    """The place of each row among all values one after the other; None where that is all of one in their order."""
    found = np.full(len(places[0]), NOWHERE, np.int64)
    before = there = 0
    for one, where in zip(values, places, strict=True):
        if one is not None:
            found = np.where((found == NOWHERE) & (where != NOWHERE), where + before, found)
            before += len(one)
            there += 1
    if there == 1 and before == len(found) and (found == np.arange(before)).all():
        return None
    return pa.array(found, mask=found == NOWHERE)


def _flat(values: Any) -> Any:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return whole.cast(TEXT) if pa.types.is_string(whole.type) else whole
