"""What all works on comparisons have in common: their sides, conversions, children, guarded transactions."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from ret.convert.v1 import snapshot_pb2
from ret.jobs.v1 import jobs_pb2
from ret_diff import records
from ret_diff.orders import OptionFacts, Order, PairDone, PairOrder, StoredTable
from ret_diff.pairing import model as pairing
from ret_diff.planning import Files, Known, Listing
from ret_diff.sides import Services, Side, side_of, with_tables
from ret_diff.sweeping import remove_leftovers
from ret_kit.blobs import Blobs
from ret_kit.database import Database
from ret_kit.errors import NotFound, unwrapped
from ret_kit.jobs.host import JobHost
from ret_kit.jobs.model import ClaimedJob, Fenced
from ret_kit.jobs.running import Running

COMPARE, PAIR = "ret_diff.comparing:compare", "ret_diff.pairing.pair:pair"
MODULES = [name.partition(":")[0] for name in (COMPARE, PAIR)]
"""What children of the pool load."""
Tables = dict[str, list[snapshot_pb2.SnapshotTable]]


@dataclass(frozen=True)
class Rules:
    """What comparisons go by; `blobs` is the store's URL."""

    blobs: str
    task_bytes: int
    task_pairs: int


@dataclass(frozen=True)
class Compared:
    """A comparison that is being made: its row, its two sides, its options."""

    row: Row[Any]
    a: Side
    b: Side
    options: OptionFacts

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.a, self.b


class Comparing:
    """What all works on comparisons have in common."""

    def __init__(self, host: JobHost, blobs: Blobs, services: Services, rules: Rules) -> None:
        self.host, self.blobs, self.services, self.rules = host, blobs, services, rules
        self.db: Database = host.store.db

    async def compared(self, job: ClaimedJob) -> Compared:
        """The comparison a job is for; NotFound when it was deleted."""
        async with self.db.read() as conn:
            row = await records.one(conn, job.session_id, job.payload["comparison_id"])
        if row is None:
            raise NotFound(what="comparison")
        a, b = side_of(self.services, "a", row, job), side_of(self.services, "b", row, job)
        return Compared(row, a, b, json.loads(row.options))

    async def convert(self, job: ClaimedJob, run: Running, wanted: Sequence[tuple[Side, Sequence[str]]]) -> None:
        """Have documents converted that are not, and tell how far that is."""
        total = sum(len(ids) for _, ids in wanted)
        figures: dict[str, int] = {}

        async def tell(side: str, of: jobs_pb2.Job) -> None:
            figures[side] = of.progress.done
            await run.progress(sum(figures.values()), total, "documents")

        async def begun(job_id: str) -> None:
            async with self.db.write() as conn:
                await records.remember_conversion(conn, job.payload["comparison_id"], job_id)

        try:
            async with asyncio.TaskGroup() as group:
                for side, ids in wanted:
                    if ids:
                        key = f"{job.id}:{job.attempt}:{_digest(ids)}"
                        telling = _telling(side.side, tell)
                        group.create_task(side.convert(ids, key, begun, telling), name="conversion")
        except BaseExceptionGroup as errors:
            raise unwrapped(errors) from None

    async def known(
        self,
        of: Compared,
        options: OptionFacts,
        listing: Listing,
        tables: tuple[Tables, Tables],
        ids: tuple[Sequence[str], Sequence[str]],
    ) -> Known:
        """What is known once tables are there; why some documents have none is asked for."""
        failures: dict[str, tuple[str, str]] = {}
        for side, found, wanted in zip(of.sides, tables, ids, strict=True):
            if any(one not in found for one in wanted):
                failures |= await side.failures()
        return Known(
            of.row.id,
            options,
            listing,
            stored(tables[0]),
            stored(tables[1]),
            frozenset({*tables[0], *tables[1]}),
            failures,
        )

    async def in_child(self, run: Running, prefix: str, orders: Sequence[PairOrder]) -> list[PairDone]:
        """Pairs compared in a child."""
        order = Order(blobs=self.rules.blobs, prefix=prefix, pairs=list(orders))
        return (await run.call(COMPARE, cast("dict[str, Any]", order)))["pairs"]

    async def paired(self, run: Running, order: pairing.Order) -> list[pairing.PairFacts]:
        """Documents and tables paired in a child."""
        return (await run.call(PAIR, cast("dict[str, Any]", order)))["pairs"]

    @asynccontextmanager
    async def while_held(self, job: ClaimedJob) -> AsyncGenerator[AsyncConnection]:
        """A transaction that counts only if the claim of the job still stands; Fenced otherwise."""
        store = self.host.store
        jobs = store.tables.jobs
        async with self.db.write() as conn:
            held = await conn.execute(jobs.select().where(store.held(job)).with_for_update())
            if held.first() is None:
                raise Fenced
            yield conn

    async def remove_leftovers(self, session_id: str) -> None:
        """Remove artefacts that were replaced or whose comparison is gone. Idempotent."""
        await remove_leftovers(self.db, self.blobs, session_id)


def _digest(ids: Iterable[str]) -> str:
    """A name for a set of documents."""
    return hashlib.sha256("\0".join(sorted(ids)).encode()).hexdigest()[:32]


def _telling(
    side: str, tell: Callable[[str, jobs_pb2.Job], Awaitable[None]]
) -> Callable[[jobs_pb2.Job], Awaitable[None]]:
    """`tell` of one side."""

    async def of_side(job: jobs_pb2.Job) -> None:
        await tell(side, job)

    return of_side


def unconverted(files: Files, ids: Iterable[str]) -> list[str]:
    """Documents that have not been converted yet; those that failed would fail again."""
    return [one for one in ids if one in files and files[one]["status"] not in ("converted", "failed")]


def without_twice(wanted: list[tuple[Side, Sequence[str]]]) -> list[tuple[Side, Sequence[str]]]:
    """Where both sides are of one collection, nothing is converted for both of them."""
    (a, ids_a), (b, ids_b) = wanted
    if a.order.collection_id != b.order.collection_id:
        return wanted
    return [(a, ids_a), (b, [one for one in ids_b if one not in set(ids_a)])]


def documents(files: Files, tables: Tables, zips: Sequence[str]) -> pairing.Documents:
    """A side as pairing takes it."""
    found = [with_tables(file, tables.get(one, ())) for one, file in files.items()]
    return pairing.Documents(documents=found, zips=list(zips))


def stored_of(tables: Iterable[snapshot_pb2.SnapshotTable]) -> list[StoredTable]:
    """Tables as children are told of them."""
    return [
        StoredTable(
            id=one.table_id,
            name=one.name,
            key=one.blob_key,
            size=one.size,
            sha256=one.sha256,
            rows=one.rows,
            version=one.version,
            numbers_key=one.numbers_key,
        )
        for one in tables
    ]


def stored(tables: Tables) -> dict[str, StoredTable]:
    """The same by table."""
    return {one["id"]: one for found in tables.values() for one in stored_of(found)}


def figures_of(done: Sequence[PairDone]) -> dict[str, int]:
    """What was done, in figures."""
    sides = [side for one in done for table in one["tables"] for side in table["sides"].values()]
    tables = [cast("StoredTable", side) for side in sides if side]
    return {
        "pairs": len(done),
        "failed": sum(one["status"] == "failed" for one in done),
        "rows": sum(one["rows"] for one in tables),
        "cells": sum(table["counts"]["cells_changed"] for one in done for table in one["tables"]),
        "bytes": sum(one["size"] for one in tables),
    }
