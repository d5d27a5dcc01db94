"""LibreOffice opens every workbook of ours and gives the same cells back. At night only: see `make nightly`."""

from __future__ import annotations

import csv
import os
import subprocess
from pathlib import Path

import pytest
from test_xlsx import Columns, page, written

from ret_convert.export.cells import cut

# Fields in quotation marks, UTF-8, texts as they are, every sheet into a file of its own (its last number).
FILTER = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
WORDS: list[str | None] = [
    "007", "  padded  ", " ", "\n", "=1+1", "+1", "-1", "@SUM(A1)", "1.10", "1e5", "TRUE", "2026-01-01", "'quoted", "",
    'a "b" <c> & d', "one\ntwo", "tab\tx", "税 é e\u0301", "שלום مرحبا", "😀👩‍👩‍👧", "\u202eevil", "a\x01b\x1f",
    "\ufffe\uffff", "c\rd", "_x0041_", "_x0041_x0042_", "x" * 32_767, "y" * 40_000, "😀" * 20_000, "z" * 200_000, None,
]  # fmt: skip


def numbered(count: int, text: str = "v") -> list[str]:
    return [f"{text}{number}" for number in range(count)]


def one_row(cells: list[str]) -> Columns:
    return [[cell] for cell in cells]


def columns(*given: list[str | None]) -> Columns:
    return [*given]


PLAIN: list[str | None] = [str(number) for number in range(len(WORDS))]
BOOKS: dict[str, list[tuple[str, list[str], Columns]]] = {
    "words": [("T:x/[y]", ["w", "n"], columns(WORDS, PLAIN)), ("empty", ["a", "b"], [[], []]), ("a", ["=1"], [["=2"]])],
    "wide": [("W", numbered(16_390, "c"), one_row(numbered(16_390)))],
    "many sheets": [(f"sheet {number}", ["a"], [[str(number)]]) for number in range(300)],
    "names": [(name, ["a"], [["1"]]) for name in ("History", "it's", "'x'", "A" * 40, "a" * 40, "😀" * 20, "税", "")],
    "tall": [("L", ["n"], [[str(number) for number in range(1_048_580)]])],
}


def shown(table: list[list[str]]) -> list[list[str]]:
    """As LibreOffice gives it back: without what is empty at the ends, a line break being one character."""
    rows = [[cell.replace("\r\n", "\n") for cell in row] for row in table]
    for row in rows:
        while row and not row[-1]:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every workbook, opened by LibreOffice and written as CSV, a file a sheet."""
    folder = tmp_path_factory.mktemp("office")
    for name, tables in BOOKS.items():
        made = [page(table, names, cells) for table, names, cells in tables]
        (folder / f"{name}.xlsx").write_bytes(b"".join(written(*made)))
    done = subprocess.run(
        [os.environ.get("RET_TEST_OFFICE", "soffice"), f"-env:UserInstallation={(folder / 'profile').as_uri()}",
         "--headless", "--convert-to", FILTER, "--outdir", str(folder / "out"),
         *map(str, sorted(folder.glob("*.xlsx")))],
        check=True, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert not [line for line in done.stderr.splitlines() if line.strip() and "javaldx" not in line]
    return folder / "out"


def sheet(folder: Path, book: str, name: str) -> list[list[str]]:
    with (folder / f"{book}-{name}.csv").open(encoding="utf-8", newline="") as file:
        csv.field_size_limit(1 << 30)
        return list(csv.reader(file))


def test_every_kind_of_text_comes_back_from_a_spreadsheet_program(opened: Path) -> None:
    expected = [["w", "n"], *([cut(word or ""), number or ""] for word, number in zip(WORDS, PLAIN, strict=True))]
    assert shown(sheet(opened, "words", "T_x__y_")) == shown(expected)
    assert shown(sheet(opened, "words", "a")) == [["=1"], ["=2"]]
    assert shown(sheet(opened, "words", "empty")) == [["a", "b"]]
    long = [word for word in WORDS if word and word != cut(word)]
    assert ["".join(row[3:]) for row in sheet(opened, "words", "_long values")[1:]] == long


def test_more_columns_or_rows_than_a_sheet_takes_are_on_further_sheets_there(opened: Path) -> None:
    first, second = sheet(opened, "wide", "W"), sheet(opened, "wide", "W (2)")
    assert [len(first[0]), len(second[0])] == [16_384, 6]
    assert first[1] + second[1] == numbered(16_390)
    rows = sheet(opened, "tall", "L")[1:] + sheet(opened, "tall", "L (2)")[1:]
    assert [row[0] for row in rows] == BOOKS["tall"][0][2][0]


def test_every_sheet_is_there_under_a_name_that_the_program_takes(opened: Path) -> None:
    for number in range(300):
        assert sheet(opened, "many sheets", f"sheet {number}") == [["a"], [str(number)]]
    assert len(list(opened.glob("names-*.csv"))) == len(BOOKS["names"])
