"""Which of all possible pairs are taken, so that all of them together are the best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

EXACT = 500
"""Documents of a side in a component up to which the best assignment is found; above, the best pair goes first."""
LEVELS = 10_000
"""Steps of a score, so that sums are exact and equals are equal."""
NOTHING = 0.35
"""The score that is worth nothing: two good pairs out of three documents are no better than one very good one."""


class Edge(NamedTuple):
    """Two documents that may belong together, by their paths, and how sure that is, 0 to 1."""

    a: str
    b: str
    score: float


def assigned(edges: Iterable[Edge]) -> list[Edge]:
    """The edges that are taken, each path at most once: those with the greatest sum of scores above NOTHING.

    The same whatever the order of edges, and with the sides swapped.
    """
    found: list[Edge] = []
    for component in components(sorted(edges)):
        many = max(len({edge.a for edge in component}), len({edge.b for edge in component}))
        found.extend(_best_first(component) if many > EXACT else _exactly(component))
    return sorted(found)


def components(edges: Sequence[Edge]) -> Iterator[list[Edge]]:
    """The edges in groups that have no path in common."""
    roots: dict[tuple[str, str], tuple[str, str]] = {}

    def root(one: tuple[str, str]) -> tuple[str, str]:
        above = roots.setdefault(one, one)
        while above != one:
            roots[one] = roots[above]
            one, above = above, roots[above]
        return one

    for edge in edges:
        roots[root(("a", edge.a))] = root(("b", edge.b))
    grouped: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in edges:
        grouped[root(("a", edge.a))].append(edge)
    yield from grouped.values()


def _worth(edge: Edge) -> float:
    """What taking an edge is worth; of equal ones a little more for those whose paths say so, whichever comes first."""
    drawn = int.from_bytes(blake2b("\0".join(sorted(edge[:2])).encode(), digest_size=4).digest(), "little")
    return round((edge.score - NOTHING) * LEVELS) + drawn / 2**32 / (2 * EXACT)


def _exactly(edges: Sequence[Edge]) -> Iterator[Edge]:
    if len(edges) == 1:
        yield edges[0]
        return
    mine = {path: at for at, path in enumerate(sorted({edge.a for edge in edges}))}
    others = {path: at for at, path in enumerate(sorted({edge.b for edge in edges}))}
    worth = np.zeros((len(mine), len(others)))
    by_place = {(mine[edge.a], others[edge.b]): edge for edge in edges}
    for place, edge in by_place.items():
        worth[place] = _worth(edge)
    solver: Any = optimize
    rows, columns = solver.linear_sum_assignment(worth, maximize=True)
    for place in zip(rows.tolist(), columns.tolist(), strict=True):
        if place in by_place:
            yield by_place[place]


def _best_first(edges: Sequence[Edge]) -> Iterator[Edge]:
    taken_a: set[str] = set()
    taken_b: set[str] = set()
    for edge in sorted(edges, key=lambda edge: (-_worth(edge), sorted(edge[:2]))):
        if edge.a not in taken_a and edge.b not in taken_b:
            taken_a.add(edge.a)
            taken_b.add(edge.b)
            yield edge
