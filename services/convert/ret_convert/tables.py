"""The canonical table: Parquet in the session's blobs, written once, every cell a string or null.

zstd level 1; dictionaries only where a column's values repeat (without them writing is twice as fast and unique values
are smaller). Columns that turned out to hold nothing are not there. Where the element of each row stands in its
document is kept beside the table (positions.py).

Columns may come while a table is written, and their names may change until its end: then it was written in parts, which
are put together when it is closed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, cast

from ret_convert.arrow import RecordBatch, Schema, pa, pc, pq
from ret_convert.batch import Restart
from ret_convert.layout import Column, Kind, TablePlan
from ret_convert.positions import Positions, Sink, positions_of
from ret_kit.blobs import Blobs, Stored

REPEATING = 0.5
"""A column whose distinct values are fewer than this share of its cells gets a dictionary."""
SAMPLED = 8192
"""Rows of the first batch that are looked at."""
SOURCES = b"sources"
"""Metadata of a part: what its columns are called in the batches."""
SAMPLE = 64
"""Fewer rows say nothing about whether values repeat."""
ROWS = 8192
"""Rows of a row group: few enough for a page to be read quickly."""
ASIDE = 1 << 20
"""Bytes of a batch from which on it is written in another thread."""
AHEAD = 2
"""Batches that may wait to be written while the next one is made."""


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
    """What a flattening gives (`batch.Batch`)."""

    @property
    def table(self) -> TablePlan: ...
    @property
    def columns(self) -> RecordBatch: ...
    @property
    def starts(self) -> bytes: ...
    @property
    def ends(self) -> bytes: ...


class Part:
    """Rows of a table in a file of their own, as long as no further column comes."""

    def __init__(self, blobs: Blobs, key: str, cells: list[Column], sample: RecordBatch) -> None:
        self.key = key
        self.cells = cells
        self._at = {one.source: at for at, one in enumerate(cells)}
        sources = "\0".join(one.source for one in cells)
        self._schema: Any = pa.schema([field_of(one) for one in cells], metadata={SOURCES: sources})
        self._blob = blobs.writer(key)
        self._sink = Sink(self._blob)
        self._parquet = parquet_writer(pa.PythonFile(self._sink, mode="w"), self._schema, repeating(sample, cells))

    def takes(self, batch: RecordBatch) -> bool:
        """Whether the part has all columns of the batch."""
        return self._at.keys() >= set(batch.schema.names)

    def write(self, batch: RecordBatch) -> None:
        self._parquet.write_batch(arranged(batch, self.cells, self._schema), row_group_size=ROWS)

    def close(self) -> Stored:
        self._parquet.close()
        self._blob.close()
        return Stored(self.key, self._blob.size, self._blob.sha256)

    def abandon(self) -> None:
        self._sink.deaf = True
        self._parquet.close()
        self._blob.abandon()


class TableWriter:
    """Writes the batches of one table below a key; use `close` for the end, `abandon` to leave nothing."""

    def __init__(self, blobs: Blobs, key: str, plan: TablePlan) -> None:
        self._blobs = blobs
        self._key = key
        self._plan = plan
        self._filled: dict[str, int] = {}
        self._rows = 0
        self._first: RecordBatch | None = None
        self._part: Part | None = None
        self._parts: list[Stored] = []
        self._positions = Positions(blobs, positions_of(f"{key}.parquet"))

    def write(self, batch: Batched) -> None:
        """Add rows."""
        rows = batch.columns
        self._rows += rows.num_rows
        for name, column in zip(rows.schema.names, rows.columns, strict=True):
            self._filled[name] = self._filled.get(name, 0) + len(column) - column.null_count
        self._positions.write(batch.starts, batch.ends)
        if self._part is None and self._first is None:
            self._first = rows  # most tables are no longer than this, and then their columns are known in time
            return
        if self._first is not None:
            self._add(self._first)
            self._first = None
        self._add(rows)

    def _add(self, rows: RecordBatch) -> None:
        if self._part is None or not self._part.takes(rows):
            if self._part is not None:
                self._parts.append(self._part.close())
            names = set(rows.schema.names)
            cells = [column for column in self._plan.columns if column.source in names]
            key = f"{self._key}/{len(self._parts)}.parquet" if self._parts else f"{self._key}.parquet"
            self._part = Part(self._blobs, key, cells, rows)
        self._part.write(rows)

    def close(self) -> Written:
        """Store the table; at least one batch was written."""
        cells = self._plan.columns
        # A column whose path is a number has its name from the document (grid.py): content, also without a cell.
        kept = [one for one in cells if self._filled.get(one.source) or one.path.isdigit()] or cells[:1]
        small = self._first is not None and self._rows <= ROWS
        if not small:
            self._positions.close()
        if self._first is not None:
            stored = self._blobs.put_sync(f"{self._key}.parquet", self._whole(self._first, kept))
        elif self._part is not None and not self._parts and self._part.cells == kept and not self._plan.first:
            stored = self._part.close()
        else:
            stored = self._together(kept)
        links = sum(one.kind is Kind.LINK for one in cells)
        filled = sum(self._filled.get(one.source, 0) for one in cells[links:]) + len(self._plan.first)
        columns = len(kept) + len(self._plan.first)
        return Written(self._plan.name, self._plan.role, self._rows, columns, filled, stored)

    def abandon(self) -> None:
        """Store nothing."""
        if self._part is not None:
            self._part.abandon()
        self._positions.abandon()
        if self._parts:
            self._blobs.delete_prefix_sync(f"{self._key}/")
            self._blobs.delete_sync(f"{self._key}.parquet")

    def _schema(self, kept: list[Column], metadata: dict[bytes, bytes] | None = None) -> Any:
        first = [column for column, _ in self._plan.first]
        return pa.schema([field_of(column) for column in [*kept, *first]], metadata=metadata)

    def _beside(self, rows: int, *, first: bool) -> list[Any]:
        """The cells of the columns that have one in the first row only."""
        lists = [[cell if first else None, *[None] * (rows - 1)] for _, cell in self._plan.first]
        return [pa.array(cells, pa.string()) for cells in lists]

    def _whole(self, rows: RecordBatch, kept: list[Column]) -> bytes:
        """A short table."""
        out = pa.BufferOutputStream()
        schema = self._schema(kept, self._positions.inside() if self._rows <= ROWS else None)
        with parquet_writer(out, schema, repeating(rows, kept)) as parquet:
            parquet.write_batch(
                arranged(rows, kept, schema, self._beside(rows.num_rows, first=True)), row_group_size=ROWS
            )
        return out.getvalue().to_pybytes()

    def _together(self, kept: list[Column]) -> Stored:
        """The parts as one table, row group by row group."""
        part = cast("Part", self._part)
        parts = [*self._parts, part.close()]
        schema, key = self._schema(kept), f"{self._key}/whole.parquet"
        blob = self._blobs.writer(key)
        sink = Sink(blob)
        parquet: Any = None
        first = True
        # All parts have been written with their batches' names known: by these a cell is found again.
        for rows in self._stored_rows(parts):
            if parquet is None:
                parquet = parquet_writer(pa.PythonFile(sink, mode="w"), schema, repeating(rows, kept))
            parquet.write_batch(arranged(rows, kept, schema, self._beside(rows.num_rows, first=first)))
            first = False
        parquet.close()
        blob.close()
        for one in parts:
            self._blobs.delete_sync(one.key)
        return Stored(key, blob.size, blob.sha256)

    def _stored_rows(self, parts: list[Stored]) -> Iterator[RecordBatch]:
        """The rows of the parts, their columns called as in the batches."""
        for part in parts:
            with self._blobs.reader(part.key) as file:
                groups = pq.ParquetFile(file, pre_buffer=False)  # or all that was read stays in memory
                sources = [source.decode() for source in groups.schema_arrow.metadata[SOURCES].split(b"\0")]
                for number in range(groups.num_row_groups):
                    for batch in groups.read_row_group(number).to_batches():
                        yield batch.rename_columns(sources)


def field_of(column: Column) -> Any:
    """A column for Arrow."""
    return pa.field(column.name, pa.string(), metadata={"kind": str(column.kind), "path": column.path})


def repeating(sample: RecordBatch, cells: list[Column]) -> list[str]:
    """The columns whose values repeat, by a first batch."""
    if sample.num_rows < SAMPLE:
        return []
    columns = dict(zip(sample.schema.names, sample.columns, strict=True))
    some = {name: column.slice(0, SAMPLED) for name, column in columns.items()}
    return [
        one.name
        for one in cells
        if one.source in some and pc.count_distinct(some[one.source]).as_py() < REPEATING * len(some[one.source])
    ]


def parquet_writer(out: Any, schema: Any, dictionaries: list[str]) -> Any:
    """A writer of a table, or of a part of it."""
    return pq.ParquetWriter(
        out,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=dictionaries or False,
        write_statistics=False,
        write_page_checksum=True,
    )


def arranged(rows: RecordBatch, cells: list[Column], schema: Any, beside: list[Any] | None = None) -> Any:
    """A batch in the order of its table; columns it does not have are null."""
    columns = dict(zip(rows.schema.names, rows.columns, strict=True))
    absent = None if all(one.source in columns for one in cells) else pa.nulls(rows.num_rows, pa.string())
    return pa.record_batch([*(columns.get(one.source, absent) for one in cells), *(beside or [])], schema=schema)


def store(blobs: Blobs, batches: Iterator[Batched | Restart], prefix: str) -> dict[TablePlan, Written]:
    """Store what comes, the tables numbered below `prefix`. After a failure nothing but whole tables is left there.

    Batches are written while the next ones are made.
    """
    writers: dict[TablePlan, TableWriter] = {}
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="parquet") as beside:
        try:
            for batch in batches:
                if isinstance(batch, Restart):
                    _wait(waiting, 0)
                    for writer in writers.values():
                        writer.abandon()
                    writers.clear()
                    continue
                writer = writers.get(batch.table)
                if writer is None:
                    writer = writers[batch.table] = TableWriter(blobs, f"{prefix}{len(writers)}", batch.table)
                if not waiting and batch.columns.nbytes < ASIDE:
                    writer.write(batch)
                    continue
                _wait(waiting, AHEAD)
                waiting.append(beside.submit(writer.write, batch))
            _wait(waiting, 0)
        except BaseException:
            for one in waiting:
                one.cancel()
            beside.shutdown()
            for writer in writers.values():
                writer.abandon()
            raise
    return {table: writer.close() for table, writer in writers.items()}


def _wait(waiting: deque[Future[None]], left: int) -> None:
    """Wait until at most so many are left; the error of one that failed."""
    while len(waiting) > left:
        waiting.popleft().result()


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
    parquet = pq.ParquetFile(file, pre_buffer=False)
    empty = True
    for batch in parquet.iter_batches(batch_size=rows):
        empty = False
        yield batch
    if empty:
        yield pa.RecordBatch.from_pylist([], schema=parquet.schema_arrow)
