"""Differences written into one of the sides as jobs: as edits of its tables, which the user can undo."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypedDict

from sqlalchemy import Row

from ret.convert.v1 import snapshot_pb2, tables_pb2
from ret_diff import pair_records
from ret_diff.applying import Change, Chunk, Taken, TakeOver, Target, Value
from ret_diff.differing import Differences
from ret_diff.errors import OriginalNotWritten, SideGone
from ret_diff.linking import linking
from ret_diff.model import Kind
from ret_diff.orders import Sides, StoredTable, Told
from ret_diff.sides import Side, is_edited
from ret_diff.work import Compared, Comparing
from ret_kit.errors import NotFound
from ret_kit.jobs.model import ClaimedJob, Done, EndedJob
from ret_kit.jobs.running import Running

TYPE = "apply"
FIGURES = ("edits", "cells", "inserted", "deleted")
Wanted = list[tuple[Row[Any], list[Change] | None]]


class ChangeOrder(TypedDict):
    """A row that is to be taken over; no table: of the main one. Fields as of `applying.Change`."""

    table: str
    a_row: int
    b_row: int
    columns: list[str]


class TakeWork(Comparing):
    """Takes the differences of a pair, all or those that are chosen, over into one side."""

    type = TYPE

    async def run(self, job: ClaimedJob, run: Running) -> Done:
        """Save table by table. Asked again after a crash, convert answers again what it has saved already."""
        of = await self.compared(job)
        async with self.db.read() as conn:
            row = await pair_records.one(conn, job.session_id, of.row.id, job.payload["pair"])
            tables = (await pair_records.tables(conn, [row.id])).get(row.id, []) if row is not None else []
        if row is None:
            raise NotFound(what="pair")
        into: Literal["a", "b"] = job.payload["into"]
        side = of.a if into == "a" else of.b
        wanted = self._wanted(tables, job.payload["changes"])
        present = await self._present(side, row, into)
        known: dict[str, int] = job.payload.get("versions", {})
        taken = _Taken({one.position: one for one in tables})
        for at, (table, choice) in enumerate(_parents_first(wanted)):
            await run.progress(at, len(wanted), "tables")
            sides: Sides = json.loads(table.sides)
            target = sides[into]
            if target is not None and table.artefact:
                now = _same(present, target, into)
                now.version = known.get(target["id"], target["version"])
                figures = await self._table(of, side, f"{job.id}:{table.position}", (table, now, choice), taken)
                taken.figures.append(asdict(figures) | {"table": table.name, "edits": figures.edits})
            elif target is None:
                taken.left.append(table.name)
        result: dict[str, Any] = {"into": into, "pair": row.id, "comparison_id": of.row.id}
        result |= {"tables": taken.figures, "left_tables": taken.left}
        return Done(result | {name: sum(one[name] for one in taken.figures) for name in FIGURES})

    async def abandoned(self, job: EndedJob) -> None:
        """What was saved stays: it can be undone."""

    def _wanted(self, tables: Sequence[Row[Any]], changes: Sequence[ChangeOrder]) -> Wanted:
        """The tables that are edited, with what is chosen of them; None is everything."""
        if not changes:
            return [(one, None) for one in tables]
        chosen: dict[str, list[Change]] = {}
        for one in changes:
            name = one["table"] or (tables[0].name if tables else "")
            chosen.setdefault(name, []).append(Change(one["a_row"], one["b_row"], one["columns"]))
        if chosen.keys() - {one.name for one in tables}:
            raise NotFound(what="table")
        return [(one, chosen[one.name]) for one in tables if one.name in chosen]

    async def _present(self, side: Side, row: Row[Any], into: str) -> dict[str, snapshot_pb2.SnapshotTable]:
        """The tables of that side as they are now, by their ids."""
        documents = pair_records.documents_of(row)[0 if into == "a" else 1]
        found = await side.tables(documents, columns=True, edited=True)
        return {one.table_id: one for tables in found.values() for one in tables}

    async def _table(
        self,
        of: Compared,
        side: Side,
        key: str,
        wanted: tuple[Row[Any], snapshot_pb2.SnapshotTable, list[Change] | None],
        before: _Taken,
    ) -> Taken:
        """Save what is taken over into one table, in as many versions as it takes, on the one it is given with."""
        table, present, choice = wanted
        into: Literal["a", "b"] = "a" if side is of.a else "b"
        links = frozenset(one.name for one in present.columns if one.kind == Kind.LINK)
        target = Target([one.name for one in present.columns], links)
        taking = await asyncio.to_thread(self._taking, table, target, (into, choice), before)
        version, number = present.version, 0
        while (chunk := await asyncio.to_thread(taking.chunk)) is not None:
            request = _request(present.table_id, version, chunk, f"{key}:{number}")
            saved = await side.save(request)
            taking.saved(list(saved.inserted))
            version, number = saved.version, number + 1
        before.ids[table.position] = taking.ids
        return taking.taken

    def _taking(
        self, table: Row[Any], target: Target, how: tuple[Literal["a", "b"], list[Change] | None], before: _Taken
    ) -> TakeOver:
        """What is to be saved of a table, new rows with their links."""
        into, choice = how
        results = Differences(self.blobs)
        found = results.open(table.artefact)
        parent = _parent(table)
        of = before.tables.get(parent)
        parents = results.open(of.artefact) if of is not None and of.artefact else None
        new = None if of is None else before.ids.get(parent, {})
        return TakeOver(found, target, into, choice, linking(found, target, into, parents, new))


@dataclass
class _Taken:
    """What was taken over so far. `tables` are all of the pair by their places, `ids` those of new rows in them."""

    tables: dict[int, Row[Any]]
    figures: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    left: list[str] = field(default_factory=list[str])
    ids: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])


async def versions(side: Side, pair: Row[Any], tables: Sequence[Row[Any]]) -> dict[str, int]:
    """The versions that tables of a side have now of which the original was compared, by table; none of others.

    Edits that were undone make a version, too, and nothing else. OriginalNotWritten when one of these has edits.
    """
    if side.edited or not tables:
        return {}
    present = await side.tables(pair_records.documents_of(pair)[side.side == "b"], columns=False, edited=True)
    every: list[Sides] = [json.loads(one.sides) for one in tables]
    wanted = {target["id"] for one in every if (target := one[side.side])}
    found = [one for some in present.values() for one in some if one.table_id in wanted]
    if is_edited(found):
        raise OriginalNotWritten(side=side.side)
    return {one.table_id: one.version for one in found}


def _parent(table: Row[Any]) -> int:
    """The place of the table to whose rows those of this one belong; -1 where there is none."""
    told: Told = json.loads(table.told)
    return told["parent"]


def _parents_first(wanted: Wanted) -> Wanted:
    """The tables in an order in which a parent comes before its children."""
    left = {table.position: (table, choice) for table, choice in wanted}
    ordered: Wanted = []

    def take(position: int) -> None:
        if (one := left.pop(position, None)) is not None:
            take(_parent(one[0]))
            ordered.append(one)

    for table, _ in wanted:
        take(table.position)
    return ordered


def _same(
    present: dict[str, snapshot_pb2.SnapshotTable], compared: StoredTable, into: str
) -> snapshot_pb2.SnapshotTable:
    """The table as it is now. SideGone when another is in its place."""
    if (found := present.get(compared["id"])) is None:
        raise SideGone(side=into)
    return found


def _request(table_id: str, version: int, chunk: Chunk, key: str) -> tables_pb2.SaveRequest:
    return tables_pb2.SaveRequest(
        table_id=table_id,
        version=version,
        edits=[tables_pb2.CellEdit(row=one.row, column=one.column, value=_value(one.value)) for one in chunk.edits],
        inserts=[tables_pb2.RowInsert(after=one.after, values=map(_value, one.values)) for one in chunk.inserts],
        deletes=chunk.deletes,
        idempotency_key=key,
    )


def _value(value: Value) -> tables_pb2.Value:
    return tables_pb2.Value() if value is None else tables_pb2.Value(text=value)
