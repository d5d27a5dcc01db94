from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ret_convert.arrow import RecordBatch, batch_of
from ret_convert.export import json as json_export
from ret_convert.export.columns import pieces
from ret_convert.export.csv import guarded, head, lines

Cells = list[list[str | None]]


def text(names: list[str], columns: Cells, *, raw: bool = True, bom: bool = True) -> bytes:
    return head(names, raw=raw, bom=bom) + lines(batch_of(columns, names), raw=raw)


def as_json(*batches: RecordBatch) -> bytes:
    made = [json_export.rows(one, one.schema.names, first=not at) for at, one in enumerate(batches) if one.num_rows]
    return b"[" + b"".join(made) + json_export.end(empty=not made)


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_it_begins_with_a_byte_order_mark_and_its_lines_end_in_crlf() -> None:
    data = text(["Id", "Word"], [["1", "2"], ["a", "b\nc"]])
    assert data == b'\xef\xbb\xbfId,Word\r\n1,a\r\n2,"b\nc"\r\n'


def test_quotes_delimiters_and_breaks_are_quoted() -> None:
    words: list[str | None] = ['a "b"', "c,d", "e\rf", " g "]
    assert [row[1] for row in read(text(["n", "w"], [["1"] * 4, words]))[1:]] == words


def test_absent_and_empty_differ_in_the_text() -> None:
    assert text(["a", "b"], [["x", "y"], [None, ""]]).splitlines()[1:] == [b"x,", b'y,""']


def test_a_row_of_a_single_column_is_never_an_empty_line() -> None:
    assert read(text(["a"], [["x", None, ""]])) == [["a"], ["x"], [""], [""]]


@pytest.mark.parametrize(
    "risky", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "-", "+-5", "=5", "-1e5"]
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(risky: str) -> None:
    assert read(text(["n", "w"], [["1"], [risky]], raw=False))[1][1] == "'" + risky
    assert read(text(["n", "w"], [["1"], [risky]]))[1][1] == risky
    assert guarded(risky) == "'" + risky


@pytest.mark.parametrize("plain", ["-5", "+5", "1.10", "-.5", "5.", "-12345678901234567890", "x=1", "", "'a"])
def test_plain_numbers_and_other_texts_stay(plain: str) -> None:
    assert read(text(["n", "w"], [["1"], [plain]], raw=False))[1][1] == plain
    assert guarded(plain) == plain


def test_names_are_guarded_like_cells() -> None:
    assert read(text(["@id", "=1"], [["1"], ["2"]], raw=False))[0] == ["'@id", "'=1"]
    assert read(text(["@id", "=1"], [["1"], ["2"]]))[0] == ["@id", "=1"]


def test_a_table_without_rows_is_its_names() -> None:
    assert text(["a", "b"], [[], []]) == b"\xef\xbb\xbfa,b\r\n"


def test_long_batches_become_text_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_convert.export.columns.PIECE_CELLS", 3)
    whole = batch_of([["x" * 20, "y" * 20, "", None] * 3], ["a"])
    parts = list(pieces(whole))
    assert len(parts) > 3
    assert b"".join(lines(part, raw=True) for part in parts) == lines(whole, raw=True)


def test_the_byte_order_mark_can_be_left_out() -> None:
    assert text(["a"], [["1"]], bom=False) == b"a\r\n1\r\n"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), st.text('a,"\r\n ', max_size=5)), min_size=1, max_size=5))
def test_every_text_comes_back(rows: list[tuple[str, str]]) -> None:
    columns: Cells = [[row[0].replace("\0", "") for row in rows], [row[1] for row in rows]]
    data = text(["a", "b"], columns)
    assert read(data)[1:] == [list(row) for row in zip(*columns, strict=True)]


def test_json_has_a_row_an_object_without_absent_cells() -> None:
    batches = [batch_of([["1", "é"], [None, ""]], ["a", "b"]), batch_of([["3"], ["x"]], ["a", "b"])]
    data = as_json(*batches)
    assert json.loads(data) == [{"a": "1"}, {"a": "é", "b": ""}, {"a": "3", "b": "x"}]
    assert "é".encode() in data


def test_json_of_no_rows_is_an_empty_array() -> None:
    assert json.loads(as_json(batch_of([[]], ["a"]))) == []


def test_json_escapes_what_it_must_and_a_row_without_cells_is_an_empty_object() -> None:
    words: list[str | None] = ['a "b" \\ c', "".join(map(chr, range(33))), "\u2028\ufffe", None]
    batch = batch_of([words], ['na"me'])
    found = json.loads(as_json(batch))
    assert found == [{'na"me': word} for word in words[:3]] + [{}]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.none() | st.text(max_size=5), st.text('a"\\\n\0', max_size=5)), min_size=1, max_size=5))
def test_json_gives_every_text_back(rows: list[tuple[str | None, str]]) -> None:
    batch = batch_of([[row[0] for row in rows], [row[1] for row in rows]], ["a", "b"])
    expected = [{"b": b} if a is None else {"a": a, "b": b} for a, b in rows]
    assert json.loads(as_json(batch)) == expected


def test_very_many_columns_are_written_the_same_as_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    columns: Cells = [["a,b", None, "", "=1"], [None, None, "x\ny", "-5"], ["税", '"', "1", None]]
    names = ["a", 'b"', "c"]
    narrow = text(names, columns, raw=False), text(names, columns), as_json(batch_of(columns, names))
    monkeypatch.setattr("ret_convert.export.columns.WIDE", 2)
    wide = text(names, columns, raw=False), text(names, columns), as_json(batch_of(columns, names))
    assert wide == narrow
    assert text(names, [[], [], []]) == head(names, raw=True, bom=True)
