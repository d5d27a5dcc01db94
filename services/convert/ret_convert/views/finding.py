"""The next cell that holds a text, case ignored: row by row as they are shown, from left to right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypedDict, cast

from ret_convert.arrow import pa, pc
from ret_convert.editing.overlay import TOP, Overlay
from ret_convert.editing.rows import Edited
from ret_convert.export.ahead import in_order
from ret_convert.views import values
from ret_convert.views.reading import Version, source_of
from ret_kit.blobs import Blobs


class Search(Version):
    """What a child is to look for in a version of a table; `from_row` 0 is the first row that is shown."""

    q: str
    from_row: int


class Found(TypedDict, total=False):
    """A cell; nothing where there is none."""

    row: int
    column: str


def find(payload: dict[str, Any], _report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The first cell that holds the text, from the row on, which is included, as `Found`.

    Of a row that was deleted the search goes on where it stood.
    """
    search = cast("Search", payload)
    source = source_of(Blobs(search["blobs"]), search)
    begin = Beginning(source.overlay, search["from_row"])
    if begin.nowhere:
        return {}
    wanted = values.lower(search["q"])
    pieces = begin.cut(source.shown(source.names, source.names, max(1, begin.behind)))
    for number, column in in_order(partial(_first, piece, skipped, wanted) for piece, skipped in pieces):
        if number:
            return dict(Found(row=number, column=source.names[column]))
    return {}


class Beginning:
    """Where a search begins: at a row, or where it stood."""

    def __init__(self, overlay: Overlay, row: int) -> None:
        self._row = row
        self._inserted = overlay.inserted
        self._parents = {new: after for after, rows in overlay.behind.items() for new in rows}
        self._there = overlay.has(row)
        self.nowhere = row > overlay.rows and row not in overlay.inserted
        """Whether there was never such a row."""
        self.behind = self._behind(row)
        """The row of the table that it is, or behind which it was put."""

    def cut(self, pieces: Iterable[Edited]) -> Iterator[tuple[Edited, int]]:
        """The pieces from the beginning on, and how many rows of each stand before it."""
        begun = self._row == TOP
        for piece in pieces:
            skipped = 0
            if not begun:
                reached = (at for at, number in enumerate(piece.numbers) if self._reached(number))
                skipped = next(reached, -1)
                begun = skipped >= 0
            if begun:
                yield piece, skipped

    def _behind(self, row: int) -> int:
        while row in self._inserted:
            row = self._parents[row]
        return row

    def _reached(self, number: int) -> bool:
        if self._there:
            return number == self._row
        if number in self._inserted:
            return self._behind(number) >= self.behind
        return number > self.behind


def _first(piece: Edited, skipped: int, wanted: str) -> tuple[int, int]:
    """(number of the first row with the text, place of the first column of it that has it), or (0, 0)."""
    rows = piece.rows.slice(skipped)
    best, column = rows.num_rows, 0
    for at, cells in enumerate(rows.columns):
        found = pc.index(_holding(cells.slice(0, best), wanted), True).as_py()
        if 0 <= found < best:
            best, column = found, at
    if best == rows.num_rows:
        return 0, 0
    return piece.numbers[skipped + best], column


def _holding(cells: Any, wanted: str) -> Any:
    if pa.types.is_dictionary(cells.type):
        return _holding(cells.dictionary, wanted).take(cells.indices)
    return pc.match_substring(pc.utf8_lower(cells), wanted)
