"""One side made out of the other and what a result says is different, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planted_scores import shown
from planted_shapes import Row, Table

from ret_diff.model import NOWHERE, CellState, Result

Places = Mapping[tuple[int, int], CellState]


def states(result: Result) -> dict[tuple[int, int], CellState]:
    """All cells that are not the same: (shown row, matched column), and how they stand to each other."""
    return {
        (place, one.column): CellState(kind)
        for one in result.cells
        for place, kind in zip(one.positions.tolist(), one.states.tolist(), strict=True)
    }


def news(result: Result) -> dict[tuple[int, int], str | None]:
    """What the result itself says that stands in B."""
    found: dict[tuple[int, int], str | None] = {}
    for one in result.cells:
        values: Any = one.new
        if values is not None:
            places = one.positions.tolist()
            found |= {(place, one.column): new for place, new in zip(places, values.to_pylist(), strict=True)}
    return found


def patched(a: Table, b: Table, result: Result) -> list[Row]:
    """B, made of A's cells; B is read only where the result says that a row, a column or a cell is another one."""
    return _made((a, b), result, shown(result), back=False)


def unpatched(a: Table, b: Table, result: Result) -> list[Row]:
    """A, made of B's cells; A is read only where the result says that a row, a column or a cell is another one."""
    return _made((b, a), result, [(other, one) for one, other in shown(result)], back=True)


def _made(sides: tuple[Table, Table], result: Result, rows: list[tuple[int, int]], *, back: bool) -> list[Row]:
    """The rows of the second side, in its order; `rows` are those of the first and the second one as they are shown."""
    first, second = sides
    told = states(result)
    columns = [(one.b, one.a) if back else (one.a, one.b) for one in result.columns]
    order = sorted((row, place) for place, (_, row) in enumerate(rows) if row != NOWHERE)
    assert [row for row, _ in order] == list(range(second.rows)), "a row is lost, or there twice"
    made: list[Row] = []
    for row, place in order:
        cells: dict[int, str | None] = {}
        old = rows[place][0]
        for at, (one, other) in enumerate(columns):
            if other != NOWHERE and second.names[other] not in second.links:
                known = NOWHERE not in {old, one} and (place, at) not in told
                cells[other] = first.rows_[old][one] if known else second.rows_[row][other]
        made.append(tuple(cells[at] for at in values(second)))
    return made


def values(side: Table) -> list[int]:
    """The columns that are no links of ours."""
    return [at for at, name in enumerate(side.names) if name not in side.links]


def rows_of(side: Table) -> list[Row]:
    """The rows as far as they are values."""
    return [tuple(row[at] for at in values(side)) for row in side.rows_]
