from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from result_tables import PREFIX, Memory, Pair, Store, random_pair

from ret_diff import locating
from ret_diff.artefact import Side, write
from ret_diff.marks import Which
from ret_diff.opened import Compared
from ret_diff.pages import Located, Sought
from ret_kit.errors import Invalid, NotFound

LAST: list[tuple[Pair, list[dict[str, Any]]]] = []
"""The rows of the pair that was looked at last."""
VIEWS = (Which.FULL, Which.CHANGED, Which.MOVES)


@pytest.fixture(scope="module", params=[(2, 60), (7, 3000)], ids=["small", "large"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Pair, Compared]:
    seed, rows = request.param
    store = Store(tmp_path_factory.mktemp("blobs"))
    pair = random_pair(seed, rows=rows, change=0.1 if rows < 100 else 0.003, shuffled=True)
    pair.moved = {row for row in pair.moved if row % 3 == 0}
    _, of = store.written(pair, pair.result(), group=100)
    return store, pair, of


def viewed(pair: Pair, view: Which) -> list[dict[str, Any]]:
    if not LAST or LAST[0][0] is not pair:
        LAST[:] = [(pair, pair.shown(pair.result()))]
    [(_, rows)] = LAST
    if view is Which.FULL:
        return rows
    return [row for row in rows if row["status"] != "same" or (view is Which.MOVES and row["moved"])]


def located(pair: Pair, row: dict[str, Any], position: int) -> Located:
    changed: list[int] = row["changed"]
    column = pair.columns[changed[0]].name if changed else ""
    return Located(position, row["a_row"], row["b_row"], column)


def some(rows: list[Any]) -> list[int]:
    return sorted({*range(0, len(rows), max(1, len(rows) // 25)), len(rows) - 1})


@pytest.mark.parametrize("view", VIEWS)
def test_a_row_is_found_by_its_number_in_either_side(made: tuple[Store, Pair, Compared], view: Which) -> None:
    store, pair, of = made
    rows = viewed(pair, view)
    for position in some(rows):
        row = rows[position]
        for side in ("a", "b"):
            if number := row[f"{side}_row"]:
                sought = Sought(a_row=number) if side == "a" else Sought(b_row=number)
                assert store.pages.locate(of, view, sought) == located(pair, row, position)


def test_a_row_that_is_not_in_the_view_is_not_found(made: tuple[Store, Pair, Compared]) -> None:
    store, pair, of = made
    same = next(row for row in viewed(pair, Which.FULL) if row["status"] == "same" and not row["moved"])
    for view in (Which.CHANGED, Which.MOVES):
        for sought in (Sought(a_row=same["a_row"]), Sought(b_row=same["b_row"])):
            with pytest.raises(NotFound):
                store.pages.locate(of, view, sought)
    for number in (-1, 0, 1_000_000):
        for sought in (Sought(a_row=number), Sought(b_row=number)):
            with pytest.raises(NotFound):
                store.pages.locate(of, Which.FULL, sought)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("moves", [False, True])
def test_the_next_and_the_last_change_are_those_of_the_list(
    made: tuple[Store, Pair, Compared], view: Which, moves: bool
) -> None:
    store, pair, of = made
    rows = viewed(pair, view)
    counted = moves and view is not Which.CHANGED
    changes = [at for at, row in enumerate(rows) if row["status"] != "same" or (counted and row["moved"])]

    def found(sought: Sought) -> Located | None:
        try:
            return store.pages.locate(of, view, sought)
        except NotFound:
            return None

    for position in (-1, *some(rows), len(rows), len(rows) + 9):
        following = next((at for at in changes if at > position), None)
        before = next((at for at in reversed(changes) if at < position), None)
        assert found(Sought(next_after=position, moves=moves)) == (
            following if following is None else located(pair, rows[following], following)
        )
        assert found(Sought(last_before=position, moves=moves)) == (
            before if before is None else located(pair, rows[before], before)
        )


def first_text(pair: Pair, rows: list[dict[str, Any]], text: str, start: int) -> Located | None:
    for position, row in enumerate(rows[start:], start):
        for at, one in enumerate(pair.columns):
            cells = [row[side][at] for side in ("a", "b") if row[side]]
            if any(cell is not None and text.lower() in cell.lower() for cell in cells):
                return Located(position, row["a_row"], row["b_row"], one.name)
    return None


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("pieces", [1, 7, 8192])
def test_a_text_is_found_in_either_side_row_by_row(
    made: tuple[Store, Pair, Compared], view: Which, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, pair, of = made
    if len(pair.a.cells) > 100:
        pieces = max(97, pieces)
    monkeypatch.setattr(locating, "FEWEST_ROWS", min(pieces, locating.FEWEST_ROWS))
    monkeypatch.setattr(locating, "MOST_ROWS", pieces)
    monkeypatch.setattr(locating, "CELLS", 6 * pieces)
    rows = viewed(pair, view)
    for text in ("k7", "Ä", '"B"', "n1", "nowhere", "2026-01-13"):
        for start in (0, len(rows) // 2, len(rows) - 1, len(rows)):
            expected = first_text(pair, rows, text, start)
            if expected is None:
                with pytest.raises(NotFound):
                    store.pages.locate(of, view, Sought(text=text, start=start))
            else:
                assert store.pages.locate(of, view, Sought(text=text, start=start)) == expected


def test_a_text_is_found_among_cells_that_are_too_large_for_a_page(tmp_path: Path) -> None:
    store = Store(tmp_path)
    memory = Memory(["X", "Y"], [("x" * (4 << 20), f"here {at}") for at in range(9)])
    of = Compared("", store.table(memory, "long"))
    assert store.pages.locate(of, Which.FULL, Sought(text="HERE 8")) == Located(8, 9, None, "Y")
    assert store.pages.locate(of, Which.FULL, Sought(text="xx", start=3)) == Located(3, 4, None, "X")
    huge = Compared("", store.table(Memory(["X"], [("x" * (33 << 20),), ("y",)]), "huge"))
    assert store.pages.locate(huge, Which.FULL, Sought(text="y")).position == 1


def test_tables_without_a_result_are_searched_as_well(tmp_path: Path) -> None:
    store = Store(tmp_path)
    memory = Memory(["X"], [(f"v{at}",) for at in range(20)])
    numbers = [100 - at for at in range(20)]
    plain, numbered = store.table(memory, "plain"), store.table(memory, "numbered", numbers)
    for of in (Compared("", plain, numbered), Compared("", None, numbered)):
        assert store.pages.locate(of, Which.FULL, Sought(b_row=93)).position == 7
        assert store.pages.locate(of, Which.FULL, Sought(text="V13")).b_row == 87
        with pytest.raises(NotFound):
            store.pages.locate(of, Which.FULL, Sought(b_row=7))
    assert store.pages.locate(Compared("", numbered), Which.FULL, Sought(a_row=93)).position == 7
    with pytest.raises(NotFound):
        store.pages.locate(Compared("", numbered), Which.FULL, Sought(b_row=93))
    with pytest.raises(NotFound):
        store.pages.locate(Compared("", None, plain), Which.FULL, Sought(a_row=3))
    with pytest.raises(NotFound):
        store.pages.locate(Compared("", plain, plain), Which.FULL, Sought(b_row=21))


def test_something_must_be_sought(made: tuple[Store, Pair, Compared]) -> None:
    store, _, of = made
    with pytest.raises(Invalid):
        store.pages.locate(of, Which.FULL, Sought())


def test_a_changed_cell_is_found_in_whatever_part_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_diff.artefact.WIDEST", 2)
    store = Store(tmp_path)
    pair = random_pair(5)
    result = pair.result()
    a, b = store.table(pair.a, "a"), store.table(pair.b, "b")
    write(store.blobs, PREFIX, result, Side(pair.a, a), Side(pair.b, b))
    rows = viewed(pair, Which.CHANGED)
    for position, row in enumerate(rows):
        found = store.pages.locate(Compared(PREFIX, a, b), Which.CHANGED, Sought(next_after=position - 1))
        assert found == located(pair, row, position)
