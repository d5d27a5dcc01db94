"""Differences that are taken over make one side like the other, in saves that convert takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret_diff import applying
from ret_diff.applying import CellEdit, Change, Chunk, Into, NewRow, Taken, TakeOver, Target
from ret_diff.differing import Difference
from ret_diff.meta import ShownColumn
from ret_diff.model import Int64s, RowStatus

Row = tuple[str | None, ...]
NAMES = ("Code", "Name", "Flag")
CELLS = st.sampled_from([None, "", "x", "y", "=1"])
ROWS = st.tuples(CELLS, CELLS, CELLS)


@dataclass
class Pair:
    """Two tables that were compared; `shown` has the place in A and in B of each shown row, None where it has none."""

    a: Sequence[Row]
    b: Sequence[Row]
    shown: Sequence[tuple[int | None, int | None]]
    columns: Sequence[ShownColumn] = tuple(ShownColumn(name, name, name, "same") for name in NAMES)
    first: int = 1  # the number of the first row on either side

    @property
    def a_rows(self) -> Int64s:
        return self._numbers(0)

    @property
    def b_rows(self) -> Int64s:
        return self._numbers(1)

    def _numbers(self, side: int) -> Int64s:
        return np.array([self.number(one[side]) for one in self.shown], np.int64)

    def number(self, place: int | None) -> int:
        return 0 if place is None else place + self.first

    def rows(self) -> Iterator[Difference]:
        for position, (a, b) in enumerate(self.shown):
            old = None if a is None else self.a[a]
            new = None if b is None else self.b[b]
            changed = [at for at, _ in enumerate(NAMES) if old and new and old[at] != new[at]]
            status = RowStatus.ADDED if old is None else RowStatus.REMOVED if new is None else RowStatus.CHANGED
            if changed or status is not RowStatus.CHANGED:
                yield Difference(position, status, self.number(a), self.number(b), old, new, changed)


class Table:
    """A table as convert keeps it: numbers stay, new rows go right behind a row, also behind one that is deleted."""

    def __init__(self, rows: Sequence[Row], columns: Sequence[str] = NAMES, first: int = 1) -> None:
        self.columns = list(columns)
        self.order = [0, *range(first, first + len(rows))]
        self.cells = {number: dict(zip(columns, row, strict=True)) for number, row in enumerate(rows, first)}
        self.top = first + len(rows) - 1
        self.deleted: set[int] = set()
        self.saves = 0

    def save(self, chunk: Chunk) -> list[int]:
        assert 0 < chunk.size <= applying.CHANGES
        self.saves += 1
        for edit in chunk.edits:
            assert edit.row not in self.deleted
            assert edit.column in self.columns
            self.cells[edit.row][edit.column] = edit.value
        numbers: list[int] = []
        for row in reversed(chunk.inserts):
            assert len(row.values) == len(self.columns)
            numbers.insert(0, self.top + len(chunk.inserts) - len(numbers))
            self.order.insert(self.order.index(row.after) + 1, numbers[0])
            self.cells[numbers[0]] = dict(zip(self.columns, row.values, strict=True))
        self.top += len(numbers)
        self.deleted |= {*chunk.deletes}
        return numbers

    @property
    def rows(self) -> list[Row]:
        kept = [number for number in self.order if number and number not in self.deleted]
        return [tuple(self.cells[number].values()) for number in kept]


def taken_over(pair: Pair, into: Into, choice: list[Change] | None = None) -> tuple[Table, Taken]:
    table = Table(pair.a if into == "a" else pair.b, NAMES, pair.first)
    taking = TakeOver(pair, Target(NAMES), into, choice)
    while (chunk := taking.chunk()) is not None:
        taking.saved(table.save(chunk))
    return table, taking.taken


@st.composite
def pairs(draw: Any) -> Pair:
    """Two tables and an alignment without moves: A's order, what was added behind what precedes it in B."""
    steps = draw(st.lists(st.sampled_from(["same", "changed", "added", "removed"]), max_size=25))
    a: list[Row] = []
    b: list[Row] = []
    shown: list[tuple[int | None, int | None]] = []
    for step in steps:
        row, other = draw(ROWS), draw(ROWS)
        if step != "added":
            a.append(row)
        if step != "removed":
            b.append(other if step == "changed" else row)
        shown.append((len(a) - 1 if step != "added" else None, len(b) - 1 if step != "removed" else None))
    return Pair(a, b, shown, first=draw(st.sampled_from([1, 7])))


@given(pair=pairs(), most=st.sampled_from([1, 2, 3, 10_000]))
def test_all_differences_taken_over_make_a_side_the_other_one(pair: Pair, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(applying, "CHANGES", most)
        a, into_a = taken_over(pair, "a")
        b, into_b = taken_over(pair, "b")
    assert a.rows == list(pair.b)
    assert b.rows == list(pair.a)
    assert into_a.cells == into_b.cells
    assert (into_a.inserted, into_a.deleted) == (into_b.deleted, into_b.inserted)
    assert a.saves == -(-into_a.edits // most)


@given(pair=pairs())
def test_the_saves_are_the_same_ones_whenever_they_are_made(pair: Pair) -> None:
    def chunks() -> list[Chunk]:
        taking = TakeOver(pair, Target(NAMES), "a", None)
        return list(iter(taking.chunk, None))

    assert chunks() == chunks()


@given(pair=pairs(), data=st.data())
def test_only_chosen_rows_are_taken_over(pair: Pair, data: st.DataObject) -> None:
    every = list(pair.rows())
    some = data.draw(st.lists(st.sampled_from(every), unique_by=id)) if every else []
    if not some:
        return
    table, taken = taken_over(pair, "a", [Change(row.a_row, row.b_row) for row in some])
    assert taken.missing == 0
    assert taken.cells == sum(len(row.changed) for row in some if row.status is RowStatus.CHANGED)
    left = [row for row in every if row not in some]
    assert len(table.rows) == len(pair.b) + sum((row.b is None) - (row.a is None) for row in left)


ONE = Pair(
    [("1", "a", "Y"), ("2", "b", "Y")],
    [("1", "A", "N"), ("2", "b", None), ("3", "c", "N")],
    [(0, 0), (1, 1), (None, 2)],
)


@pytest.mark.parametrize(
    "change", [Change(1, 1, ["Flag"]), Change(1, 0, ["Flag"]), Change(0, 1, ["Flag"])], ids=["both", "a", "b"]
)
def test_a_row_is_named_by_either_number_and_may_be_taken_over_in_part(change: Change) -> None:
    table, taken = taken_over(ONE, "a", [change])
    assert table.rows == [("1", "a", "N"), ("2", "b", "Y")]
    assert (taken.cells, taken.inserted, taken.deleted, taken.missing) == (1, 0, 0, 0)


def test_columns_named_in_two_changes_of_a_row_add_up_and_none_means_all() -> None:
    table, _ = taken_over(ONE, "a", [Change(1, 1, ["Flag"]), Change(1, 1, ["Name"])])
    assert table.rows[0] == ("1", "A", "N")
    table, _ = taken_over(ONE, "a", [Change(1, 1, ["Flag"]), Change(1, 1)])
    assert table.rows[0] == ("1", "A", "N")


def test_an_absent_cell_stays_absent() -> None:
    table, _ = taken_over(ONE, "a")
    assert table.rows == [("1", "A", "N"), ("2", "b", None), ("3", "c", "N")]


def test_what_was_chosen_and_is_no_difference_is_told() -> None:
    _, taken = taken_over(ONE, "a", [Change(7, 0), Change(1, 2), Change(2, 2)])
    assert (taken.missing, taken.cells) == (2, 1)


def test_a_column_that_is_none_is_told() -> None:
    table, taken = taken_over(ONE, "a", [Change(1, 1, ["Nope", "Flag"]), Change(2, 2, ["Nope"])])
    assert table.rows == [("1", "a", "N"), ("2", "b", "Y")]
    assert (taken.missing, taken.cells) == (2, 1)


def test_columns_that_the_target_does_not_have_are_told_and_links_are_never_written() -> None:
    class Linked(Pair):
        def rows(self) -> Iterator[Difference]:
            yield Difference(0, RowStatus.CHANGED, 1, 1, ["1", "7", None], ["2", "8", "new"], [0, 1, 2])
            yield Difference(1, RowStatus.ADDED, 0, 2, None, ["3", "9", "new"], [])

    columns = [
        ShownColumn("Old", "Old", "Renamed", "renamed"),
        ShownColumn("_id", "_id", "_id", "ignored"),
        ShownColumn("Extra", None, "Extra", "added"),
    ]
    pair = Linked([], [], [(0, 0), (None, 1)], columns)
    taking = TakeOver(pair, Target(["_id", "Gone", "Old"], frozenset({"_id"})), "a", None)
    chunk = taking.chunk()
    assert chunk is not None
    assert chunk.edits == [CellEdit(1, "Old", "2")]
    assert chunk.inserts == [NewRow(1, [None, None, "3"])]
    assert taking.chunk() is None
    assert taking.taken == Taken(cells=1, inserted=1, left_cells=2, left_columns=("Extra",))


def test_a_row_of_more_cells_than_a_save_takes_goes_into_several() -> None:
    class Wide(Pair):
        def rows(self) -> Iterator[Difference]:
            yield Difference(0, RowStatus.CHANGED, 1, 1, ["a"] * 25_000, ["b"] * 25_000, range(25_000))

    names = [f"C{at}" for at in range(25_000)]
    taking = TakeOver(
        Wide([], [], [(0, 0)], [ShownColumn(one, one, one, "changed") for one in names]), Target(names), "b", None
    )
    assert [chunk.size for chunk in iter(taking.chunk, None)] == [10_000, 10_000, 5_000]


def test_a_save_holds_a_few_megabytes_at_most() -> None:
    long = "x" * (1 << 20)
    pair = Pair([("", "", "")] * 9, [(long, "", "")] * 9, [(at, at) for at in range(9)])
    taking = TakeOver(pair, Target(NAMES), "a", None)
    assert [chunk.size for chunk in iter(taking.chunk, None)] == [2, 2, 2, 2, 1]


def test_two_equal_tables_give_nothing_to_save() -> None:
    pair = Pair([("1", "a", "Y")], [("1", "a", "Y")], [(0, 0)])
    assert TakeOver(pair, Target(NAMES), "a", None).chunk() is None
    assert TakeOver(Pair([], [], []), Target(NAMES), "b", [Change(1, 1)]).chunk() is None
