from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret_convert import delimited
from ret_convert.batch import Batch
from ret_convert.delimited import delimited_flatten
from ret_convert.errors import Undecodable
from ret_convert.flatten import Flattened, Options
from ret_convert.grid import Cells
from ret_convert.layout import TablePlan


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


def tables(data: bytes) -> dict[str, list[list[str | None]]]:
    """Every table by name, its names first."""
    flattening = delimited_flatten(lambda: io.BytesIO(data), Options(), lambda _: None)
    found: dict[str, list[list[str | None]]] = {}
    for one in flattening.batches():
        rows = found.setdefault(one.table.name, [[column.name for column in one.table.columns]])
        rows.extend([*row.values()] for row in one.columns.to_pylist())
    assert flattening.result().conserved
    return found


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_nothing_is_absent_and_two_marks_are_an_empty_text(end: bytes) -> None:
    expected: list[dict[str, str | None]] = [{"a": "", "b": None, "c": ""}, {"a": None, "b": "", "c": None}]
    assert made(b'a,b,c\n"",,""\n,"",' + end)[0] == expected
    # The same where rows are read one by one, since a mark stands inside a text.
    assert made(b'a,b,c\n"",,""\n,"",\nx"y,,' + end)[0][:2] == expected


def test_leading_zeros_and_blanks_stay() -> None:
    assert made(b"a,b\n007, x \n1e5,0x1F\n")[0] == [{"a": "007", "b": " x "}, {"a": "1e5", "b": "0x1F"}]


def test_a_file_without_names_gets_numbers_for_names() -> None:
    assert tables(b"1,Smith,2024-01-02\n2,Miller,2024-01-03\n") == {
        "rows": [["Column 1", "Column 2", "Column 3"], ["1", "Smith", "2024-01-02"], ["2", "Miller", "2024-01-03"]]
    }


@pytest.mark.parametrize(
    "names",
    [b"name,2019,2020", b"name,2024-01-01,2024-02-01", b"Id,Word,Flag", b"a,a,", b"x,y,z"],
)
def test_names_may_be_years_or_dates_over_numbers(names: bytes) -> None:
    assert tables(names + b"\n7,8,9\nx,8,9\n")["rows"][1:] == [["7", "8", "9"], ["x", "8", "9"]]


def test_a_name_that_looks_like_a_numbered_one_stays_the_first_of_its_name() -> None:
    assert tables(b"a,a,a (2),Column 5,\n")["rows"] == [["a", "a (3)", "a (2)", "Column 5", "Column 5 (2)"]]


def test_title_lines_of_a_report_are_a_table_of_their_own() -> None:
    data = b"AR Aging Report\nRun date:,2024-01-02\n\nId,Name,Name,Amount,Due\n1,x,,2.5,\n2,y,z,3,4\n"
    assert tables(data) == {
        "_document": [["Column 1", "Column 2"], ["AR Aging Report", None], ["Run date:", "2024-01-02"]],
        "rows": [
            ["Id", "Name", "Name (2)", "Amount", "Due"],
            ["1", "x", None, "2.5", None],
            ["2", "y", "z", "3", "4"],
        ],
    }


def test_titles_filled_up_with_delimiters_are_titles_too() -> None:
    assert [*tables(b"Report,,,\n,,,\nId,Name,A,B\n1,2,3,4\n")] == ["_document", "rows"]


def test_short_rows_above_data_without_names_are_rows() -> None:
    assert [*tables(b"1,,,\n1,2,3,4\n5,6,7,8\n")] == ["rows"]


def test_so_many_titles_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_convert.grid.TITLES", 2)
    assert [*tables(b"x\n" * 3 + b"a,b,c,d\n" * 4)] == ["rows"]


@pytest.mark.parametrize(
    "text,delimiter",
    [
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("Report: open, and due\na;b\n1;2\n3;4\n", ";"),
        ("a|b\nx, y|z\n", "|"),
        ("alone\n1\n", ","),
        ("", ","),
    ],
)
def test_the_delimiter_is_the_one_that_lines_agree_on(text: str, delimiter: str) -> None:
    assert delimited.delimiter_of(text) == delimiter


def test_what_excel_is_told_about_the_delimiter_is_no_row() -> None:
    assert made(b"sep=;\r\na,b;c\r\n1;2\r\n")[0] == [{"a,b": "1", "c": "2"}]


@pytest.mark.parametrize(
    "text,encoding",
    [
        ("品目,数量\n田中商店,3\nりんご,5\n", "cp932"),
        ("ｶﾅ,数値\nｱｲｳ,3\n", "cp932"),
        ("Prénom,Ville\nRené,Orléans\nAndré,Nîmes\n", "cp1252"),
        ("it\u2019s,\u201cquoted\u201d\n\u2013,€\n", "cp1252"),
        ("Größe,Straße\nÄÖÜ,ß\n", "latin-1"),
        ("a,é\n", "utf-32"),
        ("a,é\n", "utf-16"),
    ],
)
def test_western_and_japanese_text_is_told_apart(text: str, encoding: str) -> None:
    names = text.splitlines()[0].split(",")
    assert tables(text.encode(encoding))["rows"][0] == names


def feed(monkeypatch: pytest.MonkeyPatch, *pieces: bytes) -> None:
    """Let every file come in these pieces."""

    def utf8(*_: object, **__: object) -> Iterator[bytes]:
        yield from pieces

    monkeypatch.setattr(delimited, "utf8", utf8)


def test_a_long_file_is_read_in_blocks_whatever_their_borders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK", 50)
    lines = [f'{n},"a ""{n}""\n b",é{n % 3}' for n in range(300)]
    data = "\n".join(["n,t,e", *lines]).encode()
    feed(monkeypatch, *(data[at : at + 7] for at in range(0, len(data), 7)))
    rows, flattened = made(data, rows=16)
    assert rows == [{"n": str(n), "t": f'a "{n}"\n b', "e": f"é{n % 3}"} for n in range(300)]
    assert flattened.warnings == []


def test_after_the_first_improper_block_all_is_read_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK", 8)
    feed(monkeypatch, b"a,b\n1,2\n", b'3,x"y\n4', b',5\n"6,', b"7\n")
    assert plain(b"") == [["a", "b"], ["1", "2"], ["3", 'x"y'], ["4", "5"], ['"6', "7"]]


def test_a_mark_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK", 4)
    monkeypatch.setattr(delimited, "AHEAD", 12)
    feed(monkeypatch, b'a\n"1\n', b"2222\n", b"3333\n", b"4444\n")
    assert plain(b"") == [["a"], ['"1'], ["2222"], ["3333"], ["4444"]]


def test_a_lost_cell_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = delimited.batch

    def careless(table: TablePlan, rows: list[Cells]) -> Batch:
        return real(table, rows[1:])

    monkeypatch.setattr(delimited, "batch", careless)
    flattening = delimited_flatten(lambda: io.BytesIO(b"a,b\nx,y\nz\n"), Options(), lambda _: None)
    assert sum(one.columns.num_rows for one in flattening.batches()) == 1
    assert not flattening.result().conserved


def test_progress_rises_to_the_size_of_the_file() -> None:
    told: list[int] = []
    flattening = delimited_flatten(lambda: io.BytesIO(b"a\n" * 100), Options(), told.append)
    assert len([*flattening.batches()]) == 1
    assert told[-1] == 200


CELLS = st.lists(st.lists(st.text(alphabet='ab1,;"\n\r |\t é', max_size=6), min_size=3, max_size=3), min_size=1)


@given(CELLS)
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([["x", "y", "z"], *rows])
    assert tables(out.getvalue().encode())["rows"] == [["x", "y", "z"], *rows]
