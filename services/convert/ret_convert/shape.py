"""What a document is made of: every element path with its figures, and which of them is the record (TABLES.md §2).

The core learns it while it reads (native.py). Memory follows the number of different paths, not the document's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ret_convert.errors import RecordPathMissing
from ret_convert.names import NIL, local_name, prefix_of

HALF = 0.5
ROW = "Row"  # Oracle's view objects: XxxVO holds XxxVORow


class Node:
    """One element path. Figures leave out what lies inside mixed content, which stays source."""

    __slots__ = (
        "attributes",
        "children",
        "count",
        "depth",
        "empty",
        "indexed",
        "key",
        "local",
        "most",
        "number",
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


@dataclass(frozen=True)
class Shape:
    """What was learned of a document: `top` stands around its root."""

    top: Node

    @property
    def root(self) -> Node:
        return next(child for child in self.top.children.values() if child.count)


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
