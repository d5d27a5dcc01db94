"""What the columns of a table are called, and in which order they stand (TABLES.md §2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ret_convert.layout import TEXT, Column, Kind, TablePlan
from ret_convert.names import NIL, local_name, prefix_of
from ret_convert.shape import Node

if TYPE_CHECKING:
    from ret_convert._core import ColumnPlace

SOURCE = "#xml"
ATTRIBUTES, OWN_TEXT, OWN_SOURCE, RUNS, CHILDREN = range(5)


class Names:
    """The names of a document's paths, worked out once for each of them."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._children: dict[Node, dict[str, str]] = {}
        self._attributes: dict[Node, dict[str, str]] = {}

    def columns(self, row: Node, places: Sequence[ColumnPlace], links: list[Column]) -> list[Column]:
        """The columns of a table whose rows are `row`, links first, the others with their number among the places."""
        order = sorted(range(len(places)), key=lambda at: self._order(row, places[at]))
        return uniquely([*links, *(Column(*self._named(row, places[at]), at) for at in order)])

    def _order(self, row: Node, place: ColumnPlace) -> list[tuple[int, int]]:
        """As the document has them: an element's own before its children's."""
        kind, index, way = place
        steps = [(CHILDREN + self._nodes[path].place, number) for path, number in way]
        leaf = not has_children(self._nodes[way[-1][0]] if way else row)
        if kind == "attribute":
            return [*steps, (ATTRIBUTES, index)]
        if kind == "source":
            return [*steps, (OWN_SOURCE, 0)]
        return [*steps, (OWN_TEXT if leaf else RUNS, index)]

    def _named(self, row: Node, place: ColumnPlace) -> tuple[str, str, Kind]:
        """(name, path, kind) of a column."""
        kind, index, way = place
        node, name, path = row, "", "/" + "/".join(row.steps)
        for number, at in way:
            parent, node = node, self._nodes[number]
            step = self._child(parent, node) + (f"[{at + 1}]" if at else "")
            name = f"{name}.{step}" if name else step
            path = f"{path}/{step}"
        dot = f"{name}." if name else ""
        if kind == "attribute":
            attribute = node.indexed[index]
            shown = self._attribute(node, attribute)
            return f"{dot}@{shown}", f"{path}/@{shown}", Kind.NIL if attribute == NIL else Kind.VALUE
        if kind == "source":
            return f"{dot}{SOURCE}", path, Kind.SOURCE
        if node.key != TEXT and has_children(node):
            step = TEXT + (f"[{index + 1}]" if index else "")
            return f"{dot}{step}", f"{path}/{step}", Kind.VALUE
        # A row that is nothing but its text has no field to name the column after.
        return name or node.local, path, Kind.VALUE

    def _child(self, parent: Node, child: Node) -> str:
        found = self._children.get(parent)
        if found is None:
            present = [one for one in parent.children.values() if one.count]
            found = self._children[parent] = shown(
                {one.key: f"{one.prefix}:{one.local}" if one.prefix else one.local for one in present}
            )
        return found[child.key]

    def _attribute(self, node: Node, key: str) -> str:
        found = self._attributes.get(node)
        if found is None:
            found = self._attributes[node] = shown(node.attributes)
        return found[key]


def shown(written: dict[str, str]) -> dict[str, str]:
    """By key, the names of siblings: without prefix, unless two namespaces share a local name."""
    often = Counter(local_name(name) for name in written.values())
    return {
        key: name if often[local_name(name)] > 1 and prefix_of(name) else local_name(name)
        for key, name in written.items()
    }


def has_children(node: Node) -> bool:
    """Whether some elements of a path have children that are no source."""
    return any(child.count for child in node.children.values())


def uniquely(columns: list[Column]) -> list[Column]:
    """The columns, later ones of the same name with a number behind it."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    found: list[Column] = []
    for column in columns:
        name, number = column.name, numbers.get(column.name, 1)
        while name in taken:
            number += 1
            name = f"{column.name} ({number})"
        taken.add(name)
        numbers[column.name] = number
        found.append(Column(name, column.path, column.kind, column.number))
    return found


def table_columns(plan: TablePlan, names: Names, row: Node, places: Sequence[ColumnPlace]) -> None:
    """Give a table its columns, as far as they are known."""
    plan.columns = names.columns(row, places, plan.columns[: plan.links])
