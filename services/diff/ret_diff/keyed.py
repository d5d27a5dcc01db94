"""Two tables whose key is given and is one: rows by their key, cells where they stand, and nothing encoded.

Rows are paired by 64-bit numbers of their keys (a collision shows as a changed key: keys are compared like all cells).
Columns are read, put side by side and compared one after the other, in two threads, which begin to read while rows are
being paired.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any, Self

import numpy as np

from ret_diff import moves
from ret_diff.arrow import Array, pa, pc
from ret_diff.encode import THREADS
from ret_diff.equal import alone
from ret_diff.hashes import Hashes, mixed
from ret_diff.links import SURE, Links
from ret_diff.model import Flags, Int64s, Options, Reading, Source
from ret_diff.texts import hashed
from ret_diff.values import canonical, compared

Names = tuple[str, str]
"""What a column is called in A and in B."""
TOGETHER = 1 << 22
"""Cells of columns that are read at once: every reading has its cost."""
AHEAD = 1 << 24
"""Cells that are read before rows are paired, at most."""
KEPT = 768 << 20
"""Bytes of columns that stay in memory, at most."""


def paired(keys: Sequence[tuple[Array, Array]], options: Options, reading: Reading) -> tuple[Links, Hashes] | None:
    """The pairs of rows of the same key, and the numbers of A's keys; None where two rows of a side have the same.

    `keys` are the columns of the key, of A and of B.
    """
    keys_a, keys_b = [one for one, _ in keys], [other for _, other in keys]
    of_a, of_b = _numbers(keys_a), _numbers(keys_b)
    if not _unique(of_a) or not _unique(of_b):
        return None
    links = Links(len(of_a), len(of_b))
    links.join(*alone(of_a, of_b), SURE)
    left_a, left_b = links.left()
    if len(left_a) and len(left_b):
        forms = [
            _numbers([canonical(compared(one.take(pa.array(left)), options, reading)) for one in side])
            for side, left in ((keys_a, left_a), (keys_b, left_b))
        ]
        some_a, some_b = alone(forms[0], forms[1])
        links.join(left_a[some_a], left_b[some_b], SURE)
    return links, of_a


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


class Columns:
    """Columns of both sides, one beside the other: read in two threads while rows are still being paired.

    What fits into `KEPT` bytes stays at hand for whoever needs some of the cells once more. Use `with`.
    """

    def __init__(self, a: Source, b: Source, names: Sequence[Names], key: Sequence[Names]) -> None:
        self._sides = a, b
        cells = max(1, a.rows + b.rows)
        self._step = max(1, TOGETHER // cells)
        self._kept: dict[Names, tuple[Array, Array]] = {}
        self._left = KEPT
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="columns")
        ahead = max(THREADS, AHEAD // (cells * self._step))
        # What rows are paired by is read first.
        parts, wanted = list(self._parts(names)), set(key)
        keys = [part for part in parts if not wanted.isdisjoint(part)]
        first = dict.fromkeys([*keys, *parts[:ahead]])
        self._first = {part: self._pool.submit(self._read, part) for part in first}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def whole(self, names: Sequence[Names]) -> list[tuple[Array, Array]]:
        """Columns of the key, of A and of B, all of their cells."""
        wanted = set(names)
        parts = [part for part in self._first if not wanted.isdisjoint(part)]
        found = {one: both for part in parts for one, both in zip(part, self._first[part].result(), strict=True)}
        return [found[one] for one in names]

    def differences(self, names: Sequence[Names], links: Links) -> Iterator[tuple[Int64s, Array, Array]]:
        """Of each column: rows of A whose partner differs in it, and what stands there in A and in B.

        It begins at once, not when the first is asked for.
        """
        beside = _Beside.of(links)
        parts = self._parts(names)
        waiting = deque(self._begun(part, beside) for part in islice(parts, THREADS + len(self._first)))

        def found() -> Iterator[tuple[Int64s, Array, Array]]:
            while waiting:
                columns = waiting.popleft().result()
                waiting.extend(self._begun(part, beside) for part in islice(parts, 1))
                yield from columns

        return found()

    def _begun(self, part: tuple[Names, ...], beside: _Beside) -> Future[list[tuple[Int64s, Array, Array]]]:
        return self._pool.submit(self._compare, part, self._first.pop(part, None), beside)

    def at_hand(self, names: Mapping[int, Names]) -> AtHand:
        """The cells that are kept, by places of columns."""
        return AtHand({at: self._kept[one] for at, one in names.items() if one in self._kept})

    def _parts(self, names: Sequence[Names]) -> Iterator[tuple[Names, ...]]:
        for start in range(0, len(names), self._step):
            yield tuple(names[start : start + self._step])

    def _read(self, part: Sequence[Names]) -> list[tuple[Array, Array]]:
        a, b = (side.read([one[at] for one in part]) for at, side in enumerate(self._sides))
        found = [(_flat(a.column(at)), _flat(b.column(at))) for at in range(len(part))]
        with self._lock:
            for name, (old, new) in zip(part, found, strict=True):
                size = old.nbytes + new.nbytes
                if size <= self._left:
                    self._left -= size
                    self._kept[name] = old, new
        return found

    def _compare(
        self, part: Sequence[Names], read: Future[list[tuple[Array, Array]]] | None, beside: _Beside
    ) -> list[tuple[Int64s, Array, Array]]:
        # What is waited for was given to the same threads before, so one of them is at it or has done it.
        columns = read.result() if read else self._read(part)
        return [_differing(one, beside) for one in columns]


@dataclass(frozen=True)
class AtHand:
    """Columns that are in memory, by their places among the matched ones."""

    columns: Mapping[int, tuple[Array, Array]]

    def taken(self, side: str, column: int, rows: Int64s) -> Array | None:
        """The cells of rows of side a or b; None for a column that is not here."""
        found = self.columns.get(column)
        return None if found is None else found[0 if side == "a" else 1].take(pa.array(rows))


def _differing(columns: tuple[Array, Array], beside: _Beside) -> tuple[Int64s, Array, Array]:
    old, new = (
        column if places is None else column.take(places)
        for column, places in zip(_alike(*columns), (beside.a, beside.b), strict=True)
    )
    differ = pc.fill_null(pc.not_equal(old, new), False)  # noqa: FBT003 - a value
    if old.null_count or new.null_count:
        differ = pc.or_(differ, pc.xor(pc.is_null(old), pc.is_null(new)))
    if beside.paired is not None:
        differ = pc.and_(differ, beside.paired)
    places = np.flatnonzero(np.asarray(differ))
    some = pa.array(places)
    return beside.rows[places], old.take(some).cast(pa.large_string()), new.take(some).cast(pa.large_string())


def _flat(column: Any) -> Array:
    """A column in one piece; with short offsets where they do: long ones are memory to be filled."""
    text = pa.large_string()
    chunks: list[Array] = getattr(column, "chunks", [column])
    if len(chunks) == 1:
        return chunks[0] if chunks[0].type in {text, pa.string()} else chunks[0].cast(text)
    return column.cast(text).combine_chunks()


def _alike(old: Array, new: Array) -> tuple[Array, Array]:
    """Both with offsets of one length."""
    if old.type == new.type:
        return old, new
    return old.cast(pa.large_string()), new.cast(pa.large_string())


def _numbers(columns: Sequence[Array]) -> Hashes:
    total = mixed(hashed(columns[0]), 0)
    for at, column in enumerate(columns[1:], 1):
        total += mixed(hashed(column), at)
    return total


def _unique(numbers: Hashes) -> bool:
    ordered = np.sort(numbers)
    return not bool((ordered[1:] == ordered[:-1]).any())


def moved(links: Links, keys: Hashes) -> Flags:
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
