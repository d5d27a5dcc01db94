"""What has been edited in a table, apart from the table: changed cells, deleted rows, inserted rows.

The table itself never changes. Its rows are numbered from 1 in the order of the document; a number means the same row
in every version. Inserted rows have numbers above all others, which are never used again. Where they stand is told by
the row behind which they were put, also when that one is deleted.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ret_convert.arrow import pa, pc

Value = str | None
TOP = 0
"""The row behind which rows stand that are inserted at the top."""


@dataclass(frozen=True)
class Edit:
    """A cell and its new value; None is absent."""

    row: int
    column: str
    value: Value


@dataclass(frozen=True)
class Insert:
    """A row that was put behind `after`, or `TOP`; its values are by column."""

    row: int
    after: int
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Changes:
    """What one version changes: edits, then insertions (those behind the same row in their order), then deletions."""

    edits: Sequence[Edit] = ()
    inserts: Sequence[Insert] = ()
    deletes: Sequence[int] = ()


@dataclass(frozen=True)
class Segment:
    """Rows that are shown one after the other from place `at` (0 is the first row that is shown).

    Either `count` rows of the table from row `first` on, or one inserted row: then `count` is 1.
    """

    at: int
    first: int
    count: int
    inserted: bool

    @property
    def end(self) -> int:
        return self.at + self.count


@dataclass
class Overlay:
    """All changes of a table of `rows` rows up to a version. It never changes: `then` gives another one."""

    rows: int
    cells: dict[int, dict[str, Value]] = field(default_factory=dict[int, dict[str, Value]])
    deleted: set[int] = field(default_factory=set[int])
    inserted: dict[int, dict[str, Value]] = field(default_factory=dict[int, dict[str, Value]])
    behind: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """Inserted rows by the row behind which they were put, in the order in which they stand; deleted ones as well."""

    @classmethod
    def folded(cls, rows: int, versions: Iterable[Changes]) -> Overlay:
        """All versions, the first one first."""
        made = cls(rows)
        for changes in versions:
            made._add(changes)
        return made

    def then(self, *versions: Changes) -> Overlay:
        """With further versions, the first one first."""
        made = Overlay(self.rows, dict(self.cells), set(self.deleted), dict(self.inserted), dict(self.behind))
        for changes in versions:
            made._add(changes)
        return made

    def _add(self, changes: Changes) -> None:
        """Apply one version more; its rows and columns are known to be there. What is held by others is left alone."""
        for edit in changes.edits:
            rows = self.inserted if edit.row in self.inserted else self.cells
            rows[edit.row] = {**rows.get(edit.row, {}), edit.column: edit.value}
        fresh: dict[int, list[int]] = {}
        for insert in changes.inserts:
            self.inserted[insert.row] = dict(insert.values)
            fresh.setdefault(insert.after, []).append(insert.row)
        for after, rows in fresh.items():
            self.behind[after] = [*rows, *self.behind.get(after, [])]
        self.deleted.update(changes.deletes)

    def has(self, row: int) -> bool:
        """Whether there is such a row now."""
        return (1 <= row <= self.rows or row in self.inserted) and row not in self.deleted

    @property
    def total(self) -> int:
        """Rows there are now."""
        return self.segments[-1].end if self.segments else 0

    @property
    def untouched(self) -> bool:
        """Whether nothing is edited."""
        return not (self.cells or self.deleted or self.inserted)

    @cached_property
    def segments(self) -> list[Segment]:
        """The rows in the order in which they are shown."""
        found: list[Segment] = []
        at, first = 0, 1

        def table_rows(until: int) -> None:
            nonlocal at
            if until >= first:
                found.append(Segment(at, first, until - first + 1, inserted=False))
                at += until - first + 1

        for row in sorted({row for row in self.deleted | self.behind.keys() if row <= self.rows}):
            kept = row not in self.deleted and row != TOP
            table_rows(row if kept else row - 1)
            first = row + 1
            for new in self._standing_behind(row):
                found.append(Segment(at, new, 1, inserted=True))
                at += 1
        table_rows(self.rows)
        return found

    def _standing_behind(self, row: int) -> Iterator[int]:
        """Inserted rows that stand between a row of the table and the next one."""
        waiting = self.behind.get(row, [])[::-1]
        while waiting:
            new = waiting.pop()
            if new not in self.deleted:
                yield new
            waiting += self.behind.get(new, [])[::-1]

    def between(self, start: int, end: int) -> Iterator[Segment]:
        """The segments of the places from `start` up to `end`, cut to them."""
        at = max(0, bisect_right(self.segments, start, key=lambda one: one.at) - 1)
        for one in self.segments[at:]:
            if one.at >= end:
                return
            low, high = max(start, one.at), min(end, one.end)
            if low < high:
                yield Segment(low, one.first + low - one.at, high - low, one.inserted)

    @cached_property
    def by_column(self) -> dict[str, tuple[list[int], list[Value]]]:
        """Changed cells of the table's own rows: rows, rising, and their values, by column."""
        found: dict[str, tuple[list[int], list[Value]]] = {}
        for row in sorted(self.cells):
            for column, value in self.cells[row].items():
                rows, values = found.setdefault(column, ([], []))
                rows.append(row)
                values.append(value)
        return found

    def edited(self, cells: Any, first: int) -> Any:
        """Rows of the table (Arrow's) from row `first` on, with their changed cells; nothing is inserted or deleted."""
        for at, name in enumerate(cells.column_names):
            rows, values = self.by_column.get(name, ([], []))
            low, high = bisect_left(rows, first), bisect_left(rows, first + cells.num_rows)
            if low == high:
                continue
            mask = bytearray((cells.num_rows + 7) // 8)
            for row in rows[low:high]:
                mask[(row - first) >> 3] |= 1 << ((row - first) & 7)
            changed = pa.Array.from_buffers(pa.bool_(), cells.num_rows, [None, pa.py_buffer(bytes(mask))])
            column = cells.column(at).combine_chunks()
            new = pc.replace_with_mask(column, changed, pa.array(values[low:high], column.type))
            cells = cells.set_column(at, cells.schema.field(at), new)
        return cells

    def inserted_rows(self, rows: Iterable[int], schema: Any) -> Any:
        """Inserted rows as a table of Arrow's with this schema."""
        values = [self.inserted[row] for row in rows]
        columns = [pa.array([one.get(name) for one in values], pa.string()) for name in schema.names]
        return pa.Table.from_arrays(columns, schema=schema)
