"""In which encoding a text without declaration is written, and the text as UTF-8, piece by piece."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ret_convert.encoding import FEED, chunks
from ret_convert.errors import Undecodable
from ret_convert.flatten import Progress, Source

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, the longer ones first: that of UTF-32 begins with that of UTF-16."""
BYTES = "ret-bytes"
"""How undefined bytes are decoded: each is the character of its number, as browsers read windows-1252."""
WIDE = re.compile("[\u3000-\u9fff\uf900-\ufaff\uff00-\uff60]+|[\ue000-\uf8ff]")
"""Groups of double-byte characters; those of private use are no text in either language. Narrow kana are left aside:
their bytes are capital letters with accents in the West."""
JAPANESE = 0.5
"""The share of double-byte characters that stand in groups, from which on a text is Japanese."""


@dataclass(frozen=True)
class Encoding:
    """A codec and how it treats bytes that it does not know."""

    codec: str = "utf-8-sig"
    errors: str = "strict"


def _bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


def windows() -> Encoding:
    """What Windows writes in the West; it reads all bytes, latin-1's too."""
    codecs.register_error(BYTES, _bytes)
    return Encoding("cp1252", BYTES)


def encoding_of(source: Source) -> Encoding:
    """By its byte order mark; else UTF-8 if it is that throughout; else Shift_JIS if it reads so; else cp1252.

    Undecodable when the text is not what its mark says.
    """
    with source() as stream:
        head = stream.read(4)
    marked = next((codec for mark, codec in MARKS if head.startswith(mark)), None)
    found = Encoding(marked or "utf-8-sig")
    if reads(source, found.codec):
        return found
    if marked is not None:
        raise Undecodable
    return Encoding("cp932") if _is_japanese(source) else windows()


def texts(source: Source, encoding: Encoding, size: int = FEED, progress: Progress | None = None) -> Iterator[str]:
    """The text in pieces of about `size` bytes. UnicodeDecodeError where its bytes are none of the encoding."""
    decoder = codecs.getincrementaldecoder(encoding.codec)(encoding.errors)
    done = 0
    with source() as stream:
        for chunk in chunks(stream, size):
            if text := decoder.decode(chunk):
                yield text
            done += len(chunk)
            if progress is not None:
                progress(done)
    if text := decoder.decode(b"", final=True):
        yield text


def utf8(source: Source, encoding: Encoding, size: int = FEED, progress: Progress | None = None) -> Iterator[bytes]:
    """The text as UTF-8, without a byte order mark."""
    return (text.encode() for text in texts(source, encoding, size, progress))


def reads(source: Source, codec: str) -> bool:
    """Whether a text is what this codec says throughout."""
    try:
        for _ in texts(source, Encoding(codec)):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _is_japanese(source: Source) -> bool:
    """Whether a text that is not UTF-8 is Shift_JIS: its characters stand in groups, accented letters stand alone."""
    grouped = alone = 0
    try:
        for text in texts(source, Encoding("cp932")):
            for group in WIDE.findall(text):
                if len(group) > 1:
                    grouped += len(group)
                else:
                    alone += 1
    except UnicodeDecodeError:
        return False
    return grouped > JAPANESE * (grouped + alone)
