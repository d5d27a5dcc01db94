"""Small workbooks for tests, part by part; as a program, it writes `workbooks/old.xls` anew (with xlwt)."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

OLD = Path(__file__).parent / "workbooks" / "old.xls"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
SHEET = "xl/worksheets/sheet{}.xml"


def packed(parts: dict[str, str | bytes]) -> bytes:
    """A ZIP of these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def xlsx(*sheets: str, strings: str = "", formats: str = "", head: str = "", **parts: str) -> bytes:
    """A workbook whose sheets have these rows as XML; `strings` are `<si>`, `formats` the inside of `<styleSheet>`."""
    numbers = range(1, len(sheets) + 1)
    listed = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    named = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    named += f'<Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
    named += f'<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/>'
    whole: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{head}<sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}">{named}</Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{formats}</styleSheet>',
    }
    for number, rows in enumerate(sheets, 1):
        whole[SHEET.format(number)] = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    return packed({**whole, **parts})


def ods(*tables: str, manifest: str = "") -> bytes:
    """A spreadsheet of these `<table:table>`."""
    names = 'xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:calcext="c" xmlns:draw="d"'
    body = f"<office:body><office:spreadsheet>{''.join(tables)}</office:spreadsheet></office:body>"
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f"<office:document-content {names}>{body}</office:document-content>",
            "META-INF/manifest.xml": f"<manifest>{manifest}</manifest>",
        }
    )


def old() -> bytes:
    """A workbook of Excel 97: every kind of cell, a blank row, a hidden sheet, an empty one."""
    xlwt: Any = import_module("xlwt")  # not pinned: it is needed only to write the sample anew
    book = xlwt.Workbook()
    sheet = book.add_sheet("Über")
    date = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for column, name in enumerate(["Id", "Amount", "Flag", "When", "Note"]):
        sheet.write(0, column, name)
    sheet.write(1, 0, "007")
    sheet.write(1, 1, 0.1 + 0.2)
    sheet.write(1, 2, True)
    sheet.write(1, 3, dt.datetime(2024, 1, 2, 3, 4, 5), date)  # noqa: DTZ001 - workbooks know no zones
    sheet.write(1, 4, " two\nlines ")
    sheet.row(3).set_cell_error(1, 42)
    sheet.write(3, 3, dt.date(2024, 1, 2), day)
    sheet.write(3, 0, "")
    sheet.row(4).set_cell_number(0, 12)
    sheet.row(4).set_cell_number(1, 1234567890123)
    sheet.write(4, 3, dt.time(3, 4), xlwt.easyxf(num_format_str="hh:mm"))
    hidden = book.add_sheet("Hidden")
    hidden.visibility = 1
    for column in range(3):
        hidden.write(0, column, f"n{column}")
        hidden.write(1, column, column)
    book.add_sheet("Empty")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


if __name__ == "__main__":
    OLD.write_bytes(old())
