from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from ret_diff.arrow import pa
from ret_diff.model import CellState, Pattern
from ret_diff.patterns import MARK, SHOWN, Patterns


def added(patterns: Patterns, column: int, rows: Sequence[tuple[str | None, str | None, int]]) -> None:
    old, new = (pa.array([row[side] for row in rows], pa.string()) for side in (0, 1))
    counts = np.array([row[2] for row in rows])
    patterns.add(column, old, new, counts, np.full(len(rows), CellState.CHANGED, np.uint8))


def test_the_most_frequent_patterns_are_kept_and_all_are_counted() -> None:
    rows = [(f"o{at}", f"n{at}", at % 7 + 1) for at in range(50)]
    found = Patterns(limit=10)
    for column in (1, 0):
        added(found, column, rows)
    assert found.total == 100
    expected = sorted(
        ((column, *row) for column in (0, 1) for row in rows), key=lambda one: (-one[3], one[0], one[1], one[2])
    )[:10]
    assert [(one.column, one.old, one.new, one.count) for one in found.found()] == expected


def test_equally_frequent_patterns_have_one_order_however_they_come() -> None:
    rows: list[tuple[str | None, str | None, int]] = [
        (old, new, 1) for old in (None, "", "a", "B", "ä") for new in (None, "", "x", "X")
    ]
    results: set[tuple[Pattern, ...]] = set()
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        found = Patterns(limit=12)
        added(found, 0, rows)
        results.add(found.found())
    [only] = results
    assert [(one.old, one.new) for one in only[:5]] == [(None, None), (None, ""), (None, "X"), (None, "x"), ("", None)]


def test_long_values_are_cut_and_ignored_changes_are_none() -> None:
    found = Patterns()
    assert found.found() == ()
    long = "x" * (SHOWN + 1)
    states = np.array([CellState.IGNORED, CellState.FORMAT_ONLY], np.uint8)
    found.add(3, pa.array(["a", long]), pa.array(["b", long[:-1]]), np.array([5, 2]), states)
    assert found.total == 1
    assert found.found() == (Pattern(3, "x" * SHOWN + MARK, "x" * SHOWN, 2, format_only=True),)
