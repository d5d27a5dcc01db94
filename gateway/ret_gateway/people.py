"""Login, refresh, logout, and what a user does about their own account and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Request, Response
from starlette.status import HTTP_204_NO_CONTENT

from ret.auth.v1 import auth_pb2
from ret_gateway import answers, people_models
from ret_gateway.access import (
    API,
    SESSION_NEEDED,
    Open,
    Pending,
    Services,
    SignedIn,
    address_of,
    caller_of,
    over_tls,
    user_agent_of,
)
from ret_gateway.errors import HeaderMissing
from ret_gateway.parameters import Limit, Offset
from ret_kit.auth import acting_as
from ret_kit.errors import Unauthenticated

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

REQUEST_HEADER = "X-RET-Request"
AUTH_PATH = f"{API}/auth"
LEAVE_NOTHING = '"cookies", "storage"'  # not "cache": answers are no-store, and browsers take seconds to clear it

open_router = APIRouter(prefix=f"{API}/auth", tags=["auth"], route_class=Open)
pending_router = APIRouter(prefix=f"{API}/auth", tags=["auth"], route_class=Pending, dependencies=SESSION_NEEDED)
router = APIRouter(prefix=f"{API}/auth", tags=["auth"], route_class=SignedIn, dependencies=SESSION_NEEDED)


def _cookie(connection: HTTPConnection) -> tuple[str, str]:
    """The refresh cookie's name and path. `__Host-` binds it to this host and demands TLS and the path `/`."""
    return ("__Host-ret_refresh", "/") if over_tls(connection) else ("ret_refresh", AUTH_PATH)


def _refresh_token(connection: HTTPConnection) -> str:
    return connection.cookies.get(_cookie(connection)[0], "")


def _keep(request: Request, response: Response, grant: auth_pb2.Grant) -> None:
    name, path = _cookie(request)
    response.set_cookie(
        name, grant.refresh_token, path=path, secure=over_tls(request), httponly=True, samesite="strict"
    )


def _forget(request: Request, response: Response) -> None:
    name, path = _cookie(request)
    response.delete_cookie(name, path=path, secure=over_tls(request), httponly=True, samesite="strict")


def _from_the_page(header: str | None) -> None:
    if header != "1":
        raise HeaderMissing(header=REQUEST_HEADER)


PageHeader = Annotated[str | None, Header(alias=REQUEST_HEADER, description="must be 1")]


@open_router.post("/login")
async def login(
    request: Request, response: Response, body: people_models.Login, services: Services
) -> people_models.Grant:
    """Opens a session. The refresh token goes into a cookie that scripts cannot read."""
    answer = await services.auth.Login(
        auth_pb2.LoginRequest(
            username=body.username,
            password=body.password,
            address=address_of(request),
            user_agent=user_agent_of(request),
        )
    )
    _keep(request, response, answer.grant)
    return answers.grant(answer.grant)


@open_router.post("/refresh")
async def refresh(
    request: Request, response: Response, services: Services, x_ret_request: PageHeader = None
) -> people_models.Grant:
    """A new access token; the cookie is rotated."""
    _from_the_page(x_ret_request)
    token = _refresh_token(request)
    if not token:
        raise Unauthenticated
    answer = await services.auth.Refresh(
        auth_pb2.RefreshRequest(refresh_token=token, address=address_of(request), user_agent=user_agent_of(request))
    )
    _keep(request, response, answer.grant)
    return answers.grant(answer.grant)


@open_router.post("/logout", status_code=HTTP_204_NO_CONTENT)
async def logout(request: Request, response: Response, services: Services, x_ret_request: PageHeader = None) -> None:
    """Ends the session; its data is being destroyed from this moment."""
    _from_the_page(x_ret_request)
    token = _refresh_token(request)
    if token:
        await services.auth.Logout(auth_pb2.LogoutRequest(refresh_token=token))
    elif "authorization" in request.headers:
        # A caller that keeps no cookies must not be told it has logged out while its session lives on.
        caller = await caller_of(request)
        with acting_as(caller):
            await services.auth.EndSession(auth_pb2.EndSessionRequest(session_id=caller.session_id))
    _forget(request, response)
    response.headers["clear-site-data"] = LEAVE_NOTHING


@open_router.post("/password-resets/confirm", status_code=HTTP_204_NO_CONTENT)
async def confirm_password_reset(body: people_models.ResetConfirmation, services: Services) -> None:
    """A new user's one-time token buys the first password."""
    await services.auth.ConfirmReset(
        auth_pb2.ConfirmResetRequest(reset_token=body.reset_token, new_password=body.new_password)
    )


@pending_router.get("/me")
async def me(services: Services) -> people_models.User:
    """Who is calling."""
    answer = await services.auth.Me(auth_pb2.MeRequest())
    return answers.user(answer.user)


@pending_router.post("/password", status_code=HTTP_204_NO_CONTENT)
async def change_password(body: people_models.PasswordChange, services: Services) -> None:
    """A new password; the user's other sessions end."""
    await services.auth.ChangePassword(
        auth_pb2.ChangePasswordRequest(current_password=body.current_password, new_password=body.new_password)
    )


@router.get("/sessions")
async def list_own_sessions(services: Services, offset: Offset = 0, limit: Limit = 100) -> people_models.SessionList:
    """The caller's own sessions."""
    answer = await services.auth.ListSessions(auth_pb2.ListSessionsRequest(offset=offset, limit=limit))
    return people_models.SessionList(items=[answers.session(one) for one in answer.sessions], total=answer.total)


@router.delete("/sessions/{session_id}", status_code=HTTP_204_NO_CONTENT)
async def end_own_session(session_id: str, services: Services) -> None:
    """Ends one of the caller's own sessions, with all its data."""
    await services.auth.EndSession(auth_pb2.EndSessionRequest(session_id=session_id))
