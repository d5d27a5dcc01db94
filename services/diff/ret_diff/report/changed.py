"""The rows of two tables that are not the same, as a report shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ret_diff.differing import Difference
from ret_diff.meta import ShownColumn
from ret_diff.report.order import Table

FEW_COLUMNS = 30
"""So many columns are shown whole; of more only the keys and those in which something changed, if no row is new."""
ONE_SIDED = ("added", "removed")


class Changed(Protocol):
    """Two tables that were compared, open."""

    @property
    def columns(self) -> Sequence[ShownColumn]: ...
    def rows(self, columns: Sequence[int] | None = None) -> Iterator[Difference]:
        """The rows that are not the same, in the order in which they are shown, with some columns by their places."""
        ...


Open = Callable[[Table], Changed]


def shown(columns: Sequence[ShownColumn], table: Table) -> list[int]:
    """The places of the columns that a report shows."""
    counts = table["counts"]
    if len(columns) <= FEW_COLUMNS or counts["rows_added"] or counts["rows_removed"]:
        return list(range(len(columns)))
    return [at for at, one in enumerate(columns) if one.key or one.cells_changed or one.status in ONE_SIDED]


def title(column: ShownColumn) -> str:
    """What a column is called, with both names where it was renamed."""
    name = f"{column.a} → {column.b}" if column.a and column.b and column.a != column.b else column.name
    return f"{name} (key)" if column.key else name
