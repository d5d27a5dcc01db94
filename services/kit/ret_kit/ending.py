"""The end of a session in one service.

Nothing new from now on, children killed, rows and blobs gone, the count answered.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, insert, literal, select

from ret.sessions.v1 import sessions_pb2
from ret_kit.blobs import session_prefix
from ret_kit.database import now_ms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from ret_kit.blobs import Blobs
    from ret_kit.bus import Bus, Delivery
    from ret_kit.database import Database
    from ret_kit.jobs.schema import JobTables
    from ret_kit.pools import Pool

    Forget = Callable[[AsyncConnection, str], Awaitable[int]]

log = logging.getLogger("ret.ending")
ENDED, CLEARED, CLOSING = "sessions.ended", "sessions.cleared", "sessions.closing"


class Closings:
    """Hears at once that a session closes, and kills the children that work for it in this process."""

    def __init__(self, bus: Bus, pools: Sequence[Pool]) -> None:
        self._bus, self._pools = bus, pools

    async def run(self) -> None:
        """Until cancelled."""
        await self._bus.listen(f"{CLOSING}.*", self.heard)

    async def heard(self, subject: str, _data: bytes) -> None:
        """`sessions.closing.<session>` has come."""
        session_id = subject.rpartition(".")[2]
        killed = sum(pool.kill_session(session_id) for pool in self._pools)
        log.info("session closes", extra={"session_id": session_id, "killed": killed})


class Endings:
    """Carries out `sessions.ended`. `forget` deletes the service's own rows of a session and gives their number."""

    def __init__(
        self,
        service: str,
        db: Database,
        tables: JobTables,
        bus: Bus,
        blobs: Blobs,
        forget: Forget,
        pools: Sequence[Pool] = (),
    ) -> None:
        self._service, self._db, self._tables, self._bus, self._blobs = service, db, tables, bus, blobs
        self._forget, self._closings = forget, Closings(bus, pools)
        # What was deleted stands in SQLite's file until it is rewritten; a process that begins cannot know whether
        # that was done.
        self._compacting, self._dirty = asyncio.Lock(), True

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._bus.listen(f"{CLOSING}.*", self._on_closing))
            group.create_task(self._bus.consume(ENDED, f"{self._service}-sessions", self._on_ended, concurrency=4))

    async def _on_closing(self, subject: str, data: bytes) -> None:
        """Refuse new work first, so that what is killed is not begun again."""
        async with self._db.write() as conn:
            await self._entomb(conn, subject.rpartition(".")[2])
        await self._closings.heard(subject, data)

    async def _on_ended(self, delivery: Delivery) -> None:
        order = sessions_pb2.EndSession.FromString(delivery.data)
        rows, blobs = await self.end(order.session_id)
        answer = sessions_pb2.SessionCleared(
            session_id=order.session_id, service=self._service, sweep=order.sweep, rows=rows, blobs=blobs
        )
        # A name of its own for every answer: auth asks again when one is lost, and the stream must not take it for a
        # repetition.
        await self._bus.enqueue(
            CLEARED,
            answer.SerializeToString(),
            f"{order.session_id}:{self._service}:{order.sweep}:{time.time_ns()}",
            None,
        )
        await delivery.ack()

    async def end(self, session_id: str) -> tuple[int, int]:
        """Delete everything; (rows, blobs). Doing it again finds nothing and is no error."""
        async with self._db.write() as conn:
            await self._entomb(conn, session_id)
            rows = await self._forget(conn, session_id)
            for table in (
                self._tables.outbox,
                self._tables.idempotency,
                self._tables.tasks,
                self._tables.job_events,
                self._tables.jobs,
            ):
                rows += (await conn.execute(delete(table).where(table.c.session_id == session_id))).rowcount
        await self._closings.heard(f"{CLOSING}.{session_id}", b"")
        blobs = await self._blobs.delete_prefix(session_prefix(session_id))
        self._dirty = self._dirty or rows > 0
        await self._compact()
        log.info("session ended", extra={"session_id": session_id, "rows": rows, "blobs": blobs})
        return rows, blobs

    async def _entomb(self, conn: AsyncConnection, session_id: str) -> None:
        stones = self._tables.tombstones
        await conn.execute(
            insert(stones).from_select(
                ["session_id", "at"],
                select(literal(session_id), now_ms()).where(~exists().where(stones.c.session_id == session_id)),
            )
        )

    async def _compact(self) -> None:
        """Rewrite the database file, once for all sessions whose rows were deleted before it began."""
        async with self._compacting:
            if self._dirty:
                self._dirty = False
                try:
                    await self._db.compact()
                except BaseException:
                    self._dirty = True
                    raise
