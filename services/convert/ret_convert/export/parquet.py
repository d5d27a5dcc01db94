"""Parquet of a table that was edited: as the stored one is written, row group by row group, nothing but the rows."""

from __future__ import annotations

from collections.abc import Iterator

from ret_convert.arrow import RecordBatch, pa
from ret_convert.export.ahead import Done, Step
from ret_convert.export.xlsx import Source
from ret_convert.tables import ROWS, parquet_writer


class Pieces:
    """A file in the making as pyarrow wants it; what was written is taken from it again and again."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Nothing: what is written is there."""

    def close(self) -> None:
        """Nothing, as well."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def pieces(rows: Source) -> Iterator[Step[bytes]]:
    """The file, in its order."""
    out = Pieces()
    held: list[RecordBatch] = []
    parquet = None
    for batch in rows:
        if parquet is None:
            # Where rows stood in the document is not true of edited ones.
            schema = pa.schema(list(batch.schema))
            parquet = parquet_writer(pa.PythonFile(out, mode="w"), schema, [])
        held.append(batch)
        if sum(one.num_rows for one in held) >= ROWS:
            parquet.write_table(pa.Table.from_batches(held).replace_schema_metadata(None), row_group_size=ROWS)
            held.clear()
            yield Done(out.taken())
    if parquet is not None:
        if held:
            parquet.write_table(pa.Table.from_batches(held).replace_schema_metadata(None), row_group_size=ROWS)
        parquet.close()
    yield Done(out.taken())
