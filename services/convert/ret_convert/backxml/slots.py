"""The columns of a table as places in the element of a row, and an element's values found in these places.

A column's path says where its cells come from (naming.py): steps with the number of a repeat, `@name`, `#text[n]`. A
path names no namespace, so an element is only believed to be a row when all its values are those of the row's cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ret_convert.backxml.element import Element
from ret_convert.layout import TEXT, Column, Kind
from ret_convert.names import local_name

STEP = re.compile(r"(.*?)(?:\[([0-9]+)\])?", re.DOTALL)
Row = Mapping[str, str | None]


class What(Enum):
    """What of an element a cell is."""

    ATTRIBUTE = "attribute"
    LEAF = "leaf"
    RUN = "run"
    SOURCE = "source"


@dataclass(eq=False)
class Slot:
    """A place in a row's element: the so-many-th child of this name (`number` from 0), and the columns of its cells."""

    name: str
    number: int = 0
    parent: Slot | None = None
    children: dict[str, dict[int, Slot]] = field(default_factory=dict[str, dict[int, "Slot"]])
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    """Columns by the name that is shown."""
    leaf: str | None = None
    runs: dict[int, str] = field(default_factory=dict[int, str])
    source: str | None = None
    shared: bool = False
    """Whether elements of several namespaces are shown as this one: then nobody can say of which a new one is."""

    @property
    def doubtful(self) -> bool:
        """Whether this place, or one around it, is shared."""
        return self.shared or (self.parent is not None and self.parent.doubtful)

    def child(self, name: str, number: int) -> Slot:
        """A child; it is made if there is none."""
        numbered = self.children.setdefault(name, {})
        if number not in numbered:
            numbered[number] = Slot(name, number, self)
        return numbered[number]

    @property
    def way(self) -> tuple[str, ...]:
        """The names from the row to here, without numbers."""
        return () if self.parent is None else (*self.parent.way, self.name)

    def columns(self) -> Iterator[str]:
        """All columns here and below."""
        waiting: list[Slot] = [self]
        for one in waiting:  # grows while it is walked
            yield from one.attributes.values()
            yield from (column for column in (one.leaf, one.source) if column is not None)
            yield from one.runs.values()
            for numbered in one.children.values():
                waiting.extend(numbered.values())


@dataclass(frozen=True)
class Target:
    """Where a column's cells come from."""

    slot: Slot
    what: What
    key: str = ""
    """The shown name of an attribute."""
    run: int = 0


@dataclass
class Slots:
    """The places of a table's columns below its rows' element, which is at `depth` in the document (the root is 1)."""

    root: Slot
    targets: dict[str, Target]


def steps_of(column: Column) -> list[str]:
    """The steps of a column's path."""
    return column.path.strip("/").split("/")


def slots_of(columns: Sequence[Column], depth: int, name: str) -> Slots | None:
    """The places of these columns, if rows are elements at this depth; None when two columns have the same place."""
    found = Slots(Slot(name), {})
    for column in columns:
        target = _target(found.root, column, steps_of(column)[depth:])
        if target is None:
            return None
        found.targets[column.name] = target
    return found


def _target(root: Slot, column: Column, steps: list[str]) -> Target | None:
    slot, last = root, steps[-1] if steps else ""
    own = last.startswith(("@", TEXT))
    for step in steps[:-1] if own else steps:
        name, number = _parsed(step)
        slot = slot.child(name, number)
    if last.startswith("@"):
        taken = last[1:] in slot.attributes
        slot.attributes.setdefault(last[1:], column.name)
        return None if taken else Target(slot, What.ATTRIBUTE, last[1:])
    if last.startswith(TEXT):
        run = _parsed(last)[1]
        taken = run in slot.runs
        slot.runs.setdefault(run, column.name)
        return None if taken else Target(slot, What.RUN, run=run)
    if column.kind is Kind.SOURCE:
        taken, slot.source = slot.source is not None, column.name
        return None if taken else Target(slot, What.SOURCE)
    taken, slot.leaf = slot.leaf is not None, column.name
    return None if taken else Target(slot, What.LEAF)


def _parsed(step: str) -> tuple[str, int]:
    found = STEP.fullmatch(step)
    if found is None:
        return step, 0
    return found[1], int(found[2]) - 1 if found[2] else 0


@dataclass
class Placed:
    """A row's element with its values in their places."""

    element: Element
    elements: dict[Slot, Element] = field(default_factory=dict[Slot, Element])
    owners: dict[str, Element] = field(default_factory=dict[str, Element])
    """The element of each value, by column."""
    values: dict[str, str] = field(default_factory=dict[str, str])
    written: dict[str, str] = field(default_factory=dict[str, str])
    """Attributes as they are written, by column."""
    runs: dict[str, int] = field(default_factory=dict[str, int])
    """By column, before which child a run of text stands."""

    def is_row(self, slots: Slots, row: Row) -> bool:
        """Whether the values are those of the row's cells."""
        sources = {name for name, target in slots.targets.items() if target.what is What.SOURCE}
        for column in slots.targets:
            value, cell = self.values.get(column), row[column]
            if column in sources:
                if (cell is None) != (value is None):
                    return False
            elif value != cell and not (value == "" and cell is None):
                return False
        return self.values.keys() <= slots.targets.keys()


def placed(element: Element, slots: Slots, row: Row | None) -> Placed:
    """The values of an element in the places of these slots. `row` says what of it is source."""
    found = Placed(element)
    waiting = [(element, slots.root)]
    for one, slot in waiting:  # grows while it is walked
        found.elements.setdefault(slot, one)
        waiting.extend(_own(found, one, slot, row))
        found.owners |= dict.fromkeys(found.values.keys() - found.owners.keys(), one)
    return found


def _own(found: Placed, element: Element, slot: Slot, row: Row | None) -> Iterator[tuple[Element, Slot]]:
    """Place what is an element's own; its children, each with its place."""
    _attributes(found, element, slot)
    if slot.source is not None and row is not None and row[slot.source] is not None:
        found.values[slot.source] = ""
    elif not element.children:
        _leaf(found, element, slot)
    else:
        spoken = [at for at, run in enumerate(element.runs) if run.text.strip()]
        for number, at in enumerate(spoken):
            if number in slot.runs:
                found.values[slot.runs[number]] = element.runs[at].text
                found.runs[slot.runs[number]] = at
        yield from _children(element, slot)


def _attributes(found: Placed, element: Element, slot: Slot) -> None:
    for written, value in element.attributes.items():
        if written == "xmlns" or written.startswith("xmlns:"):
            continue
        shown = written if written in slot.attributes else local_name(written)
        if shown in slot.attributes and (column := slot.attributes[shown]) not in found.values:
            found.values[column] = value
            found.written[column] = written


def _leaf(found: Placed, element: Element, slot: Slot) -> None:
    text = element.text
    if slot.leaf is not None:
        found.values[slot.leaf] = text or found.values.get(slot.leaf, "")
    elif 0 in slot.runs and text.strip():
        found.values[slot.runs[0]] = text
        found.runs[slot.runs[0]] = 0


def _children(element: Element, slot: Slot) -> Iterator[tuple[Element, Slot]]:
    """The children that have places, each with its own."""
    numbers: dict[tuple[str, str], int] = {}
    namespaces: dict[str, str] = {}
    for child, name in named_children(element, slot):
        key = child.key()
        number = numbers.get(key, 0)
        numbers[key] = number + 1
        place = slot.children[name].get(number)
        if namespaces.setdefault(name, key[0]) != key[0]:
            for one in slot.children[name].values():
                one.shared = True
        if place is not None:
            yield child, place


def named_children(element: Element, slot: Slot) -> Iterator[tuple[Element, str]]:
    """The children, each with the name that is shown for it, if one is.

    Siblings of one local name and several namespaces are shown with their prefix, if they have one; those that have
    none share their name.
    """
    keys = {child: child.key() for child in element.children if not child.hole}
    shown: dict[tuple[str, str], str] = {}
    for child, key in keys.items():
        if child.name in slot.children and (child.name not in shown.values() or ":" not in child.name):
            shown.setdefault(key, child.name)
    for key in dict.fromkeys(keys.values()):
        if key not in shown and key[1] in slot.children and key[1] not in shown.values():
            shown[key] = key[1]
    for child, key in keys.items():
        if key in shown:
            yield child, shown[key]
