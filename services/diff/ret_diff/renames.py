"""Columns that have another name in B: their cells are the same in the rows that are aligned, more than by chance.

Where rows can only be aligned by such a column (a key that was renamed), the values it holds say which it may be; the
rows that are aligned by it must then bear it out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import log2

import numpy as np

from ret_diff.arrow import pa
from ret_diff.columns import Pair, cleaned
from ret_diff.encode import TOGETHER
from ret_diff.hashes import Hashes, mixed
from ret_diff.links import Links
from ret_diff.model import Int64s, Options, Reading, Source
from ret_diff.texts import NULL, hashed
from ret_diff.values import canonical, compared

_SKETCH = 256
"""Values of a column that are kept: those with the smallest hashes, the same wherever they stand."""
_HOLDERS = 32
"""Columns of B that may hold a value which says anything."""
_TELLING = 0.3
"""Distinct values by rows from which on a column can say which rows belong together."""
_ALIKE = 0.5
"""Of the values, and of the cells beyond chance, that must be the same."""
_PAIRS = 2000
"""Aligned rows that are looked at."""
_BITS = 8
"""What cells that agree must tell: less is chance."""
_CONSTANT = 8
"""Rows from which on a column that holds one value everywhere is known by it, if no other holds the same."""
_CELLS = 200_000_000
"""Cells that are compared; of more columns only those that are the same in all rows are found."""

Left = tuple[Sequence[int], Sequence[int]]
"""The columns of A and of B that have no partner."""


def likely(a: Source, b: Source, left: Left) -> list[Pair]:
    """Columns that hold many different values, and mostly the same ones."""
    sketches: list[dict[int, Hashes]] = []
    for side, places in zip((a, b), left, strict=True):
        kept = {at: np.unique(column)[:_SKETCH] for at, column in _columns(side, places, None) if _tells(column)}
        sketches.append(kept)
    holders: dict[int, list[int]] = defaultdict(list)
    for at, values in sketches[1].items():
        for value in values.tolist():
            holders[value].append(at)
    found: list[_Match] = []
    for at, values in sketches[0].items():
        telling = (holders.get(value, ()) for value in values.tolist())
        shared = Counter(chain.from_iterable(some for some in telling if len(some) <= _HOLDERS))
        for other, number in shared.items():
            if number < _ALIKE * max(len(values), len(sketches[1][other])):
                continue
            part = _jaccard(values, sketches[1][other])
            if part >= _ALIKE:
                found.append(_Match((at, other), part, _names(a, b, (at, other))))
    return _best(found)


def confirmed(a: Source, b: Source, left: Left, links: Links, options: Options, reading: Reading) -> list[Pair]:
    """Columns whose cells are the same in aligned rows, each at most once."""
    rows = np.flatnonzero(links.a >= 0)
    if not len(rows) or not left[0] or not left[1]:
        return []
    rows = rows[np.linspace(0, len(rows) - 1, min(_PAIRS, len(rows))).astype(np.int64)]
    kinds = options, reading
    of_a = dict(_columns(a, left[0], rows, kinds))
    of_b = dict(_columns(b, left[1], links.a[rows], kinds))
    pairs = (_same if len(of_a) * len(of_b) * len(rows) > _CELLS else _similar)(of_a, of_b)
    found: list[_Match] = []
    for at, other in pairs:
        alike = _agreement(of_a[at], of_b[other])
        if alike is not None:
            found.append(_Match((at, other), alike, _names(a, b, (at, other))))
    meant = Counter(place for match in found for place in (("a", match.pair[0]), ("b", match.pair[1])))
    # A constant is known by its value only where no other column could be meant.
    return _best(
        [match for match in found if match.alike > 0 or meant["a", match.pair[0]] == meant["b", match.pair[1]] == 1]
    )


@dataclass(frozen=True)
class _Match:
    pair: Pair
    alike: float
    names: tuple[bool, list[str]]
    """Whether one name holds the other, and both, for an order that is the same from either side."""


def _best(found: list[_Match]) -> list[Pair]:
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for match in sorted(found, key=lambda one: (-round(one.alike, 6), not one.names[0], one.names[1])):
        one, other = match.pair
        if one not in chosen and other not in taken:
            chosen[one] = other
            taken.add(other)
    return sorted(chosen.items())


def _names(a: Source, b: Source, pair: Pair) -> tuple[bool, list[str]]:
    one, other = a.columns[pair[0]].name, b.columns[pair[1]].name
    return cleaned(one) in cleaned(other) or cleaned(other) in cleaned(one), sorted([one, other])


def _columns(
    side: Source, places: Sequence[int], rows: Int64s | None, kinds: tuple[Options, Reading] | None = None
) -> Iterator[tuple[int, Hashes]]:
    """Columns as numbers of their values; of these rows, and as the values are compared."""
    step = max(1, TOGETHER // max(1, side.rows))
    for start in range(0, len(places), step):
        some = places[start : start + step]
        table = side.read([side.columns[at].name for at in some])
        for at, column in zip(some, table.columns, strict=True):
            cells = column if rows is None else column.take(pa.array(rows))
            yield at, hashed(cells if kinds is None else canonical(compared(cells, *kinds)))


def _tells(column: Hashes) -> bool:
    return len(column) >= _CONSTANT and len(np.unique(column)) >= _TELLING * len(column)


def _jaccard(a: Hashes, b: Hashes) -> float:
    """Which part of all values both have, by the smallest hashes of the union."""
    union = np.union1d(a, b)[:_SKETCH]
    return float(np.count_nonzero(np.isin(union, a) & np.isin(union, b))) / len(union)


def _same(of_a: dict[int, Hashes], of_b: dict[int, Hashes]) -> list[Pair]:
    """Columns that are the same in all of the rows."""
    holders: dict[int, list[int]] = defaultdict(list)
    for other, column in of_b.items():
        holders[_whole(column)].append(other)
    return [(at, other) for at, column in of_a.items() for other in holders.get(_whole(column), ())[:1]]


def _similar(of_a: dict[int, Hashes], of_b: dict[int, Hashes]) -> list[Pair]:
    """Columns that are the same in enough of the rows."""
    others, cells = list(of_b), np.array(list(of_b.values()))
    found: list[Pair] = []
    for at, column in of_a.items():
        enough = np.flatnonzero(np.count_nonzero(cells == column, axis=1) >= _ALIKE * len(column))
        found += [(at, others[place]) for place in enough.tolist()]
    return found


def _whole(column: Hashes) -> int:
    return int((mixed(np.arange(len(column)), 1) * (column | np.uint64(1)) + column).sum())


def _agreement(a: Hashes, b: Hashes) -> float | None:
    """How far the cells agree beyond chance; 0 for the same value everywhere, None where it is chance."""
    count = len(a)
    same = int(np.count_nonzero(a == b))
    values, of_both = np.unique(np.concatenate([a, b]), return_inverse=True)
    in_a = np.bincount(of_both[:count], minlength=len(values))
    in_b = np.bincount(of_both[count:], minlength=len(values))
    chance = float(in_a @ in_b) / count**2
    if chance >= 1:
        return 0.0 if count >= _CONSTANT and values[0] != NULL else None
    beyond = (same / count - chance) / (1 - chance)
    telling = same * log2(1 / chance)
    return beyond if beyond >= _ALIKE and telling >= _BITS else None
