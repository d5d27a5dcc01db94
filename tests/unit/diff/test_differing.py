"""The rows that are not the same, read from stored results: all of them, whole, however little can be held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from result_tables import Memory, Pair, Store, random_pair

from ret_diff import gathering
from ret_diff.applying import TakeOver, Target
from ret_diff.artefact import Side, write
from ret_diff.differing import Difference, Differences, Found
from ret_diff.errors import PageTooLarge
from ret_diff.model import ColumnStatus, MatchedColumn, RowStatus
from ret_kit.errors import NotFound


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def found_in(store: Store, pair: Pair) -> tuple[Found, list[Difference]]:
    facts, _ = store.written(pair, pair.result())
    found = Differences(store.blobs).open(facts.prefix)
    return found, list(found.rows())


def told(row: Difference) -> dict[str, object]:
    return {
        "status": row.status.name.lower(),
        "a_row": row.a_row or None,
        "b_row": row.b_row or None,
        "a": None if row.a is None else list(row.a),
        "b": None if row.b is None else list(row.b),
        "changed": list(row.changed),
        "format_only": list(row.format_only),
    }


@pytest.mark.parametrize("cells", [1 << 20, 200, 4])
@pytest.mark.parametrize("change", [0.05, 0.9])
def test_every_row_that_is_not_the_same_is_told_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch, change: float, cells: int
) -> None:
    monkeypatch.setattr(gathering, "CELLS", cells)
    pair = random_pair(3, change=change, shuffled=True)
    _, rows = found_in(store, pair)
    shown = [(at, row) for at, row in enumerate(pair.shown(pair.result())) if row["status"] != "same"]
    assert [row.position for row in rows] == [at for at, _ in shown]
    assert [told(row) for row in rows] == [{name: row[name] for name in told(rows[0])} for _, row in shown]


def test_some_columns_are_told_in_the_order_asked_for(store: Store) -> None:
    found, rows = found_in(store, random_pair(5))
    some = list(found.rows([4, 1]))
    for whole, part in zip(rows, some, strict=True):
        assert part.a == (None if whole.a is None else (whole.a[4], whole.a[1]))
        assert set(part.changed) == {(4, 1).index(at) for at in whole.changed if at in (4, 1)}
    assert {tuple(row.b or ()) for row in found.rows([])} == {()}


def test_a_cell_that_is_too_large_is_told_as_such(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = found_in(store, random_pair(5))
    monkeypatch.setattr(gathering, "CELLS", 1)
    with pytest.raises(PageTooLarge):
        next(found.rows())


def test_rows_have_the_numbers_of_their_tables(store: Store) -> None:
    pair = random_pair(7)
    facts, of = store.written(pair, pair.result())
    plain = Differences(store.blobs).open(facts.prefix)
    assert max(plain.a_rows) == pair.a.rows
    assert max(plain.b_rows) == pair.b.rows
    assert of.prefix == facts.prefix


def test_rows_of_edited_tables_keep_their_numbers_also_without_their_side(store: Store) -> None:
    a, b = Memory(["Key"], [("1",), ("2",)]), Memory(["Key"], [("1",), ("3",)])
    pair = Pair(a, b, [0, 1], [MatchedColumn(0, 0, "Key", ColumnStatus.SAME, compared=True)])
    blob = store.table(a, "edited", numbers=[7, 3])
    facts = write(store.blobs, "sessions/s1/n/", pair.result(), Side(a, blob), Side(b, store.table(b, "b")))
    store.blobs.delete_sync(blob.numbers_key)
    found = Differences(store.blobs).open(facts.prefix)
    assert [(row.a_row, row.b_row) for row in found.rows()] == [(3, 2)]
    assert (found.a_rows.tolist(), found.b_rows.tolist()) == ([7, 3], [1, 2])


def test_a_result_that_is_gone_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        Differences(store.blobs).open("sessions/s1/nothing/")


def test_what_is_stored_can_be_taken_over(store: Store) -> None:
    pair = random_pair(11, rows=200)
    found, rows = found_in(store, replace(pair, moved=set()))
    taking = TakeOver(found, Target(pair.a.names), "a", None)
    chunk = taking.chunk()
    assert chunk is not None
    assert taking.chunk() is None
    assert len(chunk.inserts) == sum(row.status is RowStatus.ADDED for row in rows)
    assert len(chunk.deletes) == sum(row.status is RowStatus.REMOVED for row in rows)
    assert len(chunk.edits) == sum(len(row.changed) for row in rows)
    assert taking.taken.left_columns == ("New",)
    assert {len(row.values) for row in chunk.inserts} == {len(pair.a.names)}
