"""Takes jobs and tasks from the stream, holds their leases, runs them, and ends every message in one of three ways."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ret_kit import telemetry
from ret_kit.errors import Kind, RetError
from ret_kit.jobs.events import progress_subject
from ret_kit.jobs.model import ClaimedJob, ClaimedTask, Done, Fanout, Fenced, SpreadWork
from ret_kit.jobs.running import Held, HeldJob, HeldTask, Running
from ret_kit.jobs.store import Later, Never

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from ret_kit.blobs import Blobs
    from ret_kit.bus import Bus, Delivery
    from ret_kit.jobs.model import Work
    from ret_kit.jobs.outbox import Relay
    from ret_kit.jobs.tasks import TaskStore
    from ret_kit.pools import Pool

log = logging.getLogger("ret.worker")


class Unexpected(RetError):
    """An error that is none of ours; its type is told, its words are in the log alone."""

    kind = Kind.INTERNAL
    code = "INTERNAL"
    transient = True

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._name = type(error).__name__

    @property
    def detail(self) -> str:
        return f"An unexpected {self._name} broke the work off."


class Worker:
    """Runs the works of one service, at most `slots` jobs and tasks at the same time."""

    def __init__(
        self,
        tasks: TaskStore,
        works: Sequence[Work],
        bus: Bus,
        blobs: Blobs,
        pool: Pool,
        relay: Relay,
        slots: int,
        settle: Callable[[], None],
    ) -> None:
        self._jobs, self._tasks, self._bus, self._blobs, self._pool, self._relay = (
            tasks.jobs,
            tasks,
            bus,
            blobs,
            pool,
            relay,
        )
        self._works = {work.type: work for work in works}
        self._slots, self._settle = slots, settle
        self._held: dict[asyncio.Task[Any], str] = {}
        self._settings = tasks.settings

    async def run(self) -> None:
        """Work until cancelled; what is running then is given back at once, for others to take."""
        service, lease = self._jobs.service, self._settings.lease_seconds
        async with asyncio.TaskGroup() as group:
            group.create_task(self._bus.listen(f"cancel.{service}.*", self._on_cancel))
            group.create_task(
                self._bus.consume(
                    f"jobs.{service}", f"{service}-jobs", self._on_job, concurrency=self._slots, ack_wait=lease
                )
            )
            group.create_task(
                self._bus.consume(
                    f"tasks.{service}", f"{service}-tasks", self._on_task, concurrency=self._slots, ack_wait=lease
                )
            )

    async def _on_cancel(self, subject: str, _data: bytes) -> None:
        """Break off what runs of a cancelled job, here."""
        job_id = subject.rpartition(".")[2]
        for running in [task for task, of in self._held.items() if of == job_id]:
            running.cancel()
        self._settle()

    # --- messages ---------------------------------------------------------------------------------------------

    async def _on_job(self, delivery: Delivery) -> None:
        claim = await self._jobs.claim(json.loads(delivery.data)["id"], self._jobs.owner)
        self._relay.wake()
        if isinstance(claim, ClaimedJob):
            await self._attempt(
                delivery,
                HeldJob(self._jobs, claim),
                lambda run: self._do_job(claim, run),
                lambda error: self._jobs.put_off(claim, error),
                lambda error: self._jobs.reject(claim, error),
            )
        else:
            await self._decline(delivery, claim)

    async def _on_task(self, delivery: Delivery) -> None:
        claim = await self._tasks.claim(json.loads(delivery.data)["id"], self._jobs.owner)
        self._relay.wake()
        if isinstance(claim, ClaimedTask):
            await self._attempt(
                delivery,
                HeldTask(self._tasks, claim),
                lambda run: self._do_task(claim, run),
                lambda error: self._tasks.put_off(claim, error),
                lambda error: self._tasks.reject(claim, error),
            )
        else:
            await self._decline(delivery, claim)

    async def _decline(self, delivery: Delivery, claim: Later | Never) -> None:
        if isinstance(claim, Later):
            await delivery.nak(claim.seconds)
        else:
            await delivery.ack()
            self._settle()

    async def _attempt(
        self,
        delivery: Delivery,
        held: Held,
        work: Callable[[Running], Coroutine[Any, Any, None]],
        put_off: Callable[[RetError], Awaitable[float | None]],
        reject: Callable[[RetError], Awaitable[None]],
    ) -> None:
        """One attempt under its lease, and the ending of its message."""
        job = held.job
        with (
            telemetry.extracted({"traceparent": job.traceparent, "x-correlation-id": job.correlation_id}),
            telemetry.span(f"job {job.type}", job_id=job.id, attempt=job.attempt, fence=held.fence),
        ):
            try:
                run = Running(held, self._pool, self._bus, self._relay, self._settings.progress_seconds)
                await self._under_lease(delivery, held, work(run))
                await delivery.ack()
                await self._drop_older(held)
            except Fenced:
                log.info("claim lost", extra={"job_id": job.id, "fence": held.fence})
                await self._blobs.delete_prefix(held.staging)
                await delivery.ack()
            except asyncio.CancelledError:
                with suppress(RetError):
                    await asyncio.shield(self._hand_back(delivery, held, put_off))
                raise
            except Exception as error:  # noqa: BLE001 - every error ends the message in one of three ways
                await self._broken(delivery, held, error, put_off, reject)
            finally:
                self._relay.wake()
                self._settle()

    async def _under_lease(self, delivery: Delivery, held: Held, work: Coroutine[Any, Any, None]) -> None:
        """Run, renewing the lease; Fenced as soon as the claim is known to be lost."""
        running = asyncio.create_task(work)
        self._held[running] = held.job.id
        try:
            left = self._settings.lease_seconds
            while True:
                done, _ = await asyncio.wait({running}, timeout=self._settings.heartbeat_seconds)
                if done:
                    break
                try:
                    if not await held.renew():
                        raise Fenced
                    await delivery.in_progress()
                    left = self._settings.lease_seconds
                except Fenced:
                    raise
                except RetError as error:
                    left -= self._settings.heartbeat_seconds
                    log.warning("lease not renewed", extra={"job_id": held.job.id, "code": error.code})
                    if left <= 0:
                        raise Fenced from error
        finally:
            del self._held[running]
            if not running.done():
                running.cancel()
                await asyncio.wait({running})
        if running.cancelled():
            raise Fenced
        running.result()

    async def _hand_back(
        self, delivery: Delivery, held: Held, put_off: Callable[[RetError], Awaitable[float | None]]
    ) -> None:
        """Let another take over at once: the process is being stopped."""
        await put_off(Unexpected(asyncio.CancelledError()))
        await self._blobs.delete_prefix(held.staging)
        await delivery.nak(0.1)
        self._relay.wake()

    async def _broken(
        self,
        delivery: Delivery,
        held: Held,
        error: Exception,
        put_off: Callable[[RetError], Awaitable[float | None]],
        reject: Callable[[RetError], Awaitable[None]],
    ) -> None:
        if isinstance(error, RetError):
            known = error
        else:
            log.error("work failed", exc_info=error, extra={"job_id": held.job.id})
            known = Unexpected(error)
        log.warning(
            "attempt failed",
            extra={
                "job_id": held.job.id,
                "code": known.code,
                "transient": known.transient,
                "attempt": held.job.attempt,
            },
        )
        try:
            await self._blobs.delete_prefix(held.staging)
            if known.transient:
                delay = await put_off(known)
                await (delivery.ack() if delay is None else delivery.nak(delay))
            else:
                await reject(known)
                await delivery.term(known.code)
        except Fenced:
            await delivery.ack()

    async def _drop_older(self, held: Held) -> None:
        """Remove what earlier attempts have staged."""
        for fence in range(1, held.fence):
            await self._blobs.delete_prefix(f"{held.parent}{fence}/")

    # --- the work itself --------------------------------------------------------------------------------------

    async def _do_job(self, job: ClaimedJob, run: Running) -> None:
        work = self._works[job.type]
        outcome = await work.run(job, run)
        if isinstance(outcome, Fanout):
            if outcome.tasks:
                async with self._jobs.db.write() as conn:
                    event = await self._tasks.fan_out(conn, job, outcome)
                await self._bus.publish(progress_subject(job.session_id, job.id), event.SerializeToString())
                return
            outcome = await self._spread(job).close(job, [])
        async with self._jobs.db.write() as conn:
            if outcome.commit:
                await outcome.commit(conn)
            await self._jobs.finish(conn, job, outcome.result)
        await self._after(outcome)

    async def _do_task(self, task: ClaimedTask, run: Running) -> None:
        work = self._spread(task.job)
        end = await work.task(task, run)
        event, closing = await self._tasks.finish(task, end, work.close)
        await self._bus.publish(progress_subject(task.job.session_id, task.job.id), event.SerializeToString())
        if closing:
            await self._after(closing)

    def _spread(self, job: ClaimedJob) -> SpreadWork:
        """The work of a job with tasks."""
        work = self._works[job.type]
        if not isinstance(work, SpreadWork):
            raise TypeError(f"{job.type} has no tasks")
        return work

    async def _after(self, done: Done) -> None:
        """What follows a success must not undo it."""
        if done.after:
            try:
                await done.after()
            except Exception:
                log.exception("work after a finished job failed")
