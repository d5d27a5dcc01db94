"""Where the element of each row of a table stands in its document: bytes from its beginning, `start` and `end`, int64.

They are kept beside the table, so that an edited row finds its way back into the document.
"""

from __future__ import annotations

import zlib
from array import array
from base64 import b64decode, b64encode
from typing import Any

from ret_convert.arrow import pa, pq
from ret_kit.blobs import Blobs, BlobWriter
from ret_kit.errors import NotFound

POSITIONS = b"positions"
"""Metadata of a short table: starts and ends of its rows, int64, compressed with zlib, in Base64."""


class Sink:
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


class Positions:
    """Where the element of each row of one table stands in the document; on their way into the store.

    Those of a short table are in its footer, those of a long one in a Parquet of their own.
    """

    def __init__(self, blobs: Blobs, key: str) -> None:
        self._blobs = blobs
        self._key = key
        self._first: Any = None
        self._blob: BlobWriter | None = None
        self._sink: Sink | None = None
        self._parquet: Any = None

    def write(self, starts: bytes, ends: bytes) -> None:
        """Add rows; none where nothing is known."""
        if not starts:
            return
        rows = len(starts) // 8
        buffers = [[None, pa.py_buffer(data)] for data in (starts, ends)]
        columns = [pa.Array.from_buffers(pa.int64(), rows, one) for one in buffers]
        batch = pa.record_batch(columns, names=["start", "end"])
        if self._parquet is None and self._first is None:
            self._first = batch
            return
        if self._parquet is None:
            self._blob = self._blobs.writer(self._key)
            self._sink = Sink(self._blob)
            self._parquet = self._writer(pa.PythonFile(self._sink, mode="w"), batch.schema)
            self._parquet.write_batch(self._first)
            self._first = None
        self._parquet.write_batch(batch)

    def inside(self) -> dict[bytes, bytes] | None:
        """What a short table has in its footer."""
        if self._first is None:
            return None
        numbers = b"".join(column.buffers()[1].to_pybytes() for column in self._first.columns)
        return {POSITIONS: b64encode(zlib.compress(numbers, 1))}

    @staticmethod
    def _writer(out: Any, schema: Any) -> Any:
        encoding = {"start": "DELTA_BINARY_PACKED", "end": "DELTA_BINARY_PACKED"}
        return pq.ParquetWriter(
            out, schema, compression="zstd", compression_level=1, use_dictionary=False, column_encoding=encoding
        )

    def close(self) -> None:
        """Store them."""
        if self._parquet is not None and self._blob is not None:
            self._parquet.close()
            self._blob.close()
        elif self._first is not None:
            out = pa.BufferOutputStream()
            with self._writer(out, self._first.schema) as parquet:
                parquet.write_batch(self._first)
            self._blobs.put_sync(self._key, out.getvalue().to_pybytes())

    def abandon(self) -> None:
        """Store nothing."""
        if self._blob is not None and self._sink is not None:
            self._sink.deaf = True
            self._parquet.close()
            self._blob.abandon()


def positions_of(key: str) -> str:
    """Where the positions of a long table's rows are, by the table's key."""
    return f"{key.removesuffix('.parquet').removesuffix('/whole')}.positions"


def positions(blobs: Blobs, key: str) -> list[tuple[int, int]] | None:
    """Where the element of each row of a table begins and ends in its document; None where that is not known."""
    found = numbers_of(blobs, key)
    return None if found is None else list(zip(*found, strict=True))


def numbers_of(blobs: Blobs, key: str) -> tuple[memoryview, memoryview] | None:
    """The same as two lists of int64, 16 bytes a row: where rows begin, and where they end."""
    with blobs.reader(key) as file:
        metadata: dict[bytes, bytes] = pq.ParquetFile(file, pre_buffer=False).schema_arrow.metadata or {}
    if POSITIONS in metadata:
        numbers = memoryview(array("q", zlib.decompress(b64decode(metadata[POSITIONS]))))
        rows = len(numbers) // 2
        return numbers[:rows], numbers[rows:]
    try:
        with blobs.reader(positions_of(key)) as file:
            table = pq.read_table(file)
    except NotFound:
        return None
    starts, ends = (table[name].combine_chunks() for name in ("start", "end"))
    return _numbers(starts), _numbers(ends)


def _numbers(column: Any) -> memoryview:
    buffer = memoryview(column.buffers()[1]).cast("B").cast("q")
    return buffer[column.offset : column.offset + len(column)]
