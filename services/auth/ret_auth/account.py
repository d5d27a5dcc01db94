"""What users do with their own account: password, sessions, themselves."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_auth import lockouts, sessions, users
from ret_auth.clock import clock
from ret_auth.endings import Ended
from ret_auth.errors import PasswordUnchanged, ResetRefused, SessionRefused, WrongPassword
from ret_auth.lockouts import Subject
from ret_auth.policy import FIRST_ADMIN, LockKind, Reason, SessionState
from ret_auth.ports import Ports
from ret_auth.schema import reset_tokens
from ret_auth.sessions import SESSIONS, Session
from ret_auth.tokens import token_hash
from ret_auth.users import User
from ret_kit.errors import NotFound

log = logging.getLogger("ret.auth")


class Account:
    """The caller's own. `first_password` is the file with the first administrator's one-time password."""

    def __init__(self, ports: Ports, first_password: Path) -> None:
        self._ports, self._first_password = ports, first_password

    async def me(self, user_id: str, session_id: str) -> tuple[User, Session]:
        """The caller and the session; raises SessionRefused when it is over."""
        async with self._ports.db.read() as conn:
            user = await users.find(conn, user_id)
            session = await sessions.find_alive(conn, session_id, await clock(conn))
        if user is None or session is None:
            raise SessionRefused
        return user, session

    async def change_password(self, user_id: str, session_id: str, current: str, new: str) -> None:
        """Set a new password and end the user's other sessions.

        Raises WrongPassword, AccountLocked after too many of them, or the PasswordRefused that names the broken rule.
        """
        ports = self._ports
        subject = Subject(LockKind.SESSION, ports.secrets[0].subject(LockKind.SESSION, session_id))
        async with ports.db.read() as conn:
            user = await users.find(conn, user_id)
            await lockouts.refuse_locked(conn, [subject], ports.rules.locks, await clock(conn))
        if user is None:
            raise SessionRefused
        verdict = await ports.passwords.verify(user.password_hash, current[: ports.rules.passwords.most])
        if not verdict.right:
            async with ports.db.write() as conn:
                await lockouts.fail(conn, [subject], ports.rules.locks, await clock(conn), [subject])
            raise WrongPassword
        ports.rules.passwords.check(new, user.username)
        if (await ports.passwords.verify(user.password_hash, new)).right:
            raise PasswordUnchanged
        fresh = await ports.passwords.hash(new)
        async with ports.db.write() as conn:
            await lockouts.refuse_locked(conn, [subject], ports.rules.locks, await clock(conn), hold=True)
            ended = await self._replace(conn, user, fresh, session_id)
        if user.username == FIRST_ADMIN:
            await asyncio.to_thread(self._first_password.unlink, missing_ok=True)
        log.info("password changed", extra={"user_id": user_id, "session_id": session_id, "sessions_ended": len(ended)})
        await ports.announcer.ended(ended)

    async def _replace(
        self, conn: AsyncConnection, verified: User, password_hash: str, keep_session: str
    ) -> list[Ended]:
        user = await users.find(conn, verified.id, hold=True)
        if user is None or not users.same_password(verified, user):
            raise WrongPassword  # somebody was quicker: what was verified is not the current password any more
        await users.set_password(conn, user.id, password_hash)
        await conn.execute(delete(reset_tokens).where(reset_tokens.c.user_id == user.id))
        others = (SESSIONS.user_id == user.id) & (SESSIONS.id != keep_session)
        return await self._ports.closing.close(conn, others, Reason.PASSWORD_CHANGED, await clock(conn))

    async def confirm_reset(self, token: str, new: str) -> None:
        """Set a password with a one-time token, and end all sessions of its user.

        Raises ResetRefused, or PasswordRefused, which does not use the token up.
        """
        ports = self._ports
        async with ports.db.read() as conn:
            user = await self._user_of(conn, token)
        if user is None:
            raise ResetRefused
        ports.rules.passwords.check(new, user.username)
        fresh = await ports.passwords.hash(new)
        async with ports.db.write() as conn:
            used = await conn.execute(
                delete(reset_tokens).where(
                    reset_tokens.c.token_hash == token_hash(token), reset_tokens.c.expires_at_ms > await clock(conn)
                )
            )
            if not used.rowcount:
                raise ResetRefused
            ended = await self._replace(conn, user, fresh, keep_session="")
        log.info("password set by reset token", extra={"user_id": user.id})
        await ports.announcer.ended(ended)

    async def _user_of(self, conn: AsyncConnection, token: str) -> User | None:
        found = (
            await conn.execute(
                select(reset_tokens.c.user_id).where(
                    reset_tokens.c.token_hash == token_hash(token), reset_tokens.c.expires_at_ms > await clock(conn)
                )
            )
        ).scalar_one_or_none()
        return await users.find(conn, found) if found else None

    async def own_sessions(self, user_id: str, offset: int, limit: int) -> tuple[list[Session], int]:
        """The user's active sessions, the newest first, and how many there are."""
        async with self._ports.db.read() as conn:
            mine = (SESSIONS.user_id == user_id) & (SESSIONS.state == SessionState.ACTIVE.value)
            return await sessions.listed(conn, mine, offset, limit)

    async def end_session(self, user_id: str, session_id: str) -> None:
        """End one of the user's own sessions; raises NotFound for any other and for one that is gone."""
        async with self._ports.db.write() as conn:
            session = await sessions.find(conn, session_id)
            if session is None or session.user_id != user_id or session.state is SessionState.DESTROYED:
                raise NotFound(what="session")
            ended = await self._ports.closing.close(
                conn, SESSIONS.id == session_id, Reason.ENDED_BY_USER, await clock(conn)
            )
        await self._ports.announcer.ended(ended)
