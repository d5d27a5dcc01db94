from __future__ import annotations

import json

import pytest
from convert_bench import Bench, User, rows

from ret_kit.errors import Kind, RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def user(shared: Bench) -> User:
    return shared.user()


async def test_documents_become_tables_that_the_listing_names(user: User) -> None:
    collection = await user.scanned({"AR_x/one.xml": rows("a", "b"), "GL_x/two.xml": rows("c", "d", "e")})
    figures = await user.converted(collection)
    assert (figures["documents"], figures["converted"], figures["failed"]) == (2, 2, 0)
    assert (figures["rows"], figures["cells"], figures["methods"]) == (5, 10, {"native": 2})
    document = (await user.documents(collection))["AR_x/one.xml"]
    assert (document.status, document.method, document.fidelity) == ("converted", "native", 1.0)
    assert [(one.name, one.role, one.rows, one.columns) for one in document.tables] == [("Row", "main", 2, 2)]


async def test_many_documents_are_several_tasks_of_one_job(user: User) -> None:
    collection = await user.scanned({f"part_{n % 5}/AR_{n}.xml": rows("a", "b") for n in range(60)})
    job = await user.ended(await user.start(collection))
    assert (job.progress.done, job.progress.total, job.progress.unit) == (60, 60, "documents")
    assert job.progress.percent == 100
    detail = json.loads(job.progress.detail_json)
    assert (detail["rows"], detail["cells"], detail["methods"]) == (120, 240, {"native": 60})
    assert json.loads(job.result_json)["rows"] == 120


async def test_a_document_that_is_refused_fails_alone_with_its_reason(user: User) -> None:
    bomb = b"<!DOCTYPE r [<!ENTITY a '" + b"a" * 100_000 + b"'>]><r>" + b"&a;" * 20_000 + b"</r>"
    collection = await user.scanned({"bad.xml": bomb, "good.xml": rows("a")})
    figures = await user.converted(collection)
    assert (figures["converted"], figures["failed"]) == (1, 1)
    documents = await user.documents(collection)
    assert documents["bad.xml"].status == "failed"
    assert [warning.code for warning in documents["bad.xml"].warnings] == ["XML_ENTITY_BOMB"]
    assert documents["good.xml"].status == "converted"


async def test_damaged_documents_are_converted_and_say_how(user: User) -> None:
    collection = await user.scanned(
        {
            "crossed.xml": b"<r><i><a>1</a></i><i><a>2</b></a></i><i><a>3</a></i></r>",
            "cut.xml": b"<r><i><a>1</a></i>",
            "good.xml": rows("a"),
            "none.xml": b"Dear all",
        }
    )
    figures = await user.converted(collection)
    assert (figures["converted"], figures["failed"], figures["salvaged"]) == (4, 0, 2)
    assert figures["methods"] == {"native": 1, "repaired": 1, "salvaged": 1, "lines": 1}
    documents = await user.documents(collection)
    said = {path: (one.method, [warning.code for warning in one.warnings]) for path, one in documents.items()}
    assert said["crossed.xml"] == ("salvaged", ["XML_SALVAGED"])
    assert said["cut.xml"] == ("repaired", ["XML_REPAIRED"])
    assert said["none.xml"] == ("lines", ["XML_AS_LINES"])
    assert [table.name for table in documents["crossed.xml"].tables] == ["r", "_errors"]


async def test_only_the_chosen_group_is_converted(user: User) -> None:
    collection = await user.scanned({"AR_x/one.xml": rows("a"), "GL_x/two.xml": rows("b")})
    assert (await user.converted(collection, groups=["GL"]))["documents"] == 1
    documents = await user.documents(collection)
    assert documents["AR_x/one.xml"].status == "found"
    assert documents["GL_x/two.xml"].status == "converted"


async def test_converting_nothing_succeeds(user: User) -> None:
    collection = await user.scanned({"readme.txt": b"no document"})
    assert (await user.converted(collection))["documents"] == 0


async def test_the_record_path_can_be_chosen(user: User) -> None:
    data = b"<r><h><k>1</k><l>2</l></h><h><k>3</k><l>4</l></h><x><a>1</a><b>2</b><c>3</c><d>4</d></x></r>"
    collection = await user.scanned({"r.xml": data})
    document = (await user.documents(collection))["r.xml"]
    await user.converted(collection, record_paths={document.id: "r/h"})
    main = (await user.documents(collection))["r.xml"].tables[0]
    assert (main.name, main.rows) == ("h", 2)


async def test_a_record_path_that_is_not_there_costs_a_document_nothing_it_had(user: User) -> None:
    collection = await user.scanned({"r.xml": b"<r>" + b"<h><k>1</k><l>2</l></h>" * 3 + b"</r>"})
    await user.converted(collection)
    before = (await user.documents(collection))["r.xml"]
    figures = await user.converted(collection, record_paths={before.id: "r/none"})
    assert (figures["documents"], figures["failed"]) == (1, 1)
    after = (await user.documents(collection))["r.xml"]
    assert (after.status, after.method, list(after.tables)) == ("converted", "native", list(before.tables))
    assert [warning.code for warning in after.warnings] == ["RECORD_PATH_MISSING", "FORMER_TABLES_KEPT"]
    assert (await user.export(collection, document_id=before.id)).data.decode("utf-8-sig") == "k,l\r\n" + "1,2\r\n" * 3


async def test_somebody_elses_collection_is_not_found(shared: Bench, user: User) -> None:
    collection = await user.scanned({"a.xml": rows("a")})
    other = shared.user()
    for call in (other.start(collection), other.export(collection)):
        with pytest.raises(RemoteError) as refused:
            await call
        assert refused.value.kind == Kind.NOT_FOUND


async def test_unknown_groups_documents_and_layouts_are_refused_at_once(user: User) -> None:
    collection = await user.scanned({"AR_x/a.xml": rows("a")})
    for wrong, kind in (
        ({"groups": ["NONE"]}, Kind.NOT_FOUND),
        ({"document_ids": ["none"]}, Kind.NOT_FOUND),
        ({"layout": "wide"}, Kind.INVALID),
    ):
        with pytest.raises(RemoteError) as refused:
            await user.start(collection, **wrong)
        assert refused.value.kind == kind


async def test_record_paths_are_of_documents_of_the_collection_converted_now_or_not(user: User) -> None:
    collection = await user.scanned({"AR_x/a.xml": rows("a"), "GL_x/b.xml": rows("b")})
    elsewhere = (await user.documents(await user.scanned({"c.xml": rows("c")})))["c.xml"].id
    for unknown in ("none", elsewhere):
        with pytest.raises(RemoteError) as refused:
            await user.start(collection, record_paths={unknown: "r"})
        assert (refused.value.kind, refused.value.extra()["field"]) == (Kind.INVALID, "record_paths")
    other = (await user.documents(collection))["AR_x/a.xml"].id
    assert (await user.converted(collection, groups=["GL"], record_paths={other: "none"}))["failed"] == 0


async def test_the_same_key_gives_the_first_answer(user: User) -> None:
    collection = await user.scanned({"a.xml": rows("a")})
    first = await user.start(collection, idempotency_key="once")
    again = await user.start(collection, idempotency_key="once")
    other = await user.start(collection, idempotency_key="twice")
    assert first.id == again.id
    assert other.id != first.id
