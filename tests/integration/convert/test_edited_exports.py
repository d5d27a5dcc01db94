"""Exports of edited tables, asked of the real convert; documents that come back with their edits."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
from convert_bench import Bench, User, packed, rows, unpacked

from ret.convert.v1 import tables_pb2
from ret_kit.auth import acting_as
from ret_kit.errors import Kind, RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")

EDITED = [["Id", "Word"], ["1", "new & ü"], ["9", ""], ["3", "c"]]


@pytest.fixture
def user(shared: Bench) -> User:
    return shared.user()


async def edited(user: User, collection: str, path: str) -> str:
    """The document's id; a cell of its first row is changed, a row inserted behind it, the second one deleted."""
    document = (await user.documents(collection))[path]
    request = tables_pb2.SaveRequest(
        table_id=document.tables[0].id,
        version=1,
        edits=[tables_pb2.CellEdit(row=1, column="Word", value=tables_pb2.Value(text="new & ü"))],
        inserts=[tables_pb2.RowInsert(after=1, values=[tables_pb2.Value(text="9"), tables_pb2.Value(text="")])],
        deletes=[2],
    )
    with acting_as(user.who):
        assert (await user.tables.Save(request)).HasField("saved")
    return document.id


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


async def test_exports_have_the_edits_and_leave_the_source_alone(user: User) -> None:
    source = rows("a", "b", "c")
    collection = await user.scanned({"AR_x/one.xml": source, "AR_x/two.xml": rows("d")})
    await user.converted(collection)
    document = await edited(user, collection, "AR_x/one.xml")
    assert cells((await user.export(collection, document_id=document)).data) == EDITED
    files = unpacked((await user.export(collection, report="edits")).data)
    assert set(files) == {"AR_x/one.csv", "AR_x/one._edits.csv", "AR_x/two.csv"}
    assert cells(files["AR_x/one.csv"]) == EDITED
    assert {tuple(line[1:6]) for line in cells(files["AR_x/one._edits.csv"])[1:]} == {
        ("1", "Word", "a", "new & ü", "changed"),
        ("2", "Id", "2", "", "deleted"),
        ("2", "Word", "b", "", "deleted"),
        ("4", "Id", "", "9", "inserted"),
        ("4", "Word", "", "", "inserted"),
    }
    book = await user.export(collection, "xlsx", document_id=document, report="edits")
    assert openpyxl.load_workbook(io.BytesIO(book.data)).sheetnames == ["Row", "_edits"]


async def test_a_document_that_comes_back_converts_to_the_edited_table(user: User) -> None:
    inner = packed({"two.xml": rows("d"), "note.txt": b"kept"})
    collection = await user.scanned(
        {"AR_x/one.xml": rows("a", "b", "c"), "GL_x.zip": inner, "t.csv": b"a,b\r\n1,2\r\n"}
    )
    await user.converted(collection)
    document = await edited(user, collection, "AR_x/one.xml")
    alone = await user.export(collection, "xml", document_id=document)
    assert (alone.filename, alone.media_type) == ("one.xml", "application/xml")
    whole = await user.export(collection, "xml")
    files = unpacked(whole.data)
    assert set(files) == {"AR_x/one.xml", "GL_x.zip/two.xml", "GL_x.zip/note.txt", "t.csv"}
    assert files["AR_x/one.xml"] == alone.data
    assert files["GL_x.zip/two.xml"] == rows("d")
    again = await user.scanned(whole.data)
    await user.converted(again)
    document = (await user.documents(again))["AR_x/one.xml"].id
    assert cells((await user.export(again, document_id=document)).data) == EDITED


async def test_what_cannot_be_taken_back_is_refused_alone_and_listed_among_others(user: User) -> None:
    collection = await user.scanned({"AR_x/t.csv": b"Id,Word\r\n1,a\r\n2,b\r\n", "AR_x/one.xml": rows("a", "b")})
    await user.converted(collection)
    document = await edited(user, collection, "AR_x/t.csv")
    with pytest.raises(RemoteError) as refused:
        await user.export(collection, "xml", document_id=document)
    assert (refused.value.kind, refused.value.code) == (Kind.CONFLICT, "NOT_WRITTEN_BACK")
    files = unpacked((await user.export(collection, "xml", group="AR")).data)
    assert files["AR_x/t.csv"] == b"Id,Word\r\n1,a\r\n2,b\r\n"
    assert [line[0] for line in cells(files["_not written back.csv"])] == ["Document", "AR_x/t.csv"]
