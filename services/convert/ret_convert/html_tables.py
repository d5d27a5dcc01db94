"""HTML reports, as Oracle and others name them `.xls`: every `<table>` a table, everything outside them one as well.

libxml2's tolerant parser reads them as a stream of events, so that memory follows the row and not the page.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ret_convert.batch import Batch
from ret_convert.flatten import Flattened, Options, Progress, Source
from ret_convert.grid import SAMPLE, TITLES, Cells, Grid, Head, Packer, reach
from ret_convert.html_page import Characters, Page, Row, rows_of
from ret_convert.layout import DOCUMENT
from ret_convert.plaintext import MARKS, Encoding, encoding_of, reads, texts, windows
from ret_convert.workbooks.book import AREA
from ret_convert.workbooks.errors import WorkbookTooLarge

HEAD = 1 << 12
CHARSET = re.compile(
    rb"""<meta\b[^>]{0,300}?charset\s*=\s*["']?\s*([A-Za-z][\w.:-]{0,40})"""
    rb"""|<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][\w.:-]{0,40})""",
    re.IGNORECASE,
)
MEANT = {"iso-8859-1": "cp1252", "latin1": "cp1252", "shift_jis": "cp932", "x-sjis": "cp932", "utf-8": "utf-8-sig"}
"""What browsers read where a page says so."""


def html_encoding(source: Source) -> Encoding:
    """By its byte order mark, else what the page says if it is that, else as any text without a declaration."""
    with source() as stream:
        head = stream.read(HEAD)
    found = CHARSET.search(head)
    if found is None or head.startswith(tuple(mark for mark, _ in MARKS)):
        return encoding_of(source)
    name = (found[1] or found[2]).decode("ascii").lower()
    try:
        codec = codecs.lookup(MEANT.get(name, name)).name
        b"<".decode(codec)
    except (LookupError, UnicodeError):
        return encoding_of(source)
    if codec == "cp1252":
        return windows()
    return Encoding(codec) if reads(source, codec) else encoding_of(source)


@dataclass
class Seen:
    """What a first reading found of one table: its widest row with text, its first rows, how many cells have text.

    `header` is the number of the last of the first rows that are nothing but `<th>`, from 1; 0 if there is none.
    """

    width: int = 0
    rows: int = 0
    filled: int = 0
    header: int = 0
    first: list[Cells] = field(default_factory=list[Cells])

    def add(self, row: Row) -> None:
        self.rows += 1
        reached = reach(row.cells)
        self.width = max(self.width, reached)
        self.filled += row.filled
        if self.width * self.rows > AREA:
            raise WorkbookTooLarge(what="a table has cells too far apart")
        if row.header and reached and self.rows <= TITLES and self.header in (0, self.rows - 1):
            self.header = self.rows
        if len(self.first) < SAMPLE:
            self.first.append(row.cells)

    @property
    def head(self) -> Head | None:
        """How the table begins, if the page says so."""
        return Head(self.header - 1) if self.header else None


class HtmlFlattening:
    """One HTML report on its way: the table with the most cells is the main one."""

    def __init__(self, source: Source, options: Options, progress: Progress) -> None:
        self._source = source
        self._options = options
        self._progress = progress
        self._result: Flattened | None = None

    def batches(self) -> Iterator[Batch]:
        encoding = html_encoding(self._source)
        page, seen = self._look(encoding)
        written = Characters()

        def count(cells: Iterable[str | None]) -> None:
            written.add(" ".join(filter(None, cells)))

        grids = _grids(seen)
        packers = {number: Packer(grid.table, self._options, count) for number, grid in grids.items()}
        for grid in grids.values():
            count(grid.header)
            for row in grid.titles:
                count(row)
            yield from grid.title_batches()
        for number, cells in _data(rows_of(texts(self._source, encoding, progress=self._progress)), seen, grids):
            yield from packers[number].batches([cells])
        for packer in packers.values():
            yield from packer.rest()
        tables = [table for grid in grids.values() for table in grid.tables]
        values = page.characters.tally if page.sure else written.tally
        self._result = Flattened(tables, values, written.tally, [], "", [])

    def _look(self, encoding: Encoding) -> tuple[Page, dict[int, Seen]]:
        """Read once to know the tables, by their number in the page; those without any text are left out."""
        page, seen = Page(), dict[int, Seen]()

        def parts() -> Iterator[str]:
            for text in texts(self._source, encoding):
                page.feed(text)
                yield text

        for row in rows_of(parts()):
            seen.setdefault(row.table, Seen()).add(row)
        page.close()
        return page, {number: one for number, one in seen.items() if one.filled}

    def result(self) -> Flattened:
        if self._result is None:
            raise RuntimeError("the batches have not all been taken")
        return self._result


def _grids(seen: dict[int, Seen]) -> dict[int, Grid]:
    """The tables to be, by their number in the page: the largest first, then the others, then the text outside."""
    main = max(seen, key=lambda number: (number > 0, seen[number].filled), default=0)
    order = sorted(seen, key=lambda number: (number != main, number == 0, number))
    grids = dict[int, Grid]()
    for number in order or [0]:
        one = seen.get(number, Seen())
        name, head = (f"Table {number}", one.head) if number else (DOCUMENT, Head(named=False))
        role = "child" if grids else "main"
        grids[number] = Grid(name, role, one.first, one.width, f"{name}.{DOCUMENT}", head)
    return grids


def _data(rows: Iterator[Row], seen: dict[int, Seen], grids: dict[int, Grid]) -> Iterator[tuple[int, Cells]]:
    """The rows that are data, with their table's number: blank ones between others too, but none at the end."""
    begun = dict.fromkeys(seen, 0)
    blank = dict.fromkeys(seen, 0)
    for row in rows:
        number = row.table
        if number not in seen:
            continue
        begun[number] += 1
        if begun[number] <= grids[number].skip:
            continue
        if not row.filled:
            blank[number] += 1
            continue
        for _ in range(blank[number]):
            yield number, ()
        blank[number] = 0
        yield number, row.cells


def html_flatten(source: Source, options: Options, progress: Progress) -> HtmlFlattening:
    """Flatten an HTML report."""
    return HtmlFlattening(source, options, progress)
