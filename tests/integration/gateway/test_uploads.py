"""Uploads on their way through: streamed, bounded, and ended cleanly whoever goes first."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from gateway_bench import Fakes, Gateway, Person, a_collection, a_job, eventually, taken_in

from ret.ingest.v1 import ingest_pb2
from ret_kit.errors import Kind, RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOUNDARY = "a-boundary-of-the-test"
PATH = "/api/v1/collections"
MIB = 1 << 20


def multipart(user: Person, **more: str) -> dict[str, str]:
    return user.headers | {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} | more


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def accepted() -> ingest_pb2.UploadResponse:
    return ingest_pb2.UploadResponse(collection=a_collection(), job=a_job())


class Taken:
    """Ingest, taking everything in."""

    def __init__(self, fakes: Fakes) -> None:
        self.upload: dict[str, Any] = {}
        fakes.ingest.answers["Upload"] = self._take

    async def _take(self, requests: AsyncIterator[ingest_pb2.UploadRequest]) -> ingest_pb2.UploadResponse:
        self.upload = await taken_in(requests)
        return accepted()


async def test_a_file_arrives_whole_in_chunks_with_its_fields(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    taken, content = Taken(fakes), bytes(range(256)) * 12_000
    body = form(part("name", "Größe".encode()), part("file", content, "FY%22x%22.zip"), part("grouping", b"name"))
    answer = await gateway.client.post(PATH, headers=multipart(user, **{"Idempotency-Key": "key-1"}), content=body)
    assert answer.status_code == 202
    assert answer.json()["collection"]["id"] == "c1"
    assert answer.json()["collection"]["created_at"] == "2025-11-20T12:00:00.123Z"
    assert answer.json()["job"]["state"] == "queued"
    header, trailer = taken.upload["header"], taken.upload["trailer"]
    assert (header.filename, header.name, header.idempotency_key) == ('FY"x".zip', "Größe", "key-1")
    assert (header.grouping, trailer.grouping, trailer.name) == ("", "name", "")
    assert bytes(taken.upload["data"]) == content
    assert taken.upload["sizes"][0] == MIB


async def test_an_empty_file_is_ingests_to_judge(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    taken = Taken(fakes)
    answer = await gateway.client.post(PATH, headers=multipart(user), content=form(part("file", b"", "empty.zip")))
    assert answer.status_code == 202
    assert (taken.upload["sizes"], taken.upload["header"].filename) == ([], "empty.zip")


@pytest.mark.parametrize(
    "body,status,code",
    [
        (form(part("name", b"x")), 422, "INVALID"),
        (form(part("file", b"x", "")), 422, "INVALID"),
        (form(part("file", b"x", "y" * 301)), 422, "INVALID"),
        (form(part("grouping", b"sideways"), part("file", b"x", "a.zip")), 422, "INVALID"),
        (form(part("file", b"x", "a.zip"), part("kind", b"poem")), 422, "INVALID"),
        (form(part("name", b"a\0b"), part("file", b"x", "a.zip")), 422, "INVALID"),
        (form(part("file", b"x", "a.zip"), part("file", b"y", "b.zip")), 422, "INVALID"),
        (part("file", b"x", "a.zip"), 422, "MULTIPART_MALFORMED"),
        (b"", 422, "INVALID"),
    ],
    ids=[
        "no file",
        "no name",
        "long name",
        "bad field",
        "bad field behind",
        "control",
        "two files",
        "cut off",
        "nothing",
    ],
)
async def test_a_form_that_cannot_be_used_is_refused_and_nothing_stored(
    gateway: Gateway, fakes: Fakes, user: Person, body: bytes, status: int, code: str
) -> None:
    taken = Taken(fakes)
    answer = await gateway.client.post(PATH, headers=multipart(user), content=body)
    if code == "INVALID" and body == b"":
        assert answer.json()["code"] in {"INVALID", "MULTIPART_MALFORMED"}
    else:
        assert answer.json()["code"] == code
    assert answer.status_code == status
    # A call without a trailer was cut off: ingest stores nothing.
    assert taken.upload.get("trailer") is None


@pytest.mark.parametrize(
    "order,status",
    [({"upload_id": "none"}, 404), ({"git_url": "https://example.com/x.git"}, 422), ({}, 422), ([], 422)],
)
async def test_orders_without_a_file_are_a_typed_no(gateway: Gateway, user: Person, order: object, status: int) -> None:
    answer = await gateway.client.post(PATH, headers=user.headers, json=order)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_form_of_another_type_is_415(gateway: Gateway, user: Person) -> None:
    answer = await gateway.client.post(PATH, headers=user.headers, data={"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_ingests_refusal_is_the_answer_also_before_the_upload_is_through(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    async def refuse(requests: AsyncIterator[ingest_pb2.UploadRequest]) -> None:
        await anext(requests)
        await anext(requests)
        raise RemoteError(kind=Kind.UNSUPPORTED, code="NOT_SUPPORTED", detail="No.")

    fakes.ingest.answers["Upload"] = refuse
    body = form(part("file", b"MZ" * (20 * MIB), "program.exe"))
    answer = await gateway.client.post(PATH, headers=multipart(user), content=body)
    assert (answer.status_code, answer.json()["code"]) == (415, "NOT_SUPPORTED")


async def test_an_answer_that_comes_early_is_the_answer(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    async def remembered(requests: AsyncIterator[ingest_pb2.UploadRequest]) -> ingest_pb2.UploadResponse:
        await anext(requests)
        return accepted()

    fakes.ingest.answers["Upload"] = remembered
    body = form(part("file", b"x" * (20 * MIB), "a.zip"))
    answer = await gateway.client.post(PATH, headers=multipart(user), content=body)
    assert (answer.status_code, answer.json()["collection"]["id"]) == (202, "c1")


async def test_a_file_over_the_limit_is_413_whether_its_length_is_known_or_not(
    another_gateway: Any, fakes: Fakes, user: Person
) -> None:
    taken = Taken(fakes)
    body = form(part("file", b"x" * (3 * MIB), "a.zip"))

    async def unknown_length() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 65536):
            yield body[at : at + 65536]

    async with another_gateway(RET_GATEWAY_UPLOAD_LIMIT="2MiB") as gateway:
        known = await gateway.client.post(PATH, headers=multipart(user), content=body)
        unknown = await gateway.client.post(PATH, headers=multipart(user), content=unknown_length())
        exact = form(part("file", b"x" * (2 * MIB), "a.zip"))
        fitting = await gateway.client.post(PATH, headers=multipart(user), content=exact)
    for answer in (known, unknown):
        assert (answer.status_code, answer.json()["code"]) == (413, "UPLOAD_TOO_LARGE")
    assert fitting.status_code == 202
    assert len(taken.upload["data"]) == 2 * MIB


def head(user: Person, length: int) -> bytes:
    lines = [f"POST {PATH} HTTP/1.1", "Host: gateway", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in multipart(user).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_a_refused_client_that_sends_everything_first_still_gets_the_answer(
    gateway: Gateway, user: Person
) -> None:
    """A connection that is closed with unread data is reset, and the reset would swallow the answer."""
    nobody = Person("", "", "a.b.c")

    def send_all_then_read() -> bytes:
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
            connection.sendall(head(nobody, 64 * MIB))
            for _ in range(64):
                connection.sendall(b"x" * MIB)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer

    answer = await asyncio.to_thread(send_all_then_read)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer.lower()
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "UNAUTHENTICATED"


async def test_a_refused_client_without_end_is_not_read_for_ever(another_gateway: Any, user: Person) -> None:
    del user
    nobody = Person("", "", "a.b.c")
    async with another_gateway(RET_GATEWAY_LINGER_SECONDS="0.3") as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(head(nobody, 1 << 40))
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 401 ")
        async with asyncio.timeout(10):
            with suppress(ConnectionError):
                while True:
                    writer.write(b"x" * 65536)
                    await writer.drain()
        writer.close()


async def test_a_client_that_goes_ends_the_call(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    began, parts = asyncio.Event(), list[str | None]()

    async def take(requests: AsyncIterator[ingest_pb2.UploadRequest]) -> ingest_pb2.UploadResponse:
        async for request in requests:
            parts.append(request.WhichOneof("part"))
            began.set()
        parts.append("end")
        return accepted()

    fakes.ingest.answers["Upload"] = take
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(head(user, 100 * MIB) + part("file", b"x" * (3 * MIB), "a.zip"))
    await writer.drain()
    async with asyncio.timeout(10):
        await began.wait()
    writer.close()
    await eventually(lambda: fakes.ingest.cancelled or "end" in parts, "the call ends")
    assert "trailer" not in parts


async def test_a_client_that_falls_silent_is_not_waited_for(another_gateway: Any, fakes: Fakes, user: Person) -> None:
    taken = Taken(fakes)
    async with another_gateway(RET_GATEWAY_BODY_IDLE_SECONDS="0.3", RET_GATEWAY_LINGER_SECONDS="0.3") as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(head(user, 10 * MIB) + part("file", b"x" * MIB, "a.zip"))
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"REQUEST_STALLED" in answer
    await eventually(lambda: fakes.ingest.cancelled or taken.upload, "the call ends")
    assert taken.upload.get("trailer") is None


async def test_memory_follows_the_chunk_and_not_the_file(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    """Ingest takes its time: what the gateway has read and cannot hand on stays in the socket."""
    size, peak, pause = 400 * MIB, 0, asyncio.Event()
    received = 0

    async def take(requests: AsyncIterator[ingest_pb2.UploadRequest]) -> ingest_pb2.UploadResponse:
        nonlocal received, peak
        async for request in requests:
            received += len(request.chunk)
            if received > size // 2 and not pause.is_set():
                await asyncio.sleep(0.5)
                pause.set()
            peak = max(peak, gateway.resident_bytes())
        return accepted()

    fakes.ingest.answers["Upload"] = take
    whole = form(part("file", b"", "big.zip"))
    start, end = whole[: whole.index(b"\r\n\r\n") + 4], whole[whole.index(b"\r\n\r\n") + 4 :]
    piece = bytes(MIB)

    async def body() -> AsyncIterator[bytes]:
        yield start
        for _ in range(size // MIB):
            yield piece
        yield end

    answer = await gateway.client.post(PATH, headers=multipart(user), content=body(), timeout=60)
    assert answer.status_code == 202
    assert received == size
    assert peak < 200 * MIB
