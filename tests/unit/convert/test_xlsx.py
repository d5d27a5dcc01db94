from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils import escape

from ret_convert.arrow import RecordBatch, batch_of
from ret_convert.export import cells, xlsx
from ret_convert.export.ahead import at_once
from ret_convert.export.cells import cut, head, letters, parts, sheet_name, units
from ret_convert.export.xlsx import Page, Workbook
from ret_convert.export.zipping import ZipStream

Columns = list[list[str | None]]


@dataclass
class Given:
    """A table that is open."""

    names: list[str]
    batches: list[RecordBatch]

    @property
    def count(self) -> int:
        return sum(batch.num_rows for batch in self.batches)

    @property
    def size(self) -> int:
        return sum(batch.nbytes for batch in self.batches)

    def __iter__(self) -> Iterator[RecordBatch]:
        return iter(self.batches)


def page(name: str, names: list[str], *batches: Columns) -> Page:
    made = Given(names, [batch_of(columns, names) for columns in batches])
    return Page(name, lambda: nullcontext(made))


def written(*pages: Page) -> list[bytes]:
    out: list[bytes] = []
    archive = ZipStream(out.append)
    made = Workbook()
    for one in pages:
        for op in at_once(made.page(one)):
            op(archive)
    for op in at_once(made.close()):
        op(archive)
    archive.close()
    return out


def book(*pages: Page) -> Any:
    return openpyxl.load_workbook(io.BytesIO(b"".join(written(*pages))))


def rows(sheet: Any) -> list[list[str | None]]:
    return [[None if cell.value is None else escape.unescape(cell.value) for cell in row] for row in sheet.iter_rows()]


def test_cells_are_texts_and_come_back_exactly() -> None:
    words: list[str | None] = ["007", "  padded  ", "=1+1", "1.10", 'a "b" <c> & d', "one\ntwo", "税", "TRUE"]
    sheet = book(page("T", ["Word"], [words])).worksheets[0]
    assert rows(sheet) == [["Word"], *[[word] for word in words]]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.text(min_size=1, max_size=6),
            st.none() | st.text("a_x04F&<>\r\n \t\x02\ufffe\U0001f600=", min_size=1, max_size=9),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_every_cell_comes_back(given_rows: list[tuple[str | None, str | None]]) -> None:
    columns: Columns = [[row[0] for row in given_rows], [row[1] for row in given_rows], ["x"] * len(given_rows)]
    sheet = book(page("T", ["a", "b", "c"], columns)).worksheets[0]
    assert rows(sheet)[1:] == [[*row, "x"] for row in given_rows]


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
    names = [
        "a:b/c",
        "A:B/C",
        "x" * 40,
        "x" * 40,
        "'quoted'",
        "History",
        "",
        "\U0001f600" * 20,
        "\ufffe",
        "y" * 30 + "'z",
    ]
    made = book(*(page(name, ["c"], [["1"]]) for name in names)).sheetnames
    assert len({name.casefold() for name in made}) == len(names)
    assert not [name for name in made if units(name) > 31 or set(name) & set("[]:*?/\\") or "'" in name[0] + name[-1]]
    assert made[0] == "a_b_c"
    assert made[5] == "History (2)"


def test_a_taken_name_is_shortened_for_its_number() -> None:
    assert sheet_name("y" * 31, {"y" * 31}) == "y" * 27 + " (2)"


def test_columns_have_letters() -> None:
    assert [letters(number) for number in (1, 26, 27, 702, 703, 16_384)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


def test_it_is_written_in_constant_pieces() -> None:
    many: list[Columns] = [[[str(n) for n in range(start, start + 1000)]] for start in range(0, 30_000, 1000)]
    sizes = [len(part) for part in written(page("T", ["n"], *many))]
    assert max(sizes) < sum(sizes) / 3


def test_no_formula_and_no_number_is_ever_written() -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(written(page("T", ["=1"], [["=2", "3"]]))))) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    assert b"<f" not in sheet
    assert b"<v" not in sheet
    assert sheet.count(b'<c t="inlineStr">') == 2


def test_the_odd_and_the_plain_of_one_column_are_both_right() -> None:
    words: list[str | None] = ["a&b", None, "x\x02<y>", "", "_x0041_x0042_", "\uffff>", "long" * 9000, "税 "]
    sheet = book(page("T", ["w", "n"], [words, list("12345678")])).worksheets[0]
    found = [row[0] for row in rows(sheet)[1:]]
    assert found[:3] == words[:3]
    assert not found[3]
    assert found[4:6] == words[4:6]
    assert (found[6] or "").endswith(cells.MARK)
    assert found[7] == "税 "


def test_blanks_at_the_ends_are_kept_by_readers_that_would_trim_them() -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(written(page("T", ["a", "b"], [["x "], ["y"]]))))) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    assert b'<t xml:space="preserve">x </t>' in sheet
    assert b"<t>y</t>" in sheet


def test_a_name_of_a_column_that_is_too_long_is_whole_beside_the_long_values() -> None:
    made = book(page("T", ["n" * 40_000], [["1"]]))
    assert units(made["T"]["A1"].value) == 32_767
    assert [cell.value for cell in made["_long values"][2]][:3] == ["T", cut("n" * 40_000), ""]
    assert "".join(cell.value for cell in made["_long values"][2][3:]) == "n" * 40_000


def test_long_values_take_further_rows_and_sheets_where_one_does_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "COLUMNS", 5)
    monkeypatch.setattr(xlsx, "ROWS", 3)
    made = book(page("T", ["a"], [["x" * (32_767 * 5)]]))
    assert made.sheetnames == ["T", "_long values", "_long values (2)"]
    found = [row for sheet in made.worksheets[1:] for row in rows(sheet)[1:]]
    assert [row[2] for row in found] == ["1"] * 3
    assert "".join(cell for row in found for cell in row[3:] if cell) == "x" * (32_767 * 5)


def test_a_table_called_like_the_long_values_is_not_taken_for_them() -> None:
    made = book(page("_long values", ["a"], [["x" * 40_000]]))
    assert made.sheetnames == ["_long values", "_long values (2)"]


def test_a_sheet_that_is_expected_to_be_huge_has_wide_sizes() -> None:
    @dataclass
    class Huge(Given):
        @property
        def size(self) -> int:
            return 5 << 30

    made = Huge(["a"], [batch_of([["1"]], ["a"])])
    with zipfile.ZipFile(io.BytesIO(b"".join(written(Page("T", lambda: nullcontext(made)))))) as archive:
        assert archive.getinfo("xl/worksheets/sheet1.xml").extract_version == 45
        assert archive.getinfo("xl/workbook.xml").extract_version == 20


def test_very_many_columns_are_written_the_same_as_a_few() -> None:
    words: list[str | None] = ["a&b", None, " x", "_x0041_", "l" * 40_000]
    count = 300
    columns: Columns = [[words[(number + row) % len(words)] for row in range(4)] for number in range(count)]
    made = book(page("T", [f"c{number}" for number in range(count)], columns))
    expected = [[cut(cell) if (cell := column[row]) else None for column in columns] for row in range(4)]
    assert rows(made["T"])[1:] == expected
    assert len(rows(made["_long values"])) == 1 + sum(cell == "l" * 40_000 for column in columns for cell in column)
