"""A tolerant reading of a damaged document: its tokens as a tree, however they are nested, and what had to be guessed.

What is unclosed is closed where something around it ends; an end tag that closes nothing is ignored. Text outside all
elements is kept in elements of its own, and several roots get one around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from ret_convert.flatten import Source
from ret_convert.ladder.decoding import Encoding, Text, encoding_of
from ret_convert.ladder.events import Handler
from ret_convert.ladder.references import References
from ret_convert.ladder.tags import is_name
from ret_convert.ladder.tokens import Ends, Fault, Kind, Token, Tokens, ends_of

ROOT, OUTSIDE = "_document", "_outside"
START, END, TEXT = Kind.START, Kind.END, Kind.TEXT  # looked up for every token: an enum is slow to ask
STEP = 1 << 12  # tokens between two steps of a reading
SPACES = str.maketrans("\n\t", "  ")

TWICE = Fault("an attribute that stands twice", guess=True)
UNNAMED = Fault("an attribute with an impossible name", guess=True)
UNCLOSED = Fault("an element that is not closed", guess=True)
CLOSES_NOTHING = Fault("an end tag that closes nothing", guess=True)
ROOT_OPEN = Fault("the end tag of the root", guess=False)
BRACKETS = Fault("]]> in a text", guess=False)
AROUND = Fault("text outside the root", guess=False)
SEVERAL = Fault("several roots", guess=False)


class Damage(NamedTuple):
    """Something wrong in a document: in which line, from 1, and at which character of it, from 0."""

    fault: Fault
    line: int
    at: int


@dataclass(frozen=True)
class Document:
    """A document that is read tolerantly, as often as one likes.

    `flat` are elements that never stand in themselves: a second one inside the first says that the first is not closed.
    """

    source: Source
    encoding: Encoding
    ends: Ends
    flat: frozenset[str] = field(default=frozenset[str]())


def document_of(source: Source) -> Document:
    """Find out what must be known beforehand; reads the document twice or three times."""
    encoding = encoding_of(source)
    return Document(source, encoding, ends_of(Text(source, encoding).pieces()))


def no_damage(_: Damage) -> None:
    """Nobody listens."""


class Reading:
    """One reading of a document, whose damage is told as it is met.

    `roots` counts its roots, `tags` the tags that are as they should be; `inside` and `outside` count the characters of
    text in and around the elements, `lost` those that are lost. The token in hand stands at the characters from `at` to
    `until`, counted from 0.
    """

    def __init__(
        self, document: Document, damaged: Callable[[Damage], None] = no_damage, *, wrapped: bool = False
    ) -> None:
        self.roots = self.tags = self.inside = self.outside = self.at = self.until = 0
        self._document = document
        self._damaged = damaged
        self._wrapped = wrapped
        self._text = Text(document.source, document.encoding)
        self.tokens = Tokens(self._text.pieces(), document.ends)
        self.references = References(self._noted, lambda: self._text.read)
        self._token = Token(Kind.NOTHING, "", [], 0, 0)
        self.unclosed: set[str] = set()
        """Names of elements that were not closed."""
        self.nested: set[str] = set()
        """Names of elements that stood in themselves."""
        self._stack: list[str] = []
        self._open: dict[str, int] = {}
        self._spoken = False
        """Whether text came behind the last tag."""
        self._beside = False
        """Whether an element for text outside is open."""
        self._junk = 0

    @property
    def lost(self) -> int:
        """Characters that were replaced, or that stood in tags and meant nothing."""
        return self._text.replaced + self.references.lost + self._junk

    @property
    def depth(self) -> int:
        """How many elements are open."""
        return len(self._stack)

    @property
    def read(self) -> int:
        """Bytes that are done."""
        return self._text.read

    def drive(self, handler: Handler) -> Iterator[int]:
        """Tell a handler everything; once."""
        if self._wrapped:
            handler.start(ROOT, {})
        for number, token in enumerate(self.tokens):
            self._token = token
            self.at, self.until = token.start, token.end
            if token.fault is not None:
                self._fault(token.fault)
                self._junk += token.junk
            kind = token.kind
            if kind is START:
                self._start(handler, token)
            elif kind is END:
                self._end(handler, token.text)
            elif kind is TEXT:
                self._told(handler, self.references.resolved(token.text))
            elif kind is Kind.RAW:
                self._told(handler, token.text)
            elif kind is Kind.DOCTYPE:
                self.references.declare(token.text)
            if not number % STEP:
                yield self._text.read
        self._finish(handler)
        yield self._text.read

    def _fault(self, fault: Fault) -> None:
        self._damaged(Damage(fault, self.tokens.line_of(self._token), self._token.start))

    def _noted(self, reason: str) -> None:
        self._fault(Fault(reason, guess=False))

    def _told(self, handler: Handler, text: str) -> None:
        """Text, in an element or outside."""
        if "]]>" in text and self._token.kind is Kind.TEXT and "]]>" in self._token.text:
            self._fault(BRACKETS)
        blank = not text or text.isspace()
        self._spoken |= not blank
        if self._stack:
            self.inside += len(text)
        else:
            if not self._beside:
                if blank:
                    return
                self._fault(AROUND)
                self._beside = True
                handler.start(OUTSIDE, {})
            self.outside += len(text)
        if text:
            handler.text(text)

    def _no_text_outside(self, handler: Handler) -> None:
        if self._beside:
            self._beside = False
            handler.end(OUTSIDE)

    def _start(self, handler: Handler, token: Token) -> None:
        name = token.text
        if self._open.get(name):
            if name in self._document.flat:
                self.unclosed.add(name)
                self.until = token.start
                self._close_to(handler, name)
                self.until = token.end
            else:
                self.nested.add(name)
        if not self._stack:
            self._no_text_outside(handler)
            self.roots += 1
            if self.roots > 1:
                self._fault(SEVERAL)
        self.tags += token.fault is None
        self._spoken = False
        handler.start(name, self._attributes(token.attributes) if token.attributes else {})
        if token.empty:
            handler.end(name)
        else:
            self._stack.append(name)
            self._open[name] = self._open.get(name, 0) + 1

    def _attributes(self, written: list[tuple[str, str]]) -> dict[str, str]:
        found: dict[str, str] = {}
        times: dict[str, int] = {}
        for name, raw in written:
            value = self.references.resolved(raw.translate(SPACES))
            self.inside += len(value)
            if not name.isascii() and not is_name(name):
                self._fault(UNNAMED)
                name = "_"  # noqa: PLW2901 - from here on this is its name
            if name in found:
                self._fault(TWICE)
                times[name] = number = next(
                    one for one in count(times.get(name, 1) + 1) if f"{name}_{one}" not in found
                )
                name = f"{name}_{number}"  # noqa: PLW2901 - as above
            found[name] = value
        return found

    def _end(self, handler: Handler, name: str) -> None:
        stack = self._stack
        self._spoken = False
        if stack and (stack[-1] == name or not name):
            self.tags += self._token.fault is None
            self._close(handler)
        elif self._open.get(name):
            self._close_to(handler, name)
        else:
            self._fault(CLOSES_NOTHING)

    def _close(self, handler: Handler) -> None:
        name = self._stack.pop()
        self._open[name] -= 1
        handler.end(name)

    def _close_to(self, handler: Handler, name: str) -> None:
        """Close elements up to the innermost of this name; all but the last are not closed as they should be."""
        self._fault(UNCLOSED)
        while self._stack[-1] != name:
            self.unclosed.add(self._stack[-1])
            self._close(handler)
        self._close(handler)

    def _finish(self, handler: Handler) -> None:
        self._token = self._token._replace(start=self.until)
        self.at = self.until
        if self._stack:
            self._fault(ROOT_OPEN if len(self._stack) == 1 and not self._spoken else UNCLOSED)
            self.unclosed.update(self._stack)
        while self._stack:
            self._close(handler)
        self._no_text_outside(handler)
        if self._wrapped:
            handler.end(ROOT)
