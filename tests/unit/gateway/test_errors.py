"""Every kind of error is a problem with all its fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.responses import Response

from ret_gateway.errors import STATUS, internal_error, problem, problem_of
from ret_kit.errors import Invalid, Kind, RemoteError, Unauthenticated, Unavailable
from ret_kit.telemetry import correlation_id


def body_of(response: Response) -> dict[str, Any]:
    return json.loads(bytes(response.body))


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_status_and_every_problem_all_fields(kind: Kind) -> None:
    token = correlation_id.set("click-0001")
    response = problem_of(RemoteError(kind=kind, code="SOME_CODE", detail="Why."))
    correlation_id.reset(token)
    body = body_of(response)
    assert response.media_type == "application/problem+json"
    assert body["status"] == response.status_code == STATUS[kind]
    assert body == body | {
        "type": "urn:ret:problem:some-code",
        "code": "SOME_CODE",
        "detail": "Why.",
        "correlation_id": "click-0001",
    }
    assert body["title"]


def test_a_services_further_fields_come_along_but_replace_nothing() -> None:
    fields = {"limit": "256", "status": "200", "code": "FINE", "correlation_id": "forged"}
    body = body_of(problem_of(RemoteError(kind=Kind.TOO_LARGE, code="TOO_DEEP", detail="d", fields=fields)))
    assert (body["limit"], body["status"], body["code"]) == ("256", 413, "TOO_DEEP")
    assert body["correlation_id"] != "forged"


@pytest.mark.parametrize("kind", [Kind.LOCKED, Kind.RATE_LIMITED, Kind.UNAVAILABLE])
def test_who_must_wait_is_told_how_long(kind: Kind) -> None:
    known = problem_of(RemoteError(kind=kind, code="WAIT", detail="d", fields={"retry_after": "42"}))
    unknown = problem_of(RemoteError(kind=kind, code="WAIT", detail="d"))
    assert (known.headers["retry-after"], unknown.headers["retry-after"]) == ("42", "1")


def test_an_unauthenticated_caller_hears_the_scheme_and_not_the_reason() -> None:
    response = problem_of(Unauthenticated(reason="forged"))
    assert response.headers["www-authenticate"] == "Bearer"
    assert b"forged" not in bytes(response.body)


def test_the_field_at_fault_is_named() -> None:
    assert body_of(problem_of(Invalid(field="grouping", reason="must be one of a, b")))["field"] == "grouping"


def test_an_unforeseen_error_says_nothing() -> None:
    body = body_of(internal_error())
    assert (body["status"], body["code"]) == (500, "INTERNAL")


def test_what_is_away_is_named_by_its_role_only() -> None:
    assert body_of(problem_of(Unavailable(what="database")))["detail"] == "The database is not available at the moment."


def test_a_status_outside_the_standard_has_a_title_too() -> None:
    assert body_of(problem(499, "CANCELLED", "d"))["title"] == "Client Closed Request"
