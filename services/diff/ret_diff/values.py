"""When two values are the same: as they stand, as the options look at them, or but for how they are written.

`compared` is what a value is taken for under the options and the sides' readings; `canonical` is one form for all ways
to write the same value. Both take strings (null is absent) and are for dictionaries: once for each distinct value. Two
values are canonically equal if and only if their forms are equal, and a form is its own form.

The canonical form is exact and made of digits, never of floats:

- white space at the ends and how a line ends do not count; white space inside does;
- a number is written plainly: `+1`, `1.00`, `1e0` and `1` are 1, `1,234.50` and `1234.5` are one. With leading zeros it
  is a code, not a number (`00123`); `1,234` alone may be a decimal comma and stays a text;
- a date begins with its year, or names its month (`13-JAN-2026`); midnight of no zone is the date. Times with an offset
  are moved to UTC. What may be day or month first stays a text.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import numpy as np

from ret_diff.arrow import Array, pa, pc
from ret_diff.model import Bytes8, CellState, Flags, Options, Reading

STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What convert's CSV export guards with an apostrophe, unless it is a number of this form:"""
GUARDED = r"^'[=+\-@\t\r]"
SPARED = r"^'[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$"

_WHOLE = r"(?:0|[1-9][0-9]*)"
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_GROUPED = r"^[+-]?(?:[1-9][0-9]{0,2}(?:,[0-9]{3}){2,}(?:\.[0-9]*)?|[1-9][0-9]{0,2},[0-9]{3}\.[0-9]+)$"
_PLAIN = rf"^[+-]?(?:{_WHOLE}(?:\.[0-9]*)?|\.[0-9]+)$"
_SCIENTIFIC = rf"^[+-]?(?:{_WHOLE}(?:\.[0-9]*)?|\.[0-9]+)[eE][+-]?[0-9]{{1,3}}$"
_NUMBER = rf"^(?:0|-?[1-9][0-9]*|-?{_WHOLE}\.[0-9]*[1-9])$"
"""A number in its canonical form."""
_MOMENT = (
    r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]*[1-9])?Z?)?$"
)
"""A date or time in its canonical form, but for midnight."""
_MIDNIGHT = "T00:00:00"
_ISO = "%Y-%m-%dT%H:%M:%S"
_FIRST, _LAST = (
    pa.scalar(moment, pa.timestamp("s"))
    for moment in (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59))  # noqa: DTZ001 - UTC
)
"""Years have four digits."""
_TIME = (
    r"(?:(?:[Tt]| +)(?P<clock>(?:[01][0-9]|2[0-3]):[0-5][0-9])(?:(?P<second>:[0-5][0-9])(?P<part>[.,][0-9]+)?)?"
    r" ?(?P<zone>[Zz]|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])?)?$"
)
_YEAR_FIRST = (
    rf"^(?P<year>[0-9]{{4}})(?:-(?P<m1>{_MONTH})-(?P<d1>{_DAY})|/(?P<m2>{_MONTH})/(?P<d2>{_DAY})"
    rf"|\.(?P<m3>{_MONTH})\.(?P<d3>{_DAY})){_TIME}"
)
_NAMED = rf"^(?P<day>{_DAY})[- ](?P<month>[A-Za-z]{{3}})[- ](?P<year>[0-9]{{4}}){_TIME}"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NUMBERS = pa.array([f"{number:02d}" for number in range(1, 13)])
_EXPONENT = 400
"""Digits a scientific number may have when it is written plainly."""
_EXACT = 2.0**-50
"""More than what a sum or difference of two floats can be wrong by, as a share of them."""

_BEGINS = np.zeros(256, np.bool_)
_BEGINS[[*b"+-.0123456789"]] = True
"""The bytes with which a number or a date begins."""
_BLANK = np.zeros(256, np.bool_)
_BLANK[[*range(33), *range(127, 256)]] = True
"""The bytes that may be white space, or a part of it."""


def together(a: Reading, b: Reading) -> Reading:
    """How both sides are read: what one cannot tell, or has changed, is not told of the other, either."""
    return Reading(absent_is_empty=a.absent_is_empty or b.absent_is_empty, guarded=a.guarded or b.guarded)


def compared(values: Array, options: Options, reading: Reading) -> Array:
    """What the values, of either side, are compared as; the numeric tolerance is no part of it (`near`).

    With `ignore_space`, white space at the ends does not count, and any amount of it inside is as good as one blank.
    """
    found = _flat(values)
    if reading.guarded:
        found = unguarded(found)
    if options.ignore_space:
        found = pc.utf8_trim_whitespace(pc.replace_substring_regex(found, r"[\s\p{Z}]+", " "))
    if options.ignore_case:
        found = pc.utf8_lower(found)
    if reading.absent_is_empty:
        found = pc.fill_null(found, "")
    return found


def unguarded(values: Array) -> Array:
    """The values without the apostrophe that our CSV export puts before what looks like a formula."""
    guarded = pc.and_(pc.match_substring_regex(values, GUARDED), pc.invert(pc.match_substring_regex(values, SPARED)))
    return pc.if_else(guarded, pc.utf8_slice_codeunits(values, 1), values) if pc.any(guarded).as_py() else values


def canonical(values: Array) -> Array:
    """The canonical forms of values; absent ones stay absent, and a canonical form is what it was."""
    found = _trimmed(_flat(values))
    maybe = _BEGINS[_edges(found)[0]]
    maybe &= ~_flags(pc.ascii_is_decimal(found))
    if not maybe.any():
        return found
    return _with(found, maybe, _formed(found.filter(pa.array(maybe))))


def near(old: Array, new: Array, tolerance: float) -> Flags:
    """Which pairs are numbers that differ by no more than the tolerance: exactly, in decimal digits."""
    left, right = canonical(old), canonical(new)
    both = _flags(pc.and_(pc.match_substring_regex(left, _NUMBER), pc.match_substring_regex(right, _NUMBER)))
    places = np.flatnonzero(both)
    left, right = left.take(pa.array(places)), right.take(pa.array(places))
    one, other = (np.asarray(pc.cast(side, pa.float64())) for side in (left, right))
    with np.errstate(invalid="ignore", over="ignore"):
        apart, error = np.abs(one - other), (np.abs(one) + np.abs(other) + tolerance) * _EXACT
        found = apart < tolerance - error
        unsure = np.flatnonzero(~found & ~(apart > tolerance + error))
    exact = Decimal(repr(tolerance))
    for at in unsure.tolist():
        first, second = (Decimal(cast("str", side.slice(at, 1).to_pylist()[0])) for side in (left, right))
        found[at] = _apart_at_most(first, second, exact)
    near = np.zeros(len(both), np.bool_)
    near[places] = found
    return near


def states(old: Array, new: Array, options: Options, reading: Reading) -> Bytes8:
    """The CellState of each pair of values that are not the same as they stand; `reading` is that of both sides."""
    left, right = compared(old, options, reading), compared(new, options, reading)
    ignored = _equal(left, right)
    if options.numeric_tolerance > 0:
        ignored |= near(left, right, options.numeric_tolerance)
    alike = _equal(canonical(left), canonical(right))
    found = np.where(ignored, CellState.IGNORED, np.where(alike, CellState.FORMAT_ONLY, CellState.CHANGED))
    return found.astype(np.uint8)


def _apart_at_most(first: Decimal, second: Decimal, tolerance: Decimal) -> bool:
    """Whether the difference is within the tolerance, without the rounding of Decimal's context."""
    lowest = min(cast("int", one.as_tuple().exponent) for one in (first, second, tolerance))
    return abs(_scaled(first, -lowest) - _scaled(second, -lowest)) <= _scaled(tolerance, -lowest)


def _scaled(one: Decimal, by: int) -> int:
    """The number times a power of ten which makes it whole."""
    sign, digits, exponent = one.as_tuple()
    whole = int("".join(map(str, digits))) * 10 ** (cast("int", exponent) + by)
    return -whole if sign else whole


def _flat(values: Any) -> Any:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _flags(found: Any) -> Flags:
    return np.asarray(pc.fill_null(found, False))  # noqa: FBT003 - a value


def _equal(left: Array, right: Array) -> Flags:
    return _flags(pc.equal(left, right))


def _with(values: Array, which: Flags, new: Array) -> Array:
    return pc.replace_with_mask(values, pa.array(which), new.cast(values.type))


def _edges(values: Any) -> tuple[Bytes8, Bytes8]:
    """(the first byte of each value, the last one); NUL for nothing."""
    _, offsets, data = values.buffers()
    kind = np.int64 if pa.types.is_large_string(values.type) else np.int32
    if data is None or not len(values) or not data.size:
        return np.zeros(len(values), np.uint8), np.zeros(len(values), np.uint8)
    ends = np.frombuffer(offsets, kind)[values.offset : values.offset + len(values) + 1]
    text = np.frombuffer(data, np.uint8)
    filled = ends[1:] > ends[:-1]
    first = np.where(filled, text[np.minimum(ends[:-1], len(text) - 1)], 0).astype(np.uint8)
    last = np.where(filled, text[np.maximum(ends[1:], 1) - 1], 0).astype(np.uint8)
    return first, last


def _trimmed(values: Any) -> Any:
    """The values without white space at their ends, all lines ending in LF."""
    first, last = _edges(values)
    blank = (_BLANK[first] | _BLANK[last]) & (first > 0)
    if blank.any():
        values = _with(values, blank, pc.utf8_trim_whitespace(values.filter(pa.array(blank))))
    data = values.buffers()[2]
    if data is not None and b"\r" in memoryview(data).tobytes():
        values = pc.replace_substring_regex(values, r"\r\n?", "\n")
    return values


def _formed(values: Array) -> Array:
    """The canonical forms of trimmed values."""
    done = _flags(pc.match_substring_regex(values, rf"(?:{_NUMBER})|(?:{_MOMENT})"))
    done &= ~_flags(pc.ends_with(values, _MIDNIGHT))
    for pattern, form in (
        (_PLAIN, _plain),
        (_GROUPED, _grouped),
        (_SCIENTIFIC, _scientific),
        (_YEAR_FIRST, _year_first),
        (_NAMED, _named),
    ):
        if done.all():
            break
        left = np.flatnonzero(~done)
        rest = values.take(pa.array(left))
        fits = _flags(pc.match_substring_regex(rest, pattern))
        if fits.any():
            which = np.zeros(len(done), np.bool_)
            which[left[fits]] = True
            values = _with(values, which, form(rest.filter(pa.array(fits))))
            done |= which
    return values


def _plain(values: Array) -> Array:
    """The forms of numbers without exponent and groups."""
    found = pc.replace_substring_regex(pc.utf8_ltrim(values, "+"), r"^(-?)\.", r"\10.")
    pointed = pc.utf8_rtrim(pc.utf8_rtrim(found, "0"), ".")
    found = pc.if_else(pc.match_substring(found, "."), pointed, found)
    return pc.if_else(pc.equal(found, "-0"), "0", found)


def _grouped(values: Array) -> Array:
    return _plain(pc.replace_substring(values, ",", ""))


def _scientific(values: Array) -> Array:
    """The forms of numbers with an exponent; of one that would be too long, the number as it stands."""
    plain = [f"{Decimal(cast('str', one)):f}" for one in values.to_pylist()]
    fits = np.array([len(one) <= _EXPONENT for one in plain])
    short = pa.array([one if fit else "0" for one, fit in zip(plain, fits.tolist(), strict=True)], values.type)
    return pc.if_else(pa.array(fits), _plain(short), values)


def _year_first(values: Array) -> Array:
    parts = pc.extract_regex(values, _YEAR_FIRST)
    month, day = (
        pc.binary_join_element_wise(
            *(pc.struct_field(parts, f"{what}{at}") for at in (1, 2, 3)), pa.scalar("", values.type)
        )
        for what in ("m", "d")
    )
    return _moment(values, parts, month, day)


def _named(values: Array) -> Array:
    parts = pc.extract_regex(values, _NAMED)
    names = pa.array(_MONTHS, values.type)
    month = _NUMBERS.take(pc.index_in(pc.utf8_upper(pc.struct_field(parts, "month")), names))
    return _moment(values, parts, month, pc.struct_field(parts, "day"))


def _moment(values: Any, parts: Any, month: Any, day: Any) -> Array:
    """The forms of dates and times by their parts; the value itself where it is none."""

    def part(name: str) -> Any:
        return pc.struct_field(parts, name)

    def joined(*texts: Any) -> Any:
        return pc.binary_join_element_wise(*(pc.cast(text, values.type) for text in texts), pa.scalar("", values.type))

    def text(value: str) -> Any:
        return pa.scalar(value, values.type)

    date = joined(part("year"), text("-"), pc.utf8_lpad(month, 2, "0"), text("-"), pc.utf8_lpad(day, 2, "0"))
    second = pc.if_else(pc.equal(part("second"), ""), ":00", part("second"))
    time = joined(part("clock"), second)
    fraction = pc.utf8_rtrim(pc.replace_substring(part("part"), ",", "."), "0")
    fraction = pc.if_else(pc.equal(fraction, "."), "", fraction)
    zone = pc.replace_substring_regex(pc.utf8_upper(part("zone")), r"^[+-]00:?00$", "Z")
    zone = pc.replace_substring_regex(zone, r"^([+-]..)(..)$", r"\1:\2")
    plain = pc.equal(joined(part("clock"), second, fraction, zone), "00:00:00")
    plain = pc.or_(plain, pc.equal(part("clock"), ""))
    whole = joined(date, text("T"), time)
    shifted = _flags(pc.match_substring_regex(zone, r"^[+-]"))
    if shifted.any():
        mask = pa.array(shifted)
        utc = _in_utc(whole.filter(mask), zone.filter(mask))
        known = pa.array(np.flatnonzero(shifted)).filter(pc.is_valid(utc))
        moved = np.zeros(len(shifted), np.bool_)
        moved[np.asarray(known)] = True
        whole = _with(whole, moved, utc.drop_null())
        zone = _with(zone, moved, pa.repeat(pa.scalar("Z", zone.type), int(moved.sum())))
    found = pc.if_else(plain, date, joined(whole, fraction, zone))
    return pc.coalesce(found, values)


def _in_utc(times: Array, offsets: Array) -> Any:
    """Times of these offsets (`+01:00`) as times in UTC, to the second; null where there is no such day."""
    local = pc.strptime(times, format=_ISO, unit="s", error_is_null=True)
    there = pc.equal(pc.cast(pc.strftime(local, format=_ISO), times.type), times)
    minutes = pc.add(
        pc.multiply(pc.cast(pc.utf8_slice_codeunits(offsets, 1, 3), pa.int64()), 60),
        pc.cast(pc.utf8_slice_codeunits(offsets, 4, 6), pa.int64()),
    )
    ahead = pc.if_else(pc.starts_with(offsets, "+"), pc.multiply(minutes, 60), pc.multiply(minutes, -60))
    utc = pc.cast(pc.subtract(pc.cast(local, pa.int64()), ahead), pa.timestamp("s"))
    written = pc.cast(pc.strftime(utc, format=_ISO), times.type)
    there = pc.and_(there, pc.and_(pc.greater_equal(utc, _FIRST), pc.less_equal(utc, _LAST)))
    return pc.if_else(pc.fill_null(there, pa.scalar(value=False)), written, None)
