from __future__ import annotations

import random

import numpy as np
import pytest

from ret_diff.links import Links
from ret_diff.moves import moved, shown


def fewest(places: list[int]) -> int:
    """How many have to move, by trying all chains."""
    best: list[int] = []
    for at, place in enumerate(places):
        best.append(1 + max((best[before] for before in range(at) if places[before] < place), default=0))
    return len(places) - max(best, default=0)


@pytest.mark.parametrize("seed", range(20))
def test_as_few_rows_as_can_be_are_moved(seed: int) -> None:
    rng = random.Random(seed)
    places = rng.sample(range(12), 12)
    out = moved(np.array(places))
    kept = [place for place, gone in zip(places, out.tolist(), strict=True) if not gone]
    assert kept == sorted(kept)
    assert int(out.sum()) == fewest(places)


def test_a_row_without_partner_is_never_moved() -> None:
    assert moved(np.array([3, -1, 0, 1, -1, 2])).tolist() == [True, False, False, False, False, False]
    assert moved(np.array([-1, -1])).tolist() == [False, False]
    assert moved(np.array([], np.int64)).tolist() == []


def test_one_row_that_went_to_the_end_is_one_move() -> None:
    places = np.concatenate([[9999], np.arange(9999)])
    assert np.flatnonzero(moved(places)).tolist() == [0]


def test_added_rows_stand_behind_what_is_before_them() -> None:
    links = Links(3, 5)
    links.join(np.array([0, 2]), np.array([3, 1]), 200)
    links.moved[2] = True
    found = shown(links)
    both = list(zip(found.a_rows.tolist(), found.b_rows.tolist(), strict=True))
    assert both == [(-1, 0), (0, 3), (-1, 4), (1, -1), (2, 1), (-1, 2)]
    assert found.moved.tolist() == [False, False, False, False, True, False]
    assert found.confidence.tolist() == [0, 200, 0, 0, 200, 0]
