from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from result_tables import PREFIX, Memory, Pair, Store, random_pair

from ret_diff import artefact
from ret_diff.errors import PageTooLarge, SideGone
from ret_diff.marks import Which
from ret_diff.model import ColumnStatus, KeyChoice, MatchedColumn, Result
from ret_diff.opened import Compared
from ret_diff.pages import Window, view_of
from ret_kit.errors import BlobDamaged, NotFound

TABLES = "sessions/s1/collections/"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "blobs")


def again(store: Store) -> Store:
    """The same blobs, of which nothing is kept in memory."""
    return Store(store.folder)


@pytest.mark.parametrize("limit", [3, 1000])
@pytest.mark.parametrize("seed, shuffled", [(1, False), (2, True)])
def test_pages_of_any_size_are_together_what_the_two_tables_say(
    store: Store, seed: int, shuffled: bool, limit: int
) -> None:
    pair = random_pair(seed, shuffled=shuffled)
    result = pair.result()
    _, of = store.written(pair, result)
    expected = pair.shown(result)
    assert store.rows(of, Which.FULL, limit) == expected
    assert store.rows(of, Which.CHANGED, limit) == [row for row in expected if row["status"] != "same"]
    assert store.rows(of, Which.MOVES, limit) == [row for row in expected if row["status"] != "same" or row["moved"]]


def test_pages_of_thousands_of_rows_are_what_the_two_tables_say(store: Store) -> None:
    pair = random_pair(4, rows=5000, change=0.01, shuffled=True)
    result = pair.result()
    _, of = store.written(pair, result, group=700)
    expected = pair.shown(result)
    changed = [row for row in expected if row["status"] != "same"]
    for view, rows in ((Which.FULL, expected), (Which.CHANGED, changed)):
        for offset in (0, 1, 1023, 1024, len(rows) - 3, len(rows), len(rows) + 5):
            page = store.pages.rows(of, Window(view, offset, 50, all_columns=True))
            assert page.total == len(rows)
            assert store.json(page) == rows[offset : offset + 50]


def test_the_page_tells_its_columns_and_those_that_changed_are_the_key_and_what_differs(store: Store) -> None:
    pair = random_pair(1)
    result = pair.result(key=KeyChoice((1,), 0.9))
    _, of = store.written(pair, result)
    whole = store.pages.rows(of, Window(Which.CHANGED, 0, 10, all_columns=True))
    names = [(one.name, one.a, one.b, one.status, one.key) for one in whole.columns]
    assert names == [
        ("_id", "_id", "_id", "same", False),
        ("Key", "Key", "Key", "same", True),
        ("New", None, "New", "added", False),
        ("Name", "Name", "Name", "changed", False),
        ("Amount", "Amount", "Amount", "changed", False),
        ("Old", "Old", None, "removed", False),
        ("Was", "Was", "Now", "renamed", False),
        ("Left.Out", "Left.Out", "Left.Out", "ignored", False),
    ]
    cells = {one.column: sum(state in (1, 2) for state in one.states.tolist()) for one in result.cells}
    assert [one.cells_changed for one in whole.columns] == [cells.get(at, 0) for at in range(8)]
    few = store.pages.rows(of, Window(Which.CHANGED, 0, 10))
    assert [one.name for one in few.columns] == ["Key", "New", "Name", "Amount", "Old", "Was"]
    places = [1, 2, 3, 4, 5, 6]
    for row, less in zip(store.json(whole), store.json(few), strict=True):
        assert less["a"] == (row["a"] and [row["a"][at] for at in places])
        assert [places[at] for at in less["changed"]] == row["changed"]
        assert [places[at] for at in less["format_only"]] == row["format_only"]


def test_where_no_column_changed_the_first_ones_are_shown(store: Store) -> None:
    pair = Pair(
        Memory(["X", "Y"], [("1", "2")]),
        Memory(["X", "Y"], [("1", "2"), ("3", "4")]),
        [0],
        [MatchedColumn(at, at, name, ColumnStatus.SAME, compared=True) for at, name in enumerate("XY")],
    )
    _, of = store.written(pair, pair.result())
    assert [one.name for one in store.pages.rows(of, Window(Which.CHANGED, 0, 10)).columns] == ["X", "Y"]


def test_rows_have_the_numbers_that_their_tables_give_them(store: Store) -> None:
    pair = random_pair(6, rows=30, shuffled=True)
    numbers_a = [100 + 7 * at % 31 for at in range(30)]
    numbers_b = [1000 - at for at in range(pair.b.rows)]
    sides = store.table(pair.a, "a", numbers_a), store.table(pair.b, "b", numbers_b)
    result = pair.result()
    artefact.write(store.blobs, PREFIX, result, artefact.Side(pair.a, sides[0]), artefact.Side(pair.b, sides[1]))
    of = Compared(PREFIX, *sides)
    expected = pair.shown(result)
    for row in expected:
        row["a_row"] = row["a_row"] and numbers_a[row["a_row"] - 1]
        row["b_row"] = row["b_row"] and numbers_b[row["b_row"] - 1]
    assert store.rows(of, Which.FULL, 7) == expected
    store.blobs.delete_prefix_sync(TABLES)
    assert again(store).rows(of, Which.CHANGED) == [row for row in expected if row["status"] != "same"]


def test_two_equal_tables_are_shown_without_a_result(store: Store) -> None:
    memory = Memory(["X", "Y"], [(str(at), None) for at in range(40)])
    a, b = store.table(memory, "a"), store.table(memory, "b", [40 - at for at in range(40)])
    of = Compared("", a, b)
    rows = store.rows(of, Which.FULL, 9)
    assert [(row["a_row"], row["b_row"], row["status"]) for row in rows] == [
        (at + 1, 40 - at, "same") for at in range(40)
    ]
    assert all(row["a"] == row["b"] == [str(at), None] for at, row in enumerate(rows))
    assert store.rows(of, Which.CHANGED) == store.rows(of, Which.MOVES) == []


@pytest.mark.parametrize("side", ["a", "b"])
def test_the_table_of_one_side_is_all_removed_or_all_added(store: Store, side: str) -> None:
    memory = Memory(["X", "Y"], [(str(at), "") for at in range(40)])
    table = store.table(memory, "t", [at + 5 for at in range(40)])
    of = Compared("", table, None) if side == "a" else Compared("", None, table)
    other = "b" if side == "a" else "a"
    for view in (Which.FULL, Which.CHANGED):
        for all_columns in (True, False):
            rows = store.rows(of, view, 9, all_columns=all_columns)
            assert [(row[f"{side}_row"], row[side]) for row in rows] == [(at + 5, [str(at), ""]) for at in range(40)]
            assert {row["status"] for row in rows} == {"removed" if side == "a" else "added"}
            assert {(row[other], row[f"{other}_row"]) for row in rows} == {(None, None)}
    [first, _] = store.pages.rows(of, Window(Which.FULL, 0, 1)).columns
    assert (first.a, first.b, first.status) == (("X", None, "removed") if side == "a" else (None, "X", "added"))


def test_when_a_side_is_gone_its_changed_rows_are_still_there(store: Store) -> None:
    pair = random_pair(1)
    result = pair.result()
    _, of = store.written(pair, result)
    store.blobs.delete_prefix_sync(TABLES)
    changed = [row for row in pair.shown(result) if row["status"] != "same"]
    assert store.rows(of, Which.CHANGED, 7) == changed
    with pytest.raises(SideGone) as gone:
        store.rows(of, Which.FULL)
    assert (gone.value.code, gone.value.side, gone.value.extra()) == ("SIDE_GONE", "a", {"side": "a"})
    for alone in (Compared("", of.a, of.b), Compared("", of.a), Compared("", None, of.b)):
        with pytest.raises(SideGone):
            store.rows(alone, Which.FULL)


def test_the_numbers_of_a_table_without_a_result_go_with_their_side(store: Store) -> None:
    memory = Memory(["X"], [("1",)])
    of = Compared("", store.table(memory, "a", [1]))
    store.blobs.delete_sync(f"{TABLES}a.parquet.numbers")
    with pytest.raises(SideGone):
        store.rows(of, Which.FULL)


def test_a_result_that_is_not_there_is_not_found(store: Store) -> None:
    for of in (Compared(PREFIX), Compared("")):
        with pytest.raises(NotFound):
            store.rows(of, Which.FULL)


@pytest.mark.parametrize(
    "name", ["meta.json", "index.parquet", "rows-0.parquet", "added-2.parquet", "patterns.parquet"]
)
def test_what_is_damaged_is_told_and_never_shown(store: Store, name: str) -> None:
    pair = random_pair(1)
    _, of = store.written(pair, pair.result())
    data = store.blobs.get_sync(PREFIX + name)
    middle = len(data) // 2
    for damaged in (b"{}", data[:-1], data[: middle // 2] + b"\xff\x00\xff" + data[middle // 2 + 3 :]):
        store.blobs.put_sync(PREFIX + name, damaged)
        with pytest.raises(BlobDamaged):
            whole(again(store), of)
    store.blobs.put_sync(PREFIX + name, data)
    whole(again(store), of)


def whole(store: Store, of: Compared) -> None:
    store.rows(of, Which.FULL)
    store.pages.patterns(of, 0, 10_000)


def test_numbers_that_are_not_those_of_the_table_are_damage(store: Store) -> None:
    memory = Memory(["X"], [("1",), ("2",)])
    for numbers in ([1], [1, 2, 3]):
        with pytest.raises(BlobDamaged):
            again(store).rows(Compared("", store.table(memory, "a", numbers)), Which.FULL)
    where = store.table(memory, "a", [1, 2])
    store.blobs.put_sync(where.numbers_key, b"nothing of the kind")
    with pytest.raises(BlobDamaged):
        again(store).rows(Compared("", where), Which.FULL)


def test_a_page_has_its_limits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_diff.gathering.CELLS", 3000)
    wide = Compared("", store.table(Memory([f"C{at}" for at in range(150)], [("x",) * 150] * 12), "wide"))
    assert len(store.rows(wide, Which.FULL, 10)) == 12
    with pytest.raises(PageTooLarge) as refused:
        store.rows(wide, Which.FULL, 11)
    assert (refused.value.code, refused.value.extra()) == ("PAGE_TOO_LARGE", {"field": "limit"})
    assert len(store.pages.rows(wide, Window(Which.FULL, 0, 11)).columns) == 100
    long = Compared("", store.table(Memory(["X"], [("x" * (1 << 20),)] * 33), "long"))
    with pytest.raises(PageTooLarge):
        store.rows(long, Which.FULL, 33)
    assert store.pages.rows(long, Window(Which.FULL, 0, 1)).total == 33


async def test_what_is_kept_of_a_session_goes_with_it(store: Store) -> None:
    pair = random_pair(1)
    _, of = store.written(pair, pair.result())
    store.rows(of, Which.FULL)
    kept = store.pages.kept
    assert kept > 2
    await store.pages.heard("sessions.closing.other", b"")
    assert store.pages.kept == kept
    await store.pages.heard("sessions.closing.s1", b"")
    assert store.pages.kept == 0
    store.blobs.delete_prefix_sync("sessions/s1/")
    with pytest.raises(NotFound):
        store.rows(of, Which.FULL)


def test_the_longest_unused_is_forgotten_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_diff.pages.KEPT", 1)
    small = Store(store.folder)
    pair = random_pair(1)
    result = pair.result()
    _, of = small.written(pair, result)
    assert small.rows(of, Which.FULL, 7) == pair.shown(result)
    assert small.pages.kept == 1


def test_views_by_their_names() -> None:
    assert [view_of(name, moves=False) for name in ("full", "changed", "")] == [
        Which.FULL,
        Which.CHANGED,
        Which.CHANGED,
    ]
    assert [view_of(name, moves=True) for name in ("full", "changed")] == [Which.FULL, Which.MOVES]


def test_patterns_come_page_by_page(store: Store) -> None:
    pair = random_pair(3, rows=200, change=0.3)
    result: Result = replace(pair.result(), patterns_total=12345)
    _, of = store.written(pair, result)
    pages = [store.pages.patterns(of, offset, 7) for offset in range(0, len(result.patterns) + 7, 7)]
    assert {(page.total, page.all) for page in pages} == {(len(result.patterns), 12345)}
    assert [(one.column, one.old, one.new, one.count, one.format_only) for page in pages for one in page.items] == [
        (pair.columns[one.column].name, one.old, one.new, one.count, one.format_only) for one in result.patterns
    ]
    nothing = store.pages.patterns(Compared("", of.a, of.b), 0, 10)
    assert (nothing.total, nothing.all, nothing.items) == (0, 0, [])
