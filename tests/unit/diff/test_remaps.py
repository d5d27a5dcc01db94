"""Ids that were numbered anew everywhere in the same way are one finding; what only looks so is none."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret_diff import remaps
from ret_diff.arrow import pa
from ret_diff.remaps import Renumbering, evidence, findings


def told(
    pair: str, table: str, column: str, old: Sequence[str | None], new: Sequence[str | None], aligned: int = 0
) -> Renumbering | None:
    found = evidence(table, column, aligned or len(old), pa.array(old, pa.string()), pa.array(new, pa.string()))
    if found is not None:
        found["pair"] = pair
    return found


def renumbered(
    pair: str, table: str, column: str, ids: Sequence[int], shift: int = 900_000, aligned: int = 0
) -> Renumbering:
    """A column in which every id became another, as evidence."""
    found = told(pair, table, column, [f"{one:06d}" for one in ids], [f"{one + shift:07d}" for one in ids], aligned)
    assert found is not None
    return found


def test_ids_that_change_together_across_tables_and_pairs_are_one_finding() -> None:
    rng = random.Random(1)
    ids = [*range(1000, 1100)]
    places = [
        renumbered("1", "Ledger", "LedgerId", ids),
        renumbered("1", "Period", "ParentId", rng.choices(ids, k=300)),
        renumbered("2", "Rate", "Line[2].LedgerRef", rng.choices(ids[:30], k=50)),
    ]
    [found] = findings(places)
    assert found["code"] == "ids_renumbered"
    assert (found["cells"], found["values"]) == (450, 100)
    assert [(one["pair"], one["table"], one["column"], one["cells"]) for one in found["places"]] == [
        ("1", "Period", "ParentId", 300),
        ("1", "Ledger", "LedgerId", 100),
        ("2", "Rate", "Line[2].LedgerRef", 50),
    ]
    assert found["detail"] == (
        "Ids were numbered anew: 100 ids in 3 columns of 3 tables, each old one always to the same new one."
    )
    most = found["examples"][0]
    assert int(most["new"]) == int(most["old"]) + 900_000
    assert most["count"] == sum(count for place in places for old, _, count in place["sample"] if old == most["old"])


def test_columns_of_one_name_are_one_finding_even_without_common_ids() -> None:
    places = [renumbered(str(n), "T", "ObjectId", range(n * 1000, n * 1000 + 20)) for n in range(1, 40)]
    [found] = findings(places)
    assert (found["values"], len(found["places"])) == (39 * 20, 39)


def test_a_mapping_that_conflicts_is_another_finding() -> None:
    places = [renumbered("1", "A", "Id", range(100, 150)), renumbered("2", "B", "Id", range(100, 160), shift=500)]
    assert [(one["values"], len(one["places"])) for one in findings(places)] == [(60, 1), (50, 1)]


def test_different_ids_that_became_the_same_ones_conflict() -> None:
    places = [renumbered("1", "A", "Id", range(100, 150)), renumbered("2", "B", "Id", range(200, 250), 899_900)]
    assert len(findings(places)) == 2


def test_other_columns_need_more_than_one_id_in_common() -> None:
    one, other = renumbered("1", "A", "AId", range(100, 120)), renumbered("1", "B", "BId", range(119, 140))
    assert len(findings([one, other])) == 2


@pytest.mark.parametrize(
    "old, new",
    [
        ([f"{n}.5" for n in range(50)], [f"{n}.6" for n in range(50)]),
        ([f"2024-01-{n:02d}" for n in range(1, 29)], [f"2025-01-{n:02d}" for n in range(1, 29)]),
        ([str(n) for n in range(2000, 2030)], [str(n) for n in range(2001, 2031)]),
        ([f"word {n}" for n in range(50)], [f"term {n}" for n in range(50)]),
        (["yes"] * 50, ["no"] * 50),
    ],
    ids=["amounts", "dates", "years", "prose", "flags"],
)
def test_what_does_not_look_like_ids_is_no_renumbering(old: list[str], new: list[str]) -> None:
    assert told("1", "T", "C", old, new) is None


def test_values_that_became_different_ones_in_different_rows_are_no_renumbering() -> None:
    rng = random.Random(2)
    old = [f"A{rng.randrange(20):03d}" for _ in range(200)]
    assert told("1", "T", "C", old, [f"B{rng.randrange(20):03d}" for _ in old]) is None


def test_a_column_in_which_half_of_the_rows_stayed_is_no_renumbering() -> None:
    assert told("1", "T", "C", [f"A{n:03d}" for n in range(50)], [f"B{n:03d}" for n in range(50)], 101) is None
    assert told("1", "T", "C", [None, "A1"], ["A2", None], 2) is None


def test_a_few_ids_are_no_finding() -> None:
    assert findings([renumbered("1", "T", "Id", range(10, 14))]) == []


def test_of_many_ids_a_sample_is_kept_and_their_number_estimated() -> None:
    ids = [*range(100_000, 140_000)]
    whole, half = renumbered("1", "A", "Id", ids), renumbered("2", "B", "Ref", ids[:20_000])
    assert len(whole["sample"]) == len(half["sample"]) == remaps.SAMPLED
    assert whole["olds"] == 40_000
    [found] = findings([whole, half])
    assert 35_000 <= found["values"] <= 45_000
    assert "about" in found["detail"]
    assert findings([whole])[0]["values"] == 40_000


def test_columns_keep_the_same_ids_whatever_their_order() -> None:
    ids = [*range(100_000, 102_000)]
    shuffled = random.Random(3).sample(ids, len(ids))
    assert renumbered("1", "T", "Id", ids) == renumbered("1", "T", "Id", shuffled)


@given(st.permutations(range(6)), st.integers(0, 3))
def test_the_order_of_evidence_does_not_matter(order: list[int], shift: int) -> None:
    places = [
        renumbered("1", "A", "Id", range(100, 130)),
        renumbered("1", "B", "AId", range(110, 120)),
        renumbered("2", "A", "Id", range(300, 320)),
        renumbered("2", "C", "CId", range(100, 130), shift=500 + shift),
        renumbered("3", "C", "CId", range(125, 140), shift=500 + shift),
        renumbered("3", "D", "Ref", range(305, 312)),
    ]
    assert findings([places[at] for at in order]) == findings(places)
