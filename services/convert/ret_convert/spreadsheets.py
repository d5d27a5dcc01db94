"""Workbooks as tables: every sheet with a value is one, the first of them the main one.

What a file is, its content says: much that is called `.xls` is HTML, XML or plain text (docs/decisions/0014).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import BinaryIO

from ret_convert.batch import Batch
from ret_convert.conservation import Tally, stripped
from ret_convert.delimited import delimited_flatten
from ret_convert.encoding import chunks
from ret_convert.flatten import Flattened, Options, Progress, Source, Warned
from ret_convert.grid import SAMPLE, Cells, Grid, Packer
from ret_convert.html_tables import html_flatten
from ret_convert.ladder.ladder import NATIVE, Rung, lines_rung
from ret_convert.layout import DOCUMENT, TablePlan
from ret_convert.workbooks.book import Extent, Workbook
from ret_convert.workbooks.errors import WorkbookDamaged
from ret_convert.workbooks.ods import CONTENT, Ods
from ret_convert.workbooks.ole import SIGNATURE
from ret_convert.workbooks.package import Package
from ret_convert.workbooks.spreadsheetml import SpreadsheetML
from ret_convert.workbooks.xls import Xls
from ret_convert.workbooks.xlsx import Xlsx

HEAD = 1 << 16
ZIP = b"PK"
SPREADSHEETML = b"urn:schemas-microsoft-com:office:spreadsheet"
HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|table|meta|style|title|div|center)\b", re.IGNORECASE)
EMPTY = "WORKBOOK_EMPTY"


class WorkbookFlattening:
    """One workbook on its way."""

    def __init__(self, source: Source, options: Options, progress: Progress) -> None:
        self._source = source
        self._options = options
        self._progress = progress
        self._result: Flattened | None = None

    def batches(self) -> Iterator[Batch]:
        with self._source() as stream:
            head = stream.read(HEAD)
            # Read to its end: that proves the bytes, and a ZIP is not read in order.
            size = len(head) + sum(map(len, chunks(stream)))
        if head.startswith((ZIP, SIGNATURE)):
            with self._source() as file:
                yield from self._tables(opened(file, head), size)
        elif SPREADSHEETML in head.replace(b"\0", b""):
            yield from self._tables(SpreadsheetML(self._source, size), size)
        else:
            flatten = html_flatten if HTML.search(head.replace(b"\0", b"").decode("latin-1")) else delimited_flatten
            inner = flatten(self._source, self._options, self._progress)
            yield from inner.batches()
            self._result = inner.result()

    def result(self) -> Flattened:
        if self._result is None:
            raise RuntimeError("the batches have not all been taken")
        return self._result

    def _tables(self, book: Workbook, size: int) -> Iterator[Batch]:
        """The tables of a workbook whose document has this size."""
        values, written = Tally(), Tally()
        tables: list[TablePlan] = []
        for number, name in enumerate(book.sheets):
            extent = book.survey(number).checked()
            if not extent.values:
                continue
            values.count += extent.values
            rows = islice(book.rows(number), extent.rows)
            first = [row[: extent.columns] for row in islice(rows, SAMPLE)]
            grid = Grid(name, "child" if tables else "main", first, extent.columns, f"{name}.{DOCUMENT}")
            tables.extend(grid.tables)
            for one in _sheet(grid, chain(first, rows), extent, self._options, written):
                yield one
                self._progress(int(size * book.share))
        warnings = list[Warned]()
        if not tables:
            warnings.append(Warned(EMPTY, "No sheet of the workbook has a value."))
            tables.append(Grid("Sheet1", "main", [], 1).table)
            yield from Packer(tables[0], self._options, list).rest()
        # A survey counts values without rendering them: where it finds as many as were written, they are those.
        values.digest = written.digest
        self._result = Flattened(tables, values, written, warnings, "", [])


def _sheet(grid: Grid, rows: Iterator[Cells], extent: Extent, options: Options, written: Tally) -> Iterator[Batch]:
    """The batches of one sheet, its values added to `written`."""

    def count(cells: Iterable[str | None]) -> None:
        written.add(stripped(cells))

    for row in [*grid.titles, grid.header]:
        count(row)
    yield from grid.title_batches()
    packer = Packer(grid.table, options, count)
    yield from packer.batches(islice(rows, grid.skip, extent.rows))
    yield from packer.rest()


def opened(file: BinaryIO, head: bytes) -> Workbook:
    """A workbook that is no text. WorkbookDamaged, WorkbookEncrypted, WorkbookTooLarge."""
    if head.startswith(SIGNATURE):
        return Xls(file)
    package = Package(file)
    if CONTENT in package:
        return Ods(package)
    if "[Content_Types].xml" in package:
        return Xlsx(package)
    raise WorkbookDamaged(reason="there is no workbook in it")


def spreadsheet_rungs(source: Source, options: Options, progress: Progress) -> Iterator[Rung]:
    """The ways to read what is called a workbook; lines are one only of what is text."""
    yield Rung(NATIVE, lambda: WorkbookFlattening(source, options, progress))
    with source() as stream:
        head = stream.read(len(SIGNATURE))
    if not head.startswith((ZIP, SIGNATURE)):
        yield lines_rung(source, options, progress)
