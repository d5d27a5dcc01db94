"""New rows belong to the rows that those they come from belong to, whatever those are called on the other side."""

from __future__ import annotations

from pathlib import Path

import pytest
from result_tables import Cells, Memory, Pair, Store

from ret_diff.applying import Into, TakeOver, Target
from ret_diff.artefact import Side, write
from ret_diff.differing import Differences, Found
from ret_diff.linking import linking
from ret_diff.model import NOWHERE, ColumnStatus, MatchedColumn

HEADS = Target(["_id", "Name"], frozenset({"_id"}))
LINES = Target(["_id", "_parent_id", "_pos", "Text"], frozenset({"_id", "_parent_id", "_pos"}))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def found(store: Store, name: str, target: Target, a: list[Cells], b: list[Cells], partner: list[int]) -> Found:
    status = ColumnStatus.SAME
    columns = [
        MatchedColumn(at, at, one, status, compared=one not in target.links) for at, one in enumerate(target.columns)
    ]
    names = list(target.columns)
    pair = Pair(Memory(names, a), Memory(names, b), partner, columns)
    sides = [Side(one, store.table(one, f"{name}-{side}")) for side, one in (("a", pair.a), ("b", pair.b))]
    return Differences(store.blobs).open(write(store.blobs, f"sessions/s1/{name}/", pair.result(), *sides).prefix)


def heads(store: Store) -> Found:
    """The first one is gone in B and another has come, so that each has another id there."""
    a: list[Cells] = [("1", "old"), ("2", "x"), ("3", "y")]
    b: list[Cells] = [("1", "x"), ("2", "new"), ("3", "y")]
    return found(store, "heads", HEADS, a, b, [NOWHERE, 0, 2])


def lines(store: Store) -> Found:
    """A line of the head that is gone, lines of the new one and of one that is called 1 in B and 2 in A."""
    a: list[Cells] = [("1", "1", "1", "of old"), ("2", "2", "1", "of x")]
    b: list[Cells] = [("1", "1", "1", "of x"), ("2", "1", "2", "more of x"), ("3", "2", "1", "of new")]
    return found(store, "lines", LINES, a, b, [NOWHERE, 0])


def inserted(of: Found, target: Target, into: Into, parents: Found | None, new: dict[str, str] | None) -> TakeOver:
    return TakeOver(of, target, into, None, linking(of, target, into, parents, new))


@pytest.mark.parametrize(
    "into,head,new_lines",
    [
        ("a", ["4", "new"], [["3", "2", "2", "more of x"], ["4", "4", "1", "of new"]]),
        ("b", ["4", "old"], [["4", "4", "1", "of old"]]),
    ],
)
def test_new_rows_are_linked_to_where_their_parents_are(
    store: Store, into: Into, head: Cells, new_lines: list[Cells]
) -> None:
    parents = heads(store)
    above = inserted(parents, HEADS, into, None, None)
    chunk = above.chunk()
    assert chunk is not None
    assert [row.values for row in chunk.inserts] == [head]
    below = inserted(lines(store), LINES, into, parents, above.ids)
    chunk = below.chunk()
    assert chunk is not None
    assert [row.values for row in chunk.inserts] == new_lines
    assert (chunk.edits, below.taken.unlinked) == ([], 0)


def test_where_the_parents_are_the_same_their_ids_are(store: Store) -> None:
    taking = inserted(lines(store), LINES, "a", None, {})
    chunk = taking.chunk()
    assert chunk is not None
    assert [row.values[1] for row in chunk.inserts] == ["1", "2"]


def test_a_row_whose_parent_is_not_known_belongs_to_none_and_that_is_told(store: Store) -> None:
    unknown = inserted(lines(store), LINES, "a", None, None)
    absent = inserted(lines(store), LINES, "a", heads(store), {})  # the new head was not taken over
    for taking, expected in ((unknown, [None, None]), (absent, ["2", None])):
        chunk = taking.chunk()
        assert chunk is not None
        assert [row.values[1] for row in chunk.inserts] == expected
        assert taking.taken.unlinked == expected.count(None)


def test_without_links_there_is_nothing_to_link(store: Store) -> None:
    assert linking(heads(store), Target(["Name"]), "a", None, None) is None
