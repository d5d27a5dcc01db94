"""Pages and shapes on their way through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from gateway_bench import Fakes, Gateway, Person

from ret.convert.v1 import convert_pb2, tables_pb2
from ret.ingest.v1 import ingest_pb2
from ret_convert.errors import NotConverted, PageTooLarge
from ret_kit.errors import Invalid, NotFound, RetError

pytestmark = pytest.mark.asyncio(loop_scope="session")

TABLE = "/api/v1/tables/t1"
COLUMNS = [convert_pb2.PageColumn(name='a,"b"', path="/r/a", type="number")]
HEADER = convert_pb2.PageHeader(
    table_id="t1",
    document_id="d1",
    collection_id="c1",
    name="Row é",
    role="main",
    version=1,
    total_rows=7,
    matched_rows=7,
    columns=COLUMNS,
)
ROWS = [{"row": 6, "values": [None]}, {"row": 7, "values": [""]}]


def paged(*chunks: bytes) -> Any:
    async def page(_: object) -> AsyncGenerator[convert_pb2.PageResponse]:
        yield convert_pb2.PageResponse(header=HEADER)
        for chunk in chunks:
            yield convert_pb2.PageResponse(chunk=chunk)

    return page


async def test_a_page_is_put_together_as_it_comes(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    rows = json.dumps(ROWS).encode()
    fakes.convert.answers["Page"] = paged(rows[:9], rows[9:])
    query = {"offset": "5", "limit": "1000", "columns": "a%2C%22b%22,Plain%20name"}
    answer = await gateway.client.get(TABLE, headers=user.headers, params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "id": "t1",
        "document_id": "d1",
        "collection_id": "c1",
        "name": "Row é",
        "role": "main",
        "version": 1,
        "total_rows": 7,
        "matched_rows": 7,
        "columns": [{"name": 'a,"b"', "path": "/r/a", "type": "number"}],
        "rows": ROWS,
    }
    (request,) = fakes.convert.asked("Page")
    assert (request.table_id, request.offset, request.limit) == ("t1", 5, 1000)
    assert list(request.columns) == ['a,"b"', "Plain name"]


async def test_a_page_without_choice_is_the_first_hundred_rows(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.convert.answers["Page"] = paged(b"[]")
    answer = await gateway.client.get(TABLE, headers=user.headers)
    assert answer.json()["rows"] == []
    (request,) = fakes.convert.asked("Page")
    assert (request.offset, request.limit, list(request.columns)) == (0, 100, [])


@pytest.mark.parametrize("query, field", [("limit=1001", "limit"), ("limit=0", "limit"), ("offset=-1", "offset")])
async def test_what_is_out_of_bounds_is_refused_here(
    gateway: Gateway, fakes: Fakes, user: Person, query: str, field: str
) -> None:
    answer = await gateway.client.get(f"{TABLE}?{query}", headers=user.headers)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert fakes.convert.asked("Page") == []


@pytest.mark.parametrize(
    "error, code, field",
    [
        (Invalid(field="sort", reason="is not offered yet"), "INVALID", "sort"),
        (PageTooLarge(cells=1, bytes=1 << 20), "PAGE_TOO_LARGE", "limit"),
    ],
)
async def test_what_the_service_refuses_is_a_problem_with_its_field(
    gateway: Gateway, fakes: Fakes, user: Person, error: RetError, code: str, field: str
) -> None:
    async def refusing(_: object) -> AsyncGenerator[None]:
        raise error
        yield

    fakes.convert.answers["Page"] = refusing
    answer = await gateway.client.get(f"{TABLE}?sort=-a&filter=%5B%5D", headers=user.headers)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field)
    (request,) = fakes.convert.asked("Page")
    assert (request.sort, request.filter) == ("-a", "[]")


async def test_a_service_that_says_nothing_is_away(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    async def nothing(_: object) -> AsyncGenerator[None]:
        for never in ():
            yield never

    fakes.convert.answers["Page"] = nothing
    answer = await gateway.client.get(TABLE, headers=user.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")


async def test_a_shape_is_told_as_it_is(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    candidate = convert_pb2.Candidate(path="r/h", count=2, fields=3, share=0.75)
    shape = convert_pb2.ShapeResponse(document_id="d1", layout="auto", record_path="r/h", candidates=[candidate])
    fakes.convert.answers["Shape"] = lambda _: shape
    answer = await gateway.client.get("/api/v1/documents/d1/shape", headers=user.headers)
    assert answer.json() == {
        "document_id": "d1",
        "layout": "auto",
        "record_path": "r/h",
        "chosen": False,
        "candidates": [{"path": "r/h", "count": 2, "fields": 3, "share": 0.75}],
        "more": 0,
    }


async def test_a_document_that_is_not_converted_has_no_shape(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    def refusing(_: object) -> None:
        raise NotConverted(documents=1)

    fakes.convert.answers["Shape"] = refusing
    answer = await gateway.client.get("/api/v1/documents/d1/shape", headers=user.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "NOT_CONVERTED")


async def test_a_document_is_told_with_the_collection_it_is_in(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    document = ingest_pb2.Document(id="d1", collection_id="c1", name="one.xml", status="found")
    fakes.ingest.answers["GetDocument"] = lambda _: ingest_pb2.GetDocumentResponse(document=document)
    answer = await gateway.client.get("/api/v1/documents/d1", headers=user.headers)
    assert (answer.json()["id"], answer.json()["collection_id"]) == ("d1", "c1")


async def test_sort_and_filter_go_on_as_they_are_written(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.convert.answers["Page"] = paged(b"[]")
    query = {"sort": "-a%2Cb,c", "filter": '[{"column": "é", "op": "empty"}]'}
    assert (await gateway.client.get(TABLE, headers=user.headers, params=query)).status_code == 200
    (request,) = fakes.convert.asked("Page")
    assert (request.sort, request.filter) == (query["sort"], query["filter"])


async def test_the_next_cell_is_found_or_is_not_there(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.tables.answers["Find"] = lambda _: tables_pb2.FindResponse(row=7, column="a,b", version=3)
    answer = await gateway.client.get(f"{TABLE}/find", headers=user.headers, params={"q": " É ", "from_row": "5"})
    assert (answer.status_code, answer.json()) == (200, {"row": 7, "column": "a,b", "version": 3})
    (request,) = fakes.tables.asked("Find")
    assert (request.table_id, request.q, request.from_row) == ("t1", " É ", 5)

    def nothing(_: object) -> tables_pb2.FindResponse:
        raise NotFound(what="cell")

    fakes.tables.answers["Find"] = nothing
    nowhere = await gateway.client.get(f"{TABLE}/find", headers=user.headers, params={"q": "x"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "NOT_FOUND")
    for query, field in (
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "x" * 1001}, "q"),
        ({"q": "x", "from_row": "0"}, "from_row"),
    ):
        refused = await gateway.client.get(f"{TABLE}/find", headers=user.headers, params=query)
        assert (refused.status_code, refused.json()["field"]) == (422, field)


async def test_a_profile_says_what_was_not_counted_to_the_end(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    column = tables_pb2.ColumnProfile(
        name="A",
        type="number",
        count=9,
        nulls=1,
        empty=2,
        distinct=4,
        min="",
        top=[tables_pb2.ValueCount(value="1", count=3)],
        counted=5,
    )
    fakes.tables.answers["Profile"] = lambda _: tables_pb2.ProfileResponse(version=2, columns=[column])
    answer = await gateway.client.get(f"{TABLE}/profile", headers=user.headers, params={"columns": "A,b%2Cc"})
    assert answer.json() == {
        "version": 2,
        "columns": [
            {
                "name": "A", "type": "number", "count": 9, "nulls": 1, "empty": 2, "distinct": 4, "min": "",
                "max": None, "top": [{"value": "1", "count": 3}], "counted": 5, "exact": False,
            }
        ],
    }  # fmt: skip
    (request,) = fakes.tables.asked("Profile")
    assert list(request.columns) == ["A", "b,c"]


async def test_a_search_nobody_waits_for_any_more_is_ended(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    begun = asyncio.Event()

    async def long(_: object) -> tables_pb2.FindResponse:
        begun.set()
        await asyncio.sleep(60)
        return tables_pb2.FindResponse()

    fakes.tables.answers["Find"] = long
    asking = asyncio.create_task(gateway.client.get(f"{TABLE}/find", headers=user.headers, params={"q": "x"}))
    await begun.wait()
    asking.cancel()
    async with asyncio.timeout(10):
        while fakes.tables.cancelled != ["Find"]:
            await asyncio.sleep(0.01)
