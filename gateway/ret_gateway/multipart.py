"""A multipart form read as a stream: the file goes on in chunks, nothing is spooled, memory follows the chunk.

The framework's own form parser writes uploads to temporary files outside the session's prefix, which would outlive the
session after a crash; see docs/decisions/0006-streaming-multipart-and-websocket-replay.md.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streaming_form_data import StreamingFormDataParser
from streaming_form_data.parser import ParseFailedException, parse_content_boundary
from streaming_form_data.targets import BaseTarget

from ret_kit.errors import Invalid, Kind, RetError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

FILE = "file"
FIELD_LIMIT = 4096
SILENCE_LIMIT = 256 * 1024
EPILOGUE_LIMIT = 1024
CHUNK = 1024 * 1024


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
    """What the parser's callbacks have seen since it was last emptied."""

    def __init__(self, limit: int) -> None:
        self.events: deque[Event] = deque()
        self.limit = limit
        self.size = 0
        self.files = 0
        self.calls = 0
        self.pending = bytearray()

    def flush(self, least: int) -> None:
        """Give the pending bytes on as chunks, but for a rest smaller than `least`."""
        while len(self.pending) >= max(least, 1):
            self.events.append(FileChunk(bytes(self.pending[:CHUNK])))
            del self.pending[:CHUNK]


class _FilePart(BaseTarget):
    def __init__(self, collector: _Collector) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - the parser leaves its validator untyped
        self._collector = collector
        self.open = False

    def on_start(self) -> None:
        self._collector.calls += 1
        self._collector.files += 1
        if self._collector.files > 1:
            raise Invalid(field=FILE, reason="there may be only one file")
        if self.multipart_filename is None:
            raise Invalid(field=FILE, reason="it must be a file with a name")
        self.open = True
        self._collector.events.append(FileStart(meant_filename(self.multipart_filename)))

    def on_data_received(self, chunk: bytes) -> None:
        collector = self._collector
        collector.calls += 1
        collector.size += len(chunk)
        if collector.size > collector.limit:
            raise UploadTooLarge(limit=collector.limit)
        collector.pending += chunk
        collector.flush(CHUNK)

    def on_finish(self) -> None:
        self._collector.calls += 1
        self.open = False
        self._collector.flush(1)


class _FieldPart(BaseTarget):
    def __init__(self, name: str, collector: _Collector) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - the parser leaves its validator untyped
        self._name = name
        self._collector = collector
        self._value = bytearray()
        self.open = False

    def on_start(self) -> None:
        self._collector.calls += 1
        self._value.clear()
        self.open = True

    def on_data_received(self, chunk: bytes) -> None:
        self._collector.calls += 1
        self._value += chunk
        if len(self._value) > FIELD_LIMIT:
            raise Invalid(field=self._name, reason=f"it may have {FIELD_LIMIT} bytes at most")

    def on_finish(self) -> None:
        self._collector.calls += 1
        self.open = False
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
        self._collector = _Collector(limit)
        self._file = _FilePart(self._collector)
        self._fields = [_FieldPart(name, self._collector) for name in fields]
        self._silent = 0
        self._tail = b""
        header = {"Content-Type": content_type}
        try:
            self._ender = b"--" + parse_content_boundary(header) + b"--"
            self._parser = StreamingFormDataParser(header)
        except (ParseFailedException, ValueError):
            raise MalformedForm from None
        self._parser.register(FILE, self._file)
        for name, part in zip(fields, self._fields, strict=True):
            self._parser.register(name, part)

    def feed(self, piece: bytes) -> list[Event]:
        """The events that are complete after this piece of the body."""
        calls = self._collector.calls
        try:
            self._parser.data_received(piece)
        except (ParseFailedException, UnicodeDecodeError):
            raise MalformedForm from None
        # The parser keeps the headers of a part and whole unknown parts to itself: what goes on there must end soon.
        self._silent = self._silent + len(piece) if self._collector.calls == calls else 0
        if self._silent > SILENCE_LIMIT:
            raise MalformedForm
        kept = len(self._ender) + EPILOGUE_LIMIT
        self._tail = (self._tail + piece[-kept:])[-kept:]
        return self._taken()

    def end(self) -> list[Event]:
        """The rest, when the body is through; without a whole file it raises."""
        if self._file.open or any(part.open for part in self._fields) or self._ender not in self._tail:
            raise MalformedForm
        if not self._collector.files:
            raise Invalid(field=FILE, reason="it is missing")
        return self._taken()

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
