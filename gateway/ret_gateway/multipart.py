"""A multipart form read as a stream: the file goes on in chunks, nothing is spooled, memory follows the chunk.

The framework's own form parser writes uploads to temporary files outside the session's prefix, which would outlive the
session after a crash; see docs/decisions/0006-streaming-multipart-and-websocket-replay.md.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ret_kit.errors import Invalid, Kind, RetError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

FILE = "file"
FIELD_LIMIT = 4096
SILENCE_LIMIT = 256 * 1024
EPILOGUE_LIMIT = 1024
CHUNK = 1024 * 1024
BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")  # RFC 2046


@dataclass(kw_only=True)
class UploadTooLarge(RetError):
    """The upload is larger than the limit, in bytes."""

    limit: int

    kind = Kind.TOO_LARGE
    code = "UPLOAD_TOO_LARGE"

    @property
    def detail(self) -> str:
        return f"An upload may have {self.limit} bytes at most."

    def extra(self) -> dict[str, str]:
        return {"limit": str(self.limit)}


@dataclass(kw_only=True)
class MalformedForm(RetError):
    """The body is no whole multipart form."""

    kind = Kind.INVALID
    code = "MULTIPART_MALFORMED"

    @property
    def detail(self) -> str:
        return "The body is not a complete multipart form."


@dataclass(frozen=True)
class FileStart:
    """The file begins; `filename` as the browser meant it."""

    filename: str


@dataclass(frozen=True)
class FileChunk:
    """The next bytes of the file, at most CHUNK and, but for the last, not much less."""

    data: bytes


@dataclass(frozen=True)
class FormField:
    """A text field of the form, which may stand before or behind the file."""

    name: str
    value: str


Event = FileStart | FileChunk | FormField


def meant_filename(sent: str) -> str:
    """The name before a browser escaped it: browsers write `"`, CR and LF as %22, %0D and %0A and nothing else."""
    for escaped, character in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        sent = sent.replace(escaped, character)
    return sent


class _Collector:
    """What the parts have brought since it was last emptied."""

    def __init__(self, limit: int) -> None:
        self.events: deque[Event] = deque()
        self.limit = limit
        self.size = 0
        self.files = 0
        self.pending = bytearray()

    def flush(self, least: int) -> None:
        """Give the pending bytes on as chunks, but for a rest smaller than `least`."""
        while len(self.pending) >= max(least, 1):
            self.events.append(FileChunk(bytes(self.pending[:CHUNK])))
            del self.pending[:CHUNK]


class _FilePart:
    def __init__(self, collector: _Collector) -> None:
        self._collector = collector

    def begin(self, filename: bytes | None) -> None:
        self._collector.files += 1
        if self._collector.files > 1:
            raise Invalid(field=FILE, reason="there may be only one file")
        if filename is None:
            raise Invalid(field=FILE, reason="it must be a file with a name")
        self._collector.events.append(FileStart(meant_filename(filename.decode("utf-8"))))

    def take(self, data: bytes) -> None:
        collector = self._collector
        collector.size += len(data)
        if collector.size > collector.limit:
            raise UploadTooLarge(limit=collector.limit)
        collector.pending += data
        collector.flush(CHUNK)

    def end(self) -> None:
        self._collector.flush(1)


class _FieldPart:
    def __init__(self, name: str, collector: _Collector) -> None:
        self._name = name
        self._collector = collector
        self._value = bytearray()

    def begin(self, filename: bytes | None) -> None:
        del filename
        self._value.clear()

    def take(self, data: bytes) -> None:
        self._value += data
        if len(self._value) > FIELD_LIMIT:
            raise Invalid(field=self._name, reason=f"it may have {FIELD_LIMIT} bytes at most")

    def end(self) -> None:
        try:
            value = self._value.decode("utf-8")
        except UnicodeDecodeError:
            raise Invalid(field=self._name, reason="it must be UTF-8") from None
        self._collector.events.append(FormField(self._name, value))


class FormReader:
    """Turns the pieces of a body into events; knows no transport.

    `fields` are the text fields that count; others are skipped. Raises MalformedForm, Invalid and UploadTooLarge.
    """

    def __init__(self, content_type: str, fields: tuple[str, ...], limit: int) -> None:
        media_type, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if media_type != b"multipart/form-data" or not BOUNDARY.fullmatch(boundary):
            raise MalformedForm
        self._collector = _Collector(limit)
        self._parts: dict[bytes, _FilePart | _FieldPart] = {FILE.encode(): _FilePart(self._collector)}
        self._parts |= {name.encode(): _FieldPart(name, self._collector) for name in fields}
        self._part: _FilePart | _FieldPart | None = None
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._silent, self._calls, self._through = 0, 0, False
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_part_begin,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def feed(self, piece: bytes) -> list[Event]:
        """The events that are complete after this piece of the body."""
        calls = self._calls
        try:
            self._parser.write(piece)
        except (FormParserError, UnicodeDecodeError):
            raise MalformedForm from None
        # Unknown parts, and what stands around the form, are read and dropped: they must end soon.
        self._silent = self._silent + len(piece) if self._calls == calls else 0
        if self._silent > (EPILOGUE_LIMIT if self._through else SILENCE_LIMIT):
            raise MalformedForm
        return self._taken()

    def end(self) -> list[Event]:
        """The rest, when the body is through; without a whole file it raises."""
        if not self._through:
            raise MalformedForm
        if not self._collector.files:
            raise Invalid(field=FILE, reason="it is missing")
        return self._taken()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_part_begin(self) -> None:
        disposition, options = parse_options_header(self._disposition)
        self._disposition = b""
        if disposition != b"form-data" or b"name" not in options:
            raise MalformedForm
        self._part = self._parts.get(options[b"name"])
        if self._part:
            self._calls += 1
            self._part.begin(options.get(b"filename"))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part:
            self._calls += 1
            self._part.take(data[start:end])

    def _on_part_end(self) -> None:
        if self._part:
            self._calls += 1
            self._part.end()
        self._part = None

    def _on_end(self) -> None:
        self._calls += 1
        self._through = True

    def _taken(self) -> list[Event]:
        taken = list(self._collector.events)
        self._collector.events.clear()
        return taken


async def read_form(
    body: AsyncIterator[bytes], headers: Mapping[str, str], fields: tuple[str, ...], limit: int
) -> AsyncIterator[Event]:
    """The events of a form as its body arrives; the next piece is asked for when the events before it are used up."""
    reader = FormReader(headers.get("content-type", ""), fields, limit)
    async for piece in body:
        for event in reader.feed(piece):
            yield event
    for event in reader.end():
        yield event
