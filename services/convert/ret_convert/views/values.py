"""What a cell is for sorting and comparing: a number by its value, or a text without regard to case.

A number has up to 38 digits before the point and any behind it, a sign, no blanks. Numbers are compared as floats, and
those a float cannot tell apart by the digits before the point. Case is ignored as Arrow does it: character by
character. Both hold for columns of millions of rows (Arrow) and for single values (Python), and give the same order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ret_convert.arrow import pa, pc

NUMBER = r"^[+-]?[0-9]{1,38}(\.[0-9]+)?$"
_NUMBER = re.compile(r"[+-]?[0-9]{1,38}(\.[0-9]+)?")
EXACT = 15
"""Characters of a number up to which a float tells it from all others with as many."""


def is_number(value: str) -> bool:
    """Whether a value is a number."""
    return _NUMBER.fullmatch(value) is not None


def number_key(value: str) -> tuple[float, int]:
    """By this numbers are compared."""
    return float(value), int(value.partition(".")[0])


def lower(value: str) -> str:
    """A text without its case."""
    return lowered([value])[0]


def lowered(values: Sequence[str]) -> list[str]:
    """Texts without their case."""
    return pc.utf8_lower(pa.array(values, pa.string())).to_pylist()


def numbers(cells: Any) -> Any:
    """The cells that are numbers; the others are null."""
    return pc.if_else(pc.match_substring_regex(cells, NUMBER), cells, None)


def floats(written: Any) -> Any:
    """Numbers, or nulls, as floats."""
    return pc.cast(written, pa.float64())


def whole_parts(written: Any) -> Any:
    """The digits before the point of numbers, with their sign."""
    return pc.cast(pc.replace_substring_regex(written, r"^\+|\..*$", ""), pa.decimal128(38, 0))


def ranks(values: Sequence[str | None], *, number: bool, descending: bool) -> list[int | None]:
    """The places of values in rising order, from 0; the same where they are equal, none for absent and empty.

    Numbers are above other texts when the order is descending: they come first in both directions.
    """
    filled = [(at, value) for at, value in enumerate(values) if value]
    texts = lowered([value for _, value in filled])
    keys = [
        (descending, *number_key(value), "", "")
        if number and is_number(value)
        else (not descending, 0.0, 0, text, value)
        for (_, value), text in zip(filled, texts, strict=True)
    ]
    found: list[int | None] = [None] * len(values)
    rank, before = -1, None
    for key, at in sorted((key, at) for key, (at, _) in zip(keys, filled, strict=True)):
        rank += key != before
        before = key
        found[at] = rank
    return found
