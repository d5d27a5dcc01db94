"""Edits of tables: saved as versions, undone, brought back, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from fastapi import APIRouter
from fastapi.responses import Response

from ret.auth.v1 import auth_pb2
from ret.convert.v1 import tables_pb2
from ret_gateway import answers, editing_models
from ret_gateway.access import API, SESSION_NEEDED, Services, SignedIn, check_json, ports_of
from ret_gateway.errors import problem
from ret_gateway.parameters import IdempotencyKey, Limit, Offset
from ret_kit.auth import caller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

STALE = "The table was changed meanwhile; nothing was saved."


class Saving(SignedIn):
    """Like SignedIn, for the larger bodies of edits."""

    def admit_body(self, request: Request) -> Request:
        return check_json(request, ports_of(request).settings.gateway_edits_limit)


router = APIRouter(prefix=API + "/tables", tags=["tables"], route_class=Saving, dependencies=SESSION_NEEDED)

WHICHEVER = editing_models.KnownVersion()


@router.patch("/{table_id}", response_model=editing_models.TableSaved)
async def save_table(
    table_id: str, body: editing_models.TableChange, services: Services, idempotency_key: IdempotencyKey = ""
) -> Response | editing_models.TableSaved:
    """Saves changes as one version. Where somebody else was faster, nothing is changed and the conflicts are told."""
    answer = await services.tables.Save(
        tables_pb2.SaveRequest(
            table_id=table_id,
            version=body.version,
            edits=[tables_pb2.CellEdit(row=one.row, column=one.column, value=_value(one.value)) for one in body.edits],
            inserts=[
                tables_pb2.RowInsert(after=one.after or 0, values=map(_value, one.values)) for one in body.insert_rows
            ],
            deletes=body.delete_rows,
            idempotency_key=idempotency_key,
        )
    )
    return _saved(answer, {(one.row, one.column): one.value for one in body.edits})


@router.post("/{table_id}/undo", response_model=editing_models.TableSaved)
async def undo_table(
    table_id: str,
    services: Services,
    body: editing_models.KnownVersion = WHICHEVER,
    idempotency_key: IdempotencyKey = "",
) -> Response | editing_models.TableSaved:
    """Takes back the last saved changes that are in effect, whoever made them, as a further version."""
    request = tables_pb2.UndoRequest(table_id=table_id, version=body.version or 0, idempotency_key=idempotency_key)
    return _saved(await services.tables.Undo(request))


@router.post("/{table_id}/redo", response_model=editing_models.TableSaved)
async def redo_table(
    table_id: str,
    services: Services,
    body: editing_models.KnownVersion = WHICHEVER,
    idempotency_key: IdempotencyKey = "",
) -> Response | editing_models.TableSaved:
    """Brings back what was undone last, as a further version."""
    request = tables_pb2.RedoRequest(table_id=table_id, version=body.version or 0, idempotency_key=idempotency_key)
    return _saved(await services.tables.Redo(request))


@router.get("/{table_id}/history")
async def get_history(
    table_id: str, services: Services, offset: Offset = 0, limit: Limit = 100
) -> editing_models.TableHistory:
    """The versions after the first, the last one first."""
    request = tables_pb2.HistoryRequest(table_id=table_id, offset=offset, limit=limit)
    answer = await services.tables.History(request)
    # A session is one person's, who alone can have edited its tables.
    me = await services.auth.Me(auth_pb2.MeRequest()) if answer.versions else auth_pb2.MeResponse()
    names = {caller().user_id: me.user.username}
    return editing_models.TableHistory(
        items=[_version(one, names) for one in answer.versions],
        total=answer.total,
        version=answer.version,
        can_undo=answer.can_undo,
        can_redo=answer.can_redo,
    )


def _value(text: str | None) -> tables_pb2.Value:
    return tables_pb2.Value() if text is None else tables_pb2.Value(text=text)


def _text(value: tables_pb2.Value) -> str | None:
    return value.text if value.HasField("text") else None


def _saved(
    answer: tables_pb2.SaveResponse | tables_pb2.UndoResponse | tables_pb2.RedoResponse,
    mine: Mapping[tuple[int, str], str | None] | None = None,
) -> Response | editing_models.TableSaved:
    """The version that was made; or the problem with its conflicts, `mine` being what was to be saved."""
    if answer.HasField("saved"):
        return editing_models.TableSaved(version=answer.saved.version, inserted=list(answer.saved.inserted))
    stale = answer.stale
    more: dict[str, Any] = {
        "current_version": stale.current_version,
        "conflicts": [_conflict(one, mine or {}) for one in stale.conflicts],
        "more_conflicts": stale.more,
    }
    return problem(409, "STALE_VERSION", STALE, more)


def _conflict(one: tables_pb2.Conflict, mine: Mapping[tuple[int, str], str | None]) -> dict[str, Any]:
    conflict = editing_models.Conflict(
        row=one.row,
        column=one.column if one.HasField("column") else None,
        base=_text(one.base),
        theirs=_text(one.theirs),
        mine=mine.get((one.row, one.column)),
        deleted=one.deleted,
    )
    return conflict.model_dump(exclude_defaults=True)


def _version(one: tables_pb2.Version, names: Mapping[str, str]) -> editing_models.TableVersion:
    return editing_models.TableVersion(
        version=one.version,
        at=answers.moment(one.at_ms),
        user=names.get(one.user_id, one.user_id),
        kind=cast("Any", one.kind),
        of=one.of or None,
        edits=one.edits,
        undone=one.undone,
    )
