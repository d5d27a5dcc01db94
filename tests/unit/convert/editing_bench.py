"""Small tables in a store, and what they look like with their edits."""

from __future__ import annotations

from typing import Any

from ret_convert.arrow import pa, pq
from ret_convert.editing.overlay import Edit, Overlay
from ret_convert.editing.versions import By, Versions
from ret_convert.pages import Pages, Where
from ret_kit.blobs import Blobs

COLUMNS = ("A", "B")
ANN, BOB = By("ann"), By("bob")
KEY = "sessions/s1/jobs/j1/table.parquet"
Values = list[str | None]
Rows = list[tuple[int, Values]]


def converted(rows: int) -> Rows:
    """The rows of a table as it was converted."""
    return [(row, [f"a{row}", None if row % 3 == 0 else ""]) for row in range(1, rows + 1)]


def arrow(rows: int) -> Any:
    """The same as a table of Arrow's."""
    whole = converted(rows)
    return pa.table({name: pa.array([one[1][at] for one in whole], pa.string()) for at, name in enumerate(COLUMNS)})


def word(row: int, value: str | None, column: str = "A") -> Edit:
    return Edit(row, column, value)


class Tables:
    """A store with one table in it; `replica` is one of those who serve it."""

    def __init__(self, rows: int = 6, blobs: Blobs | None = None) -> None:
        self.blobs = blobs or Blobs("memory:///")
        self.rows = rows
        out = pa.BufferOutputStream()
        pq.write_table(arrow(rows), out, row_group_size=4, write_page_checksum=True)
        self.where = Where(KEY, self.blobs.put_sync(KEY, out.getvalue().to_pybytes()).size)

    def replica(self) -> Versions:
        return Versions(self.blobs, Pages(self.blobs))

    def shown(self, overlay: Overlay) -> Rows:
        """The rows as a reader sees them."""
        whole = arrow(self.rows)
        found: Rows = []
        for one in overlay.segments:
            numbers = range(one.first, one.first + one.count)
            if one.inserted:
                cells = overlay.inserted_rows(numbers, whole.schema)
            else:
                cells = overlay.edited(whole.slice(one.first - 1, one.count), one.first)
            found += [(row, list(values.values())) for row, values in zip(numbers, cells.to_pylist(), strict=True)]
        return found

    def now(self, versions: Versions) -> Rows:
        """The rows of the present version, as a replica knows it."""
        return self.shown(versions.current(self.where)[1])
