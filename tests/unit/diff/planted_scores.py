"""How near a result of the engine comes to what was planted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from planted import Planted
from planted_shapes import Row, Table

from ret_diff.model import NOWHERE, CellState, ColumnStatus, Parents, Result


@dataclass(frozen=True)
class Score:
    """`f1` of the row pairs; `inflation`: cells reported as changed for each planted one, those of ids left out."""

    f1: float
    inflation: float
    reported: int
    planted: int
    columns_right: bool


def parents_of(planted: Planted) -> Parents | None:
    """What the engine is told of the parents of child rows."""
    if planted.parents is None:
        return None
    a, b = planted.parents
    return Parents(np.array(a, np.int64), np.array(b, np.int64))


def score(planted: Planted, result: Result) -> Score:
    """Pairs of rows that are equal in what tells rows apart are the same pairs."""
    in_a, in_b = told_rows(planted)
    found = Counter((in_a[a], in_b[b]) for a, b in paired(result))
    true = Counter((in_a[a], in_b[b]) for a, b in planted.pairs)
    right = (found & true).total()
    f1 = 2 * right / (found.total() + true.total()) if found or true else 1.0
    reported = changed_cells(planted, result)
    count = len(planted.cells)
    return Score(f1, reported / count if count else 1.0 + reported, reported, count, columns_right(planted, result))


def paired(result: Result) -> list[tuple[int, int]]:
    """The pairs of rows that the engine made."""
    return [(a, b) for a, b in shown(result) if NOWHERE not in {a, b}]


def shown(result: Result) -> list[tuple[int, int]]:
    """(row of A, row of B) of each shown row, NOWHERE where there is none."""
    a, b = result.alignment.a_rows, result.alignment.b_rows
    return [(int(one), int(other)) for one, other in zip(a, b, strict=True)]


def told_rows(planted: Planted) -> tuple[list[Row], list[Row]]:
    """Of each row of A and of B, the cells that say what it is."""
    return told(planted, planted.a, lambda name: name, 0), told(planted, planted.b, planted.names.__getitem__, 1)


def told(planted: Planted, side: Table, named: Callable[[str], str], which: int) -> list[Row]:
    """Of each row, the cells that say what it is; a parent by its one id."""
    places = [side.names.index(named(name)) for name in planted.told]
    link = planted.told.index("_parent_id") if planted.parents else None
    rows = [tuple(row[at] for at in places) for row in side.rows_]
    if link is None or planted.parents is None:
        return rows
    known = planted.parents[which]
    return [(*row[:link], str(known[int(row[link] or 0)]), *row[link + 1 :]) for row in rows]


def changed_cells(planted: Planted, result: Result) -> int:
    """The number of cells reported as changed, those of ids left out."""
    count = 0
    for cells in result.cells:
        column = result.columns[cells.column]
        if column.a == NOWHERE or planted.a.names[column.a] not in planted.shape.ids:
            count += int(np.isin(cells.states, (CellState.CHANGED, CellState.FORMAT_ONLY)).sum())
    return count


def columns_right(planted: Planted, result: Result) -> bool:
    """Whether the columns are paired as they were renamed, and none other."""
    names = {
        planted.a.names[column.a]: planted.b.names[column.b]
        for column in result.columns
        if NOWHERE not in {column.a, column.b} and planted.a.names[column.a] not in planted.shape.links
    }
    values = {old: new for old, new in planted.names.items() if old not in planted.shape.links}
    renamed = {old for old, new in planted.names.items() if old != new}
    said = {planted.a.names[one.a] for one in result.columns if one.status is ColumnStatus.RENAMED}
    return names == values and said == renamed
