"""pyarrow with types: it comes without any, so what it gives is given a type here, and only here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as untyped_arrow  # noqa: ICN001 - `pa` is the name of what has a type
import pyarrow.compute as untyped_compute
import pyarrow.csv as untyped_csv
import pyarrow.parquet as untyped_parquet

pa: Any = untyped_arrow
pc: Any = untyped_compute
pq: Any = untyped_parquet
_csv: Any = untyped_csv


class Buffer(Protocol):
    """Bytes that Arrow owns."""

    def to_pybytes(self) -> bytes: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...


class Array(Protocol):
    """A column of strings, null where a cell is absent."""

    @property
    def null_count(self) -> int: ...
    @property
    def offset(self) -> int: ...
    def __len__(self) -> int: ...
    def to_pylist(self) -> list[str | None]: ...
    def cast(self, to: object) -> Array: ...
    def slice(self, offset: int, length: int | None = None) -> Array: ...
    def filter(self, mask: Array) -> Array: ...
    def buffers(self) -> list[Buffer | None]: ...


class Field(Protocol):
    """A column's name and what is kept with it."""

    @property
    def name(self) -> str: ...
    @property
    def metadata(self) -> dict[bytes, bytes] | None: ...


class Schema(Protocol):
    """The columns of a table."""

    @property
    def names(self) -> list[str]: ...
    def __iter__(self) -> Iterator[Field]: ...


class RecordBatch(Protocol):
    """Rows of a table, column by column."""

    @property
    def num_rows(self) -> int: ...
    @property
    def num_columns(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def columns(self) -> list[Array]: ...
    @property
    def schema(self) -> Schema: ...
    def slice(self, offset: int, length: int | None = None) -> RecordBatch: ...
    def select(self, columns: list[int]) -> RecordBatch: ...
    def to_pylist(self) -> list[dict[str, str | None]]: ...


class Table(Protocol):
    """Rows of a table in several pieces, column by column."""

    @property
    def num_rows(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def columns(self) -> list[Array]: ...
    def column(self, name: str) -> Array: ...
    def select(self, columns: list[str]) -> Table: ...
    def slice(self, offset: int, length: int) -> Table: ...


def batch_of(columns: list[list[str | None]], names: list[str]) -> RecordBatch:
    """Cells as Arrow has them, column by column."""
    return pa.record_batch([pa.array(cells, pa.string()) for cells in columns], names=names)


def csv_reader(rows: bytes, delimiter: str) -> RecordBatch | None:
    """Rows of delimited text in UTF-8, every cell a string; one without anything is null. Blank lines are no rows.

    Quotation marks stand around whole cells only. None when there are no rows, or rows of different lengths.
    """
    # Where the last cell of a text without a last line end is empty, Arrow takes it for one in quotation marks.
    lines = rows if rows.endswith(b"\n") else rows + b"\n"
    try:
        table = _csv.read_csv(
            pa.BufferReader(lines),
            _csv.ReadOptions(use_threads=False, block_size=len(lines) + 1, autogenerate_column_names=True),
            _csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            _csv.ConvertOptions(
                default_column_type=pa.string(),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table.combine_chunks().to_batches()[0]
