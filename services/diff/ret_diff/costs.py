"""What a changed cell costs: much in a column where two rows seldom agree by chance, next to nothing where they always do.

Changing a row costs the weights of its changed cells, removing one row and adding another half of all weights. So a row
counts as changed only if it has more in common with its partner than not, and what rows share by chance (nulls, flags)
is nothing in common. Everything is worked out in whole numbers, exactly, whatever the order of rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ret_diff.encode import Coded
from ret_diff.model import Int64s
from ret_diff.rows import Tables

SCALE = 4000
"""The weight of a column in which no two rows agree by chance."""
_PRIOR = 2
"""Pairs of rows that are thought of besides those there are; one of two agrees. Tiny tables tell little."""


@dataclass(frozen=True)
class Costs:
    """By compared column: `weights`, and `chance`, how often two rows of one side agree; distinct values of each side."""

    weights: Int64s
    chance: Int64s
    distinct: tuple[Int64s, Int64s]
    """`chance` in parts of `SCALE`."""

    @property
    def replaced(self) -> int:
        """What it costs to remove a row and add another."""
        return max(1, int(self.weights.sum()) // 2)


def costs(tables: Tables) -> Costs:
    """The costs of two tables."""
    pairs = sum(rows * (rows - 1) for rows in tables.rows)
    found = np.array([_column(column, pairs) for column in tables.columns], np.int64).reshape(-1, 4)
    return Costs(found[:, 0], found[:, 1], (found[:, 2], found[:, 3]))


def _column(column: Coded, pairs: int) -> tuple[int, int, int, int]:
    """(weight, chance, distinct values in A, in B)."""
    numbers = [np.bincount(side, minlength=1) for side in (column.a, column.b)]
    equal = sum(int(number @ (number - 1)) for number in numbers)
    in_a, in_b = (int(np.count_nonzero(number)) for number in numbers)
    least = min(len(number) for number in numbers)
    shared = int(np.count_nonzero((numbers[0][:least] > 0) & (numbers[1][:least] > 0)))
    of = pairs + _PRIOR
    other = of - equal - _PRIOR // 2
    fewer = min(in_a, in_b) + _PRIOR
    weight = SCALE * other * (shared + _PRIOR) // (of * fewer)
    return max(4, weight // 4 * 4), SCALE - SCALE * other // of, in_a, in_b
