"""Who may call a route, and what is checked before its body is read. A route shows its rights by its router's class.

The order is the same everywhere: origin, who is calling, role, type and size of the body; only then the framework
parses and validates. So a call without a token is 401 whatever else is wrong with it, and is never read.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ret_gateway.errors import BodyTooLarge, OriginRefused, Stalled, WrongMediaType
from ret_gateway.ports import Ports
from ret_kit.auth import Caller, acting_as
from ret_kit.errors import Forbidden, NotFound, PasswordChangeRequired, RetError, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import HTTPConnection
    from starlette.responses import Response
    from starlette.types import Message, Receive

CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
API = "/api/v1"
JSON = "application/json"
ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
ADDRESS_LIMIT = 64
REPORT_LIMIT = 64 * 1024
USER_AGENT_LIMIT = 300


def ports_of(connection: HTTPConnection) -> Ports:
    """The services and everything else the process has opened."""
    ports = connection.app.state.ports
    if not isinstance(ports, Ports):
        raise TypeError("the app was made without ports")
    return ports


def _ports(request: Request) -> Ports:
    return ports_of(request)


Services = Annotated[Ports, Depends(_ports)]

# Tells the documentation what the route's class enforces.
SESSION_NEEDED = [Depends(HTTPBearer(auto_error=False, description="the access token of a login"))]


def over_tls(connection: HTTPConnection) -> bool:
    """Whether the browser speaks TLS, to us or to the proxy before us."""
    origin = ports_of(connection).settings.gateway_public_origin
    return connection.url.scheme in {"https", "wss"} or origin.startswith("https://")


def address_of(connection: HTTPConnection) -> str:
    """The caller's address; a forwarded one only when a configured proxy forwarded it."""
    return connection.client.host[:ADDRESS_LIMIT] if connection.client else ""


def user_agent_of(connection: HTTPConnection) -> str:
    """What the caller says it is, shortened."""
    return connection.headers.get("user-agent", "")[:USER_AGENT_LIMIT]


def check_origin(connection: HTTPConnection) -> None:
    """Refuse what a page of another origin asks for; callers that are no browsers send no Origin."""
    origin = connection.headers.get("origin")
    if origin is None:
        return
    settings = ports_of(connection).settings
    scheme = "https" if over_tls(connection) else "http"
    own = settings.gateway_public_origin or f"{scheme}://{connection.headers.get('host', '')}"
    if origin.lower() not in {own.lower(), *settings.allowed_origins}:
        raise OriginRefused


async def caller_of(connection: HTTPConnection) -> Caller:
    """Who is calling: the token is verified and its session is active; Unauthenticated otherwise."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    ports = ports_of(connection)
    caller = await ports.verifier.verify(token.strip())
    await ports.guard.check(caller.session_id)
    connection.scope["ret.user_id"] = caller.user_id
    return caller


def _content_length(request: Request) -> int:
    sent = request.headers.get("content-length", "")
    return int(sent) if sent.isdecimal() else 0


def _has_body(request: Request) -> bool:
    return _content_length(request) > 0 or "transfer-encoding" in request.headers


def _limited(receive: Receive, limit: int, idle_seconds: float) -> Receive:
    """The body as it comes in, until it is larger than the limit or nothing comes any more."""
    read = 0

    async def receive_some() -> Message:
        nonlocal read
        try:
            async with asyncio.timeout(idle_seconds):
                message = await receive()
        except TimeoutError:
            raise Stalled from None
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > limit:
                raise BodyTooLarge(limit=limit)
        return message

    return receive_some


def check_ids(request: Request) -> None:
    """An id in the path that is none of ours names nothing; it is not carried any further."""
    for name, value in request.path_params.items():
        if name.endswith("_id") and not ID.fullmatch(value):
            raise NotFound(what=name.removesuffix("_id"))


def check_json(request: Request, limit: int | None = None) -> Request:
    """The request, whose body is JSON and not too large, as far as that shows before it is read.

    `limit` is in bytes; None is that of most bodies.
    """
    if not _has_body(request):
        return request
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise WrongMediaType(expected=JSON)
    settings = ports_of(request).settings
    limit = settings.gateway_body_limit if limit is None else limit
    if _content_length(request) > limit:
        raise BodyTooLarge(limit=limit)
    return Request(request.scope, _limited(request.receive, limit, settings.gateway_body_idle_seconds))


class Open(APIRoute):
    """Anybody may call it."""

    from_own_origin: ClassVar[bool] = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        parse_and_call = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if self.from_own_origin and request.method in CHANGES:
                check_origin(request)
            with acting_as(await self.admit(request)):
                check_ids(request)
                try:
                    return await parse_and_call(self.admit_body(request))
                except HTTPException as error:
                    # The framework turns whatever reading a body fails with into its own 400.
                    if isinstance(error.__cause__, RetError | ClientDisconnect):
                        raise error.__cause__ from None
                    if isinstance(error.__cause__, ValueError | RecursionError):  # no JSON, or nested without end
                        raise RequestValidationError([{"loc": ("body",), "msg": "JSON decode error"}]) from None
                    raise

        return handle

    async def admit(self, request: Request) -> Caller | None:
        """Who is calling, as far as the route wants to know."""
        del request
        return None

    def admit_body(self, request: Request) -> Request:
        """The request with a body that may be read."""
        return check_json(request)


class Pending(Open):
    """Whoever has a session, also while the one-time password is still to be changed."""

    async def admit(self, request: Request) -> Caller | None:
        return await caller_of(request)


class SignedIn(Pending):
    """Whoever has a session and has changed the one-time password."""

    async def admit(self, request: Request) -> Caller | None:
        caller = await caller_of(request)
        if caller.must_change_password:
            raise PasswordChangeRequired
        return caller


class Administrators(SignedIn):
    """Administrators only; the service behind checks the role again."""

    async def admit(self, request: Request) -> Caller | None:
        caller = await super().admit(request)
        if caller is None or caller.role != "admin":
            raise Forbidden
        return caller


class Uploads(SignedIn):
    """Like SignedIn, for bodies that the route itself reads as a stream."""

    def admit_body(self, request: Request) -> Request:
        return request


class Reports(Open):
    """What browsers send on their own: of types of their own, from wherever the page is, and little."""

    from_own_origin = False

    def admit_body(self, request: Request) -> Request:
        idle_seconds = ports_of(request).settings.gateway_body_idle_seconds
        return Request(request.scope, _limited(request.receive, REPORT_LIMIT, idle_seconds))
