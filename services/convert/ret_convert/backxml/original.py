"""A document's bytes as it was read natively, and new text in its encoding.

Positions are those of the conversion: of the document's bytes, or of its text in UTF-8 for encodings that expat cannot
read (xml.py). `Original` reads between positions and tells where in the stored file they are.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from os import SEEK_END
from typing import Any, BinaryIO, Protocol, cast
from xml.parsers import expat

from ret_convert.encoding import DECLARED, FEED, declared_encoding
from ret_convert.errors import Malformed
from ret_convert.xml import HEAD, OWN, byte_table

PACKED = b"\x1f\x8b"
BLANK = " \t\r\n"
MARGIN = 4096
"""Bytes before an element in which white space is looked for."""
BLOCKS = 4
"""Blocks that are kept where going back is slow."""
STEP = 4096
NARROW = 64


class Bytes(Protocol):
    """Positions of the conversion, as bytes."""

    def read(self, start: int, end: int) -> bytes: ...
    def stored(self, at: int) -> int:
        """Where in the file a position is."""
        ...

    def end(self) -> int:
        """The position behind everything."""
        ...


class Plain:
    """A document whose positions are those of its bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        return self._file.read(end - start)

    def stored(self, at: int) -> int:
        return at

    def end(self) -> int:
        return self._file.seek(0, SEEK_END)


class Blocks:
    """Bytes that are read in blocks, the last ones of which are kept: for those to which going back is slow."""

    def __init__(self, inner: Bytes) -> None:
        self._inner = inner
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def read(self, start: int, end: int) -> bytes:
        found = b"".join(self._block(at) for at in range(start - start % FEED, end, FEED))
        return found[start % FEED :][: end - start]

    def _block(self, at: int) -> bytes:
        if at not in self._kept:
            self._kept[at] = self._inner.read(at, at + FEED)
            while len(self._kept) > BLOCKS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(at)
        return self._kept[at]

    def stored(self, at: int) -> int:
        return self._inner.stored(at)

    def end(self) -> int:
        return self._inner.end()


class Transcoded:
    """A document whose positions are those of its text in UTF-8; read once to know where its parts are."""

    def __init__(self, file: BinaryIO, codec: str) -> None:
        self._file = file
        self._new: Callable[[], Any] = codecs.getincrementaldecoder(codec)
        self._marks: list[tuple[int, int, Any]] = []
        decoder, text, at = self._new(), 0, 0
        file.seek(0)
        while True:
            self._marks.append((text, at, decoder.getstate()))
            piece = file.read(FEED)
            if not piece:
                break
            text += len(decoder.decode(piece).encode())
            at += len(piece)
        self._end = text + len(decoder.decode(b"", True).encode())  # noqa: FBT003 - the end of the text

    def _from(self, position: int) -> tuple[int, int, Any]:
        """A decoder before a position: (where it is in the text, where in the file, it)."""
        text, at, state = self._marks[max(0, bisect_right(self._marks, position, key=lambda mark: mark[0]) - 1)]
        decoder = self._new()
        decoder.setstate(state)
        return text, at, decoder

    def read(self, start: int, end: int) -> bytes:
        text, at, decoder = self._from(start)
        self._file.seek(at)
        found = bytearray()
        base = text
        while text < end:
            piece = self._file.read(FEED)
            data = decoder.decode(piece, not piece).encode()
            text += len(data)
            found += data
            if not piece:
                break
        return bytes(found[start - base : end - base])

    def stored(self, at: int) -> int:
        text, place, decoder = self._from(at)
        for size in (STEP, NARROW, 1):
            while text < at:
                state = decoder.getstate()
                self._file.seek(place)
                piece = self._file.read(size)
                data = decoder.decode(piece, not piece).encode()
                if not piece or (size > 1 and text + len(data) >= at):
                    decoder.setstate(state)
                    break
                text += len(data)
                place += len(piece)
        return place

    def end(self) -> int:
        return self._end


class Original:
    """One document that is open. Malformed when its encoding is none."""

    def __init__(self, file: BinaryIO) -> None:
        head = file.read(HEAD)
        self.override, self.codec, transcoded = _encoding(head)
        if transcoded:
            self._bytes: Bytes = Blocks(Transcoded(file, self.codec))
        else:
            self._bytes = Blocks(Plain(file)) if isinstance(file, gzip.GzipFile) else Plain(file)
        if transcoded and self.codec == "utf-32":
            self.codec = "utf-32-le" if head.startswith(codecs.BOM_UTF32_LE) else "utf-32-be"
        self.read_codec = "utf-8" if transcoded else self.codec
        self.unit = len("<".encode(self.read_codec))
        self.namespaces: dict[str, str] = {}
        """What the root declares."""
        self.root, self.prolog = self._prolog()

    def _prolog(self) -> tuple[int, bytes]:
        """(where the root begins, the bytes before it)."""
        parser = expat.ParserCreate(self.override)
        found: list[int] = []

        def started(_name: str, attributes: dict[str, str]) -> None:
            if not found:
                found.append(parser.CurrentByteIndex)
                self.namespaces = {name: uri for name, uri in attributes.items() if name.startswith("xmlns")}

        parser.StartElementHandler = started
        whole = b""
        while not found:
            piece = self._bytes.read(len(whole), len(whole) + FEED)
            whole += piece
            try:
                parser.Parse(piece, not piece)
            except expat.ExpatError as error:
                if not found:
                    raise Malformed(line=1, column=1, reason="it cannot be read again") from error
        return found[0], whole[: found[0]]

    def read(self, start: int, end: int) -> bytes:
        """The bytes between two positions."""
        return self._bytes.read(start, end)

    def text(self, start: int, end: int) -> str:
        """What is written between two positions."""
        return self._bytes.read(start, end).decode(self.read_codec)

    def size(self, text: str) -> int:
        """How far apart the positions before and behind a text are."""
        return len(text.encode(self.read_codec))

    def blank_before(self, at: int) -> int:
        """Where the white space begins that stands between the tag before a position and it; else the position."""
        start = max(0, at - MARGIN)
        before = self._bytes.read(start, at).decode(self.read_codec, "ignore")
        bare = before.rstrip(BLANK)
        # What ends a tag or a comment, and no text or section.
        tag = bare[bare.rfind("<") + 1 :]
        return at - self.size(before[len(bare) :]) if tag.find(">") == len(tag) - 1 else at

    def encoded(self, text: str) -> bytes:
        """The text in the document's encoding; what that lacks as a reference."""
        return text.encode(self.codec, "xmlcharrefreplace")

    def lacks(self, text: str) -> bool:
        """Whether the encoding lacks a character of the text."""
        try:
            text.encode(self.codec)
        except UnicodeEncodeError:
            return True
        return False

    def stored(self, at: int) -> int:
        """Where in the file a position is."""
        return self._bytes.stored(at)

    def end(self) -> int:
        """The position behind everything."""
        return self._bytes.end()


def _encoding(head: bytes) -> tuple[str | None, str, bool]:
    """(what the parser is told, the codec of the bytes, whether positions are those of the text in UTF-8)."""
    codec = declared_encoding(head)
    if codec is None:
        if head[:2] in (b"<\0", b"\0<"):
            return None, "utf-16-le" if head[1] == 0 else "utf-16-be", False
        found = DECLARED.match(head)
        name = found[1].decode("ascii").lower() if found else "utf-8"
        return None, name, False
    if codec == "utf-16":
        return OWN[codec], "utf-16-le" if head.startswith(codecs.BOM_UTF16_LE) else "utf-16-be", False
    if codec in OWN:
        return OWN[codec], codec, False
    if byte_table(codec) is not None:
        return None, codec, False
    return "UTF-8", codec, True


def is_packed(head: bytes) -> bool:
    """Whether a file that begins like this is one of gzip."""
    return head.startswith(PACKED)


@contextmanager
def unpacked(file: BinaryIO) -> Generator[BinaryIO]:
    """A stored document as XML: gzip is unpacked on the way."""
    packed = is_packed(file.read(len(PACKED)))
    file.seek(0)
    if packed:
        with gzip.GzipFile(fileobj=file) as inner:
            yield cast("BinaryIO", inner)
    else:
        yield file


def inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The members of a gzip file, put together."""
    engine = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for piece in pieces:
        data = piece
        while data:
            if engine.eof:
                engine = zlib.decompressobj(zlib.MAX_WBITS | 16)
            yield engine.decompress(data)
            data = engine.unused_data


def deflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One gzip member, without name and time."""
    engine = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for piece in pieces:
        yield engine.compress(piece)
    yield engine.flush()
