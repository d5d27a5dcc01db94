"""Messages that must leave if, and only if, their transaction commits."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from ret_kit import telemetry
from ret_kit.database import now_ms
from ret_kit.errors import RetError

if TYPE_CHECKING:
    from typing import Self

    from sqlalchemy import Row, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ret_kit.bus import Bus
    from ret_kit.database import Database

log = logging.getLogger("ret.outbox")
BATCH = 200


class Outbox:
    """Writes messages with a transaction. `owner` names this process: its own relay publishes its rows at once."""

    def __init__(self, table: Table, owner: str) -> None:
        self.table, self.owner = table, owner

    async def add(
        self,
        conn: AsyncConnection,
        subject: str,
        payload: bytes,
        *,
        msg_id: str = "",
        durable: bool = True,
        session_id: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Add one message: to JetStream under `msg_id`, or over core NATS when not `durable`.

        `headers` default to the trace and correlation id of the caller.
        """
        sent = telemetry.inject({}) if headers is None else headers
        await conn.execute(
            insert(self.table).values(
                owner=self.owner,
                session_id=session_id,
                subject=subject,
                durable=durable,
                msg_id=msg_id,
                headers=json.dumps(sent),
                payload=payload,
                created_at=now_ms(),
            )
        )


class Relay:
    """Publishes what the outbox holds, in its order, and deletes it; woken after a commit, not polling."""

    def __init__(self, db: Database, outbox: Outbox, bus: Bus) -> None:
        self._db, self._outbox, self._bus = db, outbox, bus
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._publishing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="relay")
        self.wake()
        return self

    async def __aexit__(self, *_: object) -> None:
        # `wait_for` of Python 3.11, which the bus publishes with, may lose a cancellation that comes with an answer.
        self._closing = True
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(RetError):
            await self.flush()

    def wake(self) -> None:
        """Say that a transaction with messages has committed."""
        self._wanted.set()

    async def _run(self) -> None:
        while not self._closing:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.flush()
            except RetError as error:
                log.warning("outbox not relayed", extra={"code": error.code})
                await asyncio.sleep(1)
                self._wanted.set()

    async def flush(self, *, older_than_ms: int | None = None) -> int:
        """Publish this process's rows, or everybody's that are older than a time; gives how many.

        Afterwards everything that was committed before has left, also what another call had in hand.
        """
        async with self._publishing:
            return await self._publish_all(older_than_ms)

    async def _publish_all(self, older_than_ms: int | None) -> int:
        table, count = self._outbox.table, 0
        mine = (
            table.c.owner == self._outbox.owner
            if older_than_ms is None
            else table.c.created_at < now_ms() - older_than_ms
        )
        while True:
            async with self._db.read() as conn:
                rows = (await conn.execute(select(table).where(mine).order_by(table.c.id).limit(BATCH))).all()
            for row in rows:
                await self._publish(row)
            if rows:
                async with self._db.write() as conn:
                    await conn.execute(delete(table).where(table.c.id.in_([row.id for row in rows])))
            count += len(rows)
            if len(rows) < BATCH:
                return count

    async def _publish(self, row: Row[tuple[object, ...]]) -> None:
        headers: dict[str, str] = json.loads(row.headers)
        if row.durable:
            await self._bus.enqueue(row.subject, row.payload, row.msg_id, headers)
        else:
            await self._bus.publish(row.subject, row.payload, headers)
