"""Versions beside a plain list of rows that is copied for every version, served by replicas that come and go."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from editing_bench import COLUMNS, KEY, Rows, Tables, converted
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ret_convert.editing.errors import Conflict, NothingToRedo, NothingToUndo, StaleVersion
from ret_convert.editing.orders import NewRow, Order
from ret_convert.editing.overlay import TOP, Edit
from ret_convert.editing.versions import By, overlay_of

ROWS = 5
# What nobody's document has in these columns: then an edited cell is never what it was before.
TEXTS: dict[str, list[str | None]] = {"A": ["x", "", None], "B": ["x", "y"]}
REPLICAS = st.integers(0, 1)


@dataclass
class Line:
    """A row, deleted or not: others may stand behind it."""

    row: int
    values: list[str | None]
    alive: bool = True


Sheet = list[Line]


def numbered(sheet: Sheet) -> dict[int, Line]:
    return {line.row: line for line in sheet}


def visible(sheet: Sheet) -> Rows:
    return [(line.row, line.values) for line in sheet if line.alive]


def changed(sheet: Sheet, order: Order, first: int) -> Sheet:
    """The sheet with the order done to it; inserted rows are numbered from `first`."""
    made = deepcopy(sheet)
    lines = numbered(made)
    for edit in order.edits:
        lines[edit.row].values[COLUMNS.index(edit.column)] = edit.value
    for at in reversed(range(len(order.inserts))):
        new = order.inserts[at]
        place = 0 if new.after == TOP else 1 + [line.row for line in made].index(new.after)
        made.insert(place, Line(first + at, list(new.values)))
    for row in order.deletes:
        if row in lines:
            lines[row].alive = False
    return made


def conflicting(order: Order, then: Sheet, now: Sheet) -> list[Conflict]:
    """What of an order for the sheet `then` is in conflict with the sheet `now`."""
    found: list[Conflict] = []
    before, after = numbered(then), numbered(now)
    for (row, column), mine in {(one.row, one.column): one.value for one in order.edits}.items():
        at = COLUMNS.index(column)
        was = before[row].values[at]
        if row not in after or not after[row].alive:
            found.append(Conflict(row, column, was, None, deleted=True))
        elif (theirs := after[row].values[at]) not in (was, mine):
            found.append(Conflict(row, column, was, theirs))
    found += [
        Conflict(new.after, None, None, None, deleted=True) for new in order.inserts if new.after not in (TOP, *after)
    ]
    found += [
        Conflict(row, None, None, None)
        for row in order.deletes
        if row in before and row in after and after[row].alive and after[row].values != before[row].values
    ]
    return found


class Editing(RuleBasedStateMachine):
    """`sheets` has a sheet for every version; `done` and `undone` are the sheets that undo and redo go to."""

    @initialize()
    def begin(self) -> None:
        self.tables = Tables(ROWS)
        self.replicas = [self.tables.replica(), self.tables.replica()]
        sheet = [Line(row, values) for row, values in converted(ROWS)]
        self.sheets: list[Sheet] = [sheet]
        self.done: list[Sheet] = [sheet]
        self.undone: list[Sheet] = []
        self.tops = [ROWS]

    def order(self, data: st.DataObject, version: int) -> Order:
        """An order that can be done to a version."""
        sheet = self.sheets[version - 1]
        there = [line.row for line in sheet if line.alive]
        standing = [TOP, *(line.row for line in sheet)]
        edits: list[Edit] = []
        for column in COLUMNS if there else ():
            cells = st.builds(Edit, st.sampled_from(there), st.just(column), st.sampled_from(TEXTS[column]))
            edits += data.draw(st.lists(cells, max_size=2))
        row = st.builds(NewRow, st.sampled_from(standing), st.just(["new", None]))
        inserts = data.draw(st.lists(row, max_size=2))
        deletes = data.draw(st.lists(st.integers(1, self.tops[version - 1]), max_size=2, unique=True))
        return Order(version, edits, inserts, deletes)

    @rule(data=st.data(), at=REPLICAS)
    def save(self, data: st.DataObject, at: int) -> None:
        self.saved(self.order(data, len(self.sheets)), at)

    def saved(self, order: Order, at: int) -> None:
        if not order.size:
            return
        answer = self.replicas[at].save(self.tables.where, order, By("somebody"))
        sheet = changed(self.sheets[-1], order, self.tops[-1] + 1)
        self.sheets.append(sheet)
        self.done.append(sheet)
        self.undone.clear()
        assert answer.version == len(self.sheets)
        top = self.tops[-1] + len(order.inserts)
        assert list(answer.inserted) == list(range(self.tops[-1] + 1, top + 1))
        self.tops.append(top)

    @precondition(lambda self: len(self.sheets) > 1)
    @rule(data=st.data(), at=REPLICAS)
    def save_late(self, data: st.DataObject, at: int) -> None:
        order = self.order(data, data.draw(st.integers(1, len(self.sheets) - 1)))
        if not order.size:
            return
        with pytest.raises(StaleVersion) as raised:
            self.replicas[at].save(self.tables.where, order, By("somebody"))
        assert raised.value.current_version == len(self.sheets)
        then, now = self.sheets[order.version - 1], self.sheets[-1]
        assert list(raised.value.conflicts) == conflicting(order, then, now)

    @rule(at=REPLICAS)
    def undo(self, at: int) -> None:
        if len(self.done) == 1:
            with pytest.raises(NothingToUndo):
                self.replicas[at].undo(self.tables.where, By("somebody"))
            return
        self.undone.append(self.done.pop())
        self.sheets.append(self.done[-1])
        self.tops.append(self.tops[-1])
        assert self.replicas[at].undo(self.tables.where, By("somebody")).version == len(self.sheets)

    @rule(at=REPLICAS)
    def redo(self, at: int) -> None:
        if not self.undone:
            with pytest.raises(NothingToRedo):
                self.replicas[at].redo(self.tables.where, By("somebody"))
            return
        self.done.append(self.undone.pop())
        self.sheets.append(self.done[-1])
        self.tops.append(self.tops[-1])
        assert self.replicas[at].redo(self.tables.where, By("somebody")).version == len(self.sheets)

    @rule(at=REPLICAS)
    def shorten(self, at: int) -> None:
        self.replicas[at].shorten(self.tables.where)

    @rule(at=REPLICAS)
    def restart(self, at: int) -> None:
        self.replicas[at] = self.tables.replica()

    @rule(data=st.data(), at=REPLICAS)
    def look_back(self, data: st.DataObject, at: int) -> None:
        version = data.draw(st.integers(1, len(self.sheets)))
        expected = visible(self.sheets[version - 1])
        assert self.tables.shown(self.replicas[at].at(self.tables.where, version)) == expected
        assert self.tables.shown(overlay_of(self.tables.blobs, KEY, ROWS, version)) == expected

    @invariant()
    def all_show_the_same(self) -> None:
        for replica in self.replicas:
            version, overlay = replica.current(self.tables.where)
            assert (version, self.tables.shown(overlay)) == (len(self.sheets), visible(self.sheets[-1]))


Editing.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestEditing: Any = Editing.TestCase
