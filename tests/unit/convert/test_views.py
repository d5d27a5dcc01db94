"""Views against a plain Python model: which rows, in which order, with their edits; and what is gathered of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from views_bench import KEY, PREFIX, Bench, Cell, condition, holds, in_order, numbers

from ret_convert.editing.overlay import Edit, Insert
from ret_convert.errors import PageTooLarge
from ret_convert.views import building, conditions, sorting
from ret_convert.views.building import Rows
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged, Invalid, NotFound


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# --- sorting -----------------------------------------------------------------------------------------------------

MIXED: list[Cell] = [
    "10", "9", "-1", "1.5", "1.50", "+2", "abc", "ABC", "Abd", "", None, "007", "1e5", "12345678901234567890",
    "12345678901234567891", "-0.5", "0", "é", "É", "zz", "9007199254740993", "9007199254740992", " 1", "😀", "10",
]  # fmt: skip


@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("number", [False, True])
def test_cells_of_every_kind_come_in_the_order_of_the_model(
    bench: Bench, dictionary: bool, descending: bool, number: bool
) -> None:
    bench.put({"A": MIXED}, dictionary=dictionary)
    page = bench.build(0, 100, ["A"], sort="-A" if descending else "A", numbers={"A": number})
    assert numbers(page) == in_order({n: [cell] for n, cell in enumerate(MIXED, 1)}, [(0, number, descending)])
    assert [cells for _, cells in page] == [[MIXED[n - 1]] for n in numbers(page)]


def test_numbers_come_by_value_and_what_is_none_behind_them_and_the_empty_last(bench: Bench) -> None:
    bench.put({"A": ["10", "x", "9", "", None, "B", "-1"]})
    found = {
        sort: [cells[0] for _, cells in bench.build(0, 10, ["A"], sort=sort, numbers={"A": True})]
        for sort in ("A", "-A")
    }
    assert found == {
        "A": ["-1", "9", "10", "B", "x", "", None],
        "-A": ["10", "9", "-1", "x", "B", "", None],
    }


def test_equal_rows_stay_in_the_order_of_the_table_in_both_directions(bench: Bench) -> None:
    bench.put({"A": ["b", "a"] * 20, "B": [str(n) for n in range(40)]}, dictionary=["A"])
    even, odd = list(range(2, 41, 2)), list(range(1, 41, 2))
    assert numbers(bench.build(0, 40, ["B"], sort="A", numbers={"A": False})) == even + odd
    assert numbers(bench.build(0, 40, ["B"], sort="-A", numbers={"A": False})) == odd + even


def test_names_with_commas_and_signs_are_written_with_per_cent() -> None:
    assert sorting.parsed("a%2Cb,-%2Dc,--d") == [sorting.By("a,b"), sorting.By("-c", True), sorting.By("-d", True)]
    assert sorting.parsed("") == []


@pytest.mark.parametrize(
    "given, reason",
    [
        ("A,-A", "names a column twice"),
        ("A,Ghost,", "names 2 columns the table does not have"),
        (",".join(map(str, range(51))), "names 51 columns, 50 are the most"),
    ],
)
def test_a_sort_that_cannot_be_is_refused(given: str, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        sorting.known(sorting.parsed(given), {"A": False})
    assert (refused.value.field, refused.value.reason) == ("sort", reason)


def test_columns_with_too_much_text_are_not_sorted_by(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "SORTED_BYTES", 100)
    bench.put({"A": ["x" * 200]}, dictionary=False)
    with pytest.raises(Invalid) as refused:
        bench.build(0, 1, ["A"], sort="A", numbers={"A": False})
    assert refused.value.field == "sort"


# --- filters -----------------------------------------------------------------------------------------------------

CONDITIONS = [
    *((op, value) for op in ("eq", "ne", "contains", "starts", "ends") for value in ("abc", "A", "", "é", "1.5")),
    *((op, value) for op in ("lt", "le", "gt", "ge") for value in ("9", "1.50", "b", "9007199254740992", "-0")),
    ("in", ["abc", "", "10"]),
    ("in", ["Z"]),
    ("empty", None),
    ("not_empty", None),
    ("regex", "^[a-z]+$"),
    ("regex", "(?i)a.c"),
    ("regex", ""),
]


@pytest.mark.parametrize("number", [False, True])
@pytest.mark.parametrize("op, value", CONDITIONS)
def test_every_condition_holds_where_it_does_in_the_model(bench: Bench, op: str, value: Any, number: bool) -> None:
    bench.put({"A": MIXED})
    page = bench.build(0, 100, ["A"], filter=condition("A", op, value), numbers={"A": number})
    assert numbers(page) == [n for n, cell in enumerate(MIXED, 1) if holds(cell, op, value, number=number)]
    assert bench.matched == len(page)


def test_all_conditions_must_hold(bench: Bench) -> None:
    bench.put({"A": ["x", "x", "y"], "B": ["1", "20", "20"]})
    both = [{"column": "A", "op": "eq", "value": "x"}, {"column": "B", "op": "gt", "value": 3}]
    page = bench.build(0, 9, ["B", "A"], filter=json.dumps(both), numbers={"A": False, "B": True})
    assert page == [(2, ["20", "x"])]


@pytest.mark.parametrize(
    "given, reason",
    [
        ("[", "is not JSON"),
        ('[{"column": "A", "op": "eq", "value": "\\ud800"}]', "holds half of a character"),
        ("[" * 100_000, "is not JSON"),
        ("[NaN]", "is not JSON"),
        ("{}", "must be a list of conditions"),
        ("[1]", "has a condition (number 1) that is no object with column, op and value"),
        ('[{"op": "eq", "value": ""}]', "has a condition (number 1) without a column"),
        ('[{"column": "A", "op": "like", "value": ""}]', "has a condition (number 1) whose op is none of eq, ne, "),
        ('[{"column": "A", "op": "eq"}]', "has a condition (number 1, eq) whose value is no text, or too long a one"),
        ('[{"column": "A", "op": "eq", "value": true}]', "has a condition (number 1, eq) whose value is no text, or "),
        ('[{"column": "A", "op": "in", "value": "a"}]', "has a condition (number 1, in) whose value is no list of "),
        ('[{"column": "A", "op": "in", "value": []}]', "has a condition (number 1, in) with 0 values; it takes 1 to"),
        ('[{"column": "A", "op": "in", "value": [null]}]', "has a condition (number 1, in) whose value is no list"),
        (
            '[{"column": "A", "op": "empty"}, {"column": "A", "op": "regex", "value": "("}]',
            "has a regular expression (",
        ),
        ('[{"column": "A", "op": "regex", "value": "(?=a)"}]', "has a regular expression (number 1) that cannot be "),
        ('[{"column": "A", "op": "eq", "value": "", "or": 1}]', "has a condition (number 1) with 1 fields besides"),
        ('[{"column": "Ghost", "op": "empty"}]', "has a condition (number 1) about a column the table does not have"),
        (json.dumps([{"column": "A", "op": "empty"}] * 51), "has 51 conditions, 50 are the most"),
        (condition("A", "regex", "a" * 1001), "has a regular expression (number 1) of more than 1000 characters"),
    ],
)
def test_a_filter_that_cannot_be_is_refused_with_its_reason(given: str, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        conditions.known(conditions.parsed(given), {"A": False})
    assert refused.value.field == "filter"
    assert refused.value.reason.startswith(reason)


def test_fifty_conditions_are_taken_and_numbers_are_texts() -> None:
    parsed = conditions.parsed(
        json.dumps([{"column": "A", "op": "gt", "value": 1.50}] * 49 + [{"column": "B", "op": "empty"}])
    )
    assert (len(parsed), parsed[0].value, parsed[-1].value) == (50, "1.5", None)


# --- edits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dictionary", [True, False])
def test_edits_count_for_the_order_and_the_filter_and_are_in_the_rows(bench: Bench, dictionary: bool) -> None:
    bench.put({"A": [f"{n:02d}" for n in range(30)], "B": ["x"] * 30}, dictionary=dictionary)
    bench.edit(
        edits=[Edit(3, "A", "zz"), Edit(4, "A", None), Edit(5, "B", "y"), Edit(30, "A", "")],
        inserts=[Insert(31, 0, {"A": "top"}), Insert(32, 10, {"A": "05", "B": "x"}), Insert(33, 30, {"B": "end"})],
        deletes=[1, 2],
    )
    ordered = bench.build(0, 100, ["A", "B"], sort="-A", numbers={"A": False})
    assert ordered[:3] == [(3, ["zz", "x"]), (31, ["top", None]), (29, ["28", "x"])]
    assert ordered[-3:] == [(4, [None, "x"]), (30, ["", "x"]), (33, [None, "end"])]
    assert [cells[0] for _, cells in ordered].count("05") == 2
    assert numbers(ordered).index(6) < numbers(ordered).index(32)  # equal: the table's own order
    assert not {1, 2} & {*numbers(ordered)}
    assert bench.matched == 31
    assert numbers(bench.build(0, 100, ["A"], filter=condition("B", "eq", "y"), numbers={"B": False})) == [5]
    assert numbers(bench.build(0, 9, ["A"], filter=condition("A", "empty"), numbers={"A": False})) == [4, 30, 33]


def test_a_table_whose_rows_were_all_deleted_has_views(bench: Bench) -> None:
    bench.put({"A": ["a", "b"]}).edit(deletes=[1, 2])
    assert bench.build(0, 10, ["A"], sort="A", numbers={"A": False}) == []
    bench.edit(inserts=[Insert(3, 0, {"A": "new"})])
    assert bench.build(0, 10, ["A"], sort="A", numbers={"A": False}) == [(3, ["new"])]


CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.none(),
    st.sampled_from(["", "a", "A", "b", "B", "é", "10", "9", "1.0", "1", "-3", "x1", "😀", "007"]),
    st.integers(-(10**20), 10**20).map(str),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_views_of_any_table_with_any_edits_are_those_of_the_model(bench: Bench, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30))
    bench.put({"A": [a for a, _ in rows], "B": [b for _, b in rows]}, group=7, dictionary=data.draw(st.booleans()))
    model: dict[int, list[Cell]] = {n: list(cells) for n, cells in enumerate(rows, 1)}
    edits = data.draw(st.lists(st.builds(Edit, st.integers(1, len(rows)), st.sampled_from("AB"), CELLS), max_size=5))
    deletes = data.draw(st.sets(st.integers(1, len(rows)), max_size=5))
    behind = data.draw(st.lists(st.integers(0, len(rows)), max_size=4))
    inserts = [
        Insert(len(rows) + at, after, {"A": data.draw(CELLS), "B": data.draw(CELLS)})
        for at, after in enumerate(behind, 1)
    ]
    bench.edit(edits=edits, inserts=inserts, deletes=sorted(deletes))
    for edit in edits:
        model[edit.row]["AB".index(edit.column)] = edit.value
    shown: dict[int, list[Cell]] = {}
    for after in range(len(rows) + 1):
        if after and after not in deletes:
            shown[after] = model[after]
        shown |= {one.row: [one.values["A"], one.values["B"]] for one in inserts if one.after == after}
    types = {"A": data.draw(st.booleans()), "B": data.draw(st.booleans())}
    by = data.draw(st.permutations([("A", data.draw(st.booleans())), ("B", data.draw(st.booleans()))]))
    by = by[: data.draw(st.integers(1, 2))]
    op, value = data.draw(st.sampled_from([*CONDITIONS, ("not_empty", None), ("ne", "?")]))
    page = bench.build(
        0,
        100,
        ["A", "B"],
        sort=",".join(("-" if descending else "") + name for name, descending in by),
        filter=condition("A", op, value),
        numbers=types,
    )
    kept = {number: cells for number, cells in shown.items() if holds(cells[0], op, value, number=types["A"])}
    order = in_order(kept, [("AB".index(name), types[name], descending) for name, descending in by])
    assert page == [(number, kept[number]) for number in order]


# --- gathering ---------------------------------------------------------------------------------------------------


def test_the_first_page_of_many_rows_is_that_of_the_whole_order(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rows are looked for before all are sorted; ties across the border, and more keys, change nothing."""
    monkeypatch.setattr(sorting, "CANDIDATES", 60)
    monkeypatch.setattr(building, "AHEAD", 20)
    cells = {"A": [str(n * 7 % 40) for n in range(100)], "B": [str(n * 3 % 11) for n in range(100)]}
    model: dict[int, list[Cell]] = {n + 1: [cells["A"][n], cells["B"][n]] for n in range(100)}
    for dictionary in (True, False):
        bench.put(cells, dictionary=dictionary)
        for sort, by in (("A,-B", [(0, True, False), (1, True, True)]), ("-A", [(0, True, True)])):
            given = {"sort": sort, "numbers": {"A": True, "B": True}}
            order = in_order(model, by)
            assert numbers(bench.build(5, 9, ["A", "B"], **given)) == order[5:9]
            assert [next(iter(one)) for one in bench.told][-1] == "ordered"
            assert numbers(bench.gather(0, 100, ["A", "B"], **given)) == order


def test_what_is_around_a_page_is_gathered_behind_it_and_pages_of_it_are_the_same(bench: Bench) -> None:
    bench.put({"A": [str(n) for n in range(3000)]}, group=100)
    page = bench.build(2500, 2510, ["A"], sort="-A", numbers={"A": True})
    assert page == [(n, [str(n - 1)]) for n in range(500, 490, -1)]
    told = [(one["rows"]["start"], one["rows"]["end"]) for one in bench.told if "rows" in one]
    assert told == [(2500, 2510), (500, 3000)]
    around = bench.gathered(Rows(start=500, end=3000, columns=["A"]))
    assert around[2000:2010] == page
    assert numbers(bench.gather(0, 3, ["A"])) == [3000, 2999, 2998]
    assert numbers(bench.gather(2997, 3000, ["A"], quiet=True)) == [3, 2, 1]


def test_rows_with_long_cells_are_gathered_less_far_ahead(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "GATHERED_BYTES", 50_000)
    bench.put({"A": ["x" * 1000 for _ in range(200)]}, dictionary=False)
    bench.build(0, 5, ["A"], filter=condition("A", "not_empty"), numbers={"A": False})
    assert [one["rows"]["end"] for one in bench.told if "rows" in one] == [5, 12]
    monkeypatch.setattr(building, "BYTES", 4000)
    with pytest.raises(PageTooLarge):
        bench.gather(0, 5, ["A"])
    monkeypatch.setattr(building, "CELLS", 4)
    with pytest.raises(PageTooLarge):
        bench.build(0, 5, ["A"], filter=condition("A", "not_empty"), numbers={"A": False})


def test_columns_whose_names_begin_alike_are_not_confused(bench: Bench) -> None:
    bench.put({"Item": ["a", "b"], "Item.Name": ["2", "1"], "Item[2].Name": ["c", "d"]})
    page = bench.build(0, 2, ["Item[2].Name", "Item"], sort="Item%2EName", numbers={"Item.Name": True})
    assert page == [(2, ["d", "b"]), (1, ["c", "a"])]


def test_a_view_that_was_removed_or_a_table_that_was_replaced_is_not_gathered(bench: Bench) -> None:
    bench.put({"A": ["a"]})
    with pytest.raises(NotFound):
        bench.gather(0, 1, ["A"])
    with pytest.raises(NotFound):
        bench.build(0, 1, ["A"], sort="A", numbers={"A": False}, version=7)
    with pytest.raises(BlobDamaged):
        bench.build(0, 1, ["A"], sort="A", numbers={"A": False}, size=1)
    bench.blobs.put_sync(KEY, b"PAR1 no table PAR1")
    with pytest.raises(BlobDamaged):
        bench.build(0, 1, ["A"], sort="A", numbers={"A": False}, size=18)
    with pytest.raises(NotFound):
        Blobs(bench.url).get_sync(PREFIX + building.READY)
