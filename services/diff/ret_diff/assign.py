"""The best pairs among those that may be made: exactly where few hang together, one after the other where many do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment as untyped_assignment  # pyright: ignore[reportUnknownVariableType] - scipy says too little of its types
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components as untyped_components  # pyright: ignore[reportUnknownVariableType] - as above

from ret_diff.model import Int32s, Int64s

EXACT = 500
"""Rows of a side that hang together, up to which the best assignment is found."""
_TOGETHER = 1 << 10
"""More than twice `EXACT`: what pairs are worth is added up without a tie outweighing a cost."""

Worth = npt.NDArray[np.float64]

_assignment = cast("Callable[..., tuple[Int64s, Int64s]]", untyped_assignment)
_components = cast("Callable[..., tuple[int, Int32s]]", untyped_components)


@dataclass(frozen=True)
class Edges:
    """Pairs of rows that may be made, what they cost, and what making them is worth (more than nothing)."""

    a: Int64s
    b: Int64s
    cost: Int64s
    worth: Worth

    @staticmethod
    def of(a: Int64s, b: Int64s, cost: Int64s, ties: tuple[Int64s, Int64s], limits: tuple[int, int]) -> Edges:
        """Pairs by their costs.

        `ties`: what decides between equal costs, and between equal ones of that (0 to 2). `limits`: more than any cost,
        and the most that the first tie can be.
        """
        limit, most = limits
        first = 3 * _TOGETHER
        unit = float(first * (most + 1) * _TOGETHER)
        worth: Worth = np.asarray((limit - cost) * unit - ties[0] * first - ties[1], np.float64)
        return Edges(a, b, cost, worth)

    @staticmethod
    def joined(some: Sequence[Edges]) -> Edges:
        """All of them."""
        if not some:
            none = np.zeros(0, np.int64)
            return Edges(none, none, none, np.zeros(0))
        a, b, cost = (np.concatenate([getattr(one, what) for one in some]) for what in ("a", "b", "cost"))
        return Edges(a, b, cost, np.concatenate([one.worth for one in some]))

    def at(self, places: Int64s) -> Edges:
        """Some of them."""
        return Edges(self.a[places], self.b[places], self.cost[places], self.worth[places])


def assigned(edges: Edges, rows_a: int, rows_b: int) -> tuple[Int64s, Int64s, Int64s]:
    """The rows of A and of B that are paired, each at most once, and what each pair costs."""
    if not len(edges.a):
        return edges.a, edges.b, edges.cost
    graph = coo_array((np.ones(len(edges.a), np.int8), (edges.a, edges.b + rows_a)), shape=(rows_a + rows_b,) * 2)
    _, parts = _components(graph, directed=False)
    part = parts[edges.a].astype(np.int64)
    number = np.bincount(part)
    most_a, most_b = (
        np.bincount(parts[:rows_a], minlength=len(number)),
        np.bincount(parts[rows_a:], minlength=len(number)),
    )
    simple = (most_a[: len(number)] == 1) | (most_b[: len(number)] == 1)
    exact = ~simple & (most_a[: len(number)] <= EXACT) & (most_b[: len(number)] <= EXACT)
    chosen = [_greedy(edges, np.flatnonzero(~exact[part]))]
    places = np.flatnonzero(exact[part])
    order = places[np.argsort(part[places], kind="stable")]
    ends = np.flatnonzero(np.diff(part[order])) + 1
    chosen += [_exact(edges, some) for some in np.split(order, ends) if len(some)]
    best = edges.at(np.concatenate(chosen))
    return best.a, best.b, best.cost


def _exact(edges: Edges, places: Int64s) -> Int64s:
    """The places of the edges that together are worth the most."""
    some = edges.at(places)
    a, at_a = np.unique(some.a, return_inverse=True)
    b, at_b = np.unique(some.b, return_inverse=True)
    worth = np.zeros((len(a), len(b)))
    which = np.full(worth.shape, -1, np.int64)
    worth[at_a, at_b], which[at_a, at_b] = some.worth, places
    found = which[_assignment(worth, maximize=True)]
    return found[found >= 0]


def _greedy(edges: Edges, places: Int64s) -> Int64s:
    """The places of edges, taken one after the other, the best first, as long as both rows are free."""
    some = edges.at(places)
    order = places[np.lexsort((some.b, some.a, -some.worth))]
    found: list[Int64s] = []
    while len(order):
        a, b = edges.a[order], edges.b[order]
        first_a, first_b = (np.unique(side, return_index=True)[1] for side in (a, b))
        first = np.intersect1d(first_a, first_b, assume_unique=True)
        found.append(order[first])
        left = ~(np.isin(a, a[first]) | np.isin(b, b[first]))
        order = order[left]
    return np.concatenate(found) if found else places
