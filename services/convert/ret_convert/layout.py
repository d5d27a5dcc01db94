"""Which tables a document becomes, and which of its paths are rows (TABLES.md §2); the core places their columns.

Works through lists, never by recursion: paths may be 512 levels deep.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from ret_convert.shape import Node, Shape, below, nodes_of, record


class Layout(StrEnum):
    """How what repeats below a record is laid out."""

    AUTO = "auto"
    SINGLE = "single"
    RELATED = "related"


class Kind(StrEnum):
    """What the cells of a column are: text of the document, nil markers, source of mixed content, or links of ours."""

    VALUE = "value"
    NIL = "nil"
    SOURCE = "xml"
    LINK = "link"


@dataclass(frozen=True)
class Options:
    """The order for one document.

    `repeats` and `columns` are how far numbered columns go in a readable table, `widest` is how far they go in any.
    `rows` and about `cells` are the most a batch has of what is read row by row: grids (grid.py) and lines
    (ladder/lines.py, `rows` alone). Batches of the core are bounded by bytes (native.py).
    """

    layout: Layout = Layout.AUTO
    record_path: str | None = None
    repeats: int = 8
    columns: int = 200
    widest: int = 16_384
    rows: int = 8192
    cells: int = 1 << 18


@dataclass(frozen=True)
class Column:
    """A column: its name, unique in its table, the document path its cells come from, and their kind.

    `number` is its own as long as its table is filled: others that come may still change its name and its place.
    """

    name: str
    path: str
    kind: Kind = Kind.VALUE
    number: int | None = None

    @property
    def source(self) -> str:
        """What it is called in the batches."""
        return self.name if self.number is None else str(self.number)


LINKS = ("_id", "_parent_id", "_pos")
DOCUMENT = "_document"
TEXT = "#text"


@dataclass(eq=False)
class TablePlan:
    """A table to be.

    Its first columns, which are those that have come so far, are the `links` that connect it with others; `parent` is
    the table whose row a row of this one stands in, if that is written. `first` are further columns with a cell in the
    first row only.
    """

    name: str
    role: str
    columns: list[Column] = field(default_factory=list[Column])
    links: int = 0
    parent: TablePlan | None = None
    first: list[tuple[Column, str]] = field(default_factory=list[tuple[Column, str]])


class Branches:
    """The element paths of a document as they are laid out: text beside children is a child of its own."""

    def __init__(self, root: Node, chosen: Node) -> None:
        self.root = root
        self.chosen = chosen
        self.above = _above(chosen)
        self.children: dict[Node, list[Node]] = {}
        self.nodes = [root]
        for node in self.nodes:  # grows while it is walked
            found = [child for child in node.children.values() if child.count]
            if found and node.text:
                found.insert(0, _runs_of(node))
            self.children[node] = found
            self.nodes.extend(found)
        self.widths: dict[Node, int] = {}
        self._multiples: dict[Node, int] = {}
        self.measure({})

    def own(self, node: Node) -> int:
        """Cells of the element itself."""
        return len(node.attributes) + node.source + self.has_text(node)

    def has_text(self, node: Node) -> bool:
        """Whether the element is a leaf with a cell for its text."""
        return (node.text or node.empty) and not self.children[node]

    def measure(self, rows: dict[Node, TablePlan]) -> None:
        """Work out the size of each path's block and how often it may stand in one row, given which paths are rows."""
        for node in reversed(self.nodes):
            width, multiple = self.own(node), 1
            for child in self.children[node]:
                if child is not self.chosen and child not in rows:
                    width += child.most * self.widths[child]
                    multiple = max(multiple, child.most * self._multiples[child])
            self.widths[node] = width
            self._multiples[node] = multiple

    def child_rows(self, tables: list[Node], options: Options) -> list[Node]:
        """The paths below the given rows that become child tables, in the order in which the document has them."""
        found: list[Node] = []
        waiting = list(tables)
        for node in waiting:  # grows while it is walked
            chosen = self._too_many(node, self._repeating(node), options)
            found.extend(chosen)
            waiting.extend(chosen)
        place = {node: at for at, node in enumerate(self.nodes)}
        return sorted(found, key=place.__getitem__)

    def _repeating(self, table: Node) -> list[Node]:
        """The topmost paths that repeat in a row of the table and have cells."""
        found: list[Node] = []
        waiting = [table]
        for node in waiting:  # grows while it is walked
            for child in self.children[node]:
                if child is self.chosen:
                    continue
                if child.most > 1 and self.widths[child]:
                    found.append(child)
                else:
                    waiting.append(child)
        return found

    def _too_many(self, table: Node, repeating: list[Node], options: Options) -> list[Node]:
        """Which become tables: those that lead to the record or repeat too often, then the widest until all fits."""
        if options.layout is Layout.RELATED:
            return repeating
        chosen = [
            node for node in repeating if node in self.above or node.most * self._multiples[node] > options.repeats
        ]
        left = self.widths[table] - sum(node.most * self.widths[node] for node in chosen)
        for node in sorted(set(repeating) - set(chosen), key=lambda one: (-one.most * self.widths[one], one.steps)):
            if left <= options.columns:
                break
            chosen.append(node)
            left -= node.most * self.widths[node]
        return chosen


@dataclass
class Tables:
    """The tables of a document, the main one first, and the paths that are their rows.

    `first_row` says that there is but one table, whose first row also takes what is outside the records.
    """

    tables: list[TablePlan]
    rows: dict[Node, TablePlan]
    branches: Branches
    first_row: bool = False


def tables(shape: Shape, options: Options) -> Tables:
    """The tables of a document of this shape. RecordPathMissing if the order names a path that is not there.

    A document that would be one record with nothing in it but tables has the fullest of these for its main table.
    """
    laid = _laid(shape, record(shape, options.record_path), options)
    if options.record_path or laid.branches.chosen is not shape.root or laid.branches.widths[shape.root]:
        return laid
    held = below(nodes_of(shape.root))
    inner = [node for node in laid.rows if node in held and laid.branches.widths[node]]
    return _laid(shape, max(inner, key=held.__getitem__), options) if inner else laid


def _laid(shape: Shape, chosen: Node, options: Options) -> Tables:
    """The tables with the chosen path as the record."""
    branches = Branches(shape.root, chosen)
    main = TablePlan(chosen.local, "main")
    if options.layout is Layout.SINGLE:
        if branches.widths[chosen] + (branches.widths[shape.root] if chosen is not shape.root else 0) <= options.widest:
            return Tables([main], {chosen: main}, branches, first_row=chosen is not shape.root)
        # Nobody could open such a table, and no Parquet reader likes it: as wide as possible, the rest in child tables.
        options = replace(options, layout=Layout.AUTO, columns=options.widest, repeats=options.widest)
    rows = {shape.root: TablePlan(DOCUMENT, "child")} | {chosen: main}
    rows |= {node: TablePlan(table_name(node), "child") for node in branches.child_rows(list(rows), options)}
    branches.measure(rows)
    if chosen is not shape.root and not branches.widths[shape.root]:
        del rows[shape.root]
    return Tables(_linked(branches, rows, main), rows, branches)


def table_name(node: Node) -> str:
    """What a child table is called: like its element, or like the element whose text it holds."""
    return f"{node.parent.local}.{TEXT}" if node.key == TEXT and node.parent else node.local


def _above(chosen: Node) -> set[Node]:
    """The paths that lead to the record."""
    found: set[Node] = set()
    node = chosen.parent
    while node is not None:
        found.add(node)
        node = node.parent
    return found


def _runs_of(node: Node) -> Node:
    """Text beside children, as a leaf that occurs once a run."""
    run = Node(node, TEXT, TEXT)
    run.count = node.count
    run.most = max(node.runs, 1)
    run.text = True
    return run


def _linked(branches: Branches, rows: dict[Node, TablePlan], main: TablePlan) -> list[TablePlan]:
    """The tables in their order, with their parents, their links and names that are unique."""
    enclosing: dict[Node, TablePlan | None] = {}
    for node in branches.nodes:
        outer = enclosing.get(node.parent) if node.parent else None
        if node in rows:
            rows[node].parent = outer
        enclosing[node] = rows.get(node, outer)
    inner = [rows[node] for node in branches.nodes if node in rows and node not in (branches.root, branches.chosen)]
    whole = rows.get(branches.root)
    found = [main, *inner, *([whole] if whole and whole is not main else [])]
    parents = {table.parent for table in inner}
    for table in found:
        alone = table is whole or (table is main and main.parent in (None, whole))
        table.links = len(LINKS) if not alone else int(table in parents)
        table.columns = [Column(name, "", Kind.LINK) for name in LINKS[: table.links]]
    taken: set[str] = set()
    for table in found:
        table.name = unique(table.name, taken)
        taken.add(table.name.casefold())
    return found


def unique(name: str, taken: set[str]) -> str:
    """The name, with a number behind it if another like it is taken; `taken` holds names with their case folded."""
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{name} ({number})"
    return found
