from __future__ import annotations

import codecs
import io

import pytest

from ret_convert.delimited import delimited_flatten
from ret_convert.errors import Undecodable
from ret_convert.flatten import Flattened, Options


def made(data: bytes, rows: int = 8192) -> tuple[list[dict[str, str | None]], Flattened]:
    flattening = delimited_flatten(lambda: io.BytesIO(data), Options(rows=rows), lambda _: None)
    found = [row for batch in flattening.batches() for row in batch.columns.to_pylist()]
    flattened = flattening.result()
    assert flattened.conserved
    return found, flattened


def test_the_first_row_names_the_columns() -> None:
    rows, flattened = made(b'Id,Word\r\n1,"a ""b"", c"\r\n2,\r\n')
    assert rows == [{"Id": "1", "Word": 'a "b", c'}, {"Id": "2", "Word": ""}]
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
        {"a": "1", "b": None, "column_3": None},
        {"a": "1", "b": "2", "column_3": "3"},
    ]


def test_names_are_made_unique_and_blank_ones_numbered() -> None:
    assert list(made(b"a,a,, b \n1,2,3,4\n")[0][0]) == ["a", "a (2)", "column_3", "b"]


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
