"""Pages put together are the whole result, whatever their size."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from planted_scores import parents_of
from planted_shapes import Table
from truth_pages import expected, is_changed, stored
from truth_tables import PLAIN, Recipe, answer, examples, options, pairs, readings, scripted

from ret_diff.marks import Which
from ret_diff.model import Options, Reading, Result


def assert_whole(a: Table, b: Table, result: Result, limit: int) -> None:
    """Every view is the same from pages of any size, and what it must be."""
    with tempfile.TemporaryDirectory() as folder:
        shelf = stored(Path(folder), a, b, result)
        whole = expected(a, b, result)
        assert shelf.pages_of(Which.FULL, limit) == whole
        assert shelf.pages_of(Which.CHANGED, limit) == [row for row in whole if is_changed(row)]
        assert shelf.pages_of(Which.MOVES, limit) == [row for row in whole if is_changed(row) or row["moved"]]


@settings(PLAIN, max_examples=examples(25))
@given(pairs(), options, readings, st.integers(1, 12))
def test_pages_put_together_are_the_whole(
    sides: tuple[Table, Table], given_: Options, reading: Reading, limit: int
) -> None:
    assert_whole(*sides, answer(*sides, given_, reading), limit)


@settings(PLAIN, max_examples=examples(10))
@given(scripted(), st.integers(1, 70))
def test_pages_of_a_planted_script_are_the_whole(recipe: Recipe, limit: int) -> None:
    made = recipe.made()
    assert_whole(made.a, made.b, answer(made.a, made.b, parents=parents_of(made)), limit)
