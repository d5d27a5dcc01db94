"""Tables of convert as the engine reads them: columns of strings from a Parquet blob, whenever they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from typing import Any, cast

from ret_diff.arrow import Field, pa, pq
from ret_diff.model import Column, Kind
from ret_diff.orders import StoredTable
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged

IN_MEMORY = 64 << 20
"""Tables up to this size are fetched once, and are proved by their digest; of larger ones each page has a checksum."""


class StoredSource:
    """A stored table. The columns named in `links` are links, whatever is written of them.

    NotFound when the table was replaced, BlobDamaged when it is not what was stored.
    """

    def __init__(self, blobs: Blobs, table: StoredTable, links: Collection[str] = ()) -> None:
        self._blobs, self._table = blobs, table
        self._data: Any = None
        if table["size"] <= IN_MEMORY:
            data = blobs.get_sync(table["key"], 0, table["size"])
            if hashlib.sha256(data).hexdigest() != table["sha256"]:
                raise BlobDamaged(table["key"])
            self._data = pa.py_buffer(data)
        with self._opened() as file:
            parquet = pq.ParquetFile(file, pre_buffer=False)
            self._metadata = parquet.metadata
            self._columns = [_column(one, links) for one in parquet.schema_arrow]
        if self._metadata.num_rows != table["rows"]:
            raise BlobDamaged(table["key"])

    @property
    def rows(self) -> int:
        return self._table["rows"]

    @property
    def columns(self) -> Sequence[Column]:
        return self._columns

    def read(self, names: Sequence[str]) -> Any:
        """These columns with all rows."""
        wanted = list(names)
        with self._opened() as file:
            parquet = pq.ParquetFile(file, metadata=self._metadata, pre_buffer=False, page_checksum_verification=True)
            # By name, "Item" reads "Item.Name" as well; what is too much is left out here.
            return parquet.read(columns=wanted, use_threads=False).select(wanted)

    @contextmanager
    def _opened(self) -> Generator[Any]:
        try:
            if self._data is not None:
                yield pa.BufferReader(self._data)
                return
            with self._blobs.reader(self._table["key"]) as file:
                # A column's share of a row group is fetched at once, and nothing around it.
                yield pa.PythonFile(cast("BufferedReader", file).raw, mode="r")
        except (pa.ArrowException, OSError) as error:
            raise BlobDamaged(self._table["key"]) from error


class Nothing:
    """A table that one side does not have."""

    rows = 0
    columns: Sequence[Column] = ()

    def read(self, names: Sequence[str]) -> Any:
        """No columns and no rows."""
        return pa.table({name: pa.array([], pa.string()) for name in names})


def _column(field: Field, links: Collection[str]) -> Column:
    metadata = field.metadata or {}
    kind = Kind.LINK if field.name in links else Kind(metadata.get(b"kind", b"value").decode())
    return Column(field.name, metadata.get(b"path", b"").decode(), kind)
