"""What exported files are called: clean, unique whatever the case, and named after their document."""

from __future__ import annotations

import re
import unicodedata

UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
LONGEST = 255
"""Bytes of a name in UTF-8, as file systems count."""
NUMBERED = 10
"""Bytes kept free for the number of a name that is taken."""
ENDING = 32
"""Bytes of an ending; what is longer is part of the name."""


def clean(name: str) -> str:
    """A name that no file system takes for anything else than the name of a file in this folder."""
    found = UNSAFE.sub("_", name).strip().rstrip(".")
    if RESERVED.fullmatch(found):
        found = f"_{found}"
    return found or "_"


def stem(name: str) -> str:
    """What a document's tables are named after: its name without `.gz` and without its last ending."""
    plain = re.sub(r"\.gz$", "", name, flags=re.IGNORECASE)
    return re.sub(r"\.[^.]*$", "", plain) or plain


class Folder:
    """The names in one folder or ZIP, compared without regard to case and to how an accent is written."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}

    def take(self, base: str, ending: str) -> str:
        """`base` + `ending`, or with ` (2)` between them if that is taken. Gives the base that was free.

        What is too long is cut at the end of its base, never within a character.
        """
        room = LONGEST - len(ending.encode())
        found = cut(base, room)
        if _same(found + ending) in self._taken:
            base = cut(base, room - NUMBERED)
            counted = _same(base + ending)
            number = self._numbers.get(counted, 1)
            while _same(found + ending) in self._taken:
                number += 1
                found = f"{base} ({number})"
            self._numbers[counted] = number
        self._taken.add(_same(found + ending))
        return found


def cut(name: str, size: int) -> str:
    """As much of a name as fits into so many bytes, without a blank or dot at a cut."""
    data = name.encode()
    return name if len(data) <= size else data[:size].decode(errors="ignore").rstrip(" .") or "_"


def _same(name: str) -> str:
    """What is equal for names that are the same to some file system."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def split(name: str) -> tuple[str, str]:
    """(base, ending) of a name: `a.tar.gz` is (`a.tar`, `.gz`), `.hidden` has no ending, nor one that is too long."""
    base, dot, ending = name.rpartition(".")
    return (base, f".{ending}") if base and dot and len(ending.encode()) < ENDING else (name, "")
