"""Sessions and their refresh tokens. A session is one login; its refresh tokens are one family, one of them current.

Every function works in the transaction it is given. What refuses and must keep what it wrote (a reuse ends the session)
answers None instead of raising, because raising would roll it back.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_auth.policy import Lifetimes, RefreshState, RefreshVerdict, SessionState, judge_refresh
from ret_auth.schema import refresh_tokens, sessions, users
from ret_auth.tokens import Secret, new_token, token_hash

ADDRESS_LENGTH, AGENT_LENGTH = 64, 400
TOKENS, SESSIONS = refresh_tokens.c, sessions.c


@dataclass(frozen=True)
class Visitor:
    """Where a request came from, as far as the gateway knows. Both may be empty."""

    address: str
    user_agent: str


@dataclass(frozen=True)
class Session:
    """A session as it stands in SQL."""

    id: str
    user_id: str
    username: str
    state: SessionState
    created_at_ms: int
    last_seen_ms: int
    expires_at_ms: int
    absolute_end_ms: int
    address: str
    user_agent: str


@dataclass(frozen=True)
class Opened:
    """A session that goes on, with the refresh token that is current from now on."""

    session: Session
    refresh_token: str
    now_ms: int


@dataclass(frozen=True)
class Reused:
    """A refresh token that was used up long ago: somebody has a copy, the session must end."""

    session_id: str


def _selected() -> Select[Any]:
    return select(sessions, users.c.username).join(users)


def _session(row: Row[Any]) -> Session:
    return Session(
        row.id,
        row.user_id,
        row.username,
        SessionState(row.state),
        row.created_at_ms,
        row.last_seen_ms,
        row.expires_at_ms,
        row.absolute_end_ms,
        row.address,
        row.user_agent,
    )


async def open_session(
    conn: AsyncConnection, user_id: str, visitor: Visitor, lifetimes: Lifetimes, now_ms: int
) -> Opened:
    """A new active session and the first token of its family."""
    session_id, token, absolute = uuid4().hex, new_token(), lifetimes.absolute_end(now_ms)
    await conn.execute(
        insert(sessions).values(
            id=session_id,
            user_id=user_id,
            state=SessionState.ACTIVE.value,
            created_at_ms=now_ms,
            last_seen_ms=now_ms,
            expires_at_ms=lifetimes.end(now_ms, absolute),
            absolute_end_ms=absolute,
            address=visitor.address[:ADDRESS_LENGTH],
            user_agent=visitor.user_agent[:AGENT_LENGTH],
        )
    )
    await _keep_token(conn, token, session_id, now_ms)
    return Opened(await _got(conn, session_id), token, now_ms)


async def refresh(
    conn: AsyncConnection, token: str, keys: Sequence[Secret], lifetimes: Lifetimes, *, grace_ms: int, now_ms: int
) -> Opened | Reused | None:
    """The session with its next refresh token, Reused, or None for what is unknown or over."""
    kept = (
        await conn.execute(select(refresh_tokens).where(TOKENS.token_hash == token_hash(token)).with_for_update())
    ).one_or_none()
    if kept is None:
        return None
    verdict = judge_refresh(
        RefreshState(kept.rotated_at_ms, await _rotated(conn, kept.successor_hash)), now_ms, grace_ms
    )
    if verdict is RefreshVerdict.REUSE:
        return Reused(kept.session_id)
    if not await touch(conn, [kept.session_id], lifetimes, now_ms):
        return None
    if verdict is RefreshVerdict.ROTATE:
        successor = await _rotate(conn, token, kept.session_id, keys[0], now_ms)
    else:
        successor = _successor_again(token, kept.successor_nonce, kept.successor_hash, keys)
    return Opened(await _got(conn, kept.session_id), successor, now_ms) if successor else None


async def _rotated(conn: AsyncConnection, successor_hash: str | None) -> bool:
    """Whether the successor has a successor itself."""
    if successor_hash is None:
        return False
    rotated_at = await conn.execute(select(TOKENS.rotated_at_ms).where(TOKENS.token_hash == successor_hash))
    return rotated_at.scalar_one_or_none() is not None


async def _rotate(conn: AsyncConnection, token: str, session_id: str, key: Secret, now_ms: int) -> str:
    nonce = secrets.token_urlsafe(16)
    successor = key.successor(token, nonce)
    await conn.execute(
        update(refresh_tokens)
        .where(TOKENS.token_hash == token_hash(token))
        .values(rotated_at_ms=now_ms, successor_nonce=nonce, successor_hash=token_hash(successor))
    )
    await _keep_token(conn, successor, session_id, now_ms)
    return successor


def _successor_again(token: str, nonce: str, successor_hash: str, keys: Sequence[Secret]) -> str | None:
    """The successor that the parent has got already, unless the secret was exchanged in these seconds."""
    again = (key.successor(token, nonce) for key in keys)
    return next((successor for successor in again if hmac.compare_digest(token_hash(successor), successor_hash)), None)


async def _keep_token(conn: AsyncConnection, token: str, session_id: str, now_ms: int) -> None:
    await conn.execute(
        insert(refresh_tokens).values(token_hash=token_hash(token), session_id=session_id, issued_at_ms=now_ms)
    )


async def _got(conn: AsyncConnection, session_id: str) -> Session:
    return _session((await conn.execute(_selected().where(SESSIONS.id == session_id))).one())


async def touch(conn: AsyncConnection, session_ids: Iterable[str], lifetimes: Lifetimes, now_ms: int) -> int:
    """These sessions are in use now: their idle time starts again. What is over stays over. Gives how many went on."""
    idle_end = now_ms + lifetimes.idle_ms
    earlier = func.min if conn.dialect.name == "sqlite" else func.least
    done = await conn.execute(
        update(sessions)
        .where(SESSIONS.id.in_(list(session_ids)), alive(now_ms))
        .values(last_seen_ms=now_ms, expires_at_ms=earlier(SESSIONS.absolute_end_ms, idle_end))
    )
    return done.rowcount


def alive(now_ms: int) -> ColumnElement[bool]:
    """The condition for a session that may still be used: the sweeper may be late, expiry is not."""
    return (SESSIONS.state == SessionState.ACTIVE.value) & (SESSIONS.expires_at_ms > now_ms)


async def find(conn: AsyncConnection, session_id: str) -> Session | None:
    """The session, whatever its state."""
    row = (await conn.execute(_selected().where(SESSIONS.id == session_id))).one_or_none()
    return _session(row) if row else None


async def find_alive(conn: AsyncConnection, session_id: str, now_ms: int) -> Session | None:
    """The session if it may still be used."""
    row = (await conn.execute(_selected().where(SESSIONS.id == session_id, alive(now_ms)))).one_or_none()
    return _session(row) if row else None


async def of_token(conn: AsyncConnection, token: str) -> str | None:
    """The session whose family a refresh token belongs to, whether it is the current one or not."""
    found = await conn.execute(select(TOKENS.session_id).where(TOKENS.token_hash == token_hash(token)))
    return found.scalar_one_or_none()


async def listed(
    conn: AsyncConnection, condition: ColumnElement[bool], offset: int, limit: int
) -> tuple[list[Session], int]:
    """A window of the sessions under a condition, the newest first, and how many there are."""
    rows = await conn.execute(
        _selected().where(condition).order_by(SESSIONS.created_at_ms.desc(), SESSIONS.id).offset(offset).limit(limit)
    )
    total = await conn.execute(select(func.count()).select_from(sessions).where(condition))
    return [_session(row) for row in rows], total.scalar_one()
