"""Never more than what was done: beside every alignment of tiny tables, beside planted scripts, cell by cell."""

from __future__ import annotations

from dataclasses import replace

from brute_alignments import least, total
from brute_cells import state
from hypothesis import given, settings
from planted import Planted
from planted_scores import paired, parents_of, shown
from planted_shapes import Row, Table
from truth_patch import states
from truth_tables import AS_IT_IS, PLAIN, STRICT, Recipe, answer, examples, options, pairs, readings, scripted, tiny

from ret_diff.engine import compare, costs
from ret_diff.model import CellState, Options, Reading, Result

Sides = tuple[Table, Table]


def cost_of(sides: Sides, found: list[tuple[int, int]]) -> tuple[int, int]:
    """(what an alignment costs, what the cheapest of all costs)."""
    a, b = sides
    told = costs(a, b, STRICT, AS_IT_IS, AS_IT_IS)
    weights = list(told.weights.values())
    one, other = ([tuple(row[side.names.index(name)] for name in told.weights) for row in side.rows_] for side in sides)
    return total(one, other, found, weights, told.row_cost), least(one, other, weights, told.row_cost)


def costs_of(made: Planted, found: list[tuple[int, int]]) -> int:
    """What an alignment of planted tables costs, their renamed columns called alike."""
    called = {new: old for old, new in made.names.items()}
    b = replace(made.b, names=tuple(called.get(name, name) for name in made.b.names))
    told = costs(made.a, b, STRICT, AS_IT_IS, AS_IT_IS)
    one, other = ([tuple(row[side.names.index(name)] for name in told.weights) for row in side.rows_]
                  for side in (made.a, b))  # fmt: skip
    return total(one, other, found, list(told.weights.values()), told.row_cost)


@settings(PLAIN, max_examples=examples(150))
@given(tiny())
def test_tiny_tables_are_aligned_as_well_as_any_alignment_can(sides: Sides) -> None:
    ours, best = cost_of(sides, paired(answer(*sides)))
    assert ours == best


@settings(PLAIN, max_examples=examples(20))
@given(scripted())
def test_a_script_is_never_made_dearer(recipe: Recipe) -> None:
    made = recipe.made()
    result = answer(made.a, made.b, parents=parents_of(made))
    ours, planted = (costs_of(made, found) for found in (paired(result), list(made.pairs)))
    assert ours <= planted


@settings(PLAIN, max_examples=examples(60))
@given(pairs(), options, readings)
def test_every_list_of_cells_is_that_of_its_pair(sides: Sides, given_: Options, reading: Reading) -> None:
    result = answer(*sides, given_, reading)
    assert states(result) == brute(sides, result, given_, reading)


@settings(PLAIN, max_examples=examples(20))
@given(pairs(), options, readings)
def test_what_one_side_cannot_tell_is_not_told_of_the_other(sides: Sides, given_: Options, reading: Reading) -> None:
    both = answer(*sides, given_, reading)
    assert states(compare(*sides, given_, reading, AS_IT_IS)) == states(compare(*sides, given_, AS_IT_IS, reading))
    assert states(both) == states(compare(*sides, given_, reading, AS_IT_IS))


def brute(sides: Sides, result: Result, given_: Options, reading: Reading) -> dict[tuple[int, int], CellState]:
    """The cells that are not the same, pair by pair."""
    a, b = sides
    found: dict[tuple[int, int], CellState] = {}
    for at, (one, other) in enumerate(shown(result)):
        if one >= 0 and other >= 0:
            for place, column in enumerate(result.columns):
                if column.a >= 0 and column.b >= 0:
                    kind = cell(a.rows_[one], b.rows_[other], (column.a, column.b), given_, reading)
                    kind = kind if column.compared or kind is CellState.SAME else CellState.IGNORED
                    found |= {} if kind is CellState.SAME else {(at, place): kind}
    return found


def cell(one: Row, other: Row, places: tuple[int, int], given_: Options, reading: Reading) -> CellState:
    return state(one[places[0]], other[places[1]], given_, reading)
