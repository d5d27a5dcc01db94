"""Two tables compared: columns, rows, cells, without anyone having declared a key.

The steps are those of the design: columns by name; equal rows as a multiset; the others by the best key there is, and
then by what they have in common; moves; cells. Results depend on nothing but the contents: the sides are put into an
order of their own first, so that comparing B with A is comparing A with B seen from the other side, to the last tie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ret_diff import columns, moves
from ret_diff.align import Found, aligned
from ret_diff.arrow import pc
from ret_diff.cells import CellWork
from ret_diff.costs import costs as costs_of
from ret_diff.encode import Coded, encoded, numbered
from ret_diff.equal import grouped
from ret_diff.model import (
    NOWHERE,
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


@dataclass(frozen=True)
class _Encoded:
    """The columns that both sides have; `places` among all, rising; `compared`: those that are looked at."""

    places: Sequence[int]
    codes: Mapping[int, Coded]
    compared: Sequence[int]
    tables: Tables


def compare(
    a: Source,
    b: Source,
    options: Options,
    reading_a: Reading,
    reading_b: Reading,
    parents: Parents | None = None,
) -> Result:
    """Compare two tables. `parents`: for tables whose rows belong to rows of another one, which was compared before."""
    pairs = columns.by_name(a.columns, b.columns)
    layout = columns.laid_out(a.columns, b.columns, pairs, options)
    reading = together(reading_a, reading_b)
    with Shelf() as shelf:
        whole = _encoded(a, b, layout, options, (reading, parents), shelf)
        found, key, notes = _paired(whole, layout, options)
        alignment = moves.shown(found.links)
        work = CellWork(alignment, options, reading)
        for at in whole.places:
            one = whole.codes[at]
            work.coded(at, one.a, one.b, one.values, ignored=not layout[at].compared)
        cells = work.conclude(layout)
    return Result(
        cells.columns,
        key,
        tuple(one.choice(whole.compared) for one in found.runner_ups),
        alignment,
        cells.status,
        cells.cells,
        cells.counts,
        cells.patterns,
        tuple(notes),
        cells.patterns_total,
        cells.values,
    )


def costs(a: Source, b: Source, options: Options, reading_a: Reading, reading_b: Reading) -> Costs:
    """What it costs to change A into B, cell by cell and row by row, where no key is given."""
    layout = columns.laid_out(a.columns, b.columns, columns.by_name(a.columns, b.columns), options)
    with Shelf() as shelf:
        whole = _encoded(a, b, layout, options, (together(reading_a, reading_b), None), shelf)
        found = costs_of(whole.tables)
    weights = dict(zip((layout[at].name for at in whole.compared), found.weights.tolist(), strict=True))
    return Costs(weights, found.replaced // 2)


def _encoded(
    a: Source,
    b: Source,
    layout: Sequence[MatchedColumn],
    options: Options,
    readings: tuple[Reading, Parents | None],
    shelf: Shelf,
) -> _Encoded:
    """Read and encode all columns that both sides have, links left out."""
    places = [at for at, one in enumerate(layout) if one.a >= 0 and one.b >= 0 and not _is_link(a, b, one)]
    names = [(a.columns[layout[at].a].name, b.columns[layout[at].b].name) for at in places]
    codes = dict(zip(places, encoded(a, b, names, shelf), strict=True))
    compared = [at for at in places if layout[at].compared]
    name_of = {at: min(pair) for at, pair in zip(places, names, strict=True)}
    reading, parents = readings
    belonging = _belonging(a, b, parents)
    tables = Tables(
        [name_of[at] for at in compared],
        [codes[at] for at in compared],
        (a.rows, b.rows),
        options,
        reading,
        belonging,
        belonging,
    )
    return _Encoded(places, codes, compared, tables)


def _is_link(a: Source, b: Source, column: MatchedColumn) -> bool:
    return Kind.LINK in {a.columns[column.a].kind, b.columns[column.b].kind}


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


def _paired(whole: _Encoded, layout: Sequence[MatchedColumn], options: Options) -> tuple[Found, KeyChoice, list[Note]]:
    """The pairs of rows, the key, and what there is to say about it."""
    given, notes = _given(whole, layout, options)
    tables = whole.tables
    if given:
        blocks = _keyed(whole, given)
        unique = all(len(np.unique(side)) == len(side) for side in blocks)
        if not unique:
            notes.append(Note(KEY_NOT_UNIQUE, f"{_list(options.keys)} is not the same in two rows of one side."))
        tables = replace(tables, blocks=blocks)
    way = forward(tables)
    found = aligned(tables if way else tables.flipped(), given=bool(given))
    # Which of two exchanged rows has moved is decided before the sides are put back.
    found.links.moved = moves.moved(found.links.a)
    links = found.links if way else found.links.flipped()
    key = found.key.choice(whole.compared) if found.key else KeyChoice()
    return replace(found, links=links), KeyChoice(given, 1.0, given=True) if given else key, notes


def _given(whole: _Encoded, layout: Sequence[MatchedColumn], options: Options) -> tuple[tuple[int, ...], list[Note]]:
    """The places of the columns of the given key; none where one of them is not on both sides."""
    by_name = {layout[at].name: at for at in whole.places}
    missing = [name for name in options.keys if name not in by_name]
    if missing:
        return (), [Note(KEY_NOT_FOUND, f"{_list(missing)} is not on both sides; the key was looked for instead.")]
    return tuple(dict.fromkeys(by_name[name] for name in options.keys)), []


def _keyed(whole: _Encoded, key: Sequence[int]) -> tuple[Int64s, Int64s]:
    """The number of each row's key, and of its parent's."""
    tables = whole.tables
    everything = np.arange(tables.rows[0]), np.arange(tables.rows[1])
    rest = Rest(replace(tables, columns=[whole.codes[at] for at in key]), everything)
    of_a, of_b, _ = grouped(*rest.hashes(rest.forms))
    return of_a, of_b


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
