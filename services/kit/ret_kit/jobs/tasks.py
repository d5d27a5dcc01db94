"""The parts of a fanned-out job: claimed, fenced and retried like a job; the last one to finish closes the job."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, insert, literal, select, update

from ret_kit.database import now_ms
from ret_kit.jobs.events import FINAL, added, dumps, event_message
from ret_kit.jobs.model import ClaimedJob, ClaimedTask, Done, Fanout, Fenced, TaskDone
from ret_kit.jobs.store import JobStore, Later, Never, claimed_job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ret.jobs.v1 import jobs_pb2
    from ret_kit.errors import RetError

OPEN = ("queued", "running")


class TaskStore:
    """The tasks of one service's jobs."""

    def __init__(self, jobs: JobStore) -> None:
        self.jobs, self.db, self.tables, self.settings = jobs, jobs.db, jobs.tables, jobs.settings

    async def fan_out(self, conn: AsyncConnection, job: ClaimedJob, plan: Fanout) -> jobs_pb2.JobEvent:
        """Write the tasks and give the job's lease up to them.

        As many as may be on their way are published. Raises Fenced.
        """
        jobs, tasks = self.tables.jobs, self.tables.tasks
        row = (
            await conn.execute(
                update(jobs)
                .where(self.jobs.held(job))
                .values(
                    seq=jobs.c.seq + 1,
                    fanned_out=True,
                    lease_until=0,
                    done=0,
                    total=plan.total,
                    unit=plan.unit,
                    work_done=0,
                    work_total=sum(task.weight for task in plan.tasks),
                )
                .returning(jobs)
            )
        ).first()
        if row is None:
            raise Fenced
        await conn.execute(
            insert(tasks),
            [
                {
                    "id": uuid.uuid4().hex,
                    "job_id": job.id,
                    "session_id": job.session_id,
                    "user_id": job.user_id,
                    "ordinal": ordinal,
                    "state": "queued",
                    "payload": dumps(task.payload),
                    "weight": task.weight,
                    "attempt": 0,
                    "max_attempts": self.settings.attempts,
                    "fence": 0,
                }
                for ordinal, task in enumerate(plan.tasks)
            ],
        )
        await self.release(conn, job.session_id, job.user_id)
        return event_message(row)

    async def release(self, conn: AsyncConnection, session_id: str, user_id: str) -> int:
        """Publish the user's next tasks as far as session and user have places free; gives how many."""
        jobs, tasks = self.tables.jobs, self.tables.tasks
        away = select(func.count()).select_from(tasks).where(tasks.c.published.is_(True), tasks.c.state.in_(OPEN))
        by_session = (await conn.execute(away.where(tasks.c.session_id == session_id))).scalar_one()
        by_user = (await conn.execute(away.where(tasks.c.user_id == user_id))).scalar_one()
        free = min(self.settings.tasks_per_session - by_session, self.settings.tasks_per_user - by_user)
        if free <= 0:
            return 0
        waiting = (
            await conn.execute(
                select(tasks.c.id, tasks.c.attempt, tasks.c.session_id, jobs.c.traceparent, jobs.c.correlation_id)
                .join(jobs, jobs.c.id == tasks.c.job_id)
                .where(
                    tasks.c.session_id == session_id,
                    tasks.c.state == "queued",
                    tasks.c.published.is_(False),
                    jobs.c.state == "running",
                )
                .order_by(jobs.c.created_at, tasks.c.ordinal)
                .limit(free)
            )
        ).all()
        for row in waiting:
            await self._send(conn, row)
        await conn.execute(update(tasks).where(tasks.c.id.in_([row.id for row in waiting])).values(published=True))
        return len(waiting)

    async def _send(self, conn: AsyncConnection, row: Row[*tuple[Any, ...]]) -> None:
        await self.jobs.outbox.add(
            conn,
            f"tasks.{self.jobs.service}",
            dumps({"id": row.id}).encode(),
            msg_id=f"{row.id}:{row.attempt + 1}",
            session_id=row.session_id,
            headers={"traceparent": row.traceparent, "x-correlation-id": row.correlation_id},
        )

    async def claim(self, task_id: str, worker: str) -> ClaimedTask | Later | Never:
        """Take the task for this worker: raises its fence and attempt. Its last attempt gone, the job fails."""
        jobs, tasks = self.tables.jobs, self.tables.tasks
        async with self.db.write() as conn:
            job = (
                await conn.execute(
                    select(jobs)
                    .join(tasks, tasks.c.job_id == jobs.c.id)
                    .where(tasks.c.id == task_id)
                    .with_for_update(of=jobs)
                )
            ).first()
            row = (
                await conn.execute(select(tasks, now_ms().label("now")).where(tasks.c.id == task_id).with_for_update())
            ).first()
            if job is None or row is None or job.state != "running" or row.state in FINAL:
                return Never()
            wait = max(row.not_before, row.lease_until if row.state == "running" else 0) - row.now
            if wait > 0:
                return Later(wait / 1000)
            if row.attempt >= row.max_attempts:
                await self._exhaust(conn, job, row)
                return Never()
            taken = (
                await conn.execute(
                    update(tasks)
                    .where(tasks.c.id == task_id, tasks.c.fence == row.fence)
                    .values(
                        state="running",
                        published=True,
                        fence=row.fence + 1,
                        attempt=row.attempt + 1,
                        worker=worker,
                        lease_until=self.jobs.lease(),
                    )
                    .returning(tasks)
                )
            ).one()
        return ClaimedTask(
            id=taken.id,
            ordinal=taken.ordinal,
            job=claimed_job(job),
            payload=json.loads(taken.payload),
            weight=taken.weight,
            attempt=taken.attempt,
            max_attempts=taken.max_attempts,
            fence=taken.fence,
        )

    def held(self, task: ClaimedTask) -> ColumnElement[bool]:
        """The condition that a claim still stands."""
        tasks = self.tables.tasks
        return and_(tasks.c.id == task.id, tasks.c.fence == task.fence, tasks.c.state == "running")

    async def renew(self, task: ClaimedTask) -> bool:
        """Renew the lease; False when the claim does not stand any more. A task finished under it has not been lost."""
        tasks = self.tables.tasks
        async with self.db.write() as conn:
            if (
                await conn.execute(update(tasks).where(self.held(task)).values(lease_until=self.jobs.lease()))
            ).rowcount:
                return True
            return (
                await conn.execute(
                    select(tasks.c.id).where(
                        tasks.c.id == task.id, tasks.c.fence == task.fence, tasks.c.state == "succeeded"
                    )
                )
            ).first() is not None

    async def progress(
        self, task: ClaimedTask, done: int, detail: dict[str, Any], work_done: float
    ) -> jobs_pb2.JobEvent:
        """Write what this task has done so far, add it to the job's and renew the lease.

        Gives the job's event. Raises Fenced.
        """
        async with self.db.write() as conn:
            await self._lock(conn, task)
            return event_message(
                await self._count(conn, task, done, detail, work_done, {"lease_until": self.jobs.lease()})
            )

    async def _lock(self, conn: AsyncConnection, task: ClaimedTask) -> Row[Any]:
        """The job's row, held for this transaction. Raises Fenced unless it is running."""
        jobs = self.tables.jobs
        row = (await conn.execute(select(jobs).where(self.jobs.held(task.job)).with_for_update())).first()
        if row is None:
            raise Fenced
        return row

    async def _count(
        self,
        conn: AsyncConnection,
        task: ClaimedTask,
        done: int,
        detail: dict[str, Any],
        work_done: float,
        values: dict[str, Any],
    ) -> Row[Any]:
        """Set the task's counters and add the difference to the job's.

        A new attempt counts only what goes beyond the last one, so that a job never falls back.
        """
        jobs, tasks = self.tables.jobs, self.tables.tasks
        old = (await conn.execute(select(tasks).where(self.held(task)))).first()
        if old is None:
            raise Fenced
        beyond = (
            done > old.done or work_done > old.work_done or (done == old.done and values.get("state") == "succeeded")
        )
        kept: dict[str, Any] = {
            "done": max(done, old.done),
            "work_done": max(work_done, old.work_done),
            "detail": dumps(detail) if beyond else old.detail,
        }
        await conn.execute(update(tasks).where(self.held(task)).values(**kept, **values))
        job = (await conn.execute(select(jobs.c.detail).where(jobs.c.id == task.job.id))).one()
        total = added(json.loads(job.detail), json.loads(kept["detail"]), json.loads(old.detail))
        return (
            await conn.execute(
                update(jobs)
                .where(jobs.c.id == task.job.id)
                .values(
                    seq=jobs.c.seq + 1,
                    done=jobs.c.done + literal(kept["done"] - old.done),
                    work_done=jobs.c.work_done + literal(kept["work_done"] - old.work_done),
                    detail=dumps(total),
                )
                .returning(jobs)
            )
        ).one()

    async def finish(
        self, task: ClaimedTask, end: TaskDone, close: Callable[[ClaimedJob, list[dict[str, Any]]], Awaitable[Done]]
    ) -> tuple[jobs_pb2.JobEvent, Done | None]:
        """succeeded, if the claim still stands; Fenced otherwise. The last task closes the job in the same transaction.

        Gives the progress event to publish, and what `close` gave if this was the last task.
        """
        async with self.db.write() as conn:
            await self._lock(conn, task)
            row = await self._count(
                conn,
                task,
                end.done,
                end.detail,
                task.weight,
                {"state": "succeeded", "result": dumps(end.result), "lease_until": 0},
            )
            if end.commit:
                await end.commit(conn)
            results = await self._results(conn, task.job.id)
            if results is None:
                await self.release(conn, task.job.session_id, task.job.user_id)
                return event_message(row), None
            closing = await close(task.job, results)
            if closing.commit:
                await closing.commit(conn)
            await self.jobs.finish(conn, task.job, closing.result)
            return event_message(row), closing

    async def _results(self, conn: AsyncConnection, job_id: str) -> list[dict[str, Any]] | None:
        """The results of all tasks in their order; None while one is open."""
        tasks = self.tables.tasks
        still = (
            await conn.execute(
                select(func.count()).select_from(tasks).where(tasks.c.job_id == job_id, tasks.c.state != "succeeded")
            )
        ).scalar_one()
        if still:
            return None
        rows = (
            await conn.execute(select(tasks.c.result).where(tasks.c.job_id == job_id).order_by(tasks.c.ordinal))
        ).scalars()
        return [json.loads(result) for result in rows]

    async def put_off(self, task: ClaimedTask, error: RetError) -> float | None:
        """A transient error: seconds until the next try; None when that was the last one and the job has failed."""
        tasks = self.tables.tasks
        async with self.db.write() as conn:
            job = await self._lock(conn, task)
            row = (
                await conn.execute(
                    update(tasks)
                    .where(self.held(task))
                    .values(error_code=error.code, error_detail=error.detail, lease_until=0)
                    .returning(tasks)
                )
            ).first()
            if row is None:
                raise Fenced
            if row.attempt >= row.max_attempts:
                await self._exhaust(conn, job, row)
                return None
            delay = self.jobs.backoff(row.attempt)
            await conn.execute(
                update(tasks).where(tasks.c.id == task.id).values(not_before=now_ms() + literal(int(delay * 1000)))
            )
            return delay

    async def reject(self, task: ClaimedTask, error: RetError) -> None:
        """A permanent error of a task fails the job with its code."""
        async with self.db.write() as conn:
            await self._lock(conn, task)
            await self._fail_job(conn, task.job.id, task.job.fence, error.code, error.detail)

    async def _exhaust(self, conn: AsyncConnection, job: Row[Any], task: Row[Any]) -> None:
        reason = f"{task.error_code}: {task.error_detail}" if task.error_code else "Each attempt was broken off."
        await self._fail_job(
            conn,
            job.id,
            job.fence,
            "ATTEMPTS_EXHAUSTED",
            f"A part of the work was given up after {task.attempt} attempts. {reason}",
        )

    async def _fail_job(self, conn: AsyncConnection, job_id: str, fence: int, code: str, detail: str) -> None:
        jobs, tasks = self.tables.jobs, self.tables.tasks
        await self.jobs.fail(
            conn, and_(jobs.c.id == job_id, jobs.c.fence == fence, jobs.c.state == "running"), code, detail
        )
        await conn.execute(
            update(tasks)
            .where(tasks.c.job_id == job_id, tasks.c.state.in_(OPEN))
            .values(
                state=case((tasks.c.state == "running", "failed"), else_="cancelled"),
                fence=tasks.c.fence + 1,
                lease_until=0,
            )
        )
