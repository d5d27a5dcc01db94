"""Values of cells as text: numbers without noise, dates and times as ISO 8601 has them."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation

TRUE, FALSE = "TRUE", "FALSE"
WHOLE = re.compile(r"-?\d+")
PLAIN = re.compile(r"-?(?:0|[1-9]\d*)\.\d*[1-9]")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
DURATION = re.compile(r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?")
SAID = 15
"""Significant digits that spreadsheets vouch for."""
NOISE = 13
"""A number that needs no more digits than these, once rounded to SAID, was meant as that."""
SMALL, LARGE = Decimal("1e-9"), Decimal("1e21")
"""Beyond these a number is told with an exponent."""
DAY_MS = 86_400_000
LAST = 2_958_465
"""The serial number of 9999-12-31."""
LEAP = 60
"""The serial number of 1900-02-29, a day that never was."""
DATES_1904 = 1462
"""Days between the two beginnings of time."""


def number(written: str) -> str:
    """A stored number as a person would write it: 12, 0.1, 12345678901234567890. What is none stays as it is."""
    text = written.strip()
    if WHOLE.fullmatch(text) or (len(text) <= SAID + 1 and PLAIN.fullmatch(text)):
        return text
    try:
        value = float(text)
        shortest = Decimal(repr(value))
    except (ValueError, InvalidOperation):
        return written
    if not shortest.is_finite():
        return written
    if len(shortest.as_tuple().digits) > SAID:
        rounded = Decimal(f"{value:.{SAID}g}")
        if len(rounded.normalize().as_tuple().digits) <= NOISE:
            shortest = rounded
    shortest = shortest.normalize()
    if shortest and not SMALL <= abs(shortest) < LARGE:
        return f"{shortest:E}"
    return f"{shortest:f}" if shortest else "0"


def unescaped(text: str) -> str:
    """Text with `_x000D_` and its like decoded, as spreadsheets do."""
    if "_x" not in text:
        return text
    found = ESCAPED.sub(lambda one: chr(int(one[1], 16)), text)
    # Characters beyond 16 bits are escaped in halves.
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def moment(written: str, kind: str, *, since_1904: bool = False) -> str:
    """A serial number as ISO 8601: `kind` is date, time, datetime or elapsed. A number where there is no such day."""
    try:
        days = float(written)
    except ValueError:
        return written
    if kind == "elapsed" and 0 <= days <= LAST:
        return clock(round(days * DAY_MS))
    if since_1904:
        days += DATES_1904
    total = round(days * DAY_MS) if abs(days) <= LAST + 1 else -1
    day, rest = divmod(total, DAY_MS)
    if not 0 <= day <= LAST or total < 0:
        return number(written)
    if day == 0:
        return clock(rest)
    known = dt.date(1899, 12, 30) + dt.timedelta(days=day + (day < LEAP))
    date = "1900-02-29" if day == LEAP else known.isoformat()
    return f"{date}T{clock(rest)}" if rest or kind == "datetime" else date


def clock(milliseconds: int) -> str:
    """A time of day as `03:04:05`; a day and more as a duration, `PT30H0M0S`."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    fraction = f".{rest:03}".rstrip("0") if rest else ""
    if hour >= 24:  # noqa: PLR2004 - hours of a day
        return f"PT{hour}H{minute}M{second}{fraction}S"
    return f"{hour:02}:{minute:02}:{second:02}{fraction}"


def duration(written: str) -> str:
    """An ISO duration as a time of day, if it is shorter than a day."""
    found = DURATION.fullmatch(written.strip())
    if found is None or found[1]:
        return written
    days, hours, minutes = (int(found[at] or 0) for at in (2, 3, 4))
    seconds = Decimal((found[5] or "0").replace(",", "."))
    return clock(((days * 24 + hours) * 60 + minutes) * 60_000 + round(seconds * 1000))
