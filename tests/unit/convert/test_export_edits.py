"""Exports of tables that were edited: everywhere as they are shown, with a report, and back in their documents."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import openpyxl
import pytest
from test_archive import FLAT, Shelf

from ret_convert.arrow import pq
from ret_convert.backxml.errors import NotWrittenBack
from ret_convert.editing.orders import NewRow, Order
from ret_convert.editing.overlay import Edit
from ret_convert.editing.present import present_versions
from ret_convert.editing.versions import By, Versions
from ret_convert.export.order import Table, header, report
from ret_convert.pages import Pages, Where

EDITED = [["a", "b"], ["1", "x"], ["", ""]]


class EditedShelf(Shelf):
    """A shelf whose tables are edited."""

    def edit(self, table: Table, order: Order, user: str = "ann") -> None:
        versions = Versions(self.blobs, Pages(self.blobs))
        table["version"] = versions.save(Where(table["key"], table["size"]), order, By(user)).version

    def edited(self, body: str = FLAT) -> Table:
        """A document of two rows: a cell of the first changed, a row inserted behind it, the second deleted."""
        self.document("d.xml", 1, body)
        [table] = self.entries[-1]["tables"]
        self.edit(table, Order(1, [Edit(1, "b", "x")], [NewRow(1, ["", ""])], [2]))
        return table

    def reported(self) -> None:
        for entry in self.entries:
            entry["tables"] += report(entry["tables"], {"bob": "Bob"})


@pytest.fixture
def shelf(tmp_path: Path) -> EditedShelf:
    return EditedShelf(tmp_path)


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_every_format_has_the_rows_as_they_are_shown(shelf: EditedShelf) -> None:
    shelf.edited()
    assert cells(shelf.export(alone=True)) == EDITED
    sheet = openpyxl.load_workbook(io.BytesIO(shelf.export(alone=True, format="xlsx"))).worksheets[0]
    assert [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)] == EDITED
    assert json.loads(shelf.export(alone=True, format="json")) == [{"a": "1", "b": "x"}, {"a": "", "b": ""}]
    table = pq.read_table(io.BytesIO(shelf.export(alone=True, format="parquet")))
    assert table.to_pylist() == [{"a": "1", "b": "x"}, {"a": "", "b": ""}]
    assert table.schema.metadata is None
    assert table.schema.field("b").metadata[b"path"] == b"/r/i/b"


def test_a_table_all_of_whose_rows_are_deleted_has_its_columns_still(shelf: EditedShelf) -> None:
    shelf.document("d.xml", 1)
    [table] = shelf.entries[0]["tables"]
    shelf.edit(table, Order(1, deletes=[1, 2]))
    assert cells(shelf.export(alone=True)) == [["a", "b"]]
    assert pq.read_table(io.BytesIO(shelf.export(alone=True, format="parquet"))).column_names == ["a", "b"]


def test_long_tables_and_many_inserted_rows_are_all_there(shelf: EditedShelf) -> None:
    count, new = 9000, 5000
    shelf.document("d.xml", 1, f"<r>{'<i><a>1</a><b>2</b></i>' * count}</r>")
    [table] = shelf.entries[0]["tables"]
    shelf.edit(table, Order(1, [Edit(count, "b", "x")], [NewRow(10, ["n", None])] * new, [1]))
    found = pq.read_table(io.BytesIO(shelf.export(alone=True, format="parquet")))
    assert found["a"].to_pylist() == ["1"] * 9 + ["n"] * new + ["1"] * (count - 10)
    assert found["b"].to_pylist() == ["2"] * 9 + [None] * new + ["2"] * (count - 11) + ["x"]
    assert len(cells(shelf.export(alone=True))) == count + new


def test_an_export_shows_the_version_it_began_with(shelf: EditedShelf) -> None:
    table = shelf.edited()
    shelf.edit(table, Order(2, [Edit(1, "b", "y")]))
    table["version"] = 2
    assert cells(shelf.export(alone=True)) == EDITED


def test_a_report_says_what_was_what_is_and_who_did_it(shelf: EditedShelf) -> None:
    table = shelf.edited()
    shelf.edit(table, Order(2, [Edit(1, "a", "=1+1"), Edit(3, "b", "new")]), "bob")
    shelf.reported()
    files = shelf.files(alone=True)
    assert sorted(files) == ["d._edits.csv", "d.csv"]
    lines = cells(files["d._edits.csv"])
    assert lines[0] == ["Table", "Row", "Column", "Original", "Edited", "Kind", "Who", "When"]
    assert {tuple(line[:7]) for line in lines[1:]} == {
        ("i", "1", "b", "2", "x", "changed", "ann"),
        ("i", "1", "a", "1", "'=1+1", "changed", "Bob"),
        ("i", "2", "a", "3", "", "deleted", "ann"),
        ("i", "2", "b", "4", "", "deleted", "ann"),
        ("i", "3", "a", "", "", "inserted", "ann"),
        ("i", "3", "b", "", "new", "inserted", "Bob"),
    }
    assert all(line[7].endswith("Z") for line in lines[1:])
    book = openpyxl.load_workbook(io.BytesIO(shelf.export(alone=True, format="xlsx")))
    assert book.sheetnames == ["i", "_edits"]
    assert book["_edits"].max_row == 7


def test_a_report_of_a_collection_lies_beside_each_edited_document(shelf: EditedShelf) -> None:
    shelf.container("in.zip", 1)
    shelf.document("a.xml", 2)
    shelf.document("b.xml", 2)
    shelf.edit(shelf.entries[1]["tables"][0], Order(1, [Edit(1, "b", "x")]))
    shelf.reported()
    assert sorted(shelf.files()) == ["in.zip/a._edits.csv", "in.zip/a.csv", "in.zip/b.csv"]
    assert sorted(shelf.files(format="json")) == ["in.zip/a._edits.json", "in.zip/a.json", "in.zip/b.json"]


def test_a_document_comes_back_with_its_edits(shelf: EditedShelf) -> None:
    shelf.edited()
    wanted = b"<r><i><a>1</a><b>x</b></i><i><a/><b/></i></r>"
    assert shelf.export(alone=True, format="xml") == wanted
    assert header(shelf.order(alone=True, format="xml"), "d.xml") == ("d.xml", "application/xml")
    assert shelf.files(format="xml") == {"d.xml": wanted}
    shelf.reported()
    assert sorted(shelf.files(format="xml", alone=True)) == ["d._edits.csv", "d.xml"]


def test_what_was_not_edited_comes_back_byte_for_byte(shelf: EditedShelf) -> None:
    shelf.document("d.xml", 1, "<?xml version='1.0'?>\r\n<r ><i><a>1</a></i></r>\n")
    shelf.other("o.txt", 1)
    shelf.entries[0]["tables"] = []
    files = shelf.files(format="xml")
    assert files == {"d.xml": b"<?xml version='1.0'?>\r\n<r ><i><a>1</a></i></r>\n", "o.txt": b"other"}


def test_what_cannot_be_written_back_is_told(shelf: EditedShelf) -> None:
    shelf.edited()
    shelf.container("in.zip", 1)
    shelf.document("=bad.xml", 2, "<r><i><a>1</a><b>2</b></i><i><a>3</a></r>")
    table = shelf.entries[2]["tables"][0]
    shelf.edit(table, Order(1, [Edit(1, "a", "9")]))
    files = shelf.files(format="xml")
    assert sorted(files) == ["_not written back.csv", "d.xml", "in.zip/=bad.xml"]
    assert files["in.zip/=bad.xml"] == b"<r><i><a>1</a><b>2</b></i><i><a>3</a></r>"
    assert cells(files["_not written back.csv"]) == [
        ["Document", "Reason"],
        ["in.zip/=bad.xml", "Its rows have no known place in it: it is no XML, or had to be repaired."],
    ]
    del shelf.entries[:2]
    with pytest.raises(NotWrittenBack, match="no known place"):
        shelf.export(alone=True, format="xml")


def test_versions_of_many_tables_are_found_by_listing(shelf: EditedShelf) -> None:
    for number in range(20):
        shelf.document(f"d{number}.xml", 1)
    tables = [entry["tables"][0] for entry in shelf.entries]
    shelf.edit(tables[3], Order(1, [Edit(1, "b", "x")]))
    shelf.edit(tables[3], Order(2, [Edit(1, "b", "y")]))
    assert present_versions(shelf.blobs, [one["key"] for one in tables]) == {tables[3]["key"]: 3}
    assert present_versions(shelf.blobs, [tables[4]["key"]]) == {}
