"""Rows of a stored table for a view: whole columns as they are shown, and rows from all over it.

Several threads read; what they do (Arrow, reading blobs) leaves Python's lock alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from itertools import accumulate
from os import SEEK_END
from typing import Any, TypedDict, cast

from ret_convert.arrow import RecordBatch, pa, pc, pq
from ret_convert.editing.overlay import Overlay
from ret_convert.editing.rows import Edited, edited_batches
from ret_convert.editing.versions import overlay_of
from ret_convert.export.ahead import in_order
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged

GROUPS = 16
"""Row groups that are read at once."""
CELLS = 1 << 20
"""Cells that are read at once, as far as one row group has no more."""


class TooMuch(Exception):
    """The rows hold more bytes than they may."""


class Version(TypedDict):
    """A version of a stored table, for a child: the store's URL, the blob with its size, its rows as converted."""

    blobs: str
    key: str
    size: int
    rows: int
    version: int


class Source:
    """A stored table that is read by several threads, with its edits. BlobDamaged when it is not what was stored."""

    def __init__(self, blobs: Blobs, key: str, size: int, overlay: Overlay) -> None:
        self._blobs, self._key = blobs, key
        self.overlay = overlay
        with self._damage(), blobs.reader(key) as file:
            if file.seek(0, SEEK_END) != size:
                raise BlobDamaged(key)
            parquet = pq.ParquetFile(file, pre_buffer=False)
            self._metadata = parquet.metadata
            self._schema = parquet.schema_arrow
        groups = range(self._metadata.num_row_groups)
        self._ends = list(accumulate(cast("int", self._metadata.row_group(at).num_rows) for at in groups))
        self.names = cast("list[str]", self._schema.names)

    @contextmanager
    def _damage(self) -> Generator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            raise BlobDamaged(self._key) from error

    @property
    def groups(self) -> int:
        """Row groups of the table."""
        return len(self._ends)

    def shown(self, columns: Sequence[str], coded: Sequence[str] = (), row: int = 1) -> Iterator[Edited]:
        """All rows with these columns, as they are shown, piece by piece; from a row of the table on, or a bit before.

        The columns `coded` come with dictionaries where the table has them so and nothing is edited in them.
        """
        names = list(columns)
        plain = {*self.overlay.by_column} if not self.overlay.inserted else {*names}
        with_dictionary = [name for name in coded if name not in plain and self._has_dictionary(name)]
        step = max(1, min(GROUPS, CELLS // max(1, len(names) * (self._ends[0] if self._ends else 1))))
        begin = min(bisect_left(self._ends, row), max(0, self.groups - 1))
        ranges = [range(start, min(start + step, self.groups)) for start in range(begin, self.groups, step)]
        steps = (partial(self._batch, part, names, with_dictionary) for part in ranges)
        fields = [
            pa.field(name, pa.dictionary(pa.int32(), pa.string()) if name in with_dictionary else pa.string())
            for name in names
        ]
        first = self._ends[begin - 1] + 1 if begin else 1
        yield from edited_batches(in_order(steps), pa.schema(fields), self.overlay, first)

    def rows(self, numbers: Sequence[int], columns: Sequence[str], most_bytes: int) -> Any:
        """Rows by their numbers, in that order, as an Arrow table of strings. TooMuch above so many bytes."""
        names = list(columns)
        wanted: dict[int, list[int]] = {}
        new: list[int] = []
        for number in numbers:
            if number > self.overlay.rows:
                new.append(number)
            else:
                wanted.setdefault(bisect_right(self._ends, number - 1), []).append(number)
        schema = pa.schema([pa.field(name, pa.string()) for name in names])
        found: list[Any] = []
        size = 0
        for part in in_order(partial(self._taken, at, wanted[at], names) for at in sorted(wanted)):
            found.append(part)
            size += part.nbytes
            if size > most_bytes:
                raise TooMuch
        if new:
            found.append(self.overlay.inserted_rows(new, schema))
        read = [number for at in sorted(wanted) for number in wanted[at]] + new
        places = {number: place for place, number in enumerate(read)}
        whole = pa.concat_tables([schema.empty_table(), *found]).combine_chunks()
        return self._edited(whole.take(pa.array([places[one] for one in numbers], pa.int64())), numbers)

    def _edited(self, cells: Any, numbers: Sequence[int]) -> Any:
        """Rows of any numbers with their changed cells."""
        changed = self.overlay.cells
        by_column: dict[str, list[tuple[int, str | None]]] = {}
        for place, number in enumerate(numbers):
            for name, value in changed.get(number, {}).items():
                by_column.setdefault(name, []).append((place, value))
        for at, name in enumerate(cells.column_names):
            if new := by_column.get(name):
                column = cells.column(at).combine_chunks().to_pylist()
                for place, value in new:
                    column[place] = value
                cells = cells.set_column(at, cells.schema.field(at), pa.array(column, pa.string()))
        return cells

    def _has_dictionary(self, name: str) -> bool:
        if not self.groups:
            return False
        group = self._metadata.row_group(0)
        return "RLE_DICTIONARY" in group.column(self.names.index(name)).encodings

    def _batch(self, groups: range, names: list[str], coded: list[str]) -> RecordBatch:
        few = 2 * len(names) < len(self.names)
        table = self._read(list(groups), names, coded, few=few).combine_chunks()
        return table.to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([], table.schema)

    def _taken(self, group: int, numbers: list[int], names: list[str]) -> Any:
        first = (self._ends[group - 1] if group else 0) + 1
        # Dictionaries are cheaper to read, and what is taken out of them is little.
        coded = [name for name in names if self._has_dictionary(name)]
        rows = self._read([group], names, coded, few=False).take(pa.array([one - first for one in numbers], pa.int64()))
        return rows.cast(pa.schema([pa.field(name, pa.string()) for name in names]))

    def _read(self, groups: list[int], names: list[str], coded: list[str], *, few: bool) -> Any:
        with self._damage(), self._blobs.reader(self._key) as file:
            parquet = pq.ParquetFile(
                # Few columns are a small part of a row group, and only they are fetched.
                pa.PythonFile(cast("BufferedReader", file).raw if few else file, mode="r"),
                metadata=self._metadata,
                read_dictionary=coded,
                pre_buffer=False,
                page_checksum_verification=True,
            )
            # By name, "Item" reads "Item.Name" as well; what is too much is left out here.
            return parquet.read_row_groups(groups, columns=names, use_threads=False).select(names)


def source_of(blobs: Blobs, of: Version) -> Source:
    """A version of a table. NotFound when there is none, or the table was replaced."""
    overlay = overlay_of(blobs, of["key"], of["rows"], of["version"])
    return Source(blobs, of["key"], of["size"], overlay)


def numbers_of(edited: Edited) -> Any:
    """The row numbers of a piece, as Arrow has them."""
    runs = [pa.arange(one.first, one.first + one.count) for one in edited.segments]
    return runs[0] if len(runs) == 1 else pc.cast(pa.concat_arrays(runs), pa.int64())
