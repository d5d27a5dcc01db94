"""Start tags that are not as they should be: attributes without quotation marks, without values, without ends."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from xml.parsers import expat

BLANK = r"[ \t\n]"
NAME = r"(?:[^\W\d]|:)[\w.:\-\u00b7]*+"
BEHIND = 256
"""Characters behind a `<` in which the quotation mark that ends its attribute must stand."""
MOST = 1 << 16
"""Attributes of a tag."""
BLANKS = re.compile(rf"{BLANK}*+")
ELEMENT = re.compile(rf"<({NAME})")
ATTRIBUTE = re.compile(rf"({NAME}){BLANK}*+=({BLANK}*+)")
ALONE = re.compile(NAME)
PLAIN = re.compile(r"""[^ \t\n<>"']++""")
NEXT = re.compile(rf"(?<![ \t\n]){BLANK}++{NAME}{BLANK}*+={BLANK}*+\Z")
AFTER_VALUE = frozenset(" \t\n/>?")

UNQUOTED = "an attribute without quotation marks"
TOGETHER = "attributes without a blank between them"
LESS = "a < in an attribute"
UNCLOSED = "an attribute without an end"
VALUELESS = "an attribute without a value"
JUNKED = "a tag with more than attributes"
OPEN = "a tag without >"
GUESSES = frozenset({UNCLOSED, VALUELESS, JUNKED, OPEN})


class Tag(NamedTuple):
    """A start tag up to `end`: what is wrong with it, the worst first, and how many characters of it mean nothing."""

    name: str
    attributes: list[tuple[str, str]]
    empty: bool
    end: int
    faults: list[str]
    junk: int


@lru_cache(maxsize=4096)
def is_name(name: str) -> bool:
    """Whether expat takes this for the name of an element: its tables are those of an earlier edition."""
    parser = expat.ParserCreate("utf-8")
    try:
        parser.Parse(f"<{name}/>".encode(), True)  # noqa: FBT003 - expat's signature has no keyword
    except (expat.ExpatError, UnicodeError):
        return False
    return True


def read_tag(text: str, start: int) -> Tag | None:
    """The tag at `start`, by the best guess; None when it is more likely text that contains a `<`."""
    found = ELEMENT.match(text, start)
    return _Reading(text, found[1], found.end()).tag() if found and is_name(found[1]) else None


class _Reading:
    """One tag on its way; every step goes forward."""

    def __init__(self, text: str, name: str, at: int) -> None:
        self._text = text
        self._name = name
        self._at = at
        self._limit = self._next_tag()
        self._attributes: list[tuple[str, str]] = []
        self._faults: dict[str, None] = {}
        self._valued = False
        self._junk = 0

    def _next_tag(self) -> int:
        """Where the next `<` is, beyond which no tag goes but in an attribute that plainly ends."""
        found = self._text.find("<", self._at)
        return found if found >= 0 else len(self._text)

    def tag(self) -> Tag | None:
        text = self._text
        while True:
            before = self._at
            self._at = BLANKS.match(text, before).end()  # pyright: ignore[reportOptionalMemberAccess] - matches always
            if self._at >= self._limit:
                # Nothing but a name before the next tag: "a<b" in a text. With attributes it has been a tag.
                return self._made(OPEN) if self._valued else None
            if text[self._at] == ">":
                self._at += 1
                return self._made() if self._valued or not self._faults else None
            if text.startswith("/>", self._at):
                self._at += 2
                return self._made(empty=True) if self._valued or not self._faults else None
            if len(self._attributes) > MOST:
                return None
            if found := ATTRIBUTE.match(text, self._at, self._limit):
                if before == self._at:
                    self._faults[TOGETHER] = None
                self._at = found.end()
                self._attributes.append((found[1], self._value()))
                self._valued = True
            elif found := ALONE.match(text, self._at, self._limit):
                self._faults[VALUELESS] = None
                self._at = found.end()
                self._attributes.append((found[0], ""))
            else:
                self._faults[JUNKED] = None
                self._at += 1
                self._junk += 1

    def _made(self, fault: str = "", *, empty: bool = False) -> Tag:
        if fault:
            self._faults[fault] = None
        faults = sorted(self._faults, key=lambda one: one not in GUESSES)
        return Tag(self._name, self._attributes, empty, self._at, faults, self._junk)

    def _value(self) -> str:
        """The value that begins here."""
        text, start = self._text, self._at
        quote = text[start : start + 1]
        if not quote or quote not in "\"'":
            return self._unquoted()
        start += 1
        end = text.find(quote, start, self._limit + BEHIND)
        after = text[end + 1 : end + 2]
        if end < 0 or (end > self._limit and (after not in AFTER_VALUE or text[end - 1] == "=")):
            return self._unclosed(start)
        value = text[start:end]
        if after not in AFTER_VALUE and value.rstrip().endswith("=") and (found := NEXT.search(value)):
            # k="abc l="2": the mark that seems to end this one begins the next.
            self._faults[UNCLOSED] = None
            self._at = start + found.start()
            return value[: found.start()]
        self._at = end + 1
        if end > self._limit:
            self._faults[LESS] = None
            self._limit = self._next_tag()
        return value

    def _unquoted(self) -> str:
        found = PLAIN.match(self._text, self._at, self._limit)
        if found is None:
            self._faults[UNCLOSED] = None
            return ""
        value = found[0]
        if value.endswith("/") and self._text.startswith(">", found.end()):
            value = value[:-1]
        self._faults[UNQUOTED] = None
        self._at += len(value)
        return value

    def _unclosed(self, start: int) -> str:
        """A value without a quotation mark at its end goes to the end of its tag."""
        end = self._text.find(">", start, self._limit)
        self._at = end if end >= 0 else self._limit
        self._faults[UNCLOSED] = None
        return self._text[start : self._at]
