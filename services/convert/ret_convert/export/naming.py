"""What exported files are called: clean, unique whatever the case, and named after their document."""

from __future__ import annotations

import re

UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
LONGEST = 200
"""Characters of a name; file systems take 255 bytes."""


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
    """The names in one folder or ZIP, compared without regard to case."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, base: str, ending: str) -> str:
        """`base` + `ending`, or with ` (2)` between them if that is taken. Gives the base that was free."""
        base = base[: max(1, LONGEST - len(ending))]
        found, number = base, 1
        while f"{found}{ending}".casefold() in self._taken:
            number += 1
            found = f"{base} ({number})"
        self._taken.add(f"{found}{ending}".casefold())
        return found


def split(name: str) -> tuple[str, str]:
    """(base, ending) of a name: `a.tar.gz` is (`a.tar`, `.gz`), `.hidden` has no ending."""
    base, dot, ending = name.rpartition(".")
    return (base, f".{ending}") if base and dot else (name, "")
