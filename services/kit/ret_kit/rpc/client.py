"""Calls to other services: each carries who is asking, which click it belongs to, and how long it may take.

A channel is what generated stubs want. It is a thin cover over gRPC's own instead of interceptors, because those of
grpc.aio lose cancellation and hide how a stream ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self

import grpc

from ret_kit import telemetry
from ret_kit.auth import ServiceTokens, current_caller
from ret_kit.rpc.status import from_status, is_ours
from ret_kit.settings import KitSettings

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Service:
    """The service that calls, and whose session it speaks about."""

    name: str
    session_id: str
    user_id: str


_service: ContextVar[_Service | None] = ContextVar("service", default=None)
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""The loop's time at which the call being answered must be over; calls made for it take no longer."""


@contextmanager
def as_service(name: str, session_id: str, user_id: str) -> Generator[None]:
    """Calls in the block are made by the service `name` itself, about a session, and not by the current caller."""
    token = _service.set(_Service(name, session_id, user_id))
    try:
        yield
    finally:
        _service.reset(token)


def channel(settings: KitSettings, service_name: str) -> Channel:
    """A channel to a service at its address of the settings. Close it, or use `async with`."""
    return Channel(settings, service_name, settings.address_of(service_name))


class Channel(grpc.aio.Channel):
    """A channel for generated stubs. Calls raise RemoteError instead of gRPC's errors, and CancelledError as ever."""

    def __init__(self, settings: KitSettings, service_name: str, address: str) -> None:
        self._service_name = service_name
        self._tokens = ServiceTokens(settings.service_key())
        self._deadline_seconds = settings.rpc_deadline_seconds
        self._channel = grpc.aio.insecure_channel(address, options=client_options(int(settings.rpc_message_limit)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        await self._channel.close(grace)

    def get_state(
        self,
        try_to_connect: bool = False,  # noqa: FBT001, FBT002 - gRPC's signature
    ) -> grpc.ChannelConnectivity:
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._channel.channel_ready()

    def unary_unary(self, *args: Any, **options: Any) -> Any:
        return _UnaryUnary(self, self._channel.unary_unary(*args, **options))

    def unary_stream(self, *args: Any, **options: Any) -> Any:
        return _UnaryStream(self, self._channel.unary_stream(*args, **options))

    def stream_unary(self, *args: Any, **options: Any) -> Any:
        return _StreamUnary(self, self._channel.stream_unary(*args, **options))

    def stream_stream(self, *args: Any, **options: Any) -> Any:
        raise NotImplementedError("no contract of ours streams both ways")

    def metadata(self) -> Metadata:
        """What every call carries: trace, correlation id, and the token of whoever asks."""
        headers = telemetry.inject({})
        if service := _service.get():
            token = self._tokens.issue(
                service.name, self._service_name, user_id=service.user_id, session_id=service.session_id
            )
            headers["authorization"] = f"Bearer {token}"
        elif (who := current_caller()) and who.token:
            headers["authorization"] = f"Bearer {who.token}"
        return tuple(headers.items())

    def seconds(self, asked: float | None, *, otherwise: bool) -> float | None:
        """How long a call may take: what was asked for, else the default, never longer than the call it is made for."""
        own = asked if asked is not None else (self._deadline_seconds if otherwise else None)
        end = deadline.get()
        left = None if end is None else max(0.0, end - asyncio.get_running_loop().time())
        return min((limit for limit in (own, left) if limit is not None), default=None)

    def failure(self, error: grpc.aio.AioRpcError) -> Exception:
        """The error to raise for gRPC's."""
        return from_status(error, self._service_name)


class _UnaryUnary:
    def __init__(self, owner: Channel, call: Any) -> None:
        self._owner, self._call = owner, call

    async def __call__(
        self,
        request: object,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC's signature: the service hears of it
    ) -> object:
        try:
            return await self._call(
                request, timeout=self._owner.seconds(timeout, otherwise=True), metadata=self._owner.metadata()
            )
        except grpc.aio.AioRpcError as error:
            raise self._owner.failure(error) from None


class _UnaryStream:
    def __init__(self, owner: Channel, call: Any) -> None:
        self._owner, self._call = owner, call

    def __call__(self, request: object, *, timeout: float | None = None) -> Responses:
        call = self._call(
            request, timeout=self._owner.seconds(timeout, otherwise=False), metadata=self._owner.metadata()
        )
        return Responses(self._owner, call)


class Responses(AsyncIterator[Any]):
    """The answers of a streaming call. `cancel` it, or close it with `aclosing`, when the rest is not wanted."""

    def __init__(self, owner: Channel, call: Any) -> None:
        self._owner, self._call = owner, call
        self._answers: AsyncIterator[Any] = aiter(call)

    async def __anext__(self) -> Any:
        try:
            return await anext(self._answers)
        except grpc.aio.AioRpcError as error:
            raise self._owner.failure(error) from None

    def cancel(self) -> bool:
        """Tells the service to stop; False when the call has ended already."""
        return bool(self._call.cancel())

    async def aclose(self) -> None:
        """As `cancel`."""
        self._call.cancel()


class _StreamUnary:
    def __init__(self, owner: Channel, call: Any) -> None:
        self._owner, self._call = owner, call

    async def __call__(
        self,
        requests: AsyncIterator[Any],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC's signature: the service hears of it
    ) -> object:
        """Sends while there is something to send; ends as soon as either side does, with that side's error."""
        call = self._call(timeout=self._owner.seconds(timeout, otherwise=False), metadata=self._owner.metadata())
        answers = _Answers(call)
        sending = asyncio.create_task(_send(call, requests))
        try:
            return await call
        except asyncio.CancelledError:
            if broken := _broken(sending):
                raise broken from None
            raise
        except grpc.aio.AioRpcError as error:
            raise _broken(sending) or self._owner.failure(answers.first_of_service() or error) from None
        finally:
            call.cancel()
            sending.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await sending


class _Answers:
    """Every status that a call had.

    When a service answers while we are still sending, grpc.aio may overwrite its answer with an internal error of
    the failed write, so that what the call says in the end is not what the service said.
    """

    def __init__(self, call: Any) -> None:
        self._statuses: list[grpc.aio.AioRpcError] = []
        call.add_done_callback(self._note)

    def first_of_service(self) -> grpc.aio.AioRpcError | None:
        """The first status that carries our details."""
        return next((status for status in self._statuses if is_ours(status)), None)

    def _note(self, call: Any) -> None:
        parts = (call.code(), call.initial_metadata(), call.trailing_metadata(), call.details())
        code, initial, trailing, details = (_at_once(part) for part in parts)
        if code is not grpc.StatusCode.OK:
            self._statuses.append(grpc.aio.AioRpcError(code, initial, trailing, details))


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise RuntimeError("the status of a finished call is not known")


async def _send(call: Any, requests: AsyncIterator[Any]) -> None:
    """Writes every request. When their source fails, the call is cancelled, so that nothing half sent counts."""
    try:
        async for request in requests:
            try:
                await call.write(request)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                return  # the service has answered already; its answer says why
        await call.done_writing()
    except BaseException:
        call.cancel()
        raise


def _broken(sending: asyncio.Task[None]) -> BaseException | None:
    """What the source of the requests failed with."""
    return sending.exception() if sending.done() and not sending.cancelled() else None


def client_options(message_limit: int) -> list[tuple[str, int]]:
    """What a channel is opened with: limits, keepalive, and a quick return after a restart."""
    return [
        ("grpc.max_send_message_length", message_limit),
        ("grpc.max_receive_message_length", message_limit),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.enable_http_proxy", 0),
    ]
