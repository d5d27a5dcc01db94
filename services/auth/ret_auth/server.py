"""The gRPC face of auth: read the request, call one use case, write the answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import grpc

from ret.auth.v1 import auth_pb2, auth_pb2_grpc
from ret_auth.account import Account
from ret_auth.admin import Admin, Wanted
from ret_auth.keyring import Keyring
from ret_auth.login import Login
from ret_auth.ports import Grant
from ret_auth.sessions import Session, Visitor
from ret_auth.users import User
from ret_auth.vouching import Vouching
from ret_kit.auth import Caller, caller
from ret_kit.errors import Invalid
from ret_kit.rpc.access import Access

SERVICE = "ret.auth.v1.AuthService"
LONGEST_LIST = 1000


def access(services: Iterable[str]) -> dict[str, Access]:
    """Who may call which method. `services` may ask whether a session is active; so may auth itself and the gateway."""
    return {
        "Login": Access.PUBLIC,
        "Refresh": Access.PUBLIC,
        "Logout": Access.PUBLIC,
        "ConfirmReset": Access.PUBLIC,
        "Keys": Access.PUBLIC,
        "RedeemTicket": Access.PUBLIC,
        "Me": Access.USER_ANY,
        "ChangePassword": Access.USER_ANY,
        "ListSessions": Access.USER,
        "EndSession": Access.USER,
        "IssueTicket": Access.USER,
        "CreateUser": Access.ADMIN,
        "ListUsers": Access.ADMIN,
        "ListAllSessions": Access.ADMIN,
        "EndAnySession": Access.ADMIN,
        "EndAllSessions": Access.ADMIN,
        "CheckSession": Access.service("auth", "gateway", *services),
    }


Context = grpc.aio.ServicerContext[object, object]


class _Window(Protocol):
    @property
    def offset(self) -> int: ...
    @property
    def limit(self) -> int: ...


class AuthServer(auth_pb2_grpc.AuthServiceServicer):
    """Who somebody is, what session they are in, and its end."""

    def __init__(self, login: Login, account: Account, admin: Admin, vouching: Vouching, keyring: Keyring) -> None:
        self._login, self._account, self._admin = login, account, admin
        self._vouching, self._keyring = vouching, keyring

    async def Login(self, request: auth_pb2.LoginRequest, context: Context) -> auth_pb2.LoginResponse:
        visitor = Visitor(request.address, request.user_agent)
        return auth_pb2.LoginResponse(
            grant=_grant(await self._login.login(request.username, request.password, visitor))
        )

    async def Refresh(self, request: auth_pb2.RefreshRequest, context: Context) -> auth_pb2.RefreshResponse:
        return auth_pb2.RefreshResponse(grant=_grant(await self._login.refresh(request.refresh_token)))

    async def Logout(self, request: auth_pb2.LogoutRequest, context: Context) -> auth_pb2.LogoutResponse:
        await self._login.logout(request.refresh_token)
        return auth_pb2.LogoutResponse()

    async def ConfirmReset(
        self, request: auth_pb2.ConfirmResetRequest, context: Context
    ) -> auth_pb2.ConfirmResetResponse:
        await self._account.confirm_reset(request.reset_token, request.new_password)
        return auth_pb2.ConfirmResetResponse()

    async def Keys(self, request: auth_pb2.KeysRequest, context: Context) -> auth_pb2.KeysResponse:
        keys = await self._keyring.public()
        return auth_pb2.KeysResponse(
            keys=[auth_pb2.PublicKey(kid=key.kid, ed25519=key.raw, state=key.state) for key in keys]
        )

    async def Me(self, request: auth_pb2.MeRequest, context: Context) -> auth_pb2.MeResponse:
        who = caller()
        user, session = await self._account.me(who.user_id, who.session_id)
        return auth_pb2.MeResponse(user=_user(user), session=_session(session, who))

    async def ChangePassword(
        self, request: auth_pb2.ChangePasswordRequest, context: Context
    ) -> auth_pb2.ChangePasswordResponse:
        who = caller()
        await self._account.change_password(who.user_id, who.session_id, request.current_password, request.new_password)
        return auth_pb2.ChangePasswordResponse()

    async def ListSessions(
        self, request: auth_pb2.ListSessionsRequest, context: Context
    ) -> auth_pb2.ListSessionsResponse:
        who = caller()
        found, total = await self._account.own_sessions(who.user_id, *_window(request))
        return auth_pb2.ListSessionsResponse(sessions=[_session(one, who) for one in found], total=total)

    async def EndSession(self, request: auth_pb2.EndSessionRequest, context: Context) -> auth_pb2.EndSessionResponse:
        await self._account.end_session(caller().user_id, request.session_id)
        return auth_pb2.EndSessionResponse()

    async def IssueTicket(self, request: auth_pb2.IssueTicketRequest, context: Context) -> auth_pb2.IssueTicketResponse:
        who = caller()
        ticket, seconds = await self._vouching.issue_ticket(who.user_id, who.session_id)
        return auth_pb2.IssueTicketResponse(ticket=ticket, expires_in_seconds=seconds)

    async def RedeemTicket(
        self, request: auth_pb2.RedeemTicketRequest, context: Context
    ) -> auth_pb2.RedeemTicketResponse:
        ticket, token = await self._vouching.redeem_ticket(request.ticket)
        return auth_pb2.RedeemTicketResponse(
            session_id=ticket.session_id,
            user_id=ticket.user_id,
            issued_at_ms=ticket.issued_at_ms,
            access_token=token,
        )

    async def CreateUser(self, request: auth_pb2.CreateUserRequest, context: Context) -> auth_pb2.CreateUserResponse:
        wanted = Wanted(request.username, request.password, request.role)
        user, token = await self._admin.create_user(wanted, caller().session_id, request.idempotency_key)
        return auth_pb2.CreateUserResponse(user=_user(user), reset_token=token)

    async def ListUsers(self, request: auth_pb2.ListUsersRequest, context: Context) -> auth_pb2.ListUsersResponse:
        found, total = await self._admin.list_users(*_window(request))
        return auth_pb2.ListUsersResponse(users=[_user(one) for one in found], total=total)

    async def ListAllSessions(
        self, request: auth_pb2.ListAllSessionsRequest, context: Context
    ) -> auth_pb2.ListAllSessionsResponse:
        found, total = await self._admin.list_sessions(*_window(request))
        return auth_pb2.ListAllSessionsResponse(sessions=[_session(one, caller()) for one in found], total=total)

    async def EndAnySession(
        self, request: auth_pb2.EndAnySessionRequest, context: Context
    ) -> auth_pb2.EndAnySessionResponse:
        await self._admin.end_session(request.session_id)
        return auth_pb2.EndAnySessionResponse()

    async def EndAllSessions(
        self, request: auth_pb2.EndAllSessionsRequest, context: Context
    ) -> auth_pb2.EndAllSessionsResponse:
        return auth_pb2.EndAllSessionsResponse(ended=await self._admin.end_all_sessions())

    async def CheckSession(
        self, request: auth_pb2.CheckSessionRequest, context: Context
    ) -> auth_pb2.CheckSessionResponse:
        return auth_pb2.CheckSessionResponse(active=await self._vouching.check(request.session_id))


def _window(request: _Window) -> tuple[int, int]:
    """Offset and limit; no limit is 100."""
    if request.offset < 0:
        raise Invalid(field="offset", reason="is 0 or more")
    if not 0 <= request.limit <= LONGEST_LIST:
        raise Invalid(field="limit", reason=f"is {LONGEST_LIST} or less")
    return request.offset, request.limit or 100


def _user(user: User) -> auth_pb2.User:
    return auth_pb2.User(
        id=user.id,
        username=user.username,
        role=user.role.value,
        must_change_password=user.must_change_password,
        created_at_ms=user.created_at_ms,
        status=user.status.value,
        limits=auth_pb2.Limits(upload_bytes=user.limits.upload_bytes, running_tasks=user.limits.running_tasks),
        version=user.version,
    )


def _session(session: Session, who: Caller) -> auth_pb2.Session:
    return auth_pb2.Session(
        id=session.id,
        user_id=session.user_id,
        username=session.username,
        created_at_ms=session.created_at_ms,
        last_seen_ms=session.last_seen_ms,
        address=session.address,
        user_agent=session.user_agent,
        current=session.id == who.session_id,
        state=session.state.value,
        expires_at_ms=session.expires_at_ms,
    )


def _grant(grant: Grant) -> auth_pb2.Grant:
    session = grant.opened.session
    return auth_pb2.Grant(
        access_token=grant.access_token,
        expires_in_seconds=grant.expires_in_s,
        session_id=session.id,
        user=_user(grant.user),
        refresh_token=grant.opened.refresh_token,
        # The token lives as long as its session may: whoever goes on using the session moves its end.
        refresh_expires_at_ms=session.absolute_end_ms,
        idle_expires_at_ms=session.expires_at_ms,
        absolute_expires_at_ms=session.absolute_end_ms,
    )
