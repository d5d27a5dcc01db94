"""What a changed cell costs: much where two rows seldom agree by chance, next to nothing where they nearly always do.

A column weighs as many bits as agreement in it tells: one in which two rows of a side agree one time in eight weighs
three. Changing a row costs the weights of its changed cells. Two rows that have nothing to do with each other cost what
they do not share by chance; a pair is made only if it costs clearly less than that, and less than what it has in common
is worth: otherwise removing a row and adding another is cheaper. So what rows share by chance (nulls, flags) is nothing
in common. Everything is worked out from whole numbers, whatever the order of rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log2

import numpy as np

from ret_diff.model import Int32s, Int64s
from ret_diff.rows import Tables

SCALE = 1000
"""Of a bit, and of what happens always."""
_BITS = 10
"""The most a column weighs."""
_PRIOR = 4
"""Pairs of rows that are thought of besides those there are, of which one agrees. Tiny tables tell little."""
_SHARED = 2
"""Values that are thought of as shared: where few are, a column that was written anew tells little."""
_STRANGERS = (11, 16)
"""A pair costs less than this part of what two rows cost that have nothing to do with each other."""


@dataclass(frozen=True)
class Costs:
    """By compared column: weights, how often two rows of a side agree by chance, and the distinct values of each side.

    `chance` is in parts of `SCALE`; `belonging`: weight and chance of belonging to the same.
    """

    weights: Int64s
    chance: Int64s
    distinct: tuple[Int64s, Int64s]
    belonging: tuple[int, int]

    @property
    def replaced(self) -> int:
        """What it costs to remove a row and to add another."""
        # That rows belong to the same is something they have in common.
        weight, chance = self.belonging
        whole = int(self.weights.sum()) + weight
        strangers = int(self.weights @ (SCALE - self.chance)) + weight * (SCALE - chance)
        part, of = _STRANGERS
        return max(1, min(strangers * part // (of * SCALE * 2), whole // 4)) * 2

    def heaviest(self, count: int) -> list[int]:
        """The columns that weigh most, at most so many."""
        order: list[int] = np.argsort(-self.weights, kind="stable")[:count].tolist()
        return order

    def without(self, columns: Sequence[int]) -> Costs:
        """The same, where these columns tell nothing."""
        weights = self.weights.copy()
        weights[list(columns)] = 1
        return replace(self, weights=weights)


def costs(tables: Tables) -> Costs:
    """The costs of two tables."""
    pairs = sum(rows * (rows - 1) for rows in tables.rows)
    found = np.array([_column(one.a, one.b, pairs) for one in tables.columns], np.int64).reshape(-1, 4)
    weight, chance, *_ = (0, 0) if tables.parents is None else _column(*tables.parents, pairs)
    return Costs(found[:, 0], found[:, 1], (found[:, 2], found[:, 3]), (weight, chance))


def _column(a: Int32s | Int64s, b: Int32s | Int64s, pairs: int) -> tuple[int, int, int, int]:
    """(weight, chance, distinct values in A, in B)."""
    in_a, in_b = counted(a, b)
    agree = int(in_a @ (in_a - 1)) + int(in_b @ (in_b - 1)) + 1
    distinct_a, distinct_b = int(np.count_nonzero(in_a)), int(np.count_nonzero(in_b))
    shared = int(np.count_nonzero((in_a > 0) & (in_b > 0))) + _SHARED
    fewer = min(distinct_a, distinct_b) + _SHARED
    bits = min(float(_BITS), log2((pairs + _PRIOR) / agree))
    return max(1, int(SCALE * bits * shared / fewer)), SCALE * agree // (pairs + _PRIOR), distinct_a, distinct_b


def counted(a: Int32s | Int64s, b: Int32s | Int64s) -> tuple[Int64s, Int64s]:
    """How often each number is on either side, in the same order, numbers that are on neither left out or 0."""
    both = np.concatenate([a, b])
    most = int(both.max(initial=-1)) + 1
    if most > 2 * len(both):
        both = np.unique(both, return_inverse=True)[1]
        most = len(both)
    return np.bincount(both[: len(a)], minlength=most), np.bincount(both[len(a) :], minlength=most)
