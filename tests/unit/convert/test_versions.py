"""Versions of a table: saved, undone and brought back, by one process and by several."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from editing_bench import ANN, BOB, KEY, Tables, converted, word

from ret_convert.editing import replay, versions
from ret_convert.editing.errors import NothingToRedo, NothingToUndo, StaleVersion
from ret_convert.editing.log import Head, edits_of, entry_key
from ret_convert.editing.orders import NewRow, Order
from ret_convert.editing.overlay import TOP, Changes
from ret_convert.editing.versions import By, Versions, overlay_of
from ret_convert.pages import Pages
from ret_kit.errors import BlobDamaged, NotFound


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def served(tables: Tables) -> Versions:
    return tables.replica()


def test_a_table_that_nobody_has_edited_is_its_first_version(tables: Tables, served: Versions) -> None:
    version, overlay = served.current(tables.where)
    assert (version, overlay.untouched, tables.shown(overlay)) == (1, True, converted(6))
    assert served.history(tables.where, 0, 10) == versions.History([], 0, 1, can_undo=False, can_redo=False)


def test_an_edit_makes_the_next_version_and_tells_the_numbers_of_its_rows(tables: Tables, served: Versions) -> None:
    order = Order(1, [word(1, "x"), word(2, None)], [NewRow(2, ["n", None]), NewRow(TOP, ["t", ""])], [6])
    assert served.save(tables.where, order, ANN) == versions.Saved(2, range(7, 9))
    expected = converted(6)[:5]
    expected[0], expected[1] = (1, ["x", ""]), (2, [None, ""])
    expected = [(8, ["t", ""]), *expected[:2], (7, ["n", None]), *expected[2:]]
    assert tables.now(served) == expected == tables.now(tables.replica())
    assert tables.shown(served.at(tables.where, 1)) == converted(6)


def test_undo_and_redo_are_versions_of_their_own_and_an_edit_ends_what_can_be_redone(
    tables: Tables, served: Versions
) -> None:
    served.save(tables.where, Order(1, [word(1, "x")]), ANN)
    served.save(tables.where, Order(2, [word(1, "y")]), ANN)
    assert [served.undo(tables.where, BOB).version, served.undo(tables.where, BOB).version] == [4, 5]
    assert tables.now(served) == converted(6)
    with pytest.raises(NothingToUndo):
        served.undo(tables.where, BOB)
    assert served.redo(tables.where, BOB).version == 6
    assert tables.now(served)[0] == (1, ["x", ""])
    served.save(tables.where, Order(6, [word(1, "z")]), ANN)
    with pytest.raises(NothingToRedo):
        served.redo(tables.where, BOB)
    history = served.history(tables.where, 0, 100)
    kinds = [(one.head.version, one.head.kind, one.head.of, one.head.user, one.undone) for one in history.items]
    assert kinds == [
        (7, "edit", 0, "ann", False),
        (6, "redo", 2, "bob", False),
        (5, "undo", 2, "bob", False),
        (4, "undo", 3, "bob", False),
        (3, "edit", 0, "ann", True),
        (2, "edit", 0, "ann", False),
    ]
    assert (history.total, history.version, history.can_undo, history.can_redo) == (6, 7, True, False)


@pytest.mark.parametrize(
    "offset, limit, expected", [(0, 2, [5, 4]), (1, 2, [4, 3]), (3, 9, [2]), (4, 5, []), (9, 1, [])]
)
def test_history_comes_in_pages(tables: Tables, served: Versions, offset: int, limit: int, expected: list[int]) -> None:
    for version in range(1, 5):
        served.save(tables.where, Order(version, [word(1, str(version))]), ANN)
    page = served.history(tables.where, offset, limit)
    assert ([one.head.version for one in page.items], page.total) == (expected, 4)


def test_replicas_agree_at_once(tables: Tables) -> None:
    one, other = tables.replica(), tables.replica()
    for version in range(1, 9):
        saved = (one, other)[version % 2].save(
            tables.where, Order(version, [word(version % 6 + 1, f"v{version}")]), ANN
        )
        assert saved.version == version + 1
        assert tables.now(one) == tables.now(other)
    one.undo(tables.where, ANN)
    other.undo(tables.where, ANN)
    assert tables.now(one) == tables.now(other) == tables.shown(one.at(tables.where, 7))


def test_of_many_who_save_the_same_version_at_once_one_succeeds(tables: Tables) -> None:
    replicas = [tables.replica() for _ in range(4)]

    def save(at: int) -> int | StaleVersion:
        try:
            return replicas[at % 4].save(tables.where, Order(version, [word(at + 1, "won")]), ANN).version
        except StaleVersion as error:
            return error

    with ThreadPoolExecutor(6) as pool:
        for version in range(1, 21):
            results = list(pool.map(save, range(6)))
            assert [one for one in results if isinstance(one, int)] == [version + 1]
    assert sum(values[0] == "won" for _, values in tables.now(replicas[0])) >= 1
    assert replicas[0].history(tables.where, 0, 100).total == 20


def test_the_same_key_gives_the_first_answer_again(tables: Tables) -> None:
    order = Order(1, inserts=[NewRow(1, ["n", None])])
    first = tables.replica().save(tables.where, order, By("ann", "k1"))
    assert tables.replica().save(tables.where, order, By("ann", "k1")) == first
    assert [tables.replica().undo(tables.where, By("ann", "k2")).version for _ in range(2)] == [3, 3]
    assert [tables.replica().redo(tables.where, By("ann", "k3")).version for _ in range(2)] == [4, 4]
    assert tables.replica().history(tables.where, 0, 10).total == 3


@pytest.mark.parametrize("at", [1, 2, 3])
def test_the_same_key_gives_one_answer_to_two_who_ask_at_once(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    one, other = tables.replica(), tables.replica()
    turns: list[Callable[[Versions], versions.Saved]] = [
        lambda replica: replica.save(tables.where, Order(1, inserts=[NewRow(1, ["n", None])]), By("ann", "k1")),
        lambda replica: replica.undo(tables.where, By("ann", "k2"), 2),
        lambda replica: replica.redo(tables.where, By("ann", "k3"), 3),
    ]
    for turn in turns[: at - 1]:
        turn(one)
    append, answers = replay.Log.append, list[versions.Saved]()

    def after_the_other(log: replay.Log, head: Head, changed: Changes) -> bool:
        monkeypatch.setattr(replay.Log, "append", append)
        answers.append(turns[at - 1](other))
        return append(log, head, changed)

    monkeypatch.setattr(replay.Log, "append", after_the_other)
    assert [turns[at - 1](one)] == answers
    assert tables.now(one) == tables.now(other)
    assert one.history(tables.where, 0, 10).total == at


def test_undo_of_a_version_that_is_not_the_present_one_is_refused(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, [word(1, "x")]), ANN)
    served.save(tables.where, Order(2, [word(1, "y")]), BOB)
    with pytest.raises(StaleVersion) as raised:
        served.undo(tables.where, ANN, 2)
    assert raised.value.current_version == 3
    assert served.undo(tables.where, ANN, 3).version == 4


def test_undos_at_once_each_take_one_edit_back(tables: Tables) -> None:
    replicas = [tables.replica() for _ in range(4)]
    for version in range(1, 9):
        replicas[0].save(tables.where, Order(version, [word(1, str(version))]), ANN)

    def undo(one: Versions) -> int:
        return one.undo(tables.where, ANN).version

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(undo, replicas * 2))
    assert sorted(done) == list(range(10, 18))
    assert all(tables.now(one) == converted(6) for one in replicas)


def test_an_answer_that_was_lost_on_the_way_from_the_store_is_no_loss(
    tables: Tables, served: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = type(tables.blobs).create_sync

    def twice(blobs: Any, key: str, data: bytes) -> None:
        create(blobs, key, data)
        create(blobs, key, data)

    monkeypatch.setattr(type(tables.blobs), "create_sync", twice)
    assert served.save(tables.where, Order(1, [word(1, "x")]), ANN).version == 2
    assert tables.now(served)[0] == (1, ["x", ""])


def test_a_long_log_is_opened_at_its_last_snapshot(tables: Tables, served: Versions) -> None:
    for version in range(1, replay.VERSIONS + 4):
        served.save(tables.where, Order(version, [word(version % 6 + 1, str(version))]), ANN)
        assert served.long(tables.where) == (version >= replay.VERSIONS)
    served.shorten(tables.where)
    assert not served.long(tables.where)
    expected, total = tables.now(served), served.history(tables.where, 0, 1).total
    for version in range(2, replay.VERSIONS):
        tables.blobs.delete_sync(entry_key(KEY, version))
    opened = tables.replica()
    assert (tables.now(opened), opened.history(tables.where, 0, 1).total) == (expected, total)
    opened.save(tables.where, Order(total + 1, [word(1, "on")]), ANN)
    assert tables.now(opened) == tables.now(served)


def test_many_edits_are_a_long_log(tables: Tables, served: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "CHANGED", 10)
    long: list[bool] = []
    for version in range(1, 12):
        served.save(tables.where, Order(version, [word(row, str(version)) for row in range(1, 6)]), ANN)
        long.append(served.long(tables.where))
        if long[-1]:
            served.shorten(tables.where)
    # Each has at least as much behind it as it holds, so that all of them together are not more than twice the log.
    assert [version for version, one in enumerate(long, 2) if one] == [3, 5, 9]


def test_undoing_what_was_before_a_snapshot_goes_back_to_the_log(tables: Tables, served: Versions) -> None:
    for version in range(1, 7):
        served.save(tables.where, Order(version, [word(version, "x")]), ANN)
    served.shorten(tables.where)
    opened = tables.replica()
    for left in range(5, -1, -1):
        opened.undo(tables.where, ANN)
        assert sum(values[0] == "x" for _, values in tables.now(opened)) == left
    assert tables.now(tables.replica()) == converted(6)


def test_a_process_of_its_own_reads_any_version(tables: Tables, served: Versions) -> None:
    for version in range(1, 7):
        served.save(tables.where, Order(version, [word(version, "x")]), ANN)
        if version == 3:
            served.shorten(tables.where)
    for version in range(1, 8):
        read = overlay_of(tables.blobs, KEY, 6, version)
        assert tables.shown(read) == tables.shown(served.at(tables.where, version))
    with pytest.raises(NotFound):
        overlay_of(tables.blobs, KEY, 6, 8)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"head":{},"changes":{}}', b"\xff"])
def test_a_damaged_entry_is_told_and_nothing_is_guessed(tables: Tables, data: bytes) -> None:
    tables.blobs.put_sync(entry_key(KEY, 2), data)
    with pytest.raises(BlobDamaged):
        tables.replica().current(tables.where)


def test_entries_that_do_not_follow_one_another_are_damage(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, [word(1, "x")]), ANN)
    tables.blobs.put_sync(entry_key(KEY, 3), tables.blobs.get_sync(entry_key(KEY, 2)))
    with pytest.raises(BlobDamaged):
        tables.replica().current(tables.where)


def test_a_damaged_snapshot_is_told(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, [word(1, "x")]), ANN)
    served.shorten(tables.where)
    [key] = [one for one in tables.blobs.keys_sync(edits_of(KEY)) if "snapshot" in one]
    tables.blobs.put_sync(key, tables.blobs.get_sync(key)[:-5])
    with pytest.raises(BlobDamaged):
        tables.replica().current(tables.where)


async def test_the_end_of_a_session_takes_what_is_kept_of_its_tables(tables: Tables, served: Versions) -> None:
    served.current(tables.where)
    await served.heard("sessions.closing.s2", b"")
    assert served.kept == 1
    await served.heard("sessions.closing.s1", b"")
    assert served.kept == 0


def test_what_is_kept_is_bounded_and_comes_back_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "LOGS", 2)
    tables = Tables()
    served = Versions(tables.blobs, Pages(tables.blobs))
    wheres = [tables.where]
    for name in ("x", "y"):
        key = KEY.replace("table", name)
        tables.blobs.put_sync(key, tables.blobs.get_sync(KEY))
        wheres.append(type(tables.where)(key, tables.where.size))
    for where in wheres:
        served.save(where, Order(1, [word(1, where.key)]), ANN)
    assert served.kept == 2
    monkeypatch.setattr(versions, "KEPT", 10)
    assert [served.current(where)[1].cells[1]["A"] for where in wheres] == [where.key for where in wheres]
    assert served.kept == 1


def test_a_table_that_was_replaced_is_not_found(tables: Tables, served: Versions) -> None:
    tables.blobs.delete_sync(KEY)
    with pytest.raises(NotFound):
        served.current(tables.where)


def test_an_undo_that_always_comes_too_late_gives_up(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = tables.replica(), tables.replica()
    one.save(tables.where, Order(1, [word(1, "x")]), ANN)
    append = replay.Log.append

    def after_another(log: replay.Log, head: Head, changed: Changes) -> bool:
        if head.kind == "undo":
            version = other.current(tables.where)[0]
            other.save(tables.where, Order(version, [word(2, f"faster {version}")]), BOB)
        return append(log, head, changed)

    monkeypatch.setattr(replay.Log, "append", after_another)
    monkeypatch.setattr(versions, "TRIES", 3)
    with pytest.raises(StaleVersion) as raised:
        one.undo(tables.where, ANN)
    assert raised.value.current_version == 5
    assert tables.now(one) == tables.now(other)


def test_versions_of_a_table_that_is_gone_are_removed(tables: Tables, served: Versions) -> None:
    served.save(tables.where, Order(1, [word(1, "x")]), ANN)
    served.shorten(tables.where)
    served.remove(tables.where)
    assert tables.blobs.keys_sync(edits_of(KEY)) == []
    assert served.current(tables.where)[0] == 1
