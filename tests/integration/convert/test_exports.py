from __future__ import annotations

import io
import json
import secrets

import openpyxl
import pytest
from convert_bench import Bench, User, packed, rows, unpacked

from ret.convert.v1 import convert_pb2
from ret_kit.auth import acting_as
from ret_kit.errors import Kind, RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def user(shared: Bench) -> User:
    return shared.user()


async def test_an_export_is_the_upload_with_tables_in_place_of_documents(user: User) -> None:
    inner = packed({"x.xml": rows("x"), "logo.bin": b"\0\1"})
    collection = await user.scanned({"AR_x/one.xml": rows("a"), "deep/GL_x.zip": inner, "readme.txt": b"hello"})
    await user.converted(collection)
    exported = await user.export(collection)
    assert (exported.filename, exported.media_type) == ("Upload_csv.zip", "application/zip")
    files = unpacked(exported.data)
    assert set(files) == {"AR_x/one.csv", "deep/GL_x.zip/x.csv", "deep/GL_x.zip/logo.bin", "readme.txt"}
    assert files["deep/GL_x.zip/logo.bin"] == b"\0\1"
    assert files["AR_x/one.csv"] == b"\xef\xbb\xbfId,Word\r\n1,a\r\n"
    assert set(unpacked((await user.export(collection, others="drop")).data)) == {"AR_x/one.csv", "deep/GL_x.zip/x.csv"}
    assert "deep/GL_x/x.csv" in unpacked((await user.export(collection, nested="folder")).data)


async def test_one_document_is_one_file_in_every_format(user: User) -> None:
    collection = await user.scanned({"AR_x/one.xml": rows("a", "b"), "GL_x/two.xml": rows("c")})
    await user.converted(collection)
    document_id = (await user.documents(collection))["AR_x/one.xml"].id
    csv = await user.export(collection, document_id=document_id)
    assert (csv.filename, csv.data) == ("one.csv", b"\xef\xbb\xbfId,Word\r\n1,a\r\n2,b\r\n")
    made = await user.export(collection, "json", document_id=document_id)
    assert json.loads(made.data) == [{"Id": "1", "Word": "a"}, {"Id": "2", "Word": "b"}]
    parquet = await user.export(collection, "parquet", document_id=document_id)
    assert parquet.data.startswith(b"PAR1")
    book = openpyxl.load_workbook(io.BytesIO((await user.export(collection, "xlsx", document_id=document_id)).data))
    assert [[cell.value for cell in row] for row in book.worksheets[0]] == [["Id", "Word"], ["1", "a"], ["2", "b"]]


async def test_a_group_is_exported_alone(user: User) -> None:
    collection = await user.scanned({"AR_x/one.xml": rows("a"), "GL_x/two.xml": rows("c"), "readme.txt": b"hello"})
    await user.converted(collection)
    assert set(unpacked((await user.export(collection, group="GL")).data)) == {"GL_x/two.csv"}


async def test_an_export_of_an_unknown_group_or_document_is_absent(user: User) -> None:
    collection = await user.scanned({"AR_x/one.xml": rows("a")})
    await user.converted(collection)
    elsewhere = await user.scanned({"two.xml": rows("b")})
    stranger = (await user.documents(elsewhere))["two.xml"].id
    for unknown in ({"group": "nothing"}, {"document_id": "nothing"}, {"document_id": stranger}):
        with pytest.raises(RemoteError) as refused:
            await user.export(collection, **unknown)
        assert refused.value.kind is Kind.NOT_FOUND
    assert set(unpacked((await user.export(collection, group="ar")).data)) == {"AR_x/one.csv"}


async def test_child_tables_are_files_beside_their_document_or_left_out(user: User) -> None:
    lines = "".join(f"<L><K>{n}</K><V>{n}</V></L>" for n in range(20))
    data = f"<Os><O><N>1</N><M>2</M>{lines}</O><O><N>3</N><M>4</M>{lines}</O><T>t</T></Os>".encode()
    collection = await user.scanned({"o.xml": data})
    document_id = (await user.documents(collection))["o.xml"].id
    await user.converted(collection, record_paths={document_id: "Os/O"})
    whole = unpacked((await user.export(collection, document_id=document_id)).data)
    assert set(whole) == {"o.csv", "o.L.csv", "o._document.csv"}
    main = await user.export(collection, document_id=document_id, tables="main")
    assert (main.filename, main.data) == ("o.csv", whole["o.csv"])


async def test_what_is_not_converted_yet_is_a_conflict(user: User) -> None:
    collection = await user.scanned({"AR_x/one.xml": rows("a"), "GL_x/two.xml": rows("b")})
    await user.converted(collection, groups=["GL"])
    with pytest.raises(RemoteError) as refused:
        await user.export(collection)
    assert (refused.value.kind, refused.value.code) == (Kind.CONFLICT, "NOT_CONVERTED")
    assert set(unpacked((await user.export(collection, group="GL")).data)) == {"GL_x/two.csv"}


async def test_a_document_that_failed_is_exported_as_it_came(user: User) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "x">{entities}]><a>&e11;</a>'.encode()
    collection = await user.scanned({"bad.xml": bomb, "good.xml": rows("a")})
    await user.converted(collection)
    files = unpacked((await user.export(collection)).data)
    assert set(files) == {"bad.xml", "good.csv"}
    assert files["bad.xml"] == bomb
    bad = (await user.documents(collection))["bad.xml"].id
    alone = await user.export(collection, document_id=bad)
    assert (alone.filename, alone.data) == ("bad.xml", bomb)


async def test_formulas_are_guarded_unless_they_are_asked_for_raw(user: User) -> None:
    collection = await user.scanned({"f.xml": rows("=1+1", "-5")})
    await user.converted(collection)
    assert b"'=1+1" in unpacked((await user.export(collection)).data)["f.csv"]
    assert b"'" not in unpacked((await user.export(collection, raw=True)).data)["f.csv"]


async def test_wrong_choices_are_refused_by_name(user: User) -> None:
    collection = await user.scanned({"a.xml": rows("a")})
    for wrong in ({"kind": "pdf"}, {"tables": "some"}, {"others": "maybe"}, {"nested": "flat"}):
        with pytest.raises(RemoteError) as refused:
            await user.export(collection, **wrong)
        assert refused.value.kind == Kind.INVALID


async def test_an_export_that_nobody_reads_any_more_makes_room_for_the_next(user: User) -> None:
    collection = await user.scanned({"a.xml": rows("a"), "big.bin": secrets.token_bytes(20 << 20)})
    await user.converted(collection)
    request = convert_pb2.ExportRequest(collection_id=collection, format="csv")
    for _ in range(3):  # there is one child that exports
        with acting_as(user.who):
            call = user.convert.Export(request)
        async for part in call:
            if part.chunk:
                break
        call.cancel()
    assert "a.csv" in unpacked((await user.export(collection, others="drop")).data)


async def test_a_whole_export_is_streamed(user: User) -> None:
    content = secrets.token_bytes(9 << 20)
    collection = await user.scanned({"in.zip": packed({"big.bin": content})})
    exported = await user.export(collection)
    assert exported.pieces > 5
    assert unpacked(exported.data) == {"in.zip/big.bin": content}
