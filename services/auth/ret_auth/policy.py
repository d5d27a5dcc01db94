"""Decisions, without a database and a clock: who must wait, what has run out, which refresh token still counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SECOND = 1000  # times are milliseconds since 1970
FIRST_ADMIN = "admin"  # the user that the first start makes


class Role(StrEnum):
    """What somebody may do. A guest may do everything but edit, index and use paid models."""

    USER = "user"
    ADMIN = "admin"
    GUEST = "guest"


class UserStatus(StrEnum):
    """Whether somebody may log in."""

    ACTIVE = "active"
    DISABLED = "disabled"


class SessionState(StrEnum):
    """A session is active, then closing while its data is being destroyed, then destroyed. There is no way back."""

    ACTIVE = "active"
    CLOSING = "closing"
    DESTROYED = "destroyed"


class Reason(StrEnum):
    """Why a session ends."""

    LOGOUT = "logout"
    EXPIRED = "expired"
    ENDED_BY_USER = "ended_by_user"
    ENDED_BY_ADMINISTRATOR = "ended_by_administrator"
    REUSE = "reuse"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, not a password


class LockKind(StrEnum):
    """What wrong passwords are counted for."""

    ACCOUNT = "account"
    ADDRESS = "address"
    SESSION = "session"  # wrong current passwords while changing it: a stolen token must not guess


@dataclass(frozen=True)
class Count:
    """Wrong passwords so far, the time of the last, and until when everything is refused."""

    failures: int = 0
    last_failure_ms: int = 0
    locked_until_ms: int = 0


@dataclass(frozen=True)
class LockRules:
    """`attempts` wrong passwords lock for `first_ms`, each further one for twice as long, up to `longest_ms`.

    `forget_ms` without a failure forgets all of them.
    """

    attempts: int = 5
    first_ms: int = 60 * SECOND
    longest_ms: int = 3600 * SECOND
    forget_ms: int = 3600 * SECOND

    def wait_ms(self, count: Count, now_ms: int) -> int:
        """How long everything, the right password too, is still refused; 0 when it is not."""
        return max(0, count.locked_until_ms - now_ms)

    def failed(self, count: Count, now_ms: int) -> Count:
        """The count after one more wrong password. While locked nothing counts: asking does not prolong the lock."""
        if self.wait_ms(count, now_ms):
            return count
        failures = 1 if self.forgotten(count, now_ms) else count.failures + 1
        return Count(failures, now_ms, now_ms + self._lock_ms(failures))

    def forgiven(self, count: Count, failures: int) -> Count:
        """The count of an address after a success of an account that had `failures`: those were the same person's.

        No more than those: otherwise who has an account could guess at all others by logging in between.
        """
        return Count(max(0, count.failures - failures), count.last_failure_ms, count.locked_until_ms)

    def forgotten(self, count: Count, now_ms: int) -> bool:
        """Whether the last failure is so long ago that it does not count any more."""
        return now_ms - count.last_failure_ms >= self.forget_ms

    def _lock_ms(self, failures: int) -> int:
        over = failures - self.attempts
        if over < 0:
            return 0
        return min(self.longest_ms, self.first_ms << min(over, 32))


@dataclass(frozen=True)
class Lifetimes:
    """How long a session lasts: unused, and in any case."""

    idle_ms: int
    absolute_ms: int

    def absolute_end(self, created_ms: int) -> int:
        """When it ends whatever happens."""
        return created_ms + self.absolute_ms

    def end(self, last_seen_ms: int, absolute_end_ms: int) -> int:
        """When it ends if nobody uses it from now on."""
        return min(last_seen_ms + self.idle_ms, absolute_end_ms)


class RefreshVerdict(StrEnum):
    """What a known refresh token of an active session is good for."""

    ROTATE = "rotate"  # the current one: it gets a successor
    REPEAT = "repeat"  # its immediate parent, moments ago: several tabs raced, give the same successor
    REUSE = "reuse"  # any other: somebody has a copy, the session ends


@dataclass(frozen=True)
class RefreshState:
    """A refresh token as it is kept: when it was rotated (None: never), and whether its successor was rotated too."""

    rotated_at_ms: int | None
    successor_rotated: bool


def judge_refresh(state: RefreshState, now_ms: int, grace_ms: int) -> RefreshVerdict:
    """Rotate the current token, repeat for its immediate parent within the grace, else it is reuse."""
    if state.rotated_at_ms is None:
        return RefreshVerdict.ROTATE
    if not state.successor_rotated and now_ms - state.rotated_at_ms <= grace_ms:
        return RefreshVerdict.REPEAT
    return RefreshVerdict.REUSE
