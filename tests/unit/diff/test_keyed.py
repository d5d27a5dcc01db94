from __future__ import annotations

import random

import numpy as np
import pytest
from tables import Listed, compared, numbers, pairs, statuses

from ret_diff import keyed
from ret_diff.arrow import pa
from ret_diff.engine import KEY_NOT_UNIQUE
from ret_diff.model import Options, Reading, RowStatus

Rows = list[dict[str, str | None]]


def table(count: int = 120) -> Rows:
    rng = random.Random(2)
    return [
        {"K": f"k{at}", "L": str(at % 7), "V": rng.choice(["a", None, "c"]), "W": "w" * (at % 30)}
        for at in range(count)
    ]


def changed(rows: Rows) -> Rows:
    out = [dict(row) for row in rows if row["K"] not in {"k3", "k50"}]
    for at in range(0, len(out), 10):
        out[at]["V"] = None if out[at]["V"] else "new"
    return [*out, {"K": "more", "L": "1", "V": "a", "W": ""}]


def test_by_a_given_key_the_same_is_found_as_without() -> None:
    a, b = table(), changed(table())
    given, found = compared(a, b, keys=("K",)), compared(a, b)
    assert given.key.given
    assert pairs(given) == pairs(found)
    assert (given.counts, given.patterns) == (found.counts, found.patterns)
    assert numbers(given) == {"rows_added": 1, "rows_removed": 2, "rows_changed": 12, "cells_changed": 12}


def test_nothing_but_the_key_decides_which_rows_belong_together() -> None:
    rows = [{"K": str(at), "V": str(at % 5)} for at in range(9)]
    result = compared(rows, [{"K": str(at + 1), "V": str(at % 5)} for at in range(9)], keys=("K",))
    assert result.counts.rows_added == result.counts.rows_removed == 1
    assert result.counts.rows_changed == 8


def test_keys_that_are_written_otherwise_are_the_same_key() -> None:
    a = [{"K": "1.0", "V": "x"}, {"K": "b", "V": "y"}, {"K": "C", "V": "z"}]
    b = [{"K": "1", "V": "x"}, {"K": "c", "V": "z"}, {"K": "b", "V": "y"}]
    result = compared(a, b, keys=("K",), ignore_case=True)
    assert pairs(result) == {(0, 0), (1, 2), (2, 1)}
    assert statuses(result) == [RowStatus.CHANGED, RowStatus.SAME, RowStatus.SAME]
    assert result.counts.cells_format_only == 1


def test_several_columns_are_one_key() -> None:
    rows = [{"K": str(at % 5), "L": str(at // 5), "V": str(at)} for at in range(20)]
    result = compared(rows, [row | {"V": "x"} for row in rows[::-1]], keys=("L", "K"))
    assert pairs(result) == {(at, 19 - at) for at in range(20)}
    assert result.counts.rows_moved == 19


def test_which_rows_moved_is_the_same_from_either_side() -> None:
    rows = [{"K": str(at), "V": str(at)} for at in range(40)]
    other = random.Random(1).sample(rows, 40)
    one, back = compared(rows, other, keys=("K",)), compared(other, rows, keys=("K",))
    moved = {int(at) for at in one.alignment.a_rows[one.alignment.moved]}
    assert moved == {int(at) for at in back.alignment.b_rows[back.alignment.moved]}


def test_a_key_that_is_there_twice_is_left_to_the_slower_way() -> None:
    rows = [{"K": "k", "V": "1"}, {"K": "k", "V": "2"}]
    keys = pa.array(["k", "k"], pa.large_string())
    assert keyed.paired([(keys, keys)], Options(), Reading()) is None
    assert [note.code for note in compared(rows, rows, keys=("K",)).notes] == [KEY_NOT_UNIQUE]


def test_a_given_key_may_be_a_column_that_is_ignored_or_was_renamed() -> None:
    a = [{"K": f"key {at}", "V": str(at % 3)} for at in range(30)]
    assert numbers(compared(a, a[::-1], keys=("K",), ignore_columns=("K",)))["rows_moved"] == 29
    b = [{"Key": row["K"], "V": row["V"]} for row in a]
    for name in ("K", "Key"):
        result = compared(a, b, keys=(name,))
        assert (numbers(result), result.key.given) == ({}, True)


def test_an_empty_side_has_no_pairs() -> None:
    assert numbers(compared(table(9), Listed([], ["K", "L", "V", "W"]), keys=("K",))) == {"rows_removed": 9}


def test_cells_that_were_read_once_are_at_hand() -> None:
    a, b = table(), changed(table())
    values = compared(a, b, keys=("K",)).values
    assert values is not None
    places = {name: at for at, name in enumerate("KLVW")}
    for side, rows in (("a", a), ("b", b)):
        for name, at in places.items():
            found = values.taken(side, at, np.array([5, 2]))
            assert found is not None
            assert found.to_pylist() == [rows[5][name], rows[2][name]]
    assert values.taken("a", len(places), np.array([0])) is None


def test_what_does_not_fit_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = table(), changed(table())
    given = compared(a, b, keys=("K",))
    monkeypatch.setattr(keyed, "KEPT", 0)
    monkeypatch.setattr(keyed, "AHEAD", 1)
    monkeypatch.setattr(keyed, "TOGETHER", 1)
    again = compared(a, b, keys=("K",))
    assert again.values is not None
    assert again.values.taken("a", 0, np.array([0])) is None
    assert (again.counts, again.patterns, pairs(again)) == (given.counts, given.patterns, pairs(given))
