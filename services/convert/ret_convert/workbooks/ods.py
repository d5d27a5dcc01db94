"""ODS spreadsheets, read as a stream: all sheets stand in one part, one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from ret_convert.grid import Cells
from ret_convert.workbooks.book import Extent
from ret_convert.workbooks.errors import WorkbookEncrypted
from ret_convert.workbooks.package import Attributes, LocalNames, Package
from ret_convert.workbooks.values import FALSE, TRUE, duration, number

CONTENT, MANIFEST = "content.xml", "META-INF/manifest.xml"
LONGEST, WIDEST = 1 << 24, 1 << 14
"""Rows and columns of a sheet at most; LibreOffice has 2**20 and 2**14."""
SPACES = 1 << 16
BLANKS = re.compile(r"[ \t\r\n]{2,}|[\t\r\n]")
BROKEN = re.compile(r"\A[ \t]*[\r\n][ \t\r\n]*|[ \t]*[\r\n][ \t\r\n]*\Z")
ASIDE = frozenset({"annotation", "shapes", "frame", "g", "custom-shape", "line", "rect", "ellipse", "control"})
"""What may stand in or beside cells and is no content of theirs."""


class Walk:
    """Where a parse of the content stands: in which sheet, row and cell."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.local = LocalNames()
        self.row = 0
        """The last row's number before the one that is open."""
        self.repeats = 1
        """How often the open row stands there."""
        self._tables = 0
        self._aside = 0
        self._cell: Attributes | None = None

    def start(self, written: str, attributes: Attributes) -> None:
        name = self.local[written]
        if self._aside or name in ASIDE:
            self._aside += 1
        elif name == "table":
            self._tables += 1
            if self._tables == 1:
                self.names.append(named(attributes, "name"))
                self.row = 0
                self.sheet_begins()
        elif self._tables != 1:
            return
        elif name == "table-row":
            self.repeats = times(attributes, "number-rows-repeated", LONGEST)
            self.row_begins()
        elif name in ("table-cell", "covered-table-cell"):
            self._cell = attributes
            self.cell_begins()
        elif self._cell is not None:
            self.inside(name, attributes)

    def end(self, written: str) -> None:
        name = self.local[written]
        if self._aside:
            self._aside -= 1
        elif name == "table":
            self._tables -= 1
        elif self._tables != 1:
            return
        elif name == "table-row":
            self.row_ends()
            self.row += self.repeats
        elif name in ("table-cell", "covered-table-cell") and self._cell is not None:
            self.cell_ends(self._cell, times(self._cell, "number-columns-repeated", WIDEST))
            self._cell = None
        elif name == "p" and self._cell is not None:
            self.paragraph_ends()

    def text(self, data: str) -> None:
        if self._cell is not None and not self._aside and self._tables == 1:
            self.characters(data)

    def sheet_begins(self) -> None: ...
    def row_begins(self) -> None: ...
    def row_ends(self) -> None: ...
    def cell_begins(self) -> None: ...
    def cell_ends(self, cell: Attributes, repeats: int) -> None: ...
    def paragraph_ends(self) -> None: ...
    def inside(self, name: str, attributes: Attributes) -> None: ...
    def characters(self, data: str) -> None: ...


class Counting(Walk):
    """The survey of all sheets: how many cells have a value, and how far they reach. It renders none."""

    def __init__(self) -> None:
        super().__init__()
        self.extents: list[Extent] = []
        self._column = 0
        self._filled = False

    def sheet_begins(self) -> None:
        self.extents.append(Extent())

    def row_begins(self) -> None:
        self._column = 0

    def cell_begins(self) -> None:
        self._filled = False

    def characters(self, data: str) -> None:
        self._filled = self._filled or not data.isspace()

    def cell_ends(self, cell: Attributes, repeats: int) -> None:
        stored = any(
            value.strip()
            and key.rpartition(":")[2] in ("value", "date-value", "time-value", "boolean-value", "string-value")
            for key, value in cell.items()
        )
        self._column += repeats
        if self._filled or stored:
            extent = self.extents[-1]
            extent.values += repeats * self.repeats
            extent.reach(self.row + self.repeats, self._column)
            extent.checked()


@dataclass(frozen=True)
class Row:
    """A row as it stands in the file: its sheet from 0, its number from 1, how often it stands there."""

    sheet: int
    number: int
    repeats: int
    cells: Cells


class Reading(Walk):
    """The rows of all sheets that have any cell; `ready` are those that have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: list[Row] = []
        self._cells: list[str | None] = []
        self._skipped = 0
        self._paragraphs: list[str] = []
        self._run: list[str] = []

    def row_begins(self) -> None:
        self._cells = []
        self._skipped = 0

    def row_ends(self) -> None:
        if self._cells:
            self.ready.append(Row(len(self.names) - 1, self.row + 1, self.repeats, self._cells))

    def cell_begins(self) -> None:
        self._paragraphs.clear()
        self._run.clear()

    def inside(self, name: str, attributes: Attributes) -> None:
        if name == "s":
            self._run.append("\0" * times(attributes, "c", SPACES))
        elif name == "tab":
            self._run.append("\1")
        elif name == "line-break":
            self._run.append("\2")
        elif name == "p":
            self._run.clear()

    def characters(self, data: str) -> None:
        self._run.append(data)

    def paragraph_ends(self) -> None:
        self._paragraphs.append(paragraph("".join(self._run)))
        self._run.clear()

    def cell_ends(self, cell: Attributes, repeats: int) -> None:
        text = self._rendered(cell)
        if text is None:
            self._skipped += repeats
            return
        self._cells.extend([None] * self._skipped)
        self._skipped = 0
        self._cells.extend([text] * repeats)

    def _rendered(self, cell: Attributes) -> str | None:
        given = {key.rpartition(":")[2]: value for key, value in cell.items()}
        shown = "\n".join(self._paragraphs) if self._paragraphs else None
        kind = given.get("value-type")
        if kind in ("float", "percentage", "currency") and "value" in given:
            return number(given["value"])
        if kind == "date" and "date-value" in given:
            return given["date-value"]
        if kind == "time" and "time-value" in given:
            return duration(given["time-value"])
        if kind == "boolean" and "boolean-value" in given:
            return TRUE if given["boolean-value"] == "true" else FALSE
        return given.get("string-value") if shown is None else shown


def paragraph(run: str) -> str:
    """The text of a paragraph: white space is one blank, as LibreOffice shows it, unless it was written as such."""
    return BLANKS.sub(" ", BROKEN.sub("", run)).replace("\0", " ").replace("\1", "\t").replace("\2", "\n")


def named(attributes: Attributes, name: str) -> str:
    """An attribute whatever its prefix, empty if it is not there."""
    return next((value for key, value in attributes.items() if key.rpartition(":")[2] == name), "")


def times(attributes: Attributes, name: str, most: int) -> int:
    """How often something is repeated; once if nothing is said, and never more than `most`."""
    given = named(attributes, name)
    if not given.isdecimal():
        return 1
    return min(int(given[: len(str(most)) + 1]), most)


class Ods:
    """An open ODS spreadsheet (`book.Workbook`)."""

    def __init__(self, package: Package) -> None:
        self._package = package
        if MANIFEST in self._package and b"encryption-data" in b"".join(self._package.pieces(MANIFEST)):
            raise WorkbookEncrypted
        self._counted: Counting | None = None
        self._reading: Iterator[Row] = self._read()

    @property
    def sheets(self) -> list[str]:
        return self._survey().names

    @property
    def share(self) -> float:
        return min(1.0, self._package.read / max(1, 2 * self._package.size(CONTENT)))

    def survey(self, sheet: int) -> Extent:
        return self._survey().extents[sheet]

    def rows(self, sheet: int) -> Iterator[Cells]:
        after = 1
        for row in self._reading:
            if row.sheet < sheet:
                continue
            if row.sheet > sheet:
                # It is the first of a later sheet, whose rows are asked for next.
                self._reading = chain([row], self._reading)
                return
            for _ in range(row.number - after):
                yield ()
            for _ in range(row.repeats):
                yield row.cells
            after = row.number + row.repeats

    def _read(self) -> Iterator[Row]:
        reading = Reading()
        for _ in self._package.parse(CONTENT, reading.start, reading.end, reading.text):
            yield from reading.ready
            reading.ready.clear()

    def _survey(self) -> Counting:
        if self._counted is None:
            counting = Counting()
            for _ in self._package.parse(CONTENT, counting.start, counting.end, counting.text):
                pass
            self._counted = counting
        return self._counted
