"""Two sides are compared, and only what changed is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from diff_bench import Bench, Result, User, document, packed, words

from ret.convert.v1 import tables_pb2
from ret.diff.v1 import diff_pb2
from ret.jobs.v1 import jobs_pb2
from ret_kit.auth import acting_as
from ret_kit.errors import Kind, RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="session")

KINDS = ("only_in_a", "only_in_b", "mismatch", "identical", "failed", "pending")


def counted(result: Result) -> list[int]:
    return [result.count(kind) for kind in KINDS]


async def edited(user: User, table_id: str, row: int, value: str, version: int = 1) -> None:
    """The word of a row changed."""
    edit = tables_pb2.CellEdit(row=row, column="Word", value=tables_pb2.Value(text=value))
    with acting_as(user.who):
        request = tables_pb2.SaveRequest(table_id=table_id, version=version, edits=[edit])
        assert (await user.tables.Save(request)).saved.version == version + 1


async def test_every_document_of_two_collections_has_its_status(user: User) -> None:
    a = await user.scanned({"same.xml": words("a", "b"), "other.xml": words("a", "b", "c"), "gone.xml": words("x" * 9)})
    b = await user.scanned({"same.xml": words("a", "b"), "other.xml": words("a", "B", "c"), "new.xml": words("y" * 9)})
    result = await user.compared(a, b)
    assert await result.statuses() == {
        "same.xml": "identical",
        "other.xml": "mismatch",
        "gone.xml": "only_in_a",
        "new.xml": "only_in_b",
    }
    assert counted(result) == [1, 1, 1, 1, 0, 0]
    assert result.comparison.summary.counts.cells_changed == 1
    pair = await result.pair("other.xml")
    [row] = await result.rows(pair, columns="all")
    assert (row["status"], row["a_row"], row["b_row"], row["changed"]) == ("changed", 2, 2, [1])
    assert (row["a"], row["b"]) == (["K002", "b"], ["K002", "B"])
    full = await result.rows(pair, columns="all", view="full")
    assert [one["status"] for one in full] == ["same", "changed", "same"]
    # What has no partner, and what is the same on both sides, can be looked at as well.
    assert [one["b"] for one in await result.rows(await result.pair("new.xml"), columns="all", view="full")] == [
        ["K001", "y" * 9]
    ]
    same = await result.rows(await result.pair("same.xml"), columns="all", view="full")
    assert [(one["status"], one["a"][1]) for one in same] == [("same", "a"), ("same", "b")]


async def test_a_collection_is_identical_to_itself_and_to_a_copy(user: User) -> None:
    files = {"a.xml": words("a", "b"), "b.xml": words("c")}
    a, b = await user.scanned(files), await user.scanned(files)
    assert counted(await user.compared(a, a)) == [0, 0, 0, 2, 0, 0]
    assert counted(await user.compared(a, b)) == [0, 0, 0, 2, 0, 0]


async def test_an_edited_collection_stands_against_its_original(user: User) -> None:
    of = await user.scanned({"a.xml": words("a", "b", "c"), "b.xml": words("d")})
    await user.converted(of)
    [table] = (await user.documents(of))["a.xml"].tables
    await edited(user, table.id, 3, "edited")
    original = diff_pb2.Side(collection_id=of, version="original")
    result = await user.compared(original, of)
    assert await result.statuses() == {"a.xml": "mismatch", "b.xml": "identical"}
    [row] = await result.rows(await result.pair("a.xml"), columns="all")
    assert (row["a_row"], row["a"][1], row["b"][1]) == (3, "c", "edited")
    assert counted(await user.compared(of, of)) == [0, 0, 0, 2, 0, 0]
    assert counted(await user.compared(original, original)) == [0, 0, 0, 2, 0, 0]


async def test_two_documents_are_a_pair_whatever_they_are_called(user: User) -> None:
    of = await user.scanned({"a.xml": words("a", "b"), "x/other.xml": words("a", "B"), "c.xml": words("c")})
    found = await user.documents(of)
    sides = [diff_pb2.Side(document_id=found[path].id) for path in ("a.xml", "x/other.xml")]
    result = await user.compared(*sides)
    [pair] = await result.pairs()
    assert (pair.a_path, pair.b_path, pair.match, pair.status) == ("a.xml", "x/other.xml", "manual", "mismatch")
    assert (result.comparison.a.name, len(result.comparison.a.sha256)) == ("a.xml", 64)


async def test_a_document_that_cannot_be_converted_fails_alone(user: User) -> None:
    broken = b"<!DOCTYPE r [<!ENTITY a '" + b"a" * 100_000 + b"'>]><r>" + b"&a;" * 20_000 + b"</r>"
    a = await user.scanned({"bomb.xml": broken, "good.xml": words("a")})
    b = await user.scanned({"bomb.xml": words("a"), "good.xml": words("b")})
    result = await user.compared(a, b)
    assert await result.statuses() == {"bomb.xml": "failed", "good.xml": "mismatch"}
    pair = await result.pair("bomb.xml")
    assert (pair.failure.code, bool(pair.failure.detail)) == ("XML_ENTITY_BOMB", True)


async def test_sides_that_have_nothing_in_common_are_only_there(user: User) -> None:
    full = await user.scanned({"a.xml": words("a"), "b.xml": words("b")})
    empty = await user.scanned({"readme.bin": b"\0\1"})
    assert counted(await user.compared(full, empty)) == [2, 0, 0, 0, 0, 0]
    result = await user.compared(empty, full)
    assert counted(result) == [0, 2, 0, 0, 0, 0]
    assert [one.code for one in result.comparison.notes] == ["SIDE_EMPTY"]


async def test_only_the_groups_that_are_asked_for_are_compared(user: User) -> None:
    a = await user.scanned({"AR_x/a.xml": words("a"), "GL_y/b.xml": words("b")})
    b = await user.scanned({"AR_x/a.xml": words("A"), "FY_z/c.xml": words("c")})
    result = await user.compared(a, b, groups=["ar"])
    assert await result.statuses() == {"AR_x/a.xml": "mismatch"}
    result = await user.compared(a, b, groups=["GL"])
    assert await result.statuses() == {"GL_y/b.xml": "only_in_a"}
    assert [one.code for one in result.comparison.notes] == ["GROUP_ABSENT"]
    assert [(one.name, one.tally.only_in_a) for one in result.comparison.by_group] == [("GL", 1)]


async def test_child_tables_are_compared_under_their_parents(user: User) -> None:
    def orders(*numbers: int, quantity: str = "1") -> bytes:
        found = ""
        for number in numbers:
            lines = [(f"i{at}", quantity if (number, at) == (3, 11) else "1") for at in range(12)]
            body = "".join(f"<Line><Item>{item}</Item><Qty>{many}</Qty></Line>" for item, many in lines)
            found += f"<Order><No>O{number}</No>{body}</Order>"
        return f"<Orders>{found}</Orders>".encode()

    a, b = orders(0, 1, 2, 3, 4), orders(9, 0, 1, 2, 3, 4, quantity="7")
    a_id, b_id = [await user.scanned(one, "orders.xml") for one in (a, b)]
    for one in (a_id, b_id):
        await user.converted(one, layout="related")
    result = await user.compared(a_id, b_id)
    [pair] = await result.pairs()
    # The lines of the order that came are added; one quantity is another, and the numbers of parents are not looked at:
    # all of them are others, because the order that came is the first.
    lines, heads = pair.tables
    assert (lines.name, heads.name) == ("Line", "Order")
    assert (heads.counts.rows_added, heads.counts.rows_removed, heads.counts.rows_changed) == (1, 0, 0)
    assert (lines.counts.rows_added, lines.counts.rows_removed, lines.counts.rows_changed) == (12, 0, 1)
    assert lines.counts.cells_changed == 1
    changed = [one for one in await result.rows(pair, columns="all") if one["status"] == "changed"]
    assert [(one["a_row"], one["b_row"]) for one in changed] == [(48, 60)]


async def test_what_is_asked_for_with_the_same_key_is_done_once(user: User) -> None:
    of = await user.scanned({"a.xml": words("a")})
    first = await user.start(of, of, idempotency_key="once")
    second = await user.start(of, of, idempotency_key="once")
    assert (first.comparison.id, first.job.id) == (second.comparison.id, second.job.id)
    with acting_as(user.who):
        listed = await user.diff.List(diff_pb2.ListRequest())
    assert ([one.id for one in listed.comparisons], listed.total) == ([first.comparison.id], 1)
    await user.succeeded(first.job)


async def called(user: User, call: str, request: Any) -> None:
    answer = getattr(user.diff, call)(request)
    if call in ("Rows", "Tree", "Report"):
        [one async for one in answer]
    else:
        await answer


async def refused(user: User, call: str, request: Any) -> Kind:
    with acting_as(user.who), pytest.raises(RemoteError) as caught:
        await called(user, call, request)
    return caught.value.kind


async def test_comparisons_and_sides_of_others_are_not_there(shared: Bench) -> None:
    user, other = shared.user(), shared.user()
    of = await user.scanned({"a.xml": words("a")})
    theirs = await other.scanned({"a.xml": words("b")})
    mine = diff_pb2.Side(collection_id=of)
    unknown = [diff_pb2.Side(collection_id=theirs), diff_pb2.Side(collection_id="x"), diff_pb2.Side(document_id="x")]
    for side in unknown:
        assert await refused(user, "Start", diff_pb2.StartRequest(a=mine, b=side)) is Kind.NOT_FOUND
    wrong = [diff_pb2.Side(), diff_pb2.Side(collection_id=of, document_id="x")]
    wrong += [diff_pb2.Side(collection_id=of, version="last")]
    for side in wrong:
        assert await refused(user, "Start", diff_pb2.StartRequest(a=side, b=mine)) is Kind.INVALID
    tolerant = diff_pb2.Options(numeric_tolerance=-1)
    assert await refused(user, "Start", diff_pb2.StartRequest(a=mine, b=mine, options=tolerant)) is Kind.INVALID
    result, pair = await user.two(words("a"), words("b"))
    given: dict[str, Any] = {"comparison_id": result.id}
    of_pair: dict[str, Any] = {**given, "pair_id": pair.id}
    calls: dict[str, Any] = {
        "Get": diff_pb2.GetRequest(**given),
        "Delete": diff_pb2.DeleteRequest(**given),
        "ListPairs": diff_pb2.ListPairsRequest(**given),
        "GetPair": diff_pb2.GetPairRequest(**of_pair),
        "Tree": diff_pb2.TreeRequest(**given),
        "Rows": diff_pb2.RowsRequest(**of_pair, limit=10),
        "Locate": diff_pb2.LocateRequest(**of_pair, next_after=-1),
        "Strip": diff_pb2.StripRequest(**of_pair, stretches=10),
        "Patterns": diff_pb2.PatternsRequest(**of_pair),
        "Findings": diff_pb2.FindingsRequest(**given),
        "Repair": diff_pb2.RepairRequest(**given, a_path="table.xml"),
        "Recompare": diff_pb2.RecompareRequest(**of_pair),
        "Review": diff_pb2.ReviewRequest(**of_pair, reviewed=True),
        "Apply": diff_pb2.ApplyRequest(**of_pair, into="a"),
        "Report": diff_pb2.ReportRequest(**given, format="html"),
    }
    assert {name: await refused(other, name, request) for name, request in calls.items()} == dict.fromkeys(
        calls, Kind.NOT_FOUND
    )


async def test_what_was_compared_can_be_walked_located_and_reported(user: User) -> None:
    rows = [{"Id": f"K{number:03d}", "Word": "old" if number % 2 else "kept"} for number in range(40)]
    now = [one | {"Word": one["Word"].replace("old", "new")} for one in rows]
    a, b = await user.scanned({"f/a.xml": document(*rows)}), await user.scanned({"f/a.xml": document(*now)})
    result = await user.compared(a, b)
    [pair] = await result.pairs()
    of: dict[str, Any] = {"comparison_id": result.id, "pair_id": pair.id}
    with acting_as(user.who):
        nodes = [
            node async for part in user.diff.Tree(diff_pb2.TreeRequest(comparison_id=result.id)) for node in part.nodes
        ]
        assert [(node.depth, node.type, node.path, node.status) for node in nodes][1:] == [
            (1, "folder", "f", "mismatch"),
            (2, "document", "f/a.xml", "mismatch"),
        ]
        for asked in (diff_pb2.PatternsRequest(**of), diff_pb2.PatternsRequest(comparison_id=result.id)):
            [pattern] = (await user.diff.Patterns(asked)).patterns
            assert (pattern.column, pattern.old, pattern.new, pattern.count) == ("Word", "old", "new", 20)
        found = await user.diff.Locate(diff_pb2.LocateRequest(**of, view="full", next_after=1))
        assert (found.position, found.a_row, found.column) == (3, 4, "Word")
        strip = await user.diff.Strip(diff_pb2.StripRequest(**of, view="full", stretches=4))
        assert (strip.total, list(strip.changed)) == (40, [5, 5, 5, 5])
        assert not (await user.diff.Findings(diff_pb2.FindingsRequest(comparison_id=result.id))).findings
        for kind in ("html", "xlsx"):
            parts = [
                one async for one in user.diff.Report(diff_pb2.ReportRequest(comparison_id=result.id, format=kind))
            ]
            assert parts[0].header.filename.endswith(kind)
            assert b"".join(one.chunk for one in parts[1:])[:2] == {"html": b"<!", "xlsx": b"PK"}[kind]


async def test_a_package_of_many_documents_has_all_its_statuses_at_once(user: User) -> None:
    def files(changed: str) -> bytes:
        found = {f"g{at % 7}/{at:04d}.xml": words(*(f"{at}-{one}" for one in range(3))) for at in range(400)}
        found |= {path: words("x", changed) for path in list(found)[::40]}
        return packed(found)

    a, b = await user.scanned(files("was")), await user.scanned(files("is"))
    started = await user.start(a, b)
    while (now := await user.comparison(started.comparison.id)).summary.identical < 390:
        assert now.status in ("queued", "running")
    while now.summary.pending and now.status == "running":
        now = await user.comparison(started.comparison.id)
    assert (now.summary.identical, now.summary.mismatch) == (390, 10)
    figures = await user.succeeded(started.job)
    assert (figures["pairs"], figures["failed"]) == (400, 0)
    assert {key: figures[key] for key in ("cells",)} == {"cells": 10}


async def test_a_cancelled_comparison_says_so_of_what_was_not_compared(user: User) -> None:
    a = await user.scanned({f"{at}.xml": words(f"a{at}") for at in range(60)})
    b = await user.scanned({f"{at}.xml": words(f"b{at}") for at in range(60)})
    started = await user.start(a, b)
    with acting_as(user.who):
        await user.jobs.Cancel(jobs_pb2.CancelRequest(job_id=started.job.id))
    job = await user.ended(started.job)
    assert job.state == jobs_pb2.JOB_STATE_CANCELLED
    result = Result(user, await user.comparison(started.comparison.id), job)
    assert result.comparison.status == "cancelled"
    assert json.loads(job.result_json or "{}") == {}
