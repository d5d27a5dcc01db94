"""Cells as numbers: in one column of both sides equal numbers are equal cells, so comparing is exact and fast.

Columns are read and encoded one at a time in each of two threads, narrow ones several at once. The numbers follow the
order in which values occur and mean nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ret_diff.arrow import Array, Table, pa
from ret_diff.model import Int32s, Source
from ret_diff.spill import Shelf

TOGETHER = 1 << 16
"""Cells of columns that are read and encoded at once: narrow tables with very many columns would else take an age."""
THREADS = 2


@dataclass(frozen=True)
class Coded:
    """A column of both sides: the number of each cell, and the values that the numbers stand for (null among them)."""

    a: Int32s
    b: Int32s
    values: Array

    def flipped(self) -> Coded:
        """The sides exchanged."""
        return Coded(self.b, self.a, self.values)


def encoded(a: Source, b: Source, names: Sequence[tuple[str, str]], shelf: Shelf) -> Iterator[Coded]:
    """Each pair of columns (their names in A and in B) as numbers, in the order of the names."""
    step = max(1, TOGETHER // max(1, a.rows + b.rows))
    waiting: deque[Future[list[Coded]]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(names), step):
            some = names[start : start + step]
            waiting.append(pool.submit(_encode, a, b, some))
            if len(waiting) > THREADS:
                yield from _kept(waiting.popleft().result(), shelf)
        while waiting:
            yield from _kept(waiting.popleft().result(), shelf)


def _encode(a: Source, b: Source, names: Sequence[tuple[str, str]]) -> list[Coded]:
    """Columns of both sides, that share their values."""
    tables: list[Table] = [a.read([name for name, _ in names]), b.read([name for _, name in names])]
    codes, values = numbered([column for table in tables for column in table.columns])
    middle = len(names) * a.rows
    left = codes[:middle].reshape(len(names), a.rows)
    right = codes[middle:].reshape(len(names), b.rows)
    return [Coded(left[at], right[at], values) for at in range(len(names))]


def _kept(columns: list[Coded], shelf: Shelf) -> list[Coded]:
    values = shelf.strings(columns[0].values)
    return [Coded(shelf.numbers(one.a), shelf.numbers(one.b), values) for one in columns]


def numbered(cells: Sequence[Array]) -> tuple[Int32s, Array]:
    """Cells one after the other as numbers from 0 in the order in which values occur, and the values; null is one."""
    text = pa.large_string()
    chunks = [chunk for column in cells for chunk in _chunks(column) if len(chunk)]
    whole = pa.chunked_array([chunk if chunk.type == text else chunk.cast(text) for chunk in chunks], text)
    pieces = whole.dictionary_encode(null_encoding="encode").chunks
    if not pieces:
        return np.zeros(0, np.int32), pa.array([], text)
    codes = np.concatenate([piece.indices.to_numpy(zero_copy_only=False) for piece in pieces])
    return codes.astype(np.int32, copy=False), pieces[-1].dictionary


def _chunks(column: Array) -> Sequence[Array]:
    return getattr(column, "chunks", [column])
