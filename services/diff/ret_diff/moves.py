"""Which pairs changed places, and in which order rows are shown."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from ret_diff.links import Links
from ret_diff.model import NOWHERE, Alignment, Flags, Int64s


def moved(partners: Int64s) -> Flags:
    """By rows: which are paired and out of order, the fewest; found by a longest rising subsequence. O(n log n)."""
    out = np.zeros(len(partners), np.bool_)
    paired = np.flatnonzero(partners != NOWHERE)
    places = partners[paired]
    if len(places) and not (places[1:] > places[:-1]).all():
        out[paired] = True
        out[paired[_rising(places)]] = False
    return out


def _rising(places: Int64s) -> Int64s:
    """A longest rising subsequence (patience sorting)."""
    tails: list[int] = []
    ends: list[int] = []
    before = [NOWHERE] * len(places)
    for at, place in enumerate(places.tolist()):
        pile = bisect_left(tails, place)
        if pile == len(tails):
            tails.append(place)
            ends.append(at)
        else:
            tails[pile] = place
            ends[pile] = at
        if pile:
            before[at] = ends[pile - 1]
    found: list[int] = []
    at = ends[-1]
    while at != NOWHERE:
        found.append(at)
        at = before[at]
    return np.array(found[::-1], np.int64)


def shown(links: Links) -> Alignment:
    """All rows in A's order; an added row stands behind the shown row that is before it in B."""
    rows_a = len(links.a)
    added = np.flatnonzero(links.b == NOWHERE)
    places = np.where(links.b == NOWHERE, NOWHERE, np.arange(len(links.b)))
    before = np.maximum.accumulate(places)[added] if len(added) else added
    behind = np.where(before >= 0, links.b[before] if len(links.b) else before, NOWHERE)
    order = np.argsort(behind, kind="stable")
    added, behind = added[order], behind[order]
    count = np.bincount(behind + 1, minlength=rows_a + 1)
    at_a = np.arange(rows_a) + np.cumsum(count)[:rows_a]
    at_b = behind + 1 + np.arange(len(added))
    total = rows_a + len(added)
    a_rows, b_rows = np.full(total, NOWHERE, np.int64), np.full(total, NOWHERE, np.int64)
    flags, sure = np.zeros(total, np.bool_), np.zeros(total, np.uint8)
    a_rows[at_a], b_rows[at_a] = np.arange(rows_a), links.a
    b_rows[at_b] = added
    flags[at_a], sure[at_a] = links.moved, links.confidence
    return Alignment(a_rows, b_rows, flags, sure)
