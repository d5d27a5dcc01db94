from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ret_diff.arrow import pa
from ret_diff.model import CellState, Options, Reading
from ret_diff.values import canonical, compared, near, states, together, unguarded

BY_CHANCE = st.text(alphabet="0123456789+-.,eETZ:/ JANan\u00a0\r\n'ä", max_size=24)
WRITTEN = st.one_of(
    BY_CHANCE,
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.datetimes().map(datetime.isoformat),
    st.dates().map(lambda day: day.strftime("%d-%b-%Y")),
    st.none(),
)


def forms(*values: str | None) -> list[str | None]:
    return canonical(pa.array(values, pa.string())).to_pylist()


@pytest.mark.parametrize(
    "values",
    [
        ["1", "1.0", "1.00", "+1", "1e0", "1.", "10e-1", "0.1E+1", " 1 "],
        ["0", "-0", "0.0", "-0.00", "+0", "0e5", ".0"],
        ["0.5", ".5", "+.50", "5e-1"],
        ["1234.5", "1,234.50", "+1,234.5", "1234.500"],
        ["-1234567", "-1,234,567", "-1,234,567.0"],
        ["2026-01-13", "2026/01/13", "2026.1.13", "2026-01-13T00:00:00", "2026-01-13 00:00", "13-JAN-2026"],
        ["2026-01-13T10:20:30.5", "2026-01-13 10:20:30.500", "2026/1/13t10:20:30,5", "13 Jan 2026 10:20:30.5"],
        ["2026-01-13T00:00:00Z", "2026-01-13T01:00:00+01:00", "2026-01-12T19:00:00.000 -0500", "2026-01-13T00:00Z"],
        ["a\nb", "a\r\nb", "a\rb", " a\nb\t", "\u00a0a\nb"],
        ["", " ", "\u3000"],
    ],
)
def test_ways_to_write_the_same_value_have_one_form(values: list[str]) -> None:
    assert len(set(forms(*values))) == 1


@pytest.mark.parametrize(
    "one, other",
    [
        ("00123", "123"),
        ("1,234", "1234"),
        ("1,23", "123"),
        ("12,34,567", "1234567"),
        ("", None),
        ("2026-01-13", "2026-01-13T00:00:00Z"),
        ("01/02/2026", "2026-02-01"),
        ("20260113", "2026-01-13"),
        ("2026-13-01", "2026/13/01"),
        ("13-FOO-2026", "2026-01-13"),
        ("9007199254740993", "9007199254740992"),
        ("0.1000000000000000055511151231257827", "0.1"),
        ("a  b", "a b"),
        ("a", "A"),
        ("0x10", "16"),
        ("1e999", "1e998"),
        ("2026-02-30T00:00:00+01:00", "2026-02-29T23:00:00Z"),
    ],
)
def test_other_values_keep_forms_of_their_own(one: str | None, other: str | None) -> None:
    left, right = forms(one, other)
    assert left != right


@settings(deadline=None)
@given(st.lists(WRITTEN, max_size=12))
@example(["1e400", "1e401", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_canonical_form_is_its_own_form_and_depends_on_its_value_alone(values: list[str | None]) -> None:
    found = forms(*values)
    assert forms(*found) == found
    assert [forms(value)[0] for value in values] == found
    assert [at for at, value in enumerate(found) if value is None] == [
        at for at, value in enumerate(values) if value is None
    ]


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_numbers_are_equal_however_they_are_written(number: Decimal) -> None:
    written = [f"{number:f}", f"{number:+f}", f"{number:.12f}", f"{number:.18E}", f" {number:f}"]
    if abs(number) >= 10**6:
        written.append(f"{number:,f}")
    found = forms(*written)
    assert len(set(found)) == 1
    assert Decimal(found[0] or "") == number


@settings(deadline=None)
@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001 - drawn
def test_a_time_is_the_same_moment_in_every_offset(moment: datetime, offset: int) -> None:
    utc = moment.replace(tzinfo=UTC)
    there = utc.astimezone(timezone(timedelta(minutes=offset)))
    assert len(set(forms(utc.isoformat(), there.isoformat(), there.isoformat(" ")))) == 1


def test_slices_chunks_and_large_strings_are_read_alike() -> None:
    values = ["x", " 1.0", None, "", "2026/1/2"]
    expected = ["1", None, "", "2026-01-02"]
    assert canonical(pa.array(values).slice(1)).to_pylist() == expected
    assert canonical(pa.array(values, pa.large_string()).slice(1)).to_pylist() == expected
    assert canonical(pa.chunked_array([values[1:3], values[3:]])).to_pylist() == expected
    assert canonical(pa.array([], pa.string())).to_pylist() == []
    assert canonical(pa.array([None, ""], pa.string())).to_pylist() == [None, ""]


def equal(one: str | None, other: str | None, reading: Reading | None = None, **options: Any) -> bool:
    left, right = compared(pa.array([one, other], pa.string()), Options(**options), reading or Reading()).to_pylist()
    return left == right


def test_the_options_say_what_does_not_count() -> None:
    assert equal("Ä b", "ä B", ignore_case=True)
    assert not equal("Ä b", "ä B")
    assert equal(" a \t\n b", "a\u00a0b ", ignore_space=True)
    assert not equal("a b", "ab", ignore_space=True)
    assert not equal("1.0", "1", ignore_case=True, ignore_space=True)


def test_what_a_side_cannot_tell_is_not_told_of_the_other() -> None:
    both = together(Reading(absent_is_empty=True), Reading(guarded=True))
    assert both == Reading(absent_is_empty=True, guarded=True)
    assert equal(None, "", both)
    assert not equal(None, "")
    assert equal("'=1+1", "=1+1", both)
    assert equal("'-x", "-x", both)
    assert not equal("'=1+1", "=1+1")


def test_only_what_the_export_guards_is_unguarded() -> None:
    values = ["'=a", "'+a", "'-a", "'@a", "'\ta", "'\ra", "'+1", "'-.5", "'a", "''=a", "=a", "", None]
    assert unguarded(pa.array(values)).to_pylist() == [
        *("=a", "+a", "-a", "@a", "\ta", "\ra"),
        *("'+1", "'-.5", "'a", "''=a", "=a", "", None),
    ]
    untouched = pa.array(["a", None])
    assert unguarded(untouched) is untouched


@pytest.mark.parametrize(
    "one, other, tolerance, expected",
    [
        ("1.00", "1.01", 0.01, True),
        ("1.00", "1.0100000000000000000001", 0.01, False),
        ("0.1", "0.3", 0.2, True),
        ("10.004", "10", 0.01, True),
        ("1,000.5", "1000", 0.5, True),
        ("00123", "123", 1.0, False),
        ("1e400", "1e400", 1.0, False),
        ("9" * 400, "9" * 399 + "8", 1.0, True),
        ("9" * 400, "9" * 399 + "7", 1.0, False),
        ("a", "a", 1.0, False),
        (None, "1", 1.0, False),
        ("-1", "1", 1.9, False),
    ],
)
def test_a_tolerance_is_exact(one: str | None, other: str, tolerance: float, expected: bool) -> None:
    assert near(pa.array([one], pa.string()), pa.array([other]), tolerance).tolist() == [expected]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-2000, 2000), st.integers(-2000, 2000)), max_size=8), st.integers(0, 300))
def test_a_tolerance_is_what_decimals_say(pairs: list[tuple[int, int]], tolerance: int) -> None:
    old, new = (pa.array([str(Decimal(pair[side]) / 100) for pair in pairs], pa.string()) for side in (0, 1))
    expected = [abs(one - other) <= tolerance for one, other in pairs]
    assert near(old, new, tolerance / 100).tolist() == expected


def test_a_cell_is_ignored_before_it_is_format_only_and_that_before_it_is_changed() -> None:
    old = pa.array(["a", "1.0", "1.0", "A", "x", None, "2026-01-13"])
    new = pa.array(["b", "1", "1.004", "a", "x ", "", "13-JAN-2026"])
    plain = states(old, new, Options(), Reading())
    changed, written, ignored = CellState.CHANGED, CellState.FORMAT_ONLY, CellState.IGNORED
    assert plain.tolist() == [changed, written, changed, changed, written, changed, written]
    lenient = Options(ignore_case=True, ignore_space=True, numeric_tolerance=0.01)
    found = states(old, new, lenient, Reading(absent_is_empty=True))
    assert found.tolist() == [changed, ignored, ignored, ignored, ignored, ignored, written]
