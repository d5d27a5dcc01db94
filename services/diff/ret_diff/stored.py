"""Parquet blobs from which some rows are read, from anywhere: their footers are kept, row groups are read one by one.

Everything here blocks: it is for threads, not for the event loop.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import SEEK_END
from threading import Lock
from typing import Any, TypeVar, cast

import numpy as np

from ret_diff.arrow import Table, pa, pq
from ret_diff.errors import PageTooLarge
from ret_diff.model import Int64s
from ret_kit.blobs import Blobs, session_prefix
from ret_kit.errors import BlobDamaged

KEPT = 256 << 20
"""Bytes of footers, marks and numbers that are kept."""
CELLS = 1 << 20
"""Cells of a page at most, both sides counted."""
BYTES = 32 << 20
"""Bytes of a page's cells at most."""
T = TypeVar("T")


@dataclass(frozen=True)
class Footer:
    """What is known of a Parquet blob once it was opened; `ends` are the rows up to the end of each row group."""

    metadata: Any
    schema: Any
    names: frozenset[str]
    ends: Int64s

    @property
    def rows(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0


class Kept:
    """What was read and may be needed again, by the key of its blob; the longest unused goes first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._things: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._things)

    def get(self, key: str, make: Callable[[], tuple[T, int]]) -> T:
        """The thing of this key; `make` gives it with its size in bytes."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                return cast("T", self._things[key][0])
        thing, size = make()
        with self._lock:
            if key not in self._things:
                self._things[key] = thing, size
                self._bytes += size
            while self._bytes > self._limit and len(self._things) > 1:
                self._bytes -= self._things.popitem(last=False)[1][1]
        return thing

    def forget(self, session_id: str) -> None:
        """What is of a session goes."""
        prefix = session_prefix(session_id)
        with self._lock:
            for key in [key for key in self._things if key.startswith(prefix)]:
                self._bytes -= self._things.pop(key)[1]


class Stored:
    """The Parquet blobs of results and their tables, for several threads."""

    def __init__(self, blobs: Blobs, kept: Kept) -> None:
        self.blobs, self._kept = blobs, kept

    def footer(self, key: str, size: int) -> Footer:
        """NotFound, BlobDamaged."""

        def opened() -> tuple[Footer, int]:
            with self.blobs.reader(key) as file:
                try:
                    if file.seek(0, SEEK_END) != size:
                        raise BlobDamaged(key)
                    parquet = pq.ParquetFile(file)
                    metadata = parquet.metadata
                    rows = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
                    schema = parquet.schema_arrow
                except (pa.ArrowException, OSError) as error:
                    raise BlobDamaged(key) from error
            footer = Footer(metadata, schema, frozenset(schema.names), np.cumsum(rows, dtype=np.int64))
            return footer, int(metadata.serialized_size) + 64 * len(schema.names)

        return self._kept.get(key, opened)

    def rows(self, key: str, size: int, rows: Int64s, names: Sequence[str], most: int = BYTES) -> Table:
        """These rows, which rise, of columns that are there. PageTooLarge above `most` bytes; else as `footer`."""
        footer = self.footer(key, size)
        wanted = list(names)
        parts: list[Table] = []
        if len(rows) and wanted:
            groups = np.searchsorted(footer.ends, rows, "right")
            starts = np.flatnonzero(np.diff(groups, prepend=-1))
            try:
                with self.blobs.reader(key) as file:
                    parquet = pq.ParquetFile(file, metadata=footer.metadata, page_checksum_verification=True)
                    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(rows)], strict=True):
                        group = int(groups[start])
                        # By name, "Item" reads "Item.Name" as well; what is too much is left out here.
                        read = parquet.read_row_group(group, columns=wanted, use_threads=False)
                        at = {name: place for place, name in enumerate(read.column_names)}
                        read = read.select([at[name] for name in wanted])
                        first = int(footer.ends[group - 1]) if group else 0
                        parts.append(_some(read, rows[start:end] - first))
                        most -= parts[-1].nbytes
                        if most < 0:
                            raise PageTooLarge(cells=CELLS, bytes=BYTES)
            except (pa.ArrowException, OSError) as error:
                raise BlobDamaged(key) from error
        fields = [footer.schema.field(footer.schema.get_field_index(name)) for name in wanted]
        return pa.concat_tables([pa.schema(fields).empty_table(), *parts])


def _some(table: Any, rows: Int64s) -> Any:
    first, last = int(rows[0]), int(rows[-1])
    if last - first == len(rows) - 1:
        return table.slice(first, len(rows))
    return table.take(pa.array(rows))
