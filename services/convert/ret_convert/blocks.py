"""Where the cells of an element stand in a row.

A row's cells stand in blocks: a block holds the cells of one element, then the blocks of its children, one after the
other and for each child as many as it may occur. So a cell's place is a sum of offsets, however deep repeats nest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ret_convert.layout import DOCUMENT, TEXT, Branches, Column, Kind, Options, TablePlan, Tables, tables
from ret_convert.names import NIL, local_name, prefix_of
from ret_convert.shape import Node, Shape

SOURCE = "#xml"
NONE = -1


@dataclass(eq=False, slots=True)
class Route:
    """Where an element path goes: into a row of its own (of `table`), or into a block of the row it stands in.

    `offset` is the block's place in the parent's block (in the row, for a row of its own), `width` the block's size;
    `numbered` blocks follow one another. `text`, `source` and `attributes` (by key) are places in the block, NONE is no
    place. `runs` is where text beside children goes, each run like an element. Paths that are not among the `children`
    are left out. `counts` says that some children must be counted.
    """

    children: dict[str, Route] = field(default_factory=dict[str, "Route"])
    attributes: dict[str, int] = field(default_factory=dict[str, int])
    table: TablePlan | None = None
    offset: int = 0
    width: int = 0
    numbered: bool = False
    text: int = NONE
    source: int = NONE
    runs: Route | None = None
    counts: bool = False


@dataclass
class Plan:
    """All tables, the main one first, and the way into them from around the root of the document.

    With `outside`, the last columns of the main table are for values outside the records, on its first row: a parse
    along `outside` gathers them in one row of `outside_table`.
    """

    tables: list[TablePlan]
    top: Route
    record: Node
    outside: Route | None = None
    outside_table: TablePlan | None = None


def plan(shape: Shape, options: Options) -> Plan:
    """The tables and routes of a document of this shape. RecordPathMissing if the order names a path it has not."""
    laid = tables(shape, options)
    branches, chosen = laid.branches, laid.branches.chosen
    if not laid.first_row:
        routes = _routes(branches, laid)
        return Plan(laid.tables, _around(shape, routes[shape.root]), chosen)
    main = laid.tables[0]
    inner = _routes(branches, laid)[chosen]
    out = TablePlan(DOCUMENT, "child")
    outer = _routes(branches, Tables([out], {shape.root: out}, branches))[shape.root]
    main.columns = uniquely([*main.columns, *out.columns])
    node, way = chosen, inner
    while node.parent is not None and node.parent.parent is not None:
        way, node = Route(children={node.key: way}, counts=True), node.parent
    return Plan([main], _around(shape, way), chosen, _around(shape, outer), out)


def _around(shape: Shape, root: Route) -> Route:
    """The route of what stands around the root of the document."""
    return Route(children={shape.root.key: root}, counts=True)


def _routes(branches: Branches, laid: Tables) -> dict[Node, Route]:
    """The routes of all paths, each linked with its children's; the tables get their columns."""
    branches.measure(laid.rows)
    routes = {node: Route() for node in branches.nodes}
    for node in branches.nodes:
        route = routes[node]
        place = _own(branches, node, route)
        if node in laid.rows:
            route.table = laid.rows[node]
            route.offset = route.table.links
        for child in branches.children[node]:
            inner = routes[child]
            if child is branches.chosen and child not in laid.rows:
                continue
            if child.key == TEXT:
                route.runs = inner
            else:
                route.children[child.key] = inner
            inner.width = branches.widths[child]
            if child not in laid.rows:
                inner.offset, inner.numbered = place, child.most > 1
                place += child.most * inner.width
            route.counts |= child in laid.rows or child.most > 1
    for node, table in laid.rows.items():
        table.columns += _columns(branches, laid, node)
        table.columns = uniquely(table.columns)
    return routes


def _own(branches: Branches, node: Node, route: Route) -> int:
    """Give the cells of the element itself their places; the first place behind them."""
    place = 0
    for key in node.attributes:
        route.attributes[key] = place
        place += 1
    if branches.has_text(node):
        route.text = place
        place += 1
    if node.source:
        route.source = place
        place += 1
    return place


def _columns(branches: Branches, laid: Tables, row: Node) -> list[Column]:
    """The columns of a table without its links, in the order of their places; names may still be the same."""
    found: list[Column] = []
    waiting = [(row, "", "/" + "/".join(row.steps))]
    while waiting:
        node, name, path = waiting.pop()
        dot = f"{name}." if name else ""
        for key, shown in _shown(node.attributes).items():
            found.append(Column(f"{dot}@{shown}", f"{path}/@{shown}", Kind.NIL if key == NIL else Kind.VALUE))
        if branches.has_text(node):
            # A row that is nothing but its text has no field to name the column after.
            found.append(Column(name or node.local, path))
        if node.source:
            found.append(Column(f"{dot}{SOURCE}", path, Kind.SOURCE))
        names = _shown(
            {
                child.key: f"{child.prefix}:{child.local}" if child.prefix else child.local
                for child in branches.children[node]
            }
        )
        blocks: list[tuple[Node, str, str]] = []
        for child in branches.children[node]:
            if child in laid.rows or child is branches.chosen or not branches.widths[child]:
                continue
            for number in range(1, child.most + 1):
                step = names[child.key] + (f"[{number}]" if number > 1 else "")
                blocks.append((child, dot + step, f"{path}/{step}"))
        waiting.extend(reversed(blocks))
    return found


def _shown(written: dict[str, str]) -> dict[str, str]:
    """By key, the names of siblings: without prefix, unless two namespaces share a local name."""
    often = Counter(local_name(name) for name in written.values())
    return {
        key: name if often[local_name(name)] > 1 and prefix_of(name) else local_name(name)
        for key, name in written.items()
    }


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
        found.append(Column(name, column.path, column.kind))
    return found
