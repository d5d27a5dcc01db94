"""Views of one table in a store, and a plain Python model of which rows they have, in which order."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cmp_to_key
from pathlib import Path
from typing import Any

from convert_documents import store

from ret_convert.arrow import pa, pq
from ret_convert.editing.log import Entry, Head, entry_key
from ret_convert.editing.overlay import Changes, Edit, Insert
from ret_convert.views import building
from ret_convert.views.building import Rows, Told, ViewOrder, name_of

Cell = str | None
KEY = "sessions/s1/0.parquet"
PREFIX = "sessions/s1/0.views/000001-a/"
NUMBER = re.compile(r"[+-]?[0-9]{1,38}(\.[0-9]+)?")


# --- the model ---------------------------------------------------------------------------------------------------


def compared(one: Cell, other: Cell, *, number: bool, descending: bool) -> int:
    """Which of two cells comes first."""
    if not one or not other:
        return bool(not one) - bool(not other)
    numeric = [number and NUMBER.fullmatch(cell) is not None for cell in (one, other)]
    if numeric[0] != numeric[1]:
        return -1 if numeric[0] else 1
    keys: list[Any] = (
        [(float(cell), int(cell.split(".")[0])) for cell in (one, other)]
        if numeric[0]
        else [(cell.lower(), cell) for cell in (one, other)]
    )
    result = (keys[0] > keys[1]) - (keys[0] < keys[1])
    return -result if descending else result


def in_order(rows: dict[int, list[Cell]], by: Sequence[tuple[int, bool, bool]]) -> list[int]:
    """Row numbers in the order of (column, number, descending)."""

    def compare(one: int, other: int) -> int:
        for column, number, descending in by:
            found = compared(rows[one][column], rows[other][column], number=number, descending=descending)
            if found:
                return found
        return 0

    return sorted(rows, key=cmp_to_key(compare))


def holds(cell: Cell, op: str, value: Any, *, number: bool) -> bool:
    """Whether a condition holds for a cell."""
    if op in ("empty", "not_empty"):
        return (not cell) == (op == "empty")
    if cell is None:
        return op == "ne"
    if op in ("lt", "le", "gt", "ge"):
        numeric = number and NUMBER.fullmatch(value) is not None
        if not cell or (numeric and not NUMBER.fullmatch(cell)):
            return False
        keys: list[Any] = (
            [(float(one), int(one.split(".")[0])) for one in (cell, value)]
            if numeric
            else [cell.lower(), value.lower()]
        )
        return {"lt": keys[0] < keys[1], "le": keys[0] <= keys[1], "gt": keys[0] > keys[1], "ge": keys[0] >= keys[1]}[
            op
        ]
    return {
        "eq": lambda: cell == value,
        "ne": lambda: cell != value,
        "contains": lambda: value.lower() in cell.lower(),
        "starts": lambda: cell.lower().startswith(value.lower()),
        "ends": lambda: cell.lower().endswith(value.lower()),
        "in": lambda: cell in value,
        "regex": lambda: re.search(value, cell) is not None,
    }[op]()


# --- the product -------------------------------------------------------------------------------------------------


class Bench:
    """A store with one table, maybe with edits, and views that are built of it."""

    def __init__(self, folder: Path) -> None:
        self.url, self.blobs = store(folder)
        self.size = self.rows = 0
        self.version = 1
        self.told: list[Told] = []

    def put(
        self, columns: Mapping[str, Sequence[Cell]], *, group: int = 10, dictionary: bool | list[str] = True
    ) -> Bench:
        table = pa.table([pa.array(cells, pa.string()) for cells in columns.values()], names=list(columns))
        out = pa.BufferOutputStream()
        pq.write_table(table, out, row_group_size=group, use_dictionary=dictionary, write_page_checksum=True)
        self.rows = table.num_rows
        self.size = self.blobs.put_sync(KEY, out.getvalue().to_pybytes()).size
        self.version = 1
        self.blobs.delete_prefix_sync("sessions/s1/0.edits/")
        return self

    def edit(self, *, edits: Sequence[Edit] = (), inserts: Sequence[Insert] = (), deletes: Sequence[int] = ()) -> Bench:
        """One version more."""
        self.version += 1
        top = max([self.rows, *(one.row for one in inserts)])
        head = Head(
            version=self.version, at=0, user="u", kind="edit", of=0, edits=1, inserts=len(inserts), top=top, size=1,
            nonce="n", key="",
        )  # fmt: skip
        entry = Entry(head, Changes(edits, inserts, deletes))
        self.blobs.put_sync(entry_key(KEY, self.version), entry.encoded())
        return self

    def order(self, start: int, end: int, columns: Sequence[str], **given: Any) -> ViewOrder:
        order = ViewOrder(
            blobs=self.url, key=KEY, size=self.size, rows=self.rows, version=self.version, prefix=PREFIX, filter="",
            sort="", numbers={}, page=Rows(start=start, end=end, columns=list(columns)), quiet=False,
        )  # fmt: skip
        order.update(given)  # pyright: ignore[reportCallIssue, reportArgumentType] - fields of an order
        return order

    def write(self, line: bytes) -> None:
        self.told.append(json.loads(line))

    def build(self, start: int, end: int, columns: Sequence[str], **given: Any) -> list[tuple[int, list[Cell]]]:
        """The page of a new view."""
        self.blobs.delete_prefix_sync("sessions/s1/0.views/")
        self.told.clear()
        building.build(dict(self.order(start, end, columns, **given)), self.write)
        return self.page(start, end)

    def gather(self, start: int, end: int, columns: Sequence[str], **given: Any) -> list[tuple[int, list[Cell]]]:
        """A page of a view whose order is there."""
        self.told.clear()
        building.gather(dict(self.order(start, end, columns, **given)), self.write)
        return self.page(start, end)

    def page(self, start: int, end: int) -> list[tuple[int, list[Cell]]]:
        """The page, out of what was gathered first of it."""
        matched = next((one["matched"] for one in self.told if "matched" in one), end)
        low, high = min(start, matched), min(end, matched)
        for one in self.told:
            if "rows" in one and one["rows"]["start"] <= low and high <= one["rows"]["end"]:
                return self.gathered(one["rows"])[low - one["rows"]["start"] :][: high - low]
        assert low == high
        return []

    def gathered(self, rows: Rows) -> list[tuple[int, list[Cell]]]:
        data = self.blobs.get_sync(PREFIX + name_of(rows))
        table = pa.ipc.open_file(pa.BufferReader(data)).read_all()
        return [
            (number, list(cells)) for number, *cells in zip(*(one.to_pylist() for one in table.columns), strict=True)
        ]

    @property
    def matched(self) -> int:
        return next(one["matched"] for one in self.told if "matched" in one)


def numbers(page: Sequence[tuple[int, list[Cell]]]) -> list[int]:
    return [number for number, _ in page]


def condition(column: str, op: str, value: Any = None) -> str:
    return json.dumps([{"column": column, "op": op, "value": value}])
