"""Answers that are streamed from a service: downloads, and long listings."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from ret_gateway.headers import DOWNLOAD_POLICY
from ret_kit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

# How the documentation describes a download.
BINARY_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
NAME_LIMIT = 200
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,99}/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}")
UNTYPED = "application/octet-stream"


def content_disposition(filename: str) -> str:
    """An attachment with an RFC 6266 name: an ASCII one for old readers, and the whole one in UTF-8.

    Control and formatting characters (which could turn the name around) are left out, separators become `_`, and of a
    name that is too long the beginning goes, so that its extension stays.
    """
    visible = "".join(character for character in filename if unicodedata.category(character) not in {"Cc", "Cf", "Cs"})
    name = re.sub(r"[/\\]", "_", visible).strip()[-NAME_LIMIT:].lstrip(".") or "download"
    plain = re.sub(r'["\\%;]', "_", name.encode("ascii", "replace").decode("ascii").replace("?", "_"))
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def media_type(sent: str) -> str:
    """The media type a service names, if it is one."""
    return sent if MEDIA_TYPE.fullmatch(sent) else UNTYPED


class Streamed(Response):
    """A body that is fetched while it is sent.

    The iterator's first piece is fetched before anything is sent, so that an error until then is a proper problem. A
    later error breaks the connection off: a truncated file is never shown as whole. When the client goes, the iterator
    is closed, which ends the call behind it.
    """

    def __init__(self, pieces: AsyncGenerator[bytes], first: bytes | None, headers: Mapping[str, str]) -> None:
        self._pieces = pieces
        self._first = first
        self.status_code = 200
        self.background = None
        self.init_headers(headers)

    @classmethod
    async def begin(cls, pieces: AsyncGenerator[bytes], headers: Mapping[str, str]) -> Streamed:
        """The answer, as soon as its first piece has come; errors until then are raised here."""
        try:
            first = await anext(pieces, None)
        except BaseException:
            await pieces.aclose()
            raise
        return cls(pieces, first, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._pieces.aclose()
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if self._first:
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Header(Protocol):
    """What a service says about a file before its bytes."""

    @property
    def filename(self) -> str: ...
    @property
    def media_type(self) -> str: ...


HeaderT_co = TypeVar("HeaderT_co", bound=Header, covariant=True)


class Part(Protocol[HeaderT_co]):
    """A message of a download: the header once, then chunks."""

    @property
    def header(self) -> HeaderT_co: ...
    @property
    def chunk(self) -> bytes: ...


T = TypeVar("T")
PartT_co = TypeVar("PartT_co", covariant=True)


class Call(Protocol[PartT_co]):
    """A service's stream that is being read."""

    def __aiter__(self) -> AsyncIterator[PartT_co]: ...
    def cancel(self) -> bool: ...


async def while_there(request: Request, work: Awaitable[T]) -> T:
    """What the work gives, unless the caller goes before: then the work is cancelled. ClientDisconnect."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.create_task(_gone(request.receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
    return working.result()


async def parts(call: Call[PartT_co], idle_seconds: float) -> AsyncGenerator[PartT_co]:
    """The messages of a stream; a service that sends none for too long is Unavailable. Closing it ends the call."""
    messages = aiter(call)
    try:
        while True:
            try:
                async with asyncio.timeout(idle_seconds):
                    message = await anext(messages)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise Unavailable(what="service") from None
            yield message
    finally:
        call.cancel()


async def _chunks(messages: AsyncGenerator[Part[HeaderT_co]]) -> AsyncGenerator[bytes]:
    async with aclosing(messages):
        async for message in messages:
            yield message.chunk


async def attachment(
    call: Call[Part[HeaderT_co]], idle_seconds: float, sized: Callable[[HeaderT_co], int] | None = None
) -> Streamed:
    """The file a service streams, as a download; `sized` gives its length where the service knows it."""
    messages = parts(call, idle_seconds)
    try:
        header = (await anext(messages)).header
    except StopAsyncIteration:
        raise Unavailable(what="file") from None
    headers = {
        "content-type": media_type(header.media_type),
        "content-disposition": content_disposition(header.filename),
        "content-security-policy": DOWNLOAD_POLICY,
    }
    if sized is not None:
        headers["content-length"] = str(sized(header))
    return await Streamed.begin(_chunks(messages), headers)
