"""References of a damaged document as the characters they mean: the declared ones, XML's own, and HTML's.

Entities are those of the internal subset. They are text here, whatever stands in them; what they grow to is limited,
and nothing outside the document is followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html.entities import html5

from ret_convert.errors import EntityBomb
from ret_convert.ladder.decoding import ILLEGAL, REPLACEMENT

FREE = 8 << 20
"""Characters that the entities of a document may always give …"""
FACTOR = 20
"""… and so many more for each byte of it."""
NAMED = r"[^\W\d][\w.\-:]*"
REFERENCE = re.compile(rf"&(?:#(\d+);|#[xX]([0-9A-Fa-f]+);|({NAMED});)")
ENTITY = re.compile(rf"""<!ENTITY\s+(%\s+)?({NAMED})\s+(?:"([^"]*)"|'([^']*)'|(?:SYSTEM|PUBLIC)\s[^>]*)\s*>""")
OUTSIDE = re.compile(r"<!DOCTYPE\s+\S+\s+(?:SYSTEM|PUBLIC)\s", re.IGNORECASE)
OWN = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
LARGEST = 0x10FFFF
DIGITS = 8  # of the number of any character, leading zeros aside

LOOSE = "an ampersand that begins no reference"
UNKNOWN = "a reference to an entity that is not declared"
HTML = "an entity of HTML"
IMPOSSIBLE = "a reference to a character that XML does not know"


class References:
    """Resolves references; `noted` hears what had to be mended, `read` tells the bytes of the document read so far.

    `outside` names the entities that would lead outside the document, in the order in which they were met; `lost`
    counts characters that are none. EntityBomb when entities grow beyond every measure.
    """

    def __init__(self, noted: Callable[[str], None], read: Callable[[], int]) -> None:
        self.outside: dict[str, None] = {}
        self.lost = 0
        self._noted = noted
        self._read = read
        self._declared: dict[str, str | None] = {}
        self._meaning: dict[str, str] = {}
        self._elsewhere = False
        self._grown = 0

    def declare(self, doctype: str) -> None:
        """Take the declarations of a document type; the first one of a name counts."""
        self._elsewhere |= OUTSIDE.match(doctype) is not None
        for parameter, name, double, single in (one.groups() for one in ENTITY.finditer(doctype)):
            if parameter:
                self._elsewhere = True
            else:
                self._declared.setdefault(name, double if double is not None else single)

    def resolved(self, text: str) -> str:
        """The text with what its references mean; those that mean nothing stay as they are written."""
        if "&" not in text:
            return text
        found, count = REFERENCE.subn(self._replacement, text)
        if count < text.count("&"):
            self._noted(LOOSE)
        return found

    def _replacement(self, found: re.Match[str]) -> str:
        decimal, hexadecimal, name = found.groups()
        if decimal or hexadecimal:
            return self._character(decimal, 10) if decimal else self._character(hexadecimal, 16)
        if name in OWN:
            return OWN[name]
        if name in self._declared:
            return self._entity(name)
        if f"{name};" in html5:
            self._noted(HTML)
            return html5[f"{name};"]
        if self._elsewhere:
            self.outside.setdefault(name)
            return ""
        self._noted(UNKNOWN)
        return found[0]

    def _character(self, digits: str, base: int) -> str:
        digits = digits.lstrip("0")
        number = int(digits or "0", base) if len(digits) <= DIGITS else LARGEST + 1
        character = chr(number) if number <= LARGEST else ""
        if not number or not character or ILLEGAL.match(character):
            self._noted(IMPOSSIBLE)
            self.lost += 1
            return REPLACEMENT
        return character

    def _entity(self, name: str) -> str:
        meaning = self._meaning.get(name)
        if meaning is None:
            self._work_out(name)
            meaning = self._meaning[name]
        self._grown += len(meaning)
        if self._grown > FREE + FACTOR * self._read():
            raise EntityBomb
        return meaning

    def _work_out(self, wanted: str) -> None:
        """Find the meaning of an entity and of all it is made of; one that is made of itself means nothing."""
        waiting = [wanted]
        begun: set[str] = set()
        while waiting:
            name = waiting[-1]
            value = self._declared[name]
            if name in self._meaning:
                waiting.pop()
            elif value is None:
                self.outside.setdefault(name)
                self._meaning[name] = ""
            elif name in begun:
                self._meaning[name] = self._put_together(self._character_references(value))
            else:
                begun.add(name)
                inner = (one[3] for one in REFERENCE.finditer(value))
                waiting.extend(
                    one for one in inner if one in self._declared and one not in self._meaning and one not in begun
                )

    def _character_references(self, value: str) -> str:
        """A literal with its character references resolved, as if where it is declared: they may make references."""
        return REFERENCE.sub(lambda one: self._replacement(one) if one[1] or one[2] else one[0], value)

    def _put_together(self, value: str) -> str:
        parts: list[str] = []
        size = end = 0
        for one in REFERENCE.finditer(value):
            inner = self._meaning.get(one[3], "") if one[3] in self._declared else self._replacement(one)
            parts += (value[end : one.start()], inner)
            end = one.end()
            size += len(inner)
            if size > FREE + FACTOR * self._read():
                raise EntityBomb
        return "".join([*parts, value[end:]])
