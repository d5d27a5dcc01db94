from __future__ import annotations

import io
import re
from typing import Any

import openpyxl
import pytest
from openpyxl.utils import escape

from ret_convert.arrow import RecordBatch, batch_of
from ret_convert.export import cells, xlsx
from ret_convert.export.cells import cut, head, letters, parts, sheet_name, units
from ret_convert.export.xlsx import Page, Workbook
from ret_convert.export.zipping import ZipStream

Columns = list[list[str | None]]


def page(name: str, names: list[str], *batches: Columns) -> Page:
    made: list[RecordBatch] = [batch_of(columns, names) for columns in batches]
    return Page(name, names, sum(batch.num_rows for batch in made), lambda: iter(made))


def book(*pages: Page) -> Any:
    out = io.BytesIO()
    archive = ZipStream(out.write)
    made = Workbook(archive)
    for one in pages:
        made.page(one)
    made.close()
    archive.close()
    return openpyxl.load_workbook(out)


def rows(sheet: Any) -> list[list[str | None]]:
    return [[None if cell.value is None else escape.unescape(cell.value) for cell in row] for row in sheet.iter_rows()]


def test_cells_are_texts_and_come_back_exactly() -> None:
    words: list[str | None] = ["007", "  padded  ", "=1+1", "1.10", 'a "b" <c> & d', "one\ntwo", "税", "TRUE"]
    sheet = book(page("T", ["Word"], [words])).worksheets[0]
    assert rows(sheet) == [["Word"], *[[word] for word in words]]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}


def test_absent_cells_are_empty_and_the_others_stay_in_their_columns() -> None:
    sheet = book(page("T", ["a", "b", "c"], [["1", None], [None, None], ["x", "y"]])).worksheets[0]
    assert rows(sheet)[1:] == [["1", None, "x"], [None, None, "y"]]


def test_the_header_is_frozen_and_filtered_and_columns_have_widths() -> None:
    sheet = book(page("T", ["Id", "Description"], [["1"], ["w" * 200]])).worksheets[0]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B2"
    assert sheet.column_dimensions["B"].width == 60
    assert sheet["A1"].font.bold


def test_control_characters_and_what_looks_like_an_escape_come_back() -> None:
    words: list[str | None] = ["a\x01b", "_x0041_", "c\rd", "\ufffe", "_x00"]
    made = rows(book(page("T", ["w"], [words])).worksheets[0])
    assert [row[0] for row in made[1:]] == words


def test_a_value_that_is_too_long_is_cut_with_a_mark_and_whole_on_a_sheet_of_its_own() -> None:
    long = "".join(f"{n:05d}" for n in range(20_000))  # 100,000 characters
    made = book(page("T", ["a", "b"], [["1", "2"], ["x", long]]))
    assert made.sheetnames == ["T", "_long values"]
    shown = made["T"]["B3"].value
    assert len(shown) == 32_767
    assert shown.endswith(cells.MARK)
    values = [cell.value for cell in made["_long values"][2]]
    assert values[:3] == ["T", "b", "2"]
    assert "".join(values[3:]) == long


def test_length_is_counted_as_spreadsheets_count_it() -> None:
    assert units("a\U0001f600") == 3
    assert cut("\U0001f600" * 16_383) == "\U0001f600" * 16_383
    assert units(cut("\U0001f600" * 16_384)) <= 32_767
    assert head("\U0001f600" * 4, 5) == "\U0001f600" * 2
    assert [units(part) for part in parts("\U0001f600" * 20_000)] == [32_766, 7_234]


def test_more_rows_than_a_sheet_takes_go_to_further_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS", 4)
    made = book(page("T", ["n"], [["1", "2"]], [["3", "4", "5", "6", "7"]]))
    assert made.sheetnames == ["T", "T (2)", "T (3)"]
    assert [rows(sheet) for sheet in made.worksheets] == [
        [["n"], ["1"], ["2"], ["3"]],
        [["n"], ["4"], ["5"], ["6"]],
        [["n"], ["7"]],
    ]
    assert made.worksheets[2].auto_filter.ref == "A1:A2"


def test_exactly_as_many_rows_as_a_sheet_takes_are_one_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS", 4)
    assert book(page("T", ["n"], [["1", "2", "3"]])).sheetnames == ["T"]


def test_more_columns_than_a_sheet_takes_go_to_further_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "COLUMNS", 2)
    made = book(page("T", ["a", "b", "c"], [["1"], ["2"], ["3"]]))
    assert [rows(sheet) for sheet in made.worksheets] == [[["a", "b"], ["1", "2"]], [["c"], ["3"]]]


def test_a_table_without_rows_is_a_sheet_with_its_names() -> None:
    assert rows(book(page("T", ["a", "b"], [[], []])).worksheets[0]) == [["a", "b"]]
    assert rows(book(page("T", ["a"])).worksheets[0]) == [["a"]]


def test_sheet_names_are_legal_short_and_unique() -> None:
    names = ["a:b/c", "A:B/C", "x" * 40, "x" * 40, "'quoted'", "History", "", "\U0001f600" * 20]
    made = book(*(page(name, ["c"], [["1"]]) for name in names)).sheetnames
    assert len({name.casefold() for name in made}) == len(names)
    assert not [name for name in made if units(name) > 31 or set(name) & set("[]:*?/\\") or name[0] == "'"]
    assert made[0] == "a_b_c"
    assert made[5] == "History (2)"


def test_a_taken_name_is_shortened_for_its_number() -> None:
    assert sheet_name("y" * 31, {"y" * 31}) == "y" * 27 + " (2)"


def test_columns_have_letters() -> None:
    assert [letters(number) for number in (1, 26, 27, 702, 703, 16_384)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


def test_it_is_written_in_constant_pieces() -> None:
    sizes: list[int] = []
    archive = ZipStream(lambda data: sizes.append(len(data)))
    made = Workbook(archive)
    many = [batch_of([[str(n) for n in range(start, start + 1000)]], ["n"]) for start in range(0, 30_000, 1000)]
    made.page(Page("T", ["n"], 30_000, lambda: iter(many)))
    made.close()
    archive.close()
    assert max(sizes) < sum(sizes) / 3


def test_no_formula_and_no_number_is_ever_written() -> None:
    out: list[bytes] = []
    archive = ZipStream(out.append)
    made = Workbook(archive)
    made.page(page("T", ["=1"], [["=2", "3"]]))
    made.close()
    archive.close()
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(out)), read_only=False)
    assert not re.search("<f>", str(sheet.worksheets[0]._cells))
    assert [[cell.value for cell in row] for row in sheet.worksheets[0]] == [["=1"], ["=2"], ["3"]]
