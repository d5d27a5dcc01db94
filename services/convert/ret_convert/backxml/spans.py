"""Where the elements of rows stand: looked up by row, and those that stand in another element, in their order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from heapq import merge

from ret_convert.backxml.original import BLANK, Original

GAP = 256
"""White space between two rows that is left out with them, at most."""


class Spans:
    """The elements of a table's rows, in the order of the document: 16 bytes a row."""

    def __init__(self, starts: memoryview, ends: memoryview) -> None:
        self.starts = starts
        self.ends = ends

    def __len__(self) -> int:
        return len(self.starts)

    def of(self, row: int) -> tuple[int, int]:
        """Where a row's element begins and ends; -1 is nowhere."""
        return int(self.starts[row - 1]), int(self.ends[row - 1])

    @property
    def of_runs(self) -> bool:
        """Whether the rows are runs of text: of them the place is known where they end."""
        return len(self) > 0 and self.starts[0] == self.ends[0]

    def within(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The elements inside another one that stands from `start` to `end`."""
        low = bisect_right(self.starts, start)
        for at in range(low, bisect_left(self.starts, end, low)):
            if self.ends[at] > self.starts[at]:
                yield self.starts[at], self.ends[at]

    def around(self, start: int) -> int | None:
        """The row whose element a position is in; rows of one table never stand in each other."""
        at = bisect_left(self.starts, start) - 1
        return at + 1 if at >= 0 and self.ends[at] > start else None


def holes(original: Original, tables: Iterable[Spans], start: int, end: int) -> Iterator[tuple[int, int]]:
    """What is to be left out of an element: the outermost rows in it, those that only white space parts as one."""
    low = high = -1
    for first, last in merge(*(one.within(start, end) for one in tables)):
        if last <= high:
            continue
        if low >= 0 and first - high <= GAP and not original.text(high, first).strip(BLANK):
            high = last
            continue
        if low >= 0:
            yield low, high
        low, high = first, last
    if low >= 0:
        yield low, high
