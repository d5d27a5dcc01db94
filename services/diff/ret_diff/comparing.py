"""What a pool child does: pairs of documents in, artefacts of their tables out, parents before their children."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from ret_diff import engine, remaps
from ret_diff.arrow import pa, pc
from ret_diff.artefact import Facts, Side, write
from ret_diff.errors import SideGone
from ret_diff.identical import NONE, failed, table_done
from ret_diff.meta import TableBlob
from ret_diff.model import (
    NOWHERE,
    CellChanges,
    CellState,
    Int64s,
    Options,
    Parents,
    Reading,
    Result,
    RowStatus,
    Source,
)
from ret_diff.orders import (
    EVIDENCE,
    CountFacts,
    Order,
    PairDone,
    PairOrder,
    Sides,
    StoredTable,
    TableDone,
    TableOrder,
    Told,
    options_of,
)
from ret_diff.pairing.model import ReadingFacts
from ret_diff.pairing.whole import Whole
from ret_diff.reading import Nothing, StoredSource
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged, NotFound, RetError

log = logging.getLogger("ret.diff")

ID = "_id"
NAMES = 1000
"""Columns that are listed by name at most."""
Progress = Callable[[dict[str, Any]], None]


def compare(payload: dict[str, Any], report: Progress) -> dict[str, Any]:
    """Compare the pairs of an `Order`; gives `{pairs: [PairDone]}`.

    A pair that cannot be compared fails alone, with its reason; errors of the store end the whole call.
    """
    order = cast("Order", payload)
    blobs = Blobs(order["blobs"])
    done: list[PairDone] = []
    figures = {"pairs": 0, "bytes": 0, "rows": 0, "cells": 0, "failed": 0}
    for pair in order["pairs"]:
        done.append(alone(blobs, order["prefix"], pair))
        figures["pairs"] += 1
        figures["failed"] += done[-1]["status"] == "failed"
        figures["cells"] += sum(table["counts"]["cells_changed"] for table in done[-1]["tables"])
        for table in pair["tables"]:
            for side in (table["a"], table["b"]):
                figures["bytes"] += side["size"] if side else 0
                figures["rows"] += side["rows"] if side else 0
        report(dict(figures))
    return {"pairs": done}


def alone(blobs: Blobs, prefix: str, pair: PairOrder) -> PairDone:
    """One pair of documents, or why it could not be compared."""
    try:
        return compared(blobs, prefix, pair)
    except NotFound:
        return failed(pair["id"], SideGone.code, "A table of it was deleted or replaced while it was compared.")
    except BlobDamaged as error:
        return failed(pair["id"], error.code, error.detail)
    except RetError:
        raise  # of the store: nothing of this one pair
    except Exception as error:  # a fault of ours must not take the other pairs with it
        log.exception("comparing a pair failed", extra={"pair_id": pair["id"]})
        return failed(pair["id"], "INTERNAL", f"Comparing failed with an error of ours ({type(error).__name__}).")


def compared(blobs: Blobs, prefix: str, pair: PairOrder) -> PairDone:
    """One pair of documents, table by table."""
    options = options_of(pair["options"])
    with_children = {table["parent"] for table in pair["tables"]}
    parents: dict[int, Parents | None] = {}
    done: dict[int, TableDone] = {}
    for at in pair["order"]:
        table = pair["tables"][at]
        if not (table["a"] and table["b"]):
            done[at] = alone_in(table)
            continue
        work = TableWork(blobs, table, options)
        result = work.compare(parents.get(table["parent"]))
        done[at] = work.stored(result, f"{prefix}{pair['id']}/{at}/")
        if at in with_children:
            parents[at] = work.parents(result)
    tables = [done[at] for at in sorted(done)]
    return PairDone(id=pair["id"], status=status_of(tables), tables=tables, failure=None)


def alone_in(table: TableOrder) -> TableDone:
    """A table that only one side has: all its rows were added or removed."""
    done = table_done(table["name"], table["a"], table["b"])
    counts = NONE.copy()
    counts["rows_removed" if table["a"] else "rows_added"] = done["full_rows"]
    done["counts"] = counts
    return done


def status_of(tables: list[TableDone]) -> str:
    """Of a pair: identical if all its tables are."""
    return "identical" if all(table["status"] == "identical" for table in tables) else "mismatch"


class TableWork:
    """Two tables in work."""

    def __init__(self, blobs: Blobs, order: TableOrder, options: Options) -> None:
        self._blobs, self._order, self._options = blobs, order, options
        self._a = self._source(order["a"], order["a_long"])
        self._b = self._source(order["b"], order["b_long"])

    def _source(self, table: StoredTable | None, long: StoredTable | None) -> Source:
        if table is None:
            return Nothing()
        source: Source = StoredSource(self._blobs, table, self._order["links"])
        return Whole(source, StoredSource(self._blobs, long), self._order["name"]) if long else source

    def compare(self, parents: Parents | None) -> Result:
        """What became of the rows."""
        a, b = _reading(self._order["a_reading"]), _reading(self._order["b_reading"])
        return engine.compare(self._a, self._b, self._options, a, b, parents)

    def stored(self, result: Result, prefix: str) -> TableDone:
        """The artefact below the prefix, and what is told of it."""
        a, b = self._order["a"], self._order["b"]
        facts = write(self._blobs, prefix, result, Side(self._a, blob_of(a)), Side(self._b, blob_of(b)))
        evidence = self._evidence(result) if facts.prefix else []
        if evidence:
            self._blobs.put_sync(prefix + EVIDENCE, json.dumps(evidence).encode())
        return TableDone(
            name=self._order["name"],
            status=facts.status,
            counts=CountFacts(**asdict(facts.counts)),
            sides=Sides(a=a, b=b),
            changed_rows=facts.changed_rows,
            full_rows=facts.full_rows,
            told=told(facts, renumbered=bool(evidence), parent=self._order["parent"]),
            artefact=facts.prefix,
        )

    def parents(self, result: Result) -> Parents | None:
        """What became of the rows, by their ids, for tables whose rows belong to them; None where they have no ids."""
        alignment = result.alignment
        a = numbered(self._a, alignment.a_rows, 0)
        b = numbered(self._b, alignment.b_rows, len(alignment.a_rows) + self._a.rows)
        return None if a is None or b is None else Parents(a, b)

    def _evidence(self, result: Result) -> list[remaps.Renumbering]:
        """Of columns in which ids may have been numbered anew."""
        alignment = result.alignment
        both = (alignment.a_rows != NOWHERE) & (alignment.b_rows != NOWHERE)
        many = remaps.CHANGED * np.count_nonzero(both)
        found: list[remaps.Renumbering] = []
        for cells in result.cells:
            changed = cells.positions[cells.states == CellState.CHANGED]
            changed = changed[result.status[changed] == RowStatus.CHANGED]
            if not len(changed) or len(changed) <= many * 0.5:  # absent cells may be half of them
                continue
            one = self._of_column(result, cells, changed, both)
            if one is not None:
                found.append(one)
        return found

    def _of_column(self, result: Result, cells: CellChanges, changed: Int64s, both: Any) -> remaps.Renumbering | None:
        column, alignment = result.columns[cells.column], result.alignment
        old = _cells(self._a, column.a).take(pa.array(alignment.a_rows[both]))
        new = _cells(self._b, column.b).take(pa.array(alignment.b_rows[both]))
        there = pc.and_(pc.is_valid(old), pc.is_valid(new))
        places = np.flatnonzero(both)
        which = pc.and_(pa.array(np.isin(places, changed)), there)
        return remaps.evidence(
            self._order["name"], column.name, pc.sum(there).as_py() or 0, old.filter(which), new.filter(which)
        )


def numbered(source: Source, rows: Int64s, first: int) -> Int64s | None:
    """By the ids of a table's rows, the place at which each row is shown; None where it has no such ids.

    An id that no row has gets a number from `first` on, and so on above all places, that nobody else has.
    """
    if ID not in {one.name for one in source.columns}:
        return np.zeros(0, np.int64) if not source.rows else None
    try:
        ids = pc.cast(source.read([ID]).column(0).combine_chunks(), pa.int64())
    except pa.ArrowInvalid:
        return None
    ids = np.asarray(ids.fill_null(NOWHERE))
    highest = int(ids.max(initial=NOWHERE))
    if ids.min(initial=0) < NOWHERE or highest > 2 * len(ids) + NAMES:
        return None
    found = np.arange(highest + 1, dtype=np.int64) + first + len(rows)
    shown = np.flatnonzero(rows != NOWHERE)
    of = ids[rows[shown]]
    found[of[of >= 0]] = shown[of >= 0]
    return found


def _cells(source: Source, column: int) -> Any:
    return source.read([source.columns[column].name]).column(0).combine_chunks()


def blob_of(table: StoredTable | None) -> TableBlob:
    """Where a side's table is."""
    if table is None:
        return TableBlob("", 0, 0)
    return TableBlob(table["key"], table["size"], table["rows"], table["numbers_key"])


def told(facts: Facts, *, renumbered: bool, parent: int) -> Told:
    """What is told of two tables, no list longer than `NAMES`."""
    notes = [{"code": note.code, "detail": note.detail} for note in facts.notes]
    longest = max(map(len, (facts.columns_added, facts.columns_removed, facts.columns_renamed)))
    if longest > NAMES:
        detail = (
            f"Of columns that were added, removed or renamed {NAMES:,} each are listed; there are up to {longest:,}."
        )
        notes.append({"code": "COLUMNS_CUT", "detail": detail})
    return Told(
        key_columns=list(facts.key_columns),
        key_confidence=facts.key_confidence,
        key_given=facts.key_given,
        runner_ups=[(list(columns), confidence) for columns, confidence in facts.runner_ups],
        columns_added=list(facts.columns_added[:NAMES]),
        columns_removed=list(facts.columns_removed[:NAMES]),
        columns_renamed=list(facts.columns_renamed[:NAMES]),
        notes=cast("Any", notes),
        renumbered=renumbered,
        parent=parent,
    )


def _reading(facts: ReadingFacts) -> Reading:
    return Reading(facts["absent_is_empty"], facts["guarded"])
