from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from result_tables import LINK, random_pair

from ret_diff.arrow import pa
from ret_diff.cells import CellWork
from ret_diff.model import (
    NOWHERE,
    Alignment,
    CellState,
    ColumnStatus,
    Counts,
    MatchedColumn,
    Options,
    Reading,
    RowStatus,
)
from ret_diff.values import states

SAME = ColumnStatus.SAME


def in_order(rows: int) -> Alignment:
    numbers = np.arange(rows)
    return Alignment(numbers, numbers, np.zeros(rows, np.bool_), np.full(rows, 255, np.uint8))


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=25, deadline=None)
def test_cells_patterns_and_counts_are_those_of_brute_force(seed: int, shuffled: bool) -> None:
    pair = random_pair(seed, rows=20, change=0.4, shuffled=shuffled)
    result = pair.result(Options(ignore_case=True))
    alignment = result.alignment
    cells: dict[tuple[int, int], int] = {}
    patterns: dict[tuple[int, str | None, str | None], int] = {}
    for position, (a, b) in enumerate(zip(alignment.a_rows.tolist(), alignment.b_rows.tolist(), strict=True)):
        for at, one in enumerate(pair.columns):
            if NOWHERE in (a, b, one.a, one.b) or one.name == LINK:
                continue
            old: str | None = pair.a.cells[int(a)][one.a]
            new: str | None = pair.b.cells[int(b)][one.b]
            if old == new:
                continue
            told = states(
                pa.array([old], pa.string()), pa.array([new], pa.string()), Options(ignore_case=True), Reading()
            )
            state = int(told[0]) if one.compared else int(CellState.IGNORED)
            cells[at, position] = state
            if state != CellState.IGNORED:
                patterns[at, old, new] = patterns.get((at, old, new), 0) + 1
    assert cells == {
        (one.column, position): state
        for one in result.cells
        for position, state in zip(one.positions.tolist(), one.states.tolist(), strict=True)
    }
    for one in result.cells:
        matched = pair.columns[one.column]
        of_a, of_b = alignment.a_rows[one.positions], alignment.b_rows[one.positions]
        assert one.old.to_pylist() == [pair.a.cells[row][matched.a] for row in of_a.tolist()]
        assert one.new.to_pylist() == [pair.b.cells[row][matched.b] for row in of_b.tolist()]
    assert {(one.column, one.old, one.new): one.count for one in result.patterns} == patterns
    assert result.patterns_total == len(patterns)
    order = [
        (-one.count, one.column, one.old is not None, one.old or "", one.new is not None, one.new or "")
        for one in result.patterns
    ]
    assert order == sorted(order)
    looked_at = [state for state in cells.values() if state != CellState.IGNORED]
    changed = {position for (_, position), state in cells.items() if state != CellState.IGNORED}
    assert result.counts == Counts(
        rows_added=sum(a == NOWHERE for a in alignment.a_rows.tolist()),
        rows_removed=sum(b == NOWHERE for b in alignment.b_rows.tolist()),
        rows_changed=len(changed),
        rows_moved=int(alignment.moved.sum()),
        cells_changed=len(looked_at),
        cells_format_only=looked_at.count(int(CellState.FORMAT_ONLY)),
    )
    assert {at for at, state in enumerate(result.status.tolist()) if state == RowStatus.CHANGED} == changed


def test_a_column_with_changed_cells_is_changed_and_a_renamed_one_stays_renamed() -> None:
    work = CellWork(in_order(2), Options(), Reading())
    values = pa.array(["a", "b"])
    old, new = np.array([0, 0], np.int32), np.array([0, 1], np.int32)
    for place in range(4):
        work.coded(place, old, old if place == 2 else new, values, ignored=place == 3)
    statuses = (SAME, ColumnStatus.RENAMED, SAME, ColumnStatus.IGNORED)
    columns = [MatchedColumn(at, at, str(at), status, compared=True) for at, status in enumerate(statuses)]
    found = work.conclude(columns)
    assert [one.status for one in found.columns] == [
        ColumnStatus.CHANGED,
        ColumnStatus.RENAMED,
        SAME,
        ColumnStatus.IGNORED,
    ]
    assert found.counts.cells_changed == 2
    assert found.counts.rows_changed == 1


def test_absent_cells_may_have_a_code_below_zero_or_one_of_their_own() -> None:
    for absent, values in ((-1, pa.array(["a"])), (1, pa.array(["a", None]))):
        work = CellWork(in_order(3), Options(), Reading())
        work.coded(0, np.array([0, absent, absent], np.int32), np.array([absent, absent, 0], np.int32), values)
        [found] = work.conclude([MatchedColumn(0, 0, "x", SAME, compared=True)]).cells
        assert found.positions.tolist() == [0, 2]
        assert found.old.to_pylist() == ["a", None]
        assert found.new.to_pylist() == [None, "a"]


@pytest.mark.parametrize("ignored", [False, True])
def test_cells_that_are_known_to_differ_are_taken_as_they_come(ignored: bool) -> None:
    coded, taken = (CellWork(in_order(4), Options(), Reading()) for _ in range(2))
    values = pa.array(["a", "b", "1.0", "1", None])
    old, new = np.array([0, 1, 2, 4], np.int32), np.array([0, 0, 3, 1], np.int32)
    coded.coded(0, old, new, values, ignored=ignored)
    places = np.array([1, 2, 3])
    taken.differing(0, places, values.take(pa.array(old[places])), values.take(pa.array(new[places])), ignored=ignored)
    taken.differing(1, places[:0], values[:0], values[:0])
    columns = [MatchedColumn(at, at, str(at), SAME, compared=True) for at in (0, 1)]
    one, other = coded.conclude(columns), taken.conclude(columns)
    assert one.patterns == other.patterns
    assert one.counts == other.counts
    [left], [right] = one.cells, other.cells
    assert (left.positions.tolist(), left.states.tolist()) == (right.positions.tolist(), right.states.tolist())
    assert left.new.to_pylist() == right.new.to_pylist() == ["a", "1", "b"]
