"""Cookies, logins and logouts: where the refresh token goes, and where it never does."""

from __future__ import annotations

from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import pytest
from gateway_bench import Fakes, Gateway, Person, a_grant, a_user

from ret.auth.v1 import auth_pb2
from ret_kit.errors import Kind, RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = {"X-RET-Request": "1"}
CREDENTIALS = {"username": "somebody", "password": "a long password"}


def cookie_of(answer: httpx.Response) -> Morsel[str]:
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return cookie


async def test_a_login_answers_the_contract_and_keeps_the_refresh_token_in_a_cookie(
    gateway: Gateway, fakes: Fakes
) -> None:
    fakes.auth.answers["Login"] = lambda _: auth_pb2.LoginResponse(grant=a_grant())
    answer = await gateway.client.post("/api/v1/auth/login", json=CREDENTIALS, headers={"User-Agent": "browser" * 100})
    body: dict[str, Any] = answer.json()
    assert {name: body[name] for name in ("access_token", "token_type", "expires_in", "session_id")} == {
        "access_token": "access-1",
        "token_type": "bearer",
        "expires_in": 300,
        "session_id": "s1",
    }
    user = body["user"]
    assert user.keys() >= {"id", "username", "role", "must_change_password", "limits"}
    assert "refresh-1" not in answer.text
    cookie = cookie_of(answer)
    assert (cookie.key, cookie.value, cookie["path"]) == ("ret_refresh", "refresh-1", "/api/v1/auth")
    assert (cookie["httponly"], cookie["samesite"].lower(), cookie["secure"]) == (True, "strict", "")
    (request,) = fakes.auth.asked("Login")
    assert (request.username, request.address, len(request.user_agent)) == ("somebody", "127.0.0.1", 300)


async def test_over_tls_the_cookie_is_bound_to_the_host(another_gateway: Any, fakes: Fakes) -> None:
    fakes.auth.answers["Login"] = lambda _: auth_pb2.LoginResponse(grant=a_grant())
    fakes.auth.answers["Logout"] = lambda _: auth_pb2.LogoutResponse()
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
    async with another_gateway(RET_GATEWAY_TRUSTED_PROXIES="127.0.0.1") as gateway:
        kept = await gateway.client.post("/api/v1/auth/login", json=CREDENTIALS, headers=forwarded)
        given = {"Cookie": "__Host-ret_refresh=refresh-1"} | forwarded | PAGE
        cleared = await gateway.client.post("/api/v1/auth/logout", headers=given)
    for cookie in (cookie_of(kept), cookie_of(cleared)):
        assert (cookie.key, cookie["path"], cookie["secure"]) == ("__Host-ret_refresh", "/", True)
        assert (cookie["domain"], cookie["httponly"], cookie["samesite"].lower()) == ("", True, "strict")
    assert fakes.auth.asked("Login")[0].address == "198.51.100.7"
    assert fakes.auth.asked("Logout")[0].refresh_token == "refresh-1"


async def test_a_forwarded_address_of_anybody_else_does_not_count(gateway: Gateway, fakes: Fakes) -> None:
    fakes.auth.answers["Login"] = lambda _: auth_pb2.LoginResponse(grant=a_grant())
    forged = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
    answer = await gateway.client.post("/api/v1/auth/login", json=CREDENTIALS, headers=forged)
    assert fakes.auth.asked("Login")[0].address == "127.0.0.1"
    assert cookie_of(answer).key == "ret_refresh"


@pytest.mark.parametrize(
    "kind,code,status", [(Kind.UNAUTHENTICATED, "BAD_CREDENTIALS", 401), (Kind.LOCKED, "ACCOUNT_LOCKED", 423)]
)
async def test_a_refused_login_says_why_and_sets_no_cookie(
    gateway: Gateway, fakes: Fakes, kind: Kind, code: str, status: int
) -> None:
    def refuse(_: object) -> None:
        raise RemoteError(kind=kind, code=code, detail="No.", fields={"retry_after": "60"})

    fakes.auth.answers["Login"] = refuse
    answer = await gateway.client.post("/api/v1/auth/login", json=CREDENTIALS)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers.get("retry-after") == ("60" if status == 423 else None)
    assert "set-cookie" not in answer.headers


async def test_a_refresh_rotates_the_cookie(gateway: Gateway, fakes: Fakes) -> None:
    fakes.auth.answers["Refresh"] = lambda _: auth_pb2.RefreshResponse(grant=a_grant("refresh-2"))
    answer = await gateway.client.post("/api/v1/auth/refresh", headers=PAGE | {"Cookie": "ret_refresh=refresh-1"})
    assert (answer.status_code, cookie_of(answer).value) == (200, "refresh-2")
    assert "refresh-2" not in answer.text
    assert fakes.auth.asked("Refresh")[0].refresh_token == "refresh-1"


async def test_without_a_cookie_there_is_nothing_to_refresh(gateway: Gateway, fakes: Fakes) -> None:
    answer = await gateway.client.post("/api/v1/auth/refresh", headers=PAGE)
    assert (answer.status_code, fakes.auth.asked("Refresh")) == (401, [])


@pytest.mark.parametrize("path", ["/api/v1/auth/refresh", "/api/v1/auth/logout"])
async def test_what_lives_on_the_cookie_needs_the_pages_header(gateway: Gateway, fakes: Fakes, path: str) -> None:
    for value in (None, "0", ""):
        headers = {"Cookie": "ret_refresh=refresh-1"} | ({"X-RET-Request": value} if value is not None else {})
        answer = await gateway.client.post(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "HEADER_MISSING")
    assert fakes.auth.asked("Refresh") == fakes.auth.asked("Logout") == []


async def test_a_logout_clears_the_cookie_as_it_was_set_and_leaves_nothing_in_the_browser(
    gateway: Gateway, fakes: Fakes
) -> None:
    fakes.auth.answers["Logout"] = lambda _: auth_pb2.LogoutResponse()
    answer = await gateway.client.post("/api/v1/auth/logout", headers=PAGE | {"Cookie": "ret_refresh=refresh-1"})
    assert (answer.status_code, answer.content) == (204, b"")
    cookie = cookie_of(answer)
    assert (cookie.key, cookie.value, cookie["path"], cookie["max-age"]) == ("ret_refresh", "", "/api/v1/auth", "0")
    assert '"cookies"' in answer.headers["clear-site-data"]


async def test_a_caller_without_cookies_logs_out_by_its_token(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.auth.answers["EndSession"] = lambda _: auth_pb2.EndSessionResponse()
    answer = await gateway.client.post("/api/v1/auth/logout", headers=PAGE | user.headers)
    assert answer.status_code == 204
    assert fakes.auth.asked("EndSession")[0].session_id == user.session_id


async def test_a_new_users_token_buys_the_first_password(gateway: Gateway, fakes: Fakes) -> None:
    fakes.auth.answers["ConfirmReset"] = lambda _: auth_pb2.ConfirmResetResponse()
    body = {"reset_token": "once", "new_password": "a long password"}
    answer = await gateway.client.post("/api/v1/auth/password-resets/confirm", json=body)
    assert (answer.status_code, fakes.auth.asked("ConfirmReset")[0].reset_token) == (204, "once")


async def test_own_sessions_are_listed_and_ended(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    session = auth_pb2.Session(
        id="s9", created_at_ms=1000, last_seen_ms=2500, address="::1", user_agent="x", current=True
    )
    fakes.auth.answers["ListSessions"] = lambda _: auth_pb2.ListSessionsResponse(sessions=[session], total=1)
    fakes.auth.answers["EndSession"] = lambda _: auth_pb2.EndSessionResponse()
    listed = await gateway.client.get("/api/v1/auth/sessions?offset=3&limit=7", headers=user.headers)
    assert listed.json() == {
        "items": [
            {
                "id": "s9",
                "created_at": "1970-01-01T00:00:01.000Z",
                "last_seen": "1970-01-01T00:00:02.500Z",
                "address": "::1",
                "user_agent": "x",
                "current": True,
            }
        ],
        "total": 1,
    }
    (request,) = fakes.auth.asked("ListSessions")
    assert (request.offset, request.limit) == (3, 7)
    ended = await gateway.client.delete("/api/v1/auth/sessions/s9", headers=user.headers)
    assert (ended.status_code, fakes.auth.asked("EndSession")[0].session_id) == (204, "s9")


async def test_administrators_make_users_and_end_sessions(gateway: Gateway, fakes: Fakes) -> None:
    admin = fakes.login("admin")
    fakes.auth.answers |= {
        "CreateUser": lambda _: auth_pb2.CreateUserResponse(user=a_user(), reset_token="once"),
        "ListUsers": lambda _: auth_pb2.ListUsersResponse(users=[a_user()], total=1),
        "ListAllSessions": lambda _: auth_pb2.ListAllSessionsResponse(
            sessions=[auth_pb2.Session(id="s9", user_id="u1", username="somebody", state="active")], total=1
        ),
        "EndAnySession": lambda _: auth_pb2.EndAnySessionResponse(),
        "EndAllSessions": lambda _: auth_pb2.EndAllSessionsResponse(ended=4),
    }
    client, headers = gateway.client, admin.headers
    made = await client.post("/api/v1/admin/users", headers=headers, json={"username": "somebody", "role": "user"})
    assert (made.status_code, made.json()["reset_token"], made.json()["id"]) == (201, "once", "u1")
    assert (await client.get("/api/v1/admin/users", headers=headers)).json()["items"][0]["username"] == "somebody"
    sessions = (await client.get("/api/v1/admin/sessions", headers=headers)).json()
    assert (sessions["items"][0]["user_id"], sessions["total"]) == ("u1", 1)
    assert (await client.delete("/api/v1/admin/sessions/s9", headers=headers)).status_code == 204
    assert (await client.delete("/api/v1/admin/sessions", headers=headers)).json() == {"ended": 4}
    assert {caller.user_id for caller in fakes.auth.callers("CreateUser") if caller} == {admin.user_id}
