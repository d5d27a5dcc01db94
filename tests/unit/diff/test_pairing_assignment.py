"""Of all possible pairs those are taken that are the best together."""

from __future__ import annotations

import random
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret_diff.pairing import assignment
from ret_diff.pairing.assignment import LEVELS, NOTHING, Edge, assigned

SCORES = st.sampled_from([0.4, 0.45, 0.5, 0.6, 0.9, 1.0])
EDGES = st.dictionaries(st.tuples(st.sampled_from("abcd"), st.sampled_from("pqrs")), SCORES, max_size=12)


def edges_of(scores: dict[tuple[str, str], float]) -> list[Edge]:
    return [Edge(a, b, score) for (a, b), score in scores.items()]


def worth(edges: list[Edge]) -> int:
    return sum(round((edge.score - NOTHING) * LEVELS) for edge in edges)


def test_one_very_good_pair_is_better_than_two_poor_ones() -> None:
    edges = edges_of({("a", "p"): 0.95, ("a", "q"): 0.5, ("b", "p"): 0.5})
    assert assigned(edges) == [Edge("a", "p", 0.95)]


def test_two_good_pairs_are_better_than_one_very_good_one() -> None:
    edges = edges_of({("a", "p"): 0.95, ("a", "q"): 0.9, ("b", "p"): 0.9})
    assert assigned(edges) == [Edge("a", "q", 0.9), Edge("b", "p", 0.9)]


def test_in_a_large_component_the_best_pair_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignment, "EXACT", 1)
    edges = edges_of({("a", "p"): 0.95, ("a", "q"): 0.9, ("b", "p"): 0.9, ("c", "r"): 0.5})
    assert assigned(edges) == [Edge("a", "p", 0.95), Edge("c", "r", 0.5)]


@given(EDGES)
def test_no_other_choice_is_better(scores: dict[tuple[str, str], float]) -> None:
    edges = edges_of(scores)
    choices = (
        [Edge(a, b, scores[a, b]) for a, b in zip("abcd", order, strict=True) if (a, b) in scores]
        for order in permutations("pqrs")
    )
    found = assigned(edges)
    assert worth(found) == max(map(worth, choices))
    assert len({edge.a for edge in found}) == len({edge.b for edge in found}) == len(found)


@given(EDGES, st.randoms(use_true_random=False), st.booleans())
def test_neither_the_order_of_edges_nor_sides_matters(
    scores: dict[tuple[str, str], float], rng: random.Random, large: bool
) -> None:
    edges = edges_of(scores)
    exact, assignment.EXACT = assignment.EXACT, 1 if large else assignment.EXACT
    try:
        found = assigned(edges)
        assert assigned(rng.sample(edges, len(edges))) == found
        swapped = assigned([Edge(edge.b, edge.a, edge.score) for edge in edges])
    finally:
        assignment.EXACT = exact
    assert sorted(Edge(edge.b, edge.a, edge.score) for edge in swapped) == found
