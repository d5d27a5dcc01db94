"""Flattening by the native core: learn the first megabytes, lay tables out, fill them, and look whether it was right.

Columns are found while tables are filled, so a document is parsed once, but for its beginning. What the beginning did
not show (another record, a path that repeats too often, mixed content) makes the tables wrong: they are filled anew
with what is known by then (docs/decisions/0016).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ret_convert._core import Core, tally
from ret_convert.arrow import RecordBatch, pa
from ret_convert.batch import Batch, Restart
from ret_convert.conservation import MODULUS, Tally
from ret_convert.errors import RecordPathMissing
from ret_convert.flatten import Flattened, Warned, outside_warnings
from ret_convert.layout import DOCUMENT, TEXT, Options, TablePlan, Tables, tables
from ret_convert.naming import Names, table_columns, uniquely
from ret_convert.shape import Node, Shape, candidates

if TYPE_CHECKING:
    from ret_convert._core import Path

PREFIX = 1 << 20
"""Bytes that are learned before tables are laid out."""
FLUSH = 8 << 20
"""Bytes of waiting rows that become a batch."""
AHEAD = 2
"""Batches whose values may still be being counted."""
ASIDE = 1 << 20
"""Bytes of a batch from which on its values are counted in another thread."""
ATTEMPTS = 64
"""Readings at most. Each knows more than the one before it, so there are few."""
COLUMNS_EACH = 4
"""How many times the columns of a layout may come before it is given up while it is filled."""


class ReadAnew(Exception):
    """What a reading has given so far is void; the next one will not end like this."""


class Reading(Protocol):
    """How a document comes into the core."""

    def __call__(self, core: Core, limit: int | None, /) -> Iterator[int]:
        """Give the core everything, or about so many bytes; after each step the bytes that are done.

        Begins with the document's beginning each time. DocumentFailed when it cannot be read; ReadAnew.
        """
        ...


@dataclass
class Laid:
    """Tables as they were laid out: their plans, and the paths that are their rows.

    `nodes` has all paths by their number; `outside` is the root's table where the values in it have another place.
    `met` is how many paths and attributes had come when the tables were laid out.
    """

    plans: list[TablePlan]
    row_nodes: list[Node]
    nodes: list[Node]
    tables: Tables
    outside: TablePlan | None
    met: int = 0

    @property
    def rows(self) -> list[tuple[int, bool]]:
        """The rows as the core knows them."""
        return [_row(node) for node in self.row_nodes]

    @property
    def width(self) -> int:
        """Cells of a row of each table, all together, as far as the paths are known."""
        return sum(self.tables.branches.widths[node] for node in self.row_nodes)

    def same(self, other: Laid) -> bool:
        """Whether tables filled as this one are those of the other."""
        return self.rows == other.rows and [_links(one) for one in self.plans] == [_links(one) for one in other.plans]


def _links(plan: TablePlan) -> tuple[str, int, bool]:
    return plan.role, plan.links, plan.parent is None


class NativeFlattening:
    """One document on its way through the core."""

    def __init__(self, reading: Reading, options: Options, progress: Callable[[int], None]) -> None:
        self._read = reading
        self._options = options
        self._progress = progress
        self._core = Core()
        self._done = 0
        self._learned_bytes = 0
        self._written = Tally()
        self._counting: deque[Future[Tally]] = deque()
        self._result: Flattened | None = None

    def batches(self) -> Iterator[Batch | Restart]:
        """The rows of all tables; after a Restart those before it are void."""
        laid = self._learned()
        with ThreadPoolExecutor(1, thread_name_prefix="tally") as beside:
            for _ in range(ATTEMPTS):
                try:
                    other = yield from self._filled(laid, beside)
                except ReadAnew:
                    other = laid
                if other is None:
                    return
                laid = other
                self._counted(0)
                self._written = Tally()
                yield Restart()
        raise RuntimeError("a document's tables were laid out again and again")

    def result(self) -> Flattened:
        if self._result is None:
            raise RuntimeError("the batches have not all been taken")
        return self._result

    def _learned(self) -> Laid:
        """What the document's beginning says."""
        self._learn(PREFIX)
        if self._core.names > 1:
            with suppress(RecordPathMissing):
                return self._laid()
        # The root, or the record that is asked for, may come later: only the whole document knows.
        self._learn(None)
        return self._laid()

    def _learn(self, limit: int | None) -> None:
        """Read only to learn; again while there is news of mixed content."""
        for _ in range(ATTEMPTS):
            self._core.restart(None, 0)
            try:
                for done in self._read(self._core, limit):
                    self._learned_bytes = done
            except ReadAnew:
                continue
            if not self._core.news:
                return

    def _laid(self) -> Laid:
        return replace(lay_out(self._core.paths(), self._options), met=self._core.met)

    def _filled(self, laid: Laid, beside: ThreadPoolExecutor) -> Generator[Batch, None, Laid | None]:
        """Fill the tables. Another layout when this one turned out to be wrong, as far as the document was read."""
        core = self._core
        core.restart(laid.rows, COLUMNS_EACH * (laid.width + self._options.columns))
        nodes, known, done = laid.nodes, laid.met, 0
        for done in self._read(core, None):
            self._tell(done)
            if core.dirty:
                continue
            # What was learned of less than the layout knows says nothing against it.
            if done >= 2 * self._learned_bytes:
                self._learned_bytes = done
                found = self._laid()
                if not found.same(laid):
                    return found
            if core.met > known:
                nodes, known = _nodes(core.paths()), core.met
            yield from self._flushed(laid, nodes, beside, FLUSH)
        if core.news:
            self._learn(None)
            return self._laid()
        self._learned_bytes = max(self._learned_bytes, done)
        final = self._laid()
        if core.dirty or not final.same(laid):
            return final
        names = Names(final.nodes)
        for at, (plan, wanted) in enumerate(zip(laid.plans, final.plans, strict=True)):
            plan.name = wanted.name
            table_columns(plan, names, _row_node(final.nodes, laid.rows[at]), core.columns(at))
        yield from self._flushed(laid, final.nodes, beside, 0)
        self._result = self._told(laid, final)
        return None

    def _flushed(self, laid: Laid, nodes: Sequence[Node], beside: ThreadPoolExecutor, limit: int) -> Iterator[Batch]:
        """The rows that wait, of tables where they are more than the limit; `nodes` are all paths there are by now."""
        names = Names(nodes)
        for at, plan in enumerate(laid.plans):
            rows, held = self._core.held(at)
            if not rows or (limit and held <= limit):
                continue
            places = self._core.columns(at)
            table_columns(plan, names, _row_node(nodes, laid.rows[at]), places)
            _, schema, cells, starts, ends = self._core.take(at, plan.links, plan.parent is not None)
            batch: RecordBatch = pa.RecordBatch._import_from_c_capsule(schema, cells)  # noqa: SLF001 - Arrow's own protocol for capsules
            sources = [kind == "source" for kind, _, _ in places]
            if batch.nbytes < ASIDE:
                add(self._written, written(batch, plan.links, sources))
            else:
                self._counting.append(beside.submit(written, batch, plan.links, sources))
                self._counted(AHEAD)
            if plan is laid.outside:
                self._beside_first(laid, plan, batch)
            else:
                yield Batch(plan, batch, starts, ends)

    @staticmethod
    def _beside_first(laid: Laid, outside: TablePlan, batch: RecordBatch) -> None:
        """What is outside the records goes to the main table's first row."""
        cells = {name: column.to_pylist()[0] for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        found = [(column, cells.get(column.source)) for column in outside.columns]
        main = laid.tables.tables[0]
        named = uniquely([*main.columns, *(column for column, _ in found)])[len(main.columns) :]
        main.first = [(column, cell) for column, (_, cell) in zip(named, found, strict=True) if cell is not None]

    def _counted(self, left: int) -> None:
        """Wait until the values of all batches but so many are counted."""
        while len(self._counting) > left:
            add(self._written, self._counting.popleft().result())

    def _tell(self, done: int) -> None:
        """A second reading is told only where it is further than the first."""
        if done > self._done:
            self._done = done
            self._progress(done)

    def _told(self, laid: Laid, final: Laid) -> Flattened:
        count, digest = self._core.values
        self._counted(0)
        return Flattened(
            [plan for plan in laid.plans if plan is not laid.outside],
            Tally(count, digest),
            self._written,
            self._warnings(),
            "/".join(final.tables.branches.chosen.steps),
            [one for _, one in candidates(Shape(final.nodes[0]))],
        )

    def _warnings(self) -> list[Warned]:
        found = outside_warnings(*self._core.outside)
        if self._core.too_deep:
            found.append(Warned("XML_DEPTH", "Elements below level 512 were kept as source."))
        return found


def written(batch: RecordBatch, links: int, sources: Sequence[bool]) -> Tally:
    """The values in the cells of a batch, links left out; `sources` says which columns hold markup."""
    total = Tally()
    for column, source in zip(batch.columns[links:], sources, strict=True):
        _, offsets, data = column.buffers()
        count, digest = tally(offsets or b"", data or b"", column.offset, len(column), source)
        add(total, Tally(count, digest))
    return total


def add(total: Tally, more: Tally) -> None:
    """Count what was counted elsewhere."""
    total.count += more.count
    total.digest = (total.digest + more.digest) % MODULUS


def lay_out(paths: Sequence[Path], options: Options) -> Laid:
    """The tables for a document of these paths. RecordPathMissing if the order names a path that is not there."""
    nodes = _nodes(paths)
    shape = Shape(nodes[0])
    found = tables(shape, options)
    rows = dict(found.rows)
    outside = None
    if shape.root not in rows:
        outside = rows[shape.root] = TablePlan(DOCUMENT, "child")
    main = found.tables[0]
    order = [main, *(plan for plan in found.tables if plan is not main)] + ([outside] if outside else [])
    by_plan = {plan: node for node, plan in rows.items()}
    row_nodes = [by_plan[plan] for plan in order]
    return Laid(order, row_nodes, nodes, found, outside)


def _row(node: Node) -> tuple[int, bool]:
    """A path as the core knows it; runs of text beside children by the path of their parent."""
    return (node.parent.number, True) if node.key == TEXT and node.parent else (node.number, False)


def _row_node(nodes: Sequence[Node], row: tuple[int, bool]) -> Node:
    number, of_runs = row
    return Node(nodes[number], TEXT, TEXT) if of_runs else nodes[number]


def _nodes(paths: Sequence[Path]) -> list[Node]:
    nodes: list[Node] = []
    for number, path in enumerate(paths):
        above, key, name, count, most, runs, text, empty, source, values, attributes = path
        parent = nodes[above] if number else None
        node = Node(parent, key, name)
        node.number, node.count, node.most, node.runs, node.values = number, count, most, runs, values
        node.text, node.empty, node.source = text, empty, source
        node.attributes = {key: name for _, key, name in attributes}
        node.indexed = {at: key for at, key, _ in attributes}
        if parent is not None:
            node.place = len(parent.children)
            parent.children[key] = node
        nodes.append(node)
    return nodes
