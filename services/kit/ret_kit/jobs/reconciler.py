"""Looks for what a crash, a lost message or a wiped stream has left lying, and sets it going again."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, or_, select, update

from ret_kit.database import now_ms
from ret_kit.errors import RetError
from ret_kit.jobs.events import dumps
from ret_kit.jobs.store import ended_job
from ret_kit.waiting import heed_cancellation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from ret_kit.blobs import Blobs
    from ret_kit.bus import Bus
    from ret_kit.jobs.model import Work
    from ret_kit.jobs.outbox import Relay
    from ret_kit.jobs.tasks import TaskStore

log = logging.getLogger("ret.reconciler")
BATCH = 500
DAY_MS = 86_400_000


class Reconciler:
    """Runs every few seconds, and at once when `wake` is called."""

    def __init__(self, tasks: TaskStore, works: Sequence[Work], bus: Bus, blobs: Blobs, relay: Relay) -> None:
        self._jobs, self._tasks, self._bus, self._blobs, self._relay = tasks.jobs, tasks, bus, blobs, relay
        self._works = {work.type: work for work in works}
        self._tables, self._settings = tasks.tables, tasks.settings
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Settle ended jobs now."""
        self._wanted.set()

    async def run(self) -> None:
        """Until cancelled: a round whenever it is time, a settling whenever woken."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            heed_cancellation()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.settle()
                if loop.time() >= due:
                    await self.round()
            except RetError as error:
                log.warning("reconciler round failed", extra={"code": error.code})
            except Exception:
                log.exception("reconciler round failed")
            if loop.time() >= due:
                due = loop.time() + self._settings.reconcile_seconds

    async def round(self) -> None:
        """Everything once."""
        await self._bus.ensure_streams()
        await self._relay.flush(older_than_ms=int(self._settings.reconcile_seconds * 1000))
        await self._republish_jobs()
        await self._republish_tasks()
        await self._release_tasks()
        await self._sweep()
        self._relay.wake()

    async def _republish_jobs(self) -> None:
        """Queued and unclaimed, or with a lease that has run out.

        Send the message again; fail what has no attempts left.
        """
        jobs = self._tables.jobs
        age = int(self._settings.reconcile_seconds * 1000)
        async with self._jobs.db.read() as conn:
            rows = (
                await conn.execute(
                    select(jobs)
                    .where(
                        or_(
                            and_(jobs.c.state == "queued", jobs.c.created_at < now_ms() - age),
                            and_(
                                jobs.c.state == "running", jobs.c.fanned_out.is_(False), jobs.c.lease_until < now_ms()
                            ),
                        ),
                        jobs.c.not_before <= now_ms(),
                    )
                    .order_by(jobs.c.created_at)
                    .limit(BATCH)
                )
            ).all()
        for row in rows:
            if row.attempt >= row.max_attempts:
                async with self._jobs.db.write() as conn:
                    await self._jobs.exhaust(conn, row)
                self.wake()
            else:
                await self._send("jobs", row)

    async def _republish_tasks(self) -> None:
        jobs, tasks = self._tables.jobs, self._tables.tasks
        async with self._jobs.db.read() as conn:
            rows = (
                await conn.execute(
                    select(tasks.c.id, tasks.c.attempt, jobs.c.traceparent, jobs.c.correlation_id)
                    .join(jobs, jobs.c.id == tasks.c.job_id)
                    .where(
                        jobs.c.state == "running",
                        tasks.c.published.is_(True),
                        tasks.c.state.in_(("queued", "running")),
                        tasks.c.lease_until < now_ms(),
                        tasks.c.not_before <= now_ms(),
                    )
                    .limit(BATCH)
                )
            ).all()
        for row in rows:
            await self._send("tasks", row)

    async def _send(self, stream: str, row: Row[*tuple[Any, ...]]) -> None:
        """Publish a row's message again, at most once in the time of a lease.

        The stream drops what it still remembers, and a message whose first delivery went to a worker that died before
        its claim must not wait for longer than that.
        """
        turn = int(time.time() // self._settings.lease_seconds)
        headers = {"traceparent": row.traceparent, "x-correlation-id": row.correlation_id}
        await self._bus.enqueue(
            f"{stream}.{self._jobs.service}",
            dumps({"id": row.id}).encode(),
            f"{row.id}:{row.attempt + 1}:{turn}",
            headers,
        )

    async def _release_tasks(self) -> None:
        """Publish tasks that wait for a place which has become free without anybody noticing."""
        tasks = self._tables.tasks
        async with self._jobs.db.read() as conn:
            waiting = (
                await conn.execute(
                    select(tasks.c.session_id, tasks.c.user_id)
                    .where(tasks.c.published.is_(False), tasks.c.state == "queued")
                    .distinct()
                )
            ).all()
        for row in waiting:
            async with self._jobs.db.write() as conn:
                await self._tasks.release(conn, row.session_id, row.user_id)

    async def settle(self) -> None:
        """Let the works put right what failed and cancelled jobs have left half done, and remove their staging."""
        jobs = self._tables.jobs
        async with self._jobs.db.read() as conn:
            rows = (
                await conn.execute(
                    select(jobs)
                    .where(jobs.c.state.in_(("failed", "cancelled")), jobs.c.settled.is_(False))
                    .limit(BATCH)
                )
            ).all()
        for row in rows:
            if work := self._works.get(row.type):
                try:
                    await work.abandoned(ended_job(row))
                except RetError as error:
                    log.warning("ended job not settled", extra={"job_id": row.id, "code": error.code})
                    continue
            await self._remove_staging(row)
            async with self._jobs.db.write() as conn:
                await conn.execute(update(jobs).where(jobs.c.id == row.id).values(settled=True))
        if rows:
            self._relay.wake()

    async def _sweep(self) -> None:
        """Two leases after its end, nobody writes for a job any more: remove what losing attempts have staged since."""
        jobs, stones = self._tables.jobs, self._tables.tombstones
        late = int(2 * self._settings.lease_seconds * 1000)
        async with self._jobs.db.read() as conn:
            rows = (
                await conn.execute(
                    select(jobs)
                    .where(
                        jobs.c.finished_at > 0,
                        jobs.c.settled.is_(True),
                        jobs.c.swept.is_(False),
                        jobs.c.finished_at < now_ms() - late,
                    )
                    .limit(BATCH)
                )
            ).all()
        for row in rows:
            await self._remove_staging(row)
        async with self._jobs.db.write() as conn:
            await conn.execute(update(jobs).where(jobs.c.id.in_([row.id for row in rows])).values(swept=True))
            await conn.execute(delete(stones).where(stones.c.at < now_ms() - DAY_MS * 7))

    async def _remove_staging(self, row: Row[Any]) -> None:
        """Every attempt's staging but the one that won."""
        tasks, prefix = self._tables.tasks, f"sessions/{row.session_id}/jobs/{row.id}/"
        last = row.fence if row.state == "succeeded" else row.fence + 1
        for fence in range(1, last):
            await self._blobs.delete_prefix(f"{prefix}{fence}/")
        async with self._jobs.db.read() as conn:
            parts = (
                await conn.execute(select(tasks.c.id, tasks.c.state, tasks.c.fence).where(tasks.c.job_id == row.id))
            ).all()
        for part in parts:
            if part.state != "succeeded":
                await self._blobs.delete_prefix(f"{prefix}tasks/{part.id}/")
            else:
                for fence in range(1, part.fence):
                    await self._blobs.delete_prefix(f"{prefix}tasks/{part.id}/{fence}/")
