"""ret.jobs.v1: the jobs of a session, and of nobody else."""

# ruff: noqa: ARG002 - the signature of a handler is gRPC's
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from ret.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from ret_kit.auth import caller
from ret_kit.errors import NotFound
from ret_kit.jobs.events import job_message
from ret_kit.rpc.server import Access

if TYPE_CHECKING:
    import grpc.aio
    from sqlalchemy import ColumnElement, Row

    from ret_kit.bus import Bus
    from ret_kit.jobs.outbox import Relay
    from ret_kit.jobs.store import JobStore

# A websocket outlives the access token it was opened with: the gateway asks for its events in its own name.
ACCESS = {
    "Get": Access.USER,
    "List": Access.USER,
    "Cancel": Access.USER,
    "Events": Access.USER | Access.service("gateway"),
}
NAME = "ret.jobs.v1.JobsService"
EVENTS_LIMIT = 5000


class JobsServicer(jobs_pb2_grpc.JobsServiceServicer):
    """Serves the contract over a service's own rows."""

    def __init__(self, store: JobStore, bus: Bus, relay: Relay) -> None:
        self._store, self._bus, self._relay = store, bus, relay

    def _mine(self, job_id: str) -> ColumnElement[bool]:
        jobs = self._store.tables.jobs
        return and_(jobs.c.id == job_id, jobs.c.session_id == caller().session_id)

    async def _row(self, job_id: str) -> Row[Any]:
        async with self._store.db.read() as conn:
            row = (await conn.execute(select(self._store.tables.jobs).where(self._mine(job_id)))).first()
        if row is None:
            raise NotFound(what="job")
        return row

    async def Get(
        self, request: jobs_pb2.GetRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> jobs_pb2.GetResponse:
        """One job of the caller's session."""
        return jobs_pb2.GetResponse(job=job_message(await self._row(request.job_id)))

    async def List(
        self, request: jobs_pb2.ListRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> jobs_pb2.ListResponse:
        """The jobs of the caller's session, newest first."""
        jobs, mine = self._store.tables.jobs, self._store.tables.jobs.c.session_id == caller().session_id
        async with self._store.db.read() as conn:
            total = (await conn.execute(select(func.count()).select_from(jobs).where(mine))).scalar_one()
            rows = (
                await conn.execute(
                    select(jobs)
                    .where(mine)
                    .order_by(jobs.c.created_at.desc(), jobs.c.id)
                    .offset(request.offset)
                    .limit(request.limit or 100)
                )
            ).all()
        return jobs_pb2.ListResponse(jobs=[job_message(row) for row in rows], total=total)

    async def Cancel(
        self, request: jobs_pb2.CancelRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> jobs_pb2.CancelResponse:
        """Cancelled at once in the row; the workers hear of it and let go."""
        await self._row(request.job_id)
        async with self._store.db.write() as conn:
            await self._store.cancel(conn, self._mine(request.job_id))
        self._relay.wake()
        await self._bus.publish(f"cancel.{self._store.service}.{request.job_id}", b"")
        return jobs_pb2.CancelResponse(job=job_message(await self._row(request.job_id)))

    async def Events(
        self, request: jobs_pb2.EventsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> jobs_pb2.EventsResponse:
        """State changes for replay, in the order of their times; at most 5,000."""
        events = self._store.tables.job_events
        wanted: list[ColumnElement[bool]] = [
            and_(events.c.job_id == job_id, events.c.seq > seq) for job_id, seq in request.since.items()
        ]
        if request.from_ms:
            wanted.append(and_(events.c.at >= request.from_ms, events.c.job_id.not_in(list(request.since))))
        if not wanted:
            return jobs_pb2.EventsResponse()
        async with self._store.db.read() as conn:
            rows = (
                await conn.execute(
                    select(events.c.snapshot)
                    .where(events.c.session_id == caller().session_id, or_(*wanted))
                    .order_by(events.c.at, events.c.job_id, events.c.seq)
                    .limit(EVENTS_LIMIT)
                )
            ).scalars()
            return jobs_pb2.EventsResponse(events=[jobs_pb2.JobEvent.FromString(snapshot) for snapshot in rows])
