"""What happens around every request, outermost first: correlation id, access line, headers, limits, errors.

Plain ASGI: the framework's own base class puts a task and a queue between server and route, which breaks backpressure
and hides that a client has gone. Rate limits will stand beside Linger, inside the headers: a 429 carries them all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect

from ret_gateway.errors import CLIENT_GONE, HEALTH_PATHS, internal_error
from ret_gateway.headers import BY_DEFAULT, EVERYWHERE, TRANSPORT_SECURITY
from ret_gateway.protocol import BREAK_OFF
from ret_kit.errors import Kind, RetError
from ret_kit.telemetry import CORRELATION_HEADER, correlation_id, extracted, span

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ret_gateway.metrics import Metrics

log = logging.getLogger("ret.gateway")
access_log = logging.getLogger("ret.gateway.access")

DRAIN_WAIT = 2.0


def header_of(scope: Scope, name: bytes) -> str:
    """The value of a request header, empty without one."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


class Correlation:
    """Every answer carries X-Correlation-ID: the caller's if it is well-formed, else a new one. A trace begins here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = {name: header_of(scope, name.encode()) for name in (CORRELATION_HEADER, "traceparent")}
        with extracted(headers):
            own = correlation_id.get()

            async def send_with_id(message: Message) -> None:
                if message["type"] in {"http.response.start", "websocket.accept", "websocket.http.response.start"}:
                    MutableHeaders(scope=message)["X-Correlation-ID"] = own
                await send(message)

            if scope["type"] == "websocket":  # open for hours: its calls are traces of their own
                await self._app(scope, receive, send_with_id)
                return
            with span("http", kind=SpanKind.SERVER, method=scope["method"]):
                await self._app(scope, receive, send_with_id)


def template_of(scope: Scope) -> str:
    """The route's template, never the path itself: a path may hold what a user typed."""
    path = getattr(scope.get("route"), "path_format", None)
    return path if isinstance(path, str) else str(scope.get("ret.route", "unmatched"))


class AccessLine:
    """One line in the log for every request, and its figures, also when it failed or the client went."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        start, status, complete = time.perf_counter(), 0, False

        async def send_and_note(message: Message) -> None:
            nonlocal status, complete
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = 101
            elif message["type"] in {"http.response.body", "websocket.close"}:
                complete = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            seconds, route = time.perf_counter() - start, template_of(scope)
            method, status = scope.get("method", "WEBSOCKET"), status or CLIENT_GONE
            trace.get_current_span().set_attributes({"http.route": route, "http.status": status})
            self._metrics.observe(route, method, status, seconds)
            access_log.log(
                logging.DEBUG if route in HEALTH_PATHS else logging.INFO,
                "request",
                extra={
                    "route": route,
                    "method": method,
                    "status": status,
                    "duration_ms": round(seconds * 1000, 1),
                    "user_id": scope.get("ret.user_id", ""),
                    "complete": complete,
                },
            )


class Headers:
    """What a browser is told about every answer, errors included."""

    def __init__(self, app: ASGIApp, *, always_tls: bool) -> None:
        self._app = app
        self._always_tls = always_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tls = self._always_tls or scope.get("scheme") == "https"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(EVERYWHERE)
                for name, value in BY_DEFAULT.items():
                    headers.setdefault(name, value)
                if tls:
                    headers["strict-transport-security"] = TRANSPORT_SECURITY
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Linger:
    """Lets a client that is still sending see why it was refused.

    A connection closed with unread data is reset, and the reset can overtake the answer. So the answer goes out whole,
    what still comes in is read and dropped for a limited time, and then the connection is closed.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _sends_body(scope):
            await self._app(scope, receive, send)
            return
        body = _Body(receive)

        async def send_then_drain(message: Message) -> None:
            if message["type"] == "http.response.start" and not body.through:
                MutableHeaders(scope=message)["connection"] = "close"
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not last or body.through:
                await send(message)
                return
            await send({**message, "more_body": True})
            await body.drain(self._seconds)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, body.receive, send_then_drain)


class _Body:
    """A request's body, and whether it has been read to its end."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.through = False

    async def receive(self) -> Message:
        message = await self._receive()
        self.through = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def drain(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not self.through:
                    async with asyncio.timeout(DRAIN_WAIT):
                        await self.receive()
        except TimeoutError:
            log.info("refused body not read to its end")


class Errors:
    """What nobody foresaw becomes a problem that says nothing, and a log entry that says all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except ClientDisconnect:
            log.info("the client went before its request was through")
        except Exception as error:
            # The framework, too late for an answer to it, wraps an error it has a handler for.
            foreseen = error if isinstance(error, RetError) else error.__cause__
            if started and isinstance(foreseen, RetError):
                extra = {"route": template_of(scope), "code": foreseen.code, "kind": str(foreseen.kind)}
                log.log(logging.ERROR if foreseen.kind is Kind.INTERNAL else logging.WARNING, "broken off", extra=extra)
            else:
                log.exception("unforeseen error", extra={"route": template_of(scope), "answered": started})
            if not started:
                await internal_error()(scope, receive, send)
            elif BREAK_OFF in scope:  # an answer that is cut off must not look whole
                scope[BREAK_OFF]()


def _sends_body(scope: Scope) -> bool:
    return header_of(scope, b"content-length") not in {"", "0"} or bool(header_of(scope, b"transfer-encoding"))
