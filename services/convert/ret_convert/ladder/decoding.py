"""The text of a document whose encoding is damaged, undeclared or a lie: chosen by what decodes.

Of the encodings that a byte order mark, zero bytes or the declaration speak for, then UTF-8, then Shift_JIS, the first
one is taken that the whole document is text of. Otherwise it is UTF-8 in which every byte that is none is a character
of windows-1252, and what that has not, of ISO-8859-1: so every byte string is text, and none of it is lost.

Characters that XML does not know become U+FFFD, one for one: what is dropped would glue words together unseen, and what
is shown can be searched for.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ret_convert.encoding import DECLARED, UNFIT
from ret_convert.flatten import Source

PIECE = 1 << 20
SHIFT_JIS = "cp932"  # as it is written on Windows, with some characters more than the standard's
HEAD = 1 << 16
FOREIGN = re.compile("[\x00-\x7f]+")
WIDE_RUN = re.compile("[\u3040-\u30ff\u4e00-\u9fff]{2,}")
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML does not know."""
REPLACEMENT = "\ufffd"
LOST = "\ufffe"  # a character that no document has: what bytes become that are nothing, until they are counted
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
SINGLE = "cp1252"
TABLE = "".join(bytes([one]).decode("cp1252", "ignore") or chr(one) for one in range(256))
HIGH = bytes(range(0x80, 0x100))
PROPER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
ODD = 10  # of so many bytes that are no UTF-8, two may look like it by chance
GIBBERISH = 0.05
"""Share of characters that no document has, above which there is no document."""
ZEROS = 8  # and so many at least
ZERO_SHARE = 0.3  # of the bytes at odd or at even places, from which on they are halves of characters
SHOWN = {"cp1252": "windows-1252", "cp932": "Shift_JIS", "utf_8": "UTF-8", "utf-8": "UTF-8"}
BYTES, NOTHING = "ret-windows-bytes", "ret-lost-bytes"
SURROGATES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
HALF_PAIR = re.compile(rb"\xed(?:[\xa0-\xaf](?:[\x80-\xbf](?:\xed[\xb0-\xbf]?)?)?)?\Z")
"""A pair that may go on in the next piece."""
HELD = 1 << 20
"""Bytes that a decoder may hold back: UTF-7's reads them anew with every piece."""
PAIR = 6  # bytes of a character beyond the first 65,536 in Oracle's "UTF8", which is CESU-8


@dataclass(frozen=True)
class Encoding:
    """How bytes become text: the codec, how its errors are handled, and bytes of a byte order mark that are skipped."""

    codec: str
    errors: str = "strict"
    skip: int = 0

    @property
    def shown(self) -> str:
        """As people call it."""
        if self.errors == BYTES:
            return "windows-1252" if self.codec == SINGLE else "UTF-8 mixed with windows-1252"
        return SHOWN.get(self.codec, self.codec.replace("_", "-").upper())


def _windows(error: UnicodeError) -> tuple[str, int]:
    """A byte as what Windows means by it; a pair of encoded surrogates as its character."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    start = error.start
    if SURROGATES.match(error.object, start):
        pair = error.object[start : start + PAIR].decode("utf-8", "surrogatepass")
        return pair.encode("utf-16", "surrogatepass").decode("utf-16"), start + PAIR
    byte = error.object[start : start + 1]
    return byte.decode("cp1252", "ignore") or byte.decode("latin-1"), start + 1


def _handle_errors() -> None:
    """Let codecs know our ways with errors; knowing them twice is the same as once."""
    codecs.register_error(BYTES, _windows)
    codecs.register_error(NOTHING, _lost)


def _lost(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return LOST, error.end


def _single(piece: bytes) -> str:
    # typeshed knows the maps of encoding only; a text of 256 characters is what the codecs of Python use
    return codecs.charmap_decode(piece, "strict", TABLE)[0]  # pyright: ignore[reportArgumentType]


def encoding_of(source: Source) -> Encoding:
    """The encoding of a document; reads it once, and once more where none fits."""
    _handle_errors()
    with source() as stream:
        head = stream.read(HEAD)
    mark = next(((one, codec) for one, codec in MARKS if head.startswith(one)), (b"", ""))
    skip = len(mark[0])
    halves = _halves(head[skip:])
    declared = _declared(head)
    spoken = [mark[1], halves] if not mark[1].startswith("utf-16") or _plausible(mark[1], head[skip:]) else [halves]
    order = list(dict.fromkeys(codec for codec in (*spoken, declared, "utf-8", SHIFT_JIS) if codec))
    fits = _fitting(source, order, skip, japanese=declared == SHIFT_JIS)
    for codec in order:
        if codec in fits:
            return Encoding(codec, skip=skip)
    if wide := next((codec for codec in spoken if codec.startswith(("utf-16", "utf-32"))), ""):
        return Encoding(wide, NOTHING, skip)
    if declared not in ("", "utf-8") and _faults(source, declared, skip) < _faults(source, "utf-8", skip):
        return Encoding(declared, NOTHING, skip)
    return Encoding("utf-8" if _is_mixed(source, head) else SINGLE, BYTES, skip)


def _is_mixed(source: Source, head: bytes) -> bool:
    """Whether there is more UTF-8 in a document than the odd pair of bytes that looks like it."""
    if len(ILLEGAL.findall(head.decode("latin-1"))) > GIBBERISH * len(head):
        return False
    proper = high = 0
    with source() as stream:
        while piece := stream.read(PIECE):
            high += len(piece) - len(piece.translate(None, HIGH))
            proper += sum(map(len, PROPER.findall(piece)))
    return proper * ODD > high - proper


def _halves(head: bytes) -> str:
    """UTF-16 without a byte order mark, by its zero bytes."""
    first, second = head[::2].count(0), head[1::2].count(0)
    least = max(ZEROS, ZERO_SHARE * len(head) / 2)
    if head.startswith(b"<\0") or (second >= least and not first):
        return "utf-16-le"
    if head.startswith(b"\0<") or (first >= least and not second):
        return "utf-16-be"
    return ""


def _plausible(codec: str, head: bytes) -> bool:
    """Whether a mark of UTF-16 is no lie: pairs of ASCII letters are characters too, but no markup."""
    return "<" in head.decode(codec, "replace") or b"<" not in head


def _declared(head: bytes) -> str:
    """The codec that is declared, if it may be one: a declaration that can be read is in no UTF-16."""
    found = DECLARED.search(head)
    if found is None:
        return ""
    try:
        codec = codecs.lookup(found[1].decode("ascii")).name
        b"<<<<".decode(codec, "replace")  # LookupError for codecs that are not from bytes to text
    except LookupError:
        return ""
    codec = SHIFT_JIS if codec == "shift_jis" else codec
    return "" if codec.replace("_", "-") in UNFIT or codec.startswith(("utf-16", "utf-32")) else codec


def _fitting(source: Source, order: list[str], skip: int, *, japanese: bool) -> set[str]:
    """Those encodings that the whole document is text of; Shift_JIS only if it is said to be, or is Japanese."""
    decoders = {codec: codecs.getincrementaldecoder(codec)("strict") for codec in order}
    together = foreign = 0
    with source() as stream:
        stream.read(skip)
        ended = False
        while decoders and not ended:
            piece = stream.read(PIECE)
            ended = not piece
            for codec in list(decoders):
                try:
                    text = decoders[codec].decode(piece, final=ended)
                except UnicodeError:
                    del decoders[codec]
                    continue
                if len(decoders[codec].getstate()[0]) > HELD:
                    del decoders[codec]
                    continue
                if codec == SHIFT_JIS and not text.isascii():
                    # What other languages write in single bytes makes lone characters between letters.
                    together += sum(map(len, WIDE_RUN.findall(text)))
                    foreign += len(FOREIGN.sub("", text))
    if not japanese and 2 * together < foreign:
        decoders.pop(SHIFT_JIS, None)
    return set(decoders)


def _faults(source: Source, codec: str, skip: int) -> int:
    """How many places of a document are no text of this encoding."""
    decoder = codecs.getincrementaldecoder(codec)(NOTHING)
    with source() as stream:
        stream.read(skip)
        found = sum(decoder.decode(piece).count(LOST) for piece in iter(lambda: stream.read(PIECE), b""))
    return found + decoder.decode(b"", final=True).count(LOST)


class Text:
    """The text of a document, piece for piece; line ends are as XML has them, characters that it has not are replaced.

    `read` is the bytes behind the pieces given so far, `replaced` the characters that were lost to a replacement.
    """

    def __init__(self, source: Source, encoding: Encoding) -> None:
        _handle_errors()
        self._source = source
        self._encoding = encoding
        self.read = 0
        self.replaced = 0

    def pieces(self) -> Iterator[str]:
        """The text; once."""
        lines = io.IncrementalNewlineDecoder(None, translate=True)
        for text in self.raw():
            mended, count = ILLEGAL.subn(REPLACEMENT, lines.decode(text))
            self.replaced += count
            yield mended
        yield ILLEGAL.sub(REPLACEMENT, lines.decode("", final=True))

    def raw(self) -> Iterator[str]:
        """The text as it is; once."""
        decoder = codecs.getincrementaldecoder(self._encoding.codec)(self._encoding.errors)
        decode: Callable[[bytes], str] = decoder.decode
        mixed = self._encoding.errors == BYTES and self._encoding.codec != SINGLE
        if self._encoding == Encoding(SINGLE, BYTES, self._encoding.skip):
            decode = _single  # byte by byte, and quicker than a handler of errors
        with self._source() as stream:
            stream.read(self._encoding.skip)
            held = b""
            while piece := whole(stream, PIECE):
                self.read += len(piece)
                piece = held + piece
                found = HALF_PAIR.search(piece) if mixed else None
                held = piece[found.start() :] if found else b""
                yield decode(piece[: found.start()] if found else piece)
            yield decode(held) + decoder.decode(b"", final=True)


def whole(stream: BinaryIO, size: int) -> bytes:
    """So many bytes, fewer only at the end: pieces must be the same however a stream hands them out."""
    parts: list[bytes] = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
