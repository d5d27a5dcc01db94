"""Pages and shapes on their way through."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from gateway_bench import Fakes, Gateway, Person

from ret.convert.v1 import convert_pb2
from ret.ingest.v1 import ingest_pb2
from ret_convert.errors import NotConverted, PageTooLarge
from ret_kit.errors import Invalid, RetError

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
