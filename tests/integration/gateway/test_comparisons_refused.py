"""What of comparisons is refused, and how it is said."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from comparison_messages import ALL, ONE, PAIR, PAIRS, RECIPES
from gateway_bench import Fakes, Gateway, Person, a_job, a_user, problem_of

from ret.auth.v1 import auth_pb2
from ret.diff.v1 import diff_pb2
from ret_kit.errors import NotFound

pytestmark = pytest.mark.asyncio(loop_scope="session")


START: dict[str, Any] = {"a": {"collection_id": "A"}, "b": {"collection_id": "B"}}
NAMES = [f"C{at}" for at in range(1001)]


REFUSED: list[tuple[str, str, dict[str, Any] | None, str]] = [
    ("POST", ALL, {}, "a"),
    ("POST", ALL, START | {"a": {}}, "a"),
    ("POST", ALL, START | {"b": {"collection_id": "B", "document_id": "D"}}, "b"),
    ("POST", ALL, START | {"b": {"collection_id": ""}}, "b.collection_id"),
    ("POST", ALL, START | {"a": {"collection_id": "A", "version": "newest"}}, "a.version"),
    ("POST", ALL, START | {"groups": []}, "groups"),
    ("POST", ALL, START | {"groups": [""]}, "groups.0"),
    ("POST", ALL, START | {"option": {}}, "option"),
    ("POST", ALL, START | {"options": {"key": ["Id"]}}, "options.key"),
    ("POST", ALL, START | {"options": {"keys": NAMES}}, "options.keys"),
    ("POST", ALL, START | {"options": {"ignore_columns": NAMES}}, "options.ignore_columns"),
    ("POST", ALL, START | {"options": {"keys": [""]}}, "options.keys.0"),
    ("POST", ALL, START | {"options": {"numeric_tolerance": -0.1}}, "options.numeric_tolerance"),
    ("POST", ALL, START | {"options": {"numeric_tolerance": 10**400}}, "options.numeric_tolerance"),
    ("GET", f"{ALL}?limit=1001", None, "limit"),
    ("GET", f"{PAIRS}?status=different", None, "status"),
    ("GET", f"{PAIRS}?group={'x' * 301}", None, "group"),
    ("PUT", PAIRS, {}, "body"),
    ("PUT", PAIRS, {"a_path": ""}, "a_path"),
    ("PATCH", PAIR, {"note": "x" * 10_001}, "note"),
    ("PATCH", PAIR, {"reviewed": "perhaps"}, "reviewed"),
    ("POST", f"{PAIR}/recompare", {"options": None}, "options"),
    ("GET", f"{PAIR}/rows?view=all", None, "view"),
    ("GET", f"{PAIR}/rows?columns=some", None, "columns"),
    ("GET", f"{PAIR}/rows?limit=0", None, "limit"),
    ("GET", f"{PAIR}/locate?a_row=0", None, "a_row"),
    ("GET", f"{PAIR}/locate?text=", None, "text"),
    ("GET", f"{PAIR}/strip?stretches=10001", None, "stretches"),
    ("GET", f"{ONE}/report?format=pdf", None, "format"),
    ("POST", f"{ONE}/apply", {"pair": "p1", "changes": [], "into": "a"}, "changes"),
    ("POST", f"{ONE}/apply", {"pair": "p1", "changes": "some", "into": "a"}, "changes"),
    ("POST", f"{ONE}/apply", {"pair": "p1", "changes": [{"table": "T"}], "into": "a"}, "changes"),
    ("POST", f"{ONE}/apply", {"pair": "p1", "changes": "all", "into": "c"}, "into"),
    ("PUT", f"{RECIPES}/x", {"options": {"ignore_case": "maybe"}}, "options.ignore_case"),
    ("PUT", f"{RECIPES}/{'x' * 301}", {"options": {}}, "recipe"),
]


@pytest.mark.parametrize("method,path,body,field", REFUSED)
async def test_what_cannot_be_used_is_named_and_asks_nobody(
    gateway: Gateway, fakes: Fakes, user: Person, method: str, path: str, body: object, field: str
) -> None:
    answer = await gateway.client.request(method, path, headers=user.headers, json=body)
    found = problem_of(answer, 422, "INVALID")
    assert found["field"].startswith(field), found
    assert fakes.diff.calls == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_tolerance_is_a_finite_number(gateway: Gateway, fakes: Fakes, user: Person, number: str) -> None:
    body = json.dumps(START | {"options": {"numeric_tolerance": 7}}).replace("7", number)
    headers = user.headers | {"Content-Type": "application/json"}
    problem_of(await gateway.client.post(ALL, content=body, headers=headers), 422, "INVALID")
    assert fakes.diff.calls == []


@pytest.mark.parametrize(
    "path", ["", "/pairs", "/pairs/p1", "/pairs/p1/rows", "/tree", "/patterns", "/findings", "/report"]
)
async def test_what_is_not_there_is_404(gateway: Gateway, fakes: Fakes, user: Person, path: str) -> None:
    def absent(_: object) -> None:
        raise NotFound(what="comparison")

    async def absent_stream(_: object) -> AsyncGenerator[None]:
        raise NotFound(what="comparison")
        yield

    fakes.auth.answers["Me"] = lambda _: auth_pb2.MeResponse(user=a_user())
    fakes.diff.answers |= dict.fromkeys(("Get", "ListPairs", "GetPair", "Patterns", "Findings"), absent)
    fakes.diff.answers |= dict.fromkeys(("Rows", "Tree", "Report"), absent_stream)
    problem_of(await gateway.client.get(f"{ONE}{path}", headers=user.headers), 404, "NOT_FOUND")


async def test_an_id_that_is_none_of_ours_goes_no_further(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    for path in (f"{ALL}/..%2Fx", f"{PAIRS}/a%20b", f"{PAIRS}/{'x' * 101}/rows"):
        problem_of(await gateway.client.get(path, headers=user.headers), 404, "NOT_FOUND")
    assert fakes.diff.calls == []


async def test_a_change_of_another_pages_is_refused(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    headers = user.headers | {"Origin": "https://evil.example"}
    for method, path, body in (("POST", ALL, START), ("PUT", PAIRS, {"a_path": "x"}), ("DELETE", ONE, None)):
        answer = await gateway.client.request(method, path, headers=headers, json=body)
        problem_of(answer, 403, "ORIGIN_REFUSED")
        assert "access-control-allow-origin" not in answer.headers
    assert fakes.diff.calls == []


MISPLACED: list[tuple[object, str]] = [
    ("some", "changes"),
    ([], "changes"),
    ({}, "changes"),
    ([{"table": "T"}], "changes.0"),
    ([{"a_row": 1}, {"a_row": 0}], "changes.1.a_row"),
    ([{"b_row": 1, "columns": []}], "changes.0.columns"),
    ([{"b_row": 1, "columns": [""]}], "changes.0.columns.0"),
    ([{"b_row": 1, "column": "Id"}], "changes.0.column"),
]


@pytest.mark.parametrize("changes,field", MISPLACED)
async def test_what_is_wrong_with_changes_is_named_by_its_place(
    gateway: Gateway, fakes: Fakes, user: Person, changes: object, field: str
) -> None:
    body = {"pair": "p1", "changes": changes, "into": "a"}
    answer = await gateway.client.post(f"{ONE}/apply", headers=user.headers, json=body)
    assert [fault["field"] for fault in problem_of(answer, 422, "INVALID")["errors"]] == [field]


async def test_many_changes_fit_into_one_order(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.diff.answers["Apply"] = lambda _: diff_pb2.ApplyResponse(job=a_job("diff-4"))
    changes = [{"a_row": at, "columns": ["A rather long name of a column " * 5]} for at in range(1, 10_001)]
    body: dict[str, Any] = {"pair": "p1", "changes": changes, "into": "a"}
    assert (await gateway.client.post(f"{ONE}/apply", headers=user.headers, json=body)).status_code == 202
    assert len(fakes.diff.asked("Apply")[0].changes) == 10_000
    body["changes"] = [{"a_row": 1}] * 10_001
    problem_of(await gateway.client.post(f"{ONE}/apply", headers=user.headers, json=body), 422, "INVALID")
