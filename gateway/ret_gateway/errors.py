"""From kinds of errors to HTTP problems: the gateway's table.

Services raise typed errors; the kit carries kind, code, detail and further fields through gRPC (status and ErrorInfo)
and hands them over as `RemoteError`, a `RetError` like those raised here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ret_kit.errors import Kind, RetError, Unauthenticated
from ret_kit.telemetry import correlation_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from fastapi import FastAPI
    from starlette.requests import Request

log = logging.getLogger("ret.gateway")

MEDIA_TYPE = "application/problem+json"

STATUS: dict[Kind, int] = {
    Kind.INVALID: 422,
    Kind.UNSUPPORTED: 415,
    Kind.TOO_LARGE: 413,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.LOCKED: 423,
    Kind.RATE_LIMITED: 429,
    Kind.UNAVAILABLE: 503,
    Kind.STORAGE_FULL: 507,
    Kind.DEADLINE: 504,
    Kind.CANCELLED: 499,
    Kind.INTERNAL: 500,
}

CLIENT_GONE = 499

# Errors of the framework itself: no route, no such method on it, a body it cannot read.
FRAMEWORK_CODES: dict[int, str] = {
    400: "BAD_REQUEST",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_STALLED",
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}

# Asked several times a second while something waits for us: what they answer is no news in the log.
HEALTH_PATHS = frozenset({"/healthz", "/readyz"})

FIXED_FIELDS = frozenset({"type", "title", "status", "code", "detail", "correlation_id"})
RETRY_AFTER = "retry_after"
DEFAULT_RETRY_SECONDS = "1"


@dataclass(kw_only=True)
class BodyTooLarge(RetError):
    """A body that is larger than the route takes, in bytes."""

    limit: int

    kind = Kind.TOO_LARGE
    code = "BODY_TOO_LARGE"

    @property
    def detail(self) -> str:
        return f"The body may have {self.limit} bytes at most."


class Stalled(HTTPException):
    """Nothing of the body came for too long. No kind of our errors: services know no clients that fall silent."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_TIMEOUT)


@dataclass(kw_only=True)
class WrongMediaType(RetError):
    """A body of a type the route does not read."""

    expected: str

    kind = Kind.UNSUPPORTED
    code = "UNSUPPORTED_MEDIA_TYPE"

    @property
    def detail(self) -> str:
        return f"The body must be {self.expected}."


@dataclass(kw_only=True)
class OriginRefused(RetError):
    """A change asked for by a page of somebody else's."""

    kind = Kind.FORBIDDEN
    code = "ORIGIN_REFUSED"

    @property
    def detail(self) -> str:
        return "The request comes from another origin."


@dataclass(kw_only=True)
class HeaderMissing(RetError):
    """A header that proves the request comes from the page's own script."""

    header: str

    kind = Kind.FORBIDDEN
    code = "HEADER_MISSING"

    @property
    def detail(self) -> str:
        return f"The header {self.header} is missing."


def _title(status: int) -> str:
    return "Client Closed Request" if status == CLIENT_GONE else HTTPStatus(status).phrase


def problem(
    status: int,
    code: str,
    detail: str,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error answer with all the contract's fields; `extra` adds further ones and never replaces those."""
    body: dict[str, Any] = {
        "type": f"urn:ret:problem:{code.lower().replace('_', '-')}",
        "title": _title(status),
        "status": status,
        "code": code,
        "detail": detail,
        "correlation_id": correlation_id.get(),
    }
    body |= {name: value for name, value in (extra or {}).items() if name not in FIXED_FIELDS}
    return Response(orjson.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


def problem_of(error: RetError) -> Response:
    """The answer to a typed error, whether it was raised here or in a service."""
    status = STATUS[error.kind]
    extra: dict[str, Any] = dict(error.extra())
    headers: dict[str, str] = {}
    if status in {423, 429, 503}:
        headers["retry-after"] = str(extra.get(RETRY_AFTER, "")) or DEFAULT_RETRY_SECONDS
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return problem(status, error.code, error.detail, extra, headers)


def internal_error() -> Response:
    """The answer to an error nobody foresaw: it says nothing but the correlation id, by which the log is found."""
    return problem(500, "INTERNAL", "Something went wrong here. The correlation id helps to find out what.")


async def _on_ret_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RetError):
        raise error
    level = logging.ERROR if error.kind is Kind.INTERNAL else logging.INFO
    if request.url.path in HEALTH_PATHS:
        level = logging.DEBUG
    why = {"reason": error.reason} if isinstance(error, Unauthenticated) else {}
    log.log(level, "request refused", extra={"code": error.code, "kind": str(error.kind), **why})
    return problem_of(error)


def _on_http_exception(routes: Sequence[BaseRoute]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # the framework names those of one route alone
            headers["Allow"] = _allowed(routes, request.url.path) or headers.get("Allow", "")
        code = FRAMEWORK_CODES.get(error.status_code, "REFUSED")
        return problem(error.status_code, code, f"{_title(error.status_code)}.", headers=headers)

    return answer


def _allowed(routes: Sequence[BaseRoute], path: str) -> str:
    """The methods that a path has in any of the routes."""
    here = (route for route in routes if isinstance(route, Route) and route.path_regex.match(path))
    return ", ".join(sorted({method for route in here for method in route.methods or ()}))


async def _on_validation_error(request: Request, error: Exception) -> Response:
    """The names of the fields and what is wrong with them; never their values, which may be secrets."""
    del request
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [{"field": _field(fault["loc"]), "reason": str(fault["msg"])} for fault in error.errors()]
    first = faults[0] if faults else {"field": "body", "reason": "it cannot be read"}
    detail = f"{first['field']}: {first['reason']}"
    return problem(422, "INVALID", detail, {"field": first["field"], "errors": faults})


def _field(location: tuple[int | str, ...]) -> str:
    """`("body", "groups", 0)` as `groups.0`: the caller wants the place, not the part of the request."""
    inner = location[1:] if len(location) > 1 else location
    return ".".join(str(part) for part in inner)


def add_error_handlers(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Let the app answer every foreseen error with a problem; what nobody foresaw is the errors middleware's.

    `routes` are the app's own, by which a wrong method is told the right ones.
    """
    app.add_exception_handler(RetError, _on_ret_error)
    app.add_exception_handler(HTTPException, _on_http_exception(routes))
    app.add_exception_handler(RequestValidationError, _on_validation_error)
