"""Which columns tell rows apart: found, not asked for.

A key is unique on both sides, its values are found on both, and the rows that it pairs are alike in the other columns:
that is what an id that was numbered anew cannot show. The score is uniqueness times overlap times stability, less a
little for each further column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ret_diff import hashes
from ret_diff.costs import SCALE, Costs
from ret_diff.equal import alone, grouped
from ret_diff.hashes import Hashes
from ret_diff.model import Int64s, KeyChoice
from ret_diff.rows import PARENT, Rest, Tables

Columns = tuple[int, ...]
"""Places among the compared columns."""

WIDTH = 4
_SAMPLE = 4096
_LOOKED = 256
"""Columns in which rows are compared to learn how stable a key is."""
_CHECKED = 20_000
"""Pairs of rows whose other cells are looked at."""
_UNIQUE = 0.9
"""Of distinct rows that a key tells apart, at least."""
_TRIED = 12
"""Columns that are tried alone, and together."""
_VERIFIED = 8
"""Sets of several columns that are tried on all rows."""
_WIDER = 0.02
"""What each further column takes off the score."""
_UNKNOWN = 0.5
"""The stability of a key that nothing contradicts: the rows it pairs are not alike, but no others are, either."""
_ENOUGH = 8
"""Pairs that must speak for a key before it is followed where it costs more than removing and adding."""
_EQUAL = 16
"""Equal rows that speak for every key: a few changed rows say little about which one is stable."""
_HIDDEN = 0.5
"""Of the rows that are left, those that are the same but for an id, from which on it may be numbered anew."""
_UNLIKE = 0.3
"""How alike the rows are at most which an id pairs that was numbered anew."""
_SOUNDS = re.compile(r"(id|code|key|number|num|no|nr|name)$", re.IGNORECASE)


@dataclass(frozen=True)
class Key:
    """Columns that tell rows apart. `trusted`: rows of the same key are the same row, whatever else changed.

    `renumbered`: rows of the same key are others, and the same rows are there under other keys.

    `score` is of all rows. `rank` is of those that are left and of all of their cells: less where they have no partner
    by the key, because it was changed itself.
    """

    columns: Columns
    score: float
    rank: float = 0.0
    trusted: bool = False
    renumbered: bool = False

    def choice(self, places: Sequence[int], *, given: bool = False) -> KeyChoice:
        """As the result says it; `places`: where the compared columns are among all."""
        return KeyChoice(tuple(places[at] for at in self.columns), round(min(1.0, max(0.0, self.score)), 4), given)


class Finder:
    """Looks for the keys of two tables, of which the rows of `rest` are without partner."""

    def __init__(self, tables: Tables, costs: Costs, rest: Rest) -> None:
        self._tables, self._costs, self._rest = tables, costs, rest
        self._rows = tuple(max(1, _distinct(side)) for side in tables.hashes)
        self._equal = tables.rows[0] - len(rest.a)
        self._whole = rest.hashes(rest.forms)

    def found(self) -> list[Key]:
        """The keys, best first."""
        alone = self._alone()
        sets = [*alone, *self._together({at for one in alone for at in one})]
        if self._tables.blocks is not None:
            sets.append(())
        # All columns together tell rows apart, too, but nothing about what changed in them.
        keys = [key for one in sets if len(one) < len(self._tables.names) and (key := self._judged(one)) is not None]
        return sorted(keys, key=self._order)

    def _order(self, key: Key) -> tuple[float, int, int, list[str]]:
        names = [self._tables.names[at] for at in key.columns]
        return -round(key.rank, 3), len(names), -sum(bool(_SOUNDS.search(name)) for name in names), sorted(names)

    def _ranked(self, taken: Iterable[int]) -> list[int]:
        """Columns that tell something, those of the most distinct values first."""
        distinct, names, out = np.minimum(*self._costs.distinct), self._tables.names, set(taken)
        some = [at for at in range(len(names)) if distinct[at] > 1 and at not in out]
        return sorted(some, key=lambda at: (-int(distinct[at]), names[at]))

    def _alone(self) -> list[Columns]:
        """Single columns that may be keys."""
        some = self._ranked(())[:_TRIED]
        if self._tables.blocks is not None:
            return [(at,) for at in some]
        of = self._rows
        return [(at,) for at in some if all(self._costs.distinct[side][at] >= _UNIQUE * of[side] for side in (0, 1))]

    def _together(self, taken: set[int]) -> list[Columns]:
        """Sets of two to four columns that tell the rows of a sample apart, none of which can be left out."""
        some = sorted(self._ranked(taken)[:_TRIED])
        distinct = {at: int(np.minimum(*self._costs.distinct)[at]) for at in some}
        rows = np.linspace(0, self._tables.rows[0] - 1, min(_SAMPLE, self._tables.rows[0])).astype(np.int64)
        sample = {at: hashes.mixed(self._tables.columns[at].a[rows], at) for at in some}
        least = _UNIQUE * _distinct(self._tables.hashes[0][rows])
        apart = 1 if self._tables.blocks is None else self._rows[0]
        block = (
            np.zeros(1, np.uint64)
            if self._tables.blocks is None
            else hashes.mixed(self._tables.blocks[0][rows], PARENT)
        )
        found: list[tuple[int, Columns]] = []
        for width in range(2, WIDTH + 1):
            smaller = [set(one) for _, one in found]
            for one in combinations(some, width):
                most = apart * np.prod([distinct[at] for at in one], dtype=np.float64)
                if most < _UNIQUE * self._rows[0] or any(less <= set(one) for less in smaller):
                    continue
                count = _distinct(sum((sample[at] for at in one), block))
                if count >= least:
                    found.append((count, one))
            if len(found) >= _VERIFIED:
                break
        names = self._tables.names
        found.sort(key=lambda one: (len(one[1]), -one[0], sorted(names[at] for at in one[1])))
        return [one for _, one in found[:_VERIFIED]]

    def _judged(self, columns: Columns) -> Key | None:
        sides = [np.sort(self._hashes(columns, side)) for side in (0, 1)]
        keys = [side[np.append([True], side[1:] != side[:-1])] if len(side) else side for side in sides]
        unique = min(len(side) / of for side, of in zip(keys, self._rows, strict=True))
        if unique < _UNIQUE:
            return None
        overlap = _overlap(*sorted(keys, key=len))
        pairs, alike, same = self._stability(columns)
        hidden = self._hidden(columns)
        stable = max(self._smooth(pairs, alike), _UNKNOWN * (1 - hidden))
        whole = (pairs * alike + self._equal) / (pairs + self._equal) if pairs + self._equal else 0.0
        apart, wider = min(1.0, unique) * overlap, _WIDER * max(0, len(columns) - 1)
        fewer = min(len(self._rest.a), len(self._rest.b))
        trusted = self._equal + pairs >= _ENOUGH and apart * stable >= _UNKNOWN * _UNIQUE * _UNIQUE
        anew = pairs >= max(_ENOUGH, fewer // 2) and hidden >= _HIDDEN and alike < _UNLIKE
        rank = apart * self._smooth(fewer, same * pairs / max(1, fewer)) - wider
        return Key(columns, apart * max(stable, whole) - wider, rank, trusted, anew)

    def _smooth(self, pairs: int, alike: float) -> float:
        """How alike pairs are, with some of those that are equal."""
        sure = min(self._equal, _EQUAL)
        return (pairs * alike + sure) / (pairs + sure) if pairs + sure else 0.0

    def _hashes(self, columns: Columns, side: int) -> Hashes:
        some = ((at, self._tables.columns[at].b if side else self._tables.columns[at].a) for at in columns)
        total = hashes.rows(((at, codes, len(codes)) for at, codes in some), self._tables.rows[side])
        return total if self._tables.blocks is None else total + hashes.mixed(self._tables.blocks[side], PARENT)

    def _stability(self, columns: Columns) -> tuple[int, float, float]:
        """(pairs that the key makes of the rest, how alike they are beyond chance but for the key, and with it)."""
        a, b = joined(self._rest, columns)
        count = len(a)
        if not count:
            return 0, 0.0, 0.0
        some = np.linspace(0, count - 1, min(count, _CHECKED)).astype(np.int64)
        a, b = a[some], b[some]
        alike = whole = of_key = 0
        for at in self._costs.heaviest(_LOOKED):
            chance, weight = int(self._costs.chance[at]), int(self._costs.weights[at])
            if at in columns:
                of_key += weight * (SCALE - chance)
                continue
            one, other = self._rest.forms[at]
            agree = SCALE * int(np.count_nonzero(one[a] == other[b])) // len(a)
            alike += weight * (agree - chance)
            whole += weight * (SCALE - chance)
        without = max(0.0, alike / whole) if whole else 1.0
        return count, without, max(0.0, (alike + of_key) / (whole + of_key)) if whole + of_key else 1.0

    def _hidden(self, columns: Columns) -> float:
        """Which part of the rest is equal but for the key: it pairs the wrong rows if it does not pair these."""
        without = list(self._whole)
        for side in (0, 1):
            for at in columns:
                without[side] = without[side] - hashes.mixed(self._rest.forms[at][side], at)
        of_a, of_b, count = grouped(without[0], without[1])
        fewer = min(len(of_a), len(of_b))
        common = np.minimum(np.bincount(of_a, minlength=count), np.bincount(of_b, minlength=count)).sum()
        return float(common) / fewer if fewer else 0.0


def joined(rest: Rest, columns: Columns) -> tuple[Int64s, Int64s]:
    """The rows of the rest (places in it) that alone on their side have the key that they share."""
    sides: list[Hashes] = []
    for side in (0, 1):
        some = ((at, rest.forms[at][side], len(rest.side(side))) for at in columns)
        sides.append(hashes.rows(some, len(rest.side(side))) + hashes.mixed(rest.blocks[side], PARENT))
    return alone(sides[0], sides[1])


def _overlap(fewer: Hashes, more: Hashes) -> float:
    """Which part of the fewer (both rising, each once) is among the others."""
    if not len(fewer):
        return 0.0
    places = np.minimum(np.searchsorted(more, fewer), len(more) - 1)
    return float(np.count_nonzero(more[places] == fewer)) / len(fewer)


def _distinct(numbers: Hashes) -> int:
    ordered = np.sort(numbers)
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1 if len(ordered) else 0
