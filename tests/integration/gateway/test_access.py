"""Who is let in: tokens, roles, origins, and that nobody is when it cannot be known."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_bench import Fakes, Gateway, Person, a_user, problem_of, routes

from ret.auth.v1 import auth_pb2
from ret.ingest.v1 import ingest_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")
OPEN = {
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/logout"),
    ("POST", "/api/v1/auth/password-resets/confirm"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
}


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer a.b.c", "Basic YTpi", "Bearer \xff"])
async def test_every_route_is_401_without_a_token_whatever_else_is_wrong(
    gateway: Gateway, fakes: Fakes, user: Person, token: str | None
) -> None:
    headers = {b"Content-Type": b"text/nonsense"} | ({b"Authorization": token.encode("latin-1")} if token else {})
    closed = [route for route in await routes(gateway, user) if route not in OPEN]
    assert len(closed) > 20
    fakes.forget()
    for method, path in [*closed, ("GET", "/api/openapi.json")]:
        answer = await gateway.client.request(
            method, path, headers=headers, content=b"{", params={"limit": "a lot", "format": "exe"}
        )
        problem_of(answer, 401, "UNAUTHENTICATED")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert [name for name, _, _ in fakes.auth.calls if name not in {"Keys", "CheckSession"}] == []
    assert fakes.ingest.calls == fakes.convert.calls == []


async def test_a_token_of_an_ended_session_is_401_everywhere(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.people.active.discard(user.session_id)
    for method, path in [("GET", "/api/v1/auth/me"), ("POST", "/api/v1/collections"), ("GET", "/api/v1/jobs")]:
        problem_of(await gateway.client.request(method, path, headers=user.headers), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"iss": "somebody"}, {"aud": "other"}, {"sub": None}, {"sid": None}, {"role": "god"}]
)
async def test_every_claim_of_a_token_counts(gateway: Gateway, fakes: Fakes, claims: dict[str, Any]) -> None:
    fakes.people.active.add("a-session")
    token = fakes.people.token(**claims)
    answer = await gateway.client.get("/api/v1/collections", headers={"Authorization": f"Bearer {token}"})
    assert "expired" not in problem_of(answer, 401)["detail"].lower()


async def test_ordinary_users_are_403_on_the_administrators_routes(gateway: Gateway, user: Person) -> None:
    admin = [route for route in await routes(gateway, user) if "/admin/" in route[1]]
    assert len(admin) >= 5
    for method, path in admin:
        problem_of(await gateway.client.request(method, path, headers=user.headers), 403, "FORBIDDEN")


async def test_before_the_password_is_changed_nothing_else_can_be_done(gateway: Gateway, fakes: Fakes) -> None:
    newcomer = fakes.login(must_change_password=True)
    fakes.auth.answers["Me"] = lambda _: auth_pb2.MeResponse(user=a_user())
    fakes.auth.answers["ChangePassword"] = lambda _: auth_pb2.ChangePasswordResponse()
    problem_of(
        await gateway.client.get("/api/v1/collections", headers=newcomer.headers), 403, "PASSWORD_CHANGE_REQUIRED"
    )
    me = await gateway.client.get("/api/v1/auth/me", headers=newcomer.headers)
    change = {"current_password": "a", "new_password": "b"}
    changed = await gateway.client.post("/api/v1/auth/password", headers=newcomer.headers, json=change)
    assert (me.status_code, changed.status_code) == (200, 204)


async def test_auth_away_never_means_allowed(another_gateway: Any, user: Person) -> None:
    async with another_gateway(RET_AUTH_ADDRESS="127.0.0.1:1") as gateway:
        problem_of(await gateway.client.get("/api/v1/collections", headers=user.headers), 503)


async def test_redis_away_never_means_allowed(another_gateway: Any, user: Person) -> None:
    async with another_gateway(RET_REDIS_URL="redis://127.0.0.1:1/0") as gateway:
        problem_of(await gateway.client.get("/api/v1/collections", headers=user.headers), 503)


async def test_an_expired_and_a_forged_token_differ_in_the_log_and_not_in_the_answer(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    expired = fakes.people.token(sub=user.user_id, sid=user.session_id, exp=1)
    forged = user.token[:-8] + "AAAAAAAA"
    bodies: list[dict[str, Any]] = []
    for name, token in (("expired-token", expired), ("forged-token", forged)):
        headers = {"Authorization": f"Bearer {token}", "X-Correlation-ID": name}
        bodies.append(problem_of(await gateway.client.get("/api/v1/jobs", headers=headers), 401))
        bodies[-1].pop("correlation_id")
    assert bodies[0] == bodies[1]
    reasons = [
        line["reason"] for line in gateway.log() if line.get("reason") and line["correlation_id"].endswith("-token")
    ]
    assert reasons == ["expired", "forged"]


async def test_a_change_from_another_origin_is_refused(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.ingest.answers["DeleteCollection"] = lambda _: ingest_pb2.DeleteCollectionResponse()
    for origin in (
        "https://evil.example",
        "null",
        f"http://127.0.0.1:{gateway.port + 1}",
        f"{gateway.url}.evil.example",
    ):
        answer = await gateway.client.delete("/api/v1/collections/c1", headers=user.headers | {"Origin": origin})
        problem_of(answer, 403, "ORIGIN_REFUSED")
    own = await gateway.client.delete("/api/v1/collections/c1", headers=user.headers | {"Origin": gateway.url})
    assert own.status_code == 204
    assert len(fakes.ingest.asked("DeleteCollection")) == 1


async def test_only_listed_origins_get_cors(another_gateway: Any, fakes: Fakes, user: Person) -> None:
    fakes.auth.answers["Me"] = lambda _: auth_pb2.MeResponse(user=a_user())
    async with another_gateway(RET_ALLOWED_ORIGINS="https://page.example.com") as gateway:
        listed = await gateway.client.get(
            "/api/v1/auth/me", headers=user.headers | {"Origin": "https://page.example.com"}
        )
        other = await gateway.client.get("/api/v1/auth/me", headers=user.headers | {"Origin": "https://evil.example"})
    assert listed.headers["access-control-allow-origin"] == "https://page.example.com"
    assert "access-control-allow-origin" not in other.headers
