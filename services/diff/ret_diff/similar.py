"""Rows that are neither equal nor of the same key, paired by what they have in common, at the least cost.

Where few rows are left, all pairs are weighed and the best assignment is found; of many, only rows that share all but
one cell, a rare value, or their place among paired rows are weighed. Among assignments of the same cost the one with
fewer changed cells is taken, then the one whose rows have the same neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ret_diff import equal, hashes
from ret_diff.assign import Edges, assigned
from ret_diff.costs import Costs
from ret_diff.equal import grouped, ranked
from ret_diff.links import SURE, Links
from ret_diff.model import Flags, Int32s, Int64s
from ret_diff.rows import Rest

_ALL = (250_000, 4096, 64)
"""Rows of A times rows of B that may be paired, up to which all pairs are weighed, if these are not too many."""
_MOST = 80_000_000
"""Cells that are compared because their rows may be paired at all."""
_RARE = 16
"""Rows of A times rows of B that share a value, up to which it says something."""
_COLUMNS = 64
"""Columns by which rows are looked for."""
_RENUMBERED = 0.5
"""Of the rows, those which a column alone keeps apart, from which on it is taken for renumbered."""
_CHUNK = 1 << 20
"""Pairs that are weighed at once."""


def few(rest: Rest) -> bool:
    """Whether all pairs of these rows are weighed."""
    return len(rest.a) * len(rest.b) <= _ALL[0]


def changes(rest: Rest, costs: Costs, a: Int64s, b: Int64s) -> Int64s:
    """What it costs to change rows of A into rows of B (places in the rest)."""
    total = np.zeros(len(a), np.int64)
    for weight, (one, other) in zip(costs.weights.tolist(), rest.forms, strict=True):
        total += weight * (one[a] != other[b])
    return total


def pair(links: Links, rest: Rest, costs: Costs, *, forced: bool = False) -> None:
    """Pair rows of the rest. `forced`: rows of one block are paired whatever it costs, as far as there are as many."""
    whole = int(costs.weights.sum())
    limit = whole + 1 if forced else costs.replaced
    if not forced:
        rest = _renumbered(links, rest, costs)
    if not len(rest.a) or not len(rest.b):
        return
    edges = _weighed(links, rest, costs, limit)
    a, b, cost = assigned(edges, len(rest.a), len(rest.b))
    confidence = 1 + (SURE - 60) * (whole - cost) // max(1, whole)
    links.join(rest.a[a], rest.b[b], confidence.astype(np.uint8))
    if forced:
        _by_turn(links, _without_partner(links, rest))


def _weighed(links: Links, rest: Rest, costs: Costs, limit: int) -> Edges:
    """The pairs that may be made, and what each is worth."""
    a, b = _candidates(links, rest, costs)
    context = _Context(links, rest)
    columns = len(rest.forms)
    kept: list[Edges] = []
    for start in range(0, len(a), _CHUNK):
        one, other = a[start : start + _CHUNK], b[start : start + _CHUNK]
        cost = changes(rest, costs, one, other)
        cheap = np.flatnonzero(cost < limit)
        one, other, cost = one[cheap], other[cheap], cost[cheap]
        ties = _different(rest.looked, one, other) * (columns + 1) + _different(rest.forms, one, other)
        kept.append(Edges.of(one, other, cost, (ties, context.strange(one, other)), (limit, (columns + 1) ** 2)))
    return Edges.joined(kept)


def _different(cells: Sequence[tuple[Int32s, Int32s]], a: Int64s, b: Int64s) -> Int64s:
    """How many cells of each pair of rows are different."""
    return sum((left[a] != right[b] for left, right in cells), np.zeros(len(a), np.int64))


def _candidates(links: Links, rest: Rest, costs: Costs) -> tuple[Int64s, Int64s]:
    """Pairs that are worth weighing, each once (places in the rest)."""
    of_a, of_b, count = grouped(*rest.blocks)
    product = np.bincount(of_a, minlength=count) * np.bincount(of_b, minlength=count)
    cells = max(1, len(rest.forms))
    most = next((most for most in _ALL if product[product <= most].sum() * cells <= _MOST), 0)
    found = [_product(of_a, of_b, product <= most)]
    if (product > most).any():
        big_a, big_b = (np.flatnonzero(product[side] > most) for side in (of_a, of_b))
        found += [(big_a[a], big_b[b]) for a, b in _likely(rest.kept(big_a, big_b), costs)]
        found.append(_in_place(links, rest))
    width = max(1, len(rest.b))
    numbers = np.unique(np.concatenate([a * width + b for a, b in found]))
    return numbers // width, numbers % width


def _likely(rest: Rest, costs: Costs) -> Iterator[tuple[Int64s, Int64s]]:
    """Pairs that share all but one cell, or a rare value."""
    whole = rest.hashes(rest.forms)
    block = (hashes.mixed(rest.blocks[0], -1), hashes.mixed(rest.blocks[1], -1))
    for at in costs.heaviest(_COLUMNS):
        cells = hashes.mixed(rest.forms[at][0], at), hashes.mixed(rest.forms[at][1], at)
        for one, other in ((whole[0] - cells[0], whole[1] - cells[1]), (block[0] + cells[0], block[1] + cells[1])):
            of_a, of_b, count = grouped(one, other)
            product = np.bincount(of_a, minlength=count) * np.bincount(of_b, minlength=count)
            yield _product(of_a, of_b, product <= _RARE)
        of_a, of_b, count = grouped(whole[0] - cells[0], whole[1] - cells[1])
        yield _turns(of_a, of_b)


def _product(of_a: Int64s, of_b: Int64s, groups: Flags) -> tuple[Int64s, Int64s]:
    """All pairs of rows within each of the groups."""
    number = np.bincount(of_b, minlength=len(groups))
    order = np.argsort(of_b, kind="stable")
    starts = np.cumsum(number) - number
    a = np.flatnonzero(groups[of_a])
    times = number[of_a[a]]
    total = int(times.sum())
    turn = np.arange(total) - np.repeat(np.cumsum(times) - times, times)
    return np.repeat(a, times), order[np.repeat(starts[of_a[a]], times) + turn]


def _turns(of_a: Int64s, of_b: Int64s) -> tuple[Int64s, Int64s]:
    """The first row of each group on either side, the second, and so on."""
    wide = max(len(of_a), len(of_b)) + 1
    a, b = of_a * wide + ranked(of_a), of_b * wide + ranked(of_b)
    _, one, other = np.intersect1d(a, b, assume_unique=True, return_indices=True)
    return one, other


def _in_place(links: Links, rest: Rest) -> tuple[Int64s, Int64s]:
    """Pairs of rows that stand at the same place between paired rows, and belong to the same."""
    context = _Context(links, rest)
    place = np.full(len(links.b), -1, np.int64)
    place[rest.b] = np.arange(len(rest.b))
    found: list[tuple[Int64s, Int64s]] = []
    for expected in (context.behind, context.ahead):
        inside = np.flatnonzero((expected >= 0) & (expected < len(place)))
        other = place[expected[inside]]
        inside, other = inside[other >= 0], other[other >= 0]
        same = rest.blocks[0][inside] == rest.blocks[1][other]
        found.append((inside[same], other[same]))
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


class _Context:
    """Where in B each row of the rest of A is expected, counted from the pair before it and from the one behind it."""

    def __init__(self, links: Links, rest: Rest) -> None:
        rows_a, rows_b = len(links.a), len(links.b)
        known = np.flatnonzero(links.a >= 0)
        before = np.searchsorted(known, rest.a)
        # Both tables begin and end together.
        left = np.concatenate([[-1], known])
        right = np.concatenate([known, [rows_a]])
        of_left = np.concatenate([[-1], links.a[known]])
        of_right = np.concatenate([links.a[known], [rows_b]])
        self.behind: Int64s = of_left[before] + rest.a - left[before]
        self.ahead: Int64s = of_right[before] + rest.a - right[before]
        self._b = rest.b

    def strange(self, a: Int64s, b: Int64s) -> Int64s:
        """How many of a pair's neighbours (0 to 2) are not a pair."""
        row = self._b[b]
        return (self.behind[a] != row).astype(np.int64) + (self.ahead[a] != row)


def _renumbered(links: Links, rest: Rest, costs: Costs) -> Rest:
    """Pair the rows that are equal but for one column which has changed in most of them."""
    while not few(rest):
        whole = rest.hashes(rest.forms)
        best: tuple[int, int] = (0, 0)
        for at in costs.heaviest(_COLUMNS):
            if costs.weights[at] < costs.replaced:
                common = _common(*(whole[side] - hashes.mixed(rest.forms[at][side], at) for side in (0, 1)))
                best = max(best, (common, -at))
        common, at = best[0], -best[1]
        if common < max(1, _RENUMBERED * min(len(rest.a), len(rest.b))):
            break
        without = whole[0] - hashes.mixed(rest.forms[at][0], at), whole[1] - hashes.mixed(rest.forms[at][1], at)
        equal.pair(links, (rest.a, rest.b), without, SURE // 2, exact=False)
        rest = _without_partner(links, rest)
    return rest


def _common(a: hashes.Hashes, b: hashes.Hashes) -> int:
    of_a, of_b, count = grouped(a, b)
    return int(np.minimum(np.bincount(of_a, minlength=count), np.bincount(of_b, minlength=count)).sum())


def _without_partner(links: Links, rest: Rest) -> Rest:
    return rest.kept(np.flatnonzero(links.a[rest.a] < 0), np.flatnonzero(links.b[rest.b] < 0))


def _by_turn(links: Links, rest: Rest) -> None:
    """Pair what is left of each block one after the other."""
    of_a, of_b, _ = grouped(*rest.blocks)
    a, b = _turns(of_a, of_b)
    links.join(rest.a[a], rest.b[b], 1)
