"""Errors as small types with a kind and a code; the edges turn the kind into a status, and the code is for machines.

The detail is a sentence for people. It never holds a file's name or content, because details are logged and traced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast


class Kind(StrEnum):
    """What sort of failure it is; the number is the HTTP status that the gateway answers with."""

    INVALID = "INVALID"  # 422
    UNSUPPORTED = "UNSUPPORTED"  # 415
    TOO_LARGE = "TOO_LARGE"  # 413
    UNAUTHENTICATED = "UNAUTHENTICATED"  # 401
    FORBIDDEN = "FORBIDDEN"  # 403
    NOT_FOUND = "NOT_FOUND"  # 404
    CONFLICT = "CONFLICT"  # 409
    LOCKED = "LOCKED"  # 423
    RATE_LIMITED = "RATE_LIMITED"  # 429
    UNAVAILABLE = "UNAVAILABLE"  # 503
    STORAGE_FULL = "STORAGE_FULL"  # 507
    DEADLINE = "DEADLINE"  # 504
    CANCELLED = "CANCELLED"  # 499
    INTERNAL = "INTERNAL"  # 500


class RetError(Exception):
    """The base of every error that a caller may be told about.

    A subclass is a keyword dataclass whose fields are the figures of the failure; it sets `kind` and `code`, and
    `transient` when a job that met it may be tried again.
    """

    kind: Kind = Kind.INTERNAL
    code: str = "INTERNAL"
    transient: bool = False

    def __init_subclass__(cls) -> None:
        # A dataclass compares by value and so loses its hash; exceptions are kept in sets by the standard library.
        cls.__hash__ = Exception.__hash__

    @property
    def detail(self) -> str:
        """One sentence for people, without names of files and without content."""
        return "Something went wrong on our side."

    def extra(self) -> dict[str, str]:
        """Further fields of the problem body, such as `field` or `retry_after` (seconds)."""
        return {}

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


@dataclass(kw_only=True)
class Invalid(RetError):
    """A field of the request cannot be used; `field` is its name in the contract, `reason` reads on after it."""

    field: str
    reason: str
    kind = Kind.INVALID
    code = "INVALID"

    @property
    def detail(self) -> str:
        return f"{self.field} {self.reason}."

    def extra(self) -> dict[str, str]:
        return {"field": self.field}


@dataclass(kw_only=True)
class NotFound(RetError):
    """There is no such thing, or it is somebody else's: the two are told apart by nobody."""

    what: str
    kind = Kind.NOT_FOUND
    code = "NOT_FOUND"

    @property
    def detail(self) -> str:
        return f"There is no such {self.what}."


@dataclass(kw_only=True)
class Unauthenticated(RetError):
    """Nobody proved who they are. `reason` (expired, forged, ended …) goes to the log and never to the client."""

    reason: str = "missing"
    kind = Kind.UNAUTHENTICATED
    code = "UNAUTHENTICATED"

    @property
    def detail(self) -> str:
        return "Log in first."


@dataclass(kw_only=True)
class Forbidden(RetError):
    """The caller is known and may not do this."""

    kind = Kind.FORBIDDEN
    code = "FORBIDDEN"

    @property
    def detail(self) -> str:
        return "You are not allowed to do this."


@dataclass(kw_only=True)
class PasswordChangeRequired(Forbidden):
    """The one-time password must be changed before anything else."""

    code = "PASSWORD_CHANGE_REQUIRED"

    @property
    def detail(self) -> str:
        return "Change your password first."


@dataclass(kw_only=True)
class Unavailable(RetError):
    """Something that is needed is away (`what`: database, redis, bus, a service). Refused, never guessed."""

    what: str
    kind = Kind.UNAVAILABLE
    code = "UNAVAILABLE"
    transient = True

    @property
    def detail(self) -> str:
        return f"The {self.what} is not available at the moment."

    def extra(self) -> dict[str, str]:
        return {"retry_after": "2"}


@dataclass(kw_only=True)
class StorageFull(RetError):
    """There is no room left in `what`."""

    what: str = "storage"
    kind = Kind.STORAGE_FULL
    code = "STORAGE_FULL"

    @property
    def detail(self) -> str:
        return f"The {self.what} is full."


@dataclass
class AlreadyThere(RetError):
    """A blob that was to be created is there, whoever wrote it. `key` is made of ids."""

    key: str
    kind = Kind.CONFLICT
    code = "ALREADY_THERE"

    @property
    def detail(self) -> str:
        return "Somebody else was faster."


@dataclass
class BlobDamaged(RetError):
    """The bytes under a key are not the bytes that were stored; they are not given away. `key` is made of ids."""

    key: str
    kind = Kind.INTERNAL
    code = "BLOB_DAMAGED"

    @property
    def detail(self) -> str:
        return "Stored data is damaged."


class RemoteFailure(RetError):
    """An error that was raised in another process and came over as kind, code, detail and extra fields."""

    def __init__(
        self, *, kind: Kind, code: str, detail: str, transient: bool = False, fields: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self.kind = kind
        self.code = code
        self.transient = transient
        self._detail = detail
        self._fields = dict(fields or {})

    @property
    def detail(self) -> str:
        return self._detail

    def extra(self) -> dict[str, str]:
        return dict(self._fields)


class RemoteError(RemoteFailure):
    """An error that another service (`service`) answered a call with."""

    def __init__(
        self,
        *,
        kind: Kind,
        code: str,
        detail: str,
        transient: bool = False,
        fields: Mapping[str, str] | None = None,
        service: str = "",
    ) -> None:
        super().__init__(kind=kind, code=code, detail=detail, transient=transient, fields=fields)
        self.service = service


def unwrapped(error: BaseException) -> BaseException:
    """The error a task group failed with: the first of ours in it, else the first. What is no group is given back."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    group = cast("BaseExceptionGroup[BaseException]", error)
    leaves = [unwrapped(inner) for inner in group.exceptions]
    return next((leaf for leaf in leaves if isinstance(leaf, RetError)), leaves[0])
