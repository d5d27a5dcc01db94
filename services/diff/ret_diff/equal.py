"""Equal rows paired as a multiset, as many as both sides have; by their neighbours where there is a choice."""

from __future__ import annotations

import numpy as np

from ret_diff.hashes import Hashes, mixed
from ret_diff.links import Links
from ret_diff.model import NOWHERE, Flags, Int64s

_RADII = (8, 4, 2, 1)
"""How many rows on either side tell copies apart: the more agree, the surer."""


def pair(
    links: Links, left: tuple[Int64s, Int64s], hashes: tuple[Hashes, Hashes], confidence: int, *, exact: bool
) -> None:
    """Pair all rows of `left` (rows of A and B without partner, rising) whose hashes are equal."""
    rows_a, rows_b = left
    of_a, of_b, count = grouped(*hashes)
    number_a, number_b = np.bincount(of_a, minlength=count), np.bincount(of_b, minlength=count)
    single = (number_a == 1) & (number_b == 1)
    where = np.empty(count, np.int64)
    where[of_b] = rows_b
    one = single[of_a]
    links.join(rows_a[one], where[of_a[one]], confidence, equal=exact)
    several = (number_a > 0) & (number_b > 0) & ~single
    if several.any():
        _Copies(links, left, (of_a, of_b), confidence, exact=exact).resolve(several)


def grouped(a: Hashes | Int64s, b: Hashes | Int64s) -> tuple[Int64s, Int64s, int]:
    """The number of each row's group of equal ones, from 0, and how many groups there are."""
    both = np.concatenate([a, b])
    order = np.argsort(both)
    ordered = both[order]
    starts = np.empty(len(both), np.bool_)
    starts[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=starts[1:])
    numbers = np.empty(len(both), np.int64)
    numbers[order] = np.cumsum(starts) - 1
    return numbers[: len(a)], numbers[len(a) :], int(np.count_nonzero(starts))


def alone(a: Hashes, b: Hashes) -> tuple[Int64s, Int64s]:
    """The rows that alone on their side have the hash that they share."""
    of_a, of_b, count = grouped(a, b)
    single = (np.bincount(of_a, minlength=count) == 1) & (np.bincount(of_b, minlength=count) == 1)
    where = np.empty(count, np.int64)
    where[of_b] = np.arange(len(of_b))
    found = np.flatnonzero(single[of_a])
    return found, where[of_a[found]]


def ranked(groups: Int64s) -> Int64s:
    """How many rows before it each row has in its group."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(ordered) else ordered)
    sizes = np.diff(np.append(starts, len(ordered)))
    ranks = np.empty(len(groups), np.int64)
    ranks[order] = np.arange(len(groups)) - np.repeat(starts, sizes)
    return ranks


class _Copies:
    """Rows of which there are several copies: the copy whose neighbours are paired with the neighbours is the one."""

    def __init__(
        self, links: Links, left: tuple[Int64s, Int64s], groups: tuple[Int64s, Int64s], confidence: int, *, exact: bool
    ) -> None:
        self._links, self._confidence, self._exact = links, confidence, exact
        # Groups by row of the whole tables; rows that were paired before have none.
        self._a, self._b = (np.full(len(side), NOWHERE, np.int64) for side in (links.a, links.b))
        self._a[left[0]], self._b[left[1]] = groups
        self._free_b: Flags = np.zeros(len(links.b), np.bool_)

    def resolve(self, several: Flags) -> None:
        open_a, open_b = (np.flatnonzero((side >= 0) & several[side]) for side in (self._a, self._b))
        self._extend(np.flatnonzero(self._links.a >= 0))
        for radius in _RADII:
            open_a, open_b = open_a[self._links.a[open_a] < 0], open_b[self._links.b[open_b] < 0]
            if not len(open_a) or not len(open_b):
                return
            self._extend(self._alike(open_a, open_b, radius))
        for backward in (False, True):
            self._extend(self._expected(open_a[self._links.a[open_a] < 0], backward=backward))
        open_a, open_b = open_a[self._links.a[open_a] < 0], open_b[self._links.b[open_b] < 0]
        of_a, of_b, count = grouped(self._turn(open_a, self._a), self._turn(open_b, self._b))
        where = np.full(count, NOWHERE, np.int64)
        where[of_b] = open_b
        partner = where[of_a]
        self._join(open_a[partner >= 0], partner[partner >= 0])

    def _turn(self, rows: Int64s, groups: Int64s) -> Hashes:
        """A number for each row: of its group and its turn in it."""
        return mixed(groups[rows], 0) + mixed(ranked(groups[rows]), 1)

    def _join(self, a: Int64s, b: Int64s) -> None:
        self._links.join(a, b, self._confidence, equal=self._exact)

    def _extend(self, paired: Int64s) -> None:
        """Pair the neighbours of paired rows as long as they are copies of each other."""
        for step in (1, -1):
            front = paired
            while len(front):
                one, other = front + step, self._links.a[front] + step
                inside = (one >= 0) & (one < len(self._a)) & (other >= 0) & (other < len(self._b))
                one, other = one[inside], other[inside]
                fits = (self._a[one] >= 0) & (self._a[one] == self._b[other])
                one, other = one[fits], other[fits]
                free = (self._links.a[one] < 0) & (self._links.b[other] < 0)
                front, other = one[free], other[free]
                self._join(front, other)

    def _alike(self, open_a: Int64s, open_b: Int64s, radius: int) -> Int64s:
        """Pair rows that alone have these rows around them; A's rows of the pairs."""
        around_a, around_b = self._around(self._a, open_a, radius), self._around(self._b, open_b, radius)
        of_a, of_b, count = grouped(around_a, around_b)
        single = (np.bincount(of_a, minlength=count) == 1) & (np.bincount(of_b, minlength=count) == 1)
        where = np.empty(count, np.int64)
        where[of_b] = open_b
        one = open_a[single[of_a]]
        self._join(one, where[of_a[single[of_a]]])
        return one

    def _around(self, groups: Int64s, rows: Int64s, radius: int) -> Hashes:
        total = mixed(groups[rows], 0)
        for step in range(1, radius + 1):
            for away in (-step, step):
                place = rows + away
                inside = (place >= 0) & (place < len(groups))
                total += mixed(
                    np.where(inside, groups[np.clip(place, 0, len(groups) - 1)], NOWHERE - 1), away + radius + 1
                )
        return total

    def _expected(self, rows: Int64s, *, backward: bool) -> Int64s:
        """Pair rows that stand as far behind (or before) the nearest pair as an equal row of B does."""
        places = np.arange(len(self._links.a))
        known = self._links.a >= 0
        if backward:
            near = np.minimum.accumulate(np.where(known, places, len(places))[::-1])[::-1]
            rows = rows[near[rows] < len(places)]
        else:
            near = np.maximum.accumulate(np.where(known, places, NOWHERE))
            rows = rows[near[rows] >= 0]
        other = self._links.a[near[rows]] + rows - near[rows]
        inside = (other >= 0) & (other < len(self._b))
        rows, other = rows[inside], other[inside]
        fits = (self._links.b[other] < 0) & (self._b[other] == self._a[rows])
        rows, other = rows[fits], other[fits]
        other, first = np.unique(other, return_index=True)
        self._join(rows[first], other)
        return rows[first]
