"""HTTP/1.1 at the socket: a request's head is limited in size and time, and what is no HTTP is told so by a problem.

The server limits neither: a caller could send headers for ever, or open connections and say nothing.
"""

from __future__ import annotations

import asyncio
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ret_gateway.errors import problem
from ret_gateway.headers import BY_DEFAULT, EVERYWHERE
from ret_kit.telemetry import correlation_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

HEAD_LIMIT = 64 * 1024
HEAD_SECONDS = 30.0
BREAK_OFF = "ret.break_off"
"""Where a request's scope has what ends its connection in the middle of an answer."""


def _whole(answer: Response) -> bytes:
    """An answer as it goes over the wire, outside of any app."""
    fields = {**EVERYWHERE, **BY_DEFAULT, **answer.headers, "connection": "close"}
    lines = [f"HTTP/1.1 {answer.status_code} {HTTPStatus(answer.status_code).phrase}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + bytes(answer.body)


class LimitedHttp(HttpToolsProtocol):
    """The server's protocol with limits for a request's head."""

    head_limit = HEAD_LIMIT
    head_seconds = HEAD_SECONDS

    _in_head = False
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as the server's own
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > self.head_limit:
                self._refuse(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "HEADERS_TOO_LARGE", "The headers are too large."
                )

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        if self._head_timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._head_is_here()
        super().on_headers_complete()
        cycle = cast("RequestResponseCycle | None", self.cycle)  # none yet, whatever its type says
        if cycle and cycle.scope is self.scope:
            self.scope[BREAK_OFF] = self._break_off(cycle)  # pyright: ignore[reportGeneralTypeIssues] - a key of our own

    def _break_off(self, cycle: RequestResponseCycle) -> Callable[[], None]:
        def break_off() -> None:
            cycle.disconnected = True  # so that the server does not take the unfinished answer for a mistake
            self.transport.close()

        return break_off

    def send_400_response(self, msg: str) -> None:
        del msg
        self._refuse(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", "This is no valid HTTP request.")

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._late)

    def _head_is_here(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _late(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "REQUEST_STALLED", "The request did not come in time.")

    def _refuse(self, status: HTTPStatus, code: str, detail: str) -> None:
        token = correlation_id.set(uuid.uuid4().hex)
        answer = problem(status, code, detail, headers={"x-correlation-id": correlation_id.get()})
        correlation_id.reset(token)
        self.transport.write(_whole(answer))
        self.transport.close()
