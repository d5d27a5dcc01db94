"""What a piece of work can do while it runs: call the pool, tell its progress."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from ret_kit.errors import RetError
from ret_kit.jobs.events import progress_subject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ret.jobs.v1 import jobs_pb2
    from ret_kit.bus import Bus
    from ret_kit.jobs.model import ClaimedJob, ClaimedTask
    from ret_kit.jobs.outbox import Relay
    from ret_kit.jobs.store import JobStore
    from ret_kit.jobs.tasks import TaskStore
    from ret_kit.pools import Pool


class Held(Protocol):
    """A claim of a job or of a task, as the worker sees it."""

    @property
    def job(self) -> ClaimedJob: ...
    @property
    def staging(self) -> str: ...
    @property
    def fence(self) -> int: ...
    @property
    def parent(self) -> str:
        """The blob prefix that the stagings of all attempts share."""
        ...

    async def renew(self) -> bool: ...
    async def progress(
        self, done: int, total: int, unit: str, detail: dict[str, Any], work: tuple[float, float] | None
    ) -> jobs_pb2.JobEvent: ...


class HeldJob:
    """A claimed job."""

    def __init__(self, store: JobStore, job: ClaimedJob) -> None:
        self._store, self.job, self.staging, self.fence = store, job, job.staging, job.fence
        self.parent = f"sessions/{job.session_id}/jobs/{job.id}/"

    async def renew(self) -> bool:
        return await self._store.renew(self.job)

    async def progress(
        self, done: int, total: int, unit: str, detail: dict[str, Any], work: tuple[float, float] | None
    ) -> jobs_pb2.JobEvent:
        return await self._store.progress(self.job, done, total, unit, detail, work)


class HeldTask:
    """A claimed task; its total and unit are the plan's."""

    def __init__(self, store: TaskStore, task: ClaimedTask) -> None:
        self._store, self._task, self.job, self.staging, self.fence = store, task, task.job, task.staging, task.fence
        self.parent = f"sessions/{task.job.session_id}/jobs/{task.job.id}/tasks/{task.id}/"

    async def renew(self) -> bool:
        return await self._store.renew(self._task)

    async def progress(
        self,
        done: int,
        total: int,  # noqa: ARG002 - the plan has it
        unit: str,  # noqa: ARG002 - as total
        detail: dict[str, Any],
        work: tuple[float, float] | None,
    ) -> jobs_pb2.JobEvent:
        return await self._store.progress(self._task, done, detail, min(work[0] if work else 0.0, self._task.weight))


class Running:
    """Handed to a `Work` with its claim."""

    def __init__(self, held: Held, pool: Pool, bus: Bus, relay: Relay, pause_seconds: float) -> None:
        self._held, self._pool, self._bus, self._relay, self._pause = held, pool, bus, relay, pause_seconds
        self._told = 0.0

    @property
    def fence(self) -> int:
        """Rises with every claim of the same job or task."""
        return self._held.fence

    @property
    def staging(self) -> str:
        """The blob prefix of this attempt; what is in it counts once the attempt has finished."""
        return self._held.staging

    async def call(
        self,
        function: str,
        payload: dict[str, Any],
        on_report: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
    ) -> dict[str, Any]:
        """Run a function in a killable child; see `Pool.call`."""
        return await self._pool.call(function, payload, session_id=self._held.job.session_id, on_report=on_report)

    async def progress(
        self,
        done: int,
        total: int = 0,
        unit: str = "",
        detail: dict[str, Any] | None = None,
        work: tuple[float, float] | None = None,
    ) -> None:
        """Tell how far the work is: `done` of `total` units, counters in `detail`, `work` as (done, total) of its size.

        Told too soon after the last time, it is left out. For a task, everything is of this task alone. Raises Fenced.
        """
        now = time.monotonic()
        if now - self._told < self._pause:
            return
        if not self._told:
            # The news that it runs goes by the outbox, this one does not, and must not overtake it.
            with suppress(RetError):
                await self._relay.flush()
        self._told = now
        event = await self._held.progress(done, total, unit, detail or {}, work)
        job = self._held.job
        await self._bus.publish(progress_subject(job.session_id, job.id), event.SerializeToString())
