from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tables import Listed

from ret_diff.arrow import pa
from ret_diff.encode import encoded, numbered
from ret_diff.hashes import cells, mixed
from ret_diff.spill import Shelf
from ret_diff.texts import hashed


def sides() -> tuple[Listed, Listed]:
    a = [{"P": "x", "Q": None}, {"P": "y", "Q": ""}, {"P": "x", "Q": "long " * 9}]
    return Listed(a, chunk=2), Listed([{"P": "y", "Q": "long " * 9}, {"P": None, "Q": None}])


@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_equal_cells_of_both_sides_have_equal_numbers(budget: int, tmp_path: Path) -> None:
    a, b = sides()
    with Shelf(budget, tmp_path) as shelf:
        for at, column in enumerate(encoded(a, b, [("P", "P"), ("Q", "Q")], shelf)):
            values = column.values.to_pylist()
            assert [values[code] for code in column.a.tolist()] == [row[at] for row in a.cells]
            assert [values[code] for code in column.b.tolist()] == [row[at] for row in b.cells]
            assert len(set(values)) == len(values)
        assert bool(list(tmp_path.iterdir())) == (budget == 0)
    assert list(tmp_path.iterdir()) == []


def test_nothing_has_no_numbers() -> None:
    codes, values = numbered([])
    assert (codes.tolist(), values.to_pylist()) == ([], [])
    with Shelf(0) as shelf:
        assert shelf.numbers(codes) is codes


def test_short_strings_are_taken_as_long_ones() -> None:
    codes, values = numbered([pa.array(["x", "y"]), pa.chunked_array([["y"], []], pa.string())])
    assert (codes.tolist(), values.to_pylist()) == ([0, 1, 1], ["x", "y"])


def test_a_cell_adds_the_same_to_its_row_however_often_it_is_there() -> None:
    codes = np.array([3, 1, 3, 0] * 20, np.int32)
    assert cells(codes, 4, 7).tolist() == mixed(codes, 7).tolist() == cells(codes, 1000, 7).tolist()
    assert cells(codes, 4, 8).tolist() != cells(codes, 4, 7).tolist()


def test_strings_are_told_apart_by_what_they_hold() -> None:
    some = ["", None, "a", "b", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaa\0", "é" * 40, "x" * 1000, "x" * 999 + "y", "\0"]
    numbers = hashed(pa.array(some, pa.large_string())).tolist()
    assert len(set(numbers)) == len(some)
    pieces = pa.chunked_array([pa.array(["?", *some[:4]]).slice(1), pa.array(some[4:])])
    assert hashed(pieces).tolist() == numbers
    assert hashed(pa.array([], pa.string())).tolist() == []
    assert hashed(pa.chunked_array([], pa.string())).tolist() == []
    assert len(set(hashed(pa.array([None, None], pa.string())).tolist())) == 1
