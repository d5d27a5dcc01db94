"""Views as a process that serves shows them: built once, gathered ahead, removed when there is a newer version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import pytest
from reading_bench import Bench, Children, reading_bench

from ret_convert.arrow import pa
from ret_convert.editing.overlay import Edit, Insert, Overlay
from ret_convert.errors import PageTooLarge
from ret_convert.pages import Page, Window
from ret_convert.views import building, shelf, view, views
from ret_convert.views.views import open_reading
from ret_kit.errors import BlobDamaged, Invalid, Kind, RemoteFailure, Unavailable
from ret_kit.pools import Pool


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with reading_bench(tmp_path) as opened:
        yield opened


def falling(start: int, limit: int = 10) -> list[int]:
    return list(range(3000 - start, 3000 - start - limit, -1))


async def out_of_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view whose rows are in the store only: those of another one are in memory in their place."""
    monkeypatch.setattr(shelf, "KEPT", 1)
    await bench.rows(0)
    await bench.rows(0, sort="A")
    await quiet(bench)


async def quiet(bench: Bench) -> None:
    """Wait until every child has ended."""
    async with asyncio.timeout(10):
        while bench.children.ended < len(bench.children.calls):
            await asyncio.sleep(0.01)


async def test_many_who_ask_for_a_view_at_once_have_it_built_once(bench: Bench) -> None:
    found = await asyncio.gather(*(bench.rows(at * 10) for at in range(20)))
    assert found == [falling(at * 10) for at in range(20)]
    assert [function for function, _, _ in bench.children.calls] == ["build"]


async def test_without_filter_and_sort_no_child_is_asked(bench: Bench) -> None:
    page = await bench.page(5, 2, filter="[]")
    assert (list(page.numbers), page.matched, bench.children.calls) == ([6, 7], 3000, [])


async def test_a_view_tells_how_many_rows_match_and_ends_where_they_end(bench: Bench) -> None:
    given: dict[str, Any] = {"filter": '[{"column": "B", "op": "eq", "value": "x"}]', "sort": "-A"}
    page = await bench.page(995, **given)
    assert (page.matched, page.total, list(page.numbers)) == (1000, 3000, [13, 10, 7, 4, 1])
    assert (await bench.page(2000, **given)).matched == 1000
    nothing = await bench.page(0, filter='[{"column": "B", "op": "eq", "value": "no"}]')
    assert (nothing.matched, list(nothing.numbers), nothing.cells.num_rows) == (0, [], 0)


async def test_the_next_rows_are_gathered_while_somebody_scrolls(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AHEAD", 300), ("BEHIND", 30)):
        monkeypatch.setattr(building, name, value)
    monkeypatch.setattr(view, "OVERLAP", 50)
    for offset in range(0, 2960, 40):
        assert await bench.rows(offset, 40) == falling(offset, 40)
        await quiet(bench)
    asked = bench.children.calls
    assert (asked[0], {function for function, _, _ in asked[1:]}) == (("build", 0, 40), {"gather"})
    assert [start for _, start, _ in asked[1:]] == list(range(250, 2751, 250))
    names = [key.rpartition("/")[2] for key in bench.blobs.keys_sync("sessions/s1/0.views/")]
    assert len([name for name in names if "-" in name]) == view.BLOCKS


async def test_a_jump_gathers_the_page_and_what_is_around_it_once_somebody_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("AHEAD", 300), ("BEHIND", 30)):
        monkeypatch.setattr(building, name, value)
    monkeypatch.setattr(view, "OVERLAP", 50)
    monkeypatch.setattr(view, "PAUSE_SECONDS", 0.05)
    await bench.rows(0)
    await quiet(bench)
    assert await bench.rows(1000) == falling(1000)
    assert await bench.rows(2000) == falling(2000)
    async with asyncio.timeout(10):
        while ("gather", 1970, 2270) not in bench.children.calls:
            await asyncio.sleep(0.01)
    await quiet(bench)
    assert ("gather", 970, 1270) not in bench.children.calls
    known = len(bench.children.calls)
    assert await bench.rows(1975) == falling(1975)
    assert len(bench.children.calls) == known


async def test_a_new_version_makes_a_new_view_and_the_old_one_goes(bench: Bench) -> None:
    assert (await bench.page(0, 1)).numbers == [3000]
    await bench.rows(0, sort="B")
    assert {name[:6] for name in bench.kept()} == {"000001"}
    bench.edit(Edit(7, "A", "9999"), inserts=(Insert(3001, 7, {"A": "5000"}),), deletes=(3000,))
    page = await bench.page(0, 3)
    assert (list(page.numbers), page.total, page.matched) == ([7, 3001, 2999], 3000, 3000)
    assert json.loads(b"".join(page.pieces()))[:2] == [
        {"row": 7, "values": ["9999", "x"], "edited": [0]},
        {"row": 3001, "values": ["5000", None], "inserted": True},
    ]
    await quiet(bench)
    async with asyncio.timeout(10):
        while {name[:6] for name in bench.kept()} != {"000002"}:
            await asyncio.sleep(0.01)


async def test_another_process_finds_the_order_that_was_built(bench: Bench) -> None:
    await bench.rows(0)
    await quiet(bench)
    others = Children()
    async with open_reading(bench.url, cast("Pool", others)) as reading:
        page = await reading.views.page(await bench.asked(sort="-A"), Window(2000, 10))
        assert (list(page.numbers), page.matched, others.calls) == (falling(2000), 3000, [("gather", 2000, 2010)])


async def test_a_view_that_was_removed_from_the_store_is_built_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await out_of_memory(bench, monkeypatch)
    bench.blobs.delete_prefix_sync("sessions/s1/0.views/")
    assert await bench.rows(40) == falling(40)
    assert [function for function, _, _ in bench.children.calls] == ["build", "build", "gather", "build"]


async def test_who_gives_up_waiting_last_ends_the_work(bench: Bench) -> None:
    bench.children.gate.clear()
    first, second = (asyncio.create_task(bench.rows(at)) for at in (0, 10))
    while not bench.children.calls:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.sleep(0.05)
    assert bench.children.ended == 0
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    await quiet(bench)
    bench.children.gate.set()
    assert await bench.rows(0) == falling(0)
    assert [function for function, _, _ in bench.children.calls] == ["build", "build"]


async def test_views_of_a_session_that_closes_are_forgotten(bench: Bench) -> None:
    bench.children.gate.clear()
    waiting = asyncio.create_task(bench.rows(0))
    while not bench.children.calls:
        await asyncio.sleep(0.01)
    await bench.reading.views.heard("sessions.closing.s2", b"")
    assert not waiting.done()
    await bench.reading.views.heard("sessions.closing.s1", b"")
    with pytest.raises(Unavailable):
        await waiting
    assert bench.children.ended == 1


async def test_of_many_views_of_a_table_the_last_ones_are_kept(bench: Bench) -> None:
    for n in range(10):
        await bench.rows(0, filter=json.dumps([{"column": "A", "op": "ne", "value": str(n)}]))
    await quiet(bench)
    async with asyncio.timeout(10):
        while len(bench.kept()) > views.OF_TABLE:
            await asyncio.sleep(0.01)


async def test_what_is_kept_in_memory_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "KEPT", 1)
    for _ in range(2):
        assert await bench.rows(0) == falling(0)
        assert await bench.rows(0, sort="A") == list(range(1, 11))


async def test_what_cannot_be_shown_is_refused_by_its_field(bench: Bench) -> None:
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"sort": "Ghost"}, "sort"),
        ({"filter": "["}, "filter"),
        ({"filter": '[{"column": "Ghost", "op": "empty"}]'}, "filter"),
        ({"sort": "A", "columns": ("Ghost",)}, "columns"),
    ]
    for given, field in refusals:
        with pytest.raises(Invalid) as refused:
            await bench.page(0, **given)
        assert refused.value.field == field
    assert bench.children.calls == []


async def test_a_page_that_is_too_large_is_refused_and_the_next_one_is_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((building, "CELLS"), (building, "GATHERED_CELLS"), (view, "CELLS")):
        monkeypatch.setattr(module, name, 100)
    with pytest.raises((PageTooLarge, RemoteFailure)) as refused:
        await bench.page(0, 60)
    assert (refused.value.kind, refused.value.code) == (Kind.INVALID, "PAGE_TOO_LARGE")
    assert await bench.rows(0, 10) == falling(0)


async def test_gathered_rows_that_are_damaged_are_not_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await out_of_memory(bench, monkeypatch)
    for key in bench.blobs.keys_sync("sessions/s1/0.views/"):
        bench.blobs.put_sync(key, b"damaged")
    with pytest.raises(BlobDamaged):
        await bench.rows(0)


def test_an_overlay_of_no_edits_marks_nothing() -> None:
    page = Page([], [1], 1, 1, pa.table({}), Overlay(1))
    assert list(page.pieces()) == [b"[]"]
