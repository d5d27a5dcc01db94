"""Elements that are new: written as others of their kind are, with their prefixes, order and white space."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ret_convert.backxml.element import Element
from ret_convert.backxml.errors import NotWrittenBack
from ret_convert.backxml.markup import escaped, markup, quoted
from ret_convert.backxml.original import Original
from ret_convert.backxml.slots import Placed, Slot, Slots, What

Way = tuple[str, ...]


@dataclass
class Style:
    """How elements of a kind are written.

    `attributes` by the names that are shown, `declared` are the namespaces that they need and that are declared in
    their row. `first` and `last` are the white space before the first child and behind the last one.
    """

    name: str
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    declared: dict[str, str] = field(default_factory=dict[str, str])
    first: str = ""
    last: str = ""


class Styles:
    """How the elements of a table's rows are written, as far as rows were looked at.

    `ask` is called with a slot of which nothing is known: it shows a row that has it, if there is one.
    """

    def __init__(self, original: Original, ask: Callable[[Slot], Placed | None]) -> None:
        self._original = original
        self._ask = ask
        self._known: dict[Way, Style] = {}
        self._asked: set[tuple[Way, str]] = set()

    def learn(self, row: Placed) -> None:
        """What a row's element shows."""
        for slot, element in row.elements.items():
            if not element.opaque:
                self._learn(row, slot, element)

    def _learn(self, row: Placed, slot: Slot, element: Element) -> None:
        style = self._known.get(slot.way)
        if style is None:
            style = self._known[slot.way] = Style(element.name)
            _declare(style, element, element.name, element=True)
        for shown, column in slot.attributes.items():
            if shown not in style.attributes and column in row.written:
                style.attributes[shown] = row.written[column]
                _declare(style, element, row.written[column], element=False)
        if not style.first and element.children and not element.text.strip():
            style.first = self._space(element, 0)
            style.last = self._space(element, -1)

    def _space(self, element: Element, at: int) -> str:
        pieces = element.runs[at].pieces
        return self._original.text(*pieces[0]) if len(pieces) == 1 else ""

    def of(self, slot: Slot) -> Style:
        """How an element of this place is written."""
        if slot.way not in self._known:
            self._look(slot, "")
        return self._known.setdefault(slot.way, Style(slot.name))

    def attribute(self, slot: Slot, shown: str) -> str:
        """How an attribute is written."""
        style = self.of(slot)
        if shown not in style.attributes:
            self._look(slot, shown)
        if shown not in style.attributes:
            raise NotWrittenBack(reason="A column has no cell in the document to go by.")
        return style.attributes[shown]

    def _look(self, slot: Slot, shown: str) -> None:
        if (slot.way, shown) in self._asked:
            return
        self._asked.add((slot.way, shown))
        wanted = (
            Slot(slot.name, slot.number, slot.parent, attributes={shown: slot.attributes[shown]}) if shown else slot
        )
        found = self._ask(wanted)
        if found is not None:
            self.learn(found)


def _declare(style: Style, at: Element, written: str, *, element: bool) -> None:
    """Note the namespace of a name, if it is declared within the row."""
    prefix = written.rpartition(":")[0]
    if not prefix and not element:
        return
    declaration = f"xmlns:{prefix}" if prefix else "xmlns"
    uri = at.bound(declaration)
    if uri is not None:
        style.declared[declaration] = uri


@dataclass(eq=False)
class New:
    """An element that is to be written."""

    slot: Slot
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    text: str | None = None
    runs: dict[int, str] = field(default_factory=dict[int, str])
    source: str | None = None
    children: dict[Slot, New] = field(default_factory=dict[Slot, "New"])
    rows: list[tuple[New, Styles]] = field(default_factory=list[tuple["New", Styles]])
    """Rows of other tables that stand in it."""

    def put(self, what: What, key: str, run: int, value: str) -> None:
        """A cell of the element."""
        if what is What.ATTRIBUTE:
            self.attributes[key] = value
        elif what is What.LEAF:
            self.text = value
        elif what is What.SOURCE:
            self.source = value
        else:
            self.runs[run] = value

    def inner(self, slot: Slot) -> New:
        """The element of a place below; what is between is made as well, and those that must come before it."""
        way: list[Slot] = []
        at: Slot | None = slot
        while at is not None and at is not self.slot:
            way.append(at)
            at = at.parent
        new = self
        for step in reversed(way):
            for number in range(step.number):
                before = step.parent.child(step.name, number) if step.parent else step
                new.children.setdefault(before, New(before))
            new = new.children.setdefault(step, New(step))
        return new


def row_of(slots: Slots, values: dict[str, str | None]) -> New:
    """A row that is new."""
    row = New(slots.root)
    for column, target in slots.targets.items():
        value = values.get(column)
        if value is not None:
            if target.slot.doubtful:
                raise NotWrittenBack(reason="A new value could be of several namespaces.")
            row.inner(target.slot).put(target.what, target.key, target.run, value)
    return row


def in_order(slot: Slot, news: dict[Slot, New]) -> list[New]:
    """Children in the order of their columns."""
    names = {name: at for at, name in enumerate(slot.children)}
    return sorted(news.values(), key=lambda new: (names.get(new.slot.name, len(names)), new.slot.number))


def written(new: New, styles: Styles, around: Element | None) -> str:
    """The markup of a new element that comes to stand in `around`, as far as that is known."""
    order: list[tuple[New, Styles, dict[str, str]]] = [(new, styles, {})]
    for one, how, scope in order:  # grows while it is walked; rows of others have styles of their own
        style = how.of(one.slot)
        inner = scope | style.declared
        order += [(child, how, inner) for child in in_order(one.slot, one.children)]
        order += [(row, own, inner) for row, own in one.rows]
    texts: dict[New, str] = {}
    for one, how, scope in reversed(order):
        texts[one] = _written(one, how, texts, lambda name, scope=scope: _bound(name, scope, around))
    return texts[new]


def _bound(name: str, scope: dict[str, str], around: Element | None) -> str | None:
    return scope.get(name) or (around.bound(name) if around is not None else None)


def _written(new: New, styles: Styles, texts: dict[New, str], bound: Callable[[str], str | None]) -> str:
    style = styles.of(new.slot)
    attributes = {styles.attribute(new.slot, shown): value for shown, value in new.attributes.items()}
    declared = {name: uri for name, uri in style.declared.items() if bound(name) != uri}
    tag = style.name + "".join(f" {name}={quoted(value)}" for name, value in (declared | attributes).items())
    inside = "".join(_inside(new, style, texts))
    return f"<{tag}>{inside}</{style.name}>" if inside else f"<{tag}/>"


def _inside(new: New, style: Style, texts: dict[New, str]) -> Iterator[str]:
    children = [texts[child] for child in in_order(new.slot, new.children)] + [texts[row] for row, _ in new.rows]
    if new.source is not None or new.text is not None:
        if children or (new.source is not None and new.text is not None):
            raise NotWrittenBack(reason="A new row has both text and elements in one place.")
        yield markup(new.source) if new.source is not None else escaped(new.text or "")
        return
    if new.runs:
        for at in range(max(len(children), *new.runs) + 1):
            yield escaped(new.runs.get(at, ""))
            yield children[at] if at < len(children) else ""
        return
    for child in children:
        yield style.first
        yield child
    if children:
        yield style.last
