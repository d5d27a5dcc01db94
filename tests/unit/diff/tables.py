"""Small tables for comparing, from rows in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ret_diff.arrow import pa
from ret_diff.engine import compare
from ret_diff.model import NOWHERE, Column, Kind, Options, Parents, Reading, Result, RowStatus

LINKS = {"_id", "_parent_id", "_pos"}

Row = Mapping[str, str | None]


class Listed:
    """A source of rows that are there; a cell that no row names is absent."""

    def __init__(self, rows: Sequence[Row], names: Sequence[str] | None = None, *, chunk: int = 1 << 20) -> None:
        found = list(dict.fromkeys(name for row in rows for name in row)) if names is None else list(names)
        self.columns = [Column(name, kind=Kind.LINK if name in LINKS else Kind.VALUE) for name in found]
        self.rows = len(rows)
        self.cells = [[row.get(name) for name in found] for row in rows]
        whole = {name: [row.get(name) for row in rows] for name in found}
        pieces = [
            pa.table({name: pa.array(cells[at : at + chunk], pa.large_string()) for name, cells in whole.items()})
            for at in range(0, max(1, len(rows)), chunk)
        ]
        self._table = pa.concat_tables(pieces) if found else pa.table({})
        self.read_at_once: list[int] = []

    def read(self, names: Sequence[str]) -> Any:
        self.read_at_once.append(len(names))
        return self._table.select(list(names))


def compared(
    a: Sequence[Row] | Listed, b: Sequence[Row] | Listed, parents: Parents | None = None, **options: Any
) -> Result:
    """Two tables compared; a table without rows has the columns of the other."""
    names = list(dict.fromkeys(name for rows in (a, b) if not isinstance(rows, Listed) for row in rows for name in row))
    one, other = (rows if isinstance(rows, Listed) else Listed(rows, None if rows else names) for rows in (a, b))
    return compare(one, other, Options(**options), Reading(), Reading(), parents)


def shown(result: Result) -> list[tuple[int, int]]:
    """The rows of A and of B in the order in which they are shown."""
    a: list[int] = result.alignment.a_rows.tolist()
    b: list[int] = result.alignment.b_rows.tolist()
    return list(zip(a, b, strict=True))


def pairs(result: Result) -> set[tuple[int, int]]:
    """The rows that are paired."""
    return {both for both in shown(result) if NOWHERE not in both}


def numbers(result: Result) -> dict[str, int]:
    """What there is to count and is not 0."""
    return {name: number for name, number in vars(result.counts).items() if number}


def names(result: Result, columns: Sequence[int]) -> list[str]:
    return [result.columns[at].name for at in columns]


def statuses(result: Result) -> list[RowStatus]:
    return [RowStatus(one) for one in result.status.tolist()]
