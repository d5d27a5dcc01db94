from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from result_tables import Store, random_pair

from ret_diff.marks import BLOCK, TABLES, Marks, Which, marked
from ret_diff.model import RowStatus


@pytest.mark.parametrize("view", [Which.FULL, Which.CHANGED, Which.MOVES])
@pytest.mark.parametrize("rows, stretches", [(60, 7), (60, 1), (60, 500), (3000, 40), (0, 4)])
def test_a_strip_counts_the_rows_of_each_stretch(tmp_path: Path, view: Which, rows: int, stretches: int) -> None:
    store = Store(tmp_path)
    pair = random_pair(3, rows=rows, change=0.2, shuffled=True)
    result = pair.result()
    _, of = store.written(pair, result)
    listed = store.rows(of, view, 500)
    strip = store.pages.strip(of, view, stretches)
    assert strip.total == len(listed)
    expected = {name: [0] * stretches for name in ("added", "removed", "changed", "moved", "same")}
    for at, row in enumerate(listed):
        stretch = at * stretches // len(listed)
        expected[row["status"]][stretch] += 1
        expected["moved"][stretch] += row["moved"]
    found = {"added": strip.added, "removed": strip.removed, "changed": strip.changed, "moved": strip.moved}
    assert found == {name: expected[name] for name in found}
    assert [one.name for one in strip.columns] == [one.name for one in pair.columns]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3 * BLOCK), st.sampled_from([0, 1, 2, 3, 4, 5, 8, 16, 24])), max_size=40),
    st.integers(0, 3 * BLOCK),
    st.randoms(use_true_random=False),
)
def test_ranks_and_places_are_those_of_the_list(
    spots: list[tuple[int, int]], rows: int, rng: np.random.Generator
) -> None:
    marks = np.zeros(rows, np.uint8)
    for place, mark in spots:
        if place < rows:
            marks[place] = mark
    found = Marks(marks)
    assert len(found) == rows
    for which, table in TABLES.items():
        chosen = np.flatnonzero(table[marks])
        assert found.total(which) == len(chosen)
        start, end = sorted(int(rng.random() * (len(chosen) + 3)) for _ in range(2))
        assert found.places(which, start, end).tolist() == chosen[start:end].tolist()
        places = np.unique([int(rng.random() * rows) for _ in range(5)]) if rows else np.zeros(0, np.int64)
        assert found.ranks(which, places).tolist() == [int((chosen < place).sum()) for place in places.tolist()]
        positions = np.unique([int(rng.random() * len(chosen)) for _ in range(5)]) if len(chosen) else chosen
        assert found.at(which, positions).tolist() == chosen[positions].tolist()


def test_no_row_stands_before_the_first() -> None:
    marks = Marks(marked(np.array([RowStatus.ADDED], np.uint8), np.array([True]), np.array([1], np.uint8)))
    assert marks.places(Which.CHANGED, -1, 0).tolist() == []
    assert (marks.total(Which.ADDED), marks.total(Which.MOVED), marks.total(Which.SECTION_1)) == (1, 1, 1)
