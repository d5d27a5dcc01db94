"""The last rung: lines, and what just is none of them."""

from __future__ import annotations

import codecs
import io

import pytest
from convert_documents import taken
from convert_ladder import ROWS, climbed, doc

from ret_convert.flatten import Options
from ret_convert.ladder import lines
from ret_convert.ladder.lines import LinesFlattening


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \r\n\t ",
        b"Dear all,\nthis is no markup.\nRegards\n",
        b"\0" * 5000,
        bytes(range(256)) * 40,
        b"<" * 5000,
        b'<a k="' * 5000,
        b"a <b and c> d\n" * 20,
        b"<?xml version='1.0'?>",
        b"\xff\xfe",
        b"\xed\xa0",
        codecs.BOM_UTF8,
    ],
)
def test_what_is_no_markup_is_given_line_by_line(body: bytes) -> None:
    one = climbed(body)
    assert (one.method, one.codes) == ("lines", ["XML_AS_LINES"])
    assert [column.name for column in one.landed.flattened.tables[0].columns] == ["line", "text"]


def text_of(body: bytes) -> list[tuple[str | None, str | None]]:
    made = taken(LinesFlattening(lambda: io.BytesIO(body), Options(rows=2), lambda _: None))
    assert made.flattened.conserved
    return [(row["line"], row["text"]) for row in made.main]


def test_lines_have_their_numbers_whatever_ends_them() -> None:
    assert text_of(b"a\n\n  b \r\nc\rd") == [("1", "a"), ("3", "  b "), ("4", "c"), ("5", "d")]


def test_a_line_too_long_for_a_cell_goes_into_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 4)
    monkeypatch.setattr(lines, "CHARACTERS", 3)
    assert text_of(b"abcdefghi\nj") == [("1", "abcd"), ("1", "efgh"), ("1", "i"), ("2", "j")]


def test_any_bytes_are_text_and_none_is_lost() -> None:
    assert text_of(bytes([0, 1, 0x80, 0x81, 0xE9, 0xFF])) == [("1", "\0\x01€\x81éÿ")]


def test_bytes_that_are_nothing_are_counted() -> None:
    flattening = LinesFlattening(
        lambda: io.BytesIO("ab\ud800c".encode("utf-16", "surrogatepass")), Options(), lambda _: None
    )
    assert [*flattening.batches()]
    assert flattening.kept == 0.75


def test_results_wait_for_their_batches() -> None:
    flattening = LinesFlattening(lambda: io.BytesIO(b"x"), Options(), lambda _: None)
    with pytest.raises(RuntimeError, match="taken"):
        flattening.result()


def test_very_many_open_tags_are_a_table() -> None:
    one = climbed("<a>" * 3_000)
    assert one.method == "recovered"


def test_an_attribute_without_an_end_is_a_table_however_long() -> None:
    one = climbed(f'{doc()[:-8]}<Item k="{"x" * 300_000}')
    assert one.method == "salvaged"
    assert [{name: row.get(name) for name in ("A", "B")} for row in one.main[:2]] == ROWS
    assert "x" * 300_000 in one.cells
