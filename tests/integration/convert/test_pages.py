"""Pages of tables and shapes of documents, asked of the real convert by the people they belong to."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from convert_bench import Bench, User, rows, running
from sqlalchemy import select

from ret.convert.v1 import convert_pb2, tables_pb2
from ret.jobs.v1 import jobs_pb2
from ret_convert.__main__ import work
from ret_convert.pages import Where, Window
from ret_convert.schema import tables
from ret_convert.views.views import MODULES, open_reading
from ret_kit.auth import acting_as
from ret_kit.errors import Kind, RemoteError
from ret_kit.pools import Pool

RECORDS = b"<r><h><k>1</k><l>2</l></h><h><k>3</k><l>4</l></h><x><a>1</a><b>2</b><c>3</c><d>4</d></x></r>"


@dataclass(frozen=True)
class Shown:
    """A page as it came."""

    header: convert_pb2.PageHeader
    rows: list[dict[str, Any]]

    @property
    def values(self) -> list[list[str | None]]:
        return [row["values"] for row in self.rows]


async def page(user: User, table_id: str, **given: Any) -> Shown:
    asked: dict[str, Any] = {"table_id": table_id, "limit": 100}
    request = convert_pb2.PageRequest(**(asked | given))
    with acting_as(user.who):
        parts = [part async for part in user.convert.Page(request)]
    return Shown(parts[0].header, json.loads(b"".join(part.chunk for part in parts[1:])))


async def shape(user: User, document_id: str) -> convert_pb2.ShapeResponse:
    with acting_as(user.who):
        return await user.convert.Shape(convert_pb2.ShapeRequest(document_id=document_id))


async def one_table(user: User, data: bytes, **given: Any) -> tuple[str, str, str]:
    """(collection, document, main table) of a document that was converted."""
    collection = await user.scanned({"one.xml": data})
    await user.converted(collection, **given)
    document = (await user.documents(collection))["one.xml"]
    return collection, document.id, document.tables[0].id


async def test_a_table_is_shown_page_by_page(user: User) -> None:
    data = b"<R><I><A>1</A><B>x</B></I><I><A>2</A><B/></I><I><A>3</A></I><I><A>4</A><B> y </B></I></R>"
    collection, document, table = await one_table(user, data)
    whole = await page(user, table)
    header = whole.header
    assert (header.table_id, header.document_id, header.collection_id) == (table, document, collection)
    assert (header.name, header.role, header.version, header.total_rows, header.matched_rows) == ("I", "main", 1, 4, 4)
    assert [(one.name, one.path, one.type) for one in header.columns] == [
        ("A", "/R/I/A", "number"),
        ("B", "/R/I/B", "text"),
    ]
    assert whole.values == [["1", "x"], ["2", ""], ["3", None], ["4", " y "]]
    assert [row["row"] for row in whole.rows] == [1, 2, 3, 4]
    assert (await page(user, table, offset=2, limit=1)).rows == [{"row": 3, "values": ["3", None]}]
    past = await page(user, table, offset=4)
    assert (past.rows, past.header.total_rows) == ([], 4)
    chosen = await page(user, table, columns=["B"])
    assert ([one.name for one in chosen.header.columns], chosen.values[0]) == (["B"], ["x"])


async def test_what_cannot_be_shown_is_refused_by_its_field(user: User) -> None:
    _, _, table = await one_table(user, rows("a"))
    for wrong, field in (
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"offset": -1}, "offset"),
        ({"columns": ["Ghost"]}, "columns"),
        ({"columns": ["Id", "Id"]}, "columns"),
        ({"sort": "Ghost"}, "sort"),
        ({"filter": "{}"}, "filter"),
    ):
        with pytest.raises(RemoteError) as refused:
            await page(user, table, **wrong)
        assert (refused.value.kind, refused.value.extra()["field"]) == (Kind.INVALID, field)


async def test_nothing_of_another_session_is_shown(bench: Bench, user: User) -> None:
    _, document, table = await one_table(user, rows("a"))
    other = bench.user()
    for asked in (page(other, table), shape(other, document), page(user, "absent"), shape(user, "absent")):
        with pytest.raises(RemoteError) as refused:
            await asked
        assert (refused.value.kind, refused.value.detail) in (
            (Kind.NOT_FOUND, "There is no such table."),
            (Kind.NOT_FOUND, "There is no such document."),
        )


async def test_a_table_is_shown_until_its_document_is_converted_anew(idle: Bench) -> None:
    """The worker is the test's to start: while the second conversion waits, the first one's tables are there."""
    user = idle.user()
    collection = await user.scanned({"one.xml": rows("a", "b")})
    async with running(work(idle.settings)):
        await user.converted(collection)
    table = (await user.documents(collection))["one.xml"].tables[0].id
    waiting = await user.start(collection, layout="related")
    assert len((await page(user, table)).rows) == 2
    async with running(work(idle.settings)):
        assert (await user.ended(waiting)).state == jobs_pb2.JOB_STATE_SUCCEEDED
    with pytest.raises(RemoteError) as gone:
        await page(user, table)
    assert gone.value.kind == Kind.NOT_FOUND
    again = (await user.documents(collection))["one.xml"].tables[0].id
    assert len((await page(user, again)).rows) == 2


async def test_a_damaged_table_is_not_shown(bench: Bench, user: User) -> None:
    _, _, table = await one_table(user, rows("a"))
    async with bench.convert.db.read() as conn:
        key = (await conn.execute(select(tables.c.blob_key).where(tables.c.id == table))).scalar_one()
    await bench.convert.blobs.put(key, b"PAR1 no table PAR1")
    with pytest.raises(RemoteError) as refused:
        await page(user, table)
    assert (refused.value.kind, refused.value.code) == (Kind.INTERNAL, "BLOB_DAMAGED")


async def test_a_shape_tells_what_was_taken_and_what_could_have_been(user: User) -> None:
    collection = await user.scanned({"one.xml": RECORDS, "one.csv": b"A,B\n1,2\n"})
    documents = await user.documents(collection)
    document, without = documents["one.xml"].id, documents["one.csv"].id
    with pytest.raises(RemoteError) as refused:
        await shape(user, document)
    assert (refused.value.kind, refused.value.code) == (Kind.CONFLICT, "NOT_CONVERTED")

    await user.converted(collection)
    found = await shape(user, document)
    assert (found.layout, found.chosen, found.more) == ("auto", False, 0)
    assert [(one.path, one.count, one.fields, one.share) for one in found.candidates] == [("r/h", 2, 2, 0.5)]
    rows_alone = await shape(user, without)
    assert (rows_alone.record_path, list(rows_alone.candidates)) == ("", [])

    await user.converted(collection, document_ids=[document], layout="single", record_paths={document: "r/x"})
    taken = await shape(user, document)
    assert (taken.layout, taken.record_path, taken.chosen) == ("single", "r/x", True)


async def test_views_are_sorted_filtered_and_keep_row_numbers(user: User) -> None:
    data = b"".join(b"<I><A>%d</A><B>%s</B></I>" % (n * 7 % 10, b"xy"[n % 2 : n % 2 + 1]) for n in range(10))
    _, _, table = await one_table(user, b"<R>" + data + b"</R>")
    ordered = await page(user, table, sort="-A", columns=["A"])
    assert [row["row"] for row in ordered.rows] == [8, 5, 2, 9, 6, 3, 10, 7, 4, 1]
    assert [values for (values,) in ordered.values] == [str(n) for n in range(9, -1, -1)]
    both = await page(user, table, sort="A", filter='[{"column": "B", "op": "eq", "value": "y"}]', offset=1, limit=2)
    assert (both.rows, both.header.matched_rows, both.header.total_rows) == (
        [{"row": 10, "values": ["3", "y"]}, {"row": 6, "values": ["5", "y"]}],
        5,
        10,
    )


async def test_two_replicas_show_the_same_view_and_the_same_edits(bench: Bench, user: User) -> None:
    data = b"".join(b"<I><A>%d</A><B>%s</B></I>" % (n * 7 % 10, b"xy"[n % 2 : n % 2 + 1]) for n in range(10))
    _, _, table = await one_table(user, b"<R>" + data + b"</R>")
    first = await page(user, table, sort="-A")
    async with bench.convert.db.read() as conn:
        row = (await conn.execute(select(tables).where(tables.c.id == table))).one()
    location = bench.settings.blob_location()
    async with Pool("convert", 1, MODULES) as children, open_reading(location, children) as other:

        async def there() -> tuple[int, list[dict[str, Any]]]:
            asked = replace(await other.asked(Where(row.blob_key, row.size), user.who.session_id), sort="-A")
            found = await other.views.page(asked, Window(0, 100))
            return asked.version, json.loads(b"".join(found.pieces()))

        assert await there() == (1, first.rows)
        edits = [tables_pb2.CellEdit(row=1, column="A", value=tables_pb2.Value(text="99"))]
        with acting_as(user.who):
            await user.tables.Save(tables_pb2.SaveRequest(table_id=table, version=1, edits=edits, deletes=[2]))
        version, changed = await there()
        assert (version, changed[0]) == (2, {"row": 1, "values": ["99", "x"], "edited": [0]})
        again = await page(user, table, sort="-A")
        assert (again.header.version, again.header.total_rows, again.rows) == (2, 9, changed)


async def test_cells_are_found_and_columns_profiled(user: User) -> None:
    _, _, table = await one_table(user, rows("alpha", "Beta", "beta"))
    with acting_as(user.who):
        found = await user.tables.Find(tables_pb2.FindRequest(table_id=table, q="BET"))
        assert (found.row, found.column, found.version) == (2, "Word", 1)
        with pytest.raises(RemoteError) as nowhere:
            await user.tables.Find(tables_pb2.FindRequest(table_id=table, q="beta", from_row=4))
        assert nowhere.value.kind == Kind.NOT_FOUND
        answer = await user.tables.Profile(tables_pb2.ProfileRequest(table_id=table, columns=["Word"]))
    (column,) = answer.columns
    assert (column.name, column.count, column.distinct, column.min, column.max) == ("Word", 3, 3, "alpha", "beta")
    other = await user.scanned({"two.xml": rows("x")})
    with acting_as(user.who), pytest.raises(RemoteError) as refused:
        await user.tables.Profile(tables_pb2.ProfileRequest(table_id=other))
    assert refused.value.kind == Kind.NOT_FOUND
