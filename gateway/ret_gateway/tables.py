"""Tables: what documents became, page by page."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Query
from fastapi.requests import Request
from fastapi.responses import Response

from ret.convert.v1 import convert_pb2, tables_pb2
from ret_gateway import answers, models
from ret_gateway.access import API, SESSION_NEEDED, Services, SignedIn
from ret_gateway.downloads import Streamed, parts, while_there
from ret_gateway.parameters import Limit, Offset
from ret_kit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

LIST_LIMIT = 100_000  # characters of a list in a query
TEXT_LIMIT = 1000  # characters of a text that is looked for
ROW_LIMIT = 2**53 - 1

router = APIRouter(prefix=API + "/tables", tags=["tables"], route_class=SignedIn, dependencies=SESSION_NEEDED)
Names = Annotated[
    str, Query(max_length=LIST_LIMIT, description="column names, percent-encoded, with commas between; none: all")
]


Sort = Annotated[
    str,
    Query(
        max_length=LIST_LIMIT,
        description="columns to sort by, percent-encoded, with commas between; descending with a minus before the name."
        " Absent and empty cells are last in both directions",
    ),
]
Filter = Annotated[
    str,
    Query(
        max_length=LIST_LIMIT,
        description='a JSON list of up to 50 {"column", "op", "value"}, all of which must hold; op is one of eq, ne,'
        " contains, starts, ends, lt, le, gt, ge, in, empty, not_empty, regex (RE2)",
    ),
]


@router.get("/{table_id}", response_model=models.TablePage)
async def get_table(
    table_id: str,
    request: Request,
    services: Services,
    offset: Offset = 0,
    limit: Limit = 100,
    columns: Names = "",
    sort: Sort = "",
    filter: Filter = "",  # noqa: A002 - the contract's name
) -> Response:
    """Rows of a table with its edits, in its own order or sorted. A cell that is null is absent, "" is empty."""
    asked = convert_pb2.PageRequest(
        table_id=table_id, offset=offset, limit=limit, columns=names(columns), sort=sort, filter=filter
    )
    messages = parts(services.convert.Page(asked), services.settings.gateway_download_idle_seconds)
    try:
        header = (await while_there(request, anext(messages))).header
    except StopAsyncIteration:
        raise Unavailable(what="table") from None
    except BaseException:
        await messages.aclose()
        raise
    return await Streamed.begin(_body(header, messages), {"content-type": "application/json"})


@router.get("/{table_id}/find")
async def find_in_table(
    table_id: str,
    request: Request,
    services: Services,
    q: Annotated[str, Query(min_length=1, max_length=TEXT_LIMIT, description="a part of a cell; case is ignored")],
    from_row: Annotated[int, Query(ge=1, le=ROW_LIMIT, description="the row to begin with; none: the first")]
    | None = None,
) -> models.FoundCell:
    """The next cell that holds a text, row by row in the table's own order, left to right; 404 if there is none."""
    asked = tables_pb2.FindRequest(table_id=table_id, q=q, from_row=from_row or 0)
    call = services.tables.Find(asked, timeout=services.settings.gateway_download_idle_seconds)
    answer = await while_there(request, call)
    return models.FoundCell(row=answer.row, column=answer.column, version=answer.version)


@router.get("/{table_id}/profile")
async def get_profile(table_id: str, request: Request, services: Services, columns: Names = "") -> models.TableProfile:
    """What columns hold, with the table's edits."""
    asked = tables_pb2.ProfileRequest(table_id=table_id, columns=names(columns))
    call = services.tables.Profile(asked, timeout=services.settings.gateway_download_idle_seconds)
    return answers.table_profile(await while_there(request, call))


def names(given: str) -> list[str]:
    """`a,b%2Cc` as `["a", "b,c"]`."""
    return [unquote(name) for name in given.split(",")] if given else []


async def _body(
    header: convert_pb2.PageHeader, messages: AsyncGenerator[convert_pb2.PageResponse]
) -> AsyncGenerator[bytes]:
    """The page as JSON. The rows are JSON already: they go through as they come."""
    yield orjson.dumps(answers.table_head(header))[:-1] + b',"rows":'
    async with aclosing(messages):
        async for message in messages:
            yield message.chunk
    yield b"}"
