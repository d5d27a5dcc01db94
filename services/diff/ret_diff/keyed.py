"""Two tables whose key is given and is one: rows by their key, cells where they stand, and nothing encoded.

Rows are paired by 64-bit numbers of their keys (a collision shows as a changed key: keys are compared like all cells).
Columns are read, put side by side and compared one after the other, in two threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from ret_diff import moves
from ret_diff.arrow import Array, pa, pc
from ret_diff.encode import THREADS, TOGETHER
from ret_diff.equal import alone
from ret_diff.hashes import Hashes, mixed
from ret_diff.links import SURE, Links
from ret_diff.model import Flags, Int64s, Options, Reading, Source
from ret_diff.texts import hashed
from ret_diff.values import canonical, compared

Names = tuple[str, str]
"""What a column is called in A and in B."""


def paired(a: Source, b: Source, key: Sequence[Names], options: Options, reading: Reading) -> Links | None:
    """The pairs of rows of the same key; None where two rows of a side have the same."""
    keys_a = [_column(a, one) for one, _ in key]
    keys_b = [_column(b, other) for _, other in key]
    of_a, of_b = _numbers(keys_a), _numbers(keys_b)
    if not _unique(of_a) or not _unique(of_b):
        return None
    links = Links(a.rows, b.rows)
    links.join(*alone(of_a, of_b), SURE)
    left_a, left_b = links.left()
    if len(left_a) and len(left_b):
        forms = [
            _numbers([canonical(compared(one.take(pa.array(left)), options, reading)) for one in side])
            for side, left in ((keys_a, left_a), (keys_b, left_b))
        ]
        some_a, some_b = alone(forms[0], forms[1])
        links.join(left_a[some_a], left_b[some_b], SURE)
    links.moved = _moved(links, of_a)
    return links


@dataclass(frozen=True)
class _Beside:
    """How two columns are put beside each other; one of them is taken as it stands.

    `a`, `b`: the places that are taken, None for all; `rows`: those of A; `paired`: those with a partner, None if all.
    """

    a: Array | None
    b: Array | None
    rows: Int64s
    paired: Array | None

    @staticmethod
    def of(links: Links) -> _Beside:
        rows = np.flatnonzero(links.a >= 0)
        if len(rows) == len(links.b) and bool((links.a[rows] == np.arange(len(rows))).all()):
            return _Beside(None if len(rows) == len(links.a) else pa.array(rows), None, rows, None)
        paired = None if len(rows) == len(links.a) else pa.array(links.a >= 0)
        return _Beside(None, pa.array(links.a, mask=links.a < 0), np.arange(len(links.a)), paired)


def differences(a: Source, b: Source, names: Sequence[Names], links: Links) -> Iterator[tuple[Int64s, Array, Array]]:
    """Of each column: rows of A whose partner differs in it, and what stands there in A and in B."""
    beside = _Beside.of(links)
    step = max(1, TOGETHER // max(1, a.rows + b.rows))
    waiting: deque[Future[list[tuple[Int64s, Array, Array]]]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(names), step):
            waiting.append(pool.submit(_differences, (a, b), names[start : start + step], beside))
            if len(waiting) > THREADS:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _differences(
    sides: tuple[Source, Source], names: Sequence[Names], beside: _Beside
) -> list[tuple[Int64s, Array, Array]]:
    tables = [side.read([name[at] for name in names]) for at, side in enumerate(sides)]
    return [_differing([_flat(table.column(at)) for table in tables], beside) for at in range(len(names))]


def _differing(columns: Sequence[Array], beside: _Beside) -> tuple[Int64s, Array, Array]:
    old, new = (
        column if places is None else column.take(places)
        for column, places in zip(columns, (beside.a, beside.b), strict=True)
    )
    differ = pc.fill_null(pc.not_equal(old, new), False)  # noqa: FBT003 - a value
    if old.null_count or new.null_count:
        differ = pc.or_(differ, pc.xor(pc.is_null(old), pc.is_null(new)))
    if beside.paired is not None:
        differ = pc.and_(differ, beside.paired)
    places = np.flatnonzero(np.asarray(differ))
    return beside.rows[places], old.take(pa.array(places)), new.take(pa.array(places))


def _column(side: Source, name: str) -> Array:
    return _flat(side.read([name]).column(0))


def _flat(column: Array) -> Array:
    """A column in one piece, of one type."""
    text = pa.large_string()
    whole: Any = column if column.type == text else column.cast(text)
    return whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole


def _numbers(columns: Sequence[Array]) -> Hashes:
    total = mixed(hashed(columns[0]), 0)
    for at, column in enumerate(columns[1:], 1):
        total += mixed(hashed(column), at)
    return total


def _unique(numbers: Hashes) -> bool:
    ordered = np.sort(numbers)
    return not bool((ordered[1:] == ordered[:-1]).any())


def _moved(links: Links, keys: Hashes) -> Flags:
    """The pairs out of order: of those that could be, the same ones if the sides are exchanged."""
    by_a = np.flatnonzero(links.a >= 0)
    by_b = links.b[links.b >= 0]
    first = np.flatnonzero(by_a != by_b)[:1]
    if not len(first):
        return np.zeros(len(links.a), np.bool_)
    if keys[by_a[first[0]]] < keys[by_b[first[0]]]:
        return moves.moved(links.a)
    other = links.flipped()
    other.moved = moves.moved(other.a)
    return other.flipped().moved
