"""A running auth on real servers, a caller, and services that answer the end of a session when they are told to."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from grpc.aio import Channel
from redis.asyncio import Redis
from sqlalchemy import Executable, Update

from ret.auth.v1 import auth_pb2, auth_pb2_grpc
from ret.sessions.v1 import sessions_pb2
from ret_auth.__main__ import App
from ret_auth.settings import AuthSettings
from ret_kit.auth import Caller, acting_as
from ret_kit.blobs import Blobs
from ret_kit.bus import Bus, Delivery
from ret_kit.database import Database
from ret_kit.errors import RemoteError

ADMIN_PASSWORD = "first steps of an administrator"
HOME = "192.0.2.10"
AWAY = "198.51.100.20"
PATIENCE_S = 10.0


Opening = Callable[..., AbstractAsyncContextManager["Bench"]]
"""Opens a bench with settings of the test's own."""


def acting(token: str) -> AbstractContextManager[None]:
    """Calls in the block carry this access token."""
    return acting_as(Caller("", "", "user", token=token))


async def eventually(condition: Callable[[], Awaitable[object]], patience_s: float = PATIENCE_S) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(patience_s):
        while not await condition():
            await asyncio.sleep(0.02)


@dataclass
class Service:
    """One of the services that hold something of a session. While `deaf` it loses its orders."""

    name: str
    deaf: bool = False
    rows: int = 3
    blobs: int = 1
    orders: list[sessions_pb2.EndSession] = field(default_factory=list)
    closings: list[sessions_pb2.SessionClosing] = field(default_factory=list)

    @asynccontextmanager
    async def running(self, bus: Bus) -> AsyncGenerator[None]:
        async def ended(delivery: Delivery) -> None:
            order = sessions_pb2.EndSession.FromString(delivery.data)
            self.orders.append(order)
            if not self.deaf:
                await self.answer(bus, order)

        async def closing(_subject: str, data: bytes) -> None:
            self.closings.append(sessions_pb2.SessionClosing.FromString(data))

        durable = f"{self.name}-{secrets.token_hex(4)}"
        async with bus.subscribe("sessions.closing.*", closing):
            consuming = asyncio.create_task(bus.consume("sessions.ended", durable, ended))
            try:
                yield
            finally:
                consuming.cancel()
                await asyncio.gather(consuming, return_exceptions=True)

    async def answer(self, bus: Bus, order: sessions_pb2.EndSession) -> None:
        answer = sessions_pb2.SessionCleared(
            session_id=order.session_id, service=self.name, sweep=order.sweep, rows=self.rows, blobs=self.blobs
        )
        await bus.enqueue("sessions.cleared", answer.SerializeToString(), secrets.token_hex(8))

    def ordered(self, session_id: str) -> list[int]:
        """The sweeps that were ordered for a session."""
        return [order.sweep for order in self.orders if order.session_id == session_id]


@dataclass
class Bench:
    """What a test uses."""

    settings: AuthSettings
    app: App
    channel: Channel
    db: Database
    bus: Bus
    blobs: Blobs
    redis: Redis
    services: list[Service]

    @property
    def stub(self) -> auth_pb2_grpc.AuthServiceAsyncStub:
        return auth_pb2_grpc.AuthServiceStub(self.channel)

    async def login(
        self, username: str = "admin", password: str = ADMIN_PASSWORD, address: str = HOME
    ) -> auth_pb2.Grant:
        request = auth_pb2.LoginRequest(username=username, password=password, address=address, user_agent="a browser")
        return (await self.stub.Login(request)).grant

    async def refresh(self, token: str) -> auth_pb2.Grant:
        return (await self.stub.Refresh(auth_pb2.RefreshRequest(refresh_token=token))).grant

    async def logout(self, grant: auth_pb2.Grant) -> None:
        await self.stub.Logout(auth_pb2.LogoutRequest(refresh_token=grant.refresh_token))

    async def me(self, grant: auth_pb2.Grant) -> auth_pb2.MeResponse:
        with acting(grant.access_token):
            return await self.stub.Me(auth_pb2.MeRequest())

    async def change_password(self, grant: auth_pb2.Grant, current: str, new: str) -> None:
        with acting(grant.access_token):
            await self.stub.ChangePassword(auth_pb2.ChangePasswordRequest(current_password=current, new_password=new))

    async def create_user(self, admin: auth_pb2.Grant, username: str, **fields: str) -> auth_pb2.CreateUserResponse:
        with acting(admin.access_token):
            return await self.stub.CreateUser(
                auth_pb2.CreateUserRequest(username=username, **({"role": "user"} | fields))
            )

    async def create_user_is_forbidden_to(self, grant: auth_pb2.Grant) -> None:
        with pytest.raises(RemoteError) as caught:
            await self.create_user(grant, "somebody")
        assert caught.value.code == "PASSWORD_CHANGE_REQUIRED"

    async def user(self, username: str, password: str = "a password of my own", role: str = "user") -> auth_pb2.Grant:
        """A new user who has set a password, logged in."""
        made = await self.create_user(await self.login(), username, role=role)
        await self.stub.ConfirmReset(auth_pb2.ConfirmResetRequest(reset_token=made.reset_token, new_password=password))
        return await self.login(username, password)

    async def rows(self, query: Executable) -> Sequence[Any]:
        async with self.db.read() as conn:
            return (await conn.execute(query)).all()

    async def redis_keys(self, pattern: str) -> list[str]:
        keys = await self.redis.keys(pattern)  # pyright: ignore[reportUnknownMemberType] - redis-py leaves options untyped
        return [str(key) for key in keys]

    async def change(self, statement: Update) -> None:
        """Reach into the database, for instance to let time pass."""
        async with self.db.write() as conn:
            await conn.execute(statement)
