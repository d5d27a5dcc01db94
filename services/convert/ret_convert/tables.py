"""The canonical table: Parquet in the session's blobs, written once, every cell a string or null.

zstd level 1; dictionaries only where a column's values repeat (without them writing is twice as fast and unique values
are smaller). Columns that turned out to hold nothing are not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, cast

from ret_convert.arrow import RecordBatch, Schema, pa, pc, pq
from ret_convert.layout import Column, Kind, TablePlan
from ret_kit.blobs import Blobs, BlobWriter, Stored

REPEATING = 0.5
"""A column whose distinct values are fewer than this share of its cells gets a dictionary."""
SAMPLE = 64
"""Fewer rows say nothing about whether values repeat."""


@dataclass(frozen=True)
class Written:
    """A table that is stored. `cells` are those that are not null, links left out."""

    name: str
    role: str
    rows: int
    columns: int
    cells: int
    blob: Stored


class Batched(Protocol):
    """What a flattening gives (`build.Batch`)."""

    @property
    def table(self) -> TablePlan: ...
    @property
    def columns(self) -> RecordBatch: ...


class TableWriter:
    """Writes the batches of one table below a key; use `close` for the end, `abandon` to leave nothing."""

    def __init__(self, blobs: Blobs, key: str, plan: TablePlan) -> None:
        self._blobs = blobs
        self._key = key
        self._plan = plan
        self._fields = [
            pa.field(column.name, pa.string(), metadata={"kind": str(column.kind), "path": column.path})
            for column in plan.columns
        ]
        self._filled = [0] * len(plan.columns)
        self._rows = 0
        self._first: RecordBatch | None = None
        self._blob: BlobWriter | None = None
        self._sink: _Sink | None = None
        self._parquet: Any = None

    def write(self, batch: RecordBatch) -> None:
        """Add rows."""
        self._rows += batch.num_rows
        for at, column in enumerate(batch.columns):
            self._filled[at] += len(column) - column.null_count
        if self._parquet is not None:
            self._parquet.write_batch(batch)
        elif self._first is None:
            self._first = batch  # most tables are no longer than this, and then their empty columns are known in time
        else:
            parquet = self._open(f"{self._key}/whole.parquet", list(range(len(self._fields))), self._first)
            parquet.write_batch(self._first)
            parquet.write_batch(batch)
            self._first = None

    def close(self) -> Written:
        """Store the table; at least one batch was written."""
        kept = [at for at, filled in enumerate(self._filled) if filled] or [0]
        key = f"{self._key}.parquet"
        if self._first is not None:
            stored = self._blobs.put_sync(key, self._whole(self._first.select(kept), kept))
        elif len(kept) == len(self._fields):
            stored = self._store(f"{self._key}/whole.parquet")
        else:
            self._store(f"{self._key}/whole.parquet")
            stored = self._trimmed(f"{self._key}/whole.parquet", key, kept)
        links = sum(column.kind is Kind.LINK for column in self._plan.columns)
        return Written(self._plan.name, self._plan.role, self._rows, len(kept), sum(self._filled[links:]), stored)

    def abandon(self) -> None:
        """Store nothing."""
        if self._blob is not None and self._sink is not None:
            self._sink.deaf = True
            self._parquet.close()
            self._blob.abandon()

    def _open(self, key: str, kept: list[int], sample: RecordBatch) -> Any:
        """Begin a table that is too long to be held."""
        self._blob = self._blobs.writer(key)
        self._sink = _Sink(self._blob)
        self._parquet = self._writer(pa.PythonFile(self._sink, mode="w"), kept, sample)
        return self._parquet

    def _whole(self, batch: RecordBatch, kept: list[int]) -> bytes:
        """A short table."""
        out = pa.BufferOutputStream()
        with self._writer(out, kept, batch) as parquet:
            parquet.write_batch(batch)
        return out.getvalue().to_pybytes()

    def _writer(self, out: Any, kept: list[int], sample: RecordBatch) -> Any:
        return pq.ParquetWriter(
            out,
            pa.schema([self._fields[at] for at in kept]),
            compression="zstd",
            compression_level=1,
            use_dictionary=repeating(sample),
            write_statistics=False,
        )

    def _store(self, key: str) -> Stored:
        """End a table that is too long to be held."""
        blob = cast("BlobWriter", self._blob)
        self._parquet.close()
        blob.close()
        return Stored(key, blob.size, blob.sha256)

    def _trimmed(self, source: str, key: str, kept: list[int]) -> Stored:
        """The stored table without its empty columns, row group by row group."""
        with self._blobs.reader(source) as file:
            groups = pq.ParquetFile(file)
            for number in range(groups.num_row_groups):
                # Chosen by position after reading: by name, "Item" would choose "Item.Name" as well.
                for batch in groups.read_row_group(number).select(kept).to_batches():
                    if number == 0:
                        self._open(key, kept, batch)
                    self._parquet.write_batch(batch)
        stored = self._store(key)
        self._blobs.delete_prefix_sync(f"{self._key}/")
        return stored


class _Sink:
    """A blob in the making as pyarrow wants a file: it asks for more methods than it needs."""

    closed = False

    def __init__(self, blob: BlobWriter) -> None:
        self._blob = blob
        self.deaf = False
        """Whether what is written is forgotten: a Parquet writer that is closed or dropped writes its footer anyway."""

    def write(self, data: bytes) -> int:
        return len(data) if self.deaf else self._blob.write(data)

    def tell(self) -> int:
        return self._blob.size

    def flush(self) -> None:
        """Nothing: a blob is there when it is closed."""

    def close(self) -> None:
        """Nothing: whoever opened the blob closes it, or abandons it."""


def repeating(sample: RecordBatch) -> list[str] | bool:
    """The columns whose values repeat, by a first batch."""
    if sample.num_rows < SAMPLE:
        return False
    names = [
        name
        for name, column in zip(sample.schema.names, sample.columns, strict=True)
        if pc.count_distinct(column).as_py() < REPEATING * sample.num_rows
    ]
    return names or False


def store(blobs: Blobs, batches: Iterator[Batched], prefix: str) -> dict[TablePlan, Written]:
    """Store what comes, the tables numbered below `prefix`. After a failure nothing but whole tables is left there."""
    writers: dict[TablePlan, TableWriter] = {}
    try:
        for batch in batches:
            writer = writers.get(batch.table)
            if writer is None:
                writer = writers[batch.table] = TableWriter(blobs, f"{prefix}{len(writers)}", batch.table)
            writer.write(batch.columns)
    except BaseException:
        for writer in writers.values():
            writer.abandon()
        raise
    return {table: writer.close() for table, writer in writers.items()}


def columns_of(schema: Schema) -> list[Column]:
    """The columns of a stored table."""
    found: list[Column] = []
    for one in schema:
        metadata = one.metadata or {}
        found.append(
            Column(one.name, metadata.get(b"path", b"").decode(), Kind(metadata.get(b"kind", b"value").decode()))
        )
    return found


def batches_of(file: BinaryIO, rows: int = 8192) -> Iterator[RecordBatch]:
    """The rows of a stored table, in order; one batch without rows if there are none."""
    parquet = pq.ParquetFile(file)
    empty = True
    for batch in parquet.iter_batches(batch_size=rows):
        empty = False
        yield batch
    if empty:
        yield pa.RecordBatch.from_pylist([], schema=parquet.schema_arrow)
