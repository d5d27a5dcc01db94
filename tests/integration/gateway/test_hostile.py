"""Callers that mean no good: at the socket, in ids, in names."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import uvicorn
from gateway_bench import Fakes, Gateway, Person
from uvicorn.server import ServerState

from ret_gateway.protocol import LimitedHttp

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def said(gateway: Gateway, data: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    """The answer to raw bytes, after which the gateway must have closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(data)
    async with asyncio.timeout(10):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(status.split()[1]), headers, json.loads(body)


@pytest.mark.parametrize(
    "data",
    [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"\x16\x03\x01"],
)
async def test_what_is_no_http_is_a_problem(gateway: Gateway, data: bytes) -> None:
    status, headers, body = await said(gateway, data)
    assert (status, body["code"], headers["content-type"]) == (400, "BAD_REQUEST", "application/problem+json")
    assert headers["x-correlation-id"] == body["correlation_id"]
    assert (headers["x-content-type-options"], headers["connection"]) == ("nosniff", "close")


async def test_headers_without_end_are_refused(gateway: Gateway) -> None:
    endless = b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 70_000
    status, _, body = await said(gateway, endless)
    assert (status, body["code"]) == (431, "HEADERS_TOO_LARGE")
    many = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(7_000))
    status, _, body = await said(gateway, many)
    assert (status, body["code"]) == (431, "HEADERS_TOO_LARGE")


async def test_a_big_but_decent_head_is_read(gateway: Gateway) -> None:
    answer = await gateway.client.get("/healthz", headers={"X-Long": "x" * 30_000})
    assert answer.status_code == 200


class Wire(asyncio.Transport):
    """A connection that notes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        del name
        return default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


async def test_a_head_that_does_not_come_is_not_waited_for() -> None:
    class Hasty(LimitedHttp):
        head_seconds = 0.05

    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError(f"nothing was asked: {scope} {receive} {send}")

    for begun in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
        wire, protocol = (
            Wire(),
            Hasty(uvicorn.Config(app, interface="asgi3", lifespan="off", log_config=None), ServerState(), {}),
        )
        protocol.connection_made(wire)
        if begun:
            protocol.data_received(begun)
        async with asyncio.timeout(10):
            while not wire.closed:
                await asyncio.sleep(0.01)
        assert wire.written.startswith(b"HTTP/1.1 408 ")
        protocol.connection_lost(None)


@pytest.mark.parametrize("made_up", ["%00", "a%0Ab", "..", "a%2Fb", "x" * 200, "%F0%9F%98%80", "a b", "%ff"])
async def test_an_id_that_is_none_is_absent_and_asked_of_nobody(
    gateway: Gateway, fakes: Fakes, user: Person, made_up: str
) -> None:
    for path in (f"/api/v1/collections/{made_up}", f"/api/v1/documents/{made_up}/source", f"/api/v1/jobs/{made_up}"):
        answer = await gateway.client.get(path, headers=user.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert fakes.ingest.calls == []


@pytest.mark.parametrize("name", ["a\0b", "line\nbreak", "\x7f", "", "x" * 301])
async def test_a_name_that_is_none_is_422(gateway: Gateway, fakes: Fakes, user: Person, name: str) -> None:
    client, headers = gateway.client, user.headers
    answers = [
        await client.patch("/api/v1/collections/c1", headers=headers, json={"name": name}),
        await client.patch("/api/v1/collections/c1/groups/FY", headers=headers, json={"name": name}),
        await client.patch("/api/v1/documents/d1", headers=headers, json={"group": name}),
        await client.post("/api/v1/auth/login", json={"username": name, "password": "p"}),
    ]
    if name:
        answers += [
            await client.get("/api/v1/collections/c1/documents", headers=headers, params={"q": name}),
            await client.get("/api/v1/collections/c1/export", headers=headers, params={"group": name}),
        ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "INVALID")}
    assert fakes.ingest.calls == fakes.auth.asked("Login") == []


@pytest.mark.parametrize("content", [b'{"name": "\\ud800"}', b"[" * 400_000, b'{"name": ' + b'{"a":' * 100_000])
async def test_json_that_no_one_should_read_is_a_4xx(gateway: Gateway, user: Person, content: bytes) -> None:
    headers = user.headers | {"Content-Type": "application/json"}
    for method, path in (("PATCH", "/api/v1/collections/c1"), ("POST", "/api/v1/collections")):
        answer = await gateway.client.request(method, path, headers=headers, content=content)
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_client_that_asks_first_is_refused_before_it_sends(gateway: Gateway, user: Person) -> None:
    lines = ["POST /api/v1/collections HTTP/1.1", "Host: x", f"Content-Length: {1 << 40}", "Expect: 100-continue"]
    lines += [f"Authorization: Bearer {user.token}", "Content-Type: multipart/form-data; boundary=x", "", ""]
    status, headers, body = await said(gateway, "\r\n".join(lines).encode())
    assert (status, body["code"], headers["connection"]) == (413, "UPLOAD_TOO_LARGE", "close")
