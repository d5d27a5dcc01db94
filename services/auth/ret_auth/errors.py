"""What can go wrong in auth, as small types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ret_kit.errors import Kind, RetError


class BadCredentials(RetError):
    """The user name or the password is wrong; which of them is nobody's business."""

    kind = Kind.UNAUTHENTICATED
    code = "BAD_CREDENTIALS"

    @property
    def detail(self) -> str:
        return "The user name or the password is wrong."


@dataclass(kw_only=True)
class AccountLocked(RetError):
    """Too many wrong passwords for an account or from an address. `retry_after` is seconds, rounded up."""

    kind = Kind.LOCKED
    code = "ACCOUNT_LOCKED"
    retry_after: int

    @property
    def detail(self) -> str:
        return f"Too many wrong passwords. Try again in {self.retry_after} seconds."

    def extra(self) -> dict[str, str]:
        return {"retry_after": str(self.retry_after)}


class SessionRefused(RetError):
    """A refresh token, ticket or session that is unknown, used, too old or ended."""

    kind = Kind.UNAUTHENTICATED
    code = "SESSION_ENDED"

    @property
    def detail(self) -> str:
        return "The session has ended. Log in again."


class ResetRefused(RetError):
    """A reset token that is unknown, used or too old."""

    kind = Kind.UNAUTHENTICATED
    code = "RESET_REFUSED"

    @property
    def detail(self) -> str:
        return "The reset token is unknown, used or too old."


class WrongPassword(RetError):
    """The current password, given to change it, is wrong. Not 401: the caller's token is good."""

    kind = Kind.INVALID
    code = "WRONG_PASSWORD"

    @property
    def detail(self) -> str:
        return "The current password is wrong."

    def extra(self) -> dict[str, str]:
        return {"field": "current_password"}


class PasswordRefused(RetError):
    """A new password that breaks a rule; its subclasses say which."""

    kind = Kind.INVALID
    code = "PASSWORD_REFUSED"
    field: ClassVar[str] = "new_password"

    def extra(self) -> dict[str, str]:
        return {"field": self.field}


@dataclass(kw_only=True)
class PasswordTooShort(PasswordRefused):
    """Fewer characters than the least number."""

    code = "PASSWORD_TOO_SHORT"
    least: int

    @property
    def detail(self) -> str:
        return f"A password has at least {self.least} characters."


@dataclass(kw_only=True)
class PasswordTooLong(PasswordRefused):
    """More characters than the greatest number: hashing takes time in proportion."""

    code = "PASSWORD_TOO_LONG"
    most: int

    @property
    def detail(self) -> str:
        return f"A password has at most {self.most} characters."


class PasswordTooCommon(PasswordRefused):
    """One of those that are tried first."""

    code = "PASSWORD_TOO_COMMON"

    @property
    def detail(self) -> str:
        return "This password is one of those that are guessed first."


class PasswordNamesUser(PasswordRefused):
    """The user name, or the user name with a number."""

    code = "PASSWORD_NAMES_USER"

    @property
    def detail(self) -> str:
        return "A password is not the user name."


class PasswordUnchanged(PasswordRefused):
    """The new password is the current one."""

    code = "PASSWORD_UNCHANGED"

    @property
    def detail(self) -> str:
        return "The new password is the current one."


class UserExists(RetError):
    """The user name is taken, in this or another spelling."""

    kind = Kind.CONFLICT
    code = "USER_EXISTS"

    @property
    def detail(self) -> str:
        return "There is a user of this name."

    def extra(self) -> dict[str, str]:
        return {"field": "username"}


class SealBroken(Exception):
    """A signing key in the database was sealed with another secret than RET_AUTH_KEY_SECRET, or was tampered with."""
