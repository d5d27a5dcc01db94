from __future__ import annotations

import gzip
from typing import Any

import pytest
from ingest_bench import GOOD, Bench, User, on_both, packed

from ret.ingest.v1 import ingest_pb2
from ret_kit.auth import acting_as
from ret_kit.errors import Kind, RemoteError
from ret_kit.rpc.client import as_service

TABLE = ingest_pb2.TableRef(id="t", name="main", role="main", rows=2, columns=3)


def fact(document_id: str, status: str = "converted", **given: Any) -> ingest_pb2.DocumentConverted:
    if status == "converted":
        given = {"method": "native", "fidelity": 1.0, "tables": [TABLE]} | given
    return ingest_pb2.DocumentConverted(document_id=document_id, status=status, **given)


async def statuses(user: User, collection_id: str) -> dict[str, str]:
    return {document.path: document.status for document in await user.documents(collection_id)}


@on_both
async def test_documents_are_taken_the_biggest_first_and_marked(both: Bench) -> None:
    user = both.user()
    zipped = gzip.compress(GOOD * 9)
    of = (await user.scanned(packed({"AR_x/a.xml": GOOD, "AR_x/b.xml": GOOD * 3, "GL_y/c.xml.gz": zipped}))).id
    taken = await user.take(of, "job", 1)
    assert [(source.name, source.bytes) for source in taken] == [
        ("c.xml.gz", len(GOOD) * 9),
        ("b.xml", len(GOOD) * 3),
        ("a.xml", len(GOOD)),
    ]
    assert set((await statuses(user, of)).values()) == {"converting"}
    for source, expected in zip(taken, [GOOD * 9, GOOD * 3, GOOD], strict=True):
        content = source.content
        assert await both.app.blobs.get(content.blob_key, content.offset, content.length) == expected


@on_both
async def test_what_became_of_a_document_is_in_the_listing(both: Bench) -> None:
    user = both.user()
    of = (await user.scanned(packed({"AR_x/a.xml": GOOD, "AR_x/b.xml": GOOD}))).id
    first, second = await user.take(of, "job", 1)
    warning = ingest_pb2.Warning(code="XML_MALFORMED", path="AR_x/b.xml", detail="line 3")
    facts = [fact(first.document_id), fact(second.document_id, "failed", warnings=[warning])]
    assert await user.record("job", 1, *facts) == 2
    assert await user.record("job", 1, *facts) == 2, "telling it again changes nothing"
    converted, failed = sorted(await user.documents(of), key=lambda one: one.status)
    assert (converted.status, converted.method, converted.fidelity) == ("converted", "native", 1.0)
    assert list(converted.tables) == [TABLE]
    assert (failed.status, failed.HasField("fidelity"), list(failed.warnings)) == ("failed", False, [warning])
    collection = await user.collection(of)
    assert [(group.documents, group.converted) for group in collection.groups] == [(2, 1)]
    assert list(collection.warnings) == [warning]


@on_both
async def test_a_warning_of_a_conversion_has_the_full_path_of_its_document(both: Bench) -> None:
    user = both.user()
    inner = packed({"deep/a.xml": GOOD})
    of = (await user.scanned(packed({"AR_x.zip": inner}))).id
    (document,) = await user.take(of, "job", 1)
    warnings = [ingest_pb2.Warning(code="XML_DEPTH", detail="deep"), ingest_pb2.Warning(code="VALUE_CUT", path="given")]
    await user.record("job", 1, fact(document.document_id, warnings=warnings))
    told = [("XML_DEPTH", "AR_x.zip/deep/a.xml"), ("VALUE_CUT", "given")]
    for warned in ((await user.document(document.document_id)).warnings, (await user.collection(of)).warnings):
        assert [(warning.code, warning.path) for warning in warned] == told


async def test_only_what_was_chosen_is_taken(user: User) -> None:
    of = (await user.scanned(packed({"AR_x/a.xml": GOOD, "GL_y/b.xml": GOOD, "GL_y/c.xml": GOOD}))).id
    by_path = {document.path: document.id for document in await user.documents(of)}
    chosen = await user.take(of, "job", 1, groups=["ar"], document_ids=[by_path["GL_y/b.xml"]])
    assert {source.name for source in chosen} == {"a.xml", "b.xml"}
    assert await statuses(user, of) == {"AR_x/a.xml": "converting", "GL_y/b.xml": "converting", "GL_y/c.xml": "found"}
    for wrong in ({"groups": ["AR", "nothing"]}, {"document_ids": ["nothing"]}):
        with pytest.raises(RemoteError) as refused:
            await user.take(of, "job", 1, **wrong)
        assert refused.value.kind is Kind.NOT_FOUND


async def test_a_dry_run_marks_nothing_and_is_open_to_the_user(user: User) -> None:
    of = (await user.scanned(packed({"AR_x/a.xml": GOOD}))).id
    request = ingest_pb2.TakeDocumentsRequest(collection_id=of, dry_run=True)
    with acting_as(user.who):
        assert [len(answer.sources) async for answer in user.ingest.TakeDocuments(request)] == [1]
        request.dry_run = False
        with pytest.raises(RemoteError) as refused:
            [answer async for answer in user.ingest.TakeDocuments(request)]
    assert refused.value.kind is Kind.FORBIDDEN
    assert await statuses(user, of) == {"AR_x/a.xml": "found"}


@on_both
async def test_an_older_conversion_never_overwrites_a_newer_one(both: Bench) -> None:
    user = both.user()
    of = (await user.scanned(packed({"AR_x/a.xml": GOOD}))).id
    document = (await user.take(of, "old", 1))[0].document_id
    assert len(await user.take(of, "new", 2)) == 1
    assert await user.record("old", 1, fact(document, method="old")) == 0
    assert await user.take(of, "old", 1) == []
    await user.release(of, "old")
    assert await statuses(user, of) == {"AR_x/a.xml": "converting"}
    assert await user.record("new", 2, fact(document, method="new")) == 1
    assert (await user.documents(of))[0].method == "new"


async def test_a_stale_attempt_of_the_same_conversion_is_shut_out(user: User) -> None:
    of = (await user.scanned(packed({"AR_x/a.xml": GOOD}))).id
    document = (await user.take(of, "job", 1))[0].document_id
    assert await user.record("job", 1, fact(document, method="second"), fence=2) == 1
    assert await user.record("job", 1, fact(document, method="first"), fence=1) == 0
    assert (await user.documents(of))[0].method == "second"


@on_both
async def test_what_was_taken_and_not_converted_goes_back_to_what_it_was(both: Bench) -> None:
    user = both.user()
    of = (await user.scanned(packed({"a.xml": GOOD, "b.xml": GOOD, "c.xml": GOOD}))).id
    first, second, _ = await user.take(of, "one", 1)
    await user.record("one", 1, fact(first.document_id), fact(second.document_id, "failed"))
    await user.release(of, "one")
    before = await statuses(user, of)
    assert sorted(before.values()) == ["converted", "failed", "found"]
    await user.take(of, "two", 2)
    await user.take(of, "two", 2)
    await user.release(of, "two")
    assert await statuses(user, of) == before
    assert [document.method for document in await user.documents(of, status="converted")] == ["native"]


async def test_converting_again_replaces_the_warnings(user: User) -> None:
    of = (await user.scanned(packed({"a.xml": GOOD}))).id
    document = (await user.take(of, "one", 1))[0].document_id
    await user.record("one", 1, fact(document, "failed", warnings=[ingest_pb2.Warning(code="XML_MALFORMED")]))
    await user.take(of, "two", 2)
    await user.record("two", 2, fact(document))
    assert list((await user.documents(of))[0].warnings) == []


@on_both
async def test_a_document_that_fails_with_its_former_tables_stays_what_it_was(both: Bench) -> None:
    user = both.user()
    of = (await user.scanned(packed({"a.xml": GOOD}))).id
    document = (await user.take(of, "one", 1))[0].document_id
    mended = ingest_pb2.Warning(code="XML_REPAIRED", path="a.xml")
    missing = ingest_pb2.Warning(code="RECORD_PATH_MISSING", path="a.xml")
    kept = fact(document, "failed", tables=[TABLE], warnings=[missing])
    await user.record("one", 1, kept)
    [found] = await user.documents(of)
    assert (found.status, list(found.tables)) == ("failed", []), "it was never converted"
    await user.take(of, "two", 2)
    await user.record("two", 2, fact(document, method="repaired", fidelity=0.5, warnings=[mended]))
    for order in (3, 4):
        await user.take(of, "again", order)
        await user.record("again", order, kept)
        [found] = await user.documents(of)
        assert (found.status, found.method, found.fidelity) == ("converted", "repaired", 0.5)
        assert list(found.tables) == [TABLE]
        assert list(found.warnings) == [mended, missing]


async def test_facts_of_documents_that_are_gone_are_not_recorded(bench: Bench, user: User) -> None:
    of = (await user.scanned(packed({"a.xml": GOOD}))).id
    document = (await user.take(of, "job", 1))[0].document_id
    assert await bench.user().record("job", 1, fact(document)) == 0
    await user.delete(of)
    assert await user.record("job", 1, fact(document), fact("never")) == 0


async def test_a_state_that_is_no_end_is_refused(user: User) -> None:
    with pytest.raises(RemoteError, match="converted or failed"):
        await user.record("job", 1, fact("any", "found"))


async def test_a_collection_that_is_still_scanned_has_nothing_to_take(idle: Bench) -> None:
    user = idle.user()
    of = (await user.upload(packed({"a.xml": GOOD}))).collection.id
    assert await user.take(of, "job", 1) == []


@on_both
async def test_an_export_is_told_every_entry_in_its_place(both: Bench) -> None:
    user = both.user()
    inner = packed({"1_BATCH/x.xml": GOOD, "readme.txt": b"hello"})
    upload = packed({"AR_x.zip": inner, "GL_y/b.xml": GOOD, "GL_y/logo.bin": b"\0", "empty/": b""})
    of = (await user.scanned(upload, "Export.zip")).id
    whole = await user.inventory(of)
    assert [(entry.depth, entry.type, entry.path, entry.name) for entry in whole] == [
        (1, "zip", "AR_x.zip", "AR_x.zip"),
        (2, "folder", "AR_x.zip/1_BATCH", "1_BATCH"),
        (3, "document", "AR_x.zip/1_BATCH/x.xml", "x.xml"),
        (2, "other", "AR_x.zip/readme.txt", "readme.txt"),
        (1, "folder", "GL_y", "GL_y"),
        (2, "document", "GL_y/b.xml", "b.xml"),
        (2, "other", "GL_y/logo.bin", "logo.bin"),
        (1, "folder", "empty", "empty"),
    ]
    readme = whole[3].content
    assert await both.app.blobs.get(readme.blob_key, readme.offset, readme.length) == b"hello"
    assert [(entry.status, entry.HasField("content")) for entry in whole[:3]] == [
        ("", False),
        ("", False),
        ("found", True),
    ]
    assert [(entry.group, entry.media_type) for entry in whole[2:4]] == [("AR", "application/xml"), ("", "")]


async def test_an_export_of_a_group_is_told_its_documents_and_what_they_lie_in(user: User) -> None:
    inner = packed({"1_BATCH/x.xml": GOOD, "readme.txt": b"hello"})
    of = (await user.scanned(packed({"AR_x.zip": inner, "GL_y/b.xml": GOOD, "GL_y/logo.bin": b"\0"}))).id
    assert [entry.path for entry in await user.inventory(of, group="gl")] == ["GL_y", "GL_y/b.xml"]
    document = (await user.documents(of, group="AR"))[0]
    assert [entry.path for entry in await user.inventory(of, document_id=document.id)] == [
        "AR_x.zip",
        "AR_x.zip/1_BATCH",
        "AR_x.zip/1_BATCH/x.xml",
    ]
    assert len(await user.inventory(of, group="ar", document_id=document.id)) == 3


@on_both
async def test_an_export_of_what_is_not_in_the_collection_is_told_nothing(both: Bench) -> None:
    user, other = both.user(), both.user()
    of = (await user.scanned(packed({"AR_x/a.xml": GOOD, "GL_y/b.xml": GOOD}))).id
    beside = (await user.scanned(packed({"FY_z/c.xml": GOOD}))).id
    theirs = (await other.scanned(packed({"AR_x/a.xml": GOOD}))).id
    mine = (await user.documents(of, group="AR"))[0].id
    strangers = [(await user.documents(beside))[0].id, (await other.documents(theirs))[0].id]
    wrong: list[dict[str, str]] = [{"group": "nothing"}, {"group": "FY"}, {"document_id": "nothing"}]
    wrong += [{"document_id": stranger} for stranger in strangers] + [{"group": "GL", "document_id": mine}]
    for wanted in wrong:
        with pytest.raises(RemoteError) as refused:
            await user.inventory(of, **wanted)
        assert (refused.value.kind, refused.value.code) == (Kind.NOT_FOUND, "NOT_FOUND")


async def test_a_tree_of_many_entries_comes_in_several_messages(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_ingest.server.NODES", 3)
    monkeypatch.setattr("ret_ingest.server.SOURCES", 3)
    monkeypatch.setattr("ret_ingest.repository.BATCH", 4)
    of = (await user.scanned(packed({f"f{n % 3}/{n}.xml": GOOD for n in range(11)}))).id
    assert len(await user.tree(of)) == 1 + 3 + 11
    assert len(await user.inventory(of)) == 3 + 11
    assert len(await user.take(of, "job", 1)) == 11


async def test_a_single_file_has_a_tree_of_itself(user: User) -> None:
    of = (await user.scanned(GOOD, "ledger.xml")).id
    assert await user.tree(of) == [(0, "folder", ""), (1, "document", "ledger.xml")]


# --- whose it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("same_user", [True, False], ids=["another session of the user", "somebody else"])
async def test_everything_of_another_session_is_absent(bench: Bench, user: User, *, same_user: bool) -> None:
    of = (await user.scanned(packed({"AR_x/a.xml": GOOD}))).id
    document = (await user.documents(of))[0].id
    intruder = bench.user(user_id=user.who.user_id) if same_user else bench.user()
    attempts = [
        intruder.collection(of),
        intruder.change(of, name="mine"),
        intruder.delete(of),
        intruder.rename(of, "AR", "MINE"),
        intruder.documents(of),
        intruder.document(document),
        intruder.move(document, "MINE"),
        intruder.tree(of),
        intruder.source(document),
        intruder.inventory(of),
        intruder.take(of, "job", 1),
        intruder.take(of, "job", 1, dry_run=True),
    ]
    for attempt in attempts:
        with pytest.raises(RemoteError) as refused:
            await attempt
        assert refused.value.kind is Kind.NOT_FOUND
    await intruder.release(of, "job")
    assert await intruder.collections() == []
    assert (await user.collection(of)).name == "Upload.zip"
    assert (await user.document(document)).group == "AR"


async def test_only_convert_tells_what_was_converted(user: User) -> None:
    for who in (acting_as(user.who), as_service("diff", user.who.session_id, user.who.user_id)):
        with pytest.raises(RemoteError) as refused, who:
            await user.ingest.RecordConverted(ingest_pb2.RecordConvertedRequest(job_id="job"))
        assert refused.value.kind is Kind.FORBIDDEN


async def test_a_service_neither_uploads_nor_changes_anything(user: User) -> None:
    of = (await user.scanned(packed({"AR_x/a.xml": GOOD}))).id
    with pytest.raises(RemoteError) as refused, as_service("convert", user.who.session_id, user.who.user_id):
        await user.ingest.DeleteCollection(ingest_pb2.DeleteCollectionRequest(collection_id=of))
    assert refused.value.kind is Kind.FORBIDDEN
