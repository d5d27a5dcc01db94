"""What became of each shown row, one byte a row, and which rows are in which view: ranks and places without a list.

A byte has the row's status, whether it moved, and in which section of the kept rows it is (artefact.py). Counts for
each block of rows are all that is made of it, so that millions of rows are looked at in no time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum

import numpy as np

from ret_diff.model import Bytes8, Flags, Int64s, RowStatus

BLOCK = 1024
STATUS, MOVED, SECTION_SHIFT = 0b11, 0b100, 3
CHANGED_ROWS, MOVED_ROWS, IGNORED_ROWS = 1, 2, 3
"""Sections: rows that are not the same, rows that only moved, rows with cells that differ and are not looked at."""


def _table(holds: Callable[[int], bool]) -> Flags:
    return np.array([holds(mark) for mark in range(256)], np.bool_)


class Which(Enum):
    """A choice of rows, by what each of the 256 marks says."""

    FULL = "full"
    CHANGED = "changed"
    MOVES = "moves"
    """As CHANGED, with rows that only moved."""
    IN_A = "in_a"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED_ONLY = "changed_only"
    """Rows on both sides that are not the same."""
    MOVED = "moved"
    MOVED_CHANGED = "moved_changed"
    """Rows that are not the same, and moved."""
    SECTION_1 = "section_1"
    SECTION_2 = "section_2"
    SECTION_3 = "section_3"


TABLES = {
    Which.FULL: _table(lambda _: True),
    Which.CHANGED: _table(lambda mark: mark & STATUS != RowStatus.SAME),
    Which.MOVES: _table(lambda mark: mark & STATUS != RowStatus.SAME or bool(mark & MOVED)),
    Which.IN_A: _table(lambda mark: mark & STATUS != RowStatus.ADDED),
    Which.ADDED: _table(lambda mark: mark & STATUS == RowStatus.ADDED),
    Which.REMOVED: _table(lambda mark: mark & STATUS == RowStatus.REMOVED),
    Which.CHANGED_ONLY: _table(lambda mark: mark & STATUS == RowStatus.CHANGED),
    Which.MOVED: _table(lambda mark: bool(mark & MOVED)),
    Which.MOVED_CHANGED: _table(lambda mark: mark & STATUS != RowStatus.SAME and bool(mark & MOVED)),
    Which.SECTION_1: _table(lambda mark: mark >> SECTION_SHIFT == CHANGED_ROWS),
    Which.SECTION_2: _table(lambda mark: mark >> SECTION_SHIFT == MOVED_ROWS),
    Which.SECTION_3: _table(lambda mark: mark >> SECTION_SHIFT == IGNORED_ROWS),
}
SECTIONS = (Which.SECTION_1, Which.SECTION_2, Which.SECTION_3)


class Marks:
    """The marks of all shown rows; for several threads."""

    def __init__(self, marks: Bytes8) -> None:
        self.marks = marks
        self._before: dict[Which, Int64s] = {}

    def __len__(self) -> int:
        return len(self.marks)

    def total(self, which: Which) -> int:
        """How many rows are chosen."""
        return int(self._ends(which)[-1])

    def places(self, which: Which, start: int, end: int) -> Int64s:
        """The shown rows of the chosen ones from the `start`-th to before the `end`-th, from 0."""
        if which is Which.FULL:
            return np.arange(min(start, len(self)), min(end, len(self)))
        before = self._ends(which)
        end = min(end, int(before[-1]))
        if not 0 <= start < end:
            return np.zeros(0, np.int64)
        first, last = (int(np.searchsorted(before, at, "right")) - 1 for at in (start, end - 1))
        # Blocks without a chosen row in between may be many: only those that have one are looked at.
        filled = np.flatnonzero(np.diff(before[first : last + 2])) + first
        found = [
            np.flatnonzero(TABLES[which][self.marks[block * BLOCK : (block + 1) * BLOCK]]) + block * BLOCK
            for block in filled.tolist()
        ]
        skipped = start - int(before[first])
        return np.concatenate(found)[skipped : skipped + end - start]

    def ranks(self, which: Which, places: Int64s) -> Int64s:
        """For each of these shown rows, in rising order, how many chosen ones stand before it."""
        if which is Which.FULL or not len(places):
            return places
        before, blocks = self._ends(which), places // BLOCK
        found = np.empty(len(places), np.int64)
        for start, end in _runs(blocks):
            block = int(blocks[start])
            inside = np.cumsum(TABLES[which][self.marks[block * BLOCK : (block + 1) * BLOCK]])
            at = places[start:end] - block * BLOCK
            found[start:end] = before[block] + np.where(at > 0, inside[at - 1], 0)
        return found

    def at(self, which: Which, positions: Int64s) -> Int64s:
        """The shown rows of the chosen ones at these positions, which rise and are all there."""
        if which is Which.FULL or not len(positions):
            return positions
        before = self._ends(which)
        blocks = np.searchsorted(before, positions, "right") - 1
        found = np.empty(len(positions), np.int64)
        for start, end in _runs(blocks):
            block = int(blocks[start])
            inside = np.flatnonzero(TABLES[which][self.marks[block * BLOCK : (block + 1) * BLOCK]])
            found[start:end] = inside[positions[start:end] - before[block]] + block * BLOCK
        return found

    def _ends(self, which: Which) -> Int64s:
        """How many are chosen before each block, and in all."""
        known = self._before.get(which)
        if known is None:
            chosen = TABLES[which][self.marks]
            known = np.zeros(-(-len(self) // BLOCK) + 1, np.int64)
            if len(self):
                np.cumsum(np.add.reduceat(chosen, np.arange(0, len(self), BLOCK), dtype=np.int64), out=known[1:])
            self._before[which] = known
        return known


def _runs(blocks: Int64s) -> Iterator[tuple[int, int]]:
    """Where runs of equal numbers begin and end."""
    starts = np.flatnonzero(np.diff(blocks, prepend=-1)).tolist()
    return zip(starts, [*starts[1:], len(blocks)], strict=True)


def marked(status: Bytes8, moved: Flags, section: Bytes8) -> Bytes8:
    """The marks of rows."""
    return (status + moved * MOVED + (section << SECTION_SHIFT)).astype(np.uint8)
