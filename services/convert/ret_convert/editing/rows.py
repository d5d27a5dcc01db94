"""The rows of a stored table as they are with their edits, in the order in which they are shown, in bounded memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ret_convert.arrow import RecordBatch, pa
from ret_convert.editing.overlay import Overlay, Segment

INSERTED = 4096
"""Inserted rows that are held at once."""


@dataclass(frozen=True)
class Edited:
    """Rows that follow one another, and which they are: the segments have as many rows as the batch."""

    segments: list[Segment]
    rows: RecordBatch

    @property
    def numbers(self) -> list[int]:
        """The number of each row."""
        return [number for one in self.segments for number in range(one.first, one.first + one.count)]


def edited_batches(batches: Iterable[RecordBatch], schema: Any, overlay: Overlay, first: int = 1) -> Iterator[Edited]:
    """The rows of a table, which come in its own order, as they are shown; batches without rows are passed over.

    The batches begin with row `first`; of what stands before it, no more than inserted rows may come.
    What is held at once are the rows of one batch that came, and `INSERTED` more.
    """
    segments = overlay.segments
    before = (at for at, one in enumerate(segments) if not one.inserted and one.first + one.count <= first)
    at = max(before, default=-1) + 1
    for batch in batches:
        end = first + batch.num_rows
        cells = overlay.edited(pa.Table.from_batches([batch], schema), first)
        pieces = _Pieces(overlay, schema)
        while at < len(segments):
            one = segments[at]
            if one.inserted:
                pieces.insert(one)
                if pieces.full:
                    yield pieces.taken()
            else:
                low, high = max(one.first, first), min(one.first + one.count, end)
                if low < high:
                    pieces.keep(
                        cells.slice(low - first, high - low),
                        Segment(one.at + low - one.first, low, high - low, inserted=False),
                    )
                if one.first + one.count > end:
                    break
            at += 1
        if pieces.segments:
            yield pieces.taken()
        first = end
    pieces = _Pieces(overlay, schema)
    for one in segments[at:]:
        pieces.insert(one)
        if pieces.full:
            yield pieces.taken()
    if pieces.segments:
        yield pieces.taken()


def stored_rows(parquet: Any, numbers: Iterable[int]) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Rows of a stored table as they were converted, by their rising numbers; one row group is held at once."""
    groups = parquet.metadata.num_row_groups
    ends = list(accumulate(parquet.metadata.row_group(at).num_rows for at in range(groups)))
    at = -1
    held: Any = None
    for number in numbers:
        wanted = bisect_left(ends, number)
        if wanted != at:
            at, held = wanted, parquet.read_row_group(wanted, use_threads=False)
        [row] = held.slice(number - (ends[at - 1] if at else 0) - 1, 1).to_pylist()
        yield number, row


class _Pieces:
    """Rows that are about to become a batch."""

    def __init__(self, overlay: Overlay, schema: Any) -> None:
        self._overlay = overlay
        self._schema = schema
        self._clear()

    def _clear(self) -> None:
        self.segments: list[Segment] = []
        self._rows: list[Any] = []
        self._new: list[int] = []
        self._count = 0

    @property
    def full(self) -> bool:
        """Whether many inserted rows are held."""
        return self._count >= INSERTED

    def keep(self, rows: Any, segment: Segment) -> None:
        """Rows of the table."""
        self._settle()
        self._rows.append(rows)
        self.segments.append(segment)

    def insert(self, segment: Segment) -> None:
        """An inserted row."""
        self._new.append(segment.first)
        self._count += 1
        self.segments.append(segment)

    def _settle(self) -> None:
        if self._new:
            self._rows.append(self._overlay.inserted_rows(self._new, self._schema))
            self._new = []

    def taken(self) -> Edited:
        """All of it."""
        self._settle()
        whole = self._rows[0] if len(self._rows) == 1 else pa.concat_tables(self._rows)
        [batch] = whole.combine_chunks().to_batches()
        segments = self.segments
        self._clear()
        return Edited(segments, batch)
