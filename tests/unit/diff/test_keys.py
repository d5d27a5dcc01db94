from __future__ import annotations

import random

import numpy as np
import pytest
from tables import compared, names, numbers, pairs

from ret_diff.model import Parents, Result

Rows = list[dict[str, str]]


def key_of(result: Result) -> list[str]:
    return names(result, result.key.columns)


def items(count: int = 200) -> Rows:
    rng = random.Random(5)
    return [
        {"Ledger": str(at % 4), "Period": str(at // 4 % 10), "Line": str(at // 40), "Amount": str(rng.randrange(90))}
        for at in range(count)
    ]


def with_changes(rows: Rows, name: str = "Amount", every: int = 9) -> Rows:
    return [row | ({name: f"new {at}"} if at % every == 0 else {}) for at, row in enumerate(rows)]


def test_three_columns_that_together_tell_rows_apart_are_a_key() -> None:
    result = compared(items(), with_changes(items()))
    assert sorted(key_of(result)) == ["Ledger", "Line", "Period"]
    assert 0.8 < result.key.confidence < 1
    assert numbers(result) == {"rows_changed": 23, "cells_changed": 23}


def test_a_key_has_no_column_that_can_be_left_out() -> None:
    rows = [row | {"Code": f"c{at}"} for at, row in enumerate(items())]
    result = compared(rows, with_changes(rows))
    assert key_of(result) == ["Code"]
    assert result.runner_ups
    assert all("Code" not in names(result, one.columns) for one in result.runner_ups)


def test_of_two_keys_the_one_that_was_not_edited_is_told() -> None:
    rows = [{"Value": f"v{at * 7919 % 1000}", "Code": f"c{at}", "Text": f"text {at % 50}"} for at in range(300)]
    result = compared(rows, with_changes(rows, "Value", 20))
    assert key_of(result) == ["Code"]
    assert names(result, result.runner_ups[0].columns) == ["Value"]


def test_of_two_keys_that_are_as_good_the_one_that_sounds_like_one_is_told() -> None:
    rows = [{"Amount": f"{at}.25", "ItemCode": f"c{at}"} for at in range(50)]
    rows = [row | {"Flag": "YN"[at % 2]} for at, row in enumerate(rows)]
    assert key_of(compared(rows, rows)) == ["ItemCode"]


def test_the_order_of_columns_decides_nothing() -> None:
    a = [row | {"Code": f"c{at}", "Name": f"n{at}"} for at, row in enumerate(items())]
    turned = [dict(reversed(row.items())) for row in a]
    one, other = compared(a, with_changes(a)), compared(turned, with_changes(turned))
    assert key_of(one) == key_of(other)
    assert (one.key.confidence, pairs(one), one.counts) == (other.key.confidence, pairs(other), other.counts)


def test_a_key_that_only_one_side_keeps_is_none() -> None:
    rows = [{"No": str(at), "Name": f"name {at}", "Size": str(at % 9)} for at in range(100)]
    again = [row | {"No": f"x{at}"} for at, row in enumerate(rows)]
    result = compared(rows, again)
    assert key_of(result) == ["Name"]
    assert result.counts.rows_changed == 100


def test_a_trusted_key_keeps_rows_together_of_which_most_was_changed() -> None:
    rows = [{"Code": f"c{at}", "P": f"p{at}", "Q": f"q{at}", "R": f"r{at}", "S": f"s{at}"} for at in range(50)]
    b = [dict(row) for row in rows]
    b[7] = {"Code": "c7", "P": "1", "Q": "2", "R": "3", "S": "s7"}
    assert numbers(compared(rows, b)) == {"rows_changed": 1, "cells_changed": 3}


def test_a_changed_key_is_found_by_what_is_left() -> None:
    rows = [{"Code": f"c{at}", "P": f"p{at}", "Q": f"q{at}"} for at in range(50)]
    b = [dict(row) for row in rows]
    b[7]["Code"] = "other"
    assert numbers(compared(rows, b)) == {"rows_changed": 1, "cells_changed": 1}


def test_a_translated_column_leaves_the_code_as_key() -> None:
    rows = [{"Code": f"c{at}", "Text": f"word {at}", "More": f"words {at}"} for at in range(60)]
    b = [{"Code": row["Code"], "Text": f"Wort {row['Code']}", "More": f"Worte {row['Code']}"} for row in rows]
    result = compared(rows, b)
    assert key_of(result) == ["Code"]
    assert numbers(result) == {"rows_changed": 60, "cells_changed": 120}


def test_a_table_of_few_values_has_no_key() -> None:
    rng = random.Random(4)
    rows = [{"Kind": rng.choice("ABC"), "Flag": rng.choice("YN")} for _ in range(100)]
    result = compared(rows, rows[1:])
    assert (result.key.columns, result.key.confidence, result.runner_ups) == ((), 0.0, ())


@pytest.mark.parametrize("lines", [1, 3])
def test_what_a_row_belongs_to_is_a_part_of_its_key(lines: int) -> None:
    rng = random.Random(7)
    a = [
        {"_parent_id": str(parent), "Line": str(line), "Days": str(rng.randrange(9)), "Share": str(rng.randrange(9))}
        for parent in range(1, 41)
        for line in range(lines)
    ]
    b = [row | ({"Days": "90", "Share": "91"} if at % 10 == 0 else {}) for at, row in enumerate(a)]
    parents = Parents(np.arange(41), np.arange(41))
    result = compared(a, b, parents)
    assert key_of(result) == (["Line"] if lines > 1 else [])
    assert pairs(result) == {(at, at) for at in range(len(a))}
