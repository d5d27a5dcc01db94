"""The REST contract as far as it is built: every route, its fields and its statuses, as the description tells them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ret_gateway.app import create_app
from ret_gateway.metrics import Metrics
from ret_gateway.openapi import describe
from ret_gateway.settings import GatewaySettings

PAIR = "/api/v1/comparisons/{comparison_id}/pairs/{pair_id}"

# Method, path, status of success, the schema of its answer ("" for none or bytes), and problems it must tell of.
ROUTES: list[tuple[str, str, str, str, set[str]]] = [
    ("POST", "/api/v1/auth/login", "200", "Grant", {"401", "422", "423"}),
    ("POST", "/api/v1/auth/refresh", "200", "Grant", {"401", "403"}),
    ("POST", "/api/v1/auth/logout", "204", "", {"403"}),
    ("GET", "/api/v1/auth/me", "200", "User", {"401"}),
    ("POST", "/api/v1/auth/password", "204", "", {"401", "422"}),
    ("POST", "/api/v1/auth/password-resets/confirm", "204", "", {"401", "422"}),
    ("GET", "/api/v1/auth/sessions", "200", "SessionList", {"401", "422"}),
    ("DELETE", "/api/v1/auth/sessions/{session_id}", "204", "", {"401", "404"}),
    ("POST", "/api/v1/collections", "202", "CollectionAnswer", {"401", "413", "415", "422"}),
    ("GET", "/api/v1/collections", "200", "CollectionList", {"401", "422"}),
    ("GET", "/api/v1/collections/{collection_id}", "200", "Collection", {"401", "404"}),
    ("PATCH", "/api/v1/collections/{collection_id}", "200", "Collection", {"401", "404", "409", "422"}),
    ("DELETE", "/api/v1/collections/{collection_id}", "204", "", {"401", "404"}),
    ("GET", "/api/v1/collections/{collection_id}/documents", "200", "DocumentList", {"401", "404", "422"}),
    ("GET", "/api/v1/collections/{collection_id}/tree", "200", "TreeNode", {"401", "404"}),
    ("PATCH", "/api/v1/collections/{collection_id}/groups/{name}", "200", "Collection", {"401", "404", "422"}),
    ("PATCH", "/api/v1/documents/{document_id}", "200", "Document", {"401", "404", "422"}),
    ("GET", "/api/v1/documents/{document_id}", "200", "Document", {"401", "404"}),
    ("GET", "/api/v1/documents/{document_id}/shape", "200", "DocumentShape", {"401", "404", "409"}),
    ("GET", "/api/v1/documents/{document_id}/source", "200", "", {"401", "404"}),
    ("POST", "/api/v1/collections/{collection_id}/conversions", "202", "JobAnswer", {"401", "404", "409", "422"}),
    ("GET", "/api/v1/collections/{collection_id}/export", "200", "", {"401", "404", "409", "422"}),
    ("GET", "/api/v1/tables/{table_id}", "200", "TablePage", {"401", "404", "422"}),
    ("PATCH", "/api/v1/tables/{table_id}", "200", "TableSaved", {"401", "404", "409", "413", "422"}),
    ("POST", "/api/v1/tables/{table_id}/undo", "200", "TableSaved", {"401", "404", "409", "422"}),
    ("POST", "/api/v1/tables/{table_id}/redo", "200", "TableSaved", {"401", "404", "409", "422"}),
    ("GET", "/api/v1/tables/{table_id}/find", "200", "FoundCell", {"401", "404", "422"}),
    ("GET", "/api/v1/tables/{table_id}/profile", "200", "TableProfile", {"401", "404"}),
    ("GET", "/api/v1/tables/{table_id}/history", "200", "TableHistory", {"401", "404", "422"}),
    ("POST", "/api/v1/comparisons", "202", "ComparisonAnswer", {"401", "409", "422"}),
    ("GET", "/api/v1/comparisons", "200", "ComparisonList", {"401", "422"}),
    ("GET", "/api/v1/comparisons/{comparison_id}", "200", "Comparison", {"401", "404"}),
    ("DELETE", "/api/v1/comparisons/{comparison_id}", "204", "", {"401", "404"}),
    ("GET", "/api/v1/comparisons/{comparison_id}/tree", "200", "MergedNode", {"401", "404"}),
    ("GET", "/api/v1/comparisons/{comparison_id}/patterns", "200", "PatternList", {"401", "404", "422"}),
    ("GET", "/api/v1/comparisons/{comparison_id}/findings", "200", "FindingList", {"401", "404"}),
    ("GET", "/api/v1/comparisons/{comparison_id}/report", "200", "", {"401", "404", "422"}),
    ("POST", "/api/v1/comparisons/{comparison_id}/apply", "202", "JobAnswer", {"401", "404", "409", "422"}),
    ("GET", "/api/v1/comparisons/{comparison_id}/pairs", "200", "PairList", {"401", "404", "422"}),
    ("PUT", "/api/v1/comparisons/{comparison_id}/pairs", "202", "JobAnswer", {"401", "404", "409", "422"}),
    ("GET", PAIR, "200", "Pair", {"401", "404"}),
    ("PATCH", PAIR, "200", "Pair", {"401", "404", "422"}),
    ("POST", f"{PAIR}/recompare", "202", "JobAnswer", {"401", "404", "409", "422"}),
    ("GET", f"{PAIR}/rows", "200", "ComparedRows", {"401", "404", "409", "422"}),
    ("GET", f"{PAIR}/locate", "200", "LocatedRow", {"401", "404", "409", "422"}),
    ("GET", f"{PAIR}/strip", "200", "Strip", {"401", "404", "422"}),
    ("GET", f"{PAIR}/patterns", "200", "PatternList", {"401", "404", "422"}),
    ("GET", "/api/v1/comparison-recipes", "200", "RecipeList", {"401"}),
    ("GET", "/api/v1/comparison-recipes/{recipe}", "200", "Recipe", {"401", "404"}),
    ("PUT", "/api/v1/comparison-recipes/{recipe}", "200", "Recipe", {"401", "422"}),
    ("DELETE", "/api/v1/comparison-recipes/{recipe}", "204", "", {"401", "404"}),
    ("GET", "/api/v1/jobs", "200", "JobList", {"401", "422"}),
    ("GET", "/api/v1/jobs/{job_id}", "200", "Job", {"401", "404"}),
    ("POST", "/api/v1/jobs/{job_id}/cancel", "202", "JobAnswer", {"401", "404"}),
    ("POST", "/api/v1/events/tickets", "200", "Ticket", {"401"}),
    ("POST", "/api/v1/admin/users", "201", "CreatedUser", {"401", "403", "409", "422"}),
    ("GET", "/api/v1/admin/users", "200", "UserList", {"401", "403", "422"}),
    ("GET", "/api/v1/admin/sessions", "200", "AdministeredSessionList", {"401", "403", "422"}),
    ("DELETE", "/api/v1/admin/sessions/{session_id}", "204", "", {"401", "403", "404"}),
    ("DELETE", "/api/v1/admin/sessions", "200", "EndedSessions", {"401", "403"}),
    ("GET", "/healthz", "200", "Health", set()),
    ("GET", "/readyz", "200", "Readiness", {"503"}),
]

FIELDS: dict[str, set[str]] = {
    "Grant": {"access_token", "token_type", "expires_in", "session_id", "user"},
    "User": {"id", "username", "role", "must_change_password", "limits"},
    "Session": {"id", "created_at", "last_seen", "address", "user_agent", "current"},
    "Collection": {
        *("id", "name", "kind", "status", "grouping", "created_at"),
        *("bytes", "documents", "groups", "warnings", "stats"),
    },
    "Stats": {"containers", "max_depth", "other_files", "seconds"},
    "Group": {"name", "documents", "bytes", "converted", "auto_index", "index"},
    "Warning": {"code", "path", "detail"},
    "Document": {
        *("id", "path", "name", "group", "group_reason", "bytes", "media_type"),
        *("status", "method", "fidelity", "tables", "warnings"),
    },
    "DocumentShape": {"document_id", "record_path", "candidates"},
    "Candidate": {"path", "count", "fields", "share"},
    "TablePage": {"id", "document_id", "name", "version", "total_rows", "matched_rows", "columns", "rows"},
    "TableColumn": {"name", "path", "type"},
    "TableRow": {"row", "values"},
    "TableRef": {"id", "name", "role", "rows", "columns"},
    "TreeNode": {"name", "path", "type", "children", "document_id"},
    "Job": {
        *("id", "type", "state", "progress", "attempt", "result", "error"),
        *("correlation_id", "trace_id", "created_at", "started_at", "finished_at"),
    },
    "Progress": {"done", "total", "unit", "percent", "detail"},
    "ProgressDetail": {"rows", "cells", "bytes", "methods", "failed", "eta_seconds"},
    "JobFailure": {"code", "detail"},
    "Ticket": {"ticket"},
    "CreatedUser": {"id", "username", "role", "must_change_password", "limits", "reset_token"},
    "Problem": {"type", "title", "status", "code", "detail", "correlation_id"},
    "Login": {"username", "password"},
    "PasswordChange": {"current_password", "new_password"},
    "ResetConfirmation": {"reset_token", "new_password"},
    "Conversion": {"groups", "documents", "layout", "record_paths", "discard_edits"},
    "CollectionChange": {"name", "grouping"},
    "TableChange": {"version", "edits", "insert_rows", "delete_rows"},
    "CellEdit": {"row", "column", "value"},
    "RowInsert": {"after", "values"},
    "TableSaved": {"version"},
    "StaleVersion": {"type", "title", "status", "code", "detail", "correlation_id", "current_version", "conflicts"},
    "Conflict": {"row", "column", "base", "theirs", "mine"},
    "TableHistory": {"items", "total"},
    "FoundCell": {"row", "column"},
    "TableVersion": {"version", "at", "user", "edits"},
    "Comparison": {"id", "status", "a", "b", "summary", "options"},
    "Summary": {
        *("only_in_a", "only_in_b", "mismatch", "identical", "failed", "groups"),
        *("rows_added", "rows_removed", "rows_changed", "rows_moved", "cells_changed", "cells_format_only"),
    },
    "Pair": {
        *("id", "status", "group", "a_path", "b_path", "match", "confidence", "key_columns", "tables"),
        *("rows_added", "rows_removed", "rows_changed", "cells_changed"),
        *("columns_added", "columns_removed", "columns_renamed"),
    },
    "ComparedRows": {"total", "columns", "rows"},
    "ComparedColumn": {"name", "a_name", "b_name", "status"},
    "ComparedRow": {"status", "moved", "a_row", "b_row", "a", "b", "changed", "format_only"},
}

QUERIES: dict[str, set[str]] = {
    "/api/v1/collections/{collection_id}/documents": {"group", "q", "status", "offset", "limit"},
    "/api/v1/collections/{collection_id}/export": {
        "format", "group", "document", "tables", "others", "nested", "raw", "report",
    },
    "/api/v1/tables/{table_id}": {"offset", "limit", "columns", "sort", "filter"},
    "/api/v1/tables/{table_id}/find": {"q", "from_row"},
    "/api/v1/tables/{table_id}/history": {"offset", "limit"},
    "/api/v1/collections": {"offset", "limit"},
    "/api/v1/jobs": {"offset", "limit"},
    "/api/v1/comparisons/{comparison_id}/pairs": {"group", "status", "q", "offset", "limit"},
    f"{PAIR}/rows": {"table", "view", "columns", "moves", "offset", "limit"},
    "/api/v1/comparisons/{comparison_id}/report": {"format"},
    "/api/v1/admin/users": {"offset", "limit"},
}  # fmt: skip


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return describe(create_app(GatewaySettings(env="local"), Metrics()))


@pytest.mark.parametrize("method,path,success,schema,problems", ROUTES, ids=[f"{one[0]} {one[1]}" for one in ROUTES])
def test_a_route_answers_as_the_contract_says(
    description: dict[str, Any], method: str, path: str, success: str, schema: str, problems: set[str]
) -> None:
    operation = description["paths"][path][method.lower()]
    statuses = {status for status in operation["responses"] if status < "300"}
    assert statuses == {success}
    content = operation["responses"][success].get("content", {})
    named = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
    assert named == schema
    assert problems <= operation["responses"].keys()
    assert operation["description"]


def test_nothing_else_is_offered(description: dict[str, Any]) -> None:
    offered = {(method.upper(), path) for path, methods in description["paths"].items() for method in methods}
    assert offered == {(method, path) for method, path, *_ in ROUTES}


@pytest.mark.parametrize("schema", FIELDS)
def test_a_body_has_the_fields_of_the_contract(description: dict[str, Any], schema: str) -> None:
    assert description["components"]["schemas"][schema]["properties"].keys() >= FIELDS[schema]


@pytest.mark.parametrize("path", QUERIES)
def test_a_query_has_the_parameters_of_the_contract(description: dict[str, Any], path: str) -> None:
    parameters = description["paths"][path]["get"]["parameters"]
    assert {one["name"] for one in parameters if one["in"] == "query"} == QUERIES[path]


def test_the_first_of_the_choices_is_the_default(description: dict[str, Any]) -> None:
    export = description["paths"]["/api/v1/collections/{collection_id}/export"]["get"]["parameters"]
    defaults = {one["name"]: one["schema"].get("default") for one in export if one["in"] == "query"}
    assert defaults["format"] == "csv"
    assert (defaults["tables"], defaults["others"], defaults["nested"]) == ("all", "keep", "zip")
    conversion = description["components"]["schemas"]["Conversion"]["properties"]
    assert (conversion["layout"]["default"], conversion["discard_edits"]["default"]) == ("auto", False)
    form = description["paths"]["/api/v1/collections"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert form["schema"]["properties"]["grouping"]["default"] == "container"
    assert form["schema"]["required"] == ["file"]


def test_every_list_has_a_total_and_a_limit_of_a_thousand(description: dict[str, Any]) -> None:
    lists = [path for _, path, _, schema, _ in ROUTES if schema.endswith("List")]
    assert len(lists) >= 5
    for path in lists:
        operation = description["paths"][path]["get"]
        reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        schema = description["components"]["schemas"][reference.rpartition("/")[2]]
        assert set(schema["required"]) == {"items", "total"}
        limit = next(one["schema"] for one in operation["parameters"] if one["name"] == "limit")
        assert (limit["maximum"], limit["default"]) == (1000, 100)


def test_every_problem_is_described_as_one(description: dict[str, Any]) -> None:
    for methods in description["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert answer["content"].keys() == {"application/problem+json"}


def test_everything_but_login_and_health_needs_a_session(description: dict[str, Any]) -> None:
    unprotected = {
        path
        for path, methods in description["paths"].items()
        for operation in methods.values()
        if not operation.get("security")
    }
    assert unprotected == {
        "/api/v1/auth/login",
        "/api/v1/auth/refresh",
        "/api/v1/auth/logout",
        "/api/v1/auth/password-resets/confirm",
        "/healthz",
        "/readyz",
    }


def test_no_answer_has_a_place_for_a_refresh_token(description: dict[str, Any]) -> None:
    for schema in description["components"]["schemas"].values():
        assert "refresh_token" not in schema.get("properties", {})


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(description)))
    assert len(names) > 20
    assert names <= description["components"]["schemas"].keys()
