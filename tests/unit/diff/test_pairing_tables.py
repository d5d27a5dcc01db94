"""Tables of one pair find each other, in an order in which parents come first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from pairing_documents import Bench, Rows

from ret_diff.pairing import tables
from ret_diff.pairing.model import DocumentFacts
from ret_diff.pairing.tables import Matched, held, match

ROWS: Rows = [{"A": "1", "B": "2"}]
OTHER: Rows = [{"X": "1", "Y": "2"}]
LINKED = {"_id": "1", "_parent_id": "1", "_pos": "1"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def matched(*sides: DocumentFacts) -> Matched:
    return match(*(held([one], lambda document: document["name"]) for one in sides))


def shown(found: Matched) -> list[tuple[str, str, bool, bool]]:
    return [(one["name"], one["match"], bool(one["a"]), bool(one["b"])) for one in found.tables]


def test_tables_of_the_same_name_belong_together_and_main_tables_whatever_they_are_called(bench: Bench) -> None:
    a = bench.document("a", "a.xml", {"OldVORow": ROWS, "Line": ROWS, "Note": ROWS})
    b = bench.document("b", "b.xml", {"NewVORow": OTHER, "note": ROWS, "Line": OTHER})
    assert shown(matched(a, b)) == [
        ("OldVORow", "main", True, True),
        ("Line", "name", True, True),
        ("Note", "name", True, True),
    ]


def test_leftover_tables_belong_together_by_their_headers(bench: Bench) -> None:
    lines: Rows = [{"A": "1", "B": "2", "C": "3"}]
    a = bench.document("a", "a.xml", {"T": ROWS, "Line": lines, "Gone": OTHER})
    b = bench.document("b", "b.xml", {"T": ROWS, "Item": [*lines, {"D": "4"}], "New": [{"Q": "1"}]})
    found = matched(a, b)
    assert shown(found) == [
        ("T", "name", True, True),
        ("Line", "header", True, True),
        ("Gone", "", True, False),
        ("New", "", False, True),
    ]
    assert found.tables[1]["confidence"] == 0.575


def test_of_tables_with_equal_headers_those_with_like_names_belong_together(bench: Bench) -> None:
    a = bench.document("a", "a.xml", {"T": ROWS, "Line_v1": OTHER, "Item_v1": OTHER})
    b = bench.document("b", "b.xml", {"T": ROWS, "Item_v2": OTHER, "Line_v2": OTHER})
    pairs = {one["a"]: one["b"] for one in matched(a, b).tables}
    names = {table["id"]: table["name"] for one in (a, b) for table in one["tables"]}
    assert {names[one]: names[other] for one, other in pairs.items()} == {
        "T": "T",
        "Line_v1": "Line_v2",
        "Item_v1": "Item_v2",
    }


def test_names_that_a_sheet_cannot_have_are_known_again(bench: Bench) -> None:
    long = "AVeryLongNameOfATableThatNoSheetMayHave"
    a = bench.document("a", "a.xml", {"T": ROWS, f"{long}A": ROWS, f"{long}B": OTHER, "a/b": ROWS})
    b = bench.document("b", "b.xlsx", {"T": ROWS, long[:31]: ROWS, f"{long[:27]} (2)": OTHER, "a_b": ROWS})
    found = matched(a, b)
    assert shown(found) == [
        ("T", "name", True, True),
        (f"{long}A", "name", True, True),
        (f"{long}B", "header", True, True),
        ("a/b", "name", True, True),
    ]
    assert [one["b_reading"]["absent_is_empty"] for one in found.tables] == [True] * 4


def test_what_a_format_cannot_tell_is_said_for_each_side(bench: Bench) -> None:
    a, b = (
        bench.document("a", "a.csv", {"rows": [{"'@id": "1", "'-x": "2"}]}),
        bench.document("b", "b.xml", {"T": ROWS}),
    )
    [found] = matched(a, b).tables
    assert found["a_reading"] == {"absent_is_empty": True, "guarded": True}
    assert found["b_reading"] == {"absent_is_empty": False, "guarded": False}
    assert found["name"] == "T"
    assert tables.header(a["tables"][0], "csv") == {"@id", "-x"}
    assert tables.header(a["tables"][0], "book") == {"'@id", "'-x"}


def linked(*names: str) -> Rows:
    return [{**LINKED, **dict.fromkeys(names, "1")}]


def related(bench: Bench, side: str, *, book: bool = False, without: str = "") -> DocumentFacts:
    """A document whose main record stands in one that repeats, with texts and a level below it."""
    made: Mapping[str, Rows] = {
        "Emp": linked("Name"),
        "Dept": linked("Name"),
        "Tag": linked("Tag"),
        "Note": linked("Note"),
        "Pay": linked("Sum"),
        "_document": [{"_id": "1", "Version": "7"}],
    }
    paths = {
        "Emp": "/Root/Dept/Emp",
        "Dept": "/Root/Dept",
        "Tag": "/Root/Dept/Emp",
        "Note": "/Root/Dept/Emp",
        "Pay": "/Root/Dept/Emp/Pay",
        "_document": "/Root",
    }
    kept = {name: rows for name, rows in made.items() if name != without}
    return bench.document(side, "x.xlsx" if book else "x.xml", kept, paths)


@pytest.mark.parametrize("book", [False, True])
def test_children_know_their_parents_and_come_behind_them(bench: Bench, *, book: bool) -> None:
    found = matched(related(bench, "a"), related(bench, "b", book=book))
    names = [one["name"] for one in found.tables]
    assert names == ["Emp", "_document", "Dept", "Tag", "Note", "Pay"]
    parents = {one["name"]: names[one["parent"]] if one["parent"] >= 0 else "" for one in found.tables}
    assert parents == {
        "Emp": "Dept",
        "Dept": "_document",
        "Tag": "Emp",
        "Note": "Emp",
        "Pay": "Emp",
        "_document": "",
    }
    assert [names[at] for at in found.order] == ["_document", "Dept", "Emp", "Tag", "Note", "Pay"]
    assert found.tables[0]["links"] == ["_id", "_parent_id", "_pos"]
    assert found.tables[1]["links"] == ["_id"]


def test_a_parent_that_one_side_lacks_is_none(bench: Bench) -> None:
    found = matched(related(bench, "a"), related(bench, "b", without="Dept"))
    parents = {one["name"]: one["parent"] for one in found.tables}
    assert parents["Emp"] == -1
    assert found.tables[parents["Dept"]]["name"] == "_document"
    assert sorted(found.order) == list(range(6))


def test_sheets_alone_have_no_links(bench: Bench) -> None:
    found = matched(related(bench, "a", book=True), related(bench, "b", book=True))
    assert all(one["links"] == [] and one["parent"] == -1 for one in found.tables)


def test_long_values_and_reports_of_edits_are_no_tables(bench: Bench) -> None:
    long: Rows = [{"Table": "T", "Column": "A", "Row": "1", "Value": "x"}]
    a = bench.document("a", "a.xml", {"T": ROWS})
    b = bench.document("b", "a.xlsx", {"T": ROWS, "_edits": OTHER, "_long values": long})
    found = matched(a, b)
    assert shown(found) == [("T", "name", True, True)]
    assert found.tables[0]["b_long"] == b["tables"][2]["id"]
    assert [one["code"] for one in found.notes] == ["EDITS_LEFT_OUT"]
    both = matched(b, bench.document("c", "c.xlsx", {"T": ROWS, "_edits": OTHER, "_long values": OTHER}))
    assert [one["name"] for one in both.tables] == ["T", "_edits", "_long values"]


def test_a_table_that_takes_several_sheets_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SHEET_ROWS", 1)
    a, b = (
        bench.document("a", "a.xml", {"T": [*ROWS, *ROWS]}),
        bench.document("b", "a.xlsx", {"T": ROWS, "T (2)": ROWS}),
    )
    assert [one["code"] for one in matched(a, b).notes] == ["FURTHER_SHEETS"]
    assert matched(a, a).notes == []


def test_a_document_without_tables_has_none_to_pair(bench: Bench) -> None:
    nothing = bench.document("a", "a.xml", failed=True)
    assert matched(nothing, nothing) == ([], [], [])
    assert shown(matched(nothing, bench.document("b", "b.xml", {"T": ROWS}))) == [("T", "", False, True)]
