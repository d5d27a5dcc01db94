"""pyarrow with types: it comes without any, so what it gives is given a type here, and only here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as untyped_arrow  # noqa: ICN001 - `pa` is the name of what has a type
import pyarrow.compute as untyped_compute
import pyarrow.parquet as untyped_parquet

pa: Any = untyped_arrow
pc: Any = untyped_compute
pq: Any = untyped_parquet


class Buffer(Protocol):
    """Bytes that Arrow owns."""

    def to_pybytes(self) -> bytes: ...


class Array(Protocol):
    """A column of strings, null where a cell is absent."""

    @property
    def null_count(self) -> int: ...
    def __len__(self) -> int: ...
    def to_pylist(self) -> list[str | None]: ...
    def cast(self, to: object) -> Array: ...
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


def batch_of(columns: list[list[str | None]], names: list[str]) -> RecordBatch:
    """Cells as Arrow has them, column by column."""
    return pa.record_batch([pa.array(cells, pa.string()) for cells in columns], names=names)
class Table(Protocol):
    """Rows of a table in several pieces, column by column."""

    @property
    def num_rows(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def column(self, name: str) -> Array: ...
    def select(self, columns: list[str]) -> Table: ...
    def slice(self, offset: int, length: int) -> Table: ...


