"""Stored content, read piece by piece, and never given whole when it is not what was stored."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, cast

from ret_convert.arrow import RecordBatch, pa, pq
from ret_convert.editing.overlay import Overlay
from ret_convert.editing.report import EditedTable, Report
from ret_convert.editing.rows import edited_batches
from ret_convert.editing.versions import overlay_of
from ret_convert.encoding import chunks
from ret_convert.export.columns import PIECE_BYTES, PIECE_CELLS, pieces
from ret_convert.export.order import AS_CONVERTED, Bytes, Table
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged

IN_MEMORY = 8 << 20
"""Tables up to this size are read at once."""
PAGE_BYTES = 1 << 20
"""Bytes of a column that are fetched at once."""


def original(blobs: Blobs, source: Bytes) -> Iterator[bytes]:
    """The bytes of a file; its last chunk only when all of them are what was stored, otherwise BlobDamaged."""
    digest = hashlib.sha256()
    held = b""
    with blobs.reader(source["key"], source["offset"], source["length"]) as file:
        for chunk in chunks(file):
            if held:
                yield held
            held = chunk
            digest.update(chunk)
    if source["sha256"] and digest.hexdigest() != source["sha256"]:
        raise BlobDamaged(source["key"])
    if held:
        yield held


class Rows:
    """A table that is open: names, number of rows, about how many bytes; and the rows, in pieces to become text."""

    def __init__(self, file: Any, overlay: Overlay | None = None) -> None:
        # What is buffered before is kept until the end: all of the file, in the long run.
        self._parquet = pq.ParquetFile(file, buffer_size=PAGE_BYTES, pre_buffer=False)
        self._schema = self._parquet.schema_arrow
        metadata = self._parquet.metadata
        self.names = cast("list[str]", self._schema.names)
        self._overlay = overlay
        self.count = cast("int", metadata.num_rows) if overlay is None else overlay.total
        groups = range(metadata.num_row_groups)
        self.size = sum(cast("int", metadata.row_group(number).total_byte_size) for number in groups)

    def __iter__(self) -> Iterator[RecordBatch]:
        """The rows; a batch without any if there are none."""
        empty = True
        batches = self._parquet.iter_batches(batch_size=self._step(), use_threads=False)
        if self._overlay is not None:
            batches = (one.rows for one in edited_batches(batches, self._schema, self._overlay))
        for batch in batches:
            for piece in pieces(batch):
                empty = False
                yield piece
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=self._schema)

    def _step(self) -> int:
        """Rows of a batch, by what they take on average."""
        fitting = PIECE_BYTES * self._parquet.metadata.num_rows // max(1, self.size)
        return max(1, min(fitting, PIECE_CELLS // max(1, len(self.names))))


@contextmanager
def opened(blobs: Blobs, table: Table) -> Generator[Rows | Report]:
    """A table for the block. BlobDamaged, at the end of the block at the latest, when it is not what was stored."""
    if table["role"] == "report":
        tables = [EditedTable(one["name"], one["key"], one["rows"], one["version"]) for one in table.get("of", [])]
        yield Report(blobs, tables, table.get("names", {}))
        return
    overlay = overlay_in(blobs, table) if table["version"] > AS_CONVERTED else None
    if table["size"] <= IN_MEMORY:
        data = blobs.get_sync(table["key"])
        if hashlib.sha256(data).hexdigest() != table["sha256"]:
            raise BlobDamaged(table["key"])
        yield Rows(pa.BufferReader(data), overlay)
        return
    # Reading begins at once; a second thread compares meanwhile.
    broken_off = Event()
    with ThreadPoolExecutor(1) as threads, blobs.reader(table["key"]) as file:
        same = threads.submit(_is_same, blobs, table, broken_off)
        try:
            yield Rows(pa.PythonFile(file, mode="r"), overlay)
        except (pa.ArrowException, OSError) as error:
            if not same.result():
                raise BlobDamaged(table["key"]) from error
            raise
        except BaseException:
            broken_off.set()
            raise
        if not same.result():
            raise BlobDamaged(table["key"])


def overlay_in(blobs: Blobs, table: Table) -> Overlay:
    """What is edited in a table in its version."""
    if table["version"] == AS_CONVERTED:
        return Overlay(table["rows"])
    return overlay_of(blobs, table["key"], table["rows"], table["version"])


def _is_same(blobs: Blobs, table: Table, broken_off: Event) -> bool:
    digest = hashlib.sha256()
    with blobs.reader(table["key"]) as file:
        for chunk in chunks(file):
            if broken_off.is_set():
                break
            digest.update(chunk)
    return digest.hexdigest() == table["sha256"]
