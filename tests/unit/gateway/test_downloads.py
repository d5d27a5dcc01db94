"""Names and types of downloads, and streams that end early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from email.message import Message
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect, Request

from ret_gateway.downloads import Streamed, content_disposition, media_type, while_there
from ret_kit.errors import NotFound


def extended_name(header: str) -> str:
    return unquote(header.partition("filename*=UTF-8''")[2], errors="strict")


@pytest.mark.parametrize(
    "name,kept",
    [
        ("one.csv", "one.csv"),
        ("größe € 日本.xlsx", "größe € 日本.xlsx"),
        ('a"b\\c;d.zip', 'a"b_c;d.zip'),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\r\nSet-Cookie: x.csv", "aSet-Cookie: x.csv"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("", "download"),
        ("...", "download"),
    ],
)
def test_a_download_keeps_its_name_but_for_what_could_mislead(name: str, kept: str) -> None:
    assert extended_name(content_disposition(name)) == kept


@given(st.text())
def test_the_header_is_one_line_of_ascii_with_two_names(name: str) -> None:
    header = content_disposition(name)
    assert header.isascii()
    assert header.isprintable()
    message = Message()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == "attachment"
    assert extended_name(header)


def test_a_long_name_keeps_its_extension() -> None:
    assert extended_name(content_disposition("x" * 500 + ".parquet")).endswith("xxx.parquet")


@pytest.mark.parametrize("sent", ["text/html\r\nX: y", "", "html", "text/html; charset=utf-8", "a/" + "b" * 200])
def test_what_is_no_media_type_is_sent_as_bytes(sent: str) -> None:
    assert media_type(sent) == "application/octet-stream"


def test_a_media_type_is_kept() -> None:
    name = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert media_type(name) == name


class Source:
    """Pieces that note whether they were closed."""

    def __init__(self, pieces: list[bytes | Exception]) -> None:
        self.closed = False
        self._pieces = pieces

    async def pieces(self) -> AsyncGenerator[bytes]:
        try:
            for piece in self._pieces:
                await asyncio.sleep(0)
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed = True


async def answered(response: Streamed, *, client_stays: bool = True) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if client_stays or len(sent) < 2:
            await asyncio.sleep(0.01 if not client_stays else 3600)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        await asyncio.sleep(0 if client_stays else 0.002)

    await response({"type": "http"}, receive, send)
    return sent


async def test_pieces_go_out_one_by_one() -> None:
    source = Source([b"a", b"b"])
    sent = await answered(await Streamed.begin(source.pieces(), {"x-y": "z"}))
    assert [message.get("body") for message in sent] == [None, b"a", b"b", b""]
    assert (b"x-y", b"z") in sent[0]["headers"]
    assert source.closed


async def test_an_error_before_the_first_piece_is_raised_before_anything_is_sent() -> None:
    source = Source([NotFound(what="document")])
    with pytest.raises(NotFound):
        await Streamed.begin(source.pieces(), {})
    assert source.closed


async def test_an_error_after_the_first_piece_leaves_the_answer_unfinished() -> None:
    source = Source([b"a", OSError("gone")])
    response, sent = await Streamed.begin(source.pieces(), {}), list[dict[str, Any]]()

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(OSError, match="gone"):
        await response({"type": "http"}, lambda: asyncio.sleep(3600, {}), send)
    assert all(message.get("more_body", True) for message in sent)
    assert source.closed


async def test_a_client_that_goes_ends_the_stream_behind() -> None:
    source = Source([b"x"] * 10_000)
    sent = await answered(await Streamed.begin(source.pieces(), {}), client_stays=False)
    assert len(sent) < 10_000
    assert source.closed


async def test_nothing_is_a_whole_answer_too() -> None:
    sent = await answered(await Streamed.begin(Source([]).pieces(), {"content-length": "0"}))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


def leaving(after: asyncio.Event) -> Request:
    """A request whose caller goes when this is set."""

    async def receive() -> dict[str, str]:
        await after.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http"}, receive)


async def test_work_is_ended_when_the_caller_goes_before_it_is_done() -> None:
    gone, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            gone.set()
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(ClientDisconnect):
        await while_there(leaving(gone), work())
    assert ended.is_set()


async def test_work_gives_what_it_gives_while_the_caller_is_there() -> None:
    async def work(error: Exception | None) -> int:
        if error:
            raise error
        return 7

    request = leaving(asyncio.Event())
    assert await while_there(request, work(None)) == 7
    with pytest.raises(NotFound):
        await while_there(request, work(NotFound(what="cell")))
