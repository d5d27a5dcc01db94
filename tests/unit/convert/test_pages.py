from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from convert_documents import store

from ret_convert import pages
from ret_convert.arrow import pa, pq
from ret_convert.editing.overlay import Changes, Edit, Insert, Overlay
from ret_convert.errors import PageTooLarge
from ret_convert.pages import Page, Pages, Where, Window
from ret_kit.errors import BlobDamaged, Invalid, NotFound

KEY = "sessions/s1/table.parquet"


class Bench:
    """A store with one table in it, and its pages."""

    def __init__(self, folder: Path) -> None:
        _, self.blobs = store(folder)
        self.pages = Pages(self.blobs)
        self.where = Where(KEY, 0)

    def put(self, columns: dict[str, list[str | None]], group: int = 10, kinds: dict[str, str] | None = None) -> Bench:
        fields = [
            pa.field(name, pa.string(), metadata={"kind": (kinds or {}).get(name, "value"), "path": f"/r/{name}"})
            for name in columns
        ]
        table = pa.table([pa.array(cells, pa.string()) for cells in columns.values()], schema=pa.schema(fields))
        out = pa.BufferOutputStream()
        pq.write_table(table, out, row_group_size=group, write_page_checksum=True)
        self.where = Where(KEY, self.blobs.put_sync(KEY, out.getvalue().to_pybytes()).size)
        return self

    def page(self, offset: int = 0, limit: int = 100, *columns: str) -> Page:
        return self.pages.page(self.where, Window(offset, limit, columns))

    def rows(self, offset: int = 0, limit: int = 100, *columns: str) -> list[tuple[int, list[str | None]]]:
        return [(one["row"], one["values"]) for one in made(self.page(offset, limit, *columns))]


def made(page: Page) -> list[dict[str, Any]]:
    return json.loads(b"".join(page.pieces()))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def numbered(rows: int) -> dict[str, list[str | None]]:
    return {"Id": [str(n) for n in range(rows)], "Word": [f"w{n}" for n in range(rows)]}


@pytest.mark.parametrize("offset, limit", [(0, 1), (0, 25), (9, 2), (10, 10), (19, 12), (24, 100), (3, 7)])
def test_a_page_is_the_same_rows_wherever_it_begins(bench: Bench, offset: int, limit: int) -> None:
    bench.put(numbered(25))
    expected = [(n + 1, [str(n), f"w{n}"]) for n in range(25)][offset : offset + limit]
    assert bench.rows(offset, limit) == expected


def test_small_pages_put_together_are_the_whole(bench: Bench) -> None:
    bench.put(numbered(25))
    assert [row for start in range(0, 25, 4) for row in bench.rows(start, 4)] == bench.rows(0, 25)


def test_single_cells_are_read_wherever_they_are(bench: Bench) -> None:
    bench.put({**numbered(25), "Word.Long": ["x"] * 24 + [None]})
    wanted = {"Id": [25, 1], "Word": [10, 11], "Word.Long": [25]}
    assert bench.pages.cells(bench.where, wanted) == {
        (1, "Id"): "0",
        (25, "Id"): "24",
        (10, "Word"): "w9",
        (11, "Word"): "w10",
        (25, "Word.Long"): None,
    }


def test_what_a_table_has_is_known_without_its_rows_and_read_once(bench: Bench) -> None:
    footer = bench.put(numbered(25)).pages.footer(bench.where)
    assert (footer.rows, [one.name for one in footer.columns]) == (25, ["Id", "Word"])
    bench.blobs.delete_sync(KEY)
    assert bench.pages.footer(bench.where) is footer
    with pytest.raises(NotFound):
        bench.pages.footer(Where("sessions/s1/other.parquet", 1))


@pytest.mark.parametrize("offset", [25, 26, 2**40])
def test_there_is_nothing_past_the_end(bench: Bench, offset: int) -> None:
    page = bench.put(numbered(25)).page(offset)
    assert (made(page), page.total) == ([], 25)


def test_a_table_without_rows_has_columns(bench: Bench) -> None:
    page = bench.put({"Id": [], "#xml": []}, kinds={"#xml": "xml"}).page()
    assert (made(page), page.total) == ([], 0)
    assert [(one.name, one.type) for one in page.columns] == [("Id", "text"), ("#xml", "xml")]


def test_absent_is_null_and_empty_is_empty(bench: Bench) -> None:
    bench.put({"A": ["", None, " x ", 'é\n"\\\x01']})
    assert [values for _, values in bench.rows()] == [[""], [None], [" x "], ['é\n"\\\x01']]


def test_columns_come_as_they_are_asked_for(bench: Bench) -> None:
    bench.put({"Item": ["a"], "Item.Name": ["b"], "Item[2].Name": ["c"], "@id": ["d"]})
    assert bench.rows(0, 1, "@id", "Item") == [(1, ["d", "a"])]
    assert bench.rows(0, 1, "Item.Name") == [(1, ["b"])]
    assert [one.name for one in bench.page(0, 1, "Item[2].Name", "Item").columns] == ["Item[2].Name", "Item"]


@pytest.mark.parametrize(
    "names, reason", [(("Id", "Id"), "names a column twice"), (("Id", "Ghost"), "names 1 the table does not have")]
)
def test_columns_that_cannot_be_are_refused(bench: Bench, names: tuple[str, ...], reason: str) -> None:
    bench.put(numbered(3))
    with pytest.raises(Invalid) as refused:
        bench.page(0, 1, *names)
    assert (refused.value.field, refused.value.reason) == ("columns", reason)


def test_a_column_is_shown_as_what_its_first_rows_are(bench: Bench) -> None:
    columns: dict[str, list[str | None]] = {
        "_id": ["1", "2"],
        "Amount": ["-12.50", "0"],
        "Sparse": ["7", None],
        "Code": ["0012", "13"],
        "Word": ["1", "one"],
        "Empty": ["", None],
        "Text.#xml": ["1", "2"],
        "X.@nil": ["1", "1"],
    }
    page = bench.put(columns, kinds={"_id": "link", "Text.#xml": "xml", "X.@nil": "nil"}).page()
    types = {one.name: one.type for one in page.columns}
    assert types == {
        "_id": "link",
        "Amount": "number",
        "Sparse": "number",
        "Code": "text",
        "Word": "text",
        "Empty": "text",
        "Text.#xml": "xml",
        "X.@nil": "text",
    }
    assert page.columns[1].path == "/r/Amount"


def test_a_page_of_many_cells_is_made_in_pieces(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PIECE", 6)
    page = bench.put(numbered(25)).page()
    assert len(list(page.pieces())) == 10
    assert [one["row"] for one in made(page)] == list(range(1, 26))


def test_a_page_of_too_many_cells_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "CELLS", 40)
    bench.put(numbered(25))
    assert len(bench.rows(0, 20)) == 20
    with pytest.raises(PageTooLarge) as refused:
        bench.page(0, 21)
    assert refused.value.extra() == {"field": "limit"}
    assert len(bench.rows(0, 25, "Id")) == 25


def test_a_page_of_too_much_text_is_refused_before_all_of_it_is_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "BYTES", 5000)
    bench.put({"Long": ["x" * 400] * 25})
    assert len(bench.rows(0, 12)) == 12
    with pytest.raises(PageTooLarge) as refused:
        bench.page(0, 25)
    assert refused.value.detail.endswith("ask for fewer rows or columns, or export the table.")


def test_a_table_that_was_replaced_is_not_there(bench: Bench) -> None:
    with pytest.raises(NotFound) as gone:
        bench.page()
    assert gone.value.detail == "There is no such table."


@pytest.mark.parametrize("damage", ["cut", "flipped", "other"])
def test_a_damaged_table_is_not_shown(bench: Bench, damage: str) -> None:
    data = bytearray(bench.put(numbered(2000), group=1000).blobs.get_sync(KEY))
    if damage == "cut":
        del data[100:]
    elif damage == "flipped":
        data[300] ^= 0xFF
    else:
        data[:] = b"PAR1" + b"\0" * (len(data) - 8) + b"PAR1"
    bench.blobs.put_sync(KEY, bytes(data))
    with pytest.raises(BlobDamaged):
        bench.page()


def test_a_footer_is_read_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.put(numbered(25))
    asked: list[object] = []
    whole = pq.ParquetFile

    def opened(file: object, *, metadata: object, page_checksum_verification: bool) -> object:
        asked.append(metadata)
        return whole(file, metadata=metadata, page_checksum_verification=page_checksum_verification)

    monkeypatch.setattr(pq, "ParquetFile", opened)
    bench.page()
    bench.page(7)
    assert [one is None for one in asked] == [True, False, False]


async def test_what_is_kept_of_a_session_goes_with_it(bench: Bench) -> None:
    bench.put(numbered(25)).page()
    await bench.pages.heard("sessions.closing.other", b"")
    assert bench.pages.kept == 1
    await bench.pages.heard("sessions.closing.s1", b"")
    assert bench.pages.kept == 0
    assert len(bench.rows()) == 25


def test_no_more_footers_are_kept_than_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "FOOTERS", 1)
    bench = Bench(tmp_path).put(numbered(25))
    other = Where("sessions/s1/second.parquet", bench.where.size)
    bench.blobs.put_sync(other.key, bench.blobs.get_sync(KEY))
    for where in (bench.where, other, bench.where):
        assert bench.pages.page(where, Window(0, 1)).total == 25
        assert bench.pages.kept == 1


@pytest.mark.parametrize("place, kind", [(0, "text"), (55, "text"), (99, "text"), (20, "number")])
def test_a_column_is_looked_at_in_its_middle_and_at_its_end_too(bench: Bench, place: int, kind: str) -> None:
    cells: list[str | None] = [None if n < 10 else str(n) for n in range(100)]
    cells[place] = "word"
    page = bench.put({"A": cells}, group=5 if kind == "number" else 10).page(0, 1)
    assert page.columns[0].type == kind


def test_edits_are_in_pages_and_their_rows_are_marked(bench: Bench) -> None:
    bench.put(numbered(25))
    edits = Changes(
        [Edit(2, "Word", "two"), Edit(25, "Id", None), Edit(2, "Id", "2nd")],
        [Insert(26, 0, {"Id": "top"}), Insert(27, 11, {"Word": ""}), Insert(28, 25, {})],
        [1, 10],
    )
    overlay = Overlay(25).then(edits)
    whole = bench.pages.page(bench.where, Window(0, 100), overlay)
    rows = made(whole)
    assert (whole.total, whole.matched, len(rows)) == (26, 26, 26)
    assert rows[:3] == [
        {"row": 26, "values": ["top", None], "inserted": True},
        {"row": 2, "values": ["2nd", "two"], "edited": [0, 1]},
        {"row": 3, "values": ["2", "w2"]},
    ]
    assert rows[10] == {"row": 27, "values": [None, ""], "inserted": True}
    assert rows[-2:] == [
        {"row": 25, "values": [None, "w24"], "edited": [0]},
        {"row": 28, "values": [None, None], "inserted": True},
    ]
    for start in range(26):
        assert made(bench.pages.page(bench.where, Window(start, 3), overlay)) == rows[start : start + 3]
    word = made(bench.pages.page(bench.where, Window(1, 1, ("Word",)), overlay))
    assert word == [{"row": 2, "values": ["two"], "edited": [0]}]
