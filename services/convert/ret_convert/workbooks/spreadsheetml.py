"""Excel's XML of 2003, most often found as `.xls`: read as the workbook it is, not as an XML document.

As an XML document its tables would be rows of `Cell.Data`, shifted wherever a cell is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from ret_convert.encoding import FEED, chunks, declared_encoding, transcoded
from ret_convert.flatten import Source
from ret_convert.grid import Cells
from ret_convert.workbooks.book import WIDEST, Extent
from ret_convert.workbooks.package import Attributes, LocalNames, parse
from ret_convert.workbooks.values import FALSE, TRUE, number

LONGEST = 1 << 24
MIDNIGHT = re.compile(r"T00:00:00(?:\.0+)?\Z")
FRACTION = re.compile(r"\.0+\Z")
BEGINNING = "1899-12-31T"
"""How a time of day is written: on a day that was none."""
HEAD = 1 << 10


@dataclass(frozen=True)
class Row:
    """A row that has ended: its sheet from 0, its number from 1."""

    sheet: int
    number: int
    cells: list[str | None]


class Reading:
    """The rows of all sheets; `ready` are those that have ended."""

    def __init__(self) -> None:
        self.sheets = 0
        self.ready: list[Row] = []
        self._local = LocalNames()
        self._row = self._column = 0
        self._type = ""
        self._cells: list[str | None] = []
        self._run: list[str] = []
        self._inside = False
        self._aside = False

    def start(self, written: str, attributes: Attributes) -> None:
        name = self._local[written]
        if name == "Worksheet":
            self.sheets += 1
            self._row = 0
        elif name == "Row":
            self._row = placed(attributes, self._row, LONGEST)
            self._cells = []
            self._column = 0
        elif name == "Cell":
            self._column = placed(attributes, self._column, WIDEST)
        elif name == "Comment":
            self._aside = True
        elif name == "Data" and not self._aside:
            self._type = given(attributes, "Type")
            self._run.clear()
            self._inside = True

    def text(self, data: str) -> None:
        if self._inside:
            self._run.append(data)

    def end(self, written: str) -> None:
        name = self._local[written]
        if name == "Data" and self._inside:
            self._inside = False
            self._cells.extend([None] * (self._column - len(self._cells)))
            self._cells[self._column - 1] = rendered("".join(self._run), self._type)
        elif name == "Comment":
            self._aside = False
        elif name == "Row" and self.sheets:
            self.ready.append(Row(self.sheets - 1, self._row, self._cells))


class Counting:
    """The survey: values and reach of every sheet; it renders none."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.extents: list[Extent] = []
        self._local = LocalNames()
        self._row = self._column = 0
        self._depth = 0
        self._filled = False

    def start(self, written: str, attributes: Attributes) -> None:
        match self._local[written]:
            case "Worksheet":
                self.names.append(given(attributes, "Name"))
                self.extents.append(Extent())
                self._row = 0
            case "Row":
                self._row = placed(attributes, self._row, LONGEST)
                self._column = 0
            case "Cell":
                self._column = placed(attributes, self._column, WIDEST)
            case "Comment":
                self._depth -= 1
            case "Data":
                self._depth += 1
                self._filled = False
            case _:
                pass

    def text(self, data: str) -> None:
        self._filled = self._filled or (self._depth == 1 and not data.isspace())

    def end(self, written: str) -> None:
        match self._local[written]:
            case "Comment":
                self._depth += 1
            case "Data":
                if self._filled and self._depth == 1 and self.extents:
                    extent = self.extents[-1]
                    extent.values += 1
                    extent.reach(self._row, self._column)
                    extent.checked()
                self._depth -= 1
                self._filled = False
            case _:
                pass


def given(attributes: Attributes, name: str) -> str:
    """An attribute whatever its prefix, empty if it is not there."""
    return next((value for key, value in attributes.items() if key.rpartition(":")[2] == name), "")


def placed(attributes: Attributes, before: int, most: int) -> int:
    """The number of a row or cell, from 1: what it says if that comes later, else the next; past `most` is too far."""
    index = given(attributes, "Index")
    number_of = int(index[:9]) if index.isdecimal() else 0
    return min(number_of if number_of > before else before + 1, most + 1)


def rendered(text: str, kind: str) -> str:
    """A cell's text, by the type that is written there."""
    if kind == "Number":
        return number(text)
    if kind == "Boolean":
        return TRUE if text.strip() == "1" else FALSE
    if kind == "DateTime":
        if text.startswith(BEGINNING):
            return FRACTION.sub("", text.removeprefix(BEGINNING))
        return FRACTION.sub("", MIDNIGHT.sub("", text))
    return text


class SpreadsheetML:
    """An open workbook of this kind (`book.Workbook`); `size` is the document's."""

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._size = size
        self._fed = 0
        counting = Counting()
        for _ in self._parsed(counting.start, counting.end, counting.text):
            pass
        self.sheets = counting.names
        self._extents = counting.extents
        self._reading: Iterator[Row] = self._read()

    @property
    def share(self) -> float:
        return min(1.0, self._fed / max(1, 2 * self._size))

    def survey(self, sheet: int) -> Extent:
        return self._extents[sheet]

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
            yield row.cells
            after = row.number + 1

    def _read(self) -> Iterator[Row]:
        reading = Reading()
        for _ in self._parsed(reading.start, reading.end, reading.text):
            yield from reading.ready
            reading.ready.clear()

    def _parsed(
        self,
        start: Callable[[str, Attributes], object],
        end: Callable[[str], object],
        text: Callable[[str], object],
    ) -> Iterator[None]:
        with self._source() as stream:
            codec = declared_encoding(stream.read(HEAD))
        with self._source() as stream:
            pieces = self._counted(chunks(stream, FEED))
            if codec is None:
                yield from parse(pieces, start, end, text)
            else:
                yield from parse(transcoded(pieces, codec), start, end, text, "utf-8")

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._fed += len(piece)
            yield piece
