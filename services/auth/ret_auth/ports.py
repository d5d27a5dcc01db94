"""What the use cases stand on; put together once, in `__main__.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ret_auth.endings import Closing, Ended
from ret_auth.keyring import Keyring
from ret_auth.passwords import PasswordRules, Passwords
from ret_auth.policy import Lifetimes, LockRules
from ret_auth.sessions import Opened
from ret_auth.tokens import Bearer, Secret, access_token
from ret_auth.users import Limits, User
from ret_kit.database import Database


class Announcer(Protocol):
    """Tells everyone, once the transaction has committed."""

    async def ready(self) -> None:
        """Raises Unavailable when nobody could be told or asked: then no session begins."""
        ...

    async def opened(self, session_id: str) -> None:
        """A session is active."""
        ...

    async def ended(self, ended: Sequence[Ended]) -> None:
        """Sessions close: from now on every service refuses them. Does not raise: the reconciler says it again."""
        ...


@dataclass(frozen=True)
class Rules:
    """The settings that decisions are made by."""

    lifetimes: Lifetimes
    locks: LockRules
    passwords: PasswordRules
    limits: Limits
    access_s: int
    grace_ms: int
    reset_ms: int


@dataclass(frozen=True)
class Ports:
    """The database, the craft, and the way to the others."""

    db: Database
    passwords: Passwords
    secrets: Sequence[Secret]
    keyring: Keyring
    closing: Closing
    announcer: Announcer
    rules: Rules


@dataclass(frozen=True)
class Grant:
    """What a login and a refresh give."""

    opened: Opened
    user: User
    access_token: str
    expires_in_s: int


def granted(ports: Ports, opened: Opened, user: User) -> Grant:
    """A grant with a new access token."""
    bearer = Bearer(user.id, opened.session.id, user.role, user.must_change_password)
    token = access_token(ports.keyring.signing, bearer, opened.now_ms, ports.rules.access_s)
    return Grant(opened, user, token, ports.rules.access_s)
