"""How much of their content documents share, and which may share any: by their sketches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import exp, fsum, sqrt

import numpy as np
import numpy.typing as npt

from ret_diff.pairing.sketch import Hashes, Sketch, Values, Weights

RARE = 12
"""A value in more documents of a side than this leads to no candidates."""
MUCH = 4.0
"""Weight of a column's values, or of what is shared, from which on more of it hardly says more."""
CONSTANT = 0.3
"""What a column with hardly a value counts for at least, if that value says something."""
ONE_SIDED = 0.5
"""What a column counts for that only one of two documents has."""
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """A column's hashes, rising, the weight of each and of all, and whether there are no others.

    `counts_for` is what the column says about its document, up to 1.
    """

    hashes: Hashes
    weights: Weights
    total: float
    all_kept: bool
    counts_for: float

    def below(self, limit: np.uint64) -> Column:
        """The column without what is above a hash."""
        end = int(np.searchsorted(self.hashes, limit, "right"))
        return replace(
            self, hashes=self.hashes[:end], weights=self.weights[:end], total=float(self.weights[:end].sum())
        )


def _column(values: Values, counts: Places) -> Column:
    """A column of whose values each is in so many documents: they share what it says by its looks."""
    weights = values.looks / np.maximum(1, counts)
    total = float(weights.sum())
    least = CONSTANT if len(weights) and float(weights.max()) >= 1 / 2 else 0.0
    return Column(values.hashes, weights, total, values.all_kept, max(1 - exp(-total / MUCH), least))


class Contents:
    """The sketches of documents of both sides, by their places in `a` and `b`, weighed by how rare values are."""

    def __init__(self, a: Sequence[Sketch], b: Sequence[Sketch]) -> None:
        names = sorted({name for one in (*a, *b) for name in one.columns})
        salts = {name: np.uint64(_salt(name)) for name in names}
        self._counts = [_counted(side, salts) for side in (a, b)]
        self._a = [self._weighed(one, salts) for one in a]
        self._b = [self._weighed(one, salts) for one in b]
        self._rare = [_rare(side, salts, counts) for side, counts in zip((a, b), self._counts, strict=True)]

    def _weighed(self, one: Sketch, salts: Mapping[str, np.uint64]) -> dict[str, Column]:
        return {
            name: _column(values, np.maximum(*(_found(values, salts[name], counted) for counted in self._counts)))
            for name, values in one.columns.items()
        }

    def candidates(self, most: int) -> set[tuple[int, int]]:
        """(place in a, place in b) of documents with rare values in common: for each those it has the most with."""
        (hashes, owners), (others, other_owners) = self._rare
        first = np.searchsorted(others, hashes, "left")
        count = np.searchsorted(others, hashes, "right") - first
        mine = np.repeat(owners, count)
        at = np.arange(len(mine)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        combined, times = np.unique(mine * (len(self._b) or 1) + other_owners[at], return_counts=True)
        a, b = np.divmod(combined, len(self._b) or 1)
        found: set[tuple[int, int]] = set()
        for side in (a, b):
            order = np.lexsort((a + b, -times, side))
            ranks = np.arange(len(order)) - np.searchsorted(side[order], side[order], "left")
            kept = order[ranks < most]
            found.update(zip(a[kept].tolist(), b[kept].tolist(), strict=True))
        return found

    def shared(self, a: int, b: int) -> float:
        """How much of their content two documents share, 0 to 1: little also where there is little to share."""
        mine, others = self._a[a], self._b[b]
        compared = [_compared(mine[name], others[name]) for name in mine.keys() & others.keys()]
        lonely = [side[name] for side, other in ((mine, others), (others, mine)) for name in side.keys() - other.keys()]
        # Exact sums, so that neither the order of columns nor of sides can be seen in them.
        told = fsum(share * weight for share, weight, _ in compared)
        alone = fsum(column.counts_for for column in lonely)
        whole = fsum([*(weight for _, weight, _ in compared), ONE_SIDED * alone])
        return told / whole * (1 - exp(-fsum(common for *_, common in compared) / MUCH)) if whole else 0.0


def _compared(one: Column, other: Column) -> tuple[float, float, float]:
    """(share of the content, weight of the column, weight of what is shared) of two columns."""
    weight = (one.counts_for + other.counts_for) / 2
    limits = [column.hashes[-1] for column in (one, other) if not column.all_kept]
    if limits:  # beyond what both have kept nothing can be said
        one, other = one.below(min(limits)), other.below(min(limits))
    if not one.total or not other.total:
        return 0.0, weight, 0.0
    at = np.minimum(np.searchsorted(other.hashes, one.hashes), len(other.hashes) - 1)
    common = float(one.weights[other.hashes[at] == one.hashes].sum())
    return min(common / sqrt(one.total * other.total), 1.0), weight, common


def _salt(name: str) -> int:
    """A number of a column's name, so that the same value in another column is another one."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")


def _counted(side: Sequence[Sketch], salts: Mapping[str, np.uint64]) -> tuple[Hashes, Places]:
    """The values of all documents of a side, rising, and how many documents have each."""
    salted = [values.hashes ^ salts[name] for one in side for name, values in one.columns.items()]
    return np.unique(np.concatenate([np.zeros(0, np.uint64), *salted]), return_counts=True)


def _found(values: Values, salt: np.uint64, counted: tuple[Hashes, Places]) -> Places:
    """In how many documents of a side each value is."""
    hashes, counts = counted
    if not len(hashes):
        return np.zeros(len(values.hashes), np.int64)
    salted = values.hashes ^ salt
    at = np.minimum(np.searchsorted(hashes, salted), len(hashes) - 1)
    return np.where(hashes[at] == salted, counts[at], 0)


def _rare(
    side: Sequence[Sketch], salts: Mapping[str, np.uint64], counted: tuple[Hashes, Places]
) -> tuple[Hashes, Places]:
    """The rare values of a side, rising, and the places of the documents that have them."""
    hashes: list[Hashes] = [np.zeros(0, np.uint64)]
    owners: list[Places] = [np.zeros(0, np.int64)]
    for at, one in enumerate(side):
        for name, values in one.columns.items():
            few = (_found(values, salts[name], counted) <= RARE) & (values.looks >= CONSTANT)
            hashes.append(values.hashes[few] ^ salts[name])
            owners.append(np.full(len(hashes[-1]), at, np.int64))
    together, places = np.concatenate(hashes), np.concatenate(owners)
    order = np.argsort(together, kind="stable")
    return together[order], places[order]
