from __future__ import annotations

import io
from pathlib import Path

import pytest
from convert_bench import Bench, User, packed, unpacked
from openpyxl import Workbook

OLD = Path(__file__).parents[2] / "unit" / "convert" / "workbooks" / "old.xls"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def user(shared: Bench) -> User:
    return shared.user()


async def test_every_kind_of_table_file_is_listed_converted_and_exported_again(user: User) -> None:
    book = Workbook()
    book.create_sheet("Main", 0).append(["Id", "Word"])
    book["Main"].append(["007", "a"])
    book.create_sheet("More", 1).append(["k"])
    content = io.BytesIO()
    book.save(content)
    ods = '<d xmlns:t="t" xmlns:x="x"><t:table t:name="S"><t:table-row><t:table-cell><x:p>Id</x:p></t:table-cell>'
    files = {
        "a/ledger.csv": b'Id;Word\r\n007;"a\r\nb"\r\n',
        "a/ledger.tsv": b"Id\tWord\n007\t\n",
        "book.xlsx": content.getvalue(),
        "old.xls": OLD.read_bytes(),
        "report.xls": b"<html><table><tr><th>Id<th>Word</tr><tr><td>007<td>a</tr></table></html>",
        "open.ods": packed(
            {
                "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
                "content.xml": f"{ods}</t:table-row></t:table></d>".encode(),
            }
        ),
        "broken.xlsx": packed({"[Content_Types].xml": b"", "xl/workbook.xml": b"<a>"}),
    }
    collection = await user.scanned(files)
    figures = await user.converted(collection, layout="single")
    assert (figures["documents"], figures["converted"], figures["failed"]) == (7, 6, 1)
    documents = await user.documents(collection)
    assert {path: document.media_type.rpartition(".")[2] for path, document in documents.items()} == {
        "a/ledger.csv": "text/csv",
        "a/ledger.tsv": "text/tab-separated-values",
        "book.xlsx": "sheet",
        "old.xls": "ms-excel",
        "report.xls": "ms-excel",
        "open.ods": "spreadsheet",
        "broken.xlsx": "sheet",
    }
    assert {path: [(one.name, one.role) for one in document.tables] for path, document in documents.items()} == {
        "a/ledger.csv": [("rows", "main")],
        "a/ledger.tsv": [("rows", "main")],
        "book.xlsx": [("Main", "main"), ("More", "child")],
        "old.xls": [("Über", "main"), ("Hidden", "child")],
        "report.xls": [("Table 1", "main")],
        "open.ods": [("S", "main")],
        "broken.xlsx": [],
    }
    assert [warning.code for warning in documents["broken.xlsx"].warnings] == ["WORKBOOK_DAMAGED"]
    assert {document.fidelity for path, document in documents.items() if path != "broken.xlsx"} == {1.0}
    exported = unpacked((await user.export(collection)).data)
    assert exported["a/ledger.csv"] == b'\xef\xbb\xbfId,Word\r\n007,"a\r\nb"\r\n'
    assert exported["book.csv"] == b"\xef\xbb\xbfId,Word\r\n007,a\r\n"
    assert {"a/ledger (2).csv", "book.More.csv", "old.csv", "old.Hidden.csv", "report.csv", "open.csv"} < set(exported)
