"""What Redis keeps for auth: which sessions are active or closing (a cache: the truth is in SQL), and tickets."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ret_auth.tokens import new_token, token_hash
from ret_kit.auth import session_key
from ret_kit.errors import Unavailable

PATIENCE_S = 2.0  # Redis answers in a millisecond or is away


@dataclass(frozen=True)
class Ticket:
    """Whom a websocket ticket was given to, and when."""

    session_id: str
    user_id: str
    issued_at_ms: int


@contextmanager
def _reached() -> Generator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable(what="redis") from error


class Presence:
    """Every method raises Unavailable when Redis is away.

    `active_s`: how long "active" is believed before auth is asked again. `closing_s`: longer than any access token.
    """

    def __init__(self, url: str, *, active_s: int, closing_s: int, ticket_s: int) -> None:
        self._redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - redis-py leaves its options untyped
            url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S, decode_responses=True
        )
        self._active_s, self._closing_s, self.ticket_s = active_s, closing_s, ticket_s

    async def close(self) -> None:
        """Let the connections go."""
        await self._redis.aclose()

    async def ready(self) -> None:
        """Whether Redis answers."""
        with _reached():
            await self._redis.exists("ret:ping")

    async def active(self, session_id: str) -> None:
        """Say that a session is active, unless it is closing: who read SQL a moment ago must not undo that."""
        with _reached():
            await self._redis.set(session_key(session_id), "active", ex=self._active_s, nx=True)

    async def closing(self, session_ids: Sequence[str]) -> None:
        """Say that sessions are closing: refused everywhere from now on."""
        with _reached():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for session_id in session_ids:
                    pipeline.set(session_key(session_id), "closing", ex=self._closing_s)
                await pipeline.execute()

    async def keep_ticket(self, ticket: Ticket) -> str:
        """A new single-use ticket; Redis has it by its hash."""
        token = new_token()
        content = json.dumps({"sid": ticket.session_id, "uid": ticket.user_id, "at": ticket.issued_at_ms})
        with _reached():
            await self._redis.set(_ticket_key(token), content, ex=self.ticket_s)
        return token

    async def take_ticket(self, token: str) -> Ticket | None:
        """What the ticket says, once; None when it is used, too old or made up."""
        with _reached():
            content = await self._redis.getdel(_ticket_key(token))
        if content is None:
            return None
        fields = json.loads(content)
        return Ticket(fields["sid"], fields["uid"], fields["at"])


def _ticket_key(token: str) -> str:
    return f"ret:ticket:{token_hash(token)}"
