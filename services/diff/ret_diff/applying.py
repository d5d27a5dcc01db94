"""Differences of two tables, taken over into one of them: as edits that convert saves and can undo.

Seen from the side that is edited: cells become the other side's, rows that only the other side has are put behind
their neighbour, rows that only this side has are deleted. In chunks that one save takes, in the order in which rows are
shown, and the same ones whenever they are made anew, so that a save that is asked for again is the same save.

    taking = TakeOver(differing, target, "a", choice)
    while chunk := taking.chunk():
        saved = save(chunk)                 # a version later each time
        taking.saved(saved.inserted)
    taking.taken                            # what was done and what was not
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from ret_diff.differing import Difference
from ret_diff.meta import ShownColumn
from ret_diff.model import Int64s

CHANGES = 10_000
"""Changed cells, inserted and deleted rows of one save at most, as convert has it."""
BYTES = 2 << 20
"""Text of one save, about: with a last row of some size it still fits into a message."""
TOP = 0
"""The row behind which rows are put that come first."""
ID, PARENT = "_id", "_parent_id"
"""Links: what a row is called by rows that belong to it, and to which row it belongs."""

Into = Literal["a", "b"]
Value = str | None


class Differing(Protocol):
    """Two tables that were compared. `a_rows` and `b_rows` have the number of each shown row, 0 where there is none."""

    @property
    def columns(self) -> Sequence[ShownColumn]: ...
    @property
    def a_rows(self) -> Int64s: ...
    @property
    def b_rows(self) -> Int64s: ...
    def rows(self) -> Iterator[Difference]:
        """The rows that are not the same, with all columns, in the order in which they are shown."""
        ...


@dataclass(frozen=True)
class Target:
    """The table that is edited: its columns in their order, which of them are links: no cell of those is changed."""

    columns: Sequence[str]
    links: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Linking:
    """What links of new rows hold. `next_id` and all above it are ids that no row has.

    `parents` are the ids of rows that are belonged to: that in the edited side by that in the other one.
    """

    next_id: int
    parents: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Change:
    """A row that is to be taken over, by its numbers (0: not given); no columns: all of it."""

    a_row: int = 0
    b_row: int = 0
    columns: Sequence[str] = ()


@dataclass(frozen=True)
class CellEdit:
    """A cell and its new value; None is absent."""

    row: int
    column: str
    value: Value


@dataclass(frozen=True)
class NewRow:
    """A row to be put behind `after`, or TOP; values in the order of the target's columns."""

    after: int
    values: Sequence[Value]


@dataclass
class Chunk:
    """What one save takes."""

    edits: list[CellEdit] = field(default_factory=list[CellEdit])
    inserts: list[NewRow] = field(default_factory=list[NewRow])
    deletes: list[int] = field(default_factory=list[int])

    @property
    def size(self) -> int:
        """Cells and rows that are changed."""
        return len(self.edits) + len(self.inserts) + len(self.deletes)


@dataclass
class Taken:
    """What was taken over, and what was not.

    `left_columns` are those of the other side that this one does not have; `left_cells` were chosen, differ and are of
    no column that can be written. `missing` were chosen and are no differences: rows, and columns that no side has.
    `unlinked` are new rows of which it is not known to which row they belong.
    """

    cells: int = 0
    inserted: int = 0
    deleted: int = 0
    missing: int = 0
    left_cells: int = 0
    unlinked: int = 0
    left_columns: tuple[str, ...] = ()

    @property
    def edits(self) -> int:
        """Everything that was changed."""
        return self.cells + self.inserted + self.deleted


class TakeOver:
    """Takes over all differences, or those that are chosen, into one of two tables. Each is used once."""

    def __init__(
        self,
        differing: Differing,
        target: Target,
        into: Into,
        choice: Iterable[Change] | None,
        linking: Linking | None = None,
    ) -> None:
        self._differing = differing
        self._into: Into = into
        self._chosen = None if choice is None else _Chosen(choice)
        self._columns = _Columns(differing.columns, target, into)
        self._linking = linking
        self.ids: dict[str, str] = {}
        """The ids that new rows have got, by those they have in the other side."""
        self._numbers = differing.a_rows if into == "a" else differing.b_rows
        places = np.where(self._numbers > 0, np.arange(len(self._numbers), dtype=np.int64), np.int64(-1))
        self._anchors: Int64s = np.maximum.accumulate(places)
        self._unknown = 0
        self._operations = self._all()
        self._anchor, self._behind = TOP, TOP
        self.taken = Taken(left_columns=self._columns.left)

    def chunk(self) -> Chunk | None:
        """What is to be saved next; None when that was all. What was asked for before must be `saved`."""
        chunk, size = Chunk(), 0
        while chunk.size < CHANGES and size <= BYTES:
            if (operation := next(self._operations, None)) is None:
                break
            size += self._add(operation, chunk)
        if chunk.size:
            return chunk
        if self._chosen is not None:
            self.taken.missing = self._chosen.left + self._unknown
        return None

    def saved(self, inserted: Sequence[int]) -> None:
        """Take the numbers that the rows of the last chunk have got."""
        if inserted:
            # What is put behind a row stands before what an earlier save has put there; so the next ones go behind it.
            self._behind = inserted[-1]

    def _add(self, operation: _Operation, chunk: Chunk) -> int:
        """Put an operation into the chunk; gives about how many bytes it has."""
        match operation:
            case CellEdit():
                chunk.edits.append(operation)
                return len(operation.value or "") + len(operation.column)
            case NewRow():
                if operation.after != self._anchor:
                    self._anchor = self._behind = operation.after
                chunk.inserts.append(NewRow(self._behind, operation.values))
                return sum(len(value or "") + 4 for value in operation.values)
            case int():
                chunk.deletes.append(operation)
                return 0

    def _all(self) -> Iterator[_Operation]:
        """All that is to be done, row by row."""
        for row in self._differing.rows():
            wanted = () if self._chosen is None else self._chosen.columns(row)
            mine, theirs = (row.a_row, row.b) if self._into == "a" else (row.b_row, row.a)
            if wanted is None:
                continue
            self._unknown += len({*wanted} - self._columns.known)
            if mine and theirs is not None:
                yield from self._edits(row.changed, mine, theirs, wanted)
            elif theirs is not None:
                self.taken.inserted += 1
                yield NewRow(self._neighbour(row), self._linked(self._columns.row(theirs), theirs))
            elif mine:
                self.taken.deleted += 1
                yield mine

    def _edits(
        self, places: Sequence[int], row: int, theirs: Sequence[Value], wanted: Sequence[str]
    ) -> Iterator[CellEdit]:
        for place in places:
            if wanted and not self._columns.names(place) & {*wanted}:
                continue
            name = self._columns.written[place]
            if name is None:
                self.taken.left_cells += 1
            else:
                self.taken.cells += 1
                yield CellEdit(row, name, theirs[place])

    def _linked(self, values: list[Value], theirs: Sequence[Value]) -> list[Value]:
        """A new row with its links: an id of its own, the row it belongs to, and the rest as in the other side."""
        links = self._columns.links
        for name, (at, place) in links.items():
            known = None if place is None else theirs[place]
            if self._linking is None or known is None:
                values[at] = None
            elif name == ID:
                values[at] = self.ids[known] = str(self._linking.next_id + len(self.ids))
            elif name == PARENT:
                values[at] = self._linking.parents.get(known)
            else:
                values[at] = known
        self.taken.unlinked += PARENT in links and values[links[PARENT][0]] is None
        return values

    def _neighbour(self, row: Difference) -> int:
        """The row of the edited table that is shown before this one."""
        anchor = int(self._anchors[row.position])
        return int(self._numbers[anchor]) if anchor >= 0 else TOP


_Operation = CellEdit | NewRow | int


class _Columns:
    """Where the cells of a difference go in the target."""

    def __init__(self, compared: Sequence[ShownColumn], target: Target, into: Into) -> None:
        self._compared = compared
        self.known = {name for one in compared for name in (one.a, one.b) if name is not None}
        """What columns are called on either side."""
        known = {*target.columns} - target.links
        mine = [one.a if into == "a" else one.b for one in compared]
        theirs = [one.b if into == "a" else one.a for one in compared]
        self.written = [
            name if name in known and other is not None else None for name, other in zip(mine, theirs, strict=True)
        ]
        self.left = tuple(other for name, other in zip(mine, theirs, strict=True) if name is None and other is not None)
        known_there = {name: place for place, name in enumerate(mine) if theirs[place] is not None}
        self.links = {
            name: (at, known_there.get(name)) for at, name in enumerate(target.columns) if name in target.links
        }
        """By name: where a link is in the target, and in the difference."""
        places = {name: place for place, name in enumerate(self.written) if name is not None}
        self._places = [places.get(name) for name in target.columns]

    def names(self, place: int) -> set[str | None]:
        """What the column is called on either side."""
        return {self._compared[place].a, self._compared[place].b}

    def row(self, theirs: Sequence[Value]) -> list[Value]:
        """A row for the target; what the other side does not have is absent."""
        return [None if place is None else theirs[place] for place in self._places]


class _Chosen:
    """The rows that are to be taken over, and which of them were found."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._wanted: dict[tuple[int, int], set[str] | None] = {}
        for one in changes:
            key = (one.a_row, one.b_row)
            before = self._wanted.get(key, set[str]())
            self._wanted[key] = None if not one.columns or before is None else {*before, *one.columns}
        self._found: set[tuple[int, int]] = set()

    @property
    def left(self) -> int:
        """Chosen rows that are none of the differences seen so far."""
        return len(self._wanted) - len(self._found)

    def columns(self, row: Difference) -> Sequence[str] | None:
        """The columns that are chosen of a row, none meaning all; None: the row is not chosen."""
        keys = ((row.a_row, row.b_row), (row.a_row, 0), (0, row.b_row))
        found = [key for key in keys if key != (0, 0) and key in self._wanted]
        self._found.update(found)
        if not found:
            return None
        chosen = [self._wanted[key] for key in found]
        return () if None in chosen else sorted({name for one in chosen if one for name in one})
