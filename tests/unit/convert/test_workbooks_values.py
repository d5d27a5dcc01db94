"""Numbers, days and durations as text."""

from __future__ import annotations

import pytest

from ret_convert.workbooks.values import duration, moment, number


@pytest.mark.parametrize(
    "written,text",
    [
        ("12", "12"),
        ("12.0", "12"),
        ("0.1", "0.1"),
        ("-0.50", "-0.5"),
        ("1E3", "1000"),
        ("0.30000000000000004", "0.3"),
        ("0.1234567890123456", "0.1234567890123456"),
        ("123456789012345678", "123456789012345678"),
        ("1.5E+300", "1.5E+300"),
        ("1E-7", "0.0000001"),
        ("1e-12", "1E-12"),
        ("0.0", "0"),
        ("INF", "INF"),
        ("n/a", "n/a"),
    ],
)
def test_numbers_are_told_without_noise(written: str, text: str) -> None:
    assert number(written) == text


@pytest.mark.parametrize(
    "serial,kind,text",
    [
        ("1", "date", "1900-01-01"),
        ("59", "date", "1900-02-28"),
        ("60", "date", "1900-02-29"),
        ("61", "date", "1900-03-01"),
        ("2958465", "date", "9999-12-31"),
        ("2958466", "date", "2958466"),
        ("-1", "date", "-1"),
        ("0.5", "date", "12:00:00"),
        ("45000", "datetime", "2023-03-15T00:00:00"),
        ("45000.25", "date", "2023-03-15T06:00:00"),
        ("0.000011574", "time", "00:00:01"),
        ("45000.0000057870370", "datetime", "2023-03-15T00:00:00.5"),
        ("-0.5", "elapsed", "-0.5"),
        ("x", "date", "x"),
    ],
)
def test_serial_numbers_are_days(serial: str, kind: str, text: str) -> None:
    assert moment(serial, kind) == text


@pytest.mark.parametrize(
    "written,text",
    [
        ("PT03H04M05S", "03:04:05"),
        ("PT30H", "PT30H0M0S"),
        ("P1DT1H", "PT25H0M0S"),
        ("PT0,5S", "00:00:00.5"),
        ("-PT1H", "-PT1H"),
    ],
)
def test_durations_below_a_day_are_times(written: str, text: str) -> None:
    assert duration(written) == text
