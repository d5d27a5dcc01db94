"""Who is calling, proved by a token, and whether their session still stands.

Three sorts of tokens, none of which passes for another: access tokens (EdDSA, `at+jwt`, of a person, signed by auth),
service tokens (HS256, `svc+jwt`, of one service to one other, about a session), refresh tokens (opaque, auth's alone).
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from redis.asyncio import Redis
from redis.exceptions import RedisError

from ret_kit.errors import Unauthenticated, Unavailable

log = logging.getLogger("ret.auth")

Role = Literal["user", "admin", "guest", "service"]

ACCESS_TYPE, ACCESS_ALGORITHM, ACCESS_ISSUER, ACCESS_AUDIENCE = "at+jwt", "EdDSA", "ret-auth", "ret"
SERVICE_TYPE, SERVICE_ALGORITHM, SERVICE_SECONDS = "svc+jwt", "HS256", 60
LEEWAY_SECONDS = 30
KEYS_KEPT_SECONDS = 300.0
"""After so long the keys are asked for again, so that one that was withdrawn does not stay."""
KEYS_ASKED_SECONDS = 5.0
"""Unknown key ids make us ask at most this often."""
_CLAIMS = ["iss", "aud", "sub", "iat", "nbf", "exp", "jti"]

_SECRET_BYTES = 32


@dataclass(frozen=True)
class Caller:
    """Whose call this is. `service` is empty for a person, and the name of the calling service for a service token."""

    user_id: str
    session_id: str
    role: Role
    service: str = ""
    must_change_password: bool = False
    token: str = ""

    def __repr__(self) -> str:
        return f"Caller(user_id={self.user_id!r}, session_id={self.session_id!r}, role={self.role!r})"


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def caller() -> Caller:
    """Whose call is being answered. Raises Unauthenticated in a call that anybody may make."""
    current = _caller.get()
    if current is None:
        raise Unauthenticated(reason="nobody")
    return current


def current_caller() -> Caller | None:
    """As `caller`, but None where there is nobody."""
    return _caller.get()


@contextmanager
def acting_as(who: Caller | None) -> Generator[None]:
    """The block answers the call of `who`; what it calls is called in their name."""
    token = _caller.set(who)
    try:
        yield
    finally:
        _caller.reset(token)


class AccessVerifier:
    """Verifies access tokens with auth's public keys, which are fetched when they are needed and kept for a while.

    `fetch` gives the raw Ed25519 keys (32 bytes) by key id.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Mapping[str, bytes]]]) -> None:
        self._fetch = fetch
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetched = self._asked = float("-inf")

    async def verify(self, token: str) -> Caller:
        """The person a token proves. Raises Unauthenticated, with the reason for the log; Unavailable without keys."""
        header = _header(token)
        if header.get("typ") != ACCESS_TYPE or header.get("alg") != ACCESS_ALGORITHM:
            raise Unauthenticated(reason="not an access token")
        key = await self._key(header.get("kid"))
        claims = _claims(token, key, ACCESS_ALGORITHM, audience=ACCESS_AUDIENCE, issuer=ACCESS_ISSUER, required=_CLAIMS)
        role, must_change = claims.get("role"), claims.get("mcp")
        if role not in ("user", "admin", "guest") or not isinstance(must_change, bool):
            raise Unauthenticated(reason="claim role or mcp")
        return Caller(
            user_id=_text(claims, "sub"),
            session_id=_text(claims, "sid"),
            role=cast("Role", role),
            must_change_password=must_change,
            token=token,
        )

    async def _key(self, kid: object) -> Ed25519PublicKey:
        if not isinstance(kid, str):
            raise Unauthenticated(reason="no key id")
        now = time.monotonic()
        if now - self._fetched > KEYS_KEPT_SECONDS or (
            kid not in self._keys and now - self._asked > KEYS_ASKED_SECONDS
        ):
            self._asked = now
            fetched = await self._fetch()
            self._keys = {name: Ed25519PublicKey.from_public_bytes(raw) for name, raw in fetched.items()}
            self._fetched = now
        if kid not in self._keys:
            raise Unauthenticated(reason="unknown key id")
        return self._keys[kid]


class ServiceTokens:
    """Issues and verifies the tokens of one service to another: short, about one session, for one audience."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < _SECRET_BYTES:
            raise ValueError("the secret between services has at least 32 bytes")
        self._secret = secret

    def issue(self, service: str, audience: str, *, user_id: str, session_id: str) -> str:
        """A token of `service` that only `audience` accepts, for 60 seconds."""
        now = int(time.time())
        claims = {
            "iss": service,
            "aud": audience,
            "sub": user_id,
            "sid": session_id,
            "iat": now,
            "nbf": now,
            "exp": now + SERVICE_SECONDS,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._secret, SERVICE_ALGORITHM, headers={"typ": SERVICE_TYPE})

    def verify(self, token: str, audience: str) -> Caller:
        """The calling service, and whose session it speaks about. Raises Unauthenticated."""
        header = _header(token)
        if header.get("typ") != SERVICE_TYPE or header.get("alg") != SERVICE_ALGORITHM:
            raise Unauthenticated(reason="not a service token")
        claims = _claims(token, self._secret, SERVICE_ALGORITHM, audience=audience, required=_CLAIMS)
        user_id, session_id = claims["sub"], claims.get("sid")
        if not isinstance(session_id, str):
            raise Unauthenticated(reason="claim sid")
        return Caller(user_id, session_id, "service", service=_text(claims, "iss"), token=token)


class SessionGuard:
    """Says whether a session is active, from Redis, and from auth where Redis does not know it.

    Nothing is kept here, so that the end of a session holds with the next call. Without Redis, or without auth where
    it must be asked, nobody passes.
    """

    def __init__(self, redis: Redis, ask: Callable[[str], Awaitable[bool]]) -> None:
        self._redis = redis
        self._ask = ask

    @classmethod
    def connect(cls, url: str, ask: Callable[[str], Awaitable[bool]]) -> Self:
        """A guard with a Redis of its own; `ask` gives auth's word on a session id."""
        redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - redis-py leaves its options untyped
            url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True
        )
        return cls(redis, ask)

    async def close(self) -> None:
        """Closes the connections to Redis."""
        await self._redis.aclose()

    async def ping(self) -> None:
        """Raises Unavailable unless Redis answers."""
        try:
            await self._redis.get(session_key("ping"))
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable(what="session store") from error

    async def check(self, session_id: str) -> None:
        """Returns for an active session; raises Unauthenticated for any other, Unavailable where nobody knows."""
        try:
            state = await self._redis.get(session_key(session_id))
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable(what="session store") from error
        active = await self._ask(session_id) if state is None else state == "active"
        if not active:
            raise Unauthenticated(reason="session ended")


def session_key(session_id: str) -> str:
    """Where Redis keeps `active` or `closing` of a session."""
    return f"ret:session:{session_id}"


def _header(token: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise Unauthenticated(reason="malformed") from None
    if unknown := header.keys() - {"alg", "typ", "kid"}:
        raise Unauthenticated(reason=f"header {min(unknown)[:20]}")
    return header


def _claims(
    token: str,
    key: Ed25519PublicKey | bytes,
    algorithm: str,
    *,
    audience: str,
    required: list[str],
    issuer: str | None = None,
) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": required, "strict_aud": True},
        )
    except jwt.ExpiredSignatureError:
        raise Unauthenticated(reason="expired") from None
    except jwt.InvalidSignatureError:
        raise Unauthenticated(reason="forged") from None
    except jwt.InvalidTokenError as error:
        raise Unauthenticated(reason=type(error).__name__) from None


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise Unauthenticated(reason=f"claim {name}")
    return value


def token_type(token: str) -> str:
    """What a token says it is, unproved: which of the two ways it is verified. Raises Unauthenticated."""
    return str(_header(token).get("typ", ""))
