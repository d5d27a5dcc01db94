"""How a session begins, goes on, and is ended by its owner."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ret_auth import lockouts, sessions, users
from ret_auth.clock import clock
from ret_auth.endings import Ended
from ret_auth.errors import BadCredentials, SessionRefused
from ret_auth.lockouts import Subject
from ret_auth.names import name_key
from ret_auth.passwords import Verdict
from ret_auth.policy import LockKind, Reason, Role, UserStatus
from ret_auth.ports import Grant, Ports, granted
from ret_auth.sessions import Opened, Reused, Visitor
from ret_auth.users import User

log = logging.getLogger("ret.auth")


@dataclass(frozen=True)
class Attempt:
    """One login as it is counted: by the name that was typed and by the address it came from."""

    username: str
    password: str
    visitor: Visitor
    account: Subject
    address: Subject | None

    def subjects(self) -> list[Subject]:
        """What a wrong password is counted for, always in this order."""
        return [self.account, *([self.address] if self.address else [])]

    def holding(self, user: User | None) -> list[Subject]:
        """Whose lock refuses this attempt.

        An administrator's account is not locked where its last login came from, or somebody elsewhere could keep the
        last administrator out for ever. There the lock of the address stands.
        """
        if user and user.role is Role.ADMIN and self.address and user.login_address_hash == self.address.hash:
            return [self.address]
        return self.subjects()


class Login:
    """Log in, refresh, log out."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def login(self, username: str, password: str, visitor: Visitor) -> Grant:
        """A new session. Raises BadCredentials, alike for unknown users and wrong passwords, or AccountLocked."""
        ports = self._ports
        await ports.announcer.ready()
        attempt = self._attempt(username, password, visitor)
        async with ports.db.read() as conn:
            user = await users.find_by_name(conn, username)
            await lockouts.refuse_locked(conn, attempt.holding(user), ports.rules.locks, await clock(conn))
        # A password that is too long for a new one is wrong, and must not cost more than another wrong one.
        usable = user is not None and user.status is UserStatus.ACTIVE and len(password) <= ports.rules.passwords.most
        verdict = await ports.passwords.verify(
            user.password_hash if user and usable else None, password[: ports.rules.passwords.most]
        )
        async with ports.db.write() as conn:
            grant = await self._settle(conn, attempt, user, verdict)
        if grant is None:
            log.info("login refused", extra={"user_id": user.id if user else ""})
            raise BadCredentials
        await ports.announcer.opened(grant.opened.session.id)
        log.info("login", extra={"user_id": grant.user.id, "session_id": grant.opened.session.id})
        return grant

    def _attempt(self, username: str, password: str, visitor: Visitor) -> Attempt:
        secret = self._ports.secrets[0]
        account = Subject(LockKind.ACCOUNT, secret.subject(LockKind.ACCOUNT, name_key(username)))
        address = (
            Subject(LockKind.ADDRESS, secret.subject(LockKind.ADDRESS, visitor.address)) if visitor.address else None
        )
        return Attempt(username, password, visitor, account, address)

    async def _settle(
        self, conn: AsyncConnection, attempt: Attempt, verified: User | None, verdict: Verdict
    ) -> Grant | None:
        """Open the session, or count a wrong password (None).

        Decided at one moment: of a hundred guesses that were hashed at the same time, none is accepted after the fifth
        wrong one, the right one included.
        """
        rules, now = self._ports.rules, await clock(conn)
        user = await users.find(conn, verified.id if verified else "", hold=True)
        holding = attempt.holding(user)
        await lockouts.refuse_locked(conn, holding, rules.locks, now, hold=True)
        same = user and verified and users.same_password(verified, user) and user.status is UserStatus.ACTIVE
        if not (verdict.right and user and same):
            await lockouts.fail(conn, attempt.subjects(), rules.locks, now, holding)
            return None
        await lockouts.forgive(conn, attempt.account, attempt.address, rules.locks)
        await users.logged_in(conn, user.id, attempt.address.hash if attempt.address else None, verdict.renewed)
        opened = await sessions.open_session(conn, user.id, attempt.visitor, rules.lifetimes, now)
        return granted(self._ports, opened, user)

    async def refresh(self, token: str) -> Grant:
        """The same session with its next refresh token; raises SessionRefused, and an old token ends the session."""
        ports = self._ports
        await ports.announcer.ready()
        async with ports.db.write() as conn:
            outcome = await self._refreshed(conn, token)
        if isinstance(outcome, Grant):
            await ports.announcer.opened(outcome.opened.session.id)
            return outcome
        if outcome:
            log.warning("refresh token used again", extra={"session_id": outcome[0].session_id})
            await ports.announcer.ended(outcome)
        raise SessionRefused

    async def _refreshed(self, conn: AsyncConnection, token: str) -> Grant | list[Ended]:
        rules, now = self._ports.rules, await clock(conn)
        found = await sessions.refresh(
            conn, token, self._ports.secrets, rules.lifetimes, grace_ms=rules.grace_ms, now_ms=now
        )
        match found:
            case Opened():
                user = await users.find(conn, found.session.user_id)
                if user is None or user.status is not UserStatus.ACTIVE:
                    raise SessionRefused
                return granted(self._ports, found, user)
            case Reused():
                return await self._ports.closing.close(
                    conn, sessions.SESSIONS.id == found.session_id, Reason.REUSE, now
                )
            case None:
                return []

    async def logout(self, token: str) -> None:
        """End the session of a refresh token, whichever of its family; an unknown one ends nothing and is no error."""
        ports = self._ports
        async with ports.db.write() as conn:
            session_id = await sessions.of_token(conn, token)
            ended = (
                await ports.closing.close(conn, sessions.SESSIONS.id == session_id, Reason.LOGOUT, await clock(conn))
                if session_id
                else []
            )
        await ports.announcer.ended(ended)
        for one in ended:
            log.info("logout", extra={"session_id": one.session_id})
