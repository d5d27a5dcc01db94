"""Workbooks by a streaming writer of our own: string cells only, in constant memory, straight into a ZIP stream.

Why none of the libraries serves is measured in TABLES.md §6. The format is ECMA-376, SpreadsheetML with inline strings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from xml.sax.saxutils import quoteattr

from ret_convert.arrow import RecordBatch
from ret_convert.export.ahead import Done, Step
from ret_convert.export.cells import (
    CLOSE,
    OPEN,
    UNITS,
    cut,
    escaped,
    letters,
    long_values,
    parts,
    rows_of,
    sheet_name,
    title,
    too_long,
    units,
)
from ret_convert.export.columns import columns_of, is_wide, stacked
from ret_convert.export.entries import Op, begin, content, end, file

ROWS = 1_048_576
COLUMNS = 16_384
LONG = "_long values"
WIDTHS = (8, 60)
SAMPLE = 50

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

RELATIONSHIPS = f'<Relationships xmlns="{PACKAGE}/relationships">{{}}</Relationships>'
TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{TYPE}.styles+xml"/>{{}}</Types>'
)
# Style 0 is plain, style 1 is bold, for titles.
STYLES = (
    f'<styleSheet xmlns="{MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class Source(Protocol):
    """A table that is open: the names of its columns, its number of rows, about how many bytes they are, and they."""

    @property
    def names(self) -> list[str]: ...
    @property
    def count(self) -> int: ...
    @property
    def size(self) -> int: ...
    def __iter__(self) -> Iterator[RecordBatch]: ...


@dataclass(frozen=True)
class Page:
    """A table to be written: its name, and how to open it, again and again."""

    name: str
    open: Callable[[], AbstractContextManager[Source]]


class Workbook:
    """One workbook in the making, as steps: `page` writes a table, `close` what holds the sheets together."""

    def __init__(self) -> None:
        self._sheets: list[str] = []
        self._taken: set[str] = set()
        self._long: list[Page] = []

    def page(self, page: Page) -> Iterator[Step[Op]]:
        """Write a table: on one sheet, or on further ones where it has more rows or columns than a sheet."""
        first, columns, long = 0, 1, False
        while first < columns:
            with page.open() as source:
                columns = len(source.names)
                rows = Rows(source, first)
                yield from self._across(page.name, source, rows)
                long |= rows.long
            first += COLUMNS
        if long:
            self._long.append(page)

    def close(self) -> Iterator[Step[Op]]:
        """Write the long values and the parts that name all sheets."""
        if self._long:
            yield from self._long_values()
        for name, text in self._parts():
            yield from file(name, (HEAD + text).encode())

    def _across(self, name: str, source: Source, rows: Rows) -> Iterator[Step[Op]]:
        """As many columns as a sheet takes: on as many sheets as there are rows for."""
        left = source.count
        while True:
            count = min(left, ROWS - 1)
            expected = count * len(rows.titles) * len(OPEN + CLOSE) + source.size * count // max(1, source.count)
            yield from self._start(name, rows.titles, rows.widths(), expected)
            for batch in rows.take(ROWS - 1):
                yield content(partial(rows_of, batch))
            yield from self._end(len(rows.titles), count + 1)
            left -= count
            if left <= 0:
                break

    def _start(self, name: str, titles: list[str], widths: list[int], expected: int) -> Iterator[Step[Op]]:
        name = sheet_name(name, self._taken)
        self._taken.add(name.casefold())
        self._sheets.append(name)
        selected = ' tabSelected="1"' if len(self._sheets) == 1 else ""
        least, most = WIDTHS
        columns = "".join(
            f'<col min="{at}" max="{at}" width="{min(max(len(one) + 3, width + 1, least), most)}" customWidth="1"/>'
            for at, (one, width) in enumerate(zip(titles, widths, strict=True), 1)
        )
        header = "".join(map(title, titles))
        yield begin(f"xl/worksheets/sheet{len(self._sheets)}.xml", expected)
        yield content(
            Done(
                (
                    f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView{selected} workbookViewId="0">'
                    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView>'
                    f'</sheetViews><sheetFormatPr defaultRowHeight="15"/><cols>{columns}</cols>'
                    f"<sheetData><row>{header}</row>"
                ).encode()
            )
        )

    def _end(self, columns: int, rows: int) -> Iterator[Step[Op]]:
        yield content(Done(f'</sheetData><autoFilter ref="A1:{letters(columns)}{rows}"/></worksheet>'.encode()))
        yield end()

    def _long_values(self) -> Iterator[Step[Op]]:
        """Every value that was cut, whole."""
        lines = self._long_lines()
        line = next(lines, None)
        while line is not None:
            yield from self._start(LONG, ["Table", "Column", "Row", "Value"], [12, 12, 6, 60], 0)
            rows = 1
            while line is not None and rows < ROWS:
                yield content(Done(line))
                rows += 1
                line = next(lines, None)
            yield from self._end(4, rows)

    def _long_lines(self) -> Iterator[bytes]:
        """A value takes as many cells of its row as it needs, and further rows like it when one is not enough."""
        for page in self._long:
            with page.open() as source:
                for column, row, value in long_values(source.names, iter(source)):
                    pieces = list(parts(value))
                    for start in range(0, len(pieces), COLUMNS - 3):
                        cells = [cut(page.name), cut(column), row, *pieces[start : start + COLUMNS - 3]]
                        yield "".join(
                            ["<row>", *(f"{OPEN}{escaped(cell)}{CLOSE}" for cell in cells), "</row>"]
                        ).encode()

    def _parts(self) -> Iterator[tuple[str, str]]:
        numbers = range(1, len(self._sheets) + 1)
        sheets = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
            for number, name in zip(numbers, self._sheets, strict=True)
        )
        links = "".join(
            f'<Relationship Id="rId{number}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in numbers
        )
        types = "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{TYPE}.worksheet+xml"/>'
            for number in numbers
        )
        yield "xl/styles.xml", STYLES
        yield "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>'
        yield (
            "xl/_rels/workbook.xml.rels",
            RELATIONSHIPS.format(
                f'{links}<Relationship Id="rId{len(numbers) + 1}" Type="{OFFICE}/styles" Target="styles.xml"/>'
            ),
        )
        yield (
            "_rels/.rels",
            RELATIONSHIPS.format(f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'),
        )
        yield "[Content_Types].xml", TYPES.format(types)


class Rows:
    """The rows of a table's columns from `first` on, taken portion by portion; whether any cell is too `long`."""

    def __init__(self, source: Source, first: int) -> None:
        self._batches = iter(source)
        self._columns = list(range(first, min(first + COLUMNS, len(source.names))))
        self._all = len(self._columns) == len(source.names)
        self._held: RecordBatch | None = None
        self.titles = [source.names[at] for at in self._columns]
        self.long = any(len(name) > UNITS // 2 and units(name) > UNITS for name in self.titles)

    def _next(self) -> RecordBatch | None:
        held, self._held = self._held, None
        if held is None and (batch := next(self._batches, None)) is not None:
            held = batch if self._all else batch.select(self._columns)
            columns = [stacked(held)] if is_wide(held) else columns_of(held)
            self.long = self.long or any(too_long(column) is not None for column in columns)
        return held

    def widths(self) -> list[int]:
        """How wide the columns are, in characters, by the next rows."""
        self._held = self._next()
        if self._held is None:
            return [0] * len(self._columns)
        sample = self._held.slice(0, SAMPLE)
        return [max((len(cell) for cell in column.to_pylist() if cell), default=0) for column in sample.columns]

    def take(self, rows: int) -> Iterator[RecordBatch]:
        """The next rows, at most so many."""
        left = rows
        while left and (batch := self._next()) is not None:
            if batch.num_rows > left:
                self._held = batch.slice(left)
                batch = batch.slice(0, left)
            left -= batch.num_rows
            yield batch
