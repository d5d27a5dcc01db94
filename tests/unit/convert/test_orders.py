"""What may be done to a version of a table, and what stands against it when there is a later one."""

from __future__ import annotations

from typing import Any

import pytest
from editing_bench import ANN, BOB, Tables, converted, word

from ret_convert.editing import orders, versions
from ret_convert.editing.errors import Conflict, StaleVersion
from ret_convert.editing.orders import NewRow, Order
from ret_convert.editing.versions import Versions
from ret_kit.errors import Invalid


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def served(tables: Tables) -> Versions:
    return tables.replica()


def stale(tables: Tables, served: Versions, order: Order) -> StaleVersion:
    before = tables.now(served)
    with pytest.raises(StaleVersion) as raised:
        served.save(tables.where, order, BOB)
    assert tables.now(served) == before
    return raised.value


def refusal(tables: Tables, served: Versions, **order: Any) -> Invalid:
    version, _ = served.current(tables.where)
    given: dict[str, Any] = {"version": version, **order}
    with pytest.raises(Invalid) as raised:
        served.save(tables.where, Order(**given), ANN)
    assert served.current(tables.where)[0] == version
    return raised.value


def test_of_two_edits_of_a_cell_the_last_one_counts(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, [word(1, "x"), word(2, "b"), word(1, "y")]), ANN)
    assert tables.now(served)[0] == (1, ["y", ""])
    assert served.history(tables.where, 0, 1).items[0].head.edits == 2


def test_numbers_of_rows_are_never_used_again(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, inserts=[NewRow(1, ["n", None])]), ANN)
    served.undo(tables.where, ANN)
    assert list(served.save(tables.where, Order(3, inserts=[NewRow(1, ["m", None])]), ANN).inserted) == [8]
    assert refusal(tables, served, edits=[word(7, "x")]).field == "edits"


def test_a_stale_edit_is_refused_with_what_was_there_and_what_is(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, [word(5, "first"), word(2, "b")]), ANN)
    error = stale(tables, served, Order(1, [word(5, "late"), word(6, "late")]))
    assert (error.current_version, error.more) == (2, 0)
    assert error.conflicts == [Conflict(5, "A", "a5", "first")]


def test_a_stale_edit_of_other_cells_has_no_conflicts(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, [word(5, "first")]), ANN)
    assert stale(tables, served, Order(1, [word(5, "x", "B"), word(4, "late")])).conflicts == []


def test_what_both_want_is_no_conflict_nor_is_what_was_undone(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, [word(1, "same"), word(2, "gone"), word(3, "a3")]), ANN)
    assert stale(tables, served, Order(1, [word(1, "same"), word(3, "late")])).conflicts == []
    served.undo(tables.where, ANN)
    assert stale(tables, served, Order(1, [word(1, "late"), word(2, "late")])).conflicts == []
    assert stale(tables, served, Order(2, [word(1, "a1"), word(2, "late")])).conflicts == [
        Conflict(2, "A", "gone", "a2")
    ]


def test_rows_that_are_gone_and_rows_that_changed_are_conflicts(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, inserts=[NewRow(1, ["n", None])]), ANN)
    served.undo(tables.where, ANN)
    served.save(tables.where, Order(3, [word(4, "x")], deletes=[2, 3]), ANN)
    late = Order(2, [word(2, "late"), word(7, "late")], [NewRow(7, ["m", None]), NewRow(2, ["k", None])], [3, 4, 5])
    assert stale(tables, served, late).conflicts == [
        Conflict(2, "A", "a2", None, deleted=True),
        Conflict(7, "A", "n", None, deleted=True),
        Conflict(7, None, None, None, deleted=True),
        Conflict(4, None, None, None),
    ]


def test_conflicts_that_are_too_many_are_counted(
    tables: Tables, served: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "LISTED", 3)
    served.save(tables.where, Order(1, [word(row, "first") for row in range(1, 6)]), ANN)
    late = Order(1, [word(row, "late") for row in range(1, 7)])
    error = stale(tables, served, late)
    assert ([one.row for one in error.conflicts], error.more) == ([1, 2, 3], 2)


def test_long_values_are_cut_in_conflicts(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, [word(row, "x" * 600_000) for row in range(1, 4)]), ANN)
    served.save(tables.where, Order(2, [word(row, "y" * 600_000) for row in range(1, 7)]), ANN)
    error = stale(tables, served, Order(2, [word(row, "z") for row in range(1, 7)]))
    sizes = [(len(one.base or ""), len(one.theirs or "")) for one in error.conflicts]
    assert (sizes, error.more) == ([(100_000, 100_000)] * 3, 3)


@pytest.mark.parametrize(
    "order, field",
    [
        ({"version": 0, "edits": [word(1, "x")]}, "version"),
        ({"version": 99, "edits": [word(1, "x")]}, "version"),
        ({}, "edits"),
        ({"edits": [word(1, "half"), word(0, "x")]}, "edits"),
        ({"edits": [word(1, "half"), word(10**9, "x")]}, "edits"),
        ({"edits": [word(1, "half"), word(1, "x", "Nowhere")]}, "edits"),
        ({"edits": [word(1, "half"), word(2, "ä" * (1 << 19) + "x")]}, "edits"),
        ({"edits": [word(1, "half")], "inserts": [NewRow(99, ["x", None])]}, "insert_rows"),
        ({"edits": [word(1, "half")], "inserts": [NewRow(1, ["x"])]}, "insert_rows"),
        ({"edits": [word(1, "half")], "inserts": [NewRow(1, ["x", None, None])]}, "insert_rows"),
        ({"edits": [word(1, "half")], "inserts": [NewRow(1, [None, "x" * ((1 << 20) + 1)])]}, "insert_rows"),
        ({"edits": [word(1, "half")], "deletes": [7]}, "delete_rows"),
        ({"edits": [word(1, "half")], "deletes": [0]}, "delete_rows"),
        ({"edits": [word(1, "half")] * 10_001}, "edits"),
        ({"edits": [word(1, "half")] * 5_000, "deletes": [1] * 5_001}, "edits"),
    ],
)
def test_an_order_that_cannot_be_done_is_refused_whole(
    tables: Tables, served: Versions, order: dict[str, Any], field: str
) -> None:
    assert refusal(tables, served, **order).field == field
    assert tables.now(served) == converted(6)


def test_the_largest_value_and_the_longest_order_are_taken(tables: Tables, served: Versions) -> None:
    whole = "ä" * (1 << 19)
    served.save(tables.where, Order(1, [*[word(1, "x")] * 9_999, word(1, whole)]), ANN)
    assert tables.now(served)[0][1][0] == whole


def test_a_row_that_is_deleted_cannot_be_edited_but_deleted_again_and_have_rows_behind_it(
    tables: Tables, served: Versions
) -> None:
    served.save(tables.where, Order(1, deletes=[2]), ANN)
    assert refusal(tables, served, edits=[word(2, "x")]).field == "edits"
    served.save(tables.where, Order(2, inserts=[NewRow(2, ["n", None])], deletes=[2]), ANN)
    assert [row for row, _ in tables.now(served)] == [1, 7, 3, 4, 5, 6]


def test_edits_of_a_table_do_not_grow_without_end(
    tables: Tables, served: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "MOST", 1000)
    served.save(tables.where, Order(1, [word(1, "x" * 600)]), ANN)
    assert refusal(tables, served, edits=[word(2, "x" * 600)]).field == "edits"
    served.undo(tables.where, ANN)
    assert served.save(tables.where, Order(3, [word(2, "x" * 600)]), ANN).version == 4


def test_an_order_is_tried_without_being_saved(tables: Tables, served: Versions) -> None:
    served.check(tables.where, Order(1, [word(1, "x")]))
    with pytest.raises(Invalid):
        served.check(tables.where, Order(1, [word(99, "x")]))
    assert served.current(tables.where)[0] == 1
