"""Comparisons, field by field as the contract has them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from comparison_messages import (
    A_COMPARISON,
    A_PAIR,
    A_TALLY,
    ALL,
    COLUMN,
    COLUMN_BODY,
    COMPARISON,
    ONE,
    OPTIONS,
    PAIR,
    PAIR_BODY,
    PAIRS,
    RECIPES,
    TALLY,
)
from gateway_bench import Fakes, Gateway, Person, a_job, a_user, problem_of

from ret.auth.v1 import auth_pb2
from ret.diff.v1 import diff_pb2
from ret_diff.errors import SideGone

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_order_is_carried_whole_and_answered_with_the_comparison_and_its_job(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    fakes.diff.answers["Start"] = lambda _: diff_pb2.StartResponse(comparison=A_COMPARISON, job=a_job("diff-1"))
    body = {
        "a": {"collection_id": "A", "version": "original"},
        "b": {"document_id": "D"},
        "groups": ["AR"],
        "options": OPTIONS,
    }
    answer = await gateway.client.post(ALL, json=body, headers=user.headers | {"Idempotency-Key": "k1"})
    assert answer.status_code == 202
    assert (answer.json()["comparison"], answer.json()["job"]["id"]) == (COMPARISON, "diff-1")
    assert fakes.diff.asked("Start") == [
        diff_pb2.StartRequest(
            a=diff_pb2.Side(collection_id="A", version="original"),
            b=diff_pb2.Side(document_id="D", version="edited"),
            groups=["AR"],
            options=diff_pb2.Options(**OPTIONS),
            idempotency_key="k1",
        )
    ]


async def test_comparisons_are_listed_shown_and_deleted(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.diff.answers |= {
        "List": lambda _: diff_pb2.ListResponse(comparisons=[A_COMPARISON], total=4),
        "Get": lambda _: diff_pb2.GetResponse(comparison=A_COMPARISON),
        "Delete": lambda _: diff_pb2.DeleteResponse(),
    }
    listed = await gateway.client.get(f"{ALL}?offset=3&limit=1", headers=user.headers)
    assert listed.json() == {"items": [COMPARISON], "total": 4}
    assert fakes.diff.asked("List") == [diff_pb2.ListRequest(offset=3, limit=1)]
    assert (await gateway.client.get(ONE, headers=user.headers)).json() == COMPARISON
    assert (await gateway.client.delete(ONE, headers=user.headers)).status_code == 204


async def test_pairs_are_listed_by_what_is_asked_for(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.diff.answers["ListPairs"] = lambda _: diff_pb2.ListPairsResponse(pairs=[A_PAIR], total=2)
    fakes.diff.answers["GetPair"] = lambda _: diff_pb2.GetPairResponse(pair=A_PAIR)
    query = {"group": "AR", "status": "only_in_a", "q": "X.x", "offset": 1, "limit": 5}
    listed = await gateway.client.get(PAIRS, headers=user.headers, params=query)
    assert listed.json() == {"items": [PAIR_BODY], "total": 2}
    asked: dict[str, Any] = {
        "comparison_id": "c1",
        "group": "AR",
        "status": "only_in_a",
        "query": "X.x",
        "offset": 1,
        "limit": 5,
    }
    assert fakes.diff.asked("ListPairs") == [diff_pb2.ListPairsRequest(**asked)]
    assert (await gateway.client.get(PAIR, headers=user.headers)).json() == PAIR_BODY


async def test_rows_are_put_together_as_they_come(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    rows = [{"status": "added", "moved": False, "a_row": None, "b_row": 7, "a": None, "b": [""], "changed": []}]

    async def paged(_: object) -> AsyncGenerator[diff_pb2.RowsResponse]:
        text = json.dumps(rows).encode()
        for _ in range(2):  # very many columns come in several headers
            yield diff_pb2.RowsResponse(header=diff_pb2.RowsHeader(total=9, columns=[COLUMN]))
        for chunk in (text[:9], text[9:]):
            yield diff_pb2.RowsResponse(chunk=chunk)

    fakes.diff.answers["Rows"] = paged
    query = {"table": "Rows", "view": "full", "columns": "all", "moves": "true", "offset": "5", "limit": "1000"}
    answer = await gateway.client.get(f"{PAIR}/rows", headers=user.headers, params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {"total": 9, "columns": [COLUMN_BODY] * 2, "rows": rows}
    await gateway.client.get(f"{PAIR}/rows", headers=user.headers)
    names: dict[str, Any] = {"comparison_id": "c1", "pair_id": "p1"}
    first = diff_pb2.RowsRequest(**names, table="Rows", view="full", columns="all", offset=5, limit=1000, moves=True)
    assert fakes.diff.asked("Rows") == [
        first,
        diff_pb2.RowsRequest(**names, view="changed", columns="changed", limit=100),
    ]


async def test_rows_that_never_come_are_no_page(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    async def broken_off(_: object) -> AsyncGenerator[diff_pb2.RowsResponse]:
        yield diff_pb2.RowsResponse(header=diff_pb2.RowsHeader(total=9))

    fakes.diff.answers["Rows"] = broken_off
    problem_of(await gateway.client.get(f"{PAIR}/rows", headers=user.headers), 503, "UNAVAILABLE")


async def test_a_view_whose_side_is_gone_is_a_conflict(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    async def gone(_: object) -> AsyncGenerator[None]:
        raise SideGone(side="a")
        yield

    fakes.diff.answers["Rows"] = gone
    answer = await gateway.client.get(f"{PAIR}/rows?view=full", headers=user.headers)
    assert problem_of(answer, 409, "SIDE_GONE")["side"] == "a"


@pytest.mark.parametrize(
    "query,expected",
    [
        ("a_row=3", {"a_row": 3}),
        ("b_row=9007199254740991", {"b_row": 2**53 - 1}),
        ("next_after=-1&moves=true", {"next_after": -1, "moves": True}),
        ("last_before=17", {"last_before": 17}),
        ("text=%3Da&from=4", {"text": "=a", "from": 4}),
    ],
)
async def test_a_place_is_looked_for_in_one_way(
    gateway: Gateway, fakes: Fakes, user: Person, query: str, expected: dict[str, Any]
) -> None:
    fakes.diff.answers["Locate"] = lambda _: diff_pb2.LocateResponse(position=5, b_row=7, column="Code")
    answer = await gateway.client.get(f"{PAIR}/locate?view=full&table=T&{query}", headers=user.headers)
    assert answer.json() == {"position": 5, "a_row": None, "b_row": 7, "column": "Code"}
    request = diff_pb2.LocateRequest(comparison_id="c1", pair_id="p1", table="T", view="full", **expected)
    assert fakes.diff.asked("Locate") == [request]


@pytest.mark.parametrize("query", ["", "a_row=1&b_row=1", "text=a&next_after=0", "from=3"])
async def test_a_place_is_looked_for_in_no_more_than_one_way(
    gateway: Gateway, fakes: Fakes, user: Person, query: str
) -> None:
    problem_of(await gateway.client.get(f"{PAIR}/locate?{query}", headers=user.headers), 422, "INVALID")
    assert fakes.diff.asked("Locate") == []


async def test_a_strip_is_told_as_it_is(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    strip = diff_pb2.StripResponse(
        total=9, added=[1, 0], removed=[0, 2], changed=[3, 3], moved=[0, 0], columns=[COLUMN]
    )
    fakes.diff.answers["Strip"] = lambda _: strip
    answer = await gateway.client.get(f"{PAIR}/strip?stretches=2&view=full", headers=user.headers)
    expected = {"total": 9, "added": [1, 0], "removed": [0, 2], "changed": [3, 3], "moved": [0, 0]}
    assert answer.json() == expected | {"columns": [COLUMN_BODY]}
    (request,) = fakes.diff.asked("Strip")
    assert (request.stretches, request.view, request.pair_id) == (2, "full", "p1")


async def test_patterns_tell_absent_from_empty(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    pattern = diff_pb2.Pattern(table="Rows", column="Code", old="", count=12, format_only=True)
    fakes.diff.answers["Patterns"] = lambda _: diff_pb2.PatternsResponse(patterns=[pattern], total=30)
    body = {"table": "Rows", "column": "Code", "old": "", "new": None, "count": 12, "format_only": True, "pairs": 1}
    for path in (f"{PAIR}/patterns?table=Rows&offset=2&limit=3", f"{ONE}/patterns"):
        answer = await gateway.client.get(path, headers=user.headers)
        assert answer.json() == {"items": [body], "total": 30}
    assert fakes.diff.asked("Patterns") == [
        diff_pb2.PatternsRequest(comparison_id="c1", pair_id="p1", table="Rows", offset=2, limit=3),
        diff_pb2.PatternsRequest(comparison_id="c1", limit=100),
    ]


async def test_findings_are_told_with_their_places(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    place = diff_pb2.FindingPlace(pair_id="p1", table="Rows", column="Id", cells=40)
    example = diff_pb2.Pattern(table="Rows", column="Id", old="1", new="9", count=4, pairs=2)
    finding = diff_pb2.Finding(
        code="ids_renumbered", detail="d", cells=40, values=10, places=[place], examples=[example]
    )
    fakes.diff.answers["Findings"] = lambda _: diff_pb2.FindingsResponse(findings=[finding])
    answer = (await gateway.client.get(f"{ONE}/findings", headers=user.headers)).json()
    assert answer["total"] == 1
    assert answer["items"] == [
        {
            "code": "ids_renumbered",
            "detail": "d",
            "cells": 40,
            "values": 10,
            "places": [{"pair_id": "p1", "table": "Rows", "column": "Id", "cells": 40}],
            "examples": [
                {
                    "table": "Rows",
                    "column": "Id",
                    "old": "1",
                    "new": "9",
                    "count": 4,
                    "format_only": False,
                    "pairs": 2,
                }
            ],
        }
    ]


async def test_the_tree_is_nested_with_a_status_and_sums_everywhere(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    async def nodes(_: object) -> AsyncGenerator[diff_pb2.TreeResponse]:
        root = diff_pb2.TreeNode(type="folder", status="mismatch", tally=A_TALLY)
        yield diff_pb2.TreeResponse(nodes=[root])
        leaf = diff_pb2.TreeNode(depth=1, name="x", path="x", type="document", status="identical", pair_id="p1")
        yield diff_pb2.TreeResponse(nodes=[leaf])

    fakes.diff.answers["Tree"] = nodes
    answer = (await gateway.client.get(f"{ONE}/tree", headers=user.headers)).json()
    (leaf,) = answer.pop("children")
    assert answer == {"name": "", "path": "", "type": "folder", "status": "mismatch", "summary": TALLY}
    assert (leaf["pair_id"], leaf["status"], leaf["summary"]["mismatch"]) == ("p1", "identical", 0)
    assert "children" not in leaf


async def test_a_pair_is_reviewed_repaired_compared_again_and_taken_over(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    fakes.diff.answers |= {
        "Review": lambda _: diff_pb2.ReviewResponse(pair=A_PAIR),
        "Repair": lambda _: diff_pb2.RepairResponse(job=a_job("diff-2")),
        "Recompare": lambda _: diff_pb2.RecompareResponse(job=a_job("diff-3")),
        "Apply": lambda _: diff_pb2.ApplyResponse(job=a_job("diff-4")),
    }
    client, headers = gateway.client, user.headers | {"Idempotency-Key": "k"}
    reviewed = await client.patch(PAIR, headers=headers, json={"reviewed": False})
    assert (reviewed.status_code, reviewed.json()) == (200, PAIR_BODY)
    noted = await client.patch(PAIR, headers=headers, json={"note": ""})
    assert noted.status_code == 200
    repaired = await client.put(PAIRS, headers=headers, json={"a_path": "AR/x.xml"})
    again = await client.post(f"{PAIR}/recompare", headers=headers, json={"options": {"keys": ["Id"]}})
    change = {"table": "Rows", "a_row": 3, "columns": ["Code"]}
    chosen = {"pair": "p1", "changes": [change, {"b_row": 4}], "into": "b"}
    some = await client.post(f"{ONE}/apply", headers=headers, json=chosen)
    every = await client.post(f"{ONE}/apply", headers=headers, json={"pair": "p1", "changes": "all", "into": "a"})
    jobs = [(answer.status_code, answer.json()["job"]["id"]) for answer in (repaired, again, some, every)]
    assert jobs == [(202, "diff-2"), (202, "diff-3"), (202, "diff-4"), (202, "diff-4")]
    names: dict[str, Any] = {"comparison_id": "c1", "pair_id": "p1"}
    assert fakes.diff.asked("Review") == [
        diff_pb2.ReviewRequest(**names, reviewed=False),
        diff_pb2.ReviewRequest(**names, note=""),
    ]
    assert fakes.diff.asked("Repair") == [
        diff_pb2.RepairRequest(comparison_id="c1", a_path="AR/x.xml", idempotency_key="k")
    ]
    assert fakes.diff.asked("Recompare") == [
        diff_pb2.RecompareRequest(**names, options=diff_pb2.Options(keys=["Id"]), idempotency_key="k")
    ]
    changes = [diff_pb2.Change(table="Rows", a_row=3, columns=["Code"]), diff_pb2.Change(b_row=4)]
    assert fakes.diff.asked("Apply") == [
        diff_pb2.ApplyRequest(**names, into="b", changes=changes, idempotency_key="k"),
        diff_pb2.ApplyRequest(**names, into="a", idempotency_key="k"),
    ]


async def test_a_report_is_an_attachment_in_a_sandbox_and_knows_who_asked(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    async def reported(_: object) -> AsyncGenerator[diff_pb2.ReportResponse]:
        header = diff_pb2.ReportHeader(filename="größe.html", media_type="text/html")
        yield diff_pb2.ReportResponse(header=header)
        yield diff_pb2.ReportResponse(chunk=b"<p>")

    fakes.diff.answers["Report"] = reported
    fakes.auth.answers["Me"] = lambda _: auth_pb2.MeResponse(user=a_user())
    answer = await gateway.client.get(f"{ONE}/report?format=html", headers=user.headers)
    assert (answer.status_code, answer.content) == (200, b"<p>")
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["content-security-policy"].endswith("; sandbox")
    assert answer.headers["content-type"] == "text/html"
    request = diff_pb2.ReportRequest(comparison_id="c1", format="html", by="somebody")
    assert fakes.diff.asked("Report") == [request]


async def test_recipes_are_kept_under_names(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    kept = diff_pb2.Recipe(name="Ledgers/2025 ä", options=diff_pb2.Options(**OPTIONS))
    fakes.diff.answers |= {
        "ListRecipes": lambda _: diff_pb2.ListRecipesResponse(recipes=[kept]),
        "PutRecipe": lambda request: diff_pb2.PutRecipeResponse(recipe=request.recipe),
        "DeleteRecipe": lambda _: diff_pb2.DeleteRecipeResponse(),
    }
    client, headers, one = gateway.client, user.headers, f"{RECIPES}/Ledgers%2F2025%20%C3%A4"
    body = {"name": "Ledgers/2025 ä", "options": OPTIONS}
    assert (await client.put(one, headers=headers, json={"options": OPTIONS})).json() == body
    assert (await client.get(RECIPES, headers=headers)).json() == {"items": [body], "total": 1}
    assert (await client.get(one, headers=headers)).json() == body
    problem_of(await client.get(f"{RECIPES}/another", headers=headers), 404, "NOT_FOUND")
    assert (await client.delete(one, headers=headers)).status_code == 204
    assert [request.name for request in fakes.diff.asked("DeleteRecipe")] == ["Ledgers/2025 ä"]
