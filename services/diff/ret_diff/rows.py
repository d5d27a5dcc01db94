"""The rows of two tables as numbers, and those of them without partner, with what is compared of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, groupby

import numpy as np

from ret_diff import hashes
from ret_diff.arrow import pa
from ret_diff.encode import Coded, numbered
from ret_diff.hashes import Hashes
from ret_diff.model import Int32s, Int64s, Options, Reading
from ret_diff.values import canonical, compared

PARENT = -1
"""The seed of what a row belongs to."""


@dataclass(frozen=True)
class Tables:
    """The compared columns of both sides.

    `blocks`: rows of different ones are never paired; `parents`: what each row belongs to, which the blocks hold, too.
    Both are numbers from 0.
    """

    names: Sequence[str]
    columns: Sequence[Coded]
    rows: tuple[int, int]
    options: Options = field(default_factory=Options)
    reading: Reading = field(default_factory=Reading)
    blocks: tuple[Int64s, Int64s] | None = None
    parents: tuple[Int64s, Int64s] | None = None

    def flipped(self) -> Tables:
        """The sides exchanged."""
        blocks = None if self.blocks is None else (self.blocks[1], self.blocks[0])
        parents = None if self.parents is None else (self.parents[1], self.parents[0])
        columns = [one.flipped() for one in self.columns]
        return replace(self, columns=columns, rows=(self.rows[1], self.rows[0]), blocks=blocks, parents=parents)

    @cached_property
    def hashes(self) -> tuple[Hashes, Hashes]:
        """The rows of each side as they stand."""
        return self._hashes(0), self._hashes(1)

    def _hashes(self, side: int) -> Hashes:
        total = hashes.rows(
            ((at, one.b if side else one.a, len(one.values)) for at, one in enumerate(self.columns)), self.rows[side]
        )
        return total if self.blocks is None else total + hashes.mixed(self.blocks[side], PARENT)


class Rest:
    """Rows without partner: what their cells are taken for, as numbers from 0, by column.

    `looked`: under the options and readings; `forms`: whatever the way they are written. Cells that are the same in
    `looked` are the same in `forms`.
    """

    def __init__(self, tables: Tables, left: tuple[Int64s, Int64s]) -> None:
        self.tables = tables
        self.a, self.b = left
        self.looked: list[tuple[Int32s, Int32s]] = []
        self.forms: list[tuple[Int32s, Int32s]] = []
        for _, some in groupby(tables.columns, key=lambda column: id(column.values)):
            self._add(list(some))

    @property
    def blocks(self) -> tuple[Int64s, Int64s]:
        """What each row belongs to."""
        if self.tables.blocks is None:
            return np.zeros(len(self.a), np.int64), np.zeros(len(self.b), np.int64)
        return self.tables.blocks[0][self.a], self.tables.blocks[1][self.b]

    def hashes(self, cells: Sequence[tuple[Int32s, Int32s]]) -> tuple[Hashes, Hashes]:
        """The rows of each side by `looked` or `forms`."""
        found: list[Hashes] = []
        for side in (0, 1):
            total = hashes.rows(((at, one[side], len(one[side])) for at, one in enumerate(cells)), len(self.side(side)))
            found.append(total + hashes.mixed(self.blocks[side], PARENT))
        return found[0], found[1]

    def side(self, side: int) -> Int64s:
        """The rows of A (0) or B (1)."""
        return self.b if side else self.a

    def kept(self, a: Int64s, b: Int64s) -> Rest:
        """Only some of the rows, by their places in this."""
        other = object.__new__(Rest)
        other.tables = self.tables
        other.a, other.b = self.a[a], self.b[b]
        other.looked = [(one[a], two[b]) for one, two in self.looked]
        other.forms = [(one[a], two[b]) for one, two in self.forms]
        return other

    def _add(self, columns: Sequence[Coded]) -> None:
        """Add columns that share their values."""
        cells = [(column.a[self.a], column.b[self.b]) for column in columns]
        there = np.zeros(len(columns[0].values), np.bool_)
        for side in chain.from_iterable(cells):
            there[side] = True
        used = np.flatnonzero(there)
        taken = columns[0].values.take(pa.array(used))
        options = self.tables.options
        if options.ignore_case or options.ignore_space or self.tables.reading != Reading():
            taken = compared(taken, options, self.tables.reading)
        looked, strings = numbered([taken])
        forms, _ = numbered([canonical(strings)])
        number = np.zeros(len(there), np.int32)
        number[used] = looked
        self.looked += [(number[a], number[b]) for a, b in cells]
        number[used] = forms[looked]
        self.forms += [(number[a], number[b]) for a, b in cells]
