"""What comparing promises of every two tables (design: Promises), a test each."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from planted import Planted
from planted_scores import paired, parents_of, shown, told_rows
from planted_shapes import Row, Table
from truth_patch import news, patched, rows_of, states, unpatched
from truth_tables import PLAIN, STRICT, Recipe, answer, examples, options, pairs, readings, scripted

from ret_diff.model import NOWHERE, CellState, ColumnStatus, Counts, Options, Parents, Reading, Result, RowStatus

Sides = tuple[Table, Table]


def flipped(parents: Parents | None) -> Parents | None:
    return Parents(parents.b, parents.a) if parents else None


@settings(PLAIN, max_examples=examples(60))
@given(pairs(), options, readings)
def test_a_with_its_differences_is_b_in_order_and_back(sides: Sides, given_: Options, reading: Reading) -> None:
    a, b = sides
    result = answer(a, b, given_, reading)
    assert patched(a, b, result) == list(b.rows_)
    assert unpatched(a, b, result) == list(a.rows_)
    of_b = {at: b.rows_[row] for at, (_, row) in enumerate(shown(result)) if row != NOWHERE}
    assert all(of_b[at][result.columns[column].b] == new for (at, column), new in news(result).items())


@settings(PLAIN, max_examples=examples(15))
@given(scripted())
def test_a_planted_script_is_undone_and_done_again(recipe: Recipe) -> None:
    made = recipe.made()
    result = answer(made.a, made.b, parents=parents_of(made))
    assert patched(made.a, made.b, result) == rows_of(made.b)
    assert unpatched(made.a, made.b, result) == rows_of(made.a)


@settings(PLAIN, max_examples=examples(50))
@given(pairs(), options, readings)
def test_every_row_is_matched_removed_or_added(sides: Sides, given_: Options, reading: Reading) -> None:
    a, b = sides
    result = answer(a, b, given_, reading)
    counts, matched, told = result.counts, len(paired(result)), Counter(map(int, result.status))
    assert (a.rows, b.rows) == (matched + counts.rows_removed, matched + counts.rows_added)
    assert (told[RowStatus.ADDED], told[RowStatus.REMOVED]) == (counts.rows_added, counts.rows_removed)
    assert told[RowStatus.CHANGED] == counts.rows_changed
    assert told[RowStatus.SAME] + told[RowStatus.CHANGED] == matched
    assert [row for row, _ in shown(result) if row != NOWHERE] == list(range(a.rows)), "in the order of A"


@settings(PLAIN, max_examples=examples(40))
@given(pairs(), options, readings)
def test_b_compared_with_a_is_the_inverse(sides: Sides, given_: Options, reading: Reading) -> None:
    a, b = sides
    assert_inverse(answer(a, b, given_, reading), answer(b, a, given_, reading))


@settings(PLAIN, max_examples=examples(12))
@given(scripted())
def test_a_planted_script_read_backwards_is_its_inverse(recipe: Recipe) -> None:
    made = recipe.made()
    parents = parents_of(made)
    there = answer(made.a, made.b, parents=parents)
    assert_inverse(there, answer(made.b, made.a, parents=flipped(parents)))


def assert_inverse(there: Result, back: Result) -> None:
    """The same pairs, moves, cells, columns and patterns, the sides exchanged."""
    one, other = told(there), told(back)
    turn = {RowStatus.ADDED: RowStatus.REMOVED, RowStatus.REMOVED: RowStatus.ADDED}
    assert one == {((b, a), turn.get(kind, kind), moved, cells) for (a, b), kind, moved, cells in other}
    counts = replace(back.counts, rows_added=back.counts.rows_removed, rows_removed=back.counts.rows_added)
    assert there.counts == counts
    turned = {ColumnStatus.ADDED: ColumnStatus.REMOVED, ColumnStatus.REMOVED: ColumnStatus.ADDED}
    assert {(c.a, c.b, c.status, c.compared) for c in there.columns} == {
        (c.b, c.a, turned.get(c.status, c.status), c.compared) for c in back.columns
    }
    assert key_of(there) == {(b, a) for a, b in key_of(back)}
    assert there.key.confidence == back.key.confidence
    assert {(p.old, p.new, p.count, p.format_only, there.columns[p.column].a) for p in there.patterns} == {
        (p.new, p.old, p.count, p.format_only, back.columns[p.column].b) for p in back.patterns
    }


def key_of(result: Result) -> set[tuple[int, int]]:
    return {(result.columns[at].a, result.columns[at].b) for at in result.key.columns}


Told = tuple[tuple[int, int], RowStatus, bool, frozenset[tuple[int, int, int]]]


def told(result: Result) -> set[Told]:
    """Of each shown row: its rows, status, whether it moved, and its cells with their states, by columns of A."""
    cells: dict[int, set[tuple[int, int, int]]] = {}
    for (at, column), kind in states(result).items():
        places = sorted((result.columns[column].a, result.columns[column].b))
        cells.setdefault(at, set()).add((places[0], places[1], kind))
    return {
        ((a, b), RowStatus(int(result.status[at])), bool(result.alignment.moved[at]), frozenset(cells.get(at, ())))
        for at, (a, b) in enumerate(shown(result))
    }


@settings(PLAIN, max_examples=examples(40))
@given(pairs(), options, st.randoms(use_true_random=False))
def test_shuffled_rows_change_no_count(sides: Sides, given_: Options, rng: random.Random) -> None:
    a, b = sides
    # What is within a tolerance is not one thing in a chain of values, so that pairs are made without it.
    exact = replace(given_, numeric_tolerance=0.0)
    before, after = answer(a, b, exact), answer(shuffled(a, rng)[0], shuffled(b, rng)[0], exact)
    assert unmoved(before) == unmoved(after)


@settings(PLAIN, max_examples=examples(12))
@given(scripted(), st.randoms(use_true_random=False))
def test_shuffled_rows_are_the_same_pairs(recipe: Recipe, rng: random.Random) -> None:
    made = recipe.made()
    parents = parents_of(made)
    a, from_a = shuffled(made.a, rng)
    b, from_b = shuffled(made.b, rng)
    before, after = answer(made.a, made.b, parents=parents), answer(a, b, parents=parents)
    assert unmoved(before) == unmoved(after)
    again = [(from_a[one], from_b[other]) for one, other in paired(after)]
    assert alike(made, paired(before)) == alike(made, again)


def shuffled(side: Table, rng: random.Random) -> tuple[Table, list[int]]:
    """The rows in another order, and where each of them was."""
    order = rng.sample(range(side.rows), side.rows)
    return replace(side, rows_=tuple(side.rows_[at] for at in order)), order


def unmoved(result: Result) -> Counts:
    """What does not depend on the order of the rows."""
    return replace(result.counts, rows_moved=0)


def alike(made: Planted, found: list[tuple[int, int]]) -> Counter[tuple[Row, Row]]:
    """Pairs by what tells their rows apart; where more than one row could have become the same, either may."""
    in_a, in_b = told_rows(made)
    return Counter((in_a[one], in_b[other]) for one, other in found)


def unmoved_cells(made: Planted, result: Result) -> Counter[tuple[Row, Row, int, CellState]]:
    """The cells that are not the same, by what tells their rows apart and by their column in A."""
    in_a, in_b = told_rows(made)
    rows = shown(result)
    found = [(in_a[rows[at][0]], in_b[rows[at][1]], result.columns[column].a, kind)
             for (at, column), kind in states(result).items()]  # fmt: skip
    return Counter(found)


@settings(PLAIN, max_examples=examples(30))
@given(pairs(), st.randoms(use_true_random=False))
def test_shuffled_columns_change_nothing(sides: Sides, rng: random.Random) -> None:
    a, b = sides
    before = answer(a, b)
    orders = [rng.sample(range(len(side.names)), len(side.names)) for side in sides]
    after = answer(reordered(a, orders[0]), reordered(b, orders[1]))
    assert (paired(before), before.counts, before.status.tolist()) == (
        paired(after), after.counts, after.status.tolist())  # fmt: skip
    assert {(c.name, c.status) for c in before.columns} == {(c.name, c.status) for c in after.columns}
    assert by_name(before) == by_name(after)


def by_name(result: Result) -> set[tuple[int, str, int]]:
    """The cells that are not the same, by the names of their columns."""
    return {(at, result.columns[column].name, kind) for (at, column), kind in states(result).items()}


def reordered(side: Table, order: list[int]) -> Table:
    """The columns in another order."""
    names = tuple(side.names[at] for at in order)
    return replace(side, names=names, rows_=tuple(tuple(row[at] for at in order) for row in side.rows_))


@settings(PLAIN, max_examples=examples(12))
@given(scripted(least=40, most=120), st.randoms(use_true_random=False))
def test_a_rename_is_only_a_rename(recipe: Recipe, rng: random.Random) -> None:
    made = recipe.made()
    old = rng.choice([name for name in made.shape.renames if made.names[name] == name] or [""])
    parents = parents_of(made)
    names = tuple("Called otherwise" if name == old else name for name in made.b.names)
    before = answer(made.a, made.b, parents=parents)
    after = answer(made.a, replace(made.b, names=names), parents=parents)
    assert unmoved(before) == unmoved(after)
    assert alike(made, paired(before)) == alike(made, paired(after))
    there = {made.a.names[c.a]: names[c.b] for c in after.columns if c.status is ColumnStatus.RENAMED}
    assert there.get(old, "") == ("Called otherwise" if old else "")
    assert unmoved_cells(made, before) == unmoved_cells(made, after)


def test_options_as_they_are_by_default_look_at_everything() -> None:
    a, b = (Table(("X",), ((cell,),)) for cell in ("x", "X"))
    assert answer(a, b, STRICT).counts.cells_changed + answer(a, b, STRICT).counts.rows_added == 1
