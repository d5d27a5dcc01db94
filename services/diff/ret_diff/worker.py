"""Comparisons as jobs: documents are paired, what differs is converted and compared in children, spread over workers.

First the statuses of all files: what has the same bytes is identical at once. Then pairs by the tasks of a fan-out; a
pair that brings its child down is tried alone and fails alone. Last, documents of identical pairs are converted, so
that they can be looked at.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any, cast

from sqlalchemy import and_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_diff import pair_records, planning, records
from ret_diff.again import Anew, Lost
from ret_diff.errors import SideGone
from ret_diff.identical import Twin, failed, identical
from ret_diff.orders import Order, PairDone, PairOrder
from ret_diff.pairing import model as pairing
from ret_diff.planning import Final, First, Listing
from ret_diff.records import Name
from ret_diff.sides import Listed, is_edited, stop_conversion
from ret_diff.work import (
    COMPARE,
    Compared,
    documents,
    figures_of,
    stored_of,
    unconverted,
    without_twice,
)
from ret_kit.bus import Bus, Delivery
from ret_kit.database import Database
from ret_kit.errors import RetError
from ret_kit.jobs.events import dumps
from ret_kit.jobs.host import JobHost
from ret_kit.jobs.model import ClaimedJob, ClaimedTask, Done, EndedJob, Fanout, Fenced, TaskDone, TaskSpec
from ret_kit.jobs.running import Running

TYPE = "compare"
DETAIL = ("bytes", "rows", "cells", "failed")
TWINS = 500  # identical pairs in one task
SIDES: tuple[Name, Name] = ("a", "b")

log = logging.getLogger("ret.diff")


class CompareWork(Anew):
    """A comparison: `run` pairs, `task` compares some pairs, `close` adds the figures up."""

    type = TYPE

    async def run(self, job: ClaimedJob, run: Running) -> Fanout:
        """Find out which documents belong together, and cut what has to be compared into tasks."""
        of = await self.compared(job)
        listed_a, listed_b = await asyncio.gather(*(side.listed(json.loads(of.row.groups)) for side in of.sides))
        listing = Listing(
            listed_a.documents,
            listed_b.documents,
            listed_a.zips,
            listed_b.zips,
            alone=bool(of.row.a_document and of.row.b_document),
        )
        await _mark_edited(of, listing)
        first = await asyncio.to_thread(planning.first, listing)
        await self._plan_first(job, of, first, (listed_a, listed_b))
        final = await self._final(job, run, of, listing, first)
        async with self.while_held(job) as conn:
            # What is identical or only there stands already; what is not is put in its place.
            known = {one.id(of.row.id) for one in first.rows if one.status != "pending"}
            pending = [one.id(of.row.id) for one in first.rows if one.status == "pending"]
            await pair_records.remove(conn, job.session_id, pending)
            rows = [one for one in final.rows if one.id(of.row.id) not in known]
            await pair_records.add(conn, job.session_id, of.row.id, rows)
        return await self._fanout(run, of, first, final, (listed_a, listed_b))

    async def _plan_first(self, job: ClaimedJob, of: Compared, first: First, listed: tuple[Listed, Listed]) -> None:
        a, b = listed
        found: dict[str, Any] = {"zips": sorted({*a.zips, *b.zips}), "notes": _notes(of, a, b)}
        for side, one in (("a", a), ("b", b)):
            found |= {f"{side}_name": one.name, f"{side}_sha256": one.sha256}
        async with self.while_held(job) as conn:
            await pair_records.replan(conn, job.session_id, of.row.id, first.rows)
            await records.found_out(conn, of.row.id, **found)

    async def _final(self, job: ClaimedJob, run: Running, of: Compared, listing: Listing, first: First) -> Final:
        """Convert what differs, and pair documents and tables."""
        if not first.open_a and not first.open_b:
            return Final()
        both = ((of.a, listing.a, first.open_a), (of.b, listing.b, first.open_b))
        await self.convert(job, run, without_twice([(side, unconverted(files, ids)) for side, files, ids in both]))
        a, b = await asyncio.gather(*(side.tables(ids, columns=True) for side, _, ids in both))
        known = await self.known(of, of.options, listing, (a, b), (first.open_a, first.open_b))
        open_a, open_b = set(first.open_a), set(first.open_b)
        order = pairing.Order(
            blobs=self.rules.blobs,
            a=documents(listing.a, a, listing.a_zips),
            b=documents(listing.b, b, listing.b_zips),
            pairs=first.stands,
        )
        found = await self.paired(run, order)
        wanted = [one for one in found if open_a & set(one["a"]) or open_b & set(one["b"])]
        return planning.final(known, wanted)

    async def _fanout(
        self, run: Running, of: Compared, first: First, final: Final, listed: tuple[Listed, Listed]
    ) -> Fanout:
        """What is to be compared is kept beside the tasks: names do not belong into their rows."""
        tasks: list[TaskSpec] = []
        for number, part in enumerate(planning.parts(final.orders, self.rules.task_bytes, self.rules.task_pairs)):
            key = f"{run.staging}plan-{number}.json"
            await self.blobs.put(key, dumps([order for order, _ in part]).encode())
            tasks.append(TaskSpec({"plan": key, "pairs": len(part)}, max(1, sum(size for _, size in part))))
        twins = [
            Twin(
                id=row.id(of.row.id),
                status=row.status,
                a=next(iter(row.a_documents), ""),
                b=next(iter(row.b_documents), ""),
            )
            for row in (*first.rows, *final.rows)
            if row.status in ("identical", "only_in_a", "only_in_b")
        ]
        for start in range(0, len(twins), TWINS):
            some = twins[start : start + TWINS]
            size = sum(listed[0].bytes.get(one["a"], 0) + listed[1].bytes.get(one["b"], 0) for one in some)
            tasks.append(TaskSpec({"twins": some, "pairs": len(some)}, max(1, size // 10)))
        return Fanout(tasks, len(final.orders) + len(twins), "pairs")

    # --- tasks --------------------------------------------------------------------------------------------------

    async def task(self, task: ClaimedTask, run: Running) -> TaskDone:
        """Compare some pairs, or make identical ones ready to be looked at."""
        job = task.job
        if "twins" in task.payload:
            done = await self._twins(job, run, task.payload["twins"])
        else:
            orders: list[PairOrder] = json.loads(await self.blobs.get(task.payload["plan"]))
            done = await self._replaced(task, run, await self._done(task, run, orders))
        figures = figures_of(done)

        async def commit(conn: AsyncConnection) -> None:
            await pair_records.finish(conn, job.session_id, job.payload["comparison_id"], done)

        return TaskDone(figures, task.payload["pairs"], {name: figures[name] for name in DETAIL}, commit)

    async def _done(self, task: ClaimedTask, run: Running, orders: list[PairOrder]) -> list[PairDone]:
        """What became of the pairs; one that a child does not survive is found by trying each alone."""
        last = task.attempt >= task.max_attempts
        try:
            return await self._reported(task, run, orders)
        except Lost as lost:
            if len(orders) == 1 and not last:
                raise
            await self._still_wanted(task)
            if len(orders) == 1:
                return [failed(orders[0]["id"], lost.code, lost.detail)]
        return [await self._alone(task, run, order) for order in orders]

    async def _replaced(self, task: ClaimedTask, run: Running, done: list[PairDone]) -> list[PairDone]:
        """What became of the pairs, once more for those whose tables were replaced since they were planned."""
        gone = [at for at, one in enumerate(done) if one["failure"] and one["failure"]["code"] == SideGone.code]
        if not gone:
            return done
        of = await self.compared(task.job)
        for at in gone:
            async with self.db.read() as conn:
                row = await pair_records.one(conn, task.job.session_id, of.row.id, done[at]["id"])
            if row is not None:
                done[at] = await self.anew(task.job, run, of, row, of.options, last=True)
        return done

    async def _alone(self, task: ClaimedTask, run: Running, order: PairOrder) -> PairDone:
        """One pair by itself, as often as a task is tried."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return (await self.in_child(run, run.staging, [order]))[0]
            except Lost as lost:
                await self._still_wanted(task)
                told = {"job_id": task.job.id, "pair_id": order["id"], "code": lost.code, "attempt": attempt}
                log.warning("a pair brought its process down", extra=told)
                if attempt >= task.max_attempts:
                    return failed(order["id"], lost.code, lost.detail)

    async def _reported(self, task: ClaimedTask, run: Running, orders: list[PairOrder]) -> list[PairDone]:
        async def tell(report: dict[str, Any]) -> None:
            await run.progress(report.pop("pairs"), detail=report, work=(report["bytes"], task.weight))

        order = Order(blobs=self.rules.blobs, prefix=run.staging, pairs=orders)
        return (await run.call(COMPARE, cast("dict[str, Any]", order), on_report=tell))["pairs"]

    async def _still_wanted(self, task: ClaimedTask) -> None:
        """Fenced when the job was cancelled, taken over, or its session is ending: then nothing is tried again."""
        async with self.db.read() as conn:
            try:
                await self.host.store.refuse_ended(conn, task.job.session_id)
            except RetError:
                raise Fenced from None
        if not await self.host.tasks.renew(task):
            raise Fenced

    async def _twins(self, job: ClaimedJob, run: Running, twins: list[Twin]) -> list[PairDone]:
        """Have documents converted whose tables are to be seen, and note the tables.

        Of two that are identical one is enough: A's, unless B's is there already.
        """
        of = await self.compared(job)
        wanted_a, wanted_b = ([one[name] for one in twins if one[name]] for name in SIDES)
        missing_a = set(unconverted((await of.a.listed()).documents, wanted_a)) if wanted_a else set[str]()
        missing_b = set(unconverted((await of.b.listed()).documents, wanted_b)) if wanted_b else set[str]()
        needed_a = [one["a"] for one in twins if one["a"] in missing_a and one["b"] in missing_b | {""}]
        needed_b = [one["b"] for one in twins if one["b"] in missing_b and not one["a"]]
        await self.convert(job, run, without_twice([(of.a, needed_a), (of.b, needed_b)]))
        a = await of.a.tables(wanted_a, columns=False) if wanted_a else {}
        b = await of.b.tables(wanted_b, columns=False) if wanted_b else {}
        return [identical(one, stored_of(a.get(one["a"], ())), stored_of(b.get(one["b"], ()))) for one in twins]

    async def close(self, job: ClaimedJob, results: list[dict[str, Any]]) -> Done:
        """The job's figures over all tasks."""
        seconds = max(time.time() - job.started_at_ms / 1000, 0.001)
        figures: dict[str, Any] = {
            name: sum(result[name] for result in results) for name in ("pairs", "failed", "rows", "cells", "bytes")
        }
        figures |= {"seconds": round(seconds, 3), "comparison_id": job.payload["comparison_id"]}
        return Done(figures, after=lambda: self.remove_leftovers(job.session_id))

    async def abandoned(self, job: EndedJob) -> None:
        """Nothing more is compared, and nobody needs the conversions that were begun for it."""
        comparison_id = job.payload["comparison_id"]
        code, detail = job.error_code, job.error_detail
        if job.state == "cancelled":
            code, detail = "CANCELLED", "The comparison was cancelled before this was compared."
        async with self.db.write() as conn:
            row = await records.one(conn, job.session_id, comparison_id)
            if row is not None:
                await pair_records.fail_pending(conn, comparison_id, {"code": code, "detail": detail})
        conversions: list[str] = json.loads(row.conversions) if row is not None else []
        for begun in conversions:
            await stop_conversion(self.services, job.session_id, job.user_id, begun)
        await self.remove_leftovers(job.session_id)


class Deletions:
    """Hears that a collection was deleted: what runs with it fails, other results stay as far as they go."""

    SUBJECT = "facts.collection_deleted"

    def __init__(self, host: JobHost, bus: Bus) -> None:
        self._host, self._bus = host, bus
        self._db: Database = host.store.db

    async def heard(self, delivery: Delivery) -> None:
        """`{collection_id, session_id}`; once more is the same as once."""
        told = json.loads(delivery.data)
        store = self._host.store
        jobs, tasks = store.tables.jobs, store.tables.tasks
        async with self._db.write() as conn:
            broken = await records.side_gone(conn, told["session_id"], told["collection_id"])
            for job_id, side in broken:
                gone = SideGone(side=side)
                still = and_(jobs.c.id == job_id, jobs.c.state.in_(records.OPEN))
                await store.fail(conn, still, gone.code, gone.detail)
            ids = [job_id for job_id, _ in broken]
            open_tasks = and_(tasks.c.job_id.in_(ids), tasks.c.state.in_(records.OPEN))
            await conn.execute(
                update(tasks).where(open_tasks).values(state="cancelled", fence=tasks.c.fence + 1, lease_until=0)
            )
        self._host.relay.wake()
        for job_id in ids:
            await self._bus.publish(f"cancel.{store.service}.{job_id}", b"")


async def _mark_edited(of: Compared, listing: Listing) -> None:
    """Say which documents have edits in effect; one that stands against itself as it is has none that matter."""
    alike = of.a.edited == of.b.edited
    for side, files in ((of.a, listing.a), (of.b, listing.b)):
        other = listing.b if side is of.a else listing.a
        ids = [one for one, file in files.items() if file["status"] == "converted" and not (alike and one in other)]
        if not side.edited or not ids:
            continue
        for document, tables in (await side.tables(ids, columns=False)).items():
            files[document]["edited"] = is_edited(tables)


def _notes(of: Compared, a: Listed, b: Listed) -> list[dict[str, str]]:
    """What is to be known of the sides."""
    notes: list[dict[str, str]] = []
    groups: list[str] = json.loads(of.row.groups)
    for name, listed in (("A", a), ("B", b)):
        there = {file["group"].casefold() for file in listed.documents.values()}
        if missing := [group for group in groups if group.casefold() not in there]:
            names = ", ".join(missing[:10])
            notes.append({"code": "GROUP_ABSENT", "detail": f"Side {name} has no documents in {names}."})
        elif not listed.documents:
            notes.append({"code": "SIDE_EMPTY", "detail": f"Side {name} has no documents."})
    return notes
