"""Edits apart from their table, beside a list of rows that is edited directly."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ret_convert.arrow import pa
from ret_convert.editing.overlay import TOP, Changes, Edit, Insert, Overlay, Value

COLUMNS = ("A", "B")
ROWS = 6
Rows = list[tuple[int, dict[str, Value]]]


def base() -> Rows:
    return [(row, {"A": f"a{row}", "B": None}) for row in range(1, ROWS + 1)]


def arrow() -> Any:
    return pa.table({name: pa.array([values[name] for _, values in base()], pa.string()) for name in COLUMNS})


def shown(overlay: Overlay, start: int = 0, end: int = 1 << 30) -> Rows:
    """The rows as a reader of the overlay sees them."""
    whole = arrow()
    found: Rows = []
    for segment in overlay.between(start, end):
        numbers = range(segment.first, segment.first + segment.count)
        if segment.inserted:
            cells = overlay.inserted_rows(numbers, whole.schema)
        else:
            cells = overlay.edited(whole.slice(segment.first - 1, segment.count), segment.first)
        found += zip(numbers, cells.to_pylist(), strict=True)
    return found


def directly(rows: Rows, deleted: Rows, changes: Changes) -> None:
    """The same on a plain list; rows that are deleted are marked, so that others can still stand behind them."""
    by_number = dict([*rows, *deleted])
    for edit in changes.edits:
        by_number[edit.row][edit.column] = edit.value
    for insert in reversed(changes.inserts):
        at = 0 if insert.after == TOP else 1 + [number for number, _ in rows].index(insert.after)
        rows.insert(at, (insert.row, {name: insert.values.get(name) for name in COLUMNS}))
    deleted += [one for one in rows if one[0] in changes.deletes]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_an_overlay_shows_what_editing_a_list_would(data: st.DataObject) -> None:
    overlay, rows, deleted, next_row = Overlay(ROWS), base(), Rows(), ROWS + 1
    for _ in range(data.draw(st.integers(0, 5))):
        gone = {number for number, _ in deleted}
        there = [number for number, _ in rows if number not in gone]
        edits: list[Edit] = []
        inserts: list[Insert] = []
        deletes: list[int] = []
        if there:
            cells = st.builds(Edit, st.sampled_from(there), st.sampled_from(COLUMNS), st.sampled_from(["x", "", None]))
            edits = data.draw(st.lists(cells, max_size=3))
            deletes = data.draw(st.lists(st.sampled_from(there), max_size=2, unique=True))
        for after in data.draw(st.lists(st.sampled_from([TOP, *there]), max_size=3)):
            inserts.append(Insert(next_row, after, {"A": f"new {next_row}", "B": ""}))
            next_row += 1
        changes = Changes(edits, inserts, deletes)
        before = shown(overlay)
        former, overlay = overlay, overlay.then(changes)
        assert shown(former) == before
        directly(rows, deleted, changes)
        gone = {number for number, _ in deleted}
        expected = [one for one in rows if one[0] not in gone]
        assert shown(overlay) == expected
        assert overlay.total == len(expected)
        assert shown(overlay, 2, 5) == expected[2:5]
        assert [overlay.has(row) for row in range(next_row)] == [
            row in {number for number, _ in expected} for row in range(next_row)
        ]


def test_rows_inserted_behind_the_same_row_stand_in_their_order_and_later_ones_before_them() -> None:
    first = Changes(inserts=[Insert(3, 1, {"A": "x"}), Insert(4, 1, {"A": "y"})])
    overlay = Overlay.folded(2, [first, Changes(inserts=[Insert(5, 1, {"A": "z"}), Insert(6, 4, {"A": "behind y"})])])
    assert [row for row, _ in shown(overlay)] == [1, 5, 3, 4, 6, 2]


def test_a_row_that_is_deleted_still_tells_where_others_stand() -> None:
    overlay = Overlay(3).then(Changes(inserts=[Insert(4, 2, {"A": "x"})], deletes=[2]))
    assert [row for row, _ in shown(overlay)] == [1, 4, 3]


@pytest.mark.parametrize("rows", [0, 3])
def test_nothing_edited_is_the_table(rows: int) -> None:
    overlay = Overlay(rows)
    assert overlay.untouched
    assert overlay.total == rows
    assert [row for row, _ in shown(overlay)] == list(range(1, rows + 1))
