"""What other services read: tables by key, with their edits where they want them."""

from __future__ import annotations

import hashlib

import pytest
from convert_bench import Bench, User, rows

from ret.convert.v1 import convert_pb2, convert_pb2_grpc, snapshot_pb2, snapshot_pb2_grpc, tables_pb2
from ret.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from ret_convert.arrow import pa, pq
from ret_kit.auth import acting_as
from ret_kit.errors import Kind, RemoteError
from ret_kit.rpc.client import as_service

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def snapshot(bench: Bench, user: User, collection_id: str, **wanted: object) -> list[snapshot_pb2.SnapshotTable]:
    stub = snapshot_pb2_grpc.SnapshotServiceStub(bench.convert_channel)
    request = snapshot_pb2.SnapshotRequest(collection_id=collection_id, **wanted)  # pyright: ignore[reportArgumentType]
    with as_service("diff", user.who.session_id, user.who.user_id):
        return [table async for answer in stub.Snapshot(request) for table in answer.tables]


async def words(bench: Bench, table: snapshot_pb2.SnapshotTable) -> list[str]:
    data = await bench.convert.blobs.get(table.blob_key)
    assert (len(data), hashlib.sha256(data).hexdigest()) == (table.size, table.sha256)
    found = pq.read_table(pa.BufferReader(data))
    assert found.num_rows == table.rows
    return found.column("Word").to_pylist()


async def numbers(bench: Bench, table: snapshot_pb2.SnapshotTable) -> list[int]:
    data = await bench.convert.blobs.get(table.numbers_key)
    return pa.ipc.open_file(pa.BufferReader(data)).read_all().column("row").to_pylist()


async def saved(user: User, table_id: str) -> None:
    """The second row changed, one put behind the first, the third deleted."""
    text = tables_pb2.Value
    request = tables_pb2.SaveRequest(
        table_id=table_id,
        version=1,
        edits=[tables_pb2.CellEdit(row=2, column="Word", value=text(text="B"))],
        inserts=[tables_pb2.RowInsert(after=1, values=[text(text="9"), text(text="new")])],
        deletes=[3],
    )
    with acting_as(user.who):
        assert (await user.tables.Save(request)).saved.version == 2


async def test_tables_are_told_as_converted_or_with_their_edits_and_the_numbers_of_their_rows(shared: Bench) -> None:
    user = shared.user()
    of = await user.scanned({"a.xml": rows("a", "b", "c"), "b.xml": rows("x")})
    await user.converted(of)
    documents = await user.documents(of)
    [table] = documents["a.xml"].tables
    await saved(user, table.id)
    converted = {one.document_id: one for one in await snapshot(shared, user, of)}
    edited = {one.document_id: one for one in await snapshot(shared, user, of, edited=True)}
    changed, same = documents["a.xml"].id, documents["b.xml"].id
    assert converted[same] == edited[same]
    assert await words(shared, converted[changed]) == ["a", "b", "c"]
    assert (converted[changed].version, converted[changed].numbers_key) == (1, "")
    assert await words(shared, edited[changed]) == ["a", "new", "B"]
    assert await numbers(shared, edited[changed]) == [1, 4, 2]
    assert (edited[changed].version, edited[changed].table_id) == (2, table.id)
    assert [(one.name, one.kind) for one in edited[changed].columns] == [("Id", "value"), ("Word", "value")]
    # Once stored, always the same.
    [again] = await snapshot(shared, user, of, document_ids=[changed], edited=True, without_columns=True)
    assert again.blob_key == edited[changed].blob_key
    assert not again.columns


async def test_edits_that_were_taken_back_leave_the_table_as_converted(shared: Bench) -> None:
    user = shared.user()
    of = await user.scanned({"a.xml": rows("a", "b", "c")})
    await user.converted(of)
    [table] = (await user.documents(of))["a.xml"].tables
    await saved(user, table.id)
    with acting_as(user.who):
        await user.tables.Undo(tables_pb2.UndoRequest(table_id=table.id))
    [converted], [edited] = await snapshot(shared, user, of), await snapshot(shared, user, of, edited=True)
    assert (edited.blob_key, edited.version) == (converted.blob_key, 3)


async def test_tables_are_told_to_services_alone_and_those_of_the_session(shared: Bench) -> None:
    user, other = shared.user(), shared.user()
    of = await user.scanned({"a.xml": rows("a")})
    await user.converted(of)
    assert await snapshot(shared, other, of) == []
    stub = snapshot_pb2_grpc.SnapshotServiceStub(shared.convert_channel)
    with acting_as(user.who), pytest.raises(RemoteError) as refused:
        [answer async for answer in stub.Snapshot(snapshot_pb2.SnapshotRequest(collection_id=of))]
    assert refused.value.kind is Kind.FORBIDDEN


async def test_who_compares_has_documents_converted_in_the_name_of_the_session(shared: Bench) -> None:
    user, other = shared.user(), shared.user()
    of = await user.scanned({"a.xml": rows("a"), "b.xml": rows("b")})
    documents = await user.documents(of)
    convert = convert_pb2_grpc.ConvertServiceStub(shared.convert_channel)
    jobs = jobs_pb2_grpc.JobsServiceStub(shared.convert_channel)
    request = convert_pb2.StartRequest(collection_id=of, document_ids=[documents["a.xml"].id])
    with as_service("diff", user.who.session_id, user.who.user_id):
        job = (await convert.Start(request)).job
        assert (await jobs.Get(jobs_pb2.GetRequest(job_id=job.id))).job.id == job.id
    assert (await user.ended(job)).state == jobs_pb2.JOB_STATE_SUCCEEDED
    assert [(one.path, one.status) for one in (await user.documents(of)).values()] == [
        ("a.xml", "converted"),
        ("b.xml", "found"),
    ]
    with as_service("diff", other.who.session_id, other.who.user_id), pytest.raises(RemoteError) as refused:
        await convert.Start(request)
    assert refused.value.kind is Kind.NOT_FOUND
