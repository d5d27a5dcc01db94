"""Which cells of aligned rows differ, and how: column by column, only where the values are not the same.

    work = CellWork(alignment, options, together(reading_a, reading_b))
    for place, column in enumerate(columns):
        work.coded(place, codes_a, codes_b, dictionary)     # or work.differing(place, positions, old, new)
    found = work.conclude(columns)

What two values are to each other is asked once for each distinct pair, so that a column without differences costs one
comparison of integers, and one with a million equal changes hardly more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ret_diff.arrow import Array, pa
from ret_diff.model import (
    NOWHERE,
    Alignment,
    Bytes8,
    CellChanges,
    CellState,
    ColumnStatus,
    Counts,
    Int32s,
    Int64s,
    MatchedColumn,
    Options,
    Pattern,
    Reading,
    RowStatus,
    Values,
)
from ret_diff.patterns import Patterns
from ret_diff.values import states


@dataclass(frozen=True)
class Found:
    """What comparing cells gives to a `Result`; the columns have their status."""

    columns: tuple[MatchedColumn, ...]
    status: Bytes8
    cells: tuple[CellChanges, ...]
    counts: Counts
    patterns: tuple[Pattern, ...]
    patterns_total: int
    values: Values


class Encoded:
    """The cells of columns that were given by their codes."""

    def __init__(self) -> None:
        self._columns: dict[int, tuple[Int32s, Int32s, Array]] = {}

    def add(self, column: int, a: Int32s, b: Int32s, values: Array) -> None:
        self._columns[column] = a, b, values

    def taken(self, side: str, column: int, rows: Int64s) -> Any | None:
        if column not in self._columns:
            return None
        a, b, values = self._columns[column]
        return _indirect(values, (a if side == "a" else b)[rows])


class CellWork:
    """Compares the columns of two aligned tables one after the other; `reading` is that of both sides together."""

    def __init__(self, alignment: Alignment, options: Options, reading: Reading) -> None:
        self._alignment, self._options, self._reading = alignment, options, reading
        self._pairs = np.flatnonzero((alignment.a_rows != NOWHERE) & (alignment.b_rows != NOWHERE))
        self._a, self._b = alignment.a_rows[self._pairs], alignment.b_rows[self._pairs]
        self._cells: list[CellChanges] = []
        self._patterns = Patterns()
        self._values = Encoded()

    def coded(self, column: int, a: Int32s, b: Int32s, values: Array, *, ignored: bool = False) -> None:
        """Compare a column by its codes: places in `values`, the same value the same code in A and B.

        An absent cell has a code of its own, of a null among the values, or one below 0. `ignored`: every difference
        is one that nobody looks at (links, columns left out).
        """
        self._values.add(column, a, b, values)
        old, new = a[self._a], b[self._b]
        places = np.flatnonzero((old != new) & ((old >= 0) | (new >= 0)))
        if len(places):
            self._differ(column, self._pairs[places], (old[places], new[places]), (values, values), ignored=ignored)

    def differing(self, column: int, positions: Int64s, old: Array, new: Array, *, ignored: bool = False) -> None:
        """Take the cells of a column that are not the same as they stand: shown rows, rising, and both values."""
        if len(positions):
            one, other = (pa.array(side).dictionary_encode() for side in (old, new))
            codes = tuple(_codes(side.indices) for side in (one, other))
            self._differ(column, positions, (codes[0], codes[1]), (one.dictionary, other.dictionary), ignored=ignored)

    def conclude(self, columns: Sequence[MatchedColumn]) -> Found:
        """The whole of it; the columns were added in their order, those that cannot differ left out."""
        alignment = self._alignment
        status = np.zeros(len(alignment.a_rows), np.uint8)
        cells = format_only = 0
        named = list(columns)
        for one in self._cells:
            changed = one.states != CellState.IGNORED
            status[one.positions[changed]] = RowStatus.CHANGED
            count = int(np.count_nonzero(changed))
            cells += count
            format_only += int(np.count_nonzero(one.states == CellState.FORMAT_ONLY))
            if count and named[one.column].status is ColumnStatus.SAME:
                named[one.column] = replace(named[one.column], status=ColumnStatus.CHANGED)
        status[alignment.a_rows == NOWHERE] = RowStatus.ADDED
        status[alignment.b_rows == NOWHERE] = RowStatus.REMOVED
        by_status = np.bincount(status, minlength=len(RowStatus)).tolist()
        counts = Counts(
            rows_added=by_status[RowStatus.ADDED],
            rows_removed=by_status[RowStatus.REMOVED],
            rows_changed=by_status[RowStatus.CHANGED],
            rows_moved=int(np.count_nonzero(alignment.moved)),
            cells_changed=cells,
            cells_format_only=format_only,
        )
        found = self._patterns.found()
        return Found(tuple(named), status, tuple(self._cells), counts, found, self._patterns.total, self._values)

    def _differ(
        self,
        column: int,
        positions: Int64s,
        codes: tuple[Int32s, Int32s],
        values: tuple[Array, Array],
        *,
        ignored: bool,
    ) -> None:
        """Compare cells by codes, each side with its own values."""
        old, new = codes
        if ignored:
            of_cells = np.full(len(positions), CellState.IGNORED, np.uint8)
        else:
            both = pa.array((old.astype(np.int64) << 32) | (new.astype(np.int64) & 0xFFFFFFFF)).dictionary_encode()
            distinct = np.asarray(both.dictionary)
            one = _values(values[0], (distinct >> 32).astype(np.int32))
            other = _values(values[1], distinct.astype(np.int32))
            of_pairs = states(one, other, self._options, self._reading)
            which = np.asarray(both.indices)
            self._patterns.add(column, one, other, np.bincount(which, minlength=len(distinct)), of_pairs)
            of_cells = of_pairs[which]
        self._cells.append(
            CellChanges(column, positions, of_cells, _indirect(values[0], old), _indirect(values[1], new))
        )


def _codes(indices: Any) -> Int32s:
    return np.asarray(indices.fill_null(-1)).astype(np.int32)


def _values(values: Array, codes: Int32s) -> Array:
    return values.take(pa.array(codes, mask=codes < 0))


def _indirect(values: Array, codes: Int32s) -> Array:
    """The values of codes, each distinct one held once, and none that is not used."""
    used = pa.array(codes, mask=codes < 0).dictionary_encode()
    return pa.DictionaryArray.from_arrays(used.indices, values.take(used.dictionary))
