"""In which encoding an XML document is written, and its bytes as something expat reads.

expat itself reads UTF-8, UTF-16, ISO-8859-1 and US-ASCII; everything else becomes UTF-8 on the way, chunk by chunk.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from ret_convert.errors import Malformed

FEED = 1 << 20
"""Bytes per feed: expat 2.5 is quadratic in a token that spans many small buffers."""

DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][\w.:-]*)["']""")
# Codecs of Python that are text encodings, but of no document.
UNFIT = frozenset({"unicode-escape", "raw-unicode-escape", "punycode", "idna", "undefined"})
DOUBTFUL = frozenset({"utf-7"})
"""Looks like plain ASCII whether it is what is declared or not: the ladder decides by what decodes (decoding.py)."""
OWN = frozenset({"utf-8", "utf-16", "iso-8859-1", "us-ascii"})
"""What expat reads, by the names it knows."""


def declared_encoding(head: bytes) -> str | None:
    """The codec for a document that expat cannot read by itself; None for one it can.

    A byte order mark says more than a declaration, which may be left over from before the document was written anew.
    `head` is the document's beginning, some hundred bytes at least. Malformed when the declared name is no encoding.
    """
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8"
    found = DECLARED.match(head)
    if found is None:
        return None
    name = found[1].decode("ascii")
    try:
        codec = codecs.lookup(name).name
        b"<<<<".decode(codec, "replace")  # LookupError for codecs that are not from bytes to text
    except LookupError:
        codec = "undefined"
    if codec.replace("_", "-") in UNFIT | DOUBTFUL:
        raise Malformed(line=1, column=1, reason="the declared encoding is unknown")
    # A nickname of one of those ("utf8") is not known to it.
    return None if name.lower() in OWN else codec


def chunks(stream: BinaryIO, size: int = FEED) -> Iterator[bytes]:
    """The rest of a stream in pieces of at most `size` bytes."""
    while chunk := stream.read(size):
        yield chunk


def transcoded(parts: Iterator[bytes], codec: str) -> Iterator[bytes]:
    """The same text in UTF-8, piece for piece: exactly one piece out for each piece in, so that both can be counted.

    Malformed where the bytes are no text of that encoding.
    """
    if codec == "utf-8":
        yield from parts
        return
    decoder = codecs.getincrementaldecoder(codec)("strict")
    lines = 1
    try:
        for part in parts:
            text = decoder.decode(part)
            lines += text.count("\n")
            yield text.encode("utf-8")
        yield decoder.decode(b"", final=True).encode("utf-8")
    except UnicodeError as error:
        raise Malformed(line=lines, column=1, reason="bytes that its encoding does not have") from error
