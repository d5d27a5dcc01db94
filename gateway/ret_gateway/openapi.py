"""The description of the API: complete, with problems as what they are. The page's types are generated from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ret_gateway.editing_models import StaleVersion
from ret_gateway.errors import MEDIA_TYPE
from ret_gateway.models import Problem

if TYPE_CHECKING:
    from fastapi import FastAPI

REFERENCE = "#/components/schemas/{model}"

# Why a route may answer with a problem, by status.
REASONS: dict[str, str] = {
    "401": "no token, or one that is not valid (any more)",
    "403": "not allowed to this role, from this origin, or before the password is changed",
    "404": "absent, or somebody else's",
    "409": "in conflict with what is there",
    "413": "too large",
    "415": "of the wrong type",
    "422": "not usable; the field is named",
    "423": "locked for a while; see Retry-After",
    "503": "something that is needed is away; see Retry-After",
}

CONFLICTS = frozenset(
    {
        *("start_conversion", "export", "create_user", "change_collection", "rename_group", "get_shape"),
        *("save_table", "undo_table", "redo_table"),
        *("start_comparison", "get_compared_rows", "locate_row", "pair_documents", "recompare_pair", "apply_changes"),
    }
)
# Problems with further fields that callers need.
SPECIAL = {(name, "409"): StaleVersion for name in ("save_table", "undo_table", "redo_table")}
LOCKS = frozenset({"login", "change_password"})
UNSUPPORTED = frozenset({"upload_collection"})


def _statuses(operation: dict[str, Any]) -> list[str]:
    """The problems an operation may answer with."""
    name, parameters = operation["operationId"], operation.get("parameters", [])
    found = ["503"]
    if operation.get("security") or operation.get("tags") == ["auth"]:
        found += ["401", "403"]
    if any(parameter["in"] == "path" for parameter in parameters):
        found.append("404")
    if "requestBody" in operation:
        found += ["403", "413", "415", "422"]
    if parameters:
        found.append("422")
    found += ["409"] if name in CONFLICTS else []
    found += ["423"] if name in LOCKS else []
    return sorted(set(found))


def _with_problems(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for status in [status for status in responses if status >= "400"]:
        del responses[status]
    for status in _statuses(operation):
        model = SPECIAL.get((operation["operationId"], status), Problem)
        content = {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}
        responses[status] = {"description": REASONS[status], "content": content}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an app whose routes are all there."""
    schema = app.openapi()
    schemas = cast("dict[str, Any]", schema["components"]["schemas"])
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for model in {Problem, *SPECIAL.values()}:
        made = model.model_json_schema(ref_template=REFERENCE)
        schemas |= {**made.pop("$defs", {}), model.__name__: made}
    for path in cast("dict[str, dict[str, Any]]", schema["paths"]).values():
        for operation in path.values():
            _with_problems(operation)
    schema["components"]["schemas"] = dict(sorted(schemas.items()))
    return schema
