"""Two small tables, aligned by whoever made them, stored as convert stores tables; what pages of them must show."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ret_diff.arrow import pa, pq
from ret_diff.artefact import Side, write
from ret_diff.cells import CellWork
from ret_diff.facts import Facts
from ret_diff.marks import Which
from ret_diff.meta import TableBlob
from ret_diff.model import (
    NOWHERE,
    Alignment,
    Column,
    ColumnStatus,
    KeyChoice,
    Kind,
    MatchedColumn,
    Options,
    Reading,
    Result,
)
from ret_diff.opened import Compared
from ret_diff.pages import ResultPage, ResultPages, Window
from ret_kit.blobs import Blobs

Cells = tuple[str | None, ...]
PREFIX = "sessions/s1/comparisons/c1/0/"
LINK = "_id"
NO_OPTIONS = Options()


@dataclass
class Memory:
    """A table in memory, as the engine reads it."""

    names: list[str]
    cells: list[Cells]
    reads: list[str] = field(default_factory=list[str])

    @property
    def rows(self) -> int:
        return len(self.cells)

    @property
    def columns(self) -> list[Column]:
        return [Column(name, kind=Kind.LINK if name == LINK else Kind.VALUE) for name in self.names]

    def read(self, names: Sequence[str]) -> Any:
        self.reads += names
        return pa.table({name: self.column(name) for name in names})

    def column(self, name: str) -> Any:
        at = self.names.index(name)
        return pa.array([row[at] for row in self.cells], pa.string())


@dataclass
class Pair:
    """Two tables, which row of B each row of A became (NOWHERE for none), and how their columns match."""

    a: Memory
    b: Memory
    partner: list[int]
    columns: list[MatchedColumn]
    moved: set[int] = field(default_factory=set[int])
    """Rows of A."""

    def alignment(self) -> Alignment:
        """In A's order, what was added behind the shown row that is before it in B."""
        taken = {b: a for a, b in enumerate(self.partner) if b != NOWHERE}
        behind: dict[int, list[int]] = {}
        last = NOWHERE
        for b in range(self.b.rows):
            last = taken.get(b, last)
            if b not in taken:
                behind.setdefault(last, []).append(b)
        shown = [(NOWHERE, b) for b in behind.get(NOWHERE, [])]
        for a, b in enumerate(self.partner):
            shown += [(a, b), *((NOWHERE, new) for new in behind.get(a, []))]
        rows = np.array(shown, np.int64).reshape(len(shown), 2)
        moved = np.array([a in self.moved for a, _ in shown], np.bool_)
        return Alignment(rows[:, 0].copy(), rows[:, 1].copy(), moved, np.full(len(shown), 255, np.uint8))

    def result(
        self,
        options: Options = NO_OPTIONS,
        reading: Reading | None = None,
        key: KeyChoice | None = None,
        *,
        at_hand: bool = True,
    ) -> Result:
        """As the engine gives it; `at_hand`: with the values of its cells."""
        alignment = self.alignment()
        work = CellWork(alignment, options, reading or Reading())
        for place, one in enumerate(self.columns):
            if NOWHERE not in (one.a, one.b) and one.name != LINK:
                left, right = self.a.column(self.a.names[one.a]), self.b.column(self.b.names[one.b])
                both = pa.concat_arrays([left, right]).dictionary_encode(null_encoding="encode")
                codes = np.asarray(both.indices)
                work.coded(place, codes[: self.a.rows], codes[self.a.rows :], both.dictionary, ignored=not one.compared)
        found = work.conclude(self.columns)
        return Result(
            columns=found.columns,
            key=key or KeyChoice(),
            runner_ups=(),
            alignment=alignment,
            status=found.status,
            cells=found.cells,
            counts=found.counts,
            patterns=found.patterns,
            patterns_total=found.patterns_total,
            notes=(),
            values=found.values if at_hand else None,
        )

    def shown(self, result: Result) -> list[dict[str, Any]]:
        """What all pages of the full view with all columns are together, cell by cell from the two tables."""
        states = {
            (one.column, position): state
            for one in result.cells
            for position, state in zip(one.positions.tolist(), one.states.tolist(), strict=True)
        }
        rows: list[dict[str, Any]] = []
        alignment = result.alignment
        for position, (a, b) in enumerate(zip(alignment.a_rows.tolist(), alignment.b_rows.tolist(), strict=True)):
            own = [states.get((at, position), 0) for at in range(len(self.columns))]
            rows.append(
                {
                    "status": ("same", "changed", "added", "removed")[int(result.status[position])],
                    "moved": bool(alignment.moved[position]),
                    "a_row": None if a == NOWHERE else a + 1,
                    "b_row": None if b == NOWHERE else b + 1,
                    "a": None
                    if a == NOWHERE
                    else [None if one.a == NOWHERE else self.a.cells[a][one.a] for one in self.columns],
                    "b": None
                    if b == NOWHERE
                    else [None if one.b == NOWHERE else self.b.cells[b][one.b] for one in self.columns],
                    "changed": [at for at, state in enumerate(own) if state in (1, 2)],
                    "format_only": [at for at, state in enumerate(own) if state == 2],
                }
            )
        return rows


def random_pair(seed: int, rows: int = 60, *, change: float = 0.1, shuffled: bool = False) -> Pair:
    """Tables with everything that may happen to rows and columns: some of A alone, of B alone, renamed, ignored."""
    rng = random.Random(seed)
    names_a = [LINK, "Key", "Name", "Amount", "Old", "Was", "Left.Out"]
    names_b = ["Key", "New", LINK, "Name", "Amount", "Now", "Left.Out"]

    def value() -> str | None:
        return rng.choice([None, "", "x", "Y", "1.0", "1", "2026-01-13", "ä💶", 'a,"b"\n'])

    a: list[Cells] = [(str(at), f"K{at}", value(), value(), value(), value(), value()) for at in range(rows)]
    kept = [at for at in range(rows) if rng.random() > change / 2]
    moved: set[int] = set()
    if shuffled:
        rng.shuffle(kept)
        moved = {at for at in kept if rng.random() < 0.7}
    b: list[Cells] = []
    partner = [NOWHERE] * rows
    for at in kept:
        while rng.random() < change / 2:
            b.append((f"N{len(b)}", value(), str(len(b)), value(), value(), value(), value()))
        partner[at] = len(b)
        old = a[at]
        new = [cell if rng.random() > change else value() for cell in (old[2], old[3], old[5], old[6])]
        b.append((old[1], value(), str(len(b)), *new))
    status = ColumnStatus
    columns = [
        MatchedColumn(0, 2, LINK, status.SAME, compared=False),
        MatchedColumn(1, 0, "Key", status.SAME, compared=True),
        MatchedColumn(NOWHERE, 1, "New", status.ADDED, compared=False),
        MatchedColumn(2, 3, "Name", status.SAME, compared=True),
        MatchedColumn(3, 4, "Amount", status.SAME, compared=True),
        MatchedColumn(4, NOWHERE, "Old", status.REMOVED, compared=False),
        MatchedColumn(5, 5, "Was", status.RENAMED, compared=True),
        MatchedColumn(6, 6, "Left.Out", status.IGNORED, compared=False),
    ]
    return Pair(Memory(names_a, a), Memory(names_b, b), partner, columns, moved)


@dataclass
class Store:
    """A blob store with the tables of a pair, and the pages of its results."""

    folder: Path
    blobs: Blobs = field(init=False)
    pages: ResultPages = field(init=False)

    def __post_init__(self) -> None:
        self.blobs = Blobs(self.folder.as_uri())
        self.pages = ResultPages(self.blobs)

    def table(self, memory: Memory, name: str, numbers: Sequence[int] = (), group: int = 16) -> TableBlob:
        """Stored as convert does it, in row groups of `group` rows."""
        out = pa.BufferOutputStream()
        pq.write_table(memory.read(memory.names), out, row_group_size=group)
        key = f"sessions/s1/collections/{name}.parquet"
        stored = self.blobs.put_sync(key, out.getvalue().to_pybytes())
        where = TableBlob(key, stored.size, memory.rows)
        if not numbers:
            return where
        sink = pa.BufferOutputStream()
        table = pa.table({"row": pa.array(numbers, pa.int64())})
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        self.blobs.put_sync(f"{key}.numbers", sink.getvalue().to_pybytes())
        return replace(where, numbers_key=f"{key}.numbers")

    def written(self, pair: Pair, result: Result, group: int = 16) -> tuple[Facts, Compared]:
        """(what is told, the stored result)."""
        sides = Side(pair.a, self.table(pair.a, "a", group=group)), Side(pair.b, self.table(pair.b, "b", group=group))
        facts = write(self.blobs, PREFIX, result, *sides)
        return facts, Compared(facts.prefix, sides[0].blob, sides[1].blob)

    def rows(self, of: Compared, view: Which, limit: int = 1000, *, all_columns: bool = True) -> list[dict[str, Any]]:
        """All pages of a view together."""
        return [row for page in self.pages_of(of, view, limit, all_columns=all_columns) for row in page]

    def pages_of(
        self, of: Compared, view: Which, limit: int, *, all_columns: bool = True
    ) -> list[list[dict[str, Any]]]:
        """The pages of a view, each of so many rows."""
        found: list[list[dict[str, Any]]] = []
        total = 1
        while len(found) * limit < total:
            page = self.pages.rows(of, Window(view, len(found) * limit, limit, all_columns=all_columns))
            total = page.total
            found.append(self.json(page))
        return found

    def json(self, page: ResultPage) -> list[dict[str, Any]]:
        """The rows of a page."""
        return json.loads(b"".join(page.pieces()))
