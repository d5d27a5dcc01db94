"""What auth does by itself: sessions that expire, sessions that end, keys that grow old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import delete

from ret.sessions.v1 import sessions_pb2
from ret_auth import endings, lockouts, sessions
from ret_auth.announce import Announcements
from ret_auth.clock import clock
from ret_auth.endings import Cleared
from ret_auth.policy import Reason
from ret_auth.ports import Ports
from ret_auth.presence import Presence
from ret_auth.schema import reset_tokens
from ret_auth.sessions import SESSIONS
from ret_auth.touches import Touches
from ret_kit import telemetry
from ret_kit.blobs import Blobs, session_prefix
from ret_kit.bus import Bus, Delivery
from ret_kit.errors import RetError
from ret_kit.jobs.outbox import Relay
from ret_kit.waiting import heed_cancellation

log = logging.getLogger("ret.auth")
STALE_MS = 10_000  # outbox rows that old are of a process that is gone
COMPACT_PAUSE_S = 1.0  # ends of sessions come in bursts: one compaction for all of them


@dataclass(frozen=True)
class Pace:
    """Seconds between two rounds of each kind of work, and how long rows are kept.

    `announce_ms`: so long Redis is told again that a session closes; longer than it may say "active" of one.
    """

    reconcile_s: float
    sweep_s: float
    touch_s: float
    keys_s: float
    keep_sessions_ms: int
    announce_ms: int


class Worker:
    """Runs until cancelled; every replica may run one."""

    def __init__(
        self,
        ports: Ports,
        announcements: Announcements,
        presence: Presence,
        bus: Bus,
        relay: Relay,
        blobs: Blobs,
        touches: Touches,
        pace: Pace,
    ) -> None:
        self._ports, self._announcements, self._presence = ports, announcements, presence
        self._bus, self._relay, self._blobs, self._touches, self._pace = bus, relay, blobs, touches, pace
        self._compaction = asyncio.Event()

    async def run(self) -> None:
        """The first round of everything comes at once: it takes up what a crash has left."""
        pace = self._pace
        self._compaction.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._bus.consume("sessions.cleared", "auth-cleared", self._on_cleared), name="cleared")
            group.create_task(_every(pace.reconcile_s, self.reconcile), name="reconcile")
            group.create_task(_every(pace.sweep_s, self.sweep), name="sweep")
            group.create_task(_every(pace.touch_s, self.touch), name="touch")
            group.create_task(_every(pace.keys_s, self._ports.keyring.load), name="keys")
            group.create_task(self._compact(), name="compact")

    async def _on_cleared(self, delivery: Delivery) -> None:
        answer = sessions_pb2.SessionCleared.FromString(delivery.data)
        cleared = Cleared(answer.session_id, answer.sweep, answer.service, answer.rows, answer.blobs)
        async with self._ports.db.write() as conn:
            complete = await self._ports.closing.answer(conn, cleared, await clock(conn))
        await delivery.ack()
        if complete:
            await self._finish(cleared.session_id)

    async def _finish(self, session_id: str) -> None:
        """Verify that nothing is left, then destroy the session."""
        left = len(await self._blobs.keys(session_prefix(session_id)))
        async with self._ports.db.write() as conn:
            done = await self._ports.closing.finish(
                conn,
                session_id,
                empty=not left,
                correlation_id=telemetry.correlation_id.get(),
                now_ms=await clock(conn),
            )
        if left:
            log.warning("blobs left after every service has answered", extra={"session_id": session_id, "blobs": left})
        if done:
            log.info(
                "session destroyed" if done == endings.FIRST else "session swept again",
                extra={"session_id": session_id},
            )
            self._compaction.set()

    async def reconcile(self) -> None:
        """Say again what Redis may have lost, order again what nobody answered, finish what a crash left unfinished."""
        async with self._ports.db.read() as conn:
            now = await clock(conn)
            closing = await endings.closing_since(conn, now - self._pace.announce_ms)
            is_due = await endings.is_due(conn, now)
            answered = await self._ports.closing.answered(conn)
        if is_due:
            async with self._ports.db.write() as conn:
                repeated = await self._ports.closing.repeat(conn, now)
            await self._announcements.ended(repeated)
        if closing:
            await self._presence.closing([one.session_id for one in closing])
        for session_id in answered:
            await self._finish(session_id)

    async def sweep(self) -> None:
        """Close sessions that have expired; delete what counts no more."""
        async with self._ports.db.write() as conn:
            now = await clock(conn)
            expired = await self._ports.closing.close(conn, SESSIONS.expires_at_ms <= now, Reason.EXPIRED, now)
            await conn.execute(delete(reset_tokens).where(reset_tokens.c.expires_at_ms <= now))
            await lockouts.sweep(conn, self._ports.rules.locks, now)
            await endings.forget(conn, now - self._pace.keep_sessions_ms)
        if expired:
            log.info("sessions expired", extra={"sessions": len(expired)})
        await self._announcements.ended(expired)
        await self._relay.flush(older_than_ms=STALE_MS)

    async def touch(self) -> None:
        """Write down which sessions were in use."""
        if seen := self._touches.taken():
            async with self._ports.db.write() as conn:
                await sessions.touch(conn, seen, self._ports.rules.lifetimes, await clock(conn))

    async def _compact(self) -> None:
        while True:
            await self._compaction.wait()
            await asyncio.sleep(COMPACT_PAUSE_S)
            self._compaction.clear()
            try:
                await self._ports.db.compact()
            except RetError as error:
                log.warning("not compacted yet", extra={"code": error.code})
                self._compaction.set()
            heed_cancellation()


async def _every(seconds: float, step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await _surviving(step)
        heed_cancellation()
        await asyncio.sleep(seconds)


async def _surviving(step: Callable[[], Awaitable[None]]) -> None:
    """Take the step; what is away now may be back in the next round."""
    try:
        await step()
    except RetError as error:
        log.warning("put off", extra={"step": getattr(step, "__name__", ""), "code": error.code})
