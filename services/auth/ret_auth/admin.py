"""What administrators do: users, everybody's sessions; and the first administrator of all."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_auth import sessions, users
from ret_auth.clock import clock
from ret_auth.errors import PasswordRefused, UserExists
from ret_auth.names import checked_name
from ret_auth.policy import FIRST_ADMIN, Reason, Role, SessionState
from ret_auth.ports import Ports
from ret_auth.schema import created_users, reset_tokens
from ret_auth.sessions import SESSIONS, Session
from ret_auth.tokens import new_token, token_hash
from ret_auth.users import NewUser, User
from ret_kit.errors import Invalid, NotFound

log = logging.getLogger("ret.auth")


@dataclass(frozen=True)
class Wanted:
    """A user as an administrator asks for one. Without a password there will be a reset token."""

    username: str
    password: str
    role: str


class Admin:
    """Users and sessions, all of them."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def create_user(self, wanted: Wanted, session_id: str, key: str) -> tuple[User, str]:
        """A new user, and a one-time reset token when no password was given.

        A given password must be changed at the first login: the administrator knows it. The same `key` in the same
        session gives the first answer again. Raises Invalid, PasswordRefused or UserExists.
        """
        role = _role(wanted.role)
        # Refused before anything is hashed, and before the password is compared with it.
        name = checked_name(wanted.username)
        if wanted.password:
            self._ports.rules.passwords.check(wanted.password, name)
        if again := await self._created_before(session_id, key):
            return again
        password_hash = await self._ports.passwords.hash(wanted.password) if wanted.password else None
        new = NewUser(name, role, password_hash, bool(wanted.password), self._ports.rules.limits)
        try:
            async with self._ports.db.write() as conn:
                user = await users.create(conn, new)
                token = "" if wanted.password else await self._reset_token(conn, user, session_id, key)
                if key:
                    await conn.execute(
                        insert(created_users).values(session_id=session_id, key_hash=token_hash(key), user_id=user.id)
                    )
        except UserExists:
            # The same request, sent twice at once: the other one has committed meanwhile.
            if again := await self._created_before(session_id, key):
                return again
            raise
        log.info("user created", extra={"user_id": user.id, "session_id": session_id, "role": role.value})
        return user, token

    async def _created_before(self, session_id: str, key: str) -> tuple[User, str] | None:
        if not key:
            return None
        async with self._ports.db.read() as conn:
            found = (
                await conn.execute(
                    select(created_users.c.user_id).where(
                        created_users.c.session_id == session_id, created_users.c.key_hash == token_hash(key)
                    )
                )
            ).scalar_one_or_none()
            user = await users.find(conn, found) if found else None
        if user is None:
            return None
        return user, "" if user.password_hash else self._ports.secrets[0].reset_token(session_id, key)

    async def _reset_token(self, conn: AsyncConnection, user: User, session_id: str, key: str) -> str:
        token = self._ports.secrets[0].reset_token(session_id, key) if key else new_token()
        now = await clock(conn)
        await conn.execute(
            insert(reset_tokens).values(
                token_hash=token_hash(token),
                user_id=user.id,
                created_at_ms=now,
                expires_at_ms=now + self._ports.rules.reset_ms,
            )
        )
        return token

    async def list_users(self, offset: int, limit: int) -> tuple[list[User], int]:
        """A window of all users, the oldest first, and how many there are."""
        async with self._ports.db.read() as conn:
            return await users.list_users(conn, offset, limit)

    async def list_sessions(self, offset: int, limit: int) -> tuple[list[Session], int]:
        """Everybody's sessions that are not destroyed, the newest first, and how many there are."""
        async with self._ports.db.read() as conn:
            return await sessions.listed(conn, SESSIONS.state != SessionState.DESTROYED.value, offset, limit)

    async def end_session(self, session_id: str) -> None:
        """End anybody's session; raises NotFound when there is none. One that closes already goes on closing."""
        async with self._ports.db.write() as conn:
            session = await sessions.find(conn, session_id)
            if session is None or session.state is SessionState.DESTROYED:
                raise NotFound(what="session")
            ended = await self._ports.closing.close(
                conn, SESSIONS.id == session_id, Reason.ENDED_BY_ADMINISTRATOR, await clock(conn)
            )
        await self._ports.announcer.ended(ended)

    async def end_all_sessions(self) -> int:
        """End every session, the caller's too; gives how many."""
        async with self._ports.db.write() as conn:
            ended = await self._ports.closing.close(conn, true(), Reason.ENDED_BY_ADMINISTRATOR, await clock(conn))
        await self._ports.announcer.ended(ended)
        log.info("all sessions ended", extra={"sessions": len(ended)})
        return len(ended)


def _role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise Invalid(field="role", reason=f"is one of {', '.join(Role)}") from None


async def first_admin(ports: Ports, given: str, file: Path, *, strict: bool) -> None:
    """Make the user `admin` if there is no user at all.

    With a given password it is that, and nobody has to change it; `strict` refuses one that breaks the rules,
    otherwise a warning is logged. Without, a one-time password is written to the file, which only its owner can read.
    """
    async with ports.db.read() as conn:
        if await users.count(conn):
            return
    if given:
        try:
            ports.rules.passwords.check(given, FIRST_ADMIN)
        except PasswordRefused as refused:
            if strict:
                raise
            log.warning("RET_ADMIN_PASSWORD breaks the rules for passwords", extra={"code": refused.code})
    password = given or secrets.token_urlsafe(15)
    new = NewUser(FIRST_ADMIN, Role.ADMIN, await ports.passwords.hash(password), not given, ports.rules.limits)
    try:
        async with ports.db.write() as conn:
            await users.create(conn, new)
            # Inside the transaction: the file is there before the user, and of two replicas only one writes.
            if not given:
                await asyncio.to_thread(_write_secret, file, password)
    except UserExists:
        log.info("another replica has made the first administrator")
        return
    log.info("first administrator made", extra={"one_time_password": not given})


def _write_secret(file: Path, secret: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write(secret + "\n")
