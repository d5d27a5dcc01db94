"""One strict, streaming, namespace-unaware parse that follows nothing outside the document.

No DTD is loaded, no external entity is read, nothing is fetched: a reference to something outside gives nothing and is
named in `outside`. Entities that grow beyond every measure end the parse with EntityBomb.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO
from xml.parsers import expat

from ret_convert.encoding import FEED, chunks, declared_encoding, transcoded
from ret_convert.errors import EntityBomb, Malformed

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], object]

AMPLIFICATION = 43  # XML_ERROR_AMPLIFICATION_LIMIT_BREACH; pyexpat names it only from some versions on
TEXT_BUFFER = 1 << 16
EXPANSION_FREE = 8 << 20  # characters that a document with entities may always give
EXPANSION_FACTOR = 20  # … and so many more for each byte of it
HEAD = 1024  # bytes in which an XML declaration must stand

TAG = re.compile(rb"""<[^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*>""")
REFERENCE = re.compile(rb"&([^#;&\s][^;&\s]*);")
PREDEFINED = frozenset({"lt", "gt", "amp", "quot", "apos"})


class Parse:
    """A parse of one document with three handlers; `feed()` drives it, a megabyte a step.

    `outside` names the entities that would have led outside, in the order in which they were met.
    """

    def __init__(self, stream: BinaryIO, start: Start, end: End, text: Text) -> None:
        self.outside: dict[str, None] = {}
        self._stream = stream
        self._head = stream.read(FEED)
        self._codec = declared_encoding(self._head[:HEAD])
        self._start = start
        self._text = text
        self._entities: dict[str, bool] = {}  # by name, whether it is outside the document
        self._read = 0
        self._characters = 0
        # The piece in hand and the one before it, and where the former begins in what expat was given.
        self._piece = b""
        self._before = b""
        self._piece_at = 0
        self._parser = parser = expat.ParserCreate("utf-8" if self._codec else None)
        parser.buffer_text = True
        parser.buffer_size = TEXT_BUFFER
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._declared
        parser.ExternalEntityRefHandler = self._external
        parser.SkippedEntityHandler = self._skipped

    def feed(self) -> Iterator[int]:
        """Parse on; after each step the bytes of the document read so far. Malformed or EntityBomb when that ends."""
        pieces = self._counted()
        if self._codec is not None:
            pieces = transcoded(pieces, self._codec)
        try:
            for piece in pieces:
                self._piece_at += len(self._piece)
                self._before, self._piece = self._piece, piece
                self._parser.Parse(piece, False)  # noqa: FBT003 - expat's signature has no keyword
                yield self._read
            self._parser.Parse(b"", True)  # noqa: FBT003 - as above
        except expat.ExpatError as error:
            if error.code == AMPLIFICATION:
                raise EntityBomb from error
            reason = expat.ErrorString(error.code) or "unknown error"
            raise Malformed(line=error.lineno, column=error.offset + 1, reason=reason) from error

    def _counted(self) -> Iterator[bytes]:
        """The document's bytes as they are, counted."""
        if self._head:
            self._read = len(self._head)
            yield self._head
            self._head = b""
        for chunk in chunks(self._stream, FEED):
            self._read += len(chunk)
            yield chunk

    def _doctype(self, _name: str, system_id: str | None, _public_id: str | None, _internal: int) -> None:
        if system_id is not None:
            self._watch_attributes()

    def _declared(
        self,
        name: str,
        parameter: int,
        value: str | None,
        _base: str | None,
        _system_id: str | None,
        _public_id: str | None,
        _notation: str | None,
    ) -> None:
        if parameter:
            self._watch_attributes()
            return
        self._entities[name] = value is None
        if value is not None and self._parser.CharacterDataHandler is self._text:
            self._parser.CharacterDataHandler = self._measured

    def _external(self, context: str, _base: str | None, _system_id: str | None, _public_id: str | None) -> int:
        # The context is the names of all open entities in no order: with the one in question, those it was reached by.
        self.outside.update({name: None for name in context.split("\f") if self._entities.get(name)})
        return 1

    def _skipped(self, name: str, _parameter: int) -> None:
        self.outside.setdefault(name)

    def _measured(self, data: str) -> None:
        """Text of a document with entities of its own: expat's guard waits for a hundredfold, ours for less."""
        self._characters += len(data)
        if self._characters > EXPANSION_FREE + EXPANSION_FACTOR * self._read:
            raise EntityBomb
        self._text(data)

    def _watch_attributes(self) -> None:
        """Entities may be declared elsewhere, and expat drops unknown ones in attributes silently: read the tags."""
        self._parser.StartElementHandler = self._watched

    def _watched(self, name: str, attributes: dict[str, str]) -> None:
        if attributes:
            at = self._parser.CurrentByteIndex - self._piece_at
            tag = TAG.match(self._piece, at) if at >= 0 else TAG.match(self._before[at:] + self._piece)
            for reference in REFERENCE.findall(tag[0]) if tag else ():
                entity = reference.decode("utf-8", "replace")
                if entity not in PREDEFINED and entity not in self._entities:
                    self.outside.setdefault(entity)
        self._start(name, attributes)
