"""Results stored and read again page by page, beside what the tables themselves say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planted_scores import shown
from planted_shapes import Table
from truth_patch import states

from ret_diff.arrow import pa, pq
from ret_diff.artefact import Side, write
from ret_diff.marks import Which
from ret_diff.meta import TableBlob
from ret_diff.model import NOWHERE, CellState, MatchedColumn, Result, RowStatus
from ret_diff.opened import Compared
from ret_diff.pages import ResultPages, Window
from ret_kit.blobs import Blobs

STATUSES = ("same", "changed", "added", "removed")


@dataclass
class Shelf:
    """A store with one result in it."""

    pages: ResultPages
    of: Compared

    def page(self, view: Which, offset: int, limit: int) -> tuple[int, list[dict[str, Any]]]:
        """(rows of the view, the rows of a page)."""
        page = self.pages.rows(self.of, Window(view, offset, limit, all_columns=True))
        return page.total, json.loads(b"".join(page.pieces()))

    def pages_of(self, view: Which, limit: int) -> list[dict[str, Any]]:
        """All rows of a view, page after page."""
        total, rows = self.page(view, 0, limit)
        while len(rows) < total:
            assert len(rows) % limit == 0
            rows += self.page(view, len(rows), limit)[1]
        return rows


def stored(folder: Path, a: Table, b: Table, result: Result) -> Shelf:
    """The result and both tables in a store below the folder."""
    blobs = Blobs(folder.as_uri())
    one, other = (placed(blobs, f"sessions/s/{name}.parquet", side) for name, side in (("a", a), ("b", b)))
    facts = write(blobs, "sessions/s/r/", result, Side(a, one), Side(b, other))
    return Shelf(ResultPages(blobs), Compared(facts.prefix, one, other))


def placed(blobs: Blobs, key: str, side: Table) -> TableBlob:
    """A table in the store, as convert writes it, in small row groups."""
    kinds = [{"kind": str(column.kind)} for column in side.columns]
    fields = [pa.field(name, pa.string(), metadata=kind) for name, kind in zip(side.names, kinds, strict=True)]
    out = pa.BufferOutputStream()
    pq.write_table(side.read(side.names).cast(pa.schema(fields)), out, row_group_size=5, write_page_checksum=True)
    return TableBlob(key, blobs.put_sync(key, out.getvalue().to_pybytes()).size, side.rows)


def expected(a: Table, b: Table, result: Result) -> list[dict[str, Any]]:
    """What the full view shows, worked out from the tables and the result alone."""
    told = states(result)
    return [
        {
            "status": STATUSES[int(result.status[at])],
            "moved": bool(result.alignment.moved[at]),
            "a_row": None if one == NOWHERE else one + 1,
            "b_row": None if other == NOWHERE else other + 1,
            "a": cells(a, one, [column.a for column in result.columns]),
            "b": cells(b, other, [column.b for column in result.columns]),
            "changed": listed(told, at, result.columns, (CellState.CHANGED, CellState.FORMAT_ONLY)),
            "format_only": listed(told, at, result.columns, (CellState.FORMAT_ONLY,)),
        }
        for at, (one, other) in enumerate(shown(result))
    ]


def cells(side: Table, row: int, columns: list[int]) -> list[str | None] | None:
    """The cells of a row in the order of the result's columns."""
    if row == NOWHERE:
        return None
    return [None if column == NOWHERE else side.rows_[row][column] for column in columns]


def listed(
    told: dict[tuple[int, int], CellState], at: int, columns: tuple[MatchedColumn, ...], kinds: tuple[CellState, ...]
) -> list[int]:
    """The columns of a row's cells that are of these kinds."""
    return [column for column in range(len(columns)) if told.get((at, column)) in kinds]


def is_changed(row: dict[str, Any]) -> bool:
    """Whether the changed view has the row."""
    return row["status"] != STATUSES[RowStatus.SAME]
