from __future__ import annotations

import random

import pytest
from tables import compared, numbers, pairs

from ret_diff import renames
from ret_diff.columns import by_name, cleaned, laid_out, left_over
from ret_diff.model import NOWHERE, Column, ColumnStatus, Kind, Options, Result


def columns(*names: str) -> list[Column]:
    return [Column(name) for name in names]


def renamed(result: Result) -> set[tuple[int, int]]:
    return {(one.a, one.b) for one in result.columns if one.status is ColumnStatus.RENAMED}


@pytest.mark.parametrize("name", ["Enabled Flag", "ENABLED_FLAG", "EnabledFlag", "enabled-flag"])
def test_how_a_name_is_written_does_not_count(name: str) -> None:
    assert cleaned(name) == "enabledflag"


def test_columns_go_by_name_before_they_go_by_what_is_left_of_it() -> None:
    assert by_name(columns("A b", "a_b", "C"), columns("c", "a_b")) == [(1, 1), (2, 0)]


def test_a_path_says_more_than_a_name() -> None:
    a = [Column("Name", "/Party/Name"), Column("Size", "/Party/Size")]
    b = [Column("Name", "/Site/Name"), Column("Party.Name", "/Party/Name"), Column("Size")]
    assert by_name(a, b) == [(0, 1), (1, 2)]
    layout = laid_out(a, b, by_name(a, b), Options())
    assert [one.status for one in layout] == [ColumnStatus.ADDED, ColumnStatus.SAME, ColumnStatus.SAME]


def test_one_of_two_columns_that_are_written_alike_is_not_guessed() -> None:
    assert by_name(columns("a b"), columns("A_B", "A-B")) == []
    assert by_name(columns("a b", "a-b"), columns("A_B", "A+B")) == [(0, 0), (1, 1)]


def test_a_column_without_letters_has_no_cleaned_name() -> None:
    assert by_name(columns("#"), columns("%")) == []


def test_columns_of_b_stand_behind_those_before_them() -> None:
    a, b = columns("p", "q", "r"), columns("new", "q", "other", "p")
    layout = laid_out(a, b, by_name(a, b), Options(ignore_columns=("q", "r")))
    assert [(one.name, one.a, one.b, one.status.value, one.compared) for one in layout] == [
        ("new", NOWHERE, 0, "added", False),
        ("p", 0, 3, "same", True),
        ("q", 1, 1, "ignored", False),
        ("other", NOWHERE, 2, "added", False),
        ("r", 2, NOWHERE, "ignored", False),
    ]


def test_links_are_compared_with_nothing_and_are_no_columns_that_came_or_went() -> None:
    a = [Column("_id", kind=Kind.LINK), Column("_pos", kind=Kind.LINK), Column("x")]
    b = [Column("_id", kind=Kind.LINK), Column("y")]
    layout = laid_out(a, b, by_name(a, b), Options())
    assert [(one.name, one.status.value, one.compared) for one in layout] == [
        ("_id", "same", False),
        ("y", "added", False),
        ("_pos", "ignored", False),
        ("x", "removed", False),
    ]
    assert left_over(a, b, by_name(a, b)) == ([2], [1])


def rows(count: int = 60) -> list[dict[str, str]]:
    rng = random.Random(3)
    return [
        {"Code": f"c{at:04d}", "Flag": rng.choice("YN"), "Size": rng.choice(["S", "M", "L"]), "Unit": "each"}
        for at in range(count)
    ]


def called(name: str, other: str) -> list[dict[str, str]]:
    return [{other if key == name else key: value for key, value in row.items()} for row in rows()]


@pytest.mark.parametrize("name", ["Code", "Flag", "Size", "Unit"])
def test_a_renamed_column_is_only_renamed(name: str) -> None:
    result = compared(rows(), called(name, "Other"))
    at = list(rows()[0]).index(name)
    assert numbers(result) == {}
    assert renamed(result) == {(at, at)}


def test_a_renamed_key_still_tells_which_rows_belong_together() -> None:
    b = called("Code", "Number")
    b[4]["Flag"], b[5]["Size"] = "?", "XL"
    random.Random(4).shuffle(b)
    result = compared(rows(), b[:-1])
    assert renamed(result) == {(0, 0)}
    assert result.counts.cells_changed in {1, 2}
    assert result.counts.rows_removed == 1


def test_a_renamed_column_is_found_when_the_key_is_given() -> None:
    result = compared(rows(), called("Size", "Measure"), keys=("Code",))
    assert renamed(result) == {(2, 2)}
    assert numbers(result) == {}


def test_a_column_of_other_values_is_not_a_renamed_one() -> None:
    a = rows()
    b = [{**row, "Other": random.Random(at).choice("YN")} for at, row in enumerate(a)]
    for row in b:
        del row["Flag"]
    assert renamed(compared(a, b)) == set()


def test_values_in_other_rows_are_not_a_renamed_column() -> None:
    a = rows()
    b = [{"Name": other["Code"], **{key: row[key] for key in ("Flag", "Size", "Unit")}, "Key": row["Code"]}
         for row, other in zip(a, a[1:] + a[:1], strict=True)]  # fmt: skip
    assert renamed(compared([{**row, "Key": row["Code"]} for row in a], b)) == set()


def test_of_two_columns_that_may_be_meant_the_one_of_the_nearer_name_is_taken() -> None:
    a = [{"Code": row["Code"], "Size": row["Size"]} for row in rows()]
    b = [{"Code": row["Code"], "Any": row["Size"], "Size 2": row["Size"]} for row in rows()]
    assert renamed(compared(a, b)) == {(1, 2)}


def test_a_constant_that_may_be_two_columns_is_none_of_them() -> None:
    a = [{"Code": row["Code"], "Unit": "each"} for row in rows()]
    b = [{"Code": row["Code"], "P": "each", "Q": "each"} for row in rows()]
    assert renamed(compared(a, b)) == set()


def test_columns_that_hold_nothing_are_not_taken_for_each_other() -> None:
    a = [{"Code": row["Code"], "P": None} for row in rows()]
    b = [{"Code": row["Code"], "Q": None} for row in rows()]
    assert renamed(compared(a, b)) == set()


def test_an_ignored_column_is_not_looked_for() -> None:
    assert renamed(compared(rows(), called("Size", "Measure"), ignore_columns=("Size",))) == set()


def test_very_many_renamed_columns_are_found_by_being_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renames, "_CELLS", 0)
    wide = [{f"c{at}": f"{row * at % 97}" for at in range(1, 60)} | {"K": str(row)} for row in range(50)]
    other = [{f"d{name[1:]}" if name != "K" else name: cell for name, cell in row.items()} for row in wide]
    other[7]["d5"] = "new"
    result = compared(wide, other)
    assert pairs(result) == {(at, at) for at in range(50)}
    assert renamed(result) == {(at, at) for at in range(59)} - {(4, 4)}
