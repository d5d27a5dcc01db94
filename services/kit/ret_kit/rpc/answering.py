"""What surrounds every handler: whose click, which trace, who asks, how long, what came of it.

One small interceptor of our own: those of the contrib packages swallow cancellation in grpc.aio, and a stream wrapped
as a generator would be closed whenever the garbage collector likes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, cast

import grpc
from opentelemetry.trace import SpanKind

from ret_kit import telemetry
from ret_kit.auth import SERVICE_TYPE, AccessVerifier, Caller, ServiceTokens, SessionGuard, acting_as, token_type
from ret_kit.errors import RetError, Unauthenticated, unwrapped
from ret_kit.rpc.access import Access
from ret_kit.rpc.client import deadline
from ret_kit.rpc.status import to_status

log = logging.getLogger("ret.rpc")

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[[Any, Context], Any]


class Authenticator:
    """Turns a call's token into a caller. Without `sessions` (in auth, which knows better) nobody asks Redis."""

    def __init__(self, service: str, people: AccessVerifier, services: ServiceTokens, sessions: SessionGuard) -> None:
        self._service = service
        self._people = people
        self._services = services
        self._sessions = sessions

    async def __call__(self, headers: Mapping[str, str], access: Access) -> Caller | None:
        """Who calls; None where anybody may. Raises Unauthenticated, Forbidden, Unavailable."""
        if access.is_public:
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        if token_type(token) == SERVICE_TYPE:
            # A service may speak about a session that is ending: it has to, to put things away.
            who = self._services.verify(token, self._service)
        else:
            who = await self._people.verify(token)
            await self._sessions.check(who.session_id)
        access.admit(who)
        return who


class Answering(grpc.aio.ServerInterceptor):
    """The interceptor. `access` is the rule of every method by its full path."""

    def __init__(self, service: str, authenticate: Authenticator, access: Mapping[str, Access]) -> None:
        self._service = service
        self._authenticate = authenticate
        self._access = access

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The same handler with everything around it; health and reflection are left as they are."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or method.startswith("/grpc."):
            return handler
        metadata = handler_call_details.invocation_metadata or ()
        headers = {str(key): value for key, value in metadata if isinstance(value, str)}
        return _covered(handler, lambda answer: self._around(method, headers, answer))

    def _around(self, method: str, headers: Mapping[str, str], answer: Behaviour) -> Behaviour:
        async def around(request: Any, context: Context) -> Any:
            with telemetry.extracted(headers), telemetry.span(method, kind=SpanKind.SERVER):
                return await self._answered(method, headers, lambda: answer(request, context), context)

        return around

    async def _answered(
        self, method: str, headers: Mapping[str, str], answer: Callable[[], Awaitable[Any]], context: Context
    ) -> Any:
        """The answer, or the call aborted with the status of what went wrong; one line in the log either way."""
        began = time.monotonic()
        line: dict[str, str | float] = {"method": method, "code": "OK", "user_id": ""}
        failure: RetError | None = None
        try:
            left = cast("float | None", context.time_remaining())  # None without a deadline, whatever its type says
            deadline.set(None if left is None else asyncio.get_running_loop().time() + left)
            who = await self._authenticate(headers, self._access[method])
            if who:
                line |= {"user_id": who.user_id} | ({"caller": who.service} if who.service else {})
            with acting_as(who):
                return await answer()
        except asyncio.CancelledError:
            line["code"] = "CANCELLED"
            raise
        except Exception as error:  # noqa: BLE001 - the boundary: nothing but a status may leave
            failure = _ours(error, line)
        finally:
            line["duration_ms"] = round((time.monotonic() - began) * 1000, 1)
            log.info("call", extra=line)
        code, detail, trailing = to_status(failure)
        return await context.abort(code, detail, trailing)  # which raises


def _ours(raised: Exception, line: dict[str, str | float]) -> RetError:
    """The error to answer with. One that is none of ours is logged, and the client learns nothing of it."""
    error = unwrapped(raised)
    if isinstance(error, RetError):
        line["code"] = error.code
        if isinstance(error, Unauthenticated):
            line["reason"] = error.reason
        return error
    line["code"] = "INTERNAL"
    log.error("unexpected error", exc_info=raised)
    return RetError()


def _covered(
    handler: grpc.RpcMethodHandler[Any, Any], around: Callable[[Behaviour], Behaviour]
) -> grpc.RpcMethodHandler[Any, Any]:
    """The handler with its behaviour replaced, whatever its kind."""
    serialisers = (handler.request_deserializer, handler.response_serializer)
    of: Any = handler  # each kind has its behaviour in another field, and None in the rest
    match handler.request_streaming, handler.response_streaming:
        case False, False:
            return grpc.unary_unary_rpc_method_handler(around(of.unary_unary), *serialisers)
        case True, False:
            return grpc.stream_unary_rpc_method_handler(around(of.stream_unary), *serialisers)
        case False, True:
            return grpc.unary_stream_rpc_method_handler(around(_written(of.unary_stream)), *serialisers)
        case _:
            return grpc.stream_stream_rpc_method_handler(around(_written(of.stream_stream)), *serialisers)


def _written(answers: Callable[[Any, Context], AsyncGenerator[Any]]) -> Behaviour:
    """A handler that yields as one that writes: whatever ends the call, its generator is closed then and there."""

    async def write(request: Any, context: Context) -> None:
        async with aclosing(answers(request, context)) as stream:
            async for answer in stream:
                await context.write(answer)

    return write
