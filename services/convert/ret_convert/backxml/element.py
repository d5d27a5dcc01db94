"""An element read again from its bytes: its tags, attributes, children and runs of text, and where each of them stands.

Expat reads it behind the beginning of its document, so that entities and encodings mean what they meant. Rows of other
tables inside it are left out: in their place stands one element that is only a `hole`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from ret_convert.backxml.errors import NotWrittenBack
from ret_convert.backxml.original import Original

HOLE = "_"


@dataclass
class Run:
    """Text between two tags: its value, and where its pieces stand, between which are comments and instructions."""

    text: str = ""
    pieces: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


@dataclass(eq=False)
class Element:
    """An element: it begins at `start`, its content at `inside`; that ends at `until`, and the element at `end`.

    In an `empty` tag all but `start` are its end. What is `opaque` stands in an entity and not where it is read. Before
    each child stands a run, and one at the end.
    """

    name: str
    attributes: dict[str, str]
    parent: Element | None
    start: int
    inside: int = -1
    until: int = -1
    end: int = -1
    empty: bool = False
    opaque: bool = False
    hole: bool = False
    around: dict[str, str] = field(default_factory=dict[str, str])
    """Namespaces around the element that is read, as far as they are known."""
    children: list[Element] = field(default_factory=list["Element"])
    runs: list[Run] = field(default_factory=lambda: [Run()])

    @property
    def text(self) -> str:
        """All text that is directly in it."""
        return "".join(run.text for run in self.runs)

    def bound(self, declaration: str) -> str | None:
        """What `xmlns` or `xmlns:p` says here, if that is said in what was read."""
        one: Element | None = self
        while one is not None:
            if declaration in one.attributes:
                return one.attributes[declaration]
            one = one.parent
        return None

    def key(self) -> tuple[str, str]:
        """(namespace as far as it is known, local name)."""
        prefix, _, local = self.name.rpartition(":")
        declaration = f"xmlns:{prefix}" if prefix else "xmlns"
        root = self
        while root.parent is not None:
            root = root.parent
        uri = self.bound(declaration)
        return root.around.get(declaration, f"?{prefix}") if uri is None else uri, local


class _Reading:
    """Expat's events as an element."""

    def __init__(self, parser: Any, fed: bytes, places: Places, original: Original) -> None:
        self._parser = parser
        self._fed = fed
        self._before = len(original.prolog)
        self._places = places
        self._codec, self._unit = original.read_codec, original.unit
        self.root: Element | None = None
        self._open: Element | None = None
        self._started: Element | None = None
        self._ended: Element | None = None
        self._text_from = -1

    def _index(self) -> int:
        return self._parser.CurrentByteIndex - self._before

    def _written(self, start: int, count: int) -> str:
        return self._fed[max(0, start) : start + count * self._unit].decode(self._codec, "replace")

    def _event(self, index: int) -> int:
        """Where the event stands; what began or ended before it ends here."""
        place = self._places.of(index)
        if self._started is not None:
            self._started.inside = place
            self._started = None
        if self._ended is not None:
            self._ended.end = place
            self._ended = None
        return place

    def _cut(self, place: int) -> None:
        """The piece of text that is open ends."""
        if self._text_from >= 0 and self._open is not None:
            self._open.runs[-1].pieces.append((self._text_from, place))
        self._text_from = -1

    def start(self, name: str, attributes: list[str]) -> None:
        index = self._index()
        place = self._event(index)
        if self.root is not None and self._open is None:
            return
        self._cut(place)
        pairs = dict(zip(attributes[::2], attributes[1::2], strict=True))
        opaque = self._written(index, 1) != "<"
        element = Element(name, pairs, self._open, place, opaque=opaque, hole=self._places.is_hole(index))
        if self._open is None:
            self.root = element
        else:
            self._open.children.append(element)
            self._open.runs.append(Run())
        self._open = self._started = element

    def end(self, _name: str) -> None:
        index = self._index()
        element = self._open
        if element is None:
            return
        fresh = self._started is element
        empty = fresh and not element.opaque and self._written(index - 2 * self._unit, 2) == "/>"
        place = self._event(index)
        self._cut(place)
        element.until = place
        element.empty = empty
        if empty:
            element.end = place
        else:
            self._ended = element
        self._open = element.parent

    def text(self, text: str) -> None:
        if self._open is None:
            return
        place = self._event(self._index())
        if self._text_from < 0:
            self._text_from = place
        self._open.runs[-1].text += text

    def section(self) -> None:
        self.text("")

    def other(self, _text: str) -> None:
        self.text("")

    def comment(self, *_: str) -> None:
        if self._open is not None:
            self._cut(self._event(self._index()))


class Places:
    """Where in the document the bytes stand that a parser was given: its fragment, without what is left out."""

    def __init__(self) -> None:
        self._fed: list[int] = []
        self._real: list[int] = []
        self._holes: set[int] = set()
        self.data = bytearray()

    def add(self, data: bytes, at: int) -> None:
        """Bytes from a place on."""
        self._fed.append(len(self.data))
        self._real.append(at)
        self.data += data

    def leave_out(self, mark: bytes, at: int) -> None:
        """A mark in place of what begins there."""
        self._holes.add(len(self.data))
        self.add(mark, at)

    def of(self, index: int) -> int:
        at = bisect_right(self._fed, index) - 1
        return self._real[at] + index - self._fed[at]

    def is_hole(self, index: int) -> bool:
        return index in self._holes


def element_at(original: Original, start: int, end: int, holes: Iterable[tuple[int, int]] = ()) -> Element:
    """The element between two positions. NotWrittenBack when there is none any more."""
    places = Places()
    mark = f"<{HOLE}/>".encode(original.read_codec)
    at = start
    for low, high in holes:
        places.add(original.read(at, low), at)
        places.leave_out(mark, low)
        at = high
    places.add(original.read(at, end), at)
    return _read(original, places, end)


def _read(original: Original, places: Places, end: int) -> Element:
    fed = bytes(places.data)
    parser = expat.ParserCreate(original.override)
    parser.ordered_attributes = True
    reading = _Reading(parser, fed, places, original)
    try:
        parser.Parse(original.prolog, False)  # noqa: FBT003 - the name of its argument is nothing one may use
        parser.StartElementHandler = reading.start
        parser.EndElementHandler = reading.end
        parser.CharacterDataHandler = reading.text
        parser.StartCdataSectionHandler = reading.section
        parser.CommentHandler = reading.comment
        parser.ProcessingInstructionHandler = reading.comment
        parser.DefaultHandlerExpand = reading.other
        parser.Parse(fed, True)  # noqa: FBT003 - as above
    except expat.ExpatError as error:
        raise NotWrittenBack(reason="A row is not found where it was read.") from error
    root = reading.root
    if root is None:
        raise NotWrittenBack(reason="A row is not found where it was read.")
    root.end = end  # no event comes behind its own end
    root.around = original.namespaces
    return root


def everything(root: Element) -> Iterable[Element]:
    """An element and all in it, parents first."""
    waiting = [root]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(one.children))
