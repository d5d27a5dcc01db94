"""The parse that fills the rows of a plan; memory follows the rows that are open and the batch, not the document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ret_convert.arrow import RecordBatch, batch_of
from ret_convert.blocks import NONE, Plan, Route
from ret_convert.capture import Capture
from ret_convert.conservation import Tally, stripped, values_of_source
from ret_convert.layout import Kind, Options, TablePlan
from ret_convert.names import NIL, Scope, declares, outermost

Cells = list[str | None]
NOWHERE = Route()
NO_SCOPE = outermost()


@dataclass(frozen=True)
class Batch:
    """Rows of one table, at most some megabytes of them: one string column for each column of the table.

    `starts` and `ends` are where the element of each row stands in the document (bytes; int64, -1 is nowhere), for
    documents of which that is known.
    """

    table: TablePlan
    columns: RecordBatch
    starts: bytes = b""
    ends: bytes = b""


@dataclass(frozen=True)
class Restart:
    """Everything before it is void: the tables were laid out wrongly."""


class Rows:
    """The rows of one table that wait for their batch."""

    def __init__(self, table: TablePlan, options: Options) -> None:
        self.table = table
        self.width = len(table.columns)
        self.opened = 0
        self.waiting: list[Cells] = []
        self.limit = max(1, min(options.rows, options.cells // max(1, self.width)))

    def batch(self, written: Tally) -> Batch:
        """What waits, as a batch; its values are added to `written` as they stand in the cells."""
        columns = [list(cells) for cells in zip(*self.waiting, strict=True)]
        self.waiting.clear()
        for column, cells in zip(self.table.columns, columns, strict=True):
            if column.kind is Kind.SOURCE:
                for source in cells:
                    if source is not None:
                        written.add(values_of_source(source))
            elif column.kind is not Kind.LINK:
                written.add(stripped(cells))
        return Batch(self.table, batch_of(columns, [column.name for column in self.table.columns]))


class Open:
    """An element that is open; one of these a level, used again and again."""

    __slots__ = ("base", "counts", "identity", "leaf", "nil", "route", "row", "rows", "scope")

    def __init__(self) -> None:
        self.route = NOWHERE
        self.row: Cells = []
        self.base = 0
        self.counts: dict[Route, int] = {}
        self.leaf = True
        self.nil = False
        self.scope: Scope = NO_SCOPE
        self.rows: Rows | None = None
        self.identity = ""
        """Of the row in which the element stands."""


class Builder:
    """The handlers of the parse that fills rows, and the batches that are ready.

    `sources` are the ordinals of the elements whose inside stays source, in document order.
    """

    def __init__(self, plan: Plan, top: Route, sources: Iterator[int], options: Options, written: Tally) -> None:
        self._rows = {table: Rows(table, options) for table in plan.tables}
        if plan.outside_table is not None:
            self._rows[plan.outside_table] = Rows(plan.outside_table, options)
        self._written = written
        self._sources = sources
        self._next_source = next(sources, 0)
        self._ordinal = 0
        self._depth = 0
        self._skipped = 0
        self._capture: Capture | None = None
        self._text: list[str] = []
        self._open = [Open()]
        self._frame = self._open[0]
        self._frame.scope = outermost()
        self._frame.route = top
        self.ready: list[Batch] = []
        self.first: Cells = []
        """What stands at the end of the main table's first row already."""
        self.text: Callable[[str], object] = self._text.append

    def start(self, written: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._ordinal += 1
        if self._skipped or self._capture is not None:
            self._start_inside(written, attributes)
            return
        frame = self._frame
        if self._text:
            self._run(frame, self._taken())
        frame.leaf = False
        scope = frame.scope
        if attributes and declares(attributes):
            scope = scope.within(attributes)
        route = frame.route.children.get(scope.elements[written])
        if route is None:
            self._skipped = 1
            return
        self._depth += 1
        try:
            inner = self._open[self._depth]
        except IndexError:
            inner = Open()
            self._open.append(inner)
        self._frame = inner
        inner.route = route
        inner.scope = scope
        inner.leaf = True
        inner.nil = False
        if route.counts:
            inner.counts = {}
        if route.table is not None:
            self._open_row(frame, inner, route, route.table)
        else:
            inner.row = frame.row
            inner.rows = frame.rows
            inner.identity = frame.identity
            inner.base = frame.base + route.offset
            if route.numbered:
                inner.base += self._number(frame, route) * route.width
        if attributes:
            self._attributes(inner, attributes)
        if self._ordinal == self._next_source:
            self._next_source = next(self._sources, 0)
            self._capture = Capture()

    def _start_inside(self, written: str, attributes: dict[str, str]) -> None:
        """An element begins in one that is left out, or that stays source."""
        if self._capture is None:
            self._skipped += 1
            self._text.clear()
            return
        if self._text:
            self._capture.text(self._taken())
        self._capture.start(written, attributes)

    def _attributes(self, frame: Open, attributes: dict[str, str]) -> None:
        scope, places, base, row = frame.scope, frame.route.attributes, frame.base, frame.row
        keys = scope.told_apart(attributes) if scope.doubled else scope.attributes
        for written, value in attributes.items():
            key = keys[written]
            place = places.get(key, NONE)
            if place != NONE:
                row[base + place] = value
                if key == NIL:
                    frame.nil = True

    @staticmethod
    def _number(frame: Open, route: Route) -> int:
        """How many of this path came before in the same parent."""
        before = frame.counts.get(route, 0)
        frame.counts[route] = before + 1
        return before

    def _open_row(self, outer: Open, inner: Open, route: Route, table: TablePlan) -> None:
        """A row begins with an element, or with a run of text."""
        number = self._number(outer, route)
        inner.rows = rows = self._rows[table]
        rows.opened += 1
        row: Cells = [None] * rows.width
        inner.row = row
        inner.base = table.links
        inner.identity = str(rows.opened)
        if table.links:
            row[0] = inner.identity
        if table.links > 1:
            row[1] = outer.identity if table.parent is not None else None
            row[2] = str(number + 1)
        if self.first:
            row[rows.width - len(self.first) :] = self.first
            self.first = []

    def _taken(self) -> str:
        """The run of text that ends here."""
        text = self._text
        run = text[0] if len(text) == 1 else "".join(text)
        text.clear()
        return run

    def _run(self, frame: Open, run: str) -> None:
        """A run of text beside children; blanks between tags are no text."""
        route = frame.route.runs
        if route is None or not run.strip():
            return
        if route.table is not None:
            inner = Open()
            self._open_row(frame, inner, route, route.table)
            inner.row[inner.base + route.text] = run
            self._close_row(inner)
        else:
            place = frame.base + route.offset + (self._number(frame, route) * route.width if route.numbered else 0)
            frame.row[place + route.text] = run

    def end(self, written: str) -> None:
        """An element ends."""
        if self._skipped:
            self._skip_end()
            return
        run = self._taken() if self._text else ""
        frame = self._frame
        capture = self._capture
        if capture is not None:
            if run:
                capture.text(run)
            if capture.open:
                capture.end(written)
                return
            frame.row[frame.base + frame.route.source] = capture.source()
            self._capture = None
        elif frame.leaf and frame.route.text != NONE:
            if run or not frame.nil:
                frame.row[frame.base + frame.route.text] = run
        elif run:
            self._run(frame, run)
        if frame.route.table is not None:
            self._close_row(frame)
        self._depth -= 1
        self._frame = self._open[self._depth]

    def _skip_end(self) -> None:
        """The end of an element that is left out, with the sources that were recognised in it."""
        self._text.clear()
        self._skipped -= 1
        if not self._skipped:
            while self._next_source and self._next_source <= self._ordinal:
                self._next_source = next(self._sources, 0)

    def _close_row(self, frame: Open) -> None:
        rows = frame.rows
        if rows is not None:
            rows.waiting.append(frame.row)
            if len(rows.waiting) >= rows.limit:
                self.ready.append(rows.batch(self._written))

    def flush(self) -> None:
        """Make batches of all rows that have ended."""
        self.ready.extend(rows.batch(self._written) for rows in self._rows.values() if rows.waiting)

    def rows(self, table: TablePlan) -> list[Cells]:
        """The rows of a table that wait."""
        return self._rows[table].waiting
