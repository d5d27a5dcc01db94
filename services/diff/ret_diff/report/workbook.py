"""A workbook written row by row straight into a stream, in constant memory: texts and counts, never formulas or links.

No library serves: XlsxWriter keeps rows in named temporary files, where a process that is killed would leave a
session's data behind, and gives nothing away before the last row is written. The format is ECMA-376, SpreadsheetML
with inline strings.

    book = Book(write)
    with book.sheet("Pairs", [8, 40]) as sheet:
        sheet.row([Cell("No.", Style.TITLE), 7])
    book.close(["Summary", "Pairs"])
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from xml.sax.saxutils import quoteattr

ROWS = 1_048_576
COLUMNS = 16_384
UNITS = 32_767
"""UTF-16 code units that a cell takes."""
SHEET_BYTES = 1 << 30
"""Of a sheet's XML: with more of it ZIP would need extensions that not all readers know."""
BUFFER = 1 << 18
NAME_UNITS = 31

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# What XML does not hold, what it would change (a carriage return), and what a reader would take for an escape.
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")


class Style(IntEnum):
    """How a cell looks; the places of the formats in the workbook."""

    PLAIN = 0
    TITLE = 1
    HEADING = 2
    WAS = 3
    NOW = 4
    FORMAT = 5
    FAINT = 6


FONTS = {Style.TITLE: "<b/>", Style.HEADING: "<b/>", Style.WAS: "<b/>", Style.NOW: "<b/>", Style.FAINT: "<i/>"}
SIZES = {Style.HEADING: 14}
COLOURS = {Style.WAS: "FFB3261E", Style.NOW: "FF256B3A", Style.FORMAT: "FF8A5300", Style.FAINT: "FF8A847E"}
FILLS = {Style.TITLE: "FFF1EFED", Style.WAS: "FFFDECEA", Style.NOW: "FFE6F3EA", Style.FORMAT: "FFFFF4DF"}


@dataclass(frozen=True)
class Cell:
    """A text with a look of its own."""

    text: str
    style: Style = Style.PLAIN


Value = Cell | str | int | None
"""What stands in a cell; None leaves it out."""


class Book:
    """One workbook in the making; sheets are written one after the other, in any order."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._sink = _Sink(write)
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED, compresslevel=4)
        self._written: dict[str, int] = {}

    @contextmanager
    def sheet(self, name: str, widths: Sequence[int] = (), *, frozen: int = 0) -> Generator[Sheet]:
        """A sheet whose first `frozen` rows stay in sight. `widths` are in characters; the last one is of all others.

        The name must be legal, of 31 characters at most, and none that was used.
        """
        number = len(self._written) + 1
        self._written[name] = number
        with self._zip.open(f"xl/worksheets/sheet{number}.xml", "w") as part:
            sheet = Sheet(name, part.write)
            sheet.begin(widths, frozen)
            yield sheet
            sheet.end()

    def close(self, order: Iterable[str]) -> None:
        """Write what holds the sheets together; `order` are the names of all sheets, as they are shown."""
        for name, text in _parts([(name, self._written[name]) for name in order]).items():
            self._zip.writestr(name, HEAD + text)
        self._zip.close()
        self._sink.close()


class Sheet:
    """A sheet that is being written. `rows` have been; `full`: it takes no more but a last one."""

    def __init__(self, name: str, write: Callable[[bytes], object]) -> None:
        self.name = name
        self.rows = 0
        self._write = write
        self._held: list[str] = []
        self._size = 0
        self._total = 0

    @property
    def full(self) -> bool:
        """Whether another sheet must be begun for the next row."""
        return self.rows >= ROWS - 1 or self._total >= SHEET_BYTES

    def begin(self, widths: Sequence[int], frozen: int) -> None:
        pane = f'<pane ySplit="{frozen}" topLeftCell="A{frozen + 1}" activePane="bottomLeft" state="frozen"/>'
        columns = "".join(
            f'<col min="{at}" max="{COLUMNS if at == len(widths) else at}" width="{width}" customWidth="1"/>'
            for at, width in enumerate(widths, 1)
        )
        self._add(
            f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">{pane if frozen else ""}'
            f'</sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>'
            f"{f'<cols>{columns}</cols>' if columns else ''}<sheetData>"
        )

    def row(self, cells: Sequence[Value]) -> None:
        """Write a row; its texts must fit into cells, and it into a sheet."""
        self._add(f"<row>{''.join(map(_cell, cells))}</row>")
        self.rows += 1

    def end(self) -> None:
        self._add("</sheetData></worksheet>")
        self._flush()

    def _add(self, text: str) -> None:
        self._held.append(text)
        self._size += len(text)
        if self._size >= BUFFER:
            self._flush()

    def _flush(self) -> None:
        data = "".join(self._held).encode()
        self._write(data)
        self._total += len(data)
        self._held.clear()
        self._size = 0


class _Sink:
    """The stream, as far as a ZIP needs a file: small writes are put together."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        if len(self._held) >= BUFFER:
            self.flush()
        return len(data)

    def flush(self) -> None:
        if self._held:
            self._write(bytes(self._held))
            self._held.clear()

    def close(self) -> None:
        self.flush()


def _cell(value: Value) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escaped(value)}</t></is></c>'
    return f'<c s="{value.style:d}" t="inlineStr"><is><t xml:space="preserve">{escaped(value.text)}</t></is></c>'


def escaped(text: str) -> str:
    """The text for a sheet's XML; what XML does not hold is `_xHHHH_`, and so is what only looks like that."""
    if UNFIT.search(text):
        text = UNFIT.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def pieces(text: str) -> list[str]:
    """The text in pieces that fit into cells; put together they are the text. An empty text is one piece."""
    if len(text) <= UNITS // 2:
        return [text]
    found: list[str] = []
    at = 0
    while at < len(text):
        piece = text[at : at + UNITS]
        while (units := len(piece) + sum(one > "\uffff" for one in piece)) > UNITS:
            piece = piece[: -max(1, (units - UNITS) // 2)]
        found.append(piece)
        at += len(piece)
    return found


def _parts(sheets: Sequence[tuple[str, int]]) -> dict[str, str]:
    """What holds the sheets together, by the names of the parts."""
    listed = "".join(
        f'<sheet name={quoteattr(escaped(name))} sheetId="{number}" r:id="rId{number}"/>' for name, number in sheets
    )
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for _, number in sheets
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{TYPE}.worksheet+xml"/>'
        for _, number in sheets
    )
    relationships = f'<Relationships xmlns="{PACKAGE}/relationships">{{}}</Relationships>'
    styles = f'<Relationship Id="rId{len(sheets) + 1}" Type="{OFFICE}/styles" Target="styles.xml"/>'
    document = f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    content = (
        f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{TYPE}.styles+xml"/>{types}</Types>'
    )
    return {
        "xl/styles.xml": _styles(),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relationships.format(links + styles),
        "_rels/.rels": relationships.format(document),
        "[Content_Types].xml": content,
    }


def _styles() -> str:
    """One font, one fill and one format for each `Style`; the first two fills are the format's own."""
    fonts = "".join(
        f'<font>{FONTS.get(style, "")}<sz val="{SIZES.get(style, 11)}"/>'
        f'<color rgb="{COLOURS.get(style, "FF000000")}"/><name val="Calibri"/></font>'
        for style in Style
    )
    fills = "".join(
        f'<fill><patternFill patternType="solid"><fgColor rgb="{colour}"/></patternFill></fill>'
        for colour in FILLS.values()
    )
    places = {style: at for at, style in enumerate(FILLS, 2)}
    formats = "".join(
        f'<xf numFmtId="0" fontId="{style:d}" fillId="{places.get(style, 0)}" borderId="0" xfId="0" applyFont="1"'
        ' applyFill="1"/>'
        for style in Style
    )
    return (
        f'<styleSheet xmlns="{MAIN}"><fonts count="{len(Style)}">{fonts}</fonts>'
        f'<fills count="{len(FILLS) + 2}"><fill><patternFill patternType="none"/></fill>'
        f'<fill><patternFill patternType="gray125"/></fill>{fills}</fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(Style)}">{formats}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
