from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from result_tables import LINK, PREFIX, Memory, Pair, Store, random_pair

from ret_diff import artefact
from ret_diff.arrow import pa
from ret_diff.artefact import Side, write
from ret_diff.marks import Which
from ret_diff.meta import load
from ret_diff.model import (
    NOWHERE,
    CellChanges,
    ColumnStatus,
    Counts,
    KeyChoice,
    MatchedColumn,
    Note,
)
from ret_diff.opened import Compared
from ret_kit.errors import BlobDamaged

SAME = ColumnStatus.SAME


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "blobs")


def flat(rows: list[tuple[str | None, ...]], other: list[tuple[str | None, ...]], partner: list[int]) -> Pair:
    names = [f"C{at}" for at in range(len((rows or other)[0]))]
    columns = [MatchedColumn(at, at, name, SAME, compared=True) for at, name in enumerate(names)]
    return Pair(Memory(names, rows), Memory(names, other), partner, columns)


def patched(store: Store, pair: Pair, of: Compared) -> list[tuple[str | None, ...]]:
    """B, made from the rows of A by what the changed view says of rows and the full view of their order."""
    rows = {at + 1: list(row) for at, row in enumerate(pair.a.cells)}
    made: dict[int, tuple[str | None, ...]] = {}
    where = {one.b: at for at, one in enumerate(pair.columns) if one.b != NOWHERE}
    for row in store.rows(of, Which.FULL):
        if row["status"] == "same":
            assert [cell for one, cell in zip(pair.columns, row["a"], strict=True) if one.a != NOWHERE] == [
                rows[row["a_row"]][one.a] for one in pair.columns if one.a != NOWHERE
            ]
        if row["b_row"] is not None:
            made[row["b_row"]] = tuple(row["b"][where[at]] for at in range(len(pair.b.names)))
    return [made[at] for at in sorted(made)]


@given(st.integers(0, 10_000), st.booleans(), st.sampled_from([0.0, 0.02, 0.5]), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_and_the_result_are_b(
    tmp_path_factory: pytest.TempPathFactory, seed: int, shuffled: bool, change: float, dense: bool, at_hand: bool
) -> None:
    store = Store(tmp_path_factory.mktemp("blobs"))
    pair = random_pair(seed, rows=40, change=change, shuffled=shuffled)
    result = pair.result(at_hand=at_hand)
    with pytest.MonkeyPatch.context() as patch:
        if dense:
            patch.setattr(artefact, "SMALL", 0)
            patch.setattr(artefact, "AT_ONCE", 100)
            patch.setattr(artefact, "TOGETHER", 1)
        _, of = store.written(pair, result)
    assert patched(store, pair, of) == pair.b.cells
    assert store.rows(of, Which.FULL, 13) == pair.shown(result)


def test_the_same_result_is_the_same_bytes(tmp_path: Path) -> None:
    pair = random_pair(5, shuffled=True)
    made: list[dict[str, bytes]] = []
    for name in ("one", "two"):
        store = Store(tmp_path / name)
        facts, _ = store.written(pair, pair.result())
        keys = store.blobs.keys_sync(PREFIX)
        made.append({key: store.blobs.get_sync(key) for key in keys})
        assert facts.bytes == sum(len(data) for data in made[-1].values())
    assert made[0] == made[1]
    assert len(made[0]) == 5


def test_what_is_told_of_a_result_is_json_and_names_columns(store: Store) -> None:
    pair = random_pair(3)
    key = KeyChoice((1,), 0.75)
    result = replace(pair.result(key=key), runner_ups=(KeyChoice((1, 3), 0.5),), notes=(Note("SOMETHING", "Look."),))
    facts, _ = store.written(pair, result)
    told = json.loads(json.dumps(asdict(facts)))
    assert (told["status"], told["prefix"], told["a_rows"], told["b_rows"]) == ("mismatch", PREFIX, 60, pair.b.rows)
    assert (told["key_columns"], told["key_confidence"], told["key_given"]) == (["Key"], 0.75, False)
    assert told["runner_ups"] == [[["Key", "Name"], 0.5]]
    assert (told["columns_added"], told["columns_removed"]) == (["New"], ["Old"])
    assert told["columns_renamed"] == [["Was", "Now"]]
    assert told["notes"] == [{"code": "SOMETHING", "detail": "Look."}]
    counts = result.counts
    assert told["counts"] == asdict(counts)
    assert told["changed_rows"] == counts.rows_added + counts.rows_removed + counts.rows_changed
    assert told["full_rows"] == len(result.status)
    assert told["patterns"] == len(result.patterns)
    assert load(store.blobs.get_sync(f"{PREFIX}meta.json")).told["counts"] == asdict(counts)


def test_nothing_is_written_where_a_says_all(store: Store) -> None:
    rows: list[tuple[str | None, ...]] = [("1", "a"), ("2", None)]
    facts, of = store.written(pair := flat(rows, rows, [0, 1]), pair.result())
    assert (facts.status, facts.prefix, facts.bytes, facts.counts) == ("identical", "", 0, Counts())
    assert not store.blobs.keys_sync(PREFIX)
    assert store.rows(of, Which.FULL) == pair.shown(pair.result())
    assert store.rows(of, Which.CHANGED) == []


def test_a_pure_reordering_is_identical_with_rows_that_moved(store: Store) -> None:
    pair = flat([("1",), ("2",), ("3",)], [("3",), ("1",), ("2",)], [1, 2, 0])
    pair.moved = {2}
    facts, of = store.written(pair, pair.result())
    assert (facts.status, facts.changed_rows, facts.counts.rows_moved) == ("identical", 0, 1)
    assert store.rows(of, Which.CHANGED) == []
    [moved] = store.rows(of, Which.MOVES)
    assert (moved["a_row"], moved["b_row"], moved["moved"], moved["status"]) == (3, 1, True, "same")


def test_ids_that_are_new_and_nothing_else_make_no_difference(store: Store) -> None:
    columns = [MatchedColumn(0, 0, LINK, SAME, compared=False), MatchedColumn(1, 1, "X", SAME, compared=True)]
    pair = Pair(
        Memory([LINK, "X"], [("1", "x"), (None, "y")]), Memory([LINK, "X"], [("7", "x"), (None, "y")]), [0, 1], columns
    )
    facts, of = store.written(pair, pair.result())
    assert (facts.status, facts.changed_rows) == ("identical", 0)
    assert [(row["a"], row["b"], row["changed"]) for row in store.rows(of, Which.FULL)] == [
        (["1", "x"], ["7", "x"], []),
        ([None, "y"], [None, "y"], []),
    ]


@pytest.mark.parametrize("removed", [True, False])
def test_a_side_may_be_empty(store: Store, removed: bool) -> None:
    some: list[tuple[str | None, ...]] = [("1", None), ("2", "")]
    pair = flat(some, [], [NOWHERE, NOWHERE]) if removed else flat([], some, [])
    facts, of = store.written(pair, pair.result())
    assert facts.status == "mismatch"
    for view in (Which.FULL, Which.CHANGED):
        assert store.rows(of, view) == pair.shown(pair.result())
        assert {row["status"] for row in store.rows(of, view)} == {"removed" if removed else "added"}


def test_two_empty_tables_with_other_columns_have_a_result_without_rows(store: Store) -> None:
    columns = [
        MatchedColumn(0, NOWHERE, "Old", ColumnStatus.REMOVED, compared=False),
        MatchedColumn(NOWHERE, 0, "New", ColumnStatus.ADDED, compared=False),
    ]
    pair = Pair(Memory(["Old"], []), Memory(["New"], []), [], columns)
    facts, of = store.written(pair, pair.result())
    assert facts.status == "mismatch"
    assert store.rows(of, Which.FULL) == []


def test_values_of_b_are_read_where_the_cells_do_not_bring_them(store: Store) -> None:
    pair = random_pair(8, shuffled=True)
    result = pair.result()
    bare = tuple(CellChanges(one.column, one.positions, one.states) for one in result.cells)
    _, of = store.written(pair, replace(result, cells=bare))
    assert store.rows(of, Which.FULL) == pair.shown(result)


@pytest.mark.parametrize("at_hand", [True, False])
def test_cells_that_are_at_hand_are_not_read_again(store: Store, at_hand: bool) -> None:
    pair = flat([("1", "a"), ("2", "b")], [("1", "a"), ("2", "c")], [0, 1])
    a, b = store.table(pair.a, "a"), store.table(pair.b, "b")
    pair.a.reads.clear()
    pair.b.reads.clear()
    write(store.blobs, PREFIX, pair.result(at_hand=at_hand), Side(pair.a, a), Side(pair.b, b))
    assert (sorted(pair.a.reads), pair.b.reads) == ([] if at_hand else ["C0", "C1"], [])


def test_where_most_rows_changed_a_s_table_is_copied_as_it_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefact, "SMALL", 0)
    pair = flat([(str(at), "a") for at in range(40)], [(str(at), "b") for at in range(40)], list(range(40)))
    _, of = store.written(pair, pair.result())
    assert store.blobs.get_sync(f"{PREFIX}table.parquet") == store.blobs.get_sync("sessions/s1/collections/a.parquet")
    store.blobs.delete_prefix_sync("sessions/s1/collections/")
    assert store.rows(of, Which.FULL, 7) == pair.shown(pair.result())


def test_a_table_that_is_damaged_is_not_copied(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefact, "SMALL", 0)
    pair = flat([("1",)], [("2",)], [0])
    where = store.table(pair.a, "a")
    with pytest.raises(BlobDamaged):
        write(store.blobs, PREFIX, pair.result(), Side(pair.a, replace(where, size=1)), Side(pair.b, where))


def test_a_wide_table_is_kept_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefact, "WIDEST", 10)
    wide = [tuple(f"{row}.{at}" for at in range(45)) for row in range(5)]
    other = [
        tuple("new" if at == 30 + row else cell for at, cell in enumerate(cells)) for row, cells in enumerate(wide)
    ]
    pair = flat([*wide], [*other], list(range(5)))
    _, of = store.written(pair, pair.result())
    assert len([key for key in store.blobs.keys_sync(PREFIX) if "rows-" in key]) == 5
    assert store.rows(of, Which.CHANGED, 2) == pair.shown(pair.result())
    [first, *_] = store.rows(of, Which.CHANGED, all_columns=False)
    assert (first["a"], first["b"], first["changed"]) == (
        ["0.30", "0.31", "0.32", "0.33", "0.34"],
        ["new", "0.31", "0.32", "0.33", "0.34"],
        [0],
    )


@pytest.mark.parametrize(
    "new", [pa.array(["b"]), pa.array(["b"], pa.large_string()), pa.array(["b"]).dictionary_encode()]
)
def test_new_values_may_be_any_type_of_text(store: Store, new: Any) -> None:
    pair = flat([("1", "a")], [("1", "b")], [0])
    result = pair.result()
    _, of = store.written(pair, replace(result, cells=(replace(result.cells[0], new=new),)))
    assert store.rows(of, Which.FULL) == pair.shown(result)
