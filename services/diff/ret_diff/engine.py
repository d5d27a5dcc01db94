"""Two tables compared: columns, rows, cells, without anyone having declared a key.

The steps are those of the design: columns by name; equal rows as a multiset; the others by the best key there is, and
then by what they have in common; moves; cells. Results depend on nothing but the contents: the sides are put into an
order of their own first, so that comparing B with A is comparing A with B seen from the other side, to the last tie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ret_diff import columns, keyed, moves, renames
from ret_diff.align import Found, aligned
from ret_diff.arrow import pc
from ret_diff.cells import CellWork
from ret_diff.cells import Found as Cells
from ret_diff.columns import Pair
from ret_diff.costs import costs as costs_of
from ret_diff.encode import Coded, encoded, numbered
from ret_diff.equal import grouped
from ret_diff.hashes import Hashes
from ret_diff.links import Links
from ret_diff.model import (
    NOWHERE,
    Alignment,
    Int64s,
    KeyChoice,
    Kind,
    MatchedColumn,
    Note,
    Options,
    Parents,
    Reading,
    Result,
    Source,
)
from ret_diff.orientation import forward
from ret_diff.rows import Rest, Tables
from ret_diff.spill import Shelf
from ret_diff.values import together

PARENT_ID = "_parent_id"
KEY_NOT_FOUND = "KEY_NOT_FOUND"
KEY_NOT_UNIQUE = "KEY_NOT_UNIQUE"


@dataclass(frozen=True)
class Costs:
    """What decides which rows are paired.

    `weights`: of a changed cell, by A's name of its column; `row_cost`: of a row which is removed or added.
    """

    weights: Mapping[str, int]
    row_cost: int


def compare(
    a: Source,
    b: Source,
    options: Options,
    reading_a: Reading,
    reading_b: Reading,
    parents: Parents | None = None,
) -> Result:
    """Compare two tables. `parents`: for tables whose rows belong to rows of another one, which was compared before.

    The sources are read from several threads.
    """
    with Shelf() as shelf:
        return _Comparison(a, b, options, together(reading_a, reading_b), shelf, _belonging(a, b, parents)).result()


def costs(a: Source, b: Source, options: Options, reading_a: Reading, reading_b: Reading) -> Costs:
    """What it costs to change A into B, cell by cell and row by row, where no key is given."""
    with Shelf() as shelf:
        comparison = _Comparison(a, b, options, together(reading_a, reading_b), shelf, None)
        compared = comparison.compared
        found = costs_of(comparison.tables(compared))
    weights = dict(zip((comparison.layout[at].name for at in compared), found.weights.tolist(), strict=True))
    return Costs(weights, found.replaced // 2)


class _Comparison:
    """Two tables while they are compared; columns are encoded when they are needed, and once."""

    def __init__(
        self,
        a: Source,
        b: Source,
        options: Options,
        reading: Reading,
        shelf: Shelf,
        belonging: tuple[Int64s, Int64s] | None,
    ) -> None:
        self._a, self._b, self._options, self._reading, self._shelf = a, b, options, reading, shelf
        self._belonging = belonging
        self._pairs = columns.by_name(a.columns, b.columns)
        left_a, left_b = columns.left_over(a.columns, b.columns, self._pairs)
        out = set(options.ignore_columns)
        self._left = (
            [at for at in left_a if a.columns[at].name not in out],
            [at for at in left_b if b.columns[at].name not in out],
        )
        self._codes: dict[Pair, Coded] = {}
        self._lay_out(renames.likely(a, b, self._left) if all(self._left) else [])

    def _lay_out(self, renamed: list[Pair]) -> None:
        self._renamed = renamed
        self.layout = columns.laid_out(self._a.columns, self._b.columns, self._pairs, self._options, renamed)
        self.both = [at for at, one in enumerate(self.layout) if NOWHERE not in (one.a, one.b) and not self._link(one)]
        """The columns that both sides have, links left out."""
        self.compared = [at for at in self.both if self.layout[at].compared]

    def result(self) -> Result:
        given, notes = self._given()
        if given and self._belonging is None:
            key = self._names(given)
            with keyed.Columns(self._a, self._b, self._names(self.both), key) as ahead:
                paired = keyed.paired(ahead.whole(key), self._options, self._reading)
                if paired is not None:
                    return self._by_key(*paired, ahead, notes)
        found, key, notes = self._paired(given, notes)
        confirmed = self._confirmed(found.links)
        if confirmed != self._renamed:
            # What was taken for renamed decided which rows belong together, or can do so now.
            self._lay_out(confirmed)
            found, key, notes = self._paired(*self._given())
        alignment = moves.shown(found.links)
        work = CellWork(alignment, self._options, self._reading)
        for at, one in zip(self.both, self._encoded(self.both), strict=True):
            work.coded(at, one.a, one.b, one.values, ignored=not self.layout[at].compared)
        runner_ups = [one.choice(self.compared) for one in found.runner_ups]
        return _told(alignment, work.conclude(self.layout), key, runner_ups, notes)

    def tables(self, compared: Sequence[int]) -> Tables:
        """The compared columns as numbers."""
        names = [min(pair) for pair in self._names(compared)]
        rows, belonging = (self._a.rows, self._b.rows), self._belonging
        return Tables(names, self._encoded(compared), rows, self._options, self._reading, belonging, belonging)

    def _encoded(self, places: Sequence[int]) -> list[Coded]:
        """Columns as numbers; those that were not needed before are read now."""
        pairs = [(self.layout[at].a, self.layout[at].b) for at in places]
        new = [pair for pair in pairs if pair not in self._codes]
        names = [(self._a.columns[one].name, self._b.columns[other].name) for one, other in new]
        self._codes.update(zip(new, encoded(self._a, self._b, names, self._shelf), strict=True))
        return [self._codes[pair] for pair in pairs]

    def _given(self) -> tuple[tuple[int, ...], list[Note]]:
        """The places of the columns of the given key; none where one of them is not on both sides."""
        by_name = {name: at for at in self.both for name in reversed(self._names([at])[0])}
        missing = [name for name in self._options.keys if name not in by_name]
        if missing:
            return (), [Note(KEY_NOT_FOUND, f"{_list(missing)} is not on both sides; the key was looked for instead.")]
        return tuple(dict.fromkeys(by_name[name] for name in self._options.keys)), []

    def _paired(self, given: tuple[int, ...], notes: list[Note]) -> tuple[Found, KeyChoice, list[Note]]:
        """The pairs of rows, the key, and what there is to say about it."""
        tables = self.tables(self.compared)
        if given:
            blocks = self._blocks(tables, given)
            if any(len(np.unique(side)) < len(side) for side in blocks):
                detail = f"{_list(self._options.keys)} is the same in several rows; those are paired by what is alike."
                notes = [*notes, Note(KEY_NOT_UNIQUE, detail)]
            tables = replace(tables, blocks=blocks)
        way = forward(tables)
        strangers = not self.both and any(self._left)
        found = aligned(tables if way else tables.flipped(), given=bool(given), strangers=strangers)
        # Which of two exchanged rows has moved is decided before the sides are put back.
        found.links.moved = moves.moved(found.links.a)
        links = found.links if way else found.links.flipped()
        key = found.key.choice(self.compared) if found.key else KeyChoice()
        return replace(found, links=links), KeyChoice(given, 1.0, given=True) if given else key, notes

    def _blocks(self, tables: Tables, key: Sequence[int]) -> tuple[Int64s, Int64s]:
        """The number of each row's key, and of what it belongs to."""
        everything = np.arange(tables.rows[0]), np.arange(tables.rows[1])
        rest = Rest(replace(tables, columns=self._encoded(key)), everything)
        of_a, of_b, _ = grouped(*rest.hashes(rest.forms))
        return of_a, of_b

    def _confirmed(self, links: Links) -> list[Pair]:
        """The columns that are renamed, as the aligned rows show it."""
        if not all(self._left):
            return []
        return renames.confirmed(self._a, self._b, self._left, links, self._options, self._reading)

    def _by_key(self, links: Links, keys: Hashes, ahead: keyed.Columns, notes: list[Note]) -> Result:
        """The result for rows that are paired by a given key."""
        self._lay_out(self._confirmed(links))
        names = dict(zip(self.both, self._names(self.both), strict=True))
        found = ahead.differences(list(names.values()), links)
        links.moved = keyed.moved(links, keys)
        alignment = moves.shown(links)
        work = CellWork(alignment, self._options, self._reading)
        places = np.flatnonzero(alignment.a_rows != NOWHERE)
        for at, (rows, old, new) in zip(self.both, found, strict=True):
            work.differing(at, places[rows], old, new, ignored=not self.layout[at].compared)
        cells = replace(work.conclude(self.layout), values=ahead.at_hand(names))
        return _told(alignment, cells, KeyChoice(self._given()[0], 1.0, given=True), (), notes)

    def _names(self, places: Sequence[int]) -> list[tuple[str, str]]:
        """What columns are called in A and in B."""
        matched = [self.layout[at] for at in places]
        return [(self._a.columns[one.a].name, self._b.columns[one.b].name) for one in matched]

    def _link(self, column: MatchedColumn) -> bool:
        return Kind.LINK in {self._a.columns[column.a].kind, self._b.columns[column.b].kind}


def _told(
    alignment: Alignment, cells: Cells, key: KeyChoice, runner_ups: Sequence[KeyChoice], notes: list[Note]
) -> Result:
    return Result(
        cells.columns,
        key,
        tuple(runner_ups),
        alignment,
        cells.status,
        cells.cells,
        cells.counts,
        cells.patterns,
        tuple(notes),
        cells.patterns_total,
        cells.values,
    )


def _belonging(a: Source, b: Source, parents: Parents | None) -> tuple[Int64s, Int64s] | None:
    """The number of the pair of parents that each row belongs to, where a table has parents."""
    if parents is None or not all(PARENT_ID in {one.name for one in side.columns} for side in (a, b)):
        return None
    of_a, of_b, _ = grouped(_parents(a, parents.a), _parents(b, parents.b))
    return of_a, of_b


def _parents(side: Source, pairs: Int64s) -> Int64s:
    codes, values = numbered(side.read([PARENT_ID]).columns)
    ids = np.asarray(pc.fill_null(pc.cast(values, "int64"), NOWHERE), np.int64)
    known = (ids >= 0) & (ids < len(pairs))
    of_value = np.full(len(ids), NOWHERE, np.int64)
    of_value[known] = pairs[ids[known]]
    return of_value[codes]


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
