"""What is to be put where, so that a document says what its edited tables say (docs/decisions/0020).

Only the elements of touched rows are read. Everything is worked out before the first byte is written, so that what
cannot be written back is known in time.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from operator import attrgetter

from ret_convert.backxml.changing import Changes, RowChange
from ret_convert.backxml.element import Element, Run, element_at, everything
from ret_convert.backxml.errors import NotWrittenBack
from ret_convert.backxml.inserting import inserted
from ret_convert.backxml.making import Styles
from ret_convert.backxml.markup import Splice, run_set
from ret_convert.backxml.original import Original
from ret_convert.backxml.sheets import LOST, Sheet
from ret_convert.backxml.slots import Row, placed, slots_of
from ret_convert.backxml.spans import holes

LINKS = "The columns that link tables are not of the document."


@contextmanager
def of_row(number: int) -> Generator[None]:
    """Tell of which row a refusal is."""
    try:
        yield
    except NotWrittenBack as error:
        error.row = error.row or number
        raise


class Plan:
    """The changes of one document."""

    def __init__(self, original: Original, sheets: list[Sheet]) -> None:
        self._original = original
        self._sheets = sheets
        self._gone = self._deleted()

    def splices(self) -> list[Splice]:
        """What is to be put where, in the order of the document. NotWrittenBack when something has no way back."""
        found = [Splice(*span, "") for span in self._gone]
        for sheet in self._sheets:
            if sheet.of_runs:
                found += self._runs(sheet)
            else:
                found += self._cells(sheet)
        found += inserted(self._original, self._sheets, self._is_inside)
        found.sort(key=attrgetter("start", "end"))
        for one, other in itertools.pairwise(found):
            if other.start < one.end:
                raise NotWrittenBack(reason="Two edits are for the same place of the document.")
        return found

    def _deleted(self) -> list[tuple[int, int]]:
        """Where deleted rows stand with the white space before them, those in others left out."""
        spans: list[tuple[int, int]] = []
        for sheet in self._sheets:
            for row in sheet.overlay.deleted if not sheet.of_runs else ():
                if row > sheet.overlay.rows:
                    continue
                start, end = sheet.spans.of(row)
                if start == self._original.root:
                    raise NotWrittenBack(reason="The row of the whole document cannot be taken out of it.")
                if start < 0:
                    raise NotWrittenBack(reason=LOST)
                spans.append((self._original.blank_before(start), end))
        found: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if not found or start >= found[-1][1]:
                found.append((start, end))
        return found

    def is_gone(self, at: int) -> bool:
        """Whether something that begins here is deleted with what is around it."""
        found = bisect_right(self._gone, at, key=lambda span: span[0]) - 1
        return found >= 0 and at < self._gone[found][1]

    def _is_inside(self, at: int) -> bool:
        """Whether what comes to a position comes into something that is deleted."""
        found = bisect_right(self._gone, at, key=lambda span: span[0]) - 1
        return found >= 0 and self._gone[found][0] < at < self._gone[found][1]

    def _touched(self, sheet: Sheet) -> list[int]:
        there = [row for row in sheet.overlay.cells if row not in sheet.overlay.deleted]
        return sorted(row for row in there if not self.is_gone(sheet.spans.of(row)[0]))

    def _cells(self, sheet: Sheet) -> Iterator[Splice]:
        for number, row in sheet.rows(self._touched(sheet)):
            edited = sheet.overlay.cells[number]
            changes = {column: value for column, value in edited.items() if row[column] != value}
            if not changes:
                continue
            if changes.keys() & set(sheet.links):
                raise NotWrittenBack(reason=LINKS, row=number)
            with of_row(number):
                yield from self._changed(sheet, number, row, changes)

    def _changed(self, sheet: Sheet, number: int, row: Row, changes: Changes) -> Iterator[Splice]:
        one = sheet.placed(number, row)
        far = {column.name for column in sheet.outside} & changes.keys()
        if far:
            yield from self._outside(sheet, number, {column: changes.pop(column) for column in far})
        if changes:
            yield from RowChange(self._original, sheet.laid(), one, sheet.styles).splices(changes)

    def _outside(self, sheet: Sheet, number: int, changes: Changes) -> Iterator[Splice]:
        """Values that stand in no row."""
        if number > 1:
            raise NotWrittenBack(reason="Values outside the rows are edited in the first row only.")
        element = self._root()
        slots = slots_of(sheet.outside, 1, element.name)
        row = sheet.row(1)
        found = placed(element, slots, row) if slots is not None else None
        if slots is None or found is None or not found.is_row(slots, row):
            raise NotWrittenBack(reason="The values outside the rows are not found where they were read.")
        styles = Styles(self._original, lambda _: None)
        styles.learn(found)
        yield from RowChange(self._original, slots, found, styles).splices(changes)

    def _runs(self, sheet: Sheet) -> Iterator[Splice]:
        """Rows that are runs of text: found in the row around them, by where they end."""
        column = sheet.own[0].name
        rows = {row: sheet.overlay.cells[row] for row in self._touched(sheet)}
        rows |= {row: {column: None} for row in sheet.overlay.deleted if row <= sheet.overlay.rows}
        for number, row in sheet.rows(sorted(rows)):
            value = rows[number].get(column, row[column])
            if rows[number].keys() - {column}:
                raise NotWrittenBack(reason=LINKS, row=number)
            at = sheet.spans.of(number)[0]
            if value == row[column] or self.is_gone(at):
                continue
            element = self._around(sheet, at)
            owner, run = _run_before(element, at)
            if run.text != row[column]:
                raise NotWrittenBack(reason=LOST)
            yield from run_set(self._original, owner, run, value or "")

    def _around(self, sheet: Sheet, at: int) -> Element:
        parent = sheet.parent()
        row = parent.spans.around(at) if parent is not None else None
        return self._root() if parent is None or row is None else parent.element(row)

    def _root(self) -> Element:
        """The root without any rows."""
        root, end = self._original.root, self._original.end()
        return element_at(
            self._original, root, end, holes(self._original, [one.spans for one in self._sheets], root, end)
        )


def _run_before(element: Element, at: int) -> tuple[Element, Run]:
    """The run of text that ends where a tag begins, and the element it is in."""
    for one in everything(element):
        for number, run in enumerate(one.runs):
            end = one.children[number].start if number < len(one.children) else one.until
            if end == at and run.text.strip() and not one.opaque:
                return one, run
    raise NotWrittenBack(reason=LOST)
