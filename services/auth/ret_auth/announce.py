"""How the others learn that a session has begun or ends: Redis and core NATS at once, JetStream through the outbox."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from ret.sessions.v1 import sessions_pb2
from ret_auth.endings import Ended
from ret_auth.presence import Presence
from ret_kit.bus import Bus
from ret_kit.errors import RetError
from ret_kit.jobs.outbox import Outbox, Relay

log = logging.getLogger("ret.auth")


class OutboxOrders:
    """Orders to delete, as rows that the relay publishes on `sessions.ended`."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def add(self, conn: AsyncConnection, session_id: str, sweep: int, number: int) -> None:
        """Each repetition has an id of its own, or the stream would take it for the message that got lost."""
        order = sessions_pb2.EndSession(session_id=session_id, sweep=sweep)
        await self._outbox.add(
            conn,
            "sessions.ended",
            order.SerializeToString(),
            msg_id=f"{session_id}:{sweep}:{number}",
            session_id=session_id,
        )


class Announcements:
    """Tells everyone after the commit."""

    def __init__(self, presence: Presence, bus: Bus, relay: Relay) -> None:
        self._presence, self._bus, self._relay = presence, bus, relay

    async def ready(self) -> None:
        """Raises Unavailable when Redis is away: services would refuse the session anyway."""
        await self._presence.ready()

    async def opened(self, session_id: str) -> None:
        """Spares services the question whether the session is active."""
        await self._presence.active(session_id)

    async def ended(self, ended: Sequence[Ended]) -> None:
        """Refused from now on, websockets closed, children killed; and the orders leave."""
        if not ended:
            return
        self._relay.wake()
        try:
            await self._presence.closing([one.session_id for one in ended])
            for one in ended:
                closing = sessions_pb2.SessionClosing(session_id=one.session_id, reason=one.reason.value)
                await self._bus.publish(f"sessions.closing.{one.session_id}", closing.SerializeToString())
        except RetError as error:
            # SQL has it. While Redis is away every service refuses everything; the reconciler says it again.
            log.warning("closing not announced yet", extra={"code": error.code, "sessions": len(ended)})
