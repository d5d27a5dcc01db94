"""What a document is made of: every element path with its figures, and which of them is the record (TABLES.md §2).

Learned in one streaming parse. Memory follows the number of different paths, not the size of the document.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ret_convert.conservation import Tally
from ret_convert.errors import RecordPathMissing
from ret_convert.names import NIL, Scope, declares, local_name, outermost, prefix_of
from ret_convert.parse import Parse

DEPTH = 512
"""Elements below this level stay whole as source."""
UNDECIDED = 20_000  # finished elements kept back, in which mixed content may still be recognised
VALUES = 4096  # values tallied at once
HALF = 0.5
ROW = "Row"  # Oracle's view objects: XxxVO holds XxxVORow

HAS_TEXT, EMPTY, SOURCE = 1, 2, 4


class Node:
    """One element path. Figures leave out what lies inside mixed content, which stays source."""

    __slots__ = (
        "attributes",
        "children",
        "count",
        "current",
        "depth",
        "empty",
        "indexed",
        "key",
        "local",
        "most",
        "number",
        "owner",
        "parent",
        "place",
        "prefix",
        "runs",
        "source",
        "text",
        "values",
    )

    def __init__(self, parent: Node | None, key: str, written: str) -> None:
        self.parent = parent
        self.key = key
        self.local = local_name(written)
        self.prefix = prefix_of(written)
        self.depth: int = parent.depth + 1 if parent else 0
        self.children: dict[str, Node] = {}
        self.attributes: dict[str, str] = {}
        """Keys of attributes, and how they are written."""
        self.indexed: dict[int, str] = {}
        """Keys of attributes by their number in the core."""
        self.number = 0
        """By which the core knows the path."""
        self.place = 0
        """Among the children of the parent, as they first came."""
        self.count = 0
        self.most = 0
        """The most of them in one parent."""
        self.runs = 0
        """The most runs of text in one of them."""
        self.text = False
        """Whether some have text."""
        self.empty = False
        """Whether some have nothing at all, so that there must be a cell that says so."""
        self.source = False
        """Whether some are mixed, or too deep."""
        self.values = 0
        """Values in them and not further below; for mixed ones everything inside."""
        self.owner = 0
        self.current = 0

    @property
    def steps(self) -> tuple[str, ...]:
        """Local names from the root to here."""
        names: list[str] = []
        node = self
        while node.parent is not None:
            names.append(node.local)
            node = node.parent
        return tuple(reversed(names))


@dataclass(frozen=True)
class Candidate:
    """A path that could be the record: its number, its distinct fields, and its share of all values, 0 to 1."""

    path: str
    count: int
    fields: int
    share: float


@dataclass
class Shape:
    """What was learned of a document.

    `top` stands around the root; `sources` are the ordinals of the elements whose inside stays source; `values` is the
    document's side of the conservation; `outside` names external entities; `size` is in bytes.
    """

    top: Node
    sources: array[int]
    values: Tally
    too_deep: bool
    outside: tuple[str, ...]
    size: int

    @property
    def root(self) -> Node:
        return next(iter(self.top.children.values()))


class Open:
    """An element that is open; one of these a level, used again and again."""

    __slots__ = ("current", "journal", "keys", "node", "ordinal", "own", "parent", "records", "runs", "scope", "seen")

    def __init__(self) -> None:
        self.node: Node = NOWHERE
        self.ordinal = 0
        self.current = 0
        self.keys: dict[str, str] | None = None
        self.own = 0
        self.runs = 0
        self.parent = False
        self.records = False
        self.journal = 0
        self.seen = 0
        self.scope: Scope = NO_SCOPE


NOWHERE = Node(None, "", "")
NO_SCOPE = outermost()

Entry = tuple[Node, int, int, int, int, dict[str, str] | None]


class Learner:
    """The handlers of the parse that learns a shape.

    Mixed content is only recognised when it is there, maybe long after its first children. So finished elements wait in
    a journal, and an element that turns out to be mixed takes back what it holds. Its inside stays source, unless it is
    no prose but a container with stray text: when it holds records, or more elements than the journal does.
    """

    def __init__(self) -> None:
        self.top = Node(None, "", "")
        self.sources: array[int] = array("Q")
        self.values = Tally()
        self.too_deep = False
        self._ordinal = 0
        self._depth = 0
        self._below = 0
        self._text: list[str] = []
        self._batch: list[str] = []
        self._journal: list[Entry] = []
        self._open = [Open()]
        self._open[0].node = self.top
        self._open[0].scope = outermost()
        self._frame = self._open[0]
        self.text: Callable[[str], object] = self._text.append

    def start(self, written: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._ordinal += 1
        frame = self._frame
        if self._text:
            self._run(frame)
        if self._below or self._depth == DEPTH:
            self._start_below(attributes)
            return
        frame.parent = True
        scope = frame.scope
        if attributes and declares(attributes):
            scope = scope.within(attributes)
        key = scope.elements[written]
        children = frame.node.children
        node = children.get(key)
        if node is None:
            node = children[key] = Node(frame.node, key, written)
        if node.owner != frame.ordinal:
            node.owner = frame.ordinal
            node.current = 1
        else:
            node.current += 1
        self._depth += 1
        try:
            inner = self._open[self._depth]
        except IndexError:
            inner = Open()
            self._open.append(inner)
        self._frame = inner
        inner.node = node
        inner.ordinal = self._ordinal
        inner.current = node.current
        inner.scope = scope
        inner.runs = inner.own = 0
        inner.parent = inner.records = False
        inner.journal = len(self._journal)
        inner.seen = self.values.count + len(self._batch)
        inner.keys = self._attributes(scope, attributes, inner) if attributes else None

    def _attributes(self, scope: Scope, attributes: dict[str, str], frame: Open) -> dict[str, str] | None:
        """The attributes that are values, by their keys."""
        keys: dict[str, str] = {}
        known = scope.told_apart(attributes) if scope.doubled else scope.attributes
        for written, raw in attributes.items():
            if key := known[written]:
                keys[key] = written
                if value := raw.strip():
                    self._batch.append(value)
                    frame.own += 1
        return keys or None

    def _start_below(self, attributes: dict[str, str]) -> None:
        """An element begins that is too deep to be a path."""
        self._below += 1
        self.too_deep = True
        self._frame.parent = True
        scope = self._frame.scope
        self._batch.extend(
            value for written, raw in attributes.items() if scope.attributes[written] and (value := raw.strip())
        )

    def _run(self, frame: Open) -> str:
        """The run of text that ends here."""
        text = self._text
        run = text[0] if len(text) == 1 else "".join(text)
        text.clear()
        if value := run.strip():
            self._batch.append(value)
            frame.runs += 1
        return run

    def end(self, _: str) -> None:
        """An element ends."""
        frame = self._frame
        run = self._run(frame) if self._text else ""
        if self._below:
            self._below -= 1
            return
        if len(self._batch) >= VALUES:
            self._tally()
        node = frame.node
        self._depth -= 1
        outer = self._frame = self._open[self._depth]
        flags, own = 0, frame.own
        if not frame.parent:
            own += frame.runs
            if run:
                flags = HAS_TEXT
            elif frame.keys is None:
                flags = EMPTY
        elif self._depth + 1 == DEPTH or (frame.runs and frame.journal >= 0 and not frame.records):
            flags, own = SOURCE, self.values.count + len(self._batch) - frame.seen
            del self._journal[frame.journal :]
            while self.sources and self.sources[-1] > frame.ordinal:
                self.sources.pop()
            self.sources.append(frame.ordinal)
        else:
            own += frame.runs
            if frame.runs:
                flags = HAS_TEXT
            elif frame.current > 1 and len(node.children) > 1:
                outer.records = True
            if frame.records:
                outer.records = True
        self._journal.append((node, frame.current, flags, own, frame.runs if flags != SOURCE else 0, frame.keys))
        if len(self._journal) >= UNDECIDED:
            self._settle()

    def _settle(self) -> None:
        """Take what is in the journal as final; whoever is open now cannot become source any more."""
        for node, current, flags, own, runs, keys in self._journal:
            node.count += 1
            node.most = max(node.most, current)
            node.values += own
            if flags:
                if flags == HAS_TEXT:
                    node.text = True
                    node.runs = max(node.runs, runs)
                elif flags == EMPTY:
                    node.empty = True
                else:
                    node.source = True
            if keys is not None and keys.keys() - node.attributes.keys():
                node.attributes = node.attributes | {
                    key: name for key, name in keys.items() if key not in node.attributes
                }
        self._journal.clear()
        for frame in self._open[: self._depth + 1]:
            frame.journal = -1

    def _tally(self) -> None:
        self.values.add(self._batch)
        self._batch.clear()

    def finish(self) -> None:
        """The document has ended."""
        self._settle()
        self._tally()


def learn(stream: BinaryIO, progress: Callable[[int], None] | None = None) -> Shape:
    """The shape of a document; `progress` hears the bytes read, once a megabyte. Malformed or EntityBomb."""
    learner = Learner()
    parse = Parse(stream, learner.start, learner.end, learner.text)
    size = 0
    for size in parse.feed():
        if progress is not None:
            progress(size)
    learner.finish()
    return Shape(learner.top, learner.sources, learner.values, learner.too_deep, tuple(parse.outside), size)


def nodes_of(node: Node) -> list[Node]:
    """A node and all below it that occur, parents before children."""
    found = [node]
    for one in found:  # grows while it is walked
        found.extend(child for child in one.children.values() if child.count)
    return found


def below(nodes: list[Node]) -> dict[Node, int]:
    """How many values each node holds, with everything below it."""
    total = {node: node.values for node in nodes}
    for node in reversed(nodes):
        if node.parent in total:
            total[node.parent] += total[node]
    return total


def fields(nodes: list[Node]) -> dict[Node, int]:
    """How many distinct fields each node has: its own, those of single children, and one for a leaf that repeats."""
    total: dict[Node, int] = {}
    for node in reversed(nodes):
        own = sum(key != NIL for key in node.attributes) + bool(node.text or node.empty or node.source)
        for child in node.children.values():
            if child.count:
                if child.most == 1:
                    own += total[child]
                elif not any(grandchild.count for grandchild in child.children.values()):
                    own += 1
        total[node] = own
    return total


def candidates(shape: Shape) -> Iterator[tuple[Node, Candidate]]:
    """The paths that could be the record, the shallowest first."""
    nodes = nodes_of(shape.root)
    held, distinct = below(nodes), fields(nodes)
    total = held[shape.root]
    for node in nodes:
        if (node.most > 1 or node.local.endswith(ROW)) and distinct[node] > 1:
            share = held[node] / total if total else 0.0
            yield node, Candidate("/".join(node.steps), node.count, distinct[node], share)


def record(shape: Shape, path: str | None = None) -> Node:
    """The record: what is at `path`, else the shallowest candidate with half of all values, else the root.

    RecordPathMissing when nothing is at the path that is given.
    """
    if path:
        steps = tuple(path.strip("/").split("/"))
        found = next((node for node in nodes_of(shape.root) if node.depth == len(steps) and node.steps == steps), None)
        if found is None:
            raise RecordPathMissing
        return found
    fitting = [(node, one) for node, one in candidates(shape) if one.share >= HALF]
    if not fitting:
        return shape.root
    return min(fitting, key=lambda pair: (pair[0].depth, -pair[1].share))[0]
