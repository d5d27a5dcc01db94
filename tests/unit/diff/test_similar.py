from __future__ import annotations

import random

import numpy as np
import pytest
from tables import compared, numbers, pairs

from ret_diff import assign, similar
from ret_diff.assign import Edges, assigned

Rows = list[dict[str, str]]


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table has too many rows for all pairs to be weighed."""
    monkeypatch.setattr(similar, "_ALL", (0, 0, 0))


def texts(count: int = 300) -> Rows:
    """Rows without any key: everything is there several times, but no two rows are the same."""
    rng = random.Random(9)
    rows = {
        (rng.choice("ABCDE"), str(rng.randrange(60)), f"word {rng.randrange(80)}", rng.choice("YN")): None
        for _ in range(count)
    }
    return [dict(zip(("Kind", "Size", "Text", "Flag"), row, strict=True)) for row in rows]


def edited(rows: Rows) -> tuple[Rows, set[tuple[int, int]]]:
    """Some rows gone, some with another size, all in another order; and which are which."""
    kept = [(at, row | ({"Size": f"new {at}"} if at % 11 == 0 else {})) for at, row in enumerate(rows) if at % 29]
    random.Random(1).shuffle(kept)
    return [row for _, row in kept], {(at, place) for place, (at, _) in enumerate(kept)}


def test_rows_are_paired_by_what_they_share() -> None:
    a = texts()
    b, truth = edited(a)
    assert pairs(compared(a, b)) == truth


@pytest.mark.usefixtures("many")
def test_of_very_many_rows_those_are_weighed_that_share_what_is_rare() -> None:
    a = texts()
    b, truth = edited(a)
    found = pairs(compared(a, b))
    assert len(found & truth) >= 0.99 * len(truth)
    assert len(found - truth) <= 0.01 * len(truth)


@pytest.mark.usefixtures("many")
def test_of_very_many_rows_those_are_weighed_that_stand_in_the_same_place() -> None:
    rng = random.Random(2)
    a = [{f"C{at}": rng.choice("ABCDEFGH") for at in range(8)} for _ in range(300)]
    b = [row | ({"C1": "new", "C2": "new"} if at % 50 == 7 else {}) for at, row in enumerate(a)]
    assert pairs(compared(a, b)) == {(at, at) for at in range(300)}


@pytest.mark.usefixtures("many")
def test_ids_that_were_counted_anew_are_left_out_at_once_in_very_many_rows() -> None:
    rng = random.Random(3)
    rows = [{"Kind": rng.choice("ABC"), "Flag": rng.choice("YN"), "Level": rng.choice("12345")} for _ in range(400)]
    a = [{"No": str(at), **row} for at, row in enumerate(rows)]
    b = [{"No": str(at), **row} for at, row in enumerate(rows[2:])]
    result = compared(a, b)
    assert result.counts.rows_removed == 2
    assert result.counts.rows_added == 0
    assert result.counts.cells_changed == result.counts.rows_changed


def test_rows_that_share_what_most_rows_share_are_not_paired() -> None:
    sparse = {f"F{at}": None for at in range(100)}
    a = [{"Item": f"item {at}", "Text": f"text {at}", **sparse, f"F{at}": "x"} for at in range(50)]
    b = [*a[:20], *a[21:], {"Item": "another", "Text": "other", **sparse, "F60": "x"}]
    assert numbers(compared(a, b)) == {"rows_added": 1, "rows_removed": 1}


def test_the_neighbours_decide_between_rows_that_are_as_good() -> None:
    rng = random.Random(5)
    a = [{"Kind": rng.choice("ABC"), "Flag": rng.choice("YN"), "Level": rng.choice("12345")} for _ in range(300)]
    b = [dict(row) for row in a]
    for at in range(5, 300, 40):
        b[at]["Kind"] = "NEW"
    b = b[:100] + b[102:]
    truth = {(at, at - 2 * (at > 101)) for at in range(300) if at not in {100, 101}}
    assert pairs(compared(a, b)) == truth


def test_copies_go_with_their_neighbours() -> None:
    rng = random.Random(6)
    a = [{"Text": rng.choice(["p", "q", "r"])} for _ in range(400)]
    kept = [at for at in range(400) if at not in {40, 41, 200, 333}]
    result = compared(a, [a[at] for at in kept])
    assert numbers(result) == {"rows_removed": 4}
    assert result.counts.rows_moved == 0


def test_with_a_key_that_is_there_many_times_every_row_finds_one() -> None:
    rng = random.Random(7)
    a = [{"K": "k", "V": str(rng.randrange(10**6)), "W": str(rng.randrange(10**6))} for _ in range(30)]
    b = [{"K": "k", "V": str(rng.randrange(10**6)), "W": str(rng.randrange(10**6))} for _ in range(20)]
    result = compared(a, b, keys=("K",))
    assert (result.counts.rows_changed, result.counts.rows_removed) == (20, 10)


@pytest.mark.usefixtures("many")
def test_with_a_key_that_is_there_very_many_times_every_row_finds_one() -> None:
    a = [{"K": "k", "V": f"a{at}", "W": f"x{at}"} for at in range(40)]
    b = [{"K": "k", "V": f"b{at}", "W": f"y{at}"} for at in range(40)]
    assert compared(a, b, keys=("K",)).counts.rows_changed == 40


def edges(*some: tuple[int, int, int]) -> Edges:
    a, b, cost = (np.array(column, np.int64) for column in zip(*some, strict=True))
    nothing = np.zeros(len(a), np.int64)
    return Edges.of(a, b, cost, (nothing, nothing), (100, 10))


def chosen(some: Edges) -> set[tuple[int, int]]:
    a, b, _ = assigned(some, 9, 9)
    return set(zip(a.tolist(), b.tolist(), strict=True))


def test_the_best_pairs_are_those_that_are_best_together() -> None:
    assert chosen(edges((0, 0, 1), (0, 1, 2), (1, 0, 2), (1, 1, 90))) == {(0, 1), (1, 0)}


def test_of_many_that_hang_together_the_best_is_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assign, "EXACT", 1)
    assert chosen(edges((0, 0, 1), (0, 1, 2), (1, 0, 2), (1, 1, 90), (5, 5, 3))) == {(0, 0), (1, 1), (5, 5)}


def test_a_row_with_several_partners_takes_the_cheapest() -> None:
    assert chosen(edges((3, 1, 8), (3, 2, 4), (3, 7, 6))) == {(3, 2)}


def test_of_no_pairs_none_is_chosen() -> None:
    assert chosen(Edges.joined([])) == set()
