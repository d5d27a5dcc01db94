"""Comparisons of two sides: ordered, listed, summed up, put into a file."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from ret.auth.v1 import auth_pb2
from ret.diff.v1 import diff_pb2
from ret_gateway import comparison_answers as answers
from ret_gateway import comparison_models as bodies
from ret_gateway import models
from ret_gateway.access import API, JSON, SESSION_NEEDED, Services, SignedIn
from ret_gateway.downloads import BINARY_ANSWER, Streamed, attachment, parts
from ret_gateway.editing import Saving
from ret_gateway.parameters import IdempotencyKey, Limit, Offset
from ret_gateway.tree import nested_json

PREFIX = f"{API}/comparisons"

router = APIRouter(prefix=PREFIX, tags=["comparison"], route_class=SignedIn, dependencies=SESSION_NEEDED)
apply_router = APIRouter(prefix=PREFIX, tags=["comparison"], route_class=Saving, dependencies=SESSION_NEEDED)


@router.post("", status_code=HTTP_202_ACCEPTED)
async def start_comparison(
    body: bodies.ComparisonStart, services: Services, idempotency_key: IdempotencyKey = ""
) -> bodies.ComparisonAnswer:
    """Queues the comparison of two sides; what is not converted yet will be."""
    order = diff_pb2.StartRequest(
        a=_side(body.a),
        b=_side(body.b),
        groups=body.groups or [],
        options=answers.options_of(body.options),
        idempotency_key=idempotency_key,
    )
    return answers.started(await services.diff.Start(order))


def _side(body: bodies.SideChoice) -> diff_pb2.Side:
    return diff_pb2.Side(
        collection_id=body.collection_id or "", document_id=body.document_id or "", version=body.version
    )


@router.get("")
async def list_comparisons(services: Services, offset: Offset = 0, limit: Limit = 100) -> bodies.ComparisonList:
    """The session's comparisons, newest first."""
    answer = await services.diff.List(diff_pb2.ListRequest(offset=offset, limit=limit))
    return bodies.ComparisonList(items=[answers.comparison(one) for one in answer.comparisons], total=answer.total)


@router.get("/{comparison_id}")
async def get_comparison(comparison_id: str, services: Services) -> bodies.Comparison:
    """A comparison with its summary, as far as it has come."""
    answer = await services.diff.Get(diff_pb2.GetRequest(comparison_id=comparison_id))
    return answers.comparison(answer.comparison)


@router.delete("/{comparison_id}", status_code=HTTP_204_NO_CONTENT)
async def delete_comparison(comparison_id: str, services: Services) -> None:
    """Deletes a comparison with its result; a running one is stopped. The two sides stay."""
    await services.diff.Delete(diff_pb2.DeleteRequest(comparison_id=comparison_id))


@router.get("/{comparison_id}/tree", response_model=bodies.MergedNode, response_model_exclude_unset=True)
async def get_comparison_tree(comparison_id: str, services: Services) -> Response:
    """Both sides' merged tree with a status and sums on every node; written out while it is read."""
    call = services.diff.Tree(diff_pb2.TreeRequest(comparison_id=comparison_id))
    batches = parts(call, services.settings.gateway_download_idle_seconds)
    return await Streamed.begin(nested_json(batches, answers.tree_node), {"content-type": JSON})


@router.get("/{comparison_id}/patterns")
async def list_comparison_patterns(
    comparison_id: str, services: Services, offset: Offset = 0, limit: Limit = 100
) -> bodies.PatternList:
    """Equal changes in all pairs, the most frequent first."""
    request = diff_pb2.PatternsRequest(comparison_id=comparison_id, offset=offset, limit=limit)
    return answers.patterns(await services.diff.Patterns(request))


@router.get("/{comparison_id}/findings")
async def list_findings(
    comparison_id: str, services: Services, offset: Offset = 0, limit: Limit = 100
) -> bodies.FindingList:
    """What was found across pairs: ids that were numbered anew everywhere in the same way."""
    found = answers.findings(await services.diff.Findings(diff_pb2.FindingsRequest(comparison_id=comparison_id)))
    return bodies.FindingList(items=found.items[offset : offset + limit], total=found.total)


@router.get("/{comparison_id}/report", responses=BINARY_ANSWER, response_class=Response)
async def get_report(
    comparison_id: str,
    services: Services,
    format: Annotated[Literal["xlsx", "html"], Query()] = "xlsx",  # noqa: A002 - the contract's name
) -> Response:
    """The comparison as evidence in one file: what was compared and how, all pairs, and every changed row."""
    me = await services.auth.Me(auth_pb2.MeRequest())
    call = services.diff.Report(diff_pb2.ReportRequest(comparison_id=comparison_id, format=format, by=me.user.username))
    return await attachment(call, services.settings.gateway_download_idle_seconds)


@apply_router.post("/{comparison_id}/apply", status_code=HTTP_202_ACCEPTED)
async def apply_changes(
    comparison_id: str, body: bodies.Application, services: Services, idempotency_key: IdempotencyKey = ""
) -> models.JobAnswer:
    """Queues that differences of a pair are written into a side as edits of its tables, which can be undone."""
    order = diff_pb2.ApplyRequest(
        comparison_id=comparison_id,
        pair_id=body.pair,
        into=body.into,
        changes=[] if body.changes == "all" else [_change(one) for one in body.changes],
        idempotency_key=idempotency_key,
    )
    return answers.queued(await services.diff.Apply(order))


def _change(body: bodies.RowChoice) -> diff_pb2.Change:
    return diff_pb2.Change(table=body.table, a_row=body.a_row or 0, b_row=body.b_row or 0, columns=body.columns or [])
