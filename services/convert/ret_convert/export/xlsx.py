"""Workbooks by a streaming writer of our own: string cells only, in constant memory, straight into a ZIP stream.

Why none of the libraries serves is measured in TABLES.md §6. The format is ECMA-376, SpreadsheetML with inline strings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from ret_convert.arrow import RecordBatch
from ret_convert.export.cells import CLOSE, OPEN, cut, escaped, letters, long_values, parts, rows_of, sheet_name, title
from ret_convert.export.zipping import ZipStream

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

Batches = Callable[[], Iterator[RecordBatch]]


@dataclass(frozen=True)
class Page:
    """A table to be written: its name, its column names, its number of rows, and how to read it, again and again."""

    name: str
    columns: list[str]
    rows: int
    batches: Batches


class Workbook:
    """One workbook in the making; `page` writes a table, `close` what holds the sheets together."""

    def __init__(self, archive: ZipStream) -> None:
        self._archive = archive
        self._sheets: list[str] = []
        self._taken: set[str] = set()
        self._long: list[Page] = []

    def page(self, page: Page) -> None:
        """Write a table: on one sheet, or on further ones where it has more rows or columns than a sheet."""
        long = False
        for first in range(0, len(page.columns), COLUMNS):
            titles = page.columns[first : first + COLUMNS]
            rows = Rows(page.batches(), first, len(titles))
            left = page.rows
            while True:
                self._start(page.name, titles, rows.widths())
                for batch in rows.take(ROWS - 1):
                    text, too_long = rows_of(batch)
                    long |= too_long
                    self._archive.write(text)
                self._end(len(titles), min(left, ROWS - 1) + 1)
                left -= ROWS - 1
                if left <= 0:
                    break
        if long:
            self._long.append(page)

    def close(self) -> None:
        """Write the long values and the parts that name all sheets."""
        if self._long:
            self._write_long()
        for name, text in self._parts():
            self._archive.begin(name)
            self._archive.write((HEAD + text).encode())
            self._archive.end()

    def _start(self, name: str, titles: list[str], widths: list[int]) -> None:
        name = sheet_name(name, self._taken)
        self._taken.add(name.casefold())
        self._sheets.append(name)
        self._archive.begin(f"xl/worksheets/sheet{len(self._sheets)}.xml")
        selected = ' tabSelected="1"' if len(self._sheets) == 1 else ""
        least, most = WIDTHS
        columns = "".join(
            f'<col min="{at}" max="{at}" width="{min(max(len(one) + 3, width + 1, least), most)}" customWidth="1"/>'
            for at, (one, width) in enumerate(zip(titles, widths, strict=True), 1)
        )
        header = "".join(map(title, titles))
        self._archive.write(
            (
                f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView{selected} workbookViewId="0"><pane ySplit="1" '
                'topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
                f'<sheetFormatPr defaultRowHeight="15"/><cols>{columns}</cols><sheetData><row>{header}</row>'
            ).encode()
        )

    def _end(self, columns: int, rows: int) -> None:
        self._archive.write(f'</sheetData><autoFilter ref="A1:{letters(columns)}{rows}"/></worksheet>'.encode())
        self._archive.end()

    def _write_long(self) -> None:
        """Every value that was cut, whole, in as many cells of its row as it takes."""
        self._start(LONG, ["Table", "Column", "Row", "Value"], [12, 12, 6, 60])
        rows = 1
        for page in self._long:
            for column, row, value in long_values(page.columns, page.batches()):
                cells = [cut(page.name), cut(column), str(row), *parts(value)]
                self._archive.write(
                    ("<row>" + "".join(f"{OPEN}{escaped(cell)}{CLOSE}" for cell in cells) + "</row>").encode()
                )
                rows += 1
        self._end(4, rows)

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
    """The rows of a table's columns from `first` on, taken portion by portion."""

    def __init__(self, batches: Iterator[RecordBatch], first: int, count: int) -> None:
        self._batches = batches
        self._columns = list(range(first, first + count))
        self._held: RecordBatch | None = None

    def _next(self) -> RecordBatch | None:
        held, self._held = self._held, None
        if held is None:
            batch = next(self._batches, None)
            held = batch.select(self._columns) if batch is not None else None
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
