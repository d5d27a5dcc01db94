"""Workbooks as Excel writes them: what is in their cells."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest
from workbook_reading import cells, read, sheet, tables
from workbook_samples import SHEET, packed, xlsx

from ret_convert.flatten import Options
from ret_convert.spreadsheets import WorkbookFlattening
from ret_convert.workbooks import package
from ret_convert.workbooks import xlsx as xlsx_module
from ret_convert.workbooks.values import unescaped


def test_what_openpyxl_writes_is_read_as_a_person_would() -> None:
    book = openpyxl.Workbook()
    book.active.title = "Sales"  # pyright: ignore[reportOptionalMemberAccess] - a new workbook has one
    main = book["Sales"]
    main.append(["Id", "Amount", "When", "Day", "Flag", "Error"])
    main.append(["007", 0.1, dt.datetime(2024, 1, 2, 3, 4, 5), dt.date(2024, 1, 2), True, "#N/A"])  # noqa: DTZ001 - none
    main.append([" x ", 12, dt.datetime(2024, 1, 2), dt.time(3, 4, 5), False, "a\nb"])  # noqa: DTZ001 - none
    main.append([])
    main.append(["ü", 12345678901234567890, None, dt.timedelta(hours=30)])
    main["H9"].number_format = "0.00"
    main.merge_cells("A6:B7")
    main["A6"] = "merged"
    hidden = book.create_sheet("Hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["k", "v"])
    hidden.append(["a", 1])
    book.create_sheet("Empty")
    book.create_chartsheet("Chart")
    out = io.BytesIO()
    book.save(out)
    found, flattened = read(out.getvalue())
    assert found == {
        "Sales": [
            ["Id", "Amount", "When", "Day", "Flag", "Error"],
            ["007", "0.1", "2024-01-02T03:04:05", "2024-01-02", "TRUE", "#N/A"],
            [" x ", "12", "2024-01-02T00:00:00", "03:04:05", "FALSE", "a\nb"],
            [None] * 6,
            ["ü", "12345678901234570000", None, "PT30H0M0S", None, None],
            ["merged", None, None, None, None, None],
        ],
        "Hidden": [["k", "v"], ["a", "1"]],
    }
    assert [(table.name, table.role) for table in flattened.tables] == [("Sales", "main"), ("Hidden", "child")]
    assert flattened.conserved


def test_cells_keep_their_columns_with_or_without_references() -> None:
    rows = '<row><c t="str"><v>a</v></c><c r="D1" t="str"><v>b</v></c><c t="str"><v>c</v></c></row>'
    rows += '<row r="3"><c r="B3"><v>1</v></c></row>'
    assert sheet(xlsx(rows)) == [
        ["a", "Column 2", "Column 3", "b", "c"],
        [None] * 5,
        [None, "1", None, None, None],
    ]


def test_numbers_stand_as_they_are_stored_and_formulas_with_their_result() -> None:
    rows = '<row><c t="str"><v>n</v></c></row>'
    written = ["12345678901234567890", "0.30000000000000004", "1.1000000000000001", "1E-3", "-7"]
    rows += "".join(f"<row><c><f>1+1</f><v>{one}</v></c></row>" for one in written)
    rows += '<row><c t="e"><f>1/0</f><v>#DIV/0!</v></c></row><row><c t="d"><v>2024-01-02T03:04:05Z</v></c></row>'
    rows += "<row><c><f>A1</f></c></row><row><c><v>8</v></c></row>"
    found = [row[0] for row in sheet(xlsx(rows))[1:]]
    assert found[:5] == ["12345678901234567890", "0.3", "1.1", "0.001", "-7"]
    assert found[5:] == ["#DIV/0!", "2024-01-02T03:04:05Z", None, "8"]


def test_shared_strings_are_read_without_their_reading_aids() -> None:
    strings = (
        "<si><r><t>na</t></r><r><t>me</t></r><rPh><t>phonetic</t></rPh></si><si><t> 1_x000D_\n2 </t></si><si><t/></si>"
    )
    rows = '<row><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row><row><c t="s"><v>2</v></c></row>'
    assert sheet(xlsx(rows, strings=strings)) == [["name"], [" 1\r\n2 "], [""]]


def test_an_empty_text_is_one_and_an_empty_result_of_a_formula_makes_no_row() -> None:
    rows = cells("a", "b") + '<row><c t="inlineStr"><is><t></t></is></c><c/></row>'
    assert sheet(xlsx(rows + '<row><c t="str"><f>x</f><v></v></c></row>')) == [["a", "b"], ["", None]]


def test_escapes_are_decoded_as_excel_does() -> None:
    assert unescaped("_x0041__x005F_x0041_ _xD83D__xDE00_ _x1_") == "A_x0041_ \N{GRINNING FACE} _x1_"


@pytest.mark.parametrize("since", ["0", "1"])
def test_dates_follow_format_and_calendar(since: str) -> None:
    codes = [
        "yyyy-mm-dd",
        "h:mm",
        "d.m.yy hh:mm",
        "[h]:mm:ss",
        '0 "days"',
        "General",
        '[Red]"d"0.0',
        "mm:ss.0",
        "mmm",
        "@",
    ]
    formats = "".join(f'<numFmt numFmtId="{200 + at}" formatCode="{quoted(code)}"/>' for at, code in enumerate(codes))
    used = "".join(f'<xf numFmtId="{one}"/>' for one in [*range(200, 210), 14, 22, 46, 0])
    styles = f"<numFmts>{formats}</numFmts><cellStyleXfs><xf numFmtId='14'/></cellStyleXfs><cellXfs>{used}</cellXfs>"
    rows = cells("x") + "".join(f'<row><c s="{at}"><v>45000.5</v></c></row>' for at in range(15))
    found = [row[0] for row in sheet(xlsx(rows, formats=styles, head=f'<workbookPr date1904="{since}"/>'))[1:]]
    day = "2027-03-16" if since == "1" else "2023-03-15"
    noon = f"{day}T12:00:00"
    number_of = "45000.5"
    own = [noon, noon, noon, "PT1080012H0M0S", number_of, number_of, number_of, noon, noon, number_of]
    assert found == [*own, noon, noon, "PT1080012H0M0S", number_of, number_of]


def quoted(code: str) -> str:
    return code.replace('"', "&quot;")


def test_parts_are_found_where_the_relations_say_whatever_their_case() -> None:
    main = "xl/workbook.xml"
    book = xlsx(cells("a") + cells("b", number=2))
    with_root = {"_rels/.rels": f'<r><Relationship Id="x" Type="/officeDocument" Target="{main}"/></r>'}
    assert sheet(repacked(book, {SHEET.format(1): "XL\\Worksheets\\Sheet1.xml"}, with_root)) == [["a"], ["b"]]


def repacked(data: bytes, names: dict[str, str], further: dict[str, str] | None = None) -> bytes:
    """The package with some parts under other names, and further ones."""
    with package.zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts: dict[str, str | bytes] = {names.get(one, one): archive.read(one) for one in archive.namelist()}
    return packed({**parts, **(further or {})})


def test_a_report_with_titles_in_a_sheet() -> None:
    rows = "".join(
        cells(*texts, number=at) for at, texts in enumerate([["Title"], ["a", "b", "c"], ["1", "2", "3"]], 2)
    )
    assert tables(xlsx(rows)) == {"S1._document": [["Column 1"], ["Title"]], "S1": [["a", "b", "c"], ["1", "2", "3"]]}


def test_a_workbook_with_nothing_in_it_says_so() -> None:
    found, flattened = read(xlsx('<row><c s="1"/><c t="inlineStr"><is><t> </t></is></c></row>', ""))
    assert found == {"Sheet1": [["Column 1"]]}
    assert [warning.code for warning in flattened.warnings] == ["WORKBOOK_EMPTY"]


def test_a_cell_that_the_reading_loses_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(*_: object) -> None:
        """Hear no text."""

    monkeypatch.setattr(xlsx_module.Reading, "text", deaf)
    assert read(xlsx("<row><c><v>1</v></c></row>"))[1].fidelity == 0.0


def test_long_sheets_come_in_batches() -> None:
    rows = cells("a") + "".join(f"<row><c><v>{n}</v></c></row>" for n in range(500))
    flattening = WorkbookFlattening(lambda: io.BytesIO(xlsx(rows)), Options(rows=300), lambda _: None)
    assert [one.columns.num_rows for one in flattening.batches()] == [300, 200]
