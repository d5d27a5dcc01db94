"""What holds for every answer: correlation, problems, headers, the order of the checks, one line in the log."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from gateway_bench import Fakes, Gateway, Person, a_collection, a_user, eventually, problem_of

from ret.auth.v1 import auth_pb2
from ret.ingest.v1 import ingest_pb2
from ret_kit.errors import Kind, RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_callers_correlation_id_comes_back_and_a_bad_one_is_replaced(gateway: Gateway, user: Person) -> None:
    own = await gateway.client.get("/healthz", headers={"X-Correlation-ID": "click-1234_abc"})
    assert own.headers["x-correlation-id"] == "click-1234_abc"
    for bad in ("short", "x" * 65, "with space", "a;b=cccccccc", ""):
        answer = await gateway.client.get("/api/v1/nowhere", headers=user.headers | {"X-Correlation-ID": bad})
        assert re.fullmatch(r"[0-9a-f]{32}", problem_of(answer, 404)["correlation_id"])


@pytest.mark.parametrize(
    "method,path,status,code",
    [
        ("GET", "/api/v1/nowhere", 404, "NOT_FOUND"),
        ("POST", "/api/v1/nowhere", 404, "NOT_FOUND"),
        ("GET", "/api", 404, "NOT_FOUND"),
        ("GET", "/api/v1/collections/", 404, "NOT_FOUND"),
        ("PUT", "/api/v1/collections", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/healthz", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/assets/gone.js", 404, "NOT_FOUND"),
    ],
)
async def test_what_is_not_offered_is_a_problem(
    gateway: Gateway, user: Person, method: str, path: str, status: int, code: str
) -> None:
    problem_of(await gateway.client.request(method, path, headers=user.headers), status, code)


@pytest.mark.parametrize(
    "path,allowed",
    [
        ("/api/v1/collections", "GET, POST"),
        ("/api/v1/collections/c1", "DELETE, GET, PATCH"),
        ("/api/openapi.json", "GET"),
        ("/healthz", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_all_the_right_ones(
    gateway: Gateway, user: Person, path: str, allowed: str
) -> None:
    answer = await gateway.client.put(path, headers=user.headers)
    problem_of(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_head_of_health_is_a_get_without_a_body(gateway: Gateway, path: str) -> None:
    for url in (path, f"http://127.0.0.1:{gateway.operations_port}{path}"):
        got, head = await gateway.client.get(url), await gateway.client.head(url)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b'{"name": "\xff"}'], ids=["cut off", "nested without end", "not UTF-8"]
)
async def test_what_is_no_json_is_the_same_problem_whatever_is_wrong_with_it(
    gateway: Gateway, user: Person, body: bytes
) -> None:
    headers = user.headers | {"Content-Type": "application/json"}
    answer = await gateway.client.patch("/api/v1/collections/c1", headers=headers, content=body)
    assert problem_of(answer, 422, "INVALID")["errors"][0]["reason"] == "JSON decode error"


async def test_questions_about_health_do_not_fill_the_log(another_gateway: Any, fakes: Fakes) -> None:
    async with another_gateway(RET_CONVERT_ADDRESS="127.0.0.1:1") as gateway:
        for path, status in (("/healthz", 200), ("/readyz", 503)):
            answer = await gateway.client.get(path, headers={"X-Correlation-ID": "about-health"})
            assert answer.status_code == status
        await gateway.client.get("/api/v1/nowhere", headers={"X-Correlation-ID": "about-others"})
        await eventually(lambda: gateway.access_lines("about-others"), "an access line")
        assert not [line for line in gateway.log() if line["correlation_id"] == "about-health"]


@pytest.mark.parametrize(
    "method,path,body,field",
    [
        ("GET", "/api/v1/collections?limit=5000", None, "limit"),
        ("GET", "/api/v1/jobs?offset=-1", None, "offset"),
        ("GET", "/api/v1/collections/c1/export?format=exe", None, "format"),
        ("PATCH", "/api/v1/collections/c1", {"grouping": "sideways"}, "grouping"),
        ("PATCH", "/api/v1/collections/c1", {"nane": "typo"}, "nane"),
        ("PATCH", "/api/v1/documents/d1", {"group": "x" * 301}, "group"),
        ("PATCH", "/api/v1/documents/d1", {}, "group"),
        ("POST", "/api/v1/collections/c1/conversions", {"layout": "square"}, "layout"),
        ("POST", "/api/v1/collections/c1/conversions", {"groups": ["ok", ""]}, "groups.1"),
        ("POST", "/api/v1/collections/c1/conversions", {"groups": []}, "groups"),
        ("POST", "/api/v1/collections/c1/conversions", {"groups": ["ok"], "documents": []}, "documents"),
    ],
)
async def test_a_field_that_cannot_be_used_is_named(
    gateway: Gateway, user: Person, method: str, path: str, body: object, field: str
) -> None:
    answer = await gateway.client.request(method, path, headers=user.headers, json=body)
    found = problem_of(answer, 422, "INVALID")
    assert found["field"] == field
    assert field in found["detail"]


async def test_a_password_is_not_repeated_in_an_error(gateway: Gateway) -> None:
    answer = await gateway.client.post("/api/v1/auth/login", json={"username": "a", "password": ["hunter2 hunter2"]})
    assert problem_of(answer, 422)["field"] == "password"
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"name": "a"} x', b"\xff\xfe", b'{"name": NaN}'])
async def test_a_body_that_is_no_json_object_is_422(gateway: Gateway, user: Person, content: bytes) -> None:
    headers = user.headers | {"Content-Type": "application/json"}
    problem_of(await gateway.client.patch("/api/v1/collections/c1", headers=headers, content=content), 422, "INVALID")


async def test_a_body_of_another_type_is_415(gateway: Gateway, user: Person) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        headers = user.headers | {"Content-Type": kind}
        answer = await gateway.client.patch("/api/v1/collections/c1", headers=headers, content=b"name=x")
        problem_of(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_json_body_over_the_limit_is_413(gateway: Gateway, user: Person) -> None:
    headers = user.headers | {"Content-Type": "application/json"}
    big = b'{"name": "' + b"x" * (2 << 20) + b'"}'
    problem_of(
        await gateway.client.patch("/api/v1/collections/c1", headers=headers, content=big), 413, "BODY_TOO_LARGE"
    )

    async def pieces() -> AsyncGenerator[bytes]:
        for at in range(0, len(big), 65536):
            yield big[at : at + 65536]

    chunked = await gateway.client.patch("/api/v1/collections/c1", headers=headers, content=pieces())
    problem_of(chunked, 413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CANCELLED])
async def test_every_error_of_a_service_becomes_its_problem(
    gateway: Gateway, fakes: Fakes, user: Person, kind: Kind
) -> None:
    def fail(_: object) -> None:
        raise RemoteError(kind=kind, code="SOME_CODE", detail="Why.", fields={"limit": "7", "retry_after": "9"})

    fakes.ingest.answers["GetCollection"] = fail
    answer = await gateway.client.get("/api/v1/collections/c1", headers=user.headers)
    body = problem_of(answer, answer.status_code, "SOME_CODE")
    assert (body["detail"], body["limit"]) == ("Why.", "7")
    assert answer.status_code >= 400
    assert ("retry-after" in answer.headers) == (answer.status_code in {423, 429, 503})


async def test_an_unforeseen_error_is_a_500_with_all_headers_and_a_log_entry(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    # A state no contract knows: the gateway itself fails at it.
    fakes.ingest.answers["GetCollection"] = lambda _: ingest_pb2.GetCollectionResponse(
        collection=ingest_pb2.Collection(id="c1", status="upside-down")
    )
    headers = user.headers | {"X-Correlation-ID": "unforeseen-1"}
    answer = await gateway.client.get("/api/v1/collections/c1", headers=headers)
    body = problem_of(answer, 500, "INTERNAL")
    assert "upside" not in answer.text
    assert_hardened(answer)
    assert body["correlation_id"] == "unforeseen-1"
    await eventually(lambda: gateway.access_lines("unforeseen-1"), "an access line")
    logged = [line for line in gateway.log() if line["correlation_id"] == "unforeseen-1" and line["level"] == "ERROR"]
    assert "exception" in logged[0]


def assert_hardened(answer: httpx.Response) -> None:
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers
    assert headers["x-correlation-id"]


async def test_every_answer_is_hardened(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.auth.answers["Me"] = lambda _: auth_pb2.MeResponse(user=a_user())
    for path in (
        "/",
        "/convert",
        "/assets/index-abc123.js",
        "/api/v1/auth/me",
        "/api/v1/nowhere",
        "/healthz",
        "/readyz",
    ):
        answer = await gateway.client.get(path, headers=user.headers)
        assert_hardened(answer)
        assert "strict-transport-security" not in answer.headers
    answer = await gateway.client.get("/api/v1/auth/me", headers=user.headers)
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_a_service_that_is_away_is_503_and_the_process_stays_healthy(
    another_gateway: Any, fakes: Fakes, user: Person
) -> None:
    async with another_gateway(RET_CONVERT_ADDRESS="127.0.0.1:1") as gateway:
        answer = await gateway.client.post("/api/v1/collections/c1/conversions", headers=user.headers, json={})
        problem_of(answer, 503)
        assert answer.headers["retry-after"]
        problem_of(await gateway.client.get("/readyz"), 503, "NOT_READY")
        assert (await gateway.client.get("/healthz")).json() == {"status": "ok"}
        operations = f"http://127.0.0.1:{gateway.operations_port}"
        verbose = await gateway.client.get(f"{operations}/readyz?verbose")
        states = {state["name"]: state["ready"] for state in verbose.json()["dependencies"]}
        there = dict.fromkeys(("auth", "ingest", "diff", "nats", "redis"), True)
        assert states == there | {"convert": False}


async def test_a_ready_gateway_names_nothing(gateway: Gateway) -> None:
    answer = await gateway.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_the_operations_listener_has_documentation_and_figures(gateway: Gateway, user: Person) -> None:
    await gateway.client.get("/api/v1/nowhere/with-a-private-name", headers=user.headers)
    operations = f"http://127.0.0.1:{gateway.operations_port}"
    documentation = await gateway.client.get(f"{operations}/docs")
    assert "POST /api/v1/collections" in documentation.text
    assert "<script" not in documentation.text
    figures = (await gateway.client.get(f"{operations}/metrics")).text
    assert 'ret_http_requests_total{method="GET",route="unmatched",status="404"}' in figures
    assert "private-name" not in figures
    described = (await gateway.client.get(f"{operations}/openapi.json")).json()
    assert "/api/v1/collections" in described["paths"]


async def test_the_public_listener_has_none_of_that(gateway: Gateway, user: Person) -> None:
    for path in ("/metrics", "/docs.html", "/openapi.json", "/api/docs"):
        problem_of(await gateway.client.get(path, headers=user.headers), 404)
    assert "dependencies" not in (await gateway.client.get("/readyz?verbose")).text


async def test_every_request_has_one_line_in_the_log(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.ingest.answers["GetCollection"] = lambda _: ingest_pb2.GetCollectionResponse(collection=a_collection())
    asked = {
        "line-found-1": ("/api/v1/collections/c1", "/api/v1/collections/{collection_id}", 200, user.user_id),
        "line-absent-1": ("/api/v1/secret-name?q=secret", "unmatched", 404, ""),
        "line-page-1": ("/convert/secret-name", "page", 200, ""),
        "line-invalid-1": ("/api/v1/jobs?limit=0", "/api/v1/jobs", 422, user.user_id),
    }
    for correlation_id, (path, *_) in asked.items():
        await gateway.client.get(path, headers=user.headers | {"X-Correlation-ID": correlation_id})
    for correlation_id, (_, route, status, user_id) in asked.items():
        await eventually(lambda name=correlation_id: gateway.access_lines(name), correlation_id)
        (line,) = gateway.access_lines(correlation_id)
        assert (line["route"], line["status"], line["user_id"]) == (route, status, user_id)
        assert line["duration_ms"] >= 0
        assert len(line["trace_id"]) == 32
    assert "secret" not in gateway.log_path.read_text()


async def test_behind_tls_there_is_hsts_and_only_a_configured_proxy_says_so(
    gateway: Gateway, another_gateway: Any
) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
    assert "strict-transport-security" not in (await gateway.client.get("/healthz", headers=forwarded)).headers
    async with another_gateway(RET_GATEWAY_TRUSTED_PROXIES="127.0.0.1") as trusting:
        assert "strict-transport-security" in (await trusting.client.get("/healthz", headers=forwarded)).headers
        assert "strict-transport-security" not in (await trusting.client.get("/healthz")).headers
