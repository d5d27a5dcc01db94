"""Views as a process that serves shows them: built once, gathered ahead, removed when there is a newer version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from convert_documents import store

from ret_convert.arrow import pa, pq
from ret_convert.editing.log import Entry, Head, entry_key
from ret_convert.editing.overlay import Changes, Edit, Insert, Overlay
from ret_convert.errors import PageTooLarge
from ret_convert.pages import Page, Where, Window
from ret_convert.views import building, finding, profiling, shelf, view, views
from ret_convert.views.views import Asked, Reading, open_reading
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged, Invalid, Kind, NotFound, RemoteFailure, RetError, Unavailable
from ret_kit.pools import Pool

KEY = "sessions/s1/0.parquet"
FUNCTIONS = {
    view.BUILD: building.build,
    view.GATHER: building.gather,
    views.FIND: finding.find,
    views.PROFILE: profiling.profile,
}


class Children:
    """A pool whose children are threads, and which can be held up: the real ones are tested where services run."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, int]] = []
        self.ended = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.held: asyncio.Event | None = None
        """When this is set, a stream waits for it after its first line."""

    async def stream(self, function: str, payload: dict[str, Any], *, session_id: str) -> AsyncGenerator[bytes]:
        assert session_id == "s1"
        self.calls.append((function.rpartition(":")[2], payload["page"]["start"], payload["page"]["end"]))
        try:
            await self.gate.wait()
            lines: list[bytes] = []
            await asyncio.to_thread(self._call, FUNCTIONS[function], json.loads(json.dumps(payload)), lines.append)
            for line in lines:
                yield line
                if self.held:
                    await self.held.wait()
        finally:
            self.ended += 1

    @staticmethod
    def _call(function: Callable[[dict[str, Any], Any], Any], payload: dict[str, Any], told: Any) -> dict[str, Any]:
        try:
            return json.loads(json.dumps(function(payload, told)))
        except RetError as error:  # as it comes out of a child
            raise RemoteFailure(kind=error.kind, code=error.code, detail=error.detail, fields=error.extra()) from None

    async def call(self, function: str, payload: dict[str, Any], *, session_id: str) -> dict[str, Any]:
        assert session_id == "s1"
        return await asyncio.to_thread(self._call, FUNCTIONS[function], json.loads(json.dumps(payload)), None)


class Bench:
    """A table of 3,000 rows in groups of 100, and what reads it."""

    def __init__(self, blobs: Blobs, url: str, reading: Reading, children: Children) -> None:
        self.blobs, self.url, self.reading, self.children = blobs, url, reading, children
        self.where = Where(KEY, 0)
        self.put({"A": [str(n) for n in range(3000)], "B": ["xyz"[n % 3] for n in range(3000)]})
        self.version = 1

    def put(self, columns: dict[str, Any]) -> None:
        table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
        out = pa.BufferOutputStream()
        pq.write_table(table, out, row_group_size=100, write_page_checksum=True)
        self.where = Where(KEY, self.blobs.put_sync(KEY, out.getvalue().to_pybytes()).size)

    def edit(self, *edits: Edit, inserts: tuple[Insert, ...] = (), deletes: tuple[int, ...] = ()) -> None:
        self.version += 1
        top = max([3000, *(one.row for one in inserts)])
        head = Head(
            version=self.version, at=0, user="u", kind="edit", of=0, edits=1, inserts=len(inserts), top=top, size=1,
            nonce="n", key="",
        )  # fmt: skip
        self.blobs.put_sync(entry_key(KEY, self.version), Entry(head, Changes(edits, inserts, deletes)).encoded())

    async def asked(self, **given: Any) -> Asked:
        return replace(await self.reading.asked(self.where, "s1"), **given)

    async def page(self, offset: int, limit: int = 10, columns: tuple[str, ...] = (), **given: Any) -> Page:
        asked = await self.asked(**(given or {"sort": "-A"}))
        async with asyncio.timeout(20):
            return await self.reading.views.page(asked, Window(offset, limit, columns))

    async def rows(self, offset: int, limit: int = 10, **given: Any) -> list[int]:
        return list((await self.page(offset, limit, **given)).numbers)

    def kept(self) -> set[str]:
        """The views in the store, each by its version."""
        keys = self.blobs.keys_sync("sessions/s1/0.views/")
        return {key.removeprefix("sessions/s1/0.views/").partition("/")[0] for key in keys}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    url, blobs = store(tmp_path)
    children = Children()
    async with open_reading(url, cast("Pool", children)) as reading:
        yield Bench(blobs, url, reading, children)


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


# --- find and profile --------------------------------------------------------------------------------------------


async def test_cells_are_found_row_by_row_from_left_to_right_in_the_table_s_own_order(bench: Bench) -> None:
    bench.put({"A": ["b", "a", "x"] * 100, "B": ["Äb", "c", None] * 100})
    views = bench.reading.views
    assert await views.find(await bench.asked(), "äB", 0) == (1, "B")
    assert await views.find(await bench.asked(), "B", 0) == (1, "A")
    assert await views.find(await bench.asked(), "B", 2) == (4, "A")
    assert await views.find(await bench.asked(), "b", 298) == (298, "A")
    with pytest.raises(NotFound):
        await views.find(await bench.asked(), "b", 299)
    for row, found in ((150, (150, "A")), (151, (153, "A")), (300, (300, "A"))):
        assert await views.find(await bench.asked(), "x", row) == found


async def test_edits_are_found_and_what_they_replaced_is_not(bench: Bench) -> None:
    bench.put({"A": [f"v{n:03d}" for n in range(1, 301)]})
    bench.edit(
        Edit(5, "A", "new"),
        Edit(210, "A", None),
        inserts=(
            Insert(3001, 0, {"A": "New top"}),
            Insert(3002, 200, {"A": "new 200"}),
            Insert(3003, 3002, {"A": "behind"}),
            Insert(3004, 300, {"A": "new end"}),
        ),
        deletes=(150, 200),
    )
    views = bench.reading.views

    async def find(q: str, row: int) -> int | None:
        try:
            return (await views.find(await bench.asked(), q, row))[0]
        except NotFound:
            return None

    found = [await find("NEW", row) for row in (0, 1, 5, 6, 199, 200, 3002, 3003, 201, 300, 3004, 3005)]
    assert found == [3001, 5, 5, 3002, 3002, 3002, 3002, 3004, 3004, 3004, 3004, None]
    assert [await find(gone, 0) for gone in ("v005", "v150", "v210")] == [None, None, None]
    assert [await find("v151", row) for row in (150, 151, 152)] == [151, 151, None]


@pytest.mark.parametrize("q, row, field", [("", 0, "q"), ("x" * 1001, 0, "q"), ("x", -1, "from_row")])
async def test_a_search_that_cannot_be_is_refused(bench: Bench, q: str, row: int, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await bench.reading.views.find(await bench.asked(), q, row)
    assert refused.value.field == field


async def test_a_table_that_was_replaced_is_neither_searched_nor_profiled(bench: Bench) -> None:
    asked = await bench.asked()
    await bench.blobs.delete(KEY)
    with pytest.raises(NotFound) as gone:
        await bench.reading.views.find(asked, "x", 0)
    assert gone.value.what == "table"
    bench.put({"A": ["other"]})
    with pytest.raises(RetError) as damaged:
        await bench.reading.views.profile(asked, [])
    assert damaged.value.code == "BLOB_DAMAGED"


async def test_a_profile_says_what_a_column_holds_with_its_edits(bench: Bench) -> None:
    bench.put({"N": [None, "", "10", "9", "9", "x", "-3.5"], "T": ["b", "B", "a", "ä", "", None, "b"], "E": [None] * 7})
    bench.edit(Edit(1, "N", "9"), Edit(2, "T", "C"), inserts=(Insert(3001, 0, {"T": "b"}),), deletes=(7,))
    asked = await bench.asked()
    figures = {column.name: found for column, found in await bench.reading.views.profile(asked, [])}
    assert figures["N"] == {
        "count": 7, "nulls": 1, "empty": 1, "distinct": 4, "counted": 7, "min": "10", "max": "x",
        "top": [["9", 3], ["", 1], ["10", 1], ["x", 1]],
    }  # fmt: skip
    assert figures["T"]["top"][0] == ["b", 2]
    assert [figures["T"][name] for name in ("nulls", "empty", "distinct", "min", "max")] == [1, 1, 5, "a", "ä"]  # type: ignore[literal-required]
    assert [figures["E"][name] for name in ("count", "nulls", "distinct", "min", "max", "top")] == [
        7,
        7,
        0,
        None,
        None,
        [],
    ]  # type: ignore[literal-required]
    only = await bench.reading.views.profile(asked, ["T"])
    assert [column.name for column, _ in only] == ["T"]


async def test_numbers_have_the_least_and_the_greatest_by_value(bench: Bench) -> None:
    bench.put({"N": ["10", "9", "-3.5", "100", None, ""]})
    ((column, figures),) = await bench.reading.views.profile(await bench.asked(), [])
    assert (column.type, figures["min"], figures["max"]) == ("number", "-3.5", "100")


async def test_a_column_with_too_many_different_values_says_how_many_rows_were_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiling, "DISTINCT", 500)
    ((_, ids), (_, words)) = await bench.reading.views.profile(await bench.asked(), [])
    assert (ids["count"], ids["min"], ids["max"]) == (3000, "0", "2999")
    assert ids["distinct"] == ids["counted"] < 3000
    assert (words["counted"], words["distinct"], words["top"]) == (3000, 3, [["x", 1000], ["y", 1000], ["z", 1000]])
    monkeypatch.setattr(views, "PROFILED", 1)
    with pytest.raises(Invalid):
        await bench.reading.views.profile(await bench.asked(), [])


def test_an_overlay_of_no_edits_marks_nothing() -> None:
    page = Page([], [1], 1, 1, pa.table({}), Overlay(1))
    assert list(page.pieces()) == [b"[]"]
