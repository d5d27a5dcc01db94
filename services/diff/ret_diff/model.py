"""What comparing two tables takes and gives; the words that all of the craft shares.

Rows are counted from 0 here, as positions in their table; the numbers users see are added where pages are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Bytes8 = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

NOWHERE = -1
"""The row of a side that has none."""


class Kind(StrEnum):
    """What the cells of a column are, as convert says it."""

    VALUE = "value"
    NIL = "nil"
    SOURCE = "xml"
    LINK = "link"


@dataclass(frozen=True)
class Column:
    """A column of one side. Links (`_id`, `_parent_id`, `_pos`) are ours and no values."""

    name: str
    path: str = ""
    kind: Kind = Kind.VALUE


class Source(Protocol):
    """A table of one side: strings, or null for absent; columns are read when they are asked for, each time anew."""

    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> Sequence[Column]: ...
    def read(self, names: Sequence[str]) -> Any:
        """A pyarrow.Table of these columns (large_string or string), all rows."""
        ...


@dataclass(frozen=True)
class Reading:
    """What a side's format cannot tell, or has changed: then both sides are read alike.

    `absent_is_empty`: the format has no absent cells (CSV, spreadsheets). `guarded`: values that look like formulas
    have our apostrophe before them (CSV of ours).
    """

    absent_is_empty: bool = False
    guarded: bool = False


@dataclass(frozen=True)
class Options:
    """How strict the comparison is; keys and ignored columns by name."""

    keys: tuple[str, ...] = ()
    ignore_columns: tuple[str, ...] = ()
    ignore_case: bool = False
    ignore_space: bool = False
    numeric_tolerance: float = 0.0


class RowStatus(IntEnum):
    """What became of a row."""

    SAME = 0
    CHANGED = 1
    ADDED = 2
    REMOVED = 3


class CellState(IntEnum):
    """How a cell of B stands to that of A. Format-only cells are changed cells that differ in how they are written."""

    SAME = 0
    CHANGED = 1
    FORMAT_ONLY = 2
    IGNORED = 3
    """Different, but not by what the options look at."""


class ColumnStatus(StrEnum):
    """What became of a column."""

    SAME = "same"
    CHANGED = "changed"
    RENAMED = "renamed"
    ADDED = "added"
    REMOVED = "removed"
    IGNORED = "ignored"


@dataclass(frozen=True)
class MatchedColumn:
    """A column of either or of both sides, by their places in them; `NOWHERE` where a side has none.

    `compared` is False for columns of one side, ignored ones and links.
    """

    a: int
    b: int
    name: str
    status: ColumnStatus
    compared: bool


@dataclass(frozen=True)
class Parents:
    """What became of the rows that a table's rows belong to: for each link id of a side, which pair of parents it is.

    A link id (a parent's `_id`) is the place in the array; equal numbers on both sides are one pair, and a parent of
    one side only has a number of its own.
    """

    a: Int64s
    b: Int64s


@dataclass(frozen=True)
class KeyChoice:
    """Columns (places among the matched ones) that tell rows apart, and how sure that is, 0 to 1."""

    columns: tuple[int, ...] = ()
    confidence: float = 0.0
    given: bool = False


@dataclass(frozen=True)
class Note:
    """Something to know about a result: a stable word, and a sentence for people."""

    code: str
    detail: str


@dataclass(frozen=True)
class Pattern:
    """The same change in many rows; None is an absent cell. `column` is a place among the matched columns."""

    column: int
    old: str | None
    new: str | None
    count: int
    format_only: bool


@dataclass(frozen=True)
class Counts:
    """What a comparison counts."""

    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0
    rows_moved: int = 0
    cells_changed: int = 0
    cells_format_only: int = 0


@dataclass(frozen=True)
class Alignment:
    """Which row of A became which row of B, in the order in which the result is shown.

    That order is A's; what was added stands behind the row that is before it in B. All arrays have one entry a shown
    row: `a_rows`, `b_rows` (NOWHERE where there is none), `moved`, `confidence` (0 to 255, of pairs).
    """

    a_rows: Int64s
    b_rows: Int64s
    moved: Flags
    confidence: Bytes8


@dataclass(frozen=True)
class CellChanges:
    """The cells of one column that are not the same: positions among the shown rows, rising, and their states.

    `old` and `new`, where they are known: what stands there in A and in B, as Arrow arrays with a dictionary.
    """

    column: int
    positions: Int64s
    states: Bytes8
    old: Any = None
    new: Any = None


class Values(Protocol):
    """Cells of both sides that are at hand, by the column's place among the matched ones."""

    def taken(self, side: str, column: int, rows: Int64s) -> Any | None:
        """The cells of rows of side a or b as an Arrow array of strings, maybe with a dictionary; None for others."""
        ...


@dataclass(frozen=True)
class Result:
    """Two tables compared. `status` has one RowStatus for each shown row; `cells` only columns with differences."""

    columns: tuple[MatchedColumn, ...]
    key: KeyChoice
    runner_ups: tuple[KeyChoice, ...]
    alignment: Alignment
    status: Bytes8
    cells: tuple[CellChanges, ...]
    counts: Counts
    patterns: tuple[Pattern, ...]
    notes: tuple[Note, ...] = field(default=())
    patterns_total: int = 0
    """All patterns; of very many only the most frequent are kept."""
    values: Values | None = field(default=None, compare=False, repr=False)
    """Where cells can be had without reading their tables again."""
