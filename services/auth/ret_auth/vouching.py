"""What auth vouches for to other processes: that a session is active, and who holds a websocket ticket."""

from __future__ import annotations

from ret_auth import sessions, users
from ret_auth.clock import clock
from ret_auth.errors import SessionRefused
from ret_auth.policy import UserStatus
from ret_auth.ports import Ports
from ret_auth.presence import Presence, Ticket
from ret_auth.tokens import Bearer, access_token
from ret_auth.touches import Touches


class Vouching:
    """Answers for sessions. A ticket is single-use: it opens one websocket and stands for a token of its session."""

    def __init__(self, ports: Ports, presence: Presence, touches: Touches) -> None:
        self._ports, self._presence, self._touches = ports, presence, touches

    async def issue_ticket(self, user_id: str, session_id: str) -> tuple[str, int]:
        """A new ticket and its lifetime in seconds."""
        async with self._ports.db.read() as conn:
            issued_at = await clock(conn)
        return await self._presence.keep_ticket(Ticket(session_id, user_id, issued_at)), self._presence.ticket_s

    async def redeem_ticket(self, token: str) -> tuple[Ticket, str]:
        """What the ticket says, and an access token. Raises SessionRefused: used, too old, made up, session over."""
        ticket = await self._presence.take_ticket(token)
        if ticket is None:
            raise SessionRefused
        async with self._ports.db.read() as conn:
            now = await clock(conn)
            session = await sessions.find_alive(conn, ticket.session_id, now)
            user = await users.find(conn, ticket.user_id)
        if session is None or user is None or user.status is not UserStatus.ACTIVE:
            raise SessionRefused
        bearer = Bearer(user.id, session.id, user.role, user.must_change_password)
        return ticket, access_token(self._ports.keyring.signing, bearer, now, self._ports.rules.access_s)

    async def check(self, session_id: str) -> bool:
        """Whether the session may be used, by SQL. Whoever asks has seen it in use."""
        async with self._ports.db.read() as conn:
            active = await sessions.find_alive(conn, session_id, await clock(conn)) is not None
        if active:
            self._touches.seen(session_id)
            await self._presence.active(session_id)
        return active
