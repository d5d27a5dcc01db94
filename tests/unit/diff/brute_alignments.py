"""The best of all alignments of two tiny tables, and what an alignment costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from brute_cells import Cell, state

from ret_diff.model import CellState, Options, Reading

Cells = Sequence[Cell]
"""Those of the compared columns."""


def pair_cost(one: Cells, other: Cells, weights: Sequence[int]) -> int:
    """The weights of the changed cells; how a value is written costs nothing."""
    kinds = (state(old, new, Options(), Reading()) for old, new in zip(one, other, strict=True))
    return sum(weight for weight, kind in zip(weights, kinds, strict=True) if kind is CellState.CHANGED)


def least(a: Sequence[Cells], b: Sequence[Cells], weights: Sequence[int], row_cost: int) -> int:
    """What the cheapest alignment costs, of all that there are."""

    @cache
    def rest(at: int, free: int) -> int:
        if at == len(a):
            return row_cost * free.bit_count()
        found = row_cost + rest(at + 1, free)
        for place in range(len(b)):
            if free >> place & 1:
                found = min(found, pair_cost(a[at], b[place], weights) + rest(at + 1, free & ~(1 << place)))
        return found

    return rest(0, (1 << len(b)) - 1)


def total(
    a: Sequence[Cells], b: Sequence[Cells], pairs: Iterable[tuple[int, int]], weights: Sequence[int], row_cost: int
) -> int:
    """What an alignment costs."""
    pairs = list(pairs)
    alone = len(a) + len(b) - 2 * len(pairs)
    return sum(pair_cost(a[one], b[other], weights) for one, other in pairs) + row_cost * alone
