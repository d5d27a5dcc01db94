from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from tables import Listed, compared, names, numbers, pairs, shown, statuses

from ret_diff import engine
from ret_diff.engine import KEY_NOT_FOUND, KEY_NOT_UNIQUE, compare
from ret_diff.model import ColumnStatus, Options, Parents, Reading, Result, RowStatus

Rows = list[dict[str, str]]


def ledger(count: int = 300, seed: int = 1) -> Rows:
    rng = random.Random(seed)
    return [
        {
            "Id": f"30{rng.randrange(10**10):010d}",
            "Account": f"{n:05d}",
            "Currency": rng.choice(["EUR", "USD"]),
            "Amount": f"{rng.randrange(10**6) / 100:.2f}",
            "Note": rng.choice(["open", "closed", "held"]),
        }
        for n in range(count)
    ]


def few_values(count: int = 500, seed: int = 4) -> Rows:
    rng = random.Random(seed)
    return [{"Kind": rng.choice("ABC"), "Flag": rng.choice("YN"), "Level": rng.choice("12345")} for _ in range(count)]


def patched(a: Rows, result: Result, b: Rows) -> Counter[tuple[str, ...]]:
    """A's rows after what is reported: removed ones gone, added ones there, changed ones as in B."""
    rows: list[dict[str, str]] = []
    for (one, other), status in zip(shown(result), statuses(result), strict=True):
        if status is not RowStatus.REMOVED:
            rows.append(a[one] if status is RowStatus.SAME else b[other])
    return Counter(tuple(row.values()) for row in rows)


def test_a_table_compared_with_itself_is_the_same() -> None:
    result = compared(ledger(), ledger())
    assert numbers(result) == {}
    assert pairs(result) == {(at, at) for at in range(300)}
    assert {column.status for column in result.columns} == {ColumnStatus.SAME}


def test_rows_in_another_order_are_only_moved() -> None:
    rows = ledger()
    order = random.Random(2).sample(range(300), 300)
    result = compared(rows, [rows[at] for at in order])
    assert set(numbers(result)) == {"rows_moved"}
    assert pairs(result) == {(one, at) for at, one in enumerate(order)}


def test_ids_generated_anew_are_no_key_and_hide_none() -> None:
    a, b = ledger(), [row | {"Id": f"99{row['Id'][::-1]}"} for row in ledger()]
    b[10]["Note"], b[20]["Amount"] = "planted", "-1.00"
    result = compared(a, b)
    assert pairs(result) == {(at, at) for at in range(300)}
    assert names(result, result.key.columns) == ["Account"]
    assert numbers(compared(a, b, ignore_columns=("Id",))) == {"rows_changed": 2, "cells_changed": 2}


def test_ids_counted_anew_pair_no_rows_of_other_contents() -> None:
    a = [{"No": str(at), "Name": f"name {at * 7919 % 1000}", "Size": str(at % 13)} for at in range(400)]
    b = [row | {"No": str(at)} for at, row in enumerate(a[:150] + a[151:])]
    result = compared(a, b)
    assert pairs(result) == {(at, at - (at > 150)) for at in range(400) if at != 150}
    assert names(result, result.key.columns) == ["Name"]


def test_ids_counted_anew_are_seen_through_where_no_other_key_is() -> None:
    rows = few_values(1200)
    a = [{"No": str(at), **row} for at, row in enumerate(rows)]
    b = [{"No": str(at), **row} for at, row in enumerate(rows[:300] + rows[303:])]
    result = compared(a, b)
    assert result.counts.rows_removed == 3
    assert result.counts.rows_added == 0
    assert result.counts.cells_changed == result.counts.rows_changed <= 897


def test_a_new_column_changes_no_row() -> None:
    rows = ledger()
    result = compared(rows, [{"Region": "EMEA", **row} for row in rows])
    assert numbers(result) == {}
    assert result.columns[0].name == "Region"
    assert [column.status for column in result.columns if column.name == "Region"] == [ColumnStatus.ADDED]


def test_case_blanks_and_a_tolerance_are_ignored_when_asked() -> None:
    a, b = ledger(60), ledger(60)
    b[1]["Note"], b[2]["Note"] = b[1]["Note"].upper(), f" {b[2]['Note']} "
    b[3]["Amount"] = f"{float(b[3]['Amount']) + 0.004:.3f}"
    assert compared(a, b).counts.cells_changed == 3
    assert numbers(compared(a, b, ignore_case=True, ignore_space=True, numeric_tolerance=0.01)) == {}


def test_one_copy_less_is_one_row_removed() -> None:
    a = [dict(row) for row in ledger(40) for _ in range(3)]
    for gone in (0, 61, 119):
        assert numbers(compared(a, a[:gone] + a[gone + 1 :])) == {"rows_removed": 1}


def test_few_values_without_a_key_change_no_more_than_was_changed() -> None:
    a = few_values()
    kept = [at for at in range(500) if at not in {50, 150, 250, 350, 450}]
    b = [dict(a[at]) for at in kept]
    for at in (100, 200, 300):
        b[at]["Kind"] = "NEW"
    result = compared(a, b)
    assert numbers(result) == {"rows_removed": 5, "rows_changed": 3, "cells_changed": 3}
    assert pairs(result) == {(one, at) for at, one in enumerate(kept)}
    assert patched(a, result, b) == Counter(tuple(row.values()) for row in b)


def test_changes_removals_and_additions_in_shuffled_rows_are_all_found() -> None:
    rng = random.Random(6)
    a = ledger(400)
    b = [
        row | ({"Currency": "GBP"} if row["Currency"] == "USD" and at % 3 == 0 else {})
        for at, row in enumerate(a)
        if at % 37
    ]
    b += [row | {"Account": f"N{row['Account']}"} for row in ledger(15, seed=9)]
    rng.shuffle(b)
    result = compared(a, b)
    changed = sum(row["Currency"] == "GBP" for row in b)
    found = numbers(result)
    assert found.pop("rows_moved") > 300
    assert found == {"rows_added": 15, "rows_removed": 11, "rows_changed": changed, "cells_changed": changed}
    assert patched(a, result, b) == Counter(tuple(row.values()) for row in b)
    assert [(one.old, one.new, one.count) for one in result.patterns] == [("USD", "GBP", changed)]


def test_b_compared_with_a_is_the_inverse_to_the_last_move() -> None:
    rng = random.Random(8)
    a = few_values(200)
    b = [row | ({"Level": "9"} if at % 17 == 0 else {}) for at, row in enumerate(a) if at % 23]
    rng.shuffle(b)
    one, other = compared(a, b), compared(b, a)
    assert pairs(one) == {(at, of) for of, at in pairs(other)}
    moved = [
        {both for both, out in zip(shown(x), x.alignment.moved.tolist(), strict=True) if out} for x in (one, other)
    ]
    assert moved[0] == {(at, of) for of, at in moved[1]}


def test_the_order_is_that_of_a_with_added_rows_behind_those_before_them_in_b() -> None:
    a = [{"K": name, "V": name * 3} for name in "pqrs"]
    b = [{"K": name, "V": name * 3} for name in "xpyzqsw"]
    result = compared(a, b)
    names_ = [b[of]["K"] if of >= 0 else a[at]["K"] for at, of in shown(result)]
    assert "".join(names_) == "xpyzqrsw"
    assert [one.name for one in statuses(result)].count("ADDED") == 4


@pytest.mark.parametrize("side", [0, 1])
def test_a_side_without_rows_is_all_added_or_all_removed(side: int) -> None:
    rows = ledger(5)
    result = compared([], rows) if side else compared(rows, [])
    assert numbers(result) == ({"rows_added": 5} if side else {"rows_removed": 5})
    assert result.key.columns == ()


def test_two_tables_without_anything_are_the_same() -> None:
    result = compared([], [])
    assert numbers(result) == {}
    assert len(result.alignment.a_rows) == 0


def test_tables_without_a_column_in_common_have_no_row_in_common() -> None:
    result = compared([{"P": str(at)} for at in range(9)], [{"Q": f"x{at}"} for at in range(9)])
    assert numbers(result) == {"rows_added": 9, "rows_removed": 9}


def test_a_given_key_that_is_not_there_is_told_and_another_is_found() -> None:
    a, b = ledger(50), ledger(50)
    b[3]["Note"] = "other"
    result = compared(a, b, keys=("Account", "Nowhere"))
    assert [note.code for note in result.notes] == [KEY_NOT_FOUND]
    assert "Nowhere" in result.notes[0].detail
    assert not result.key.given
    assert numbers(result) == {"rows_changed": 1, "cells_changed": 1}


def test_a_given_key_that_is_not_unique_is_told_and_kept_to() -> None:
    a, b = ledger(60), ledger(60)
    b[3]["Note"], b[4]["Currency"] = "other", "JPY"
    result = compared(a, b, keys=("Currency",))
    assert [note.code for note in result.notes] == [KEY_NOT_UNIQUE]
    assert (names(result, result.key.columns), result.key.given) == (["Currency"], True)
    assert numbers(result) == {"rows_changed": 1, "cells_changed": 1, "rows_added": 1, "rows_removed": 1}


def test_rows_of_one_given_key_are_paired_whatever_changed() -> None:
    a = [{"K": "k", "V": "1", "W": "1"}, {"K": "k", "V": "2", "W": "2"}, {"K": "l", "V": "3", "W": "3"}]
    b = [{"K": "k", "V": "8", "W": "8"}, {"K": "k", "V": "9", "W": "2"}, {"K": "m", "V": "3", "W": "3"}]
    assert pairs(compared(a, b, keys=("K",))) == {(0, 0), (1, 1)}


def test_children_are_paired_within_their_parents() -> None:
    a = [{"_parent_id": parent, "Line": line, "Share": "50"} for parent in ("1", "2") for line in ("1", "2")]
    b = [{"_parent_id": parent, "Line": line, "Share": "50"} for parent in ("2", "1", "3") for line in ("1", "2")]
    parents = Parents(np.array([-1, 1, 2]), np.array([-1, 1, 2, 3]))
    result = compared(a, b, parents)
    assert pairs(result) == {(0, 2), (1, 3), (2, 0), (3, 1)}
    assert result.counts.rows_added == 2
    assert "_parent_id" not in names(result, [one.column for one in result.cells])


def test_a_child_of_another_parent_is_another_row() -> None:
    a = [{"_parent_id": "1", "Line": str(at), "Text": f"line {at}"} for at in range(6)]
    b = [row | ({"_parent_id": "2"} if at == 5 else {}) for at, row in enumerate(a)]
    parents = Parents(np.array([-1, 1, 2]), np.array([-1, 1, 2]))
    assert numbers(compared(a, b, parents)) == {"rows_added": 1, "rows_removed": 1}


def test_parents_are_left_alone_where_a_side_has_no_link_to_them() -> None:
    a = [{"_parent_id": "1", "Line": "1", "Text": "x"}]
    b = [{"Line": "1", "Text": "x"}]
    result = compared(a, b, Parents(np.array([-1, 1]), np.array([-1])))
    assert numbers(result) == {}
    assert [one.status for one in result.columns if one.name == "_parent_id"] == [ColumnStatus.IGNORED]


def test_children_of_unknown_parents_are_compared_all_the_same() -> None:
    a = [{"_parent_id": None, "Line": "1"}, {"_parent_id": "77", "Line": "2"}]
    assert numbers(compared(a, a, Parents(np.array([-1, 1]), np.array([-1, 1])))) == {}


def test_results_do_not_depend_on_how_tables_are_cut() -> None:
    a = ledger(100)
    b = [row | ({"Note": "x"} if at % 9 == 0 else {}) for at, row in enumerate(a) if at % 11]
    whole = compared(a, b)
    for chunk in (1, 7, 64):
        cut = compared(Listed(a, chunk=chunk), Listed(b, chunk=chunk))
        assert pairs(cut) == pairs(whole)
        assert (cut.counts, cut.key, cut.patterns) == (whole.counts, whole.key, whole.patterns)


def test_absent_cells_are_empty_where_a_side_cannot_tell() -> None:
    a = Listed([{"K": str(at), "V": None if at % 2 else "x"} for at in range(20)])
    b = Listed([{"K": str(at), "V": "" if at % 2 else "x"} for at in range(20)])
    strict = compare(a, b, Options(), Reading(), Reading())
    assert strict.counts.rows_changed == 10
    assert numbers(compare(a, b, Options(), Reading(), Reading(absent_is_empty=True))) == {}


def test_what_is_written_otherwise_is_the_same_row() -> None:
    a = [{"Amount": f"{at}.50", "Flag": "YN"[at % 2]} for at in range(40)]
    b = [{"Amount": f"{at}.5", "Flag": "YN"[at % 2]} for at in range(40)]
    result = compared(a, b)
    assert pairs(result) == {(at, at) for at in range(40)}
    assert result.counts.cells_format_only == 40


def test_an_extremely_wide_table_is_read_in_few_pieces() -> None:
    wide = {f"C{at}": str(at) for at in range(700)}
    a, b = Listed([wide, wide]), Listed([wide, wide | {"C7": "new"}])
    assert numbers(compared(a, b)) == {"rows_changed": 1, "cells_changed": 1}
    assert len(a.read_at_once) < 5


def test_costs_say_when_a_pair_is_made() -> None:
    a, b = Listed(few_values()), Listed(few_values(seed=5))
    found = engine.costs(a, b, Options(), Reading(), Reading())
    assert found.weights["Flag"] < found.weights["Kind"] < found.weights["Level"] < 2 * found.row_cost
