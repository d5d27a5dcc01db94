"""What was edited in a document's tables, cell by cell: what it was, what it is, who did it and when.

Told is what is different from the tables as they were converted, and not every step on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from ret_convert.arrow import RecordBatch, batch_of, pq
from ret_convert.editing.log import CONVERTED, Head, entry, entry_key
from ret_convert.editing.overlay import Overlay
from ret_convert.editing.replay import Log
from ret_convert.editing.rows import stored_rows
from ret_kit.blobs import Blobs

NAMES = ["Table", "Row", "Column", "Original", "Edited", "Kind", "Who", "When"]
LINES = 4096
"""Lines of a batch."""
CELL_BYTES = 16
Line = tuple[str, str, str | None, str | None, str | None, str, str, str]


@dataclass(frozen=True)
class EditedTable:
    """A stored table, and in which version: its name, its key, its rows."""

    name: str
    key: str
    rows: int
    version: int


@dataclass
class Makers:
    """Which version a cell, an inserted row, a deleted row is from."""

    cells: dict[tuple[int, str], Head] = field(default_factory=dict[tuple[int, str], Head])
    inserted: dict[int, Head] = field(default_factory=dict[int, Head])
    deleted: dict[int, Head] = field(default_factory=dict[int, Head])


class Report:
    """The lines of a report, as a table that is read again and again."""

    names = NAMES

    def __init__(self, blobs: Blobs, tables: Sequence[EditedTable], names: Mapping[str, str]) -> None:
        """`names` of people, by their ids; others are told by their ids."""
        self._blobs = blobs
        self._tables = tables
        self._names = names
        self._count: int | None = None

    @property
    def count(self) -> int:
        """How many lines there are."""
        if self._count is None:
            self._count = sum(1 for _ in self._lines())
        return self._count

    @property
    def size(self) -> int:
        """About how many bytes that is."""
        return self.count * len(NAMES) * CELL_BYTES

    def __iter__(self) -> Iterator[RecordBatch]:
        lines = self._lines()
        while batch := list(islice(lines, LINES)):
            yield batch_of([list(cells) for cells in zip(*batch, strict=True)], NAMES)
        yield batch_of([[] for _ in NAMES], NAMES)

    def _lines(self) -> Iterator[Line]:
        for table in self._tables:
            log = Log(self._blobs, table.key, table.rows, until=table.version)
            log.refresh()
            overlay = log.overlay(log.timeline.state)
            makers = _makers(self._blobs, table.key, log, self._names)
            with closing(self._blobs.reader(table.key)) as file:
                parquet = pq.ParquetFile(file, pre_buffer=False)
                yield from _of_table(table.name, overlay, makers, parquet)
            yield from _inserted(table.name, overlay, makers, parquet.schema_arrow.names)


def _makers(blobs: Blobs, key: str, log: Log, names: Mapping[str, str]) -> Makers:
    """Who made what is in effect, by name."""
    found = Makers()
    in_effect = log.timeline.in_effect()
    for head in log.timeline.heads:
        if head.version not in in_effect or head.version == CONVERTED:
            continue
        where = entry_key(key, head.version)
        changes = entry(where, blobs.get_sync(where)).changes
        head = replace(head, user=names.get(head.user, head.user))  # noqa: PLW2901 - from here on with a name
        found.cells.update(((edit.row, edit.column), head) for edit in changes.edits)
        found.inserted.update((one.row, head) for one in changes.inserts)
        found.deleted.update((row, head) for row in changes.deletes)
    return found


def _of_table(name: str, overlay: Overlay, makers: Makers, parquet: Any) -> Iterator[Line]:
    """Changed cells and deleted rows."""
    deleted = {row for row in overlay.deleted if row <= overlay.rows}
    for number, row in stored_rows(parquet, sorted(deleted | overlay.cells.keys())):
        if number in deleted:
            told = _told(makers.deleted[number])
            cells = [(column, value) for column, value in row.items() if value is not None]
            for column, value in cells or [(None, None)]:
                yield (name, str(number), column, value, None, "deleted", *told)
            continue
        for column, value in overlay.cells[number].items():
            if row[column] != value:
                yield (name, str(number), column, row[column], value, "changed", *_told(makers.cells[number, column]))


def _inserted(name: str, overlay: Overlay, makers: Makers, columns: Sequence[str]) -> Iterator[Line]:
    """Inserted rows, in their order."""
    for segment in overlay.segments:
        if not segment.inserted:
            continue
        number, values = segment.first, overlay.inserted[segment.first]
        cells = [(column, value) for column in columns if (value := values.get(column)) is not None]
        for column, value in cells or [(None, None)]:
            head = makers.cells.get((number, column or ""), makers.inserted[number])
            yield (name, str(number), column, None, value, "inserted", *_told(head))


def _told(head: Head) -> tuple[str, str]:
    at = datetime.fromtimestamp(head.at / 1000, UTC)
    return head.user, at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
