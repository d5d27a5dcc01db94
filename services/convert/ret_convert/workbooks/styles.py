"""Which number formats are dates or times, by their number or by their code."""

from __future__ import annotations

import re

BUILT_IN = (
    dict.fromkeys((*range(14, 18), *range(27, 32), 36, *range(50, 55), 57, 58), "date")
    | dict.fromkeys((*range(18, 22), *range(32, 36), 45, 47, 55, 56), "time")
    | {22: "datetime", 46: "elapsed"}
)
"""The formats that have a number and no code; 27 to 58 are those of East Asia."""
ASIDE = re.compile(
    r'"[^"]*"?|\\.|[_*].|\[(?!(?:h+|m+|s+)\])[^\]]*\]|general|am/pm|a/p|(?<=s)\.0+', re.IGNORECASE | re.DOTALL
)
"""What is written in a format for its looks: quoted text, colours, conditions, fractions of seconds."""
ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)


def kind_of(code: str) -> str | None:
    """What a number with a format of this code is: date, time, datetime or elapsed; None for a number."""
    bare = ASIDE.sub("", code.partition(";")[0]).lower()
    if ELAPSED.search(bare):
        return "elapsed"
    if re.search(r"[0#?]", bare):
        return None
    date = re.search(r"[yd]|mmm|^m+$", bare)
    time = re.search(r"[hs]", bare)
    if date and time:
        return "datetime"
    return "date" if date else "time" if time else None


def kinds(formats: dict[int, str], used: list[int]) -> list[str | None]:
    """For each style, what its numbers are: `formats` are the codes by number, `used` each style's number."""
    found: dict[int, str | None] = {}
    for one in used:
        if one not in found:
            found[one] = kind_of(formats[one]) if one in formats else BUILT_IN.get(one)
    return [found[one] for one in used]
