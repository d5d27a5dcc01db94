"""Planted truth: of eleven shapes, whatever was done to them, the rows are found again and no more is reported."""

from __future__ import annotations

import pytest
from planted import EDITS, EVERYTHING, ROWS, SHUFFLED, Plan, planted
from planted_scores import parents_of, score
from planted_shapes import SHAPES, Shape
from truth_tables import answer

PLANS = {"edits": EDITS, "rows": ROWS, "everything": EVERYTHING, "shuffled": SHUFFLED}
F1, INFLATION = 0.995, 1.05


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@pytest.mark.parametrize("shape", SHAPES, ids=[shape.name for shape in SHAPES])
def test_the_rows_are_found_again_and_no_more_is_reported(shape: Shape, plan: Plan) -> None:
    made = planted(shape, 250 if shape.name == "200 columns" else 600, 1, plan)
    found = score(made, answer(made.a, made.b, parents=parents_of(made)))
    assert made.cells
    assert found.f1 >= F1
    assert found.inflation <= INFLATION
    assert found.columns_right


@pytest.mark.parametrize("shape", SHAPES, ids=[shape.name for shape in SHAPES])
def test_the_mutator_tells_the_truth(shape: Shape) -> None:
    made = planted(shape, 200, 3, EVERYTHING)
    in_a, in_b = set(range(made.a.rows)), set(range(made.b.rows))
    changed: set[tuple[int, str]] = set()
    for one, other in made.pairs:
        in_a.remove(one)
        in_b.remove(other)
        changed |= {
            (one, name)
            for name, called in made.names.items()
            if name not in {*shape.ids, *shape.links}
            and made.a.rows_[one][made.a.names.index(name)] != made.b.rows_[other][made.b.names.index(called)]
        }
    assert changed == made.cells
    assert in_a
    assert in_b


def test_a_row_too_many_and_a_cell_too_many_cost_score() -> None:
    made = planted(SHAPES[0], 100, 1, EDITS)
    result = answer(made.a, planted(SHAPES[0], 100, 2, EDITS).b)
    assert score(made, result).f1 < F1
    assert score(made, answer(made.a, made.b)).f1 == 1.0
