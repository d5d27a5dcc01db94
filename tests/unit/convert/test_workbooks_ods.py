"""Workbooks of LibreOffice and OpenOffice."""

from __future__ import annotations

from workbook_reading import cell, refusal, row, sheet, table, tables
from workbook_samples import ods


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
