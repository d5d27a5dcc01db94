"""A tolerant tokenizer: whatever looks like a tag, text, CDATA, a comment, in one pass, in time linear in the text.

A tag is bounded by the next `<`, which no attribute of a well-formed document contains; so nothing that lacks its end
can swallow what comes behind it. Comments and CDATA without an end are known beforehand (`Ends`): only their first
marker is skipped, and their inside is read like all else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from ret_convert.ladder.tags import BLANK, GUESSES, NAME, is_name, read_tag

LONGEST = 1 << 24
"""Characters of one tag, comment, or declaration; longer ones are not looked for."""
AHEAD = 512  # characters behind the next `<` that must be there to decide on a tag
REFERENCE = 80  # characters at the end of a piece in which a reference may be cut
SHORT = 4096  # of an instruction that contains a `<`
DOCTYPE_LONGEST = 1 << 20
CUT_LONGEST = 256  # of a tag in which a document ends
PATIENCE = 16  # declarations of a document type that are looked for without being found
CLEAN = re.compile(
    rf"""<(?:/({NAME}){BLANK}*+>|({NAME})((?:{BLANK}++{NAME}{BLANK}*+={BLANK}*+(?:"[^"<]*+"|'[^'<]*+'))*+){BLANK}*+(/?)>)"""
)
LESS = re.compile("<+(?=<)")
CUT = re.compile(r"&[^;<&\s]*\Z")
END = re.compile(rf"</{BLANK}*+({NAME})?([^<>]*+)(>?)")
DECLARATION = re.compile(r"<!(?:[A-Za-z\[][^<>]*+)>")
DOCTYPE = re.compile(
    r"""<!DOCTYPE\s[^\[<>"']*+(?:"[^"]*+"[^\[<>"']*+|'[^']*+'[^\[<>"']*+)*+"""
    r"""(?:\[(?:[^\]<"']++|"[^"]*+"|'[^']*+'|<!--(?:[^-]++|-(?!->))*+-->|<\?(?:[^?]++|\?(?!>))*+\?>|"""
    r"""<!(?!--)(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>)*+\]\s*+)?>""",
    re.IGNORECASE,
)
COMMENT_BORDER = re.compile("-->|<!--")
CDATA_BORDER = re.compile(r"\]\]>|<!\[CDATA\[")


class Kind(Enum):
    """What a token is."""

    TEXT = auto()
    RAW = auto()
    """Text in which references are none: of CDATA, and what only looks like markup."""
    START = auto()
    END = auto()
    DOCTYPE = auto()
    NOTHING = auto()
    """A comment, an instruction, a marker: nothing of value."""


class Fault(NamedTuple):
    """What is wrong with a token; `guess` is whether its meaning had to be guessed."""

    reason: str
    guess: bool


STRAY = Fault("a < that begins no markup", guess=False)
NO_TAG = Fault("what looks like a tag and is none", guess=True)
COMMENT_OPEN = Fault("a comment without an end", guess=True)
CDATA_OPEN = Fault("a CDATA section without an end", guess=True)
INSTRUCTION_OPEN = Fault("an instruction without an end", guess=True)
INSTRUCTION_PLAIN = Fault("an instruction that ends without ?", guess=False)
DECLARED = Fault("a declaration in the wrong place", guess=True)
END_JUNK = Fault("an end tag with more than its name", guess=True)
END_OPEN = Fault("an end tag without >", guess=True)
CUT_OFF = Fault("the document ends within a tag", guess=True)


class Token(NamedTuple):
    """A token: `text` is its text, or the name of the element; `attributes` are those of a tag, as they are written.

    It stands at the characters from `start` to `end` of the document. `junk` counts characters of it that mean nothing.
    """

    kind: Kind
    text: str
    attributes: list[tuple[str, str]]
    start: int
    end: int
    empty: bool = False
    fault: Fault | None = None
    junk: int = 0


STARTS, ENDS, TEXTS = Kind.START, Kind.END, Kind.TEXT  # looked up for every token: an enum is slow to ask
NONE: list[tuple[str, str]] = []
ATTRIBUTE = re.compile(rf"""({NAME}){BLANK}*+={BLANK}*+(?:"([^"]*+)"|'([^']*+)')""")


@dataclass(frozen=True)
class Ends:
    """Behind which character the last comment and the last CDATA section of a text end; 0 for none. And its length."""

    comment: int
    cdata: int
    size: int


def ends_of(pieces: Iterator[str]) -> Ends:
    """Find them."""
    comment = cdata = size = 0
    before = ""
    for piece in pieces:
        text = before + piece
        at = size - len(before)
        if (found := text.rfind("-->")) >= 0:
            comment = at + found + 3
        if (found := text.rfind("]]>")) >= 0:
            cdata = at + found + 3
        size += len(piece)
        before = text[-2:]
    return Ends(comment, cdata, size)


class Tokens:
    """The tokens of a text. `line_of` tells the line, from 1, of a token that has just been given."""

    def __init__(self, pieces: Iterator[str], ends: Ends) -> None:
        self._pieces = pieces
        self._ends = ends
        self._text = ""
        self._base = 0
        """Where in the document `_text` begins."""
        self._at = 0
        self._ended = False
        self._patience = PATIENCE
        self._lines = 1
        self._counted = 0

    def line_of(self, token: Token) -> int:
        """The line in which a token begins; asked in the order of the document."""
        upto = token.start - self._base
        if upto > self._counted:
            self._lines += self._text.count("\n", max(self._counted, 0), upto)
            self._counted = upto
        return self._lines

    def source_of(self, token: Token) -> str:
        """How a token that has just been given is written."""
        return self._text[token.start - self._base : token.end - self._base]

    def __iter__(self) -> Iterator[Token]:
        clean = CLEAN.match
        while True:
            at = self._text.find("<", self._at)
            if at < 0:
                yield from self._rest()
                if self._ended and self._at == len(self._text):
                    return
                continue
            if at > self._at:
                yield self._token(TEXTS, self._text[self._at : at], at)
            found = clean(self._text, at)
            if found is None or not (found[0].isascii() or is_name(found[1] or found[2])):
                yield from self._odd(at)
                continue
            self._at = found.end()
            base = self._base
            ending, name, written, empty = found.groups()
            if ending:
                yield Token(ENDS, ending, NONE, base + at, base + self._at)
            else:
                attributes = NONE
                if written:
                    attributes = [(one, double or single) for one, double, single in ATTRIBUTE.findall(written)]
                yield Token(STARTS, name, attributes, base + at, base + self._at, bool(empty))

    def _token(self, kind: Kind, text: str, end: int, fault: Fault | None = None, junk: int = 0) -> Token:
        """The token from here to `end`."""
        start, self._at = self._at, end
        return Token(kind, text, NONE, self._base + start, self._base + end, fault=fault, junk=junk)

    def _more(self) -> None:
        """Read on, at least as much as is waiting already, so that what is long is not looked at all too often."""
        if self._at > self._counted:
            self._lines += self._text.count("\n", self._counted, self._at)
            self._counted = self._at
        parts = [self._text[self._at :]]
        wanted = max(len(parts[0]), 1)
        while wanted > 0 and not self._ended:
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
            else:
                parts.append(piece)
                wanted -= len(piece)
        self._base += self._at
        self._counted -= self._at
        self._text = "".join(parts)
        self._at = 0

    def _rest(self) -> Iterator[Token]:
        """Text to the end of what was read, but for a reference that may be cut there."""
        text, end = self._text, len(self._text)
        if not self._ended and (found := CUT.search(text, max(self._at, end - REFERENCE))):
            end = found.start()
        if end > self._at:
            yield self._token(Kind.TEXT, text[self._at : end], end)
        if not self._ended:
            self._more()

    def _odd(self, at: int) -> Iterator[Token]:
        """What is no clean tag."""
        self._at = at
        behind = self._text.find("<", at + 1)
        enough = behind >= 0 and len(self._text) - behind >= AHEAD
        if not self._ended and not enough and len(self._text) - at < LONGEST:
            self._more()
        elif self._text.startswith("<!--", at):
            yield from self._section(COMMENT_BORDER, Kind.NOTHING, self._ends.comment, COMMENT_OPEN)
        elif self._text.startswith("<![CDATA[", at):
            yield from self._section(CDATA_BORDER, Kind.RAW, self._ends.cdata, CDATA_OPEN)
        elif self._text.startswith("<?", at):
            yield self._instruction(behind)
        elif self._text.startswith("<!", at):
            yield from self._declaration()
        elif self._text.startswith("</", at):
            yield self._end_tag()
        else:
            yield self._start_tag(last=behind < 0)

    def _section(self, border: re.Pattern[str], kind: Kind, last: int, fault: Fault) -> Iterator[Token]:
        """A comment or a CDATA section; one that begins again before it ends has no end."""
        opening = 9 if kind is Kind.RAW else 4
        found = None
        if self._base + self._at + opening < last:
            while (found := border.search(self._text, self._at + opening)) is None and not self._ended:
                if len(self._text) - self._at > LONGEST:
                    yield from self._long_section(kind, opening)
                    return
                self._more()
        if found is None or found[0].startswith("<"):
            yield self._token(Kind.NOTHING, "", self._at + opening, fault)
        else:
            text = self._text[self._at + opening : found.start()] if kind is Kind.RAW else ""
            yield self._token(kind, text, found.end())

    def _long_section(self, kind: Kind, opening: int) -> Iterator[Token]:
        """A section that is too long to be held: it is known to end somewhere."""
        ending = "]]>" if kind is Kind.RAW else "-->"
        self._at += opening
        while (end := self._text.find(ending, self._at)) < 0 and not self._ended:
            kept = max(len(self._text) - 2, self._at)
            yield self._token(kind, self._text[self._at : kept] if kind is Kind.RAW else "", kept)
            self._more()
        end = end if end >= 0 else len(self._text)
        yield self._token(kind, self._text[self._at : end] if kind is Kind.RAW else "", end)
        self._at = min(end + len(ending), len(self._text))

    def _instruction(self, behind: int) -> Token:
        text, at = self._text, self._at
        limit = behind if behind >= 0 else len(text)
        end = text.find("?>", at + 2, max(limit, at + SHORT))
        if end >= 0 and text.find("<?", at + 2, end) < 0:
            return self._token(Kind.NOTHING, "", end + 2)
        end = text.find(">", at, limit)
        if end >= 0:
            return self._token(Kind.NOTHING, "", end + 1, INSTRUCTION_PLAIN)
        return self._token(Kind.NOTHING, "", at + 2, INSTRUCTION_OPEN)

    def _declaration(self) -> Iterator[Token]:
        text, at = self._text, self._at
        if self._patience and text[at : at + 9].upper() == "<!DOCTYPE":
            if found := DOCTYPE.match(text, at):
                yield self._token(Kind.DOCTYPE, found[0], found.end())
                return
            if not self._ended and len(text) - at < DOCTYPE_LONGEST:
                self._more()
                return
            self._patience -= 1
        if found := DECLARATION.match(text, at):
            yield self._token(Kind.DOCTYPE, found[0], found.end(), DECLARED)
        else:
            yield self._token(Kind.RAW, "<", at + 1, NO_TAG if text[at + 2 : at + 3].isalpha() else STRAY)

    def _end_tag(self) -> Token:
        found = END.match(self._text, self._at)
        name = found[1] if found else None
        if found is None or (name is not None and not is_name(name)) or (name is None and found[2] + found[3] != ">"):
            return self._token(Kind.RAW, "</", self._at + 2, STRAY)
        if found[3]:
            return self._token(Kind.END, name or "", found.end(), END_JUNK, len(found[2].strip()))
        if self._ended and found.end() == len(self._text):
            return self._token(Kind.END, name or "", found.end(), CUT_OFF)
        return self._token(Kind.END, name or "", found.end(1), END_OPEN)

    def _start_tag(self, *, last: bool) -> Token:
        at = self._at
        tag = read_tag(self._text, at)
        if tag is None:
            looks = self._text[at + 1 : at + 2]
            rest = len(self._text) - at
            if last and looks.isalpha() and self._ended and rest < CUT_LONGEST and ">" not in self._text[at:]:
                return self._token(Kind.NOTHING, "", len(self._text), CUT_OFF, rest - 1)
            run = LESS.match(self._text, at)
            end = run.end() if run else at + 1
            return self._token(Kind.RAW, self._text[at:end], end, NO_TAG if looks.isalpha() else STRAY)
        reason = tag.faults[0] if tag.faults else ""
        fault = Fault(reason, guess=reason in GUESSES) if reason else None
        token = self._token(Kind.START, tag.name, tag.end, fault, tag.junk)
        return token._replace(attributes=tag.attributes, empty=tag.empty)
