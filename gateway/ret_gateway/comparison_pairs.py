"""Pairs of a comparison: which document became which, and row by row what became of it."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.requests import Request
from fastapi.responses import Response
from starlette.status import HTTP_202_ACCEPTED

from ret.diff.v1 import diff_pb2
from ret_gateway import comparison_answers as answers
from ret_gateway import comparison_models as bodies
from ret_gateway import models
from ret_gateway.access import JSON, SESSION_NEEDED, Services, SignedIn
from ret_gateway.comparisons import PREFIX
from ret_gateway.downloads import Streamed, parts, while_there
from ret_gateway.parameters import IdempotencyKey, Limit, Offset, Text
from ret_kit.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

TEXT_LIMIT = 1000
STRETCHES_LIMIT = 10_000
PLACES = ("a_row", "b_row", "next_after", "last_before", "text")

router = APIRouter(
    prefix=f"{PREFIX}/{{comparison_id}}/pairs", tags=["comparison"], route_class=SignedIn, dependencies=SESSION_NEEDED
)

Table = Annotated[
    str, Query(max_length=bodies.TABLE_LIMIT, description="a table of the pair by name; none: the first one")
]
View = Annotated[Literal["changed", "full"], Query(description="only rows that are not the same, or all rows")]
Moves = Annotated[bool, Query(description="rows that only moved are in the view `changed`, too")]
Position = Annotated[int, Query(ge=-1, le=bodies.NUMBER_LIMIT)]
Number = Annotated[int, Query(ge=1, le=bodies.NUMBER_LIMIT)]


@router.get("")
async def list_pairs(
    comparison_id: str,
    services: Services,
    group: Text = "",
    status: Annotated[bodies.PairStatus | None, Query()] = None,
    q: Text = "",
    offset: Offset = 0,
    limit: Limit = 100,
) -> bodies.PairList:
    """The pairs by path, or those of a group, of a status, with a text in a path; of a running one what is known."""
    request = diff_pb2.ListPairsRequest(
        comparison_id=comparison_id, group=group, status=status or "", query=q, offset=offset, limit=limit
    )
    answer = await services.diff.ListPairs(request)
    return bodies.PairList(items=[answers.pair(one) for one in answer.pairs], total=answer.total)


@router.put("", status_code=HTTP_202_ACCEPTED)
async def pair_documents(
    comparison_id: str, body: bodies.PairChoice, services: Services, idempotency_key: IdempotencyKey = ""
) -> models.JobAnswer:
    """Queues that two documents are compared with each other, whatever each was paired with."""
    request = diff_pb2.RepairRequest(
        comparison_id=comparison_id, a_path=body.a_path or "", b_path=body.b_path or "", idempotency_key=idempotency_key
    )
    return answers.queued(await services.diff.Repair(request))


@router.get("/{pair_id}")
async def get_pair(comparison_id: str, pair_id: str, services: Services) -> bodies.Pair:
    """One pair."""
    request = diff_pb2.GetPairRequest(comparison_id=comparison_id, pair_id=pair_id)
    return answers.pair((await services.diff.GetPair(request)).pair)


@router.patch("/{pair_id}")
async def review_pair(comparison_id: str, pair_id: str, body: bodies.PairReview, services: Services) -> bodies.Pair:
    """Ticks a pair as reviewed, or writes a note about it."""
    request = diff_pb2.ReviewRequest(
        comparison_id=comparison_id, pair_id=pair_id, reviewed=body.reviewed, note=body.note
    )
    return answers.pair((await services.diff.Review(request)).pair)


@router.post("/{pair_id}/recompare", status_code=HTTP_202_ACCEPTED)
async def recompare_pair(
    comparison_id: str,
    pair_id: str,
    body: bodies.Recomparison,
    services: Services,
    idempotency_key: IdempotencyKey = "",
) -> models.JobAnswer:
    """Queues that a pair is compared again, with options of its own."""
    request = diff_pb2.RecompareRequest(
        comparison_id=comparison_id,
        pair_id=pair_id,
        options=answers.options_of(body.options),
        idempotency_key=idempotency_key,
    )
    return answers.queued(await services.diff.Recompare(request))


@router.get("/{pair_id}/rows", response_model=bodies.ComparedRows)
async def get_compared_rows(
    comparison_id: str,
    pair_id: str,
    request: Request,
    services: Services,
    table: Table = "",
    view: View = "changed",
    columns: Annotated[Literal["changed", "all"], Query(description="keys and changed columns, or all")] = "changed",
    moves: Moves = False,  # noqa: FBT002 - a flag of the query, which has a name there
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    """Rows of two tables side by side, in the order of A; what was added stands behind what precedes it in B."""
    asked = diff_pb2.RowsRequest(
        comparison_id=comparison_id,
        pair_id=pair_id,
        table=table,
        view=view,
        columns=columns,
        moves=moves,
        offset=offset,
        limit=limit,
    )
    messages = parts(services.diff.Rows(asked), services.settings.gateway_download_idle_seconds)
    try:
        header = (await while_there(request, anext(messages))).header
    except StopAsyncIteration:
        raise Unavailable(what="comparison") from None
    except BaseException:
        await messages.aclose()
        raise
    return await Streamed.begin(_body(header, messages), {"content-type": JSON})


async def _body(header: diff_pb2.RowsHeader, messages: AsyncGenerator[diff_pb2.RowsResponse]) -> AsyncGenerator[bytes]:
    """The page as JSON. The rows are JSON already and go through as they come; further headers have further columns."""
    begun = False
    async with aclosing(messages):
        async for message in messages:
            if message.HasField("header"):
                header.columns.extend(message.header.columns)
                continue
            if not begun:
                begun = True
                yield orjson.dumps(answers.rows_head(header))[:-1] + b',"rows":'
            yield message.chunk
    if not begun:
        raise Unavailable(what="comparison")
    yield b"}"


def _place(
    a_row: Number | None = None,
    b_row: Number | None = None,
    next_after: Annotated[Position, Query(description="a position; the next row that differs behind it")] | None = None,
    last_before: Annotated[Position, Query(description="a position; the last row that differs before it")]
    | None = None,
    text: Annotated[
        str, Query(min_length=1, max_length=TEXT_LIMIT, description="a part of a cell of either side; case is ignored")
    ]
    | None = None,
    start: Annotated[
        int, Query(alias="from", ge=0, le=bodies.NUMBER_LIMIT, description="the position from which to look for a text")
    ] = 0,
) -> diff_pb2.LocateRequest:
    given = {
        name: value
        for name, value in zip(PLACES, (a_row, b_row, next_after, last_before, text), strict=True)
        if value is not None
    }
    if len(given) != 1:
        raise Invalid(field="a_row", reason=f"or one other of {', '.join(PLACES[1:])} must be given, and only one")
    request = diff_pb2.LocateRequest()
    for name, value in given.items():
        setattr(request, name, value)
    setattr(request, "from", start)  # a word of Python's own
    return request


Place = Annotated[diff_pb2.LocateRequest, Depends(_place)]


@router.get("/{pair_id}/locate")
async def locate_row(
    comparison_id: str,
    pair_id: str,
    request: Request,
    services: Services,
    place: Place,
    table: Table = "",
    view: View = "changed",
    moves: Moves = False,  # noqa: FBT002 - a flag of the query, which has a name there
) -> bodies.LocatedRow:
    """Where in a view a row, the next or last difference, or the next text is; 404 where there is none."""
    place.MergeFrom(
        diff_pb2.LocateRequest(comparison_id=comparison_id, pair_id=pair_id, table=table, view=view, moves=moves)
    )
    call = services.diff.Locate(place, timeout=services.settings.gateway_download_idle_seconds)
    return answers.located(await while_there(request, call))


@router.get("/{pair_id}/strip")
async def get_strip(
    comparison_id: str,
    pair_id: str,
    services: Services,
    table: Table = "",
    view: View = "changed",
    moves: Moves = False,  # noqa: FBT002 - a flag of the query, which has a name there
    stretches: Annotated[int, Query(ge=1, le=STRETCHES_LIMIT)] = 200,
) -> bodies.Strip:
    """Where in a view the differences are: rows by status in each of some equal stretches of it."""
    request = diff_pb2.StripRequest(
        comparison_id=comparison_id, pair_id=pair_id, table=table, view=view, moves=moves, stretches=stretches
    )
    return answers.strip(await services.diff.Strip(request))


@router.get("/{pair_id}/patterns")
async def list_pair_patterns(
    comparison_id: str,
    pair_id: str,
    services: Services,
    table: Annotated[str, Query(max_length=bodies.TABLE_LIMIT, description="a table by name; none: all")] = "",
    offset: Offset = 0,
    limit: Limit = 100,
) -> bodies.PatternList:
    """Equal changes in a pair, the most frequent first."""
    request = diff_pb2.PatternsRequest(
        comparison_id=comparison_id, pair_id=pair_id, table=table, offset=offset, limit=limit
    )
    return answers.patterns(await services.diff.Patterns(request))
