"""Changed cells of one row as changes of its element.

An absent cell is no element (or no attribute), and what is around it goes when nothing else is in it; an empty cell is
an empty element. An element that has attributes of its own, or others of its kind behind it, stays without text: absent
and empty are the same for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ret_convert.backxml.element import Element
from ret_convert.backxml.errors import NotWrittenBack
from ret_convert.backxml.making import New, Styles, in_order, written
from ret_convert.backxml.markup import (
    Splice,
    attributes_set,
    blank_before,
    content_set,
    markup,
    run_set,
    space_before,
)
from ret_convert.backxml.original import Original
from ret_convert.backxml.slots import Placed, Slot, Slots, Target, What, named_children

OPAQUE = "A changed value stands in an entity."
Changes = dict[str, str | None]


@dataclass(frozen=True)
class _Content:
    """What an element contains is to be another value."""

    column: str
    target: Target
    element: Element
    value: str | None

    @property
    def leaves(self) -> bool:
        """Whether the element is left without content."""
        return self.value is None and self.target.what is not What.RUN


class RowChange:
    """The changes of one row on their way into the document."""

    def __init__(self, original: Original, slots: Slots, row: Placed, styles: Styles) -> None:
        self._original = original
        self._slots = slots
        self._row = row
        self._styles = styles
        self._attributes: dict[Element, dict[str, str | None]] = {}
        self._added: dict[Element, dict[Slot, New]] = {}
        self._slot_of: dict[Element, Slot] = {element: slot for slot, element in row.elements.items()}

    def splices(self, changes: Changes) -> Iterator[Splice]:
        """What is to be put where. NotWrittenBack when a cell has no way back."""
        contents = [one for column, value in changes.items() if (one := self._sorted(column, value)) is not None]
        left = [one.element for one in contents if one.leaves and self._is_bare(one.element)]
        removed = self._removed(left)
        for element in removed:
            self._attributes.pop(element, None)
            yield from self._taken_away(element, removed)
        for one in contents:
            if one.element not in removed:
                yield from self._content(one)
        for element, values in self._attributes.items():
            yield from attributes_set(self._original, element, values)
        for element, news in self._added.items():
            yield from self._children(element, news)

    def _sorted(self, column: str, value: str | None) -> _Content | None:
        """A change of what an element contains; others are noted."""
        target = self._slots.targets[column]
        element = self._row.owners.get(column) or self._row.elements.get(target.slot)
        if value is not None and column not in self._row.values and target.slot.doubtful:
            raise NotWrittenBack(reason="A new value could be of several namespaces.")
        if element is None:
            if value is not None:
                self._add(target, value)
            return None
        if _is_opaque(element):
            raise NotWrittenBack(reason=OPAQUE)
        if target.what is not What.ATTRIBUTE:
            return _Content(column, target, element, value)
        name = self._row.written.get(column)
        if name is None and value is not None:
            name = self._named(element, target)
        if name is not None:
            self._attributes.setdefault(element, {})[name] = value
        return None

    def _named(self, element: Element, target: Target) -> str:
        """How an attribute is written that an element does not have; its namespace is declared where it must be."""
        name = self._styles.attribute(target.slot, target.key)
        prefix = name.rpartition(":")[0]
        declaration = f"xmlns:{prefix}"
        uri = self._styles.of(target.slot).declared.get(declaration)
        if prefix and uri is not None and element.bound(declaration) != uri:
            self._attributes.setdefault(element, {})[declaration] = uri
        return name

    def _content(self, change: _Content) -> Iterator[Splice]:
        element, value = change.element, change.value or ""
        if change.target.what is What.RUN:
            yield from self._run(change.column, change.target, element, value)
        elif change.target.what is What.SOURCE:
            if change.column not in self._row.values and (element.children or element.text.strip()):
                raise NotWrittenBack(reason="Markup is to be put where an element has values already.")
            yield content_set(self._original, element, markup(value))
        elif element.children:
            raise NotWrittenBack(reason="A text is to be put where an element has children.")
        else:
            yield from run_set(self._original, element, element.runs[0], value)

    # --- elements that go ---

    def _is_bare(self, element: Element) -> bool:
        """Whether an element without content has no reason to stay: no attributes, and it is no row."""
        left = {name for name in element.attributes if name != "xmlns" and not name.startswith("xmlns:")}
        for name, value in self._attributes.get(element, {}).items():
            left = left - {name} if value is None else left | {name}
        return element is not self._row.element and not left

    def _removed(self, left: list[Element]) -> set[Element]:
        """These elements, which are left without content, and those around them that are left without any."""
        found = set(left)
        for one in left:
            around = one.parent
            while around is not None and around not in found:
                if around.text.strip() or around in self._added or not self._is_bare(around):
                    break
                if not found.issuperset(around.children):
                    break
                found.add(around)
                around = around.parent
        return found

    def _taken_away(self, element: Element, removed: set[Element]) -> Iterator[Splice]:
        """An element goes; one that has others of its kind behind it stays as an empty one."""
        around = element.parent
        if around is None or around in removed:
            return
        behind = around.children[around.children.index(element) + 1 :]
        same = any(one.key() == element.key() and one not in removed for one in behind)
        if not same and not self._is_followed(element):
            yield Splice(blank_before(self._original, element), element.end, "")
        elif element.children:
            yield content_set(self._original, element, "")
        else:
            yield from run_set(self._original, element, element.runs[0], "")

    def _is_followed(self, element: Element) -> bool:
        """Whether others of its kind are put behind an element."""
        slot, news = self._slot_of.get(element), self._added.get(element.parent, {}) if element.parent else {}
        return slot is not None and any(new.name == slot.name and new.number > slot.number for new in news)

    def _run(self, column: str, target: Target, element: Element, value: str) -> Iterator[Splice]:
        at = self._row.runs.get(column)
        if at is None:
            if not value:
                return
            spoken = [number for number, run in enumerate(element.runs) if run.text.strip()]
            at = len(element.runs) - 1
            if len(spoken) != target.run or at in spoken:
                raise NotWrittenBack(reason="There is no place for a further run of text.")
        yield from run_set(self._original, element, element.runs[at], value)

    # --- elements that were absent ---

    def _add(self, target: Target, value: str) -> None:
        slot = target.slot
        below = slot
        while slot.parent is not None and slot not in self._row.elements:
            below, slot = slot, slot.parent
        element = self._row.elements[slot]
        if _is_opaque(element):
            raise NotWrittenBack(reason=OPAQUE)
        if slot.source is not None and slot.source in self._row.values:
            raise NotWrittenBack(reason="A value is to be put into markup that is a cell of its own.")
        if not element.children and element.text.strip():
            raise NotWrittenBack(reason="An element with text would get children.")
        news = self._added.setdefault(element, {})
        there = sum(name == below.name for _, name in named_children(element, slot))
        for number in range(there, below.number):
            before = slot.child(below.name, number)
            news.setdefault(before, New(before))
        news.setdefault(below, New(below)).inner(target.slot).put(target.what, target.key, target.run, value)

    def _children(self, element: Element, news: dict[Slot, New]) -> Iterator[Splice]:
        slot = self._slot_of[element]
        rank = {name: at for at, name in enumerate(slot.children)}
        there = [(child, rank[name]) for child, name in named_children(element, slot)]
        texts: list[str] = []
        for new in in_order(slot, news):
            text = written(new, self._styles, element)
            own = rank.get(new.slot.name, len(rank))
            before = [child for child, other in there if other <= own]
            behind = next((child for child in element.children if child not in before), None)
            if before:
                place = before[-1]
                yield Splice(place.end, place.end, space_before(self._original, place) + text)
            elif behind is not None:
                # Before its white space: it may go with that.
                start = blank_before(self._original, behind)
                yield Splice(start, start, space_before(self._original, behind) + text)
            else:
                texts.append(text)
        if texts:
            style = self._styles.of(slot)
            text = "".join(style.first + text for text in texts)
            if element.empty or element.inside == element.until:
                yield content_set(self._original, element, text + style.last)
            else:
                yield Splice(element.inside, element.inside, text)


def _is_opaque(element: Element | None) -> bool:
    while element is not None:
        if element.opaque:
            return True
        element = element.parent
    return False
