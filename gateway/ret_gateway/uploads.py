"""An upload on its way from the browser into ingest, chunk by chunk."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ret.ingest.v1 import ingest_pb2
from ret_gateway.errors import Stalled
from ret_gateway.models import NAME_LIMIT, PRINTABLE
from ret_gateway.multipart import FILE, FileChunk, FileStart, FormField, UploadTooLarge, read_form
from ret_kit.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from starlette.requests import Request

    from ret_gateway.metrics import Metrics
    from ret_gateway.multipart import Event
    from ret_gateway.ports import Ports

# What a form's boundaries, headers and fields may add to the file's own size.
FORM_OVERHEAD = 64 * 1024

CHOICES: dict[str, frozenset[str]] = {
    "grouping": frozenset({"container", "name"}),
    "kind": frozenset({"tables", "code"}),
}
FIELDS = ("name", *CHOICES)


@dataclass
class _Fields:
    """The text fields of the form; those behind the file travel in the trailer."""

    values: dict[str, str] = field(default_factory=dict[str, str])

    def take(self, taken: FormField) -> None:
        if len(taken.value) > NAME_LIMIT or not re.fullmatch(PRINTABLE, taken.value):
            raise Invalid(field=taken.name, reason=f"may have {NAME_LIMIT} characters at most, and none of control")
        allowed = CHOICES.get(taken.name)
        if allowed and taken.value not in {*allowed, ""}:
            raise Invalid(field=taken.name, reason=f"must be one of {', '.join(sorted(allowed))}")
        self.values[taken.name] = taken.value

    def empty(self) -> dict[str, str]:
        """What was taken since this was asked last."""
        taken, self.values = self.values, {}
        return taken


def _header(filename: str, fields: dict[str, str], idempotency_key: str) -> ingest_pb2.UploadRequest:
    if not filename or len(filename) > NAME_LIMIT:
        raise Invalid(field=FILE, reason=f"must have a name of 1 to {NAME_LIMIT} characters")
    header = ingest_pb2.UploadHeader(filename=filename, idempotency_key=idempotency_key, **fields)
    return ingest_pb2.UploadRequest(header=header)


async def _requests(
    events: AsyncIterator[Event], idempotency_key: str, metrics: Metrics
) -> AsyncGenerator[ingest_pb2.UploadRequest]:
    """The form as ingest reads it: header, chunks, and at the end of a whole form the trailer."""
    fields = _Fields()
    async for event in events:
        match event:
            case FormField():
                fields.take(event)
            case FileStart():
                yield _header(event.filename, fields.empty(), idempotency_key)
            case FileChunk():
                metrics.uploaded_bytes.inc(len(event.data))
                yield ingest_pb2.UploadRequest(chunk=event.data)
    yield ingest_pb2.UploadRequest(trailer=ingest_pb2.UploadTrailer(**fields.empty()))


async def _pieces(request: Request, idle_seconds: float) -> AsyncIterator[bytes]:
    """The body as it comes in; a client that falls silent is not waited for."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(idle_seconds):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Stalled from None
        if piece:
            yield piece


async def send_form(request: Request, ports: Ports, idempotency_key: str) -> ingest_pb2.UploadResponse:
    """Ingest's answer to the upload in the request.

    At most a chunk or two are in memory: the next piece of the body is read when ingest has taken the one before. When
    the client goes, or the form is broken, the call is cancelled and ingest stores nothing.
    """
    settings = ports.settings
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > settings.gateway_upload_limit + FORM_OVERHEAD:
        raise UploadTooLarge(limit=settings.gateway_upload_limit)
    body = _pieces(request, settings.gateway_body_idle_seconds)
    events = read_form(body, request.headers, FIELDS, settings.gateway_upload_limit)
    async with aclosing(_requests(events, idempotency_key, ports.metrics)) as requests:
        return await ports.ingest.Upload(requests)
