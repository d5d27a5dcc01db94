"""Puts the job machinery together for a process: one that accepts jobs, or one that works on them."""

from __future__ import annotations

import asyncio
import os
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ret_kit.jobs.outbox import Relay
from ret_kit.jobs.reconciler import Reconciler
from ret_kit.jobs.store import JobStore
from ret_kit.jobs.tasks import TaskStore
from ret_kit.jobs.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ret_kit.blobs import Blobs
    from ret_kit.bus import Bus
    from ret_kit.database import Database
    from ret_kit.ending import Endings
    from ret_kit.jobs.model import JobSettings, Work
    from ret_kit.jobs.schema import JobTables
    from ret_kit.pools import Pool


@dataclass(frozen=True)
class JobHost:
    """What both kinds of process have: the rows, and the relay to wake after a commit."""

    store: JobStore
    tasks: TaskStore
    relay: Relay


def process_name(service: str) -> str:
    """A name for this process that no other has; at most 40 characters."""
    return f"{service[:16]}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


@asynccontextmanager
async def open_jobs(
    service: str, db: Database, tables: JobTables, settings: JobSettings, bus: Bus
) -> AsyncGenerator[JobHost]:
    """Enough to create jobs.

    `async with db.write() as conn: await host.store.create(conn, …)`, then `host.relay.wake()`.
    """
    store = JobStore(db, tables, service, settings, process_name(service))
    async with Relay(db, store.outbox, bus) as relay:
        yield JobHost(store, TaskStore(store), relay)


async def work(
    host: JobHost,
    works: Sequence[Work],
    bus: Bus,
    blobs: Blobs,
    pool: Pool,
    endings: Endings,
    *,
    slots: int,
) -> None:
    """Work on jobs and tasks, reconcile, and carry out the ends of sessions, until cancelled."""
    reconciler = Reconciler(host.tasks, works, bus, blobs, host.relay)
    worker = Worker(host.tasks, works, bus, blobs, pool, host.relay, slots, reconciler.wake)
    async with asyncio.TaskGroup() as group:
        group.create_task(reconciler.run(), name="reconciler")
        group.create_task(worker.run(), name="worker")
        group.create_task(endings.run(), name="endings")
