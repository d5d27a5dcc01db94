"""Tables that hypothesis makes up, and the engine's answer to two of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from planted import EDITS, EVERYTHING, ROWS, SHUFFLED, Plan, Planted, planted
from planted_shapes import SHAPES, Cell, Row, Table

from ret_diff.engine import compare
from ret_diff.model import Options, Parents, Reading, Result

NAMES = ("Code", "code ", "Rate", "Flag", "Note", "Unit", "Tax")
CELLS: tuple[Cell, ...] = (
    *("a", "b", "A", " a", "a ", "c d", "c  d", "", None, "1", "1.0", "01", "2", "1,000", "1,000.0", "1000", "0.4999"),
    *("0.5", "2024-01-05", "2024/01/05", "5-JAN-2024", "2024-01-05T00:00:00", "'=x", "=x", "'-1", "-1", "ß", "SS"),
    *("x\r\ny", "x\ny"),
)  # fmt: skip
FEW: tuple[Cell, ...] = ("a", "b", "c", None)
PLAIN = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
STRICT = Options()
AS_IT_IS = Reading()


def examples(count: int) -> int:
    """So many, times the factor that the environment asks for."""
    return count * int(os.environ.get("RET_TEST_EXAMPLES_FACTOR", "1"))


def answer(
    a: Table,
    b: Table,
    options: Options = STRICT,
    reading: Reading = AS_IT_IS,
    parents: Parents | None = None,
) -> Result:
    """What the engine says; both sides are read alike."""
    return compare(a, b, options, reading, reading, parents)


@st.composite
def pairs(draw: st.DrawFn, cells: tuple[Cell, ...] = CELLS, rows: int = 9, columns: int = 5) -> tuple[Table, Table]:
    """Two tables: B has rows of A, rows like those of A, and others; its columns may be fewer, and in any order."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=columns, unique=True))
    a = draw(st.lists(st.tuples(*(st.sampled_from(cells) for _ in names)), max_size=rows))
    b: list[Row] = []
    for _ in range(draw(st.integers(0, rows))):
        row = list(draw(st.sampled_from(a))) if a and draw(st.booleans()) else None
        if row is None:
            row = [draw(st.sampled_from(cells)) for _ in names]
        elif draw(st.booleans()):
            row[draw(st.integers(0, len(names) - 1))] = draw(st.sampled_from(cells))
        b.append(tuple(row))
    order = draw(st.permutations(range(len(names))))
    kept = order[: draw(st.integers(1, len(names)))] if draw(st.booleans()) else order
    return Table(tuple(names), tuple(a)), Table(
        tuple(names[at] for at in kept), tuple(tuple(row[at] for at in kept) for row in b)
    )  # fmt: skip


@st.composite
def tiny(draw: st.DrawFn) -> tuple[Table, Table]:
    """Two tables of the same columns and up to six rows, so few that all alignments can be tried."""
    width = draw(st.integers(1, 5))
    row = st.tuples(*(st.sampled_from(draw(st.sampled_from([FEW, FEW, CELLS]))) for _ in range(width)))
    sides = [tuple(draw(st.lists(row, max_size=6))) for _ in range(2)]
    a, b = (Table(NAMES[:width], side) for side in sides)
    return a, b


@dataclass(frozen=True)
class Recipe:
    """What makes a planted script, in a line."""

    shape: str
    rows: int
    seed: int
    plan: Plan

    def made(self) -> Planted:
        """The tables and the truth."""
        return planted(next(one for one in SHAPES if one.name == self.shape), self.rows, self.seed, self.plan)


PLANS = [EDITS, ROWS, EVERYTHING, SHUFFLED]
DENSE = [
    replace(one, edits=one.edits * 4, deletes=one.deletes * 4, inserts=one.inserts * 4, moves=one.moves * 4)
    for one in PLANS
]


def scripted(least: int = 8, most: int = 60) -> st.SearchStrategy[Recipe]:
    """Planted scripts on all shapes but the widest, half of them several times as dense as people's changes are."""
    shapes = [one.name for one in SHAPES if one.name != "200 columns"]
    plans = st.sampled_from([*PLANS, *DENSE])
    return st.builds(Recipe, st.sampled_from(shapes), st.integers(least, most), st.integers(0, 10**6), plans)


options = st.builds(
    Options,
    ignore_case=st.booleans(),
    ignore_space=st.booleans(),
    numeric_tolerance=st.sampled_from([0.0, 0.001, 1.0]),
    ignore_columns=st.sampled_from([(), (), ("Rate",), ("Code", "nowhere")]),
    keys=st.sampled_from([(), (), ("Code",), ("Rate", "Flag"), ("nowhere",)]),
)
readings = st.builds(Reading, absent_is_empty=st.booleans(), guarded=st.booleans())
