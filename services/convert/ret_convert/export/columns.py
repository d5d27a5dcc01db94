"""Columns of strings as bytes of text: put together in Arrow, looked at as bytes, no cell passes through Python.

Scalars are made once: without numpy, pyarrow looks for it in every folder whenever it has to guess a scalar's type.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from ret_convert.arrow import Array, RecordBatch, pa, pc

TEXT = pa.large_string()
"""The type of columns here: 64-bit offsets, since what is put together may pass 2 GiB."""
PIECE_BYTES, PIECE_CELLS = 4 << 20, 1 << 16
"""Most bytes and cells of rows that become text at once."""
WIDE = 256
NOTHING = pa.scalar(0, pa.int64())
OFFSET = struct.Struct("<q")


@cache
def scalar(text: str) -> Any:
    """A text as Arrow has it."""
    return pa.scalar(text, TEXT)


def pieces(batch: RecordBatch) -> Iterator[RecordBatch]:
    """The batch in parts that are small enough to become text; none if it has no rows."""
    rows = batch.num_rows
    step = rows * PIECE_BYTES // max(1, batch.nbytes)
    step = max(1, min(step, rows, PIECE_CELLS // max(1, batch.num_columns)))
    for start in range(0, rows, step):
        yield batch.slice(start, step)


def columns_of(batch: RecordBatch) -> list[Array]:
    """The columns of a batch, wide."""
    return [column.cast(TEXT) for column in batch.columns]


def is_wide(batch: RecordBatch) -> bool:
    """Whether it has rows, and so many columns that going through them one by one is what takes the time."""
    return batch.num_columns > WIDE and batch.num_rows > 0


def stacked(batch: RecordBatch) -> Array:
    """All columns of a batch in one, each below the one before it."""
    return pa.concat_arrays(batch.columns).cast(TEXT)


def in_rows(cells: Array, rows: int, between: str) -> Array:
    """What was stacked, put together row by row; no cell is null."""
    order = _row_by_row(rows, len(cells) // rows)
    ends = pa.array(range(0, len(cells) + 1, len(cells) // rows), pa.int32())
    return pc.binary_join(pa.ListArray.from_arrays(ends, pc.take(cells, order)), scalar(between))


@lru_cache(maxsize=4)
def _row_by_row(rows: int, columns: int) -> Any:
    """Where the cells of each row are among stacked columns."""
    return pa.array([at for row in range(rows) for at in range(row, rows * columns, rows)], pa.int64())


def _extent(column: Array) -> tuple[Any, int, int]:
    """(all bytes of a column, where its first cell begins, where its last one ends)."""
    _, offsets, data = column.buffers()
    if data is None or offsets is None or not len(column):
        return b"", 0, 0
    start = OFFSET.unpack_from(offsets, OFFSET.size * column.offset)[0]
    end = OFFSET.unpack_from(offsets, OFFSET.size * (column.offset + len(column)))[0]
    return data, start, end


def content(column: Array) -> bytes:
    """The texts of a column, one after the other."""
    data, start, end = _extent(column)
    return bytes(memoryview(data)[start:end])


def size(column: Array) -> int:
    """Bytes of the texts of a column."""
    _, start, end = _extent(column)
    return end - start


def either(conditions: list[Array]) -> Array:
    """Where any of the conditions holds; there is one at least."""
    found = conditions[0]
    for one in conditions[1:]:
        found = pc.or_(found, one)
    return found


def empty(column: Array) -> Array | None:
    """Which cells are empty texts; None if none is."""
    return any_of(column, pc.equal(pc.binary_length(column), NOTHING))


def any_of(column: Array, condition: Array) -> Array | None:
    """The condition, if any cell of the column fulfils it."""
    return condition if len(column) and pc.any(condition).as_py() else None


def glued(*parts: Array | str, between: str = "", absent: str | None = None) -> Array:
    """Strings put together row by row.

    Null where one of them is; or with `absent` in its place.
    """
    wide = [scalar(part) if isinstance(part, str) else part for part in parts]
    if absent is None:
        return pc.binary_join_element_wise(*wide, scalar(between))
    return pc.binary_join_element_wise(*wide, scalar(between), null_handling="replace", null_replacement=absent)


def present(parts: list[Array | str], between: str) -> Array:
    """Strings put together row by row, without those that are null. One of them must be a text.

    pyarrow 26 leaves out a row of which nothing is there.
    """
    wide = [scalar(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*wide, scalar(between), null_handling="skip")


def filled(column: Array, text: str) -> Array:
    """The column with the text in place of null."""
    return pc.coalesce(column, scalar(text)) if column.null_count else column


def replaced(column: Array, old: str, new: str) -> Array:
    """The column with a text replaced in every cell."""
    return pc.replace_substring(column, old, new)
