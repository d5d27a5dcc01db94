from __future__ import annotations

import codecs
import io

import pytest

from ret_convert import delimited
from ret_convert.delimited import delimited_flatten
from ret_convert.errors import Undecodable
from ret_convert.flatten import Flattened, Options


def plain(data: bytes) -> list[list[str | None]]:
    """The rows of a file that has lines with unclosed marks, its names first; it says so."""
    rows, flattened = made(data)
    assert [warning.code for warning in flattened.warnings] == ["QUOTE_UNCLOSED"]
    return [[column.name for column in flattened.tables[0].columns], *([*row.values()] for row in rows)]


def made(data: bytes, rows: int = 8192) -> tuple[list[dict[str, str | None]], Flattened]:
    flattening = delimited_flatten(lambda: io.BytesIO(data), Options(rows=rows), lambda _: None)
    found = [row for batch in flattening.batches() for row in batch.columns.to_pylist()]
    flattened = flattening.result()
    assert flattened.conserved
    return found, flattened


def test_the_first_row_names_the_columns() -> None:
    rows, flattened = made(b'Id,Word\r\n1,"a ""b"", c"\r\n2,\r\n')
    assert rows == [{"Id": "1", "Word": 'a "b", c'}, {"Id": "2", "Word": None}]
    assert [table.name for table in flattened.tables] == ["rows"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_of_the_first_line(delimiter: str) -> None:
    assert made(delimiter.join("abc").encode() + b"\n" + delimiter.join("123").encode())[0] == [
        {"a": "1", "b": "2", "c": "3"}
    ]


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + "Wört\nä\n".encode(),
        "Wört\nä\n".encode(),
        "Wört\nä\n".encode("cp1252"),
        "Wört\nä\n".encode("utf-16"),
    ],
)
def test_encodings_are_told_by_their_bytes(data: bytes) -> None:
    assert made(data)[0] == [{"Wört": "ä"}]


def test_text_that_only_begins_in_utf_8_is_read_as_windows_writes_it() -> None:
    data = b"a\n" + b"x\n" * 40_000 + "é\n".encode("cp1252")
    assert made(data)[0][-1] == {"a": "é"}


def test_broken_utf_16_is_refused() -> None:
    with pytest.raises(Undecodable) as refused:
        made(codecs.BOM_UTF16_LE + b"a\x00b")
    assert refused.value.code == "ENCODING_UNKNOWN"
    assert "encoding" in refused.value.detail


def test_rows_longer_than_the_first_get_columns_of_their_own_and_shorter_ones_are_absent_there() -> None:
    assert made(b"a,b\n1\n1,2,3\n")[0] == [
        {"a": "1", "b": None, "Column 3": None},
        {"a": "1", "b": "2", "Column 3": "3"},
    ]


def test_names_are_made_unique_and_blank_ones_numbered() -> None:
    assert list(made(b"a,a,, b \n1,2,3,4\n")[0][0]) == ["a", "a (2)", "Column 3", "b"]


def test_blank_lines_are_no_rows() -> None:
    assert len(made(b"a,b\n\n1,2\n\n3,4\n")[0]) == 2


def test_nothing_but_names_is_a_table_without_rows() -> None:
    rows, flattened = made(b"a,b\n")
    assert rows == []
    assert len(flattened.tables[0].columns) == 2


def test_an_empty_file_is_a_table_without_rows() -> None:
    assert made(b"")[0] == []


def test_long_files_come_in_batches() -> None:
    flattening = delimited_flatten(lambda: io.BytesIO(b"a\n" + b"1\n" * 5), Options(rows=2), lambda _: None)
    assert [batch.columns.num_rows for batch in flattening.batches()] == [2, 2, 1]


def test_there_is_no_result_before_the_last_batch() -> None:
    with pytest.raises(RuntimeError):
        delimited_flatten(lambda: io.BytesIO(b""), Options(), lambda _: None).result()


@pytest.mark.parametrize(
    "line, names",
    [
        (b'"a;b;c",d', ["a;b;c", "d"]),
        (b'"a,b";"c,d"', ["a,b", "c,d"]),
        (b'"a,\nb,c";d', ["a,\nb,c", "d"]),
        (b'5" pipe|"a;b;c"', ['5" pipe', "a;b;c"]),
    ],
)
def test_the_delimiter_is_looked_for_outside_quotation_marks(line: bytes, names: list[str]) -> None:
    rows, flattened = made(line + b"\n")
    assert (rows, flattened.warnings) == ([], [])
    assert [column.name for column in flattened.tables[0].columns] == names


def test_a_quotation_mark_without_an_end_swallows_no_line() -> None:
    assert plain(b'a,b\n1,"two\n3,"f, g"\n5,6\n') == [["a", "b"], ["1", '"two'], ["3", "f, g"], ["5", "6"]]
    assert plain(b'"a,b\n1,2\n3,4') == [['"a', "b"], ["1", "2"], ["3", "4"]]


def test_cells_of_a_tsv_may_begin_with_a_quotation_mark() -> None:
    data = b'size\tof\n"5 inch\tpipe\n6\tpipe\n"7 inch\t"big" pipe\n8\t""\n'
    assert plain(data) == [["size", "of"], ['"5 inch', "pipe"], ["6", "pipe"], ['"7 inch', '"big" pipe'], ["8", ""]]


def test_a_cell_may_be_many_lines_long() -> None:
    text = "line\r\n" * 5000
    rows, flattened = made(f'a,b\r\n1,"{text}"\r\n2,"{text}"'.encode())
    assert rows == [{"a": "1", "b": text}, {"a": "2", "b": text}]
    assert flattened.warnings == []


def test_a_file_full_of_unclosed_marks_is_read_in_time_that_follows_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "AHEAD", 1000)
    # Each line by itself opens a cell that none of the others closes.
    rows = plain(b"n,m\n" + b'x","y\n' * 20_000)
    assert rows[1:] == [['x"', '"y']] * 20_000


def test_the_end_of_a_mark_is_not_looked_for_through_a_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "AHEAD", 10)
    assert plain(b'a\n"1\n' + b"2222\n" * 4 + b'3"\nx"y\n')[:3] == [["a"], ['"1'], ["2222"]]


def test_bytes_that_windows_1252_has_no_character_for_are_kept() -> None:
    assert made(b"a\x81,b\n\x8d\xe9,\x90\n")[0] == [{"a\x81": "\x8dé", "b": "\x90"}]


def test_the_names_are_counted_among_the_values() -> None:
    assert made(b"a,,a\n1,2,3\n")[1].values.count == 5


def test_very_many_equal_names_are_numbered() -> None:
    names = [column.name for column in made(b",".join([b"a"] * 40_000))[1].tables[0].columns]
    assert names[-1] == "a (40000)"
