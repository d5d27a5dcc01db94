"""Edits of tables on their way through."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_bench import Fakes, Gateway, Person, a_user

from ret.auth.v1 import auth_pb2
from ret.convert.v1 import tables_pb2
from ret_convert.editing.errors import NothingToUndo
from ret_convert.errors import BeingConverted
from ret_kit.errors import Invalid, NotFound, RetError

pytestmark = pytest.mark.asyncio(loop_scope="session")

TABLE = "/api/v1/tables/t1"
TEXT = tables_pb2.Value
CHANGE = {
    "version": 3,
    "edits": [{"row": 5, "column": 'a,"é"', "value": "x"}, {"row": 6, "column": "B", "value": None}],
    "insert_rows": [{"after": None, "values": ["", None]}, {"after": 7, "values": ["1", "2"]}],
    "delete_rows": [9],
}


async def sent(gateway: Gateway, user: Person, change: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
    answer = await gateway.client.patch(TABLE, json=change, headers=user.headers | headers)
    return answer.status_code, answer.json()


def saving(fakes: Fakes, version: int = 4, inserted: tuple[int, ...] = ()) -> None:
    saved = tables_pb2.Saved(version=version, inserted=inserted)
    fakes.tables.answers["Save"] = lambda _: tables_pb2.SaveResponse(saved=saved)


def refusing(error: RetError) -> Any:
    def refuse(_: object) -> None:
        raise error

    return refuse


async def test_changes_are_carried_whole_and_the_version_comes_back(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    saving(fakes, inserted=(10, 11))
    assert await sent(gateway, user, CHANGE, **{"Idempotency-Key": "k1"}) == (200, {"version": 4, "inserted": [10, 11]})
    (request,) = fakes.tables.asked("Save")
    assert request == tables_pb2.SaveRequest(
        table_id="t1",
        version=3,
        edits=[
            tables_pb2.CellEdit(row=5, column='a,"é"', value=TEXT(text="x")),
            tables_pb2.CellEdit(row=6, column="B", value=TEXT()),
        ],
        inserts=[
            tables_pb2.RowInsert(after=0, values=[TEXT(text=""), TEXT()]),
            tables_pb2.RowInsert(after=7, values=[TEXT(text="1"), TEXT(text="2")]),
        ],
        deletes=[9],
        idempotency_key="k1",
    )


async def test_a_stale_version_is_told_with_what_is_in_conflict(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    conflicts = [
        tables_pb2.Conflict(row=5, column='a,"é"', base=TEXT(text="old"), theirs=TEXT(text="")),
        tables_pb2.Conflict(row=6, column="B", base=TEXT(), theirs=TEXT(), deleted=True),
        tables_pb2.Conflict(row=9, base=TEXT(), theirs=TEXT()),
    ]
    stale = tables_pb2.Stale(current_version=5, conflicts=conflicts, more=2)
    fakes.tables.answers["Save"] = lambda _: tables_pb2.SaveResponse(stale=stale)
    answer = await gateway.client.patch(TABLE, json=CHANGE, headers=user.headers)
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert (body["code"], body["current_version"], body["more_conflicts"]) == ("STALE_VERSION", 5, 2)
    assert body["correlation_id"] == answer.headers["x-correlation-id"]
    assert body["conflicts"] == [
        {"row": 5, "column": 'a,"é"', "base": "old", "theirs": "", "mine": "x"},
        {"row": 6, "column": "B", "base": None, "theirs": None, "mine": None, "deleted": True},
        {"row": 9, "column": None, "base": None, "theirs": None, "mine": None},
    ]


NONE: list[tuple[dict[str, Any], str]] = [
    ({"edits": []}, "version"),
    ({"version": -1}, "version"),
    ({"version": 1, "edits": [{"row": -1, "column": "A", "value": "x"}]}, "edits.0.row"),
    ({"version": 1, "edits": [{"row": 2**53, "column": "A", "value": "x"}]}, "edits.0.row"),
    ({"version": 1, "edits": [{"row": 1, "column": "A"}]}, "edits.0.value"),
    ({"version": 1, "edits": [{"row": 1, "column": "A", "value": 7}]}, "edits.0.value"),
    ({"version": 1, "edits": [{"row": 1, "column": "A", "value": "x", "extra": 1}]}, "edits.0.extra"),
    ({"version": 1, "edits": [{"row": 1, "column": "A", "value": "x"}] * 10_001}, "edits"),
    ({"version": 1, "insert_rows": [{"after": 0, "values": []}]}, "insert_rows.0.after"),
    ({"version": 1, "insert_rows": [{"after": 1, "values": [7]}]}, "insert_rows.0.values.0"),
    ({"version": 1, "delete_rows": [-1]}, "delete_rows.0"),
    ({"version": 1, "delete_row": [1]}, "delete_row"),
]


@pytest.mark.parametrize("change, field", NONE)
async def test_a_change_that_is_none_is_refused_here_with_its_field(
    gateway: Gateway, fakes: Fakes, user: Person, change: dict[str, Any], field: str
) -> None:
    status, body = await sent(gateway, user, change)
    assert (status, body["field"]) == (422, field)
    assert fakes.tables.asked("Save") == []


async def test_a_value_that_is_no_text_is_refused(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    change = b'{"version":1,"edits":[{"row":1,"column":"A","value":"\\ud800x"}]}'
    headers = user.headers | {"Content-Type": "application/json"}
    answer = await gateway.client.patch(TABLE, content=change, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "edits.0.value")
    assert fakes.tables.asked("Save") == []


async def test_the_largest_change_is_carried_and_a_larger_body_is_not(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    saving(fakes)
    edits = [{"row": row, "column": "A", "value": "x" * 300} for row in range(1, 10_001)]
    assert (await sent(gateway, user, {"version": 1, "edits": edits}))[0] == 200
    assert len(fakes.tables.asked("Save")[0].edits) == 10_000
    edits = [{"row": 1, "column": "A", "value": "x" * (5 << 20)}]
    status, body = await sent(gateway, user, {"version": 1, "edits": edits})
    assert (status, body["code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    "error, status, code",
    [
        (NotFound(what="table"), 404, "NOT_FOUND"),
        (Invalid(field="edits", reason="cannot be saved"), 422, "INVALID"),
        (BeingConverted(), 409, "BEING_CONVERTED"),
    ],
)
async def test_what_the_service_refuses_is_a_problem(
    gateway: Gateway, fakes: Fakes, user: Person, error: RetError, status: int, code: str
) -> None:
    fakes.tables.answers["Save"] = refusing(error)
    answer = await sent(gateway, user, CHANGE)
    assert (answer[0], answer[1]["code"]) == (status, code)


@pytest.mark.parametrize("what", ["undo", "redo"])
async def test_undo_and_redo_need_no_body_and_take_a_version(
    gateway: Gateway, fakes: Fakes, user: Person, what: str
) -> None:
    method = what.capitalize()
    response = {"Undo": tables_pb2.UndoResponse, "Redo": tables_pb2.RedoResponse}[method]
    fakes.tables.answers[method] = lambda _: response(saved=tables_pb2.Saved(version=4))
    answer = await gateway.client.post(f"{TABLE}/{what}", headers=user.headers)
    assert (answer.status_code, answer.json()) == (200, {"version": 4, "inserted": []})
    fakes.tables.answers[method] = lambda _: response(stale=tables_pb2.Stale(current_version=9))
    headers = user.headers | {"Idempotency-Key": "k"}
    answer = await gateway.client.post(f"{TABLE}/{what}", json={"version": 3}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "STALE_VERSION")
    assert (answer.json()["current_version"], answer.json()["conflicts"]) == (9, [])
    first, second = fakes.tables.asked(method)
    assert (first.version, first.idempotency_key) == (0, "")
    assert (second.version, second.idempotency_key) == (3, "k")


async def test_nothing_to_undo_is_a_conflict(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.tables.answers["Undo"] = refusing(NothingToUndo())
    answer = await gateway.client.post(f"{TABLE}/undo", headers=user.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "NOTHING_TO_UNDO")


async def test_history_names_the_user_and_the_time(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    listed = [
        tables_pb2.Version(version=3, at_ms=1_000, user_id="gone", kind="undo", of=2),
        tables_pb2.Version(version=2, at_ms=1_500, user_id=user.user_id, kind="edit", edits=7, undone=True),
    ]
    history = tables_pb2.HistoryResponse(versions=listed, total=9, version=3, can_redo=True)
    fakes.tables.answers["History"] = lambda _: history
    fakes.auth.answers["Me"] = lambda _: auth_pb2.MeResponse(user=a_user())
    answer = await gateway.client.get(f"{TABLE}/history?offset=7&limit=2", headers=user.headers)
    base, later = {"edits": 0, "undone": False}, {"edits": 7, "undone": True}
    assert answer.json() == {
        "items": [
            base | {"version": 3, "at": "1970-01-01T00:00:01.000Z", "user": "gone", "kind": "undo", "of": 2},
            {"version": 2, "at": "1970-01-01T00:00:01.500Z", "user": "somebody", "kind": "edit", "of": None} | later,
        ],
        "total": 9,
        "version": 3,
        "can_undo": False,
        "can_redo": True,
    }
    (request,) = fakes.tables.asked("History")
    assert (request.table_id, request.offset, request.limit) == ("t1", 7, 2)


async def test_a_history_without_versions_asks_for_no_name(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.tables.answers["History"] = lambda _: tables_pb2.HistoryResponse(version=1)
    answer = await gateway.client.get(f"{TABLE}/history", headers=user.headers)
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert fakes.auth.asked("Me") == []
