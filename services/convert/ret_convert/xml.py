"""An XML document into the core: strictly, a megabyte a step; by its scanner while it is plain, else by expat."""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import import_module
from typing import BinaryIO

from ret_convert._core import Core
from ret_convert.encoding import FEED, declared_encoding, transcoded
from ret_convert.errors import CellTooLarge, EntityBomb, Malformed, TooManyLevels, TooManyPaths
from ret_convert.flatten import Progress, Source
from ret_convert.layout import Options
from ret_convert.native import NativeFlattening, ReadAnew

HEAD = 1024
"""Bytes in which an XML declaration must stand."""
OWN = {"utf-8": "UTF-8", "utf-16": "UTF-16"}
"""Codecs that expat reads itself once it is told."""


def xml_flatten(source: Source, options: Options, progress: Progress) -> NativeFlattening:
    """Flatten a well-formed XML document (`flatten.Flatten`)."""
    return NativeFlattening(XmlReading(source), options, progress)


class XmlReading:
    """How a document of bytes comes into the core (`native.Reading`): `plain` until it is known to need expat."""

    def __init__(self, source: Source, *, plain: bool = True) -> None:
        self._source = source
        self._plain = plain

    def __call__(self, core: Core, limit: int | None, /) -> Iterator[int]:
        try:
            yield from self._steps(core, limit)
        except ReadAnew:
            self._plain = False
            raise

    def _steps(self, core: Core, limit: int | None) -> Iterator[int]:
        with self._source() as stream:
            read = Pieces(stream)
            with closing(iter(read)) as given:
                pieces = opened(core, read.head, given, plain=self._plain)
                for piece in pieces:
                    yield from fed(core, piece, read, last=False)
                    yield read.done
                    if limit is not None and read.done >= limit:
                        return
                yield from fed(core, b"", read, last=True)
                yield read.done


def fed(core: Core, piece: bytes, read: Pieces, *, last: bool) -> Iterator[int]:
    """Give the core a piece; what is done so far, as often as rows are to be taken meanwhile."""
    good = core.feed(piece, last=last)
    while good and core.paused:
        yield read.done
        good = core.resume()
    if not good:
        raise failure(core)


class Pieces:
    """A document in pieces. The next one is read, and proven, while one is parsed; `done` are bytes given out."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.head = stream.read(FEED)
        self.done = 0

    def __iter__(self) -> Generator[bytes]:
        if len(self.head) < FEED:  # most documents: no thread for them
            piece = self.head
            while piece:
                yield self._given(piece)
                piece = self._stream.read(FEED)
            return
        with ThreadPoolExecutor(1, thread_name_prefix="read") as beside:
            coming = beside.submit(self._stream.read, FEED)
            yield self._given(self.head)
            while piece := coming.result():
                coming = beside.submit(self._stream.read, FEED)
                yield self._given(piece)

    def _given(self, piece: bytes) -> bytes:
        self.done += len(piece)
        return piece


def opened(core: Core, head: bytes, pieces: Iterator[bytes], *, plain: bool) -> Iterator[bytes]:
    """Begin to parse a document with this beginning; its pieces as the core wants them, one for each.

    Unless it is known not to be `plain`, the core tries to do without expat.
    """
    codec = declared_encoding(head[:HEAD])
    table = byte_table(codec) if codec else None
    if codec is None or codec in OWN:
        core.open(OWN[codec] if codec else None, None, plain=plain)
        return pieces
    if table is not None:
        core.open(None, table, plain=plain)
        return pieces
    core.open("UTF-8", None, plain=plain)
    return transcoded(pieces, codec)


def byte_table(codec: str) -> list[int] | None:
    """What each byte is in an encoding of single bytes that has ASCII in its place; None for any other encoding."""
    name = codecs.lookup(codec).name.replace("-", "_")
    try:
        single = hasattr(import_module(f"encodings.{name}"), "decoding_table")
    except ImportError:
        return None
    if not single:
        return None
    found = [_point(bytes([byte]), codec) for byte in range(256)]
    return found if found[:128] == list(range(128)) else None


def _point(byte: bytes, codec: str) -> int:
    try:
        return ord(byte.decode(codec))
    except UnicodeDecodeError:
        return -1


def failure(core: Core) -> Exception:
    """What a failed reading is called."""
    kind, line, column, words = core.failure()
    if kind == "unplain":
        return ReadAnew()
    if kind == "bomb":
        return EntityBomb()
    if kind == "paths":
        return TooManyPaths()
    if kind == "levels":
        return TooManyLevels()
    if kind == "cell":
        return CellTooLarge()
    return Malformed(line=line, column=column, reason=words or "no element found")
