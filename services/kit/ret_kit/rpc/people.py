"""Auth's word on people, asked over gRPC: its public keys, and whether a session is active."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from ret.auth.v1 import auth_pb2, auth_pb2_grpc
from ret_kit.auth import AccessVerifier, SessionGuard, acting_as
from ret_kit.rpc.client import as_service, channel
from ret_kit.settings import KitSettings


class People:
    """A verifier and a guard for a process that is not auth itself. Use `async with`."""

    def __init__(self, settings: KitSettings, name: str) -> None:
        self._name = name
        self._channel = channel(settings, "auth")
        self._auth = auth_pb2_grpc.AuthServiceStub(self._channel)
        self.verifier = AccessVerifier(self._keys)
        self.guard = SessionGuard.connect(settings.redis_url, self._is_active)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.guard.close()
        await self._channel.close()

    async def _keys(self) -> Mapping[str, bytes]:
        with acting_as(None):
            answer = await self._auth.Keys(auth_pb2.KeysRequest(), timeout=5)
        return {key.kid: key.ed25519 for key in answer.keys}

    async def _is_active(self, session_id: str) -> bool:
        with as_service(self._name, session_id, ""):
            answer = await self._auth.CheckSession(auth_pb2.CheckSessionRequest(session_id=session_id), timeout=5)
        return answer.active
