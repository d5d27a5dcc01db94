"""The transitions of a job, each a transaction of its own unless a connection is given."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, insert, literal, select, update

from ret_kit import telemetry
from ret_kit.database import now_ms
from ret_kit.errors import Unauthenticated
from ret_kit.jobs.events import FINAL, dumps, event_message, progress_subject
from ret_kit.jobs.model import ClaimedJob, EndedJob, Fenced, JobSettings, NewJob
from ret_kit.jobs.outbox import Outbox

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ret.jobs.v1 import jobs_pb2
    from ret_kit.database import Database
    from ret_kit.errors import RetError
    from ret_kit.jobs.schema import JobTables


@dataclass(frozen=True)
class Later:
    """Not to be claimed now; worth another try after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Never:
    """Nothing is left to do for this message."""


class JobStore:
    """The jobs of one service. `owner` names this process."""

    def __init__(self, db: Database, tables: JobTables, service: str, settings: JobSettings, owner: str) -> None:
        self.db, self.tables, self.service, self.settings = db, tables, service, settings
        self.outbox = Outbox(tables.outbox, owner)
        self.owner = owner

    # --- making and ending ------------------------------------------------------------------------------------

    async def create(self, conn: AsyncConnection, new: NewJob) -> Row[Any]:
        """Write the job, its first event and its message; the caller commits and wakes the relay.

        Raises Unauthenticated when the session has ended here.
        """
        await self.refuse_ended(conn, new.owner.session_id)
        headers = telemetry.inject({})
        row = (
            await conn.execute(
                insert(self.tables.jobs)
                .values(
                    id=f"{self.service}-{uuid.uuid4().hex}",
                    type=new.type,
                    state="queued",
                    session_id=new.owner.session_id,
                    user_id=new.owner.user_id,
                    payload=dumps(new.payload),
                    attempt=0,
                    max_attempts=self.settings.attempts,
                    fence=0,
                    correlation_id=headers.get("x-correlation-id", ""),
                    traceparent=headers.get("traceparent", ""),
                    seq=1,
                    state_seq=1,
                    created_at=now_ms(),
                )
                .returning(self.tables.jobs)
            )
        ).one()
        await self.announce(conn, row)
        await self.send_job(conn, row, 1)
        return row

    async def refuse_ended(self, conn: AsyncConnection, session_id: str) -> None:
        """Raise Unauthenticated when the session has ended here."""
        stones = self.tables.tombstones
        if (await conn.execute(select(stones.c.session_id).where(stones.c.session_id == session_id))).first():
            raise Unauthenticated

    async def announce(self, conn: AsyncConnection, row: Row[Any]) -> None:
        """Keep a state change for replay, and send it to who listens."""
        event = event_message(row)
        await conn.execute(
            insert(self.tables.job_events).values(
                job_id=row.id, seq=row.seq, session_id=row.session_id, at=now_ms(), snapshot=event.SerializeToString()
            )
        )
        await self.outbox.add(
            conn,
            progress_subject(row.session_id, row.id),
            event.SerializeToString(),
            durable=False,
            session_id=row.session_id,
        )

    async def send_job(self, conn: AsyncConnection, row: Row[Any], attempt: int) -> None:
        """Put the job's message for an attempt into the outbox."""
        headers = {"traceparent": row.traceparent, "x-correlation-id": row.correlation_id}
        await self.outbox.add(
            conn,
            f"jobs.{self.service}",
            dumps({"id": row.id}).encode(),
            msg_id=f"{row.id}:{attempt}",
            session_id=row.session_id,
            headers=headers,
        )

    async def change(self, conn: AsyncConnection, where: ColumnElement[bool], **values: Any) -> Row[Any] | None:
        """A state change: update, count `seq` up, announce. None when `where` held for no row."""
        jobs = self.tables.jobs
        row = (
            await conn.execute(
                update(jobs).where(where).values(seq=jobs.c.seq + 1, state_seq=jobs.c.seq + 1, **values).returning(jobs)
            )
        ).first()
        if row is not None:
            await self.announce(conn, row)
        return row

    def held(self, job: ClaimedJob) -> ColumnElement[bool]:
        """The condition that a claim still stands."""
        jobs = self.tables.jobs
        return and_(jobs.c.id == job.id, jobs.c.fence == job.fence, jobs.c.state == "running")

    async def finish(self, conn: AsyncConnection, job: ClaimedJob, result: dict[str, Any]) -> None:
        """succeeded, if the claim still stands; Fenced otherwise. A cancelled job stays cancelled."""
        jobs = self.tables.jobs
        row = await self.change(
            conn,
            self.held(job),
            state="succeeded",
            result=dumps(result),
            lease_until=0,
            finished_at=now_ms(),
            settled=True,
            done=case((jobs.c.total > 0, jobs.c.total), else_=jobs.c.done),
            work_done=jobs.c.work_total,
        )
        if row is None:
            raise Fenced

    async def fail(self, conn: AsyncConnection, where: ColumnElement[bool], code: str, detail: str) -> Row[Any] | None:
        """Failed for good."""
        return await self.change(
            conn, where, state="failed", error_code=code, error_detail=detail, lease_until=0, finished_at=now_ms()
        )

    async def cancel(self, conn: AsyncConnection, where: ColumnElement[bool]) -> list[Row[Any]]:
        """Cancelled at once, whoever works on it.

        Raising the fence shuts out late writes. Tasks are cancelled with it.
        """
        jobs, tasks = self.tables.jobs, self.tables.tasks
        ids = (
            (
                await conn.execute(
                    select(jobs.c.id).where(where, jobs.c.state.in_(("queued", "running"))).with_for_update()
                )
            )
            .scalars()
            .all()
        )
        rows: list[Row[Any]] = []
        for job_id in ids:
            row = await self.change(
                conn,
                and_(jobs.c.id == job_id, jobs.c.state.in_(("queued", "running"))),
                state="cancelled",
                fence=jobs.c.fence + 1,
                lease_until=0,
                finished_at=now_ms(),
            )
            if row is not None:
                rows.append(row)
        if ids:
            await conn.execute(
                update(tasks)
                .where(tasks.c.job_id.in_(ids), tasks.c.state.in_(("queued", "running")))
                .values(state="cancelled", fence=tasks.c.fence + 1, lease_until=0)
            )
        return rows

    # --- claiming ---------------------------------------------------------------------------------------------

    async def claim(self, job_id: str, worker: str) -> ClaimedJob | Later | Never:
        """Take the job for this worker: raises fence and attempt. Fails it when its attempts are used up."""
        jobs = self.tables.jobs
        async with self.db.write() as conn:
            row = (
                await conn.execute(select(jobs, now_ms().label("now")).where(jobs.c.id == job_id).with_for_update())
            ).first()
            if row is None or row.state in FINAL or row.fanned_out or await self._entombed(conn, row.session_id):
                return Never()
            wait = max(row.not_before, row.lease_until if row.state == "running" else 0) - row.now
            if wait > 0:
                return Later(wait / 1000)
            if row.attempt >= row.max_attempts:
                await self.exhaust(conn, row)
                return Never()
            if await self._running(conn, row.user_id) >= self.settings.jobs_per_user:
                return Later(0.5 + random.random())  # noqa: S311 - jitter
            taken = await self.change(
                conn,
                and_(jobs.c.id == job_id, jobs.c.fence == row.fence),
                state="running",
                fence=row.fence + 1,
                attempt=row.attempt + 1,
                worker=worker,
                lease_until=self.lease(),
                done=0,
                work_done=0,
                detail="{}",
                started_at=case((jobs.c.started_at == 0, now_ms()), else_=jobs.c.started_at),
            )
            return Never() if taken is None else claimed_job(taken)

    async def exhaust(self, conn: AsyncConnection, row: Row[Any]) -> None:
        """Fail a job that has no attempts left, keeping the last attempt's reason in words."""
        reason = f"{row.error_code}: {row.error_detail}" if row.error_code else "Each attempt was broken off."
        await self.fail(
            conn,
            and_(self.tables.jobs.c.id == row.id, self.tables.jobs.c.fence == row.fence),
            "ATTEMPTS_EXHAUSTED",
            f"Given up after {row.attempt} attempts. {reason}",
        )

    def lease(self) -> ColumnElement[int]:
        """The end of a lease that begins now."""
        return now_ms() + literal(int(self.settings.lease_seconds * 1000))

    async def _entombed(self, conn: AsyncConnection, session_id: str) -> bool:
        stones = self.tables.tombstones
        return (await conn.execute(select(stones.c.at).where(stones.c.session_id == session_id))).first() is not None

    async def _running(self, conn: AsyncConnection, user_id: str) -> int:
        jobs = self.tables.jobs
        return (
            await conn.execute(
                select(func.count())
                .select_from(jobs)
                .where(
                    jobs.c.user_id == user_id,
                    jobs.c.state == "running",
                    jobs.c.fanned_out.is_(False),
                    jobs.c.lease_until > now_ms(),
                )
            )
        ).scalar_one()

    # --- while it runs ----------------------------------------------------------------------------------------

    async def renew(self, job: ClaimedJob) -> bool:
        """Renew the lease; False when the claim does not stand any more, because of a cancel too.

        A job that was finished under this very claim has not been lost.
        """
        jobs = self.tables.jobs
        async with self.db.write() as conn:
            if (await conn.execute(update(jobs).where(self.held(job)).values(lease_until=self.lease()))).rowcount:
                return True
            return (
                await conn.execute(
                    select(jobs.c.id).where(jobs.c.id == job.id, jobs.c.fence == job.fence, jobs.c.state == "succeeded")
                )
            ).first() is not None

    async def progress(
        self,
        job: ClaimedJob,
        done: int,
        total: int,
        unit: str,
        detail: dict[str, Any],
        work: tuple[float, float] | None = None,
    ) -> jobs_pb2.JobEvent:
        """Write progress and renew the lease; gives the event to publish. Raises Fenced.

        What is done never falls back within an attempt.
        """
        jobs = self.tables.jobs
        work_done, work_total = work or (0.0, 0.0)
        async with self.db.write() as conn:
            row = (
                await conn.execute(
                    update(jobs)
                    .where(self.held(job))
                    .values(
                        seq=jobs.c.seq + 1,
                        done=case((jobs.c.done > done, jobs.c.done), else_=done),
                        total=max(total, done),
                        unit=unit,
                        work_done=case((jobs.c.work_done > work_done, jobs.c.work_done), else_=work_done),
                        work_total=work_total,
                        detail=dumps(detail),
                        lease_until=self.lease(),
                    )
                    .returning(jobs)
                )
            ).first()
        if row is None:
            raise Fenced
        return event_message(row)

    async def put_off(self, job: ClaimedJob, error: RetError) -> float | None:
        """A transient error.

        Give the claim up and say after how many seconds to try again; None when that was the last try.
        """
        jobs = self.tables.jobs
        async with self.db.write() as conn:
            row = (
                await conn.execute(
                    update(jobs)
                    .where(self.held(job))
                    .values(error_code=error.code, error_detail=error.detail, lease_until=0)
                    .returning(jobs)
                )
            ).first()
            if row is None:
                raise Fenced
            if row.attempt >= row.max_attempts:
                await self.exhaust(conn, row)
                return None
            delay = self.backoff(row.attempt)
            await conn.execute(
                update(jobs).where(jobs.c.id == job.id).values(not_before=now_ms() + literal(int(delay * 1000)))
            )
            return delay

    def backoff(self, attempt: int) -> float:
        """Seconds before the try after this attempt: doubling, with jitter."""
        return self.settings.backoff_seconds * 2 ** (attempt - 1) * (0.75 + random.random() / 2)  # noqa: S311 - jitter

    async def reject(self, job: ClaimedJob, error: RetError) -> None:
        """A permanent error: failed with its code."""
        async with self.db.write() as conn:
            if await self.fail(conn, self.held(job), error.code, error.detail) is None:
                raise Fenced


def claimed_job(row: Row[Any]) -> ClaimedJob:
    """The claim that a row of `jobs` stands for."""
    return ClaimedJob(
        id=row.id,
        type=row.type,
        session_id=row.session_id,
        user_id=row.user_id,
        payload=json.loads(row.payload),
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        fence=row.fence,
        created_at_ms=row.created_at,
        started_at_ms=row.started_at,
        correlation_id=row.correlation_id,
        traceparent=row.traceparent,
    )


def ended_job(row: Row[Any]) -> EndedJob:
    """The end that a row of `jobs` stands for."""
    return EndedJob(
        id=row.id,
        type=row.type,
        session_id=row.session_id,
        user_id=row.user_id,
        payload=json.loads(row.payload),
        state=row.state,
        error_code=row.error_code,
        error_detail=row.error_detail,
    )
