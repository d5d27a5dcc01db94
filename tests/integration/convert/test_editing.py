"""Edits of tables, asked of the real convert by the people they belong to; also of two at once."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from convert_bench import Bench, User, answering, rows, running
from sqlalchemy import select

from ret.convert.v1 import convert_pb2, convert_pb2_grpc, tables_pb2, tables_pb2_grpc
from ret.jobs.v1 import jobs_pb2
from ret_convert import records
from ret_convert.__main__ import open_app, work
from ret_convert.editing import replay
from ret_convert.editing.log import edits_of
from ret_convert.schema import leftovers, tables
from ret_kit.auth import acting_as
from ret_kit.blobs import Blobs
from ret_kit.errors import Kind, RemoteError

WORDS = ("a", "b", "c", "d", "e")


async def one_table(user: User, *words: str) -> tuple[str, str]:
    """(collection, table) of a document with a row a word."""
    collection = await user.scanned({"one.xml": rows(*words or WORDS)})
    await user.converted(collection)
    return collection, await table_of(user, collection)


async def table_of(user: User, collection: str) -> str:
    return (await user.documents(collection))["one.xml"].tables[0].id


def word(row: int, value: str) -> tables_pb2.CellEdit:
    return tables_pb2.CellEdit(row=row, column="Word", value=tables_pb2.Value(text=value))


async def save(user: User, table: str, version: int, *edits: tables_pb2.CellEdit, **given: Any) -> Any:
    request = tables_pb2.SaveRequest(table_id=table, version=version, edits=edits, **given)
    with acting_as(user.who):
        return await user.tables.Save(request)


async def saved(user: User, table: str, version: int, *edits: tables_pb2.CellEdit, **given: Any) -> int:
    """The version that a save made."""
    answer = await save(user, table, version, *edits, **given)
    assert answer.HasField("saved"), answer
    return answer.saved.version


async def shown(user: User, table: str) -> tuple[int, list[str | None]]:
    """(the version of a table, its words)."""
    with acting_as(user.who):
        call = user.convert.Page(convert_pb2.PageRequest(table_id=table, limit=1000, columns=["Word"]))
        parts = [part async for part in call]
    page = json.loads(b"".join(part.chunk for part in parts[1:]))
    return parts[0].header.version, [row["values"][0] for row in page]


async def history(user: User, table: str, offset: int = 0, limit: int = 1000) -> tables_pb2.HistoryResponse:
    with acting_as(user.who):
        return await user.tables.History(tables_pb2.HistoryRequest(table_id=table, offset=offset, limit=limit))


async def refused(call: Any) -> RemoteError:
    with pytest.raises(RemoteError) as raised:
        await call
    return raised.value


@pytest.mark.asyncio(loop_scope="module")
async def test_edits_are_shown_undone_and_listed_with_who_made_them(shared: Bench) -> None:
    user = shared.user()
    _, table = await one_table(user)
    values = [tables_pb2.Value(text="6"), tables_pb2.Value()]
    insert = tables_pb2.RowInsert(after=5, values=values)
    answer = await save(user, table, 1, word(1, "x"), inserts=[insert], deletes=[2])
    assert (answer.saved.version, list(answer.saved.inserted)) == (2, [6])
    assert await shown(user, table) == (2, ["x", "c", "d", "e", None])
    with acting_as(user.who):
        assert (await user.tables.Undo(tables_pb2.UndoRequest(table_id=table))).saved.version == 3
        assert await shown(user, table) == (3, list(WORDS))
        assert (await user.tables.Redo(tables_pb2.RedoRequest(table_id=table))).saved.version == 4
    assert await shown(user, table) == (4, ["x", "c", "d", "e", None])
    listed = await history(user, table)
    assert [(one.version, one.kind, one.of, one.edits) for one in listed.versions] == [
        (4, "redo", 2, 0), (3, "undo", 2, 0), (2, "edit", 0, 3),
    ]  # fmt: skip
    assert {one.user_id for one in listed.versions} == {user.who.user_id}
    assert all(one.at_ms for one in listed.versions)
    assert (listed.total, listed.version, listed.can_undo, listed.can_redo) == (3, 4, True, False)
    assert [one.version for one in (await history(user, table, offset=1, limit=1)).versions] == [3]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stale_save_undo_or_redo_changes_nothing_and_tells_why(shared: Bench) -> None:
    user = shared.user()
    _, table = await one_table(user)
    await saved(user, table, 1, word(2, "first"))
    stale = (await save(user, table, 1, word(2, "late"), word(3, "late"))).stale
    assert stale.current_version == 2
    [conflict] = stale.conflicts
    assert (conflict.row, conflict.column, conflict.base.text, conflict.theirs.text) == (2, "Word", "b", "first")
    with acting_as(user.who):
        undo = await user.tables.Undo(tables_pb2.UndoRequest(table_id=table, version=1))
        redo = await user.tables.Redo(tables_pb2.RedoRequest(table_id=table, version=1))
    assert (undo.stale.current_version, redo.stale.current_version) == (2, 2)
    assert await shown(user, table) == (2, ["a", "first", "c", "d", "e"])


@pytest.mark.asyncio(loop_scope="module")
async def test_the_tables_of_others_and_absent_ones_are_not_there(shared: Bench) -> None:
    user, other = shared.user(), shared.user()
    _, table = await one_table(user)
    await saved(user, table, 1, word(1, "x"))
    for who, asked in ((other, table), (user, "nowhere")):
        with acting_as(who.who):
            calls = [
                who.tables.Save(tables_pb2.SaveRequest(table_id=asked, version=2, edits=[word(1, "y")])),
                who.tables.Undo(tables_pb2.UndoRequest(table_id=asked)),
                who.tables.Redo(tables_pb2.RedoRequest(table_id=asked)),
                who.tables.History(tables_pb2.HistoryRequest(table_id=asked, limit=1)),
            ]
            assert [(await refused(call)).kind for call in calls] == [Kind.NOT_FOUND] * 4
    assert await shown(user, table) == (2, ["x", "b", "c", "d", "e"])


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_refused_leaves_a_table_without_edits(shared: Bench) -> None:
    user = shared.user()
    collection, table = await one_table(user)
    error = await refused(save(user, table, 1, word(1, "half"), word(10**9, "x")))
    assert (error.kind, error.extra()["field"]) == (Kind.INVALID, "edits")
    assert (await refused(history(user, table, limit=0))).extra()["field"] == "limit"
    assert (await refused(history(user, table, offset=-1))).extra()["field"] == "offset"
    with acting_as(user.who):
        undo = await refused(user.tables.Undo(tables_pb2.UndoRequest(table_id=table)))
        redo = await refused(user.tables.Redo(tables_pb2.RedoRequest(table_id=table)))
    assert (undo.code, redo.code) == ("NOTHING_TO_UNDO", "NOTHING_TO_REDO")
    await user.converted(collection)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_same_key_saves_once(shared: Bench) -> None:
    user = shared.user()
    _, table = await one_table(user)
    assert [await saved(user, table, 1, word(1, "x"), idempotency_key="k") for _ in range(2)] == [2, 2]
    assert (await history(user, table)).total == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_edited_tables_are_converted_again_only_by_who_discards_the_edits(shared: Bench) -> None:
    user = shared.user()
    collection = await user.scanned({"AR_x/one.xml": rows("a"), "AP_y/two.xml": rows("b")})
    await user.converted(collection)
    documents = await user.documents(collection)
    one, two = documents["AR_x/one.xml"], documents["AP_y/two.xml"]
    table = one.tables[0].id
    await saved(user, table, 1, word(1, "x"))
    edited_ones: list[dict[str, Any]] = [
        {},
        {"groups": [one.group]},
        {"document_ids": [one.id]},
        {"groups": [two.group], "document_ids": [one.id]},
    ]
    for chosen in edited_ones:
        error = await refused(user.start(collection, **chosen))
        assert (error.code, error.kind, error.extra()["documents"]) == ("HAS_EDITS", Kind.CONFLICT, "1")
    await user.converted(collection, document_ids=[two.id])
    await user.converted(collection, groups=[two.group])
    assert await shown(user, table) == (2, ["x"])
    with acting_as(user.who):
        await user.tables.Undo(tables_pb2.UndoRequest(table_id=table))
    # What was undone can be brought back: converting again would take that away.
    assert (await refused(user.start(collection))).code == "HAS_EDITS"
    await user.converted(collection, discard_edits=True)
    again = (await user.documents(collection))["AR_x/one.xml"].tables[0].id
    assert await shown(user, again) == (1, ["a"])
    assert (await refused(save(user, table, 3, word(1, "y")))).kind is Kind.NOT_FOUND
    await user.converted(collection)


async def test_a_table_that_is_about_to_be_replaced_is_not_edited(idle: Bench) -> None:
    user = idle.user()
    async with running(work(idle.settings)):
        collection = await user.scanned({"one.xml": rows(*WORDS), "two.xml": rows("b")})
        await user.converted(collection)
        documents = await user.documents(collection)
    table, other = documents["one.xml"].tables[0].id, documents["two.xml"].tables[0].id
    await saved(user, other, 1, word(1, "x"))
    job = await user.start(collection, document_ids=[documents["one.xml"].id])
    assert (await refused(save(user, table, 1, word(1, "x")))).code == "BEING_CONVERTED"
    assert await saved(user, other, 2, word(1, "y")) == 3
    await user.cancel(job.id)
    assert await saved(user, table, 1, word(1, "x")) == 2
    await user.start(collection, discard_edits=True)
    assert (await refused(save(user, table, 2, word(1, "y")))).code == "BEING_CONVERTED"
    with acting_as(user.who):
        assert (await refused(user.tables.Undo(tables_pb2.UndoRequest(table_id=table)))).code == "BEING_CONVERTED"
    assert await shown(user, table) == (2, ["x", "b", "c", "d", "e"])


async def test_edits_go_with_their_table_their_collection_and_their_session(bench: Bench) -> None:
    user = bench.user()
    collection, table = await one_table(user)
    await saved(user, table, 1, word(1, "x"))
    first = await keys_of_edits(bench, table)
    assert first
    await user.converted(collection, discard_edits=True)
    await until_gone(bench, first)
    table = await table_of(user, collection)
    await saved(user, table, 1, word(1, "x"))
    second = await keys_of_edits(bench, table)
    await user.delete(collection)
    await until_gone(bench, second)
    async with bench.convert.db.read() as conn:
        assert not (await conn.execute(select(leftovers))).all()
    assert (await refused(save(user, table, 2, word(1, "y")))).kind is Kind.NOT_FOUND


async def test_a_save_into_a_table_that_goes_meanwhile_is_not_acknowledged_and_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = bench.user()
    _, table = await one_table(user)
    async with bench.convert.db.read() as conn:
        key = (await conn.execute(select(tables.c.blob_key).where(tables.c.id == table))).scalar_one()
    create, going, on = Blobs.create_sync, threading.Event(), threading.Event()

    def create_late(blobs: Blobs, where: str, data: bytes) -> Any:
        going.set()
        assert on.wait(20)
        return create(blobs, where, data)

    monkeypatch.setattr(Blobs, "create_sync", create_late)
    saving = asyncio.create_task(save(user, table, 1, word(1, "x")))
    assert await asyncio.to_thread(going.wait, 20)
    async with bench.convert.db.write() as conn:
        await records.forget_session(conn, user.who.session_id)
    on.set()
    assert (await refused(saving)).kind is Kind.NOT_FOUND
    assert await bench.convert.blobs.keys(edits_of(key)) == []


async def keys_of_edits(bench: Bench, table: str) -> list[str]:
    async with bench.convert.db.read() as conn:
        key = (await conn.execute(select(tables.c.blob_key).where(tables.c.id == table))).scalar_one()
    return await bench.convert.blobs.keys(edits_of(key))


async def until_gone(bench: Bench, keys: list[str]) -> None:
    async with asyncio.timeout(20):
        while set(keys) & set(await bench.convert.blobs.keys("sessions/")):
            await asyncio.sleep(0.05)


async def test_two_converts_over_one_store_agree_and_of_two_saves_at_once_one_succeeds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "VERSIONS", 5)
    user = bench.user()
    _, table = await one_table(user)
    async with open_app(bench.settings) as app, answering(bench.settings, app) as channel:
        convert, stub = convert_pb2_grpc.ConvertServiceStub(channel), tables_pb2_grpc.TablesServiceStub(channel)
        there = replace(user, convert=convert, tables=stub)
        for version in range(1, 21):
            tries = [
                save(user, table, version, word(1, f"here {version}")),
                save(there, table, version, word(1, f"there {version}")),
            ]
            answers = await asyncio.gather(*tries)
            [won] = [at for at, one in enumerate(answers) if one.HasField("saved")]
            lost = answers[1 - won].stale
            assert (lost.current_version, len(lost.conflicts)) == (version + 1, 1)
            assert lost.conflicts[0].theirs.text == (f"here {version}", f"there {version}")[won]
            assert await shown(user, table) == await shown(there, table)
        with acting_as(user.who):
            await there.tables.Undo(tables_pb2.UndoRequest(table_id=table))
            await user.tables.Undo(tables_pb2.UndoRequest(table_id=table))
        assert await shown(user, table) == await shown(there, table)
        assert await history(user, table) == await history(there, table)
        assert (await history(there, table)).total == 22
    async with asyncio.timeout(10):
        while not any("snapshot" in key for key in await keys_of_edits(bench, table)):
            await asyncio.sleep(0.05)


async def test_the_end_of_a_job_that_discards_edits_is_a_table_that_can_be_edited(bench: Bench) -> None:
    user = bench.user()
    collection, table = await one_table(user)
    await saved(user, table, 1, word(1, "x"))
    job = await user.ended(await user.start(collection, discard_edits=True, layout="single"))
    assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED
    table = await table_of(user, collection)
    assert await saved(user, table, 1, word(1, "again")) == 2
    assert await shown(user, table) == (2, ["again", "b", "c", "d", "e"])
