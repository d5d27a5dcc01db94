"""Pairs without a comparison: documents of the same bytes, whose tables are the same; and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from ret_diff.orders import CountFacts, PairDone, Sides, StoredTable, TableDone, Told


class Twin(TypedDict):
    """Two documents of the same bytes, by their ids; or, one of these being empty, a document without a partner."""

    id: str
    status: str
    a: str
    b: str


NONE = CountFacts(rows_added=0, rows_removed=0, rows_changed=0, rows_moved=0, cells_changed=0, cells_format_only=0)
"""Nothing was counted."""


def identical(twin: Twin, a: Sequence[StoredTable], b: Sequence[StoredTable]) -> PairDone:
    """Its tables. Those of one document stand for both where the other has none, or was converted in another way."""
    if not (twin["a"] and twin["b"]):
        tables = [table_done(one["name"], one if twin["a"] else None, one if twin["b"] else None) for one in a or b]
    else:
        others = {one["name"]: one for one in b}
        tables = [table_done(one["name"], one, others.get(one["name"], one)) for one in a or b]
    return PairDone(id=twin["id"], status=twin["status"], tables=tables, failure=None)


def table_done(name: str, a: StoredTable | None, b: StoredTable | None) -> TableDone:
    """Two tables that are the same, or one that has no other: without an artefact, because it says all itself."""
    rows = (a or b or {"rows": 0})["rows"]
    return TableDone(
        name=name,
        status="identical" if a and b else "only_in_a" if a else "only_in_b",
        counts=NONE,
        sides=Sides(a=a, b=b),
        changed_rows=0 if a and b else rows,
        full_rows=rows,
        told=Told(
            key_columns=[],
            key_confidence=0.0,
            key_given=False,
            runner_ups=[],
            columns_added=[],
            columns_removed=[],
            columns_renamed=[],
            notes=[],
            renumbered=False,
            parent=-1,
        ),
        artefact="",
    )


def failed(pair_id: str, code: str, detail: str) -> PairDone:
    """A pair that could not be compared."""
    return PairDone(id=pair_id, status="failed", tables=[], failure={"code": code, "detail": detail})
