"""Downloads and trees on their way through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from gateway_bench import Fakes, Gateway, Person, a_user, eventually

from ret.auth.v1 import auth_pb2
from ret.convert.v1 import convert_pb2
from ret.ingest.v1 import ingest_pb2
from ret_kit.errors import Kind, NotFound, RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXPORT = "/api/v1/collections/c1/export"
SOURCE = "/api/v1/documents/d1/source"
TREE = "/api/v1/collections/c1/tree"
A_ZIP = convert_pb2.ExportResponse(header=convert_pb2.ExportHeader(filename="a.zip", media_type="application/zip"))


def exported(*chunks: bytes | Exception, filename: str = "one.csv") -> Any:
    async def export(_: object) -> AsyncGenerator[convert_pb2.ExportResponse]:
        header = convert_pb2.ExportHeader(filename=filename, media_type="text/csv")
        yield convert_pb2.ExportResponse(header=header)
        for chunk in chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield convert_pb2.ExportResponse(chunk=chunk)

    return export


async def test_an_export_is_an_attachment_in_a_sandbox(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.convert.answers["Export"] = exported(b"a,", b"b", filename="größe.csv")
    query = {"format": "csv", "document": "d1", "raw": "true", "nested": "folder", "others": "drop", "tables": "main"}
    answer = await gateway.client.get(EXPORT, headers=user.headers, params=query)
    assert (answer.status_code, answer.content) == (200, b"a,b")
    expected = "attachment; filename=\"gr__e.csv\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.csv"
    assert answer.headers["content-disposition"] == expected
    assert answer.headers["content-type"] == "text/csv"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].endswith("; sandbox")
    assert answer.headers["cache-control"] == "no-store"
    (request,) = fakes.convert.asked("Export")
    asked = (request.collection_id, request.format, request.document_id, request.raw, request.nested)
    assert asked == ("c1", "csv", "d1", True, "folder")
    assert (request.others, request.tables) == ("drop", "main")


async def test_a_report_of_edits_knows_the_names_of_people(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.convert.answers["Export"] = exported(b"zip")
    fakes.auth.answers["Me"] = lambda _: auth_pb2.MeResponse(user=a_user())
    answer = await gateway.client.get(EXPORT, headers=user.headers, params={"format": "xml", "report": "edits"})
    assert answer.content == b"zip"
    (request,) = fakes.convert.asked("Export")
    assert (request.format, request.report, list(request.names.values())) == ("xml", "edits", ["somebody"])
    wrong = await gateway.client.get(EXPORT, headers=user.headers, params={"report": "all"})
    assert wrong.status_code == 422


async def test_a_source_has_its_length(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    async def source(_: object) -> AsyncGenerator[ingest_pb2.SourceResponse]:
        header = ingest_pb2.SourceHeader(filename="a.xml", media_type="bad\r\ntype", bytes=6)
        yield ingest_pb2.SourceResponse(header=header)
        yield ingest_pb2.SourceResponse(chunk=b"abc")
        yield ingest_pb2.SourceResponse(chunk=b"def")

    fakes.ingest.answers["Source"] = source
    answer = await gateway.client.get(SOURCE, headers=user.headers)
    assert (answer.content, answer.headers["content-length"]) == (b"abcdef", "6")
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("path,service", [(EXPORT, "convert"), (SOURCE, "ingest"), (TREE, "ingest")])
async def test_what_cannot_be_had_is_a_problem(
    gateway: Gateway, fakes: Fakes, user: Person, path: str, service: str
) -> None:
    async def absent(_: object) -> AsyncGenerator[None]:
        raise NotFound(what="document")
        yield

    scripted = fakes.convert if service == "convert" else fakes.ingest
    scripted.answers |= {"Export": absent, "Source": absent, "Tree": absent}
    answer = await gateway.client.get(path, headers=user.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_an_error_behind_the_header_is_still_a_problem(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.convert.answers["Export"] = exported(RemoteError(kind=Kind.CONFLICT, code="NOT_CONVERTED", detail="No."))
    answer = await gateway.client.get(EXPORT, headers=user.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "NOT_CONVERTED")
    assert "content-disposition" not in answer.headers


async def test_an_error_in_mid_stream_breaks_off_and_never_shows_a_truncated_file_as_whole(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    damaged = RemoteError(kind=Kind.INTERNAL, code="BLOB_DAMAGED", detail="No.")
    fakes.convert.answers["Export"] = exported(b"x" * 100_000, damaged)
    headers = user.headers | {"X-Correlation-ID": "broken-download"}
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway.client.get(EXPORT, headers=headers)
    await eventually(lambda: gateway.access_lines("broken-download"), "an access line")
    (line,) = gateway.access_lines("broken-download")
    assert (line["status"], line["complete"]) == (200, False)
    assert [line["level"] for line in gateway.log() if line["message"] == "broken off"][-1] == "ERROR"


async def test_a_download_whose_session_ends_is_one_line_in_the_log_and_no_error(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    closed = RemoteError(kind=Kind.UNAUTHENTICATED, code="UNAUTHENTICATED", detail="Log in first.")
    fakes.convert.answers["Export"] = exported(b"x" * 100_000, closed)
    before = len(gateway.log())
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway.client.get(EXPORT, headers=user.headers | {"X-Correlation-ID": "ended-download"})
    await eventually(lambda: gateway.access_lines("ended-download"), "an access line")
    await gateway.client.get("/healthz")
    lines = gateway.log()[before:]
    assert [line["code"] for line in lines if line["message"] == "broken off"] == ["UNAUTHENTICATED"]
    assert not [line for line in lines if line["level"] == "ERROR" or "exception" in line]


async def test_a_client_that_goes_ends_the_export(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    async def endless(_: object) -> AsyncGenerator[convert_pb2.ExportResponse]:
        yield A_ZIP
        while True:
            yield convert_pb2.ExportResponse(chunk=b"x" * 65536)
            await asyncio.sleep(0)

    fakes.convert.answers["Export"] = endless
    async with gateway.client.stream("GET", EXPORT, headers=user.headers) as answer:
        async for _ in answer.aiter_raw(1000):
            break
    await eventually(lambda: fakes.convert.cancelled == ["Export"], "the export is cancelled")


async def test_a_slow_reader_holds_the_export_back(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    sent = 0

    async def big(_: object) -> AsyncGenerator[convert_pb2.ExportResponse]:
        nonlocal sent
        yield A_ZIP
        for _ in range(600):
            yield convert_pb2.ExportResponse(chunk=b"x" * (1 << 20))
            sent += 1

    fakes.convert.answers["Export"] = big
    async with gateway.client.stream("GET", EXPORT, headers=user.headers) as answer:
        assert answer.status_code == 200
        before = -1
        while before != sent:  # until nothing moves any more
            before = sent
            await asyncio.sleep(0.3)
        assert sent < 100
        assert gateway.resident_bytes() < 250 << 20


async def test_a_service_that_falls_silent_is_not_waited_for(another_gateway: Any, fakes: Fakes, user: Person) -> None:
    async def silent(_: object) -> AsyncGenerator[convert_pb2.ExportResponse]:
        await asyncio.sleep(30)
        yield convert_pb2.ExportResponse()

    fakes.convert.answers["Export"] = silent
    async with another_gateway(RET_GATEWAY_DOWNLOAD_IDLE_SECONDS="0.3") as gateway:
        answer = await gateway.client.get(EXPORT, headers=user.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")


async def test_a_big_tree_is_nested_and_streamed(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    async def tree(_: object) -> AsyncGenerator[ingest_pb2.TreeResponse]:
        yield ingest_pb2.TreeResponse(nodes=[ingest_pb2.TreeNode(depth=0, name="u.zip", path="", type="zip")])
        for start in range(0, 200_000, 1000):
            nodes = [
                ingest_pb2.TreeNode(depth=1, name=f"{n}.xml", path=f"{n}.xml", type="document", document_id=f"d{n}")
                for n in range(start, start + 1000)
            ]
            yield ingest_pb2.TreeResponse(nodes=nodes)

    fakes.ingest.answers["Tree"] = tree
    answer = await gateway.client.get(TREE, headers=user.headers, timeout=30)
    root = json.loads(answer.content)
    assert (root["type"], len(root["children"])) == ("zip", 200_000)
    assert root["children"][-1] == {
        "name": "199999.xml",
        "path": "199999.xml",
        "type": "document",
        "document_id": "d199999",
    }
