"""Collections that are deleted: comparisons with them stay as far as their results go, and running ones fail."""

from __future__ import annotations

import json

from sqlalchemy import and_, update

from ret_diff import records
from ret_diff.errors import SideGone
from ret_kit.bus import Bus, Delivery
from ret_kit.database import Database
from ret_kit.jobs.host import JobHost


class Deletions:
    """Hears that a collection was deleted."""

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
