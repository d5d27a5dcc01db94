"""A table of a document that is written back: its columns, its edits, its rows as they were, and where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ret_convert.arrow import pa, pc
from ret_convert.backxml.element import Element, element_at
from ret_convert.backxml.errors import NotWrittenBack
from ret_convert.backxml.making import Styles
from ret_convert.backxml.original import Original
from ret_convert.backxml.slots import Placed, Row, Slot, Slots, placed, slots_of, steps_of
from ret_convert.backxml.spans import Spans, holes
from ret_convert.editing.overlay import Overlay
from ret_convert.editing.rows import stored_rows
from ret_convert.layout import TEXT, Column, Kind
from ret_convert.names import local_name
from ret_convert.tables import columns_of

TRUE, FALSE = pa.scalar(True, pa.bool_()), pa.scalar(False, pa.bool_())  # noqa: FBT003 - values
LOST = "A row is not found where it was read."


class Sheet:
    """One table: `others` are all tables of the document."""

    def __init__(self, original: Original, parquet: Any, spans: Spans, overlay: Overlay, others: list[Sheet]) -> None:
        self.original = original
        self.overlay = overlay
        self.spans = spans
        self.others = others
        self._parquet = parquet
        self.columns = columns_of(parquet.schema_arrow)
        self.links = [column.name for column in self.columns if column.kind is Kind.LINK]
        self.styles = Styles(original, self._exemplar)
        self.depth = 0
        self.slots: Slots | None = None

    @property
    def own(self) -> list[Column]:
        """Columns of the rows' own elements; not those for values outside the rows."""
        found = [column for column in self.columns if column.kind is not Kind.LINK]
        if not self.depth:
            return found
        prefix = steps_of(found[0])[: self.depth]
        return [column for column in found if steps_of(column)[: self.depth] == prefix]

    @property
    def outside(self) -> list[Column]:
        """Columns with a cell in the first row only, for values that are in no row."""
        own = {column.name for column in self.own}
        return [column for column in self.columns if column.kind is not Kind.LINK and column.name not in own]

    def rows(self, numbers: Iterable[int]) -> Iterator[tuple[int, Row]]:
        """Rows as they were converted, by their rising numbers."""
        return stored_rows(self._parquet, numbers)

    def row(self, number: int) -> Row:
        """One row."""
        [(_, row)] = self.rows([number])
        return row

    def element(self, number: int) -> Element:
        """A row's element, without the rows of other tables in it."""
        start, end = self.spans.of(number)
        if start < 0 or end <= start:
            raise NotWrittenBack(reason=LOST)
        inner = [one.spans for one in self.others if one is not self]
        return element_at(self.original, start, end, holes(self.original, inner, start, end))

    def placed(self, number: int, row: Row | None = None) -> Placed:
        """A row's element with its values in their places. NotWrittenBack when they are not those of the row."""
        row = row if row is not None else self.row(number)
        element = self.element(number)
        slots = self.slots or self._found(element, row)
        found = placed(element, slots, row)
        if not found.is_row(slots, row):
            raise NotWrittenBack(reason=LOST)
        self.styles.learn(found)
        return found

    def laid(self) -> Slots:
        """The places of the table's columns, learned by its first row if need be."""
        return self.slots or self._found(self.element(1), self.row(1))

    def _found(self, element: Element, row: Row) -> Slots:
        """How deep the rows are: by which depth this element has exactly the row's values."""
        columns = [column for column in self.columns if column.kind is not Kind.LINK]
        steps = steps_of(columns[0]) if columns else []
        for depth in range(len(steps), 0, -1):
            if steps[depth - 1] != local_name(element.name):
                continue
            self.depth = depth
            slots = slots_of(self.own, depth, element.name)
            if slots is not None and placed(element, slots, row).is_row(slots, row):
                self.slots = slots
                return slots
        raise NotWrittenBack(reason=LOST)

    def _exemplar(self, slot: Slot) -> Placed | None:
        """A row that has something of this place."""
        columns = list(slot.columns())
        if not columns:
            return None
        first = self.first_with(columns)
        return self.placed(first) if first else None

    def first_with(self, columns: Sequence[str]) -> int:
        """The first row that has a cell in one of these columns; 0 for none."""
        at = 0
        for batch in self._parquet.iter_batches(columns=list(columns), use_threads=False):
            # By name, "Item" reads "Item.Name" as well.
            cells = [cell for name, cell in zip(batch.schema.names, batch.columns, strict=True) if name in columns]
            valid = [row for row in (pc.index(pc.is_valid(cell), TRUE).as_py() for cell in cells) if row >= 0]
            if valid:
                return at + min(valid) + 1
            at += batch.num_rows
        return 0

    def last_with(self, column: str, value: str) -> int:
        """The last row with this value; 0 for none."""
        at = found = 0
        for batch in self._parquet.iter_batches(columns=[column], use_threads=False):
            cells = batch.column(batch.schema.names.index(column))
            same = pc.indices_nonzero(pc.fill_null(pc.equal(cells, pa.scalar(value, pa.string())), FALSE))
            if len(same):
                found = at + same[-1].as_py() + 1
            at += batch.num_rows
        return found

    @property
    def of_runs(self) -> bool:
        """Whether the rows are runs of text beside children."""
        return self.spans.of_runs and bool(self.own) and steps_of(self.own[0])[-1] == TEXT

    def parent(self) -> Sheet | None:
        """The table whose rows those of this one stand in; by the first row."""
        if not len(self.spans):
            return None
        start = self.spans.of(1)[0]
        around = [
            (one.spans.of(row)[0], one)
            for one in self.others
            if one is not self and not one.of_runs and (row := one.spans.around(start)) is not None
        ]
        return max(around, key=lambda pair: pair[0])[1] if around else None
