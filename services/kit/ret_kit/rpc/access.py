"""Who may call a method; said once, where the method is put into the server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from ret_kit.auth import Caller
from ret_kit.errors import Forbidden, PasswordChangeRequired

PEOPLE = frozenset({"user", "admin", "guest"})


@dataclass(frozen=True)
class Access:
    """A rule. `Access.USER | Access.service("convert")` lets both in."""

    roles: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    is_public: bool = False
    before_password_change: bool = False

    PUBLIC: ClassVar[Access]
    """Anybody, without a token."""
    USER: ClassVar[Access]
    """Everybody who is logged in, with any role."""
    USER_ANY: ClassVar[Access]
    """As USER, and also before the one-time password was changed."""
    ADMIN: ClassVar[Access]
    """Administrators."""

    @classmethod
    def service(cls, *names: str) -> Self:
        """These services, with a token of theirs; people never."""
        return cls(services=frozenset(names))

    def __or__(self, other: Access) -> Access:
        return replace(
            self,
            roles=self.roles | other.roles,
            services=self.services | other.services,
            is_public=self.is_public or other.is_public,
            before_password_change=self.before_password_change or other.before_password_change,
        )

    def admit(self, who: Caller) -> None:
        """Returns when `who` may call; raises Forbidden or PasswordChangeRequired."""
        if who.service:
            if who.service not in self.services:
                raise Forbidden
            return
        if who.role not in self.roles:
            raise Forbidden
        if who.must_change_password and not self.before_password_change:
            raise PasswordChangeRequired


Access.PUBLIC = Access(is_public=True)
Access.USER = Access(roles=PEOPLE)
Access.USER_ANY = Access(roles=PEOPLE, before_password_change=True)
Access.ADMIN = Access(roles=frozenset({"admin"}))
