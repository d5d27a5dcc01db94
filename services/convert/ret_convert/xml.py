"""An XML document into the core: strictly, a megabyte a step."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from importlib import import_module
from typing import BinaryIO

from ret_convert._core import Core
from ret_convert.encoding import FEED, declared_encoding, transcoded
from ret_convert.errors import CellTooLarge, EntityBomb, Malformed, TooManyLevels, TooManyPaths
from ret_convert.flatten import Progress, Source
from ret_convert.layout import Options
from ret_convert.native import NativeFlattening

HEAD = 1024
"""Bytes in which an XML declaration must stand."""
OWN = {"utf-8": "UTF-8", "utf-16": "UTF-16"}
"""Codecs that expat reads itself once it is told."""


def xml_flatten(source: Source, options: Options, progress: Progress) -> NativeFlattening:
    """Flatten a well-formed XML document (`flatten.Flatten`)."""
    return NativeFlattening(XmlReading(source), options, progress)


class XmlReading:
    """How a document of bytes comes into the core (`native.Reading`)."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __call__(self, core: Core, limit: int | None) -> Iterator[int]:
        with self._source() as stream:
            counted = _Counted(stream)
            head = counted.read(FEED)
            codec = declared_encoding(head[:HEAD])
            table = byte_table(codec) if codec else None
            pieces = _after(head, counted)
            if codec is None or codec in OWN:
                core.open(OWN[codec] if codec else None, None)
            elif table is not None:
                core.open(None, table)
            else:
                core.open("UTF-8", None)
                pieces = transcoded(pieces, codec)
            for piece in pieces:
                if not core.feed(piece, last=False):
                    raise failure(core)
                yield counted.done
                if limit is not None and counted.done >= limit:
                    return
            if not core.feed(b"", last=True):
                raise failure(core)
            yield counted.done


class _Counted:
    """A stream that knows how much was read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.done = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.done += len(data)
        return data


def _after(head: bytes, stream: _Counted) -> Iterator[bytes]:
    if head:
        yield head
    while piece := stream.read(FEED):
        yield piece


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
    if kind == "bomb":
        return EntityBomb()
    if kind == "paths":
        return TooManyPaths()
    if kind == "levels":
        return TooManyLevels()
    if kind == "cell":
        return CellTooLarge()
    return Malformed(line=line, column=column, reason=words or "no element found")
