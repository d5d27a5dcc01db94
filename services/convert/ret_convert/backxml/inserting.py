"""Inserted rows as new elements: beside the row behind which they were put, or in the row that they name as theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ret_convert.backxml.errors import NotWrittenBack
from ret_convert.backxml.making import New, row_of, written
from ret_convert.backxml.markup import Splice, content_set, space_before
from ret_convert.backxml.original import Original
from ret_convert.backxml.sheets import Sheet
from ret_convert.editing.overlay import TOP

PARENT, ID = "_parent_id", "_id"
Inside = Callable[[int], bool]


@dataclass(eq=False)
class Insertion:
    """An inserted row on its way: its table, its number, the row of the table it stands behind (or `TOP`), its element.

    `home` is the table in whose rows those of its own stand, if that is so.
    """

    sheet: Sheet
    number: int
    anchor: int
    new: New
    home: Sheet | None = None

    @property
    def values(self) -> dict[str, str | None]:
        """Its cells."""
        return self.sheet.overlay.inserted[self.number]

    @property
    def parent(self) -> str:
        """The row in which it says that it stands."""
        return (self.values.get(PARENT) or "") if self.home is not None else ""


def inserted(original: Original, sheets: list[Sheet], inside: Inside) -> Iterator[Splice]:
    """What inserted rows put where, in their order; nothing for those that come `inside` of what is deleted."""
    rows = [one for sheet in sheets if sheet.overlay.inserted for one in _insertions(sheet)]
    standing: list[Insertion] = []
    for one in rows:
        around = _new_parent(one, rows)
        if around is None:
            standing.append(one)
        else:
            around.new.rows.append((one.new, one.sheet.styles))
    for one in standing:
        splice = _splice(original, one)
        if not inside(splice.start):
            yield splice


def _insertions(sheet: Sheet) -> Iterator[Insertion]:
    """The inserted rows of a table that are there still, in their order."""
    overlay = sheet.overlay
    numbers = [segment.first for segment in overlay.segments if segment.inserted]
    if not numbers:
        return
    if sheet.of_runs:
        raise NotWrittenBack(reason="Runs of text cannot be inserted.")
    if not len(sheet.spans):
        raise NotWrittenBack(reason="A table without rows has none to write a new one like.")
    slots, outside = sheet.laid(), {column.name for column in sheet.outside}
    home = sheet.parent() if PARENT in sheet.links else None
    after = {new: behind for behind, rows in overlay.behind.items() for new in rows}
    for number in numbers:
        values = overlay.inserted[number]
        if any(values.get(column) is not None for column in outside):
            raise NotWrittenBack(reason="Values outside the rows are edited in the first row only.")
        anchor = after[number]
        while anchor > overlay.rows:
            anchor = after[anchor]
        yield Insertion(sheet, number, anchor, row_of(slots, values), home)


def _new_parent(one: Insertion, rows: list[Insertion]) -> Insertion | None:
    """The inserted row that a row says it stands in; None when it is one of the table."""
    wanted = one.parent
    if one.home is None or not wanted or (wanted.isdigit() and 1 <= int(wanted) <= one.home.overlay.rows):
        return None
    for other in rows:
        if other.sheet is one.home and wanted in (other.values.get(ID), str(other.number)):
            _directly(one.sheet, one.home)
            return other
    raise NotWrittenBack(reason="An inserted row names a row to stand in that is not there.")


def _directly(sheet: Sheet, home: Sheet) -> None:
    """NotWrittenBack unless rows stand in those of the other table without anything between."""
    home.laid()
    if sheet.depth != home.depth + 1:
        raise NotWrittenBack(reason="An inserted row is to stand where nothing shows how.")


def _splice(original: Original, one: Insertion) -> Splice:
    """A row that stands beside another one, or as the first of its kind in one of another table."""
    sheet = one.sheet
    beside, before = max(one.anchor, 1), one.anchor == TOP
    if one.parent and sheet.row(beside)[PARENT] != one.parent:
        beside, before = sheet.last_with(PARENT, one.parent), False
        if not beside and one.home is not None:
            return _within(original, one, one.home)
    start, end = sheet.spans.of(beside)
    if start == original.root:
        raise NotWrittenBack(reason="A document has one root, and cannot have a second one.")
    sheet.placed(beside)
    space = original.blank_before(start)
    at = space if before else end
    return Splice(at, at, original.text(space, start) + written(one.new, sheet.styles, None))


def _within(original: Original, one: Insertion, home: Sheet) -> Splice:
    """At the end of a row of another table."""
    _directly(one.sheet, home)
    element = home.placed(int(one.parent)).element
    if element.opaque or (not element.children and element.text.strip()):
        raise NotWrittenBack(reason="An element with text would get children.")
    text = written(one.new, one.sheet.styles, element)
    if element.children:
        last = element.children[-1]
        return Splice(last.end, last.end, space_before(original, last) + text)
    if element.empty or element.inside == element.until:
        return content_set(original, element, text)
    return Splice(element.inside, element.inside, text)
