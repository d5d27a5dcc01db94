"""Cells that are looked for in a table, and profiles of its columns, as a process that serves gives them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from reading_bench import KEY, Bench, reading_bench

from ret_convert.editing.overlay import Edit, Insert
from ret_convert.views import profiling, views
from ret_kit.errors import Invalid, NotFound, RetError


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with reading_bench(tmp_path) as opened:
        yield opened


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
