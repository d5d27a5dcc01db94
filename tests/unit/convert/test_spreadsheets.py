"""Workbooks of every kind: what is refused, what only calls itself one, and what holds for all of them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from convert_documents import store as blob_store
from workbook_reading import cell, cells, refusal, row, table, tables
from workbook_samples import OLD, ods, packed, xlsx

from ret_convert import spreadsheets
from ret_convert.flatten import Options
from ret_convert.ladder.ladder import LINES, NATIVE
from ret_convert.spreadsheets import WorkbookFlattening, spreadsheet_rungs
from ret_convert.tables import store
from ret_convert.workbooks import package
from ret_convert.workbooks import xlsx as xlsx_module


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
