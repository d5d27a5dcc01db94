"""What every kind of workbook is here: sheets with a name, each surveyed first and then read row by row.

The survey and the reading are two ways through the same file. The survey counts values and finds how far they reach,
but renders none of them; so a value that the reading loses is missed, and a sheet that is too large is refused before
it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ret_convert.grid import Cells
from ret_convert.workbooks.errors import WorkbookTooLarge

AREA = 1 << 28
"""Cells of a sheet, empty ones too: all rows of a sheet in 256 columns."""
WIDEST = 1 << 14
"""Columns of a sheet at most."""


@dataclass
class Extent:
    """How many values a sheet has, and the number of its last row and last column with any text."""

    values: int = 0
    rows: int = 0
    columns: int = 0

    def reach(self, row: int, column: int) -> None:
        """There is text in this cell; both count from 1."""
        self.rows = max(self.rows, row)
        self.columns = max(self.columns, column)

    def checked(self) -> Extent:
        """Itself. WorkbookTooLarge if a table of this size is out of all proportion."""
        if self.columns > WIDEST or self.rows * self.columns > AREA:
            raise WorkbookTooLarge(what="a sheet has cells too far apart to be one table")
        return self


class Workbook(Protocol):
    """A workbook that is open."""

    @property
    def sheets(self) -> list[str]:
        """The names of all sheets with cells, hidden ones too, in their order."""
        ...

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1."""
        ...

    def survey(self, sheet: int) -> Extent:
        """How far a sheet reaches. WorkbookTooLarge, WorkbookDamaged."""
        ...

    def rows(self, sheet: int) -> Iterator[Cells]:
        """The rows of a sheet from its first one on, blank ones between others too, as text.

        Sheets are asked for in their order, each once. Rows may come beyond the extent; they have no text.
        """
        ...
