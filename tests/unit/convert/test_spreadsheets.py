from __future__ import annotations

import datetime as dt
import io
import struct
from pathlib import Path

import openpyxl
import pytest
from convert_documents import store as blob_store
from workbook_samples import OLD, SHEET, ods, packed, xlsx

from ret_convert import spreadsheets
from ret_convert.errors import DocumentFailed
from ret_convert.flatten import Flattened, Options
from ret_convert.ladder.ladder import LINES, NATIVE
from ret_convert.spreadsheets import WorkbookFlattening, spreadsheet_rungs
from ret_convert.tables import store
from ret_convert.workbooks import package, xls
from ret_convert.workbooks import xlsx as xlsx_module
from ret_convert.workbooks.values import duration, moment, number, unescaped

Rows = list[list[str | None]]


def read(data: bytes, rows: int = 8192) -> tuple[dict[str, Rows], Flattened]:
    flattening = WorkbookFlattening(lambda: io.BytesIO(data), Options(rows=rows), lambda _: None)
    found: dict[str, Rows] = {}
    for one in flattening.batches():
        if one.table.name not in found:
            found[one.table.name] = [[column.name for column in one.table.columns]]
        found[one.table.name].extend([*row.values()] for row in one.columns.to_pylist())
    return found, flattening.result()


def tables(data: bytes) -> dict[str, Rows]:
    """Every table by name, its names first."""
    found, flattened = read(data)
    assert flattened.conserved
    return found


def sheet(data: bytes) -> Rows:
    """The only table."""
    [rows] = tables(data).values()
    return rows


def refusal(data: bytes) -> str:
    with pytest.raises(DocumentFailed) as refused:
        read(data)
    assert refused.value.detail.endswith(".")
    return refused.value.code


def cells(*texts: str, number: int = 1) -> str:
    """A row of a sheet with these texts."""
    inline = "".join(f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>' for text in texts)
    return f'<row r="{number}">{inline}</row>'


# --- XLSX -------------------------------------------------------------------------------------------------------------


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


# --- what is refused --------------------------------------------------------------------------------------------------


def test_cells_at_the_far_end_of_a_sheet_are_refused() -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert refusal(xlsx(far)) == "WORKBOOK_TOO_LARGE"


@pytest.mark.parametrize(
    "rows",
    [
        '<row><c r="ZZZ1"><v>1</v></c></row>',
        '<row r="9999999"><c><v>1</v></c></row>',
        '<row><c t="s"><v>7</v></c></row>',
        '<row><c t="s"><v>x</v></c></row>',
        "<row>",
    ],
)
def test_impossible_sheets_are_damaged(rows: str) -> None:
    assert refusal(xlsx(rows)) == "WORKBOOK_DAMAGED"


def test_a_part_that_unpacks_to_too_much_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "FLOOR", 1 << 10)
    assert refusal(xlsx("<c/>" * 100_000)) == "WORKBOOK_TOO_LARGE"


def test_texts_beyond_all_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_module, "STRINGS", 200)
    assert refusal(xlsx("", strings="<si><t>x</t></si>" * 9)) == "WORKBOOK_TOO_LARGE"


def test_a_doctype_is_refused() -> None:
    assert refusal(xlsx(**{"xl/workbook.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"})) == "WORKBOOK_DAMAGED"


def test_damaged_packages_are_refused() -> None:
    whole = xlsx(cells("a"), strings="<si><t>" + "x" * 5000 + "</t></si>")
    flipped = bytearray(whole)
    flipped[whole.index(b"xl/sharedStrings.xml") + 40] ^= 0xFF
    for data in (whole[: len(whole) // 2], bytes(flipped), packed({"a.txt": "x"}), b"PK\5\6" + bytes(18)):
        assert refusal(data) == "WORKBOOK_DAMAGED"
    assert refusal(packed({"[Content_Types].xml": "<Types/>"})) == "WORKBOOK_DAMAGED"


def test_workbooks_with_a_password_are_refused_with_that_reason() -> None:
    assert refusal(ods(manifest="<encryption-data/>")) == "WORKBOOK_ENCRYPTED"
    locked = bytearray(xlsx(cells("a")))
    at = locked.index(b"PK\1\2")
    while at >= 0:
        locked[at + 8] |= 1
        at = locked.find(b"PK\1\2", at + 4)
    assert refusal(bytes(locked)) == "WORKBOOK_ENCRYPTED"
    renamed = OLD.read_bytes().replace("Workbook".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le")[:16])
    entry = renamed.index("Encrypte".encode("utf-16-le"))
    name = "EncryptedPackage\0".encode("utf-16-le")
    renamed = renamed[:entry] + name.ljust(64, b"\0") + struct.pack("<H", len(name)) + renamed[entry + 66 :]
    assert refusal(renamed) == "WORKBOOK_ENCRYPTED"
    access = OLD.read_bytes().replace(struct.pack("<HH", 0x5C, 0x70), struct.pack("<HH", 0x2F, 0x70))
    assert refusal(access) == "WORKBOOK_ENCRYPTED"


# --- XLS --------------------------------------------------------------------------------------------------------------


def test_an_old_workbook_is_read_with_its_errors() -> None:
    assert tables(OLD.read_bytes()) == {
        "Über": [
            ["Id", "Amount", "Flag", "When", "Note"],
            ["007", "0.3", "TRUE", "2024-01-02T03:04:05", " two\nlines "],
            [None] * 5,
            [None, "#N/A", None, "2024-01-02", None],
            ["12", "1234567890123", None, "03:04:00", None],
        ],
        "Hidden": [["n0", "n1", "n2"], ["0", "1", "2"]],
    }


def records(*found: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in found)


def test_records_are_counted_by_a_walk_of_their_own() -> None:
    boundsheet = (xls.BOUNDSHEET, struct.pack("<IBB", 0, 0, 0) + b"\1\0A")
    head = [(xls.BOF, bytes(16)), boundsheet, (xls.EOF, b"")]
    start = len(records(*head))
    at = struct.pack("<HHH", 4, 2, 0)
    head[1] = (xls.BOUNDSHEET, struct.pack("<IBB", start, 0, 0) + b"\1\0A")
    body = [
        (xls.BOF, bytes(16)),
        (xls.DIMENSIONS, struct.pack("<IIHHH", 0, 5, 0, 3, 0)),
        (xls.MULRK, struct.pack("<HH", 1, 0) + bytes(12) + struct.pack("<H", 1)),
        (xls.NUMBER, at + bytes(8)),
        (xls.LABEL, at + b"\1\0\0x"),
        (xls.BOOLERR, at + b"\x07\1"),
        (xls.FORMULA, at + bytes(8)),
        (xls.FORMULA, at + b"\0\0\0\0\0\0\xff\xff"),
        (xls.FORMULA, at + b"\1\0\1\0\0\0\xff\xff"),
        (xls.FORMULA, at + b"\2\0\x2a\0\0\0\xff\xff"),
        (xls.FORMULA, at + b"\3\0\0\0\0\0\xff\xff"),
        (xls.BOF, bytes(16)),
        (xls.NUMBER, at + bytes(8)),
        (xls.EOF, b""),
        (xls.EOF, b""),
    ]
    [walked] = xls.Records(records(*head, *body)).sheets
    assert (walked.others, walked.texts, walked.errors) == (7, [(4, 2), (4, 2)], {(4, 2): "#N/A"})
    assert (walked.reach.rows, walked.reach.columns) == (5, 3)
    with pytest.raises(DocumentFailed):
        xls.Records(records(head[0], head[1], head[1], head[2], *body))
    body[1] = (xls.DIMENSIONS, struct.pack("<HHHHH", 0, 5, 0, 3, 0))  # as Excel 95 wrote it
    assert xls.Records(records(*head, *body)).sheets[0].reach.rows == 5
    body[1] = (xls.DIMENSIONS, struct.pack("<IIHHH", 0, 1 << 31, 0, 3, 0))
    with pytest.raises(DocumentFailed):
        xls.Records(records(*head, *body))


def test_damaged_old_workbooks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = OLD.read_bytes()
    assert refusal(whole[:8]) == "WORKBOOK_DAMAGED"
    assert refusal(whole[:600]) == "WORKBOOK_DAMAGED"
    assert refusal(whole[:30] + b"\5" + whole[31:]) == "WORKBOOK_DAMAGED"
    assert refusal(whole.replace("Workbook".encode("utf-16-le"), "Nothings".encode("utf-16-le"))) == "WORKBOOK_DAMAGED"
    monkeypatch.setattr(xls, "AREA", 5)
    assert refusal(whole) == "WORKBOOK_TOO_LARGE"


@pytest.mark.parametrize("at", range(512, 5632, 331))
def test_an_old_workbook_with_a_broken_spot_is_read_or_refused(at: int) -> None:
    data = bytearray(OLD.read_bytes())
    data[at : at + 16] = b"\xff" * 16
    try:
        found, _ = read(bytes(data))
    except DocumentFailed:
        return
    assert found


def test_panics_of_calamine_are_damage() -> None:
    class PanicException(BaseException):
        pass

    with pytest.raises(DocumentFailed), xls.judged():
        raise PanicException
    with pytest.raises(KeyboardInterrupt), xls.judged():
        raise KeyboardInterrupt


# --- ODS --------------------------------------------------------------------------------------------------------------


def table(name: str, *rows: str) -> str:
    return f'<table:table table:name="{name}">{"".join(rows)}</table:table>'


def row(*given: str, repeats: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeats}">{"".join(given)}</table:table-row>'


def cell(text: str = "", kind: str = "string", **given: str) -> str:
    names = {"times": "table:number-columns-repeated"}
    attributes = "".join(f' {names.get(name, f"office:{name}-value")}="{value}"' for name, value in given.items())
    shown = f"<text:p>{text}</text:p>" if text else ""
    attributes = attributes.replace("office:value-value", "office:value")
    return f'<table:table-cell office:value-type="{kind}"{attributes}>{shown}</table:table-cell>'


def test_an_open_document_is_read_by_its_values() -> None:
    data = ods(
        table(
            "One",
            row(cell("a"), cell("b"), cell("c"), cell("d"), cell(kind="", times="16380")),
            row(
                cell("1,10", "float", value="1.10"),
                cell("02.01.24", "date", date="2024-01-02"),
                cell("3:04", "time", time="PT03H04M05S"),
                cell("WAHR", "boolean", boolean="true"),
            ),
            row(cell(kind="", times="16384"), repeats=2),
            row(cell("x", times="2"), cell("50 %", "percentage", value="0.5"), cell("#N/A", string=""), repeats=2),
            row(cell(kind="", times="16384"), repeats=1048570),
        ),
        table("None", row(cell(kind=""))),
        table(
            "Two", row(cell("k")), row(cell(kind="string", string="v")), row(cell("FALSCH", "boolean", boolean="false"))
        ),
    )
    assert tables(data) == {
        "One": [
            ["a", "b", "c", "d"],
            ["1.1", "2024-01-02", "03:04:05", "TRUE"],
            [None] * 4,
            [None] * 4,
            ["x", "x", "0.5", "#N/A"],
            ["x", "x", "0.5", "#N/A"],
        ],
        "Two": [["k"], ["v"], ["FALSE"]],
    }


def test_text_of_an_open_document_is_what_is_shown() -> None:
    inside = (
        "  one\n <text:span>tw</text:span>o<text:s text:c='3'/>x<text:tab/>y<text:line-break/>z</text:p><text:p>next"
    )
    aside = "<office:annotation><text:p>note</text:p></office:annotation><draw:frame><text:p>t</text:p></draw:frame>"
    noted = cell("v").replace("<text:p>", f"{aside}<text:p>")
    assert sheet(ods(table("T", row(cell("a"), cell("b")), row(cell(inside), noted)))) == [
        ["a", "b"],
        [" one two   x\ty\nz\nnext", "v"],
    ]


def test_repeats_beyond_all_measure_are_refused() -> None:
    many = row(cell("x", times="16384"), repeats=1 << 24)
    assert refusal(ods(table("T", many))) == "WORKBOOK_TOO_LARGE"
    assert refusal(ods(table("T", row(cell("x", times="9" * 30), cell("x", times="16384"))))) == "WORKBOOK_TOO_LARGE"


# --- what is called .xls ----------------------------------------------------------------------------------------------

SPREADSHEETML = """<?xml version="1.0"{encoding}?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="é"><Table>{rows}</Table></Worksheet>
 <Worksheet ss:Name="Two"><Table><Row><Cell><Data ss:Type="String">x</Data></Cell></Row></Table></Worksheet>
 </Workbook>"""


def data_cell(text: str, kind: str = "String", place: str = "") -> str:
    return f'<Cell{place}><Data ss:Type="{kind}">{text}</Data></Cell>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_the_xml_of_excel_2003_is_a_workbook(encoding: str) -> None:
    named = [data_cell("a"), data_cell("b"), data_cell("w<B>x</B>", place=' ss:Index="4"'), data_cell("e")]
    times = [data_cell("1899-12-31T03:04:05.000", "DateTime"), data_cell("2024-01-02T00:00:00.000", "DateTime")]
    noted = '<Cell><Data ss:Type="Number">1.50</Data><Comment><ss:Data>note</ss:Data></Comment></Cell>'
    kinds = [noted, data_cell("1", "Boolean"), data_cell("0", "Boolean"), data_cell("#N/A", "Error")]
    rows = f"<Row>{''.join(named)}</Row><Row ss:Index='4'>{''.join(kinds)}</Row><Row>{''.join(times)}</Row>"
    text = SPREADSHEETML.format(encoding=f' encoding="{encoding}"', rows=rows)
    assert tables(text.encode(encoding)) == {
        "é": [
            ["a", "b", "Column 3", "wx", "e"],
            [None] * 5,
            [None] * 5,
            ["1.5", "TRUE", "FALSE", "#N/A", None],
            ["03:04:05", "2024-01-02", None, None, None],
        ],
        "Two": [["x"]],
    }


def test_cells_of_excel_2003_may_not_stand_just_anywhere() -> None:
    far = "<Row ss:Index='999999999'>" + data_cell("x", place=' ss:Index="99999999999"') + "</Row>"
    assert refusal(SPREADSHEETML.format(encoding="", rows=far).encode()) == "WORKBOOK_TOO_LARGE"


def test_pages_and_plain_text_called_xls_are_read_as_what_they_are() -> None:
    page = "<html><table><tr><th>a<th>b</tr><tr><td>1<td>2</tr></table></html>"
    assert tables(page.encode()) == {"Table 1": [["a", "b"], ["1", "2"]]}
    assert tables(page.encode("utf-16")) == {"Table 1": [["a", "b"], ["1", "2"]]}
    assert tables(b"a\tb\n1\t2\n") == {"rows": [["a", "b"], ["1", "2"]]}


@pytest.mark.parametrize("data,methods", [(xlsx(cells("a")), [NATIVE]), (b"<Workbook", [NATIVE, LINES])])
def test_only_what_is_text_may_be_given_as_lines(data: bytes, methods: list[str]) -> None:
    rungs = [*spreadsheet_rungs(lambda: io.BytesIO(data), Options(), lambda _: None)]
    assert [rung.method for rung in rungs] == methods
    assert isinstance(rungs[0].flattening(), WorkbookFlattening)


# --- all of them ------------------------------------------------------------------------------------------------------


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


def test_columns_that_have_nothing_but_a_name_are_stored(tmp_path: Path) -> None:
    _, blobs = blob_store(tmp_path)
    data = xlsx(cells("a", "Notes", "b") + '<row><c r="A2"><v>1</v></c><c r="C2"><v>2</v></c></row>')
    flattening = WorkbookFlattening(lambda: io.BytesIO(data), Options(), lambda _: None)
    [written] = store(blobs, flattening.batches(), "t/").values()
    assert (written.columns, written.cells) == (3, 2)


def test_progress_ends_at_the_size_of_the_file() -> None:
    for data in (xlsx(cells("a", "b")), ods(table("T", row(cell("a")))), OLD.read_bytes()):
        told: list[int] = []
        assert [*WorkbookFlattening(lambda data=data: io.BytesIO(data), Options(), told.append).batches()]
        assert told == sorted(told)
        assert 0 < told[-1] <= len(data)


def test_there_is_no_result_before_the_last_batch() -> None:
    with pytest.raises(RuntimeError):
        spreadsheets.WorkbookFlattening(lambda: io.BytesIO(b""), Options(), lambda _: None).result()
