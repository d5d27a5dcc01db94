"""What users do with a result: compare again, pair by hand, tick off, keep options, take differences over, delete."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from diff_bench import Bench, Result, User, document, words

from ret.convert.v1 import tables_pb2
from ret.diff.v1 import diff_pb2
from ret.jobs.v1 import jobs_pb2
from ret_kit.auth import acting_as
from ret_kit.errors import Kind, RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAS = [{"Id": f"K{number:03d}", "Word": f"w{number}", "At": f"2024-01-{number:02d}"} for number in range(1, 25)]
NOW = [one | {"At": f"2025-02-{number:02d}"} for number, one in enumerate(WAS, 1)]
NOW[3]["Word"] = "W4"


async def recompared(result: Result, pair: diff_pb2.Pair, **options: Any) -> diff_pb2.Pair:
    request = diff_pb2.RecompareRequest(comparison_id=result.id, pair_id=pair.id, options=diff_pb2.Options(**options))
    with acting_as(result.user.who):
        job = (await result.user.diff.Recompare(request)).job
    await result.user.succeeded(job)
    return await result.pair(pair.a_path)


async def test_a_pair_is_compared_again_with_other_options(user: User, shared: Bench) -> None:
    result, pair = await user.two(document(*WAS), document(*NOW))
    assert (pair.counts.rows_changed, pair.counts.cells_changed) == (24, 25)
    again = await recompared(result, pair, ignore_columns=["At"], ignore_case=True)
    assert (again.id, again.status, again.counts.cells_changed) == (pair.id, "identical", 0)
    assert (list(again.options.ignore_columns), again.options.ignore_case) == (["At"], True)
    again = await recompared(result, pair, keys=["Word"])
    assert (list(again.key_columns), again.tables[0].key_given) == (["Word"], True)
    assert (again.counts.rows_added, again.counts.rows_removed) == (1, 1)
    # A key that is none is told, and does not stop anything.
    again = await recompared(result, pair, keys=["Nothing"])
    assert "KEY_NOT_FOUND" in {note.code for note in again.tables[0].notes}
    # Nothing of the former results is left: what was planned first is, and the last result.
    async with asyncio.timeout(10):
        while len({key.split("/")[3] for key in await user_blobs(shared, user) if "/diff-" in key}) > 2:
            await asyncio.sleep(0.02)


async def user_blobs(bench: Bench, user: User) -> list[str]:
    return await bench.app.blobs.keys(f"sessions/{user.who.session_id}/")


async def repaired(result: Result, a_path: str = "", b_path: str = "") -> dict[str, str]:
    request = diff_pb2.RepairRequest(comparison_id=result.id, a_path=a_path, b_path=b_path)
    with acting_as(result.user.who):
        job = (await result.user.diff.Repair(request)).job
    await result.user.succeeded(job)
    return {f"{one.a_path}|{one.b_path}": one.status for one in await result.pairs()}


async def test_documents_are_paired_and_parted_by_hand(user: User) -> None:
    a = await user.scanned({"one.xml": words("a", "b"), "two.xml": words("c", "d")})
    b = await user.scanned({"one.xml": words("a", "B"), "three.xml": words("x" * 5, "y" * 5)})
    result = await user.compared(a, b)
    assert await result.statuses() == {"one.xml": "mismatch", "two.xml": "only_in_a", "three.xml": "only_in_b"}
    assert await repaired(result, "two.xml", "one.xml") == {
        "one.xml|": "only_in_a",
        "|three.xml": "only_in_b",
        "two.xml|one.xml": "mismatch",
    }
    [pair] = await result.pairs(status="mismatch")
    assert (pair.match, pair.confidence) == ("manual", 1.0)
    assert len(await result.rows(pair)) == 2
    assert await repaired(result, b_path="one.xml") == {
        "one.xml|": "only_in_a",
        "two.xml|": "only_in_a",
        "|one.xml": "only_in_b",
        "|three.xml": "only_in_b",
    }
    [alone] = await result.pairs(query="two", status="only_in_a")
    assert [one["a"][1] for one in await result.rows(alone, view="full", columns="all")] == ["c", "d"]
    for wrong, kind in (("nothing.xml", Kind.NOT_FOUND), ("", Kind.INVALID), ("two.xml", Kind.INVALID)):
        with acting_as(user.who), pytest.raises(RemoteError) as caught:
            await user.diff.Repair(diff_pb2.RepairRequest(comparison_id=result.id, a_path=wrong))
        assert caught.value.kind is kind, wrong


async def test_ticks_notes_and_recipes_are_kept(user: User) -> None:
    result, pair = await user.two(words("a"), words("b"))
    of: dict[str, Any] = {"comparison_id": result.id, "pair_id": pair.id}
    lenient = diff_pb2.Options(keys=["Id"], ignore_case=True, numeric_tolerance=0.5)
    with acting_as(user.who):
        await user.diff.Review(diff_pb2.ReviewRequest(**of, reviewed=True))
        told = (await user.diff.Review(diff_pb2.ReviewRequest(**of, note="as agreed"))).pair
        assert (told.reviewed, told.note) == (True, "as agreed")
        recipe = diff_pb2.Recipe(name="lenient", options=lenient)
        await user.diff.PutRecipe(diff_pb2.PutRecipeRequest(recipe=diff_pb2.Recipe(name="lenient")))
        await user.diff.PutRecipe(diff_pb2.PutRecipeRequest(recipe=recipe))
        assert list((await user.diff.ListRecipes(diff_pb2.ListRecipesRequest())).recipes) == [recipe]
        await user.diff.DeleteRecipe(diff_pb2.DeleteRecipeRequest(name="lenient"))
        assert not (await user.diff.ListRecipes(diff_pb2.ListRecipesRequest())).recipes
        with pytest.raises(RemoteError) as caught:
            await user.diff.DeleteRecipe(diff_pb2.DeleteRecipeRequest(name="lenient"))
    assert caught.value.kind is Kind.NOT_FOUND


async def applied(result: Result, pair: diff_pb2.Pair, into: str, *changes: diff_pb2.Change) -> jobs_pb2.Job:
    request = diff_pb2.ApplyRequest(comparison_id=result.id, pair_id=pair.id, into=into, changes=changes)
    with acting_as(result.user.who):
        job = (await result.user.diff.Apply(request)).job
    return await result.user.ended(job)


async def test_differences_are_taken_over_and_can_be_undone(user: User) -> None:
    a = await user.scanned({"a.xml": words("a", "b", "c", "d", "e", "f")})
    b = await user.scanned({"a.xml": words("a", "B", "c", "d", "E", "f", "new")})
    result = await user.compared(a, b)
    [pair] = await result.pairs()
    job = await applied(result, pair, "a", diff_pb2.Change(a_row=2, b_row=2))
    assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job.error
    # What was compared is not what is there now.
    job = await applied(result, pair, "a")
    assert (job.state, job.error.code) == (jobs_pb2.JOB_STATE_FAILED, "SIDE_CHANGED")
    result = await user.compared(a, b)
    [pair] = await result.pairs()
    assert pair.counts.cells_changed == 1
    job = await applied(result, pair, "a")
    assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job.error
    assert await (await user.compared(a, b)).statuses() == {"a.xml": "identical"}
    with acting_as(user.who):
        await user.tables.Undo(tables_pb2.UndoRequest(table_id=pair.tables[0].a_table_id))
    assert await (await user.compared(a, b)).statuses() == {"a.xml": "mismatch"}


async def test_an_original_is_written_only_where_nothing_was_edited(user: User) -> None:
    a = await user.scanned({"a.xml": words("a", "b", "c"), "b.xml": words("d")})
    b = await user.scanned({"a.xml": words("a", "B", "c"), "b.xml": words("D")})
    await user.converted(a)
    [table] = (await user.documents(a))["a.xml"].tables
    edit = tables_pb2.CellEdit(row=3, column="Word", value=tables_pb2.Value(text="mine"))
    with acting_as(user.who):
        await user.tables.Save(tables_pb2.SaveRequest(table_id=table.id, version=1, edits=[edit]))
    result = await user.compared(diff_pb2.Side(collection_id=a, version="original"), b)
    first, second = await result.pair("a.xml"), await result.pair("b.xml")
    with pytest.raises(RemoteError) as caught:
        await applied(result, first, "a")
    assert (caught.value.kind, caught.value.code) == (Kind.CONFLICT, "ORIGINAL_NOT_WRITTEN")
    assert "with its edits" in caught.value.detail
    # The other document has no edits, nor has this one once they are undone; the other side is compared as it is.
    assert (await applied(result, second, "a")).state == jobs_pb2.JOB_STATE_SUCCEEDED
    with acting_as(user.who):
        await user.tables.Undo(tables_pb2.UndoRequest(table_id=table.id))
    job = await applied(result, first, "a")
    assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job.error
    assert set((await (await user.compared(a, b)).statuses()).values()) == {"identical"}


async def test_a_comparison_is_deleted_with_all_it_has_stored(user: User, shared: Bench) -> None:
    result, _ = await user.two(words("a", "b"), words("a", "c"))
    assert any("/jobs/diff-" in key for key in await user_blobs(shared, user))
    with acting_as(user.who):
        await user.diff.Delete(diff_pb2.DeleteRequest(comparison_id=result.id))
        assert (await user.diff.List(diff_pb2.ListRequest())).total == 0
    assert not any("/jobs/diff-" in key for key in await user_blobs(shared, user))


async def test_results_stay_as_far_as_they_go_when_a_side_is_deleted(user: User) -> None:
    a = await user.scanned({"a.xml": words(*(f"w{at}" for at in range(50))), "b.xml": words("same")})
    b = await user.scanned({"a.xml": words(*(f"w{at}" for at in range(49)), "other"), "b.xml": words("same")})
    result = await user.compared(a, b)
    pair = await result.pair("a.xml")
    await user.delete(a)
    await user.delete(b)
    while not ((await result.again()).comparison.a.gone and (await result.again()).comparison.b.gone):
        pass
    assert [one["b"][1] for one in await result.rows(pair, columns="all")] == ["other"]
    with acting_as(user.who), pytest.raises(RemoteError) as caught:
        await user.diff.Apply(diff_pb2.ApplyRequest(comparison_id=result.id, pair_id=pair.id, into="a"))
    assert (caught.value.kind, caught.value.code) == (Kind.CONFLICT, "SIDE_GONE")
