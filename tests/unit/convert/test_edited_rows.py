"""Rows of a table with its edits, batch by batch, beside what an overlay says of the whole."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ret_convert.arrow import pa
from ret_convert.editing import rows
from ret_convert.editing.overlay import Changes, Edit, Insert, Overlay
from ret_convert.editing.rows import edited_batches

COUNT = 7


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_batches_have_the_rows_of_the_segments(data: st.DataObject) -> None:
    table = pa.table({"A": pa.array([f"a{row}" for row in range(1, COUNT + 1)], pa.string())})
    overlay = Overlay(COUNT)
    for number in range(data.draw(st.integers(0, 4))):
        edits = [Edit(row, "A", f"e{number}") for row in data.draw(st.lists(st.integers(1, COUNT), max_size=2))]
        inserts = [Insert(COUNT + 1 + number, data.draw(st.integers(0, COUNT + number)), {"A": f"n{number}"})]
        overlay = overlay.then(Changes(edits, inserts, data.draw(st.lists(st.integers(1, COUNT + number), max_size=3))))
    expected = [
        (
            number,
            overlay.inserted[number]["A"] if one.inserted else overlay.cells.get(number, {}).get("A", f"a{number}"),
        )
        for one in overlay.segments
        for number in range(one.first, one.first + one.count)
    ]
    size = data.draw(st.integers(1, COUNT))
    made = list(edited_batches(table.to_batches(max_chunksize=size), table.schema, overlay))
    found = [pair for one in made for pair in zip(one.numbers, (row["A"] for row in one.rows.to_pylist()), strict=True)]
    assert found == expected
    assert [segment.at for one in made for segment in one.segments] == _places(made)


def _places(made: list[rows.Edited]) -> list[int]:
    """Where each segment must begin, by those before it."""
    found, at = list[int](), 0
    for one in made:
        for segment in one.segments:
            found.append(at)
            at += segment.count
    return found


def test_a_table_without_rows_may_have_inserted_ones() -> None:
    schema = pa.schema([("A", pa.string())])
    inserts = [Insert(number, 0, {"A": str(number)}) for number in range(1, rows.INSERTED + 3)]
    made = list(edited_batches([], schema, Overlay(0).then(Changes(inserts=inserts))))
    assert [one.rows.num_rows for one in made] == [rows.INSERTED, 2]
