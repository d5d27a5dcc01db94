from __future__ import annotations

import gzip

import pytest
from ingest_bench import GOOD, Bench, User, on_both, packed, result

from ret.jobs.v1 import jobs_pb2
from ret_ingest.schema import metadata
from ret_kit.errors import Kind, RemoteError
from ret_kit.migrations import upgrade_sync
from ret_kit.testing.schema import differences


def test_the_migrations_give_what_the_schema_says(database_url: str) -> None:
    upgrade_sync(database_url, "ingest", "ret_ingest")
    assert differences(database_url, "ingest", metadata) == []


@on_both
async def test_an_upload_becomes_a_collection_with_groups(both: Bench) -> None:
    user = both.user()
    inner = packed({"x.xml": GOOD, "readme.txt": b"hello"})
    collection = await user.scanned(packed({"FY_a/1.xml": GOOD, "GL_x.zip": inner}), "Export.zip", name="Mine")
    assert (collection.status, collection.name, collection.kind, collection.documents) == ("ready", "Mine", "tables", 2)
    assert {group.name: group.documents for group in collection.groups} == {"FY": 1, "GL": 1}
    assert {group.bytes for group in collection.groups} == {len(GOOD)}
    assert (collection.stats.max_depth, collection.stats.other_files, collection.stats.containers) == (2, 1, 2)
    assert await user.tree(collection.id) == [
        (0, "zip", ""),
        (1, "folder", "FY_a"),
        (2, "document", "FY_a/1.xml"),
        (1, "zip", "GL_x.zip"),
        (2, "document", "GL_x.zip/x.xml"),
        (2, "other", "GL_x.zip/readme.txt"),
    ]


@on_both
async def test_regrouping_and_what_users_did_to_groups_stay(both: Bench) -> None:
    user = both.user()
    files = {"AR_x/invoice_1.xml": GOOD, "AR_x/GL_2.xml": GOOD, "GL_y/invoice_3.xml": GOOD, "AP_z/4.xml": GOOD}
    of = (await user.scanned(packed(files))).id
    await user.rename(of, "AR", "Receivables")
    assert list((await user.groups(of)).values()) == ["Receivables", "Receivables", "GL", "AP"]
    await user.rename(of, "gl", "receivables")
    merged = await user.collection(of)
    assert {group.name: group.documents for group in merged.groups} == {"AP": 1, "Receivables": 3}
    moved = await user.move((await user.documents(of, group="ap"))[0].id, "Mine")
    assert (moved.group, moved.group_reason) == ("Mine", "user")
    await user.regroup(of, "name")
    assert list((await user.groups(of)).values()) == ["INVOICE", "Receivables", "INVOICE", "Mine"]
    await user.regroup(of, "container")
    assert list((await user.groups(of)).values()) == ["Receivables", "Receivables", "Receivables", "Mine"]
    await user.rename(of, "mine", "MINE")
    assert [group.name for group in (await user.collection(of)).groups] == ["MINE", "Receivables"]


@on_both
async def test_a_document_moves_into_a_group_that_is_there_or_was_there(both: Bench) -> None:
    user = both.user()
    of = (await user.scanned(packed({"AR_x/1.xml": GOOD, "GL_y/2.xml": GOOD}))).id
    first, second = await user.documents(of)
    assert (await user.move(first.id, "gl")).group == "GL"
    assert [group.name for group in (await user.collection(of)).groups] == ["GL"]
    assert (await user.move(second.id, "aR")).group == "aR"
    assert await user.groups(of) == {"AR_x/1.xml": "GL", "GL_y/2.xml": "aR"}


async def test_a_group_without_documents_cannot_be_renamed(user: User) -> None:
    of = (await user.scanned(packed({"AR_x/1.xml": GOOD}))).id
    await user.rename(of, "AR", "Other name")
    for group in ("AR", "never", ""):
        with pytest.raises(RemoteError) as refused:
            await user.rename(of, group, "x")
        assert (refused.value.kind, refused.value.code) == (Kind.NOT_FOUND, "NOT_FOUND")


@pytest.mark.parametrize("name", ["", "  ", "x" * 301, "a\nb"])
async def test_a_name_that_cannot_be_one_is_refused_with_its_field(user: User, name: str) -> None:
    of = (await user.scanned(packed({"AR_x/1.xml": GOOD}))).id
    document = (await user.documents(of))[0]
    for field, attempt in {
        "name": [user.rename(of, "AR", name), user.change(of, name=name)],
        "group": [user.move(document.id, name)],
    }.items():
        for one in attempt:
            with pytest.raises(RemoteError) as refused:
                await one
            assert (refused.value.kind, refused.value.extra()["field"]) == (Kind.INVALID, field)


async def test_a_collection_can_be_renamed_and_only_grouped_in_two_ways(user: User) -> None:
    of = (await user.scanned(packed({"AR_x/1.xml": GOOD}))).id
    assert (await user.change(of, name=" New name ")).name == "New name"
    with pytest.raises(RemoteError, match="grouping"):
        await user.change(of, grouping="size")


async def test_grouping_can_be_chosen_at_the_upload(user: User) -> None:
    collection = await user.scanned(packed({"ledger.xml": GOOD}), "FY_x.zip", grouping="name")
    assert (collection.grouping, await user.groups(collection.id)) == ("name", {"ledger.xml": "LEDGER"})


@on_both
async def test_documents_are_listed_by_group_text_and_status_in_pages(both: Bench) -> None:
    user = both.user()
    files = {f"AR_x/ledger_{n}.xml": GOOD for n in range(4)} | {"GL_y/50%_odd.xml": GOOD}
    of = (await user.scanned(packed(files))).id
    assert len(await user.documents(of, group="ar")) == 4
    assert [document.path for document in await user.documents(of, query="LEDGER", offset=1, limit=2)] == [
        "AR_x/ledger_1.xml",
        "AR_x/ledger_2.xml",
    ]
    assert [document.path for document in await user.documents(of, query="50%_")] == ["GL_y/50%_odd.xml"]
    assert await user.documents(of, status="converted") == []
    for wrong in ({"limit": 1001}, {"offset": -1}, {"limit": -1}):
        with pytest.raises(RemoteError) as refused:
            await user.documents(of, **wrong)
        assert refused.value.kind is Kind.INVALID


async def test_the_source_is_the_original_bytes(user: User) -> None:
    zipped = gzip.compress(GOOD)
    of = (await user.scanned(packed({"a.xml": GOOD, "b.xml.gz": zipped, "empty.xml": b""}))).id
    plain, compressed, empty = await user.documents(of)
    header, data = await user.source(plain.id)
    assert (header.filename, header.media_type, header.bytes, data) == ("a.xml", "application/xml", len(GOOD), GOOD)
    header, data = await user.source(compressed.id)
    assert (header.filename, header.media_type, data) == ("b.xml.gz", "application/gzip", zipped)
    assert (await user.source(empty.id))[1] == b""


async def test_a_damaged_blob_is_never_given_out(bench: Bench, user: User) -> None:
    of = (await user.scanned(packed({"a.xml": GOOD}))).id
    document = (await user.documents(of))[0]
    key = next(key for key in await bench.blobs() if "/files/" in key)
    await bench.app.blobs.put(key, GOOD.replace(b"1", b"9"))
    with pytest.raises(RemoteError) as damaged:
        await user.source(document.id)
    assert damaged.value.code == "BLOB_DAMAGED"


async def test_after_the_scan_the_upload_itself_is_gone(bench: Bench, user: User) -> None:
    await user.scanned(packed({"a.xml": GOOD}))
    left = await bench.blobs()
    assert not [key for key in left if "/collections/" in key or "inventory" in key]
    assert [key for key in left if "/files/" in key]


async def test_a_deleted_collection_leaves_nothing_and_tells_convert(bench: Bench, user: User) -> None:
    collection = await user.scanned(packed({"a.xml": GOOD}))
    await user.delete(collection.id)
    assert bench.blob_files() == []
    with pytest.raises(RemoteError) as gone:
        await user.collection(collection.id)
    assert gone.value.kind is Kind.NOT_FOUND
    facts = await bench.facts(user)
    assert facts == [("facts.collection_deleted", {"collection_id": collection.id, "session_id": user.who.session_id})]


async def test_deleting_a_collection_that_waits_for_its_scan_cancels_the_scan(idle: Bench) -> None:
    user = idle.user()
    answer = await user.upload(packed({"a.xml": GOOD}))
    await user.delete(answer.collection.id)
    assert (await user.ended(answer.job)).state == jobs_pb2.JOB_STATE_CANCELLED
    assert idle.blob_files() == []


async def test_collections_are_listed_newest_first_in_pages(user: User) -> None:
    ids = [(await user.scanned(packed({"a.xml": GOOD}))).id for _ in range(3)]
    assert [one.id for one in await user.collections()] == ids[::-1]
    assert [one.id for one in await user.collections(offset=1, limit=1)] == [ids[1]]


async def test_the_figures_of_the_scan_are_the_result_of_its_job(user: User) -> None:
    answer = await user.upload(packed({"a.xml": GOOD, "b.txt": b"x"}))
    assert answer.collection.status == "scanning"
    assert await user.documents(answer.collection.id) == []
    job = await user.ended(answer.job)
    figures = result(job)
    assert figures["collection_id"] == answer.collection.id
    assert (figures["documents"], figures["other_files"], figures["bytes"]) == (1, 1, len(GOOD) + 1)
    assert "inventory" not in figures
