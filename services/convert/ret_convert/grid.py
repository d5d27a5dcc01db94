"""Grids of text, wherever they come from: where their rows begin, what their columns are called, their rows as batches.

A grid often has more than rows: a report's title lines above the names, or no names at all. What stands above the names
becomes the table `_document`, so that nothing is lost and every column has its own name (docs/decisions/0014).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ret_convert.arrow import batch_of
from ret_convert.batch import Batch
from ret_convert.layout import DOCUMENT, Column, Options, TablePlan

Cells = Sequence[str | None]
SAMPLE = 200
"""Rows by which a grid's head is known."""
TITLES = 30
"""Title lines at most; a report with more of them is one without names."""
BELOW = 50
"""Cells below a name by which its column's form is known."""

LONGEST = 60
"""Characters of a date or number."""
NUMBER = re.compile(r"[-+(]?\s*[$€£¥]?\s*(?:\d[\d.,' \u00a0\u202f]*|[.,]\d+)(?:[eE][-+]?\d+)?\s*[%€$)-]?")
DATE = re.compile(
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"
    r"|\d{1,2}[- ][A-Za-z]{3}[- ]\d{2,4})(?:[T ].*)?"
    r"|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
)
FLAG = re.compile(r"true|false", re.IGNORECASE)
YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Head:
    """How a grid begins: so many rows of titles (blank ones too), then a row of names, or none."""

    titles: int = 0
    named: bool = True

    @property
    def rows(self) -> int:
        """Rows before the first that is data."""
        return self.titles + self.named


def form(cell: str) -> str:
    """What a cell looks like: date, number, flag, or text."""
    text = cell.strip()
    if len(text) > LONGEST:
        return "text"
    if DATE.fullmatch(text):
        return "date"
    if NUMBER.fullmatch(text):
        return "number"
    return "flag" if FLAG.fullmatch(text) else "text"


def filled(row: Cells) -> int:
    """How many cells of a row are not blank."""
    return sum(1 for cell in row if cell and not cell.isspace())


def reach(row: Cells) -> int:
    """The number of the last cell that is not blank."""
    for at in range(len(row), 0, -1):
        if (cell := row[at - 1]) and not cell.isspace():
            return at
    return 0


def head_of(rows: Sequence[Cells]) -> Head:
    """How a grid with these first rows begins.

    Its first row that is not blank names the columns, unless it is data itself. Rows that fill at most half of the
    usual width are titles, if a row follows that can be names: nothing in it but text.
    """
    present = [at for at, row in enumerate(rows) if filled(row)]
    if not present:
        return Head(len(rows), named=False) if rows else Head()
    wide = Counter(reached for at in present if (reached := reach(rows[at])) > 1)
    usual = max(wide, key=lambda one: (wide[one], one)) if wide else 1
    for number, at in enumerate(present[: TITLES + 1]):
        below = [rows[later] for later in present[number + 1 :]]
        if filled(rows[at]) * 2 > usual or usual <= len("ab"):
            if number and not _are_names(rows[at]):
                break
            return Head(at, _is_header(rows[at], below))
    first = present[0]
    return Head(first, _is_header(rows[first], [rows[at] for at in present[1:]]))


def _are_names(row: Cells) -> bool:
    texts = [cell.strip() for cell in row if cell and not cell.isspace()]
    return all(form(text) == "text" or YEAR.fullmatch(text) for text in texts)


def _is_header(row: Cells, below: Sequence[Cells]) -> bool:
    """Whether a row names columns: false only when nothing says so and a cell looks like those below it."""
    against = False
    for at, cell in enumerate(row):
        if not cell or cell.isspace():
            continue
        own = form(cell)
        forms = {form(one) for other in below[:BELOW] if at < len(other) and (one := other[at]) and not one.isspace()}
        if own in ("text", "date") and forms and not forms & {own, "text"}:
            return True
        if own != "text" and not YEAR.fullmatch(cell.strip()) and (own in forms or not forms):
            against = True
    return not against


def columns_of(names: Sequence[str], width: int) -> list[Column]:
    """Columns of these names, each another; those without one are numbered. Their path is their number from 1."""
    given = {name for name in names if name}
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    found: list[Column] = []
    for number in range(1, width + 1):
        own = names[number - 1] if number <= len(names) else ""
        base = own or f"Column {number}"
        name, count = base, numbers.get(base, 1)
        while name in taken or (name in given and name != own):
            count += 1
            name = f"{base} ({count})"
        taken.add(name)
        numbers[base] = count
        found.append(Column(name, str(number)))
    return found


class Grid:
    """One grid on its way to a table, and to a second one when there are titles.

    `first` are its first rows, SAMPLE of them if there are so many; `width` is the widest row's. `head` is how it
    begins, where that is known. `header` is the row of names as it stands there; `skip` is the number of rows that are
    no data.
    """

    def __init__(
        self,
        name: str,
        role: str,
        first: Sequence[Cells],
        width: int,
        document: str = DOCUMENT,
        head: Head | None = None,
    ) -> None:
        head = head or head_of(first)
        self.skip = head.rows
        self.titles = [row for row in first[: head.titles] if filled(row)]
        self.header: Cells = first[head.titles] if head.named and head.titles < len(first) else ()
        names = [(cell or "").strip() for cell in self.header]
        self.table = TablePlan(name, role, columns_of(names, max(width, 1)))
        self.above = TablePlan(document, "child", columns_of((), max(map(reach, self.titles)))) if self.titles else None

    @property
    def tables(self) -> list[TablePlan]:
        """The table of the rows, and that of the titles."""
        return [self.table, self.above] if self.above is not None else [self.table]

    def title_batches(self) -> Iterator[Batch]:
        """The rows above the names."""
        if self.above is not None:
            yield batch(self.above, self.titles)


class Packer:
    """Rows of one table that wait for their batch; `count` is shown each column's cells as they leave."""

    def __init__(self, table: TablePlan, options: Options, count: Callable[[Iterable[str | None]], object]) -> None:
        self.table = table
        self._limit = limit(table, options)
        self._count = count
        self._waiting: list[Cells] = []
        self._begun = False

    def batches(self, rows: Iterable[Cells]) -> Iterator[Batch]:
        """Rows that come, in batches as they fill up."""
        for row in rows:
            self._waiting.append(row)
            if len(self._waiting) >= self._limit:
                yield self._taken()

    def rest(self) -> Iterator[Batch]:
        """What waits still; one batch without rows if there was none at all."""
        if self._waiting or not self._begun:
            yield self._taken()

    def _taken(self) -> Batch:
        taken = batch(self.table, self._waiting, self._count)
        self._waiting.clear()
        self._begun = True
        return taken


def limit(table: TablePlan, options: Options) -> int:
    """How many rows of a table make a batch."""
    return max(1, min(options.rows, options.cells // max(1, len(table.columns))))


def batch(
    table: TablePlan, rows: Sequence[Cells], count: Callable[[Iterable[str | None]], object] | None = None
) -> Batch:
    """Rows as a batch; cells that a row does not have are absent."""
    width = len(table.columns)
    padded = [row if len(row) == width else [*row[:width], *[None] * (width - len(row))] for row in rows]
    columns = [[row[at] for row in padded] for at in range(width)]
    if count is not None:
        for cells in columns:
            count(cells)
    return Batch(table, batch_of(columns, [column.name for column in table.columns]))
