"""What a job is to the service that has it: claims, results, and the contract of its work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pydantic import BaseModel, Field

from ret_kit.errors import Kind, RetError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from ret_kit.jobs.running import Running


class JobSettings(BaseModel, frozen=True):
    """Times and limits of the job machinery; seconds unless the name says otherwise."""

    lease_seconds: float = Field(default=30, description="how long a claim holds without a sign of life")
    heartbeat_seconds: float = Field(default=10, description="how often a running job renews its lease")
    reconcile_seconds: float = Field(default=4, description="how often the reconciler looks for what was lost")
    attempts: int = Field(default=3, description="attempts of a job or a task before it is failed")
    backoff_seconds: float = Field(
        default=1, description="wait before the second attempt; doubled, with jitter, for each further one"
    )
    tasks_per_session: int = Field(
        default=8, description="tasks of one session that may be on their way at the same time"
    )
    tasks_per_user: int = Field(default=16, description="tasks of one user that may be on their way at the same time")
    jobs_per_user: int = Field(default=4, description="jobs of one user that may run at the same time in a service")
    progress_seconds: float = Field(
        default=0.25, description="shortest time between two progress events of a job in one worker"
    )


@dataclass
class Fenced(RetError):
    """The claim is not ours any more: somebody else has the job, it was cancelled, or its session has ended."""

    kind = Kind.CONFLICT
    code = "FENCED"

    @property
    def detail(self) -> str:
        return "The work was taken over or cancelled."


@dataclass(frozen=True)
class Identity:
    """Whose job it is."""

    user_id: str
    session_id: str


@dataclass(frozen=True)
class NewJob:
    """An order for long work; `payload` holds ids and choices, never content or names of files."""

    type: str
    owner: Identity
    payload: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class ClaimedJob:
    """A job that this worker holds as long as its fence stands."""

    id: str
    type: str
    session_id: str
    user_id: str
    payload: dict[str, Any]
    attempt: int
    max_attempts: int
    fence: int
    created_at_ms: int
    started_at_ms: int
    correlation_id: str
    traceparent: str

    @property
    def staging(self) -> str:
        """The blob prefix of this attempt."""
        return f"sessions/{self.session_id}/jobs/{self.id}/{self.fence}/"


@dataclass(frozen=True)
class ClaimedTask:
    """One part of a fanned-out job, held by this worker as long as its fence stands.

    `job` is the job as it was planned.
    """

    id: str
    ordinal: int
    job: ClaimedJob
    payload: dict[str, Any]
    weight: float
    attempt: int
    max_attempts: int
    fence: int

    @property
    def staging(self) -> str:
        """The blob prefix of this attempt."""
        return f"sessions/{self.job.session_id}/jobs/{self.job.id}/tasks/{self.id}/{self.fence}/"


@dataclass(frozen=True)
class EndedJob:
    """A job that has failed or was cancelled."""

    id: str
    type: str
    session_id: str
    user_id: str
    payload: dict[str, Any]
    state: str
    error_code: str
    error_detail: str


@dataclass(frozen=True)
class Done:
    """A finished job: its result, what to write in the fenced transaction, what to do once that has succeeded."""

    result: dict[str, Any]
    commit: Callable[[AsyncConnection], Awaitable[None]] | None = None
    after: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class TaskSpec:
    """A part of a job; `weight` is its share of the work, in any unit (bytes)."""

    payload: dict[str, Any]
    weight: float = 1.0


@dataclass(frozen=True)
class Fanout:
    """A job that goes on as tasks; `total` units are done when all of them are."""

    tasks: Sequence[TaskSpec]
    total: int
    unit: str


@dataclass(frozen=True)
class TaskDone:
    """A finished task.

    Its result, how many units it has done in all, its counters, what to write in the fenced transaction.
    """

    result: dict[str, Any]
    done: int
    detail: dict[str, Any] = field(default_factory=dict[str, Any])
    commit: Callable[[AsyncConnection], Awaitable[None]] | None = None


class Work(Protocol):
    """One type of job. Every method may be called again after a crash, with a higher fence."""

    @property
    def type(self) -> str: ...

    async def run(self, job: ClaimedJob, run: Running) -> Done | Fanout:
        """Do the job, or plan its tasks, which only a SpreadWork may."""
        ...

    async def abandoned(self, job: EndedJob) -> None:
        """Put right what a failed or cancelled job has left half done. Idempotent."""
        ...


@runtime_checkable
class SpreadWork(Work, Protocol):
    """A type of job that fans out."""

    async def task(self, task: ClaimedTask, run: Running) -> TaskDone:
        """Do one task of the plan."""
        ...

    async def close(self, job: ClaimedJob, results: list[dict[str, Any]]) -> Done:
        """Fold the results of all tasks, in their order.

        It is called inside the last task's transaction, so it only computes.
        """
        ...
