"""What somebody wants to change in a table: checked against the version it is for, compared with the present one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ret_convert.editing.errors import Conflict
from ret_convert.editing.overlay import TOP, Changes, Edit, Insert, Overlay, Value
from ret_kit.errors import Invalid

EDITS = 10_000
"""Changed cells, inserted rows and deleted rows of one order at most."""
CELL = 1 << 20
"""Bytes of a cell at most."""
LISTED = 1000
"""Conflicts that are listed at most."""
LISTED_CHARACTERS = 500_000
"""Characters of all values of listed conflicts, about."""
SHOWN = 100_000
"""Characters of a value in a conflict; what is longer is cut."""

BaseCells = Callable[[Mapping[str, Collection[int]]], Mapping[tuple[int, str], Value]]
"""Gives cells as they were converted, by row and column, for rows by column."""


@dataclass(frozen=True)
class NewRow:
    """A row to be put behind `after`, or `TOP`; `values` in the order of the table's columns."""

    after: int
    values: Sequence[Value]


@dataclass(frozen=True)
class Order:
    """Changes to a version. Of several edits of a cell the last one counts."""

    version: int
    edits: Sequence[Edit] = ()
    inserts: Sequence[NewRow] = ()
    deletes: Sequence[int] = ()

    @property
    def size(self) -> int:
        """Cells and rows that are changed."""
        return len(self.edits) + len(self.inserts) + len(self.deletes)


@dataclass(frozen=True)
class State:
    """A table at a version: its columns, what was edited, and the highest number a row ever had."""

    columns: Sequence[str]
    overlay: Overlay
    top: int


@dataclass(frozen=True)
class Conflicts:
    """What was changed on both sides; `more` are not listed."""

    listed: list[Conflict] = field(default_factory=list[Conflict])
    more: int = 0


def check(order: Order, state: State) -> None:
    """Invalid, with the field's name, unless everything in the order can be done to the state."""
    if not 0 < order.size <= EDITS:
        raise Invalid(field="edits", reason=f"must be 1 to {EDITS:,}, with inserted and deleted rows")
    columns = set(state.columns)
    for at, edit in enumerate(order.edits):
        if not state.overlay.has(edit.row):
            raise _wrong("edits", at, "names a row that the table does not have")
        if edit.column not in columns:
            raise _wrong("edits", at, "names a column that the table does not have")
        if too_large(edit.value):
            raise _wrong("edits", at, f"has a value of more than {CELL >> 20} MiB")
    for at, row in enumerate(order.inserts):
        if not stands(state.overlay, row.after):
            raise _wrong("insert_rows", at, "goes behind a row that the table does not have")
        if len(row.values) != len(state.columns):
            raise _wrong("insert_rows", at, f"has {len(row.values)} values for {len(state.columns)} columns")
        if any(map(too_large, row.values)):
            raise _wrong("insert_rows", at, f"has a value of more than {CELL >> 20} MiB")
    for at, number in enumerate(order.deletes):
        # A row that is deleted already is no mistake: two may do it at the same time.
        if not 1 <= number <= state.top:
            raise _wrong("delete_rows", at, "is a row that the table does not have")


def _wrong(name: str, at: int, reason: str) -> Invalid:
    return Invalid(field=name, reason=f"cannot be saved: number {at + 1} {reason}")


def too_large(value: Value) -> bool:
    """Whether a value is larger than a cell can be."""
    return value is not None and len(value) > CELL // 4 and len(value.encode()) > CELL


def stands(overlay: Overlay, row: int) -> bool:
    """Whether rows can be put behind a row: it may be deleted, but it must have a place."""
    return row == TOP or 1 <= row <= overlay.rows or row in overlay.inserted


def changes(order: Order, state: State) -> Changes:
    """What the order changes in the present state; inserted rows get their numbers."""
    cells = {(edit.row, edit.column): edit for edit in order.edits}
    inserts = [
        Insert(
            number,
            row.after,
            {name: value for name, value in zip(state.columns, row.values, strict=True) if value is not None},
        )
        for number, row in enumerate(order.inserts, state.top + 1)
    ]
    return Changes(list(cells.values()), inserts, sorted({row for row in order.deletes if state.overlay.has(row)}))


def conflicts(order: Order, then: Overlay, now: Overlay, base: BaseCells) -> Conflicts:
    """What of an order for the state `then` was changed meanwhile, in the order of the order.

    Cells that are as they were, or are already what they were to become, are no conflicts, nor are rows that are to be
    deleted and are deleted already.
    """
    found = list(_candidates(order, then, now))
    shown = found[:LISTED]
    wanted: dict[str, set[int]] = {}
    for one in shown:
        if one.column is not None and not (one.was and one.now):
            wanted.setdefault(one.column, set()).add(one.row)
    converted: Mapping[tuple[int, str], Value] = base(wanted) if wanted else {}
    listed: list[Conflict] = []
    room = LISTED_CHARACTERS
    for at, one in enumerate(shown):
        made = one.conflict(converted)
        if made is None:
            continue
        listed.append(made)
        room -= len(made.base or "") + len(made.theirs or "")
        if room < 0:
            return Conflicts(listed, len(found) - at - 1)
    return Conflicts(listed, len(found) - len(shown))


@dataclass(frozen=True)
class _Candidate:
    """A cell or row that is not as it was, as far as that shows without reading the table.

    `was` and `now` are the values in a list of one; None is the cell as it was converted.
    """

    row: int
    column: str | None = None
    was: list[Value] | None = None
    now: list[Value] | None = None
    mine: Value = None
    deleted: bool = False

    def conflict(self, converted: Mapping[tuple[int, str], Value]) -> Conflict | None:
        """The conflict, unless the cell is as it was or as it is to be."""
        if self.column is None:
            return Conflict(self.row, None, None, None, self.deleted)
        at = (self.row, self.column)
        was = self.was[0] if self.was else converted[at]
        if self.deleted:
            return Conflict(self.row, self.column, _cut(was), None, deleted=True)
        now = self.now[0] if self.now else converted[at]
        return None if now in (was, self.mine) else Conflict(self.row, self.column, _cut(was), _cut(now))


def _candidates(order: Order, then: Overlay, now: Overlay) -> Iterator[_Candidate]:
    for edit in {(edit.row, edit.column): edit for edit in order.edits}.values():
        was = _value(then, edit.row, edit.column)
        if not now.has(edit.row):
            # What is not asked for needs not be read: the cell has no value now.
            yield _Candidate(edit.row, edit.column, was, [None], edit.value, deleted=True)
        elif (is_now := _value(now, edit.row, edit.column)) != was:
            yield _Candidate(edit.row, edit.column, was, is_now, edit.value)
    for row in order.inserts:
        if not stands(now, row.after):
            yield _Candidate(row.after, deleted=True)
    for number in order.deletes:
        if now.has(number) and _values(then, number) != _values(now, number):
            yield _Candidate(number)


def _value(overlay: Overlay, row: int, column: str) -> list[Value] | None:
    """A cell's value in a list, or None for the one that was converted."""
    values = _values(overlay, row)
    return [values.get(column)] if column in values or row in overlay.inserted else None


def _values(overlay: Overlay, row: int) -> Mapping[str, Value]:
    return overlay.inserted.get(row, overlay.cells.get(row, {}))


def _cut(value: Value) -> Value:
    return value if value is None or len(value) <= SHOWN else value[:SHOWN]
