"""Auth as the other services see it: keys, sessions, tokens; for tests that start one service without the real auth."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ret.auth.v1 import auth_pb2, auth_pb2_grpc
from ret_kit.auth import (
    ACCESS_ALGORITHM,
    ACCESS_AUDIENCE,
    ACCESS_ISSUER,
    ACCESS_TYPE,
    AccessVerifier,
    Role,
    SessionGuard,
)
from ret_kit.rpc.server import Access, Server
from ret_kit.settings import KitSettings


@dataclass
class AuthStandIn:
    """Logs anybody in. `checked` counts how often a service asked for a session that Redis did not know."""

    kid: str = "first"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    active: set[str] = field(default_factory=set[str])
    checked: int = 0
    keys_asked: int = 0
    port: int = 0

    def login(self, *, user_id: str = "", role: Role = "user", must_change_password: bool = False) -> str:
        """The access token of a new session of `user_id`, or of a new user."""
        session_id = uuid.uuid4().hex
        self.active.add(session_id)
        return self.token(sub=user_id or uuid.uuid4().hex, sid=session_id, role=role, mcp=must_change_password)

    def token(self, *, header: dict[str, Any] | None = None, **claims: object) -> str:
        """A token with these claims over those a good one has; a claim of None is left out."""
        now = int(time.time())
        whole: dict[str, object] = {
            "iss": ACCESS_ISSUER,
            "aud": ACCESS_AUDIENCE,
            "sub": "a-user",
            "sid": "a-session",
            "role": "user",
            "mcp": False,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": uuid.uuid4().hex,
        }
        whole |= claims
        headers = {"typ": ACCESS_TYPE, "kid": self.kid} | (header or {})
        return jwt.encode(
            {name: value for name, value in whole.items() if value is not None},
            self.key,
            ACCESS_ALGORITHM,
            headers=headers,
        )

    async def keys(self) -> dict[str, bytes]:
        """The public keys, as a verifier fetches them."""
        self.keys_asked += 1
        return {self.kid: self.key.public_key().public_bytes_raw()}

    async def is_active(self, session_id: str) -> bool:
        """Auth's word on a session."""
        self.checked += 1
        return session_id in self.active


class _Servicer:
    def __init__(self, auth: AuthStandIn) -> None:
        self._auth = auth

    async def Keys(self, request: auth_pb2.KeysRequest, context: object) -> auth_pb2.KeysResponse:  # noqa: ARG002, N802 - the contract's
        keys = [auth_pb2.PublicKey(kid=kid, ed25519=key) for kid, key in (await self._auth.keys()).items()]
        return auth_pb2.KeysResponse(keys=keys)

    async def CheckSession(  # noqa: N802 - the contract's
        self,
        request: auth_pb2.CheckSessionRequest,
        context: object,  # noqa: ARG002 - the contract's
    ) -> auth_pb2.CheckSessionResponse:
        return auth_pb2.CheckSessionResponse(active=await self._auth.is_active(request.session_id))

    def __getattr__(self, method: str) -> object:
        """Every other method exists, as gRPC wants it, and is not there for tests of other services."""

        async def absent(request: object, context: object) -> object:
            raise NotImplementedError(method)

        return absent


@asynccontextmanager
async def auth_stand_in(settings: KitSettings) -> AsyncGenerator[AuthStandIn]:
    """Serves at a free port of 127.0.0.1 (`port`); the services' settings must name it as `auth_address`."""
    auth = AuthStandIn()
    guard = SessionGuard.connect(settings.redis_url, auth.is_active)
    server = Server(settings, "auth", "127.0.0.1:0", people=AccessVerifier(auth.keys), sessions=guard)
    methods = auth_pb2.DESCRIPTOR.services_by_name["AuthService"].methods_by_name
    access = dict.fromkeys(methods, Access.PUBLIC)
    access["CheckSession"] = Access.service("gateway", "ingest", "convert", "diff", "rag")
    try:
        async with server:
            servicer = cast("auth_pb2_grpc.AuthServiceServicer", _Servicer(auth))
            server.add(auth_pb2_grpc.add_AuthServiceServicer_to_server, servicer, "ret.auth.v1.AuthService", access)
            await server.start()
            auth.port = server.port
            yield auth
    finally:
        await guard.close()
