"""Tables: what documents became, page by page."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import Response

from ret.convert.v1 import convert_pb2
from ret_gateway import answers, models
from ret_gateway.access import API, SESSION_NEEDED, Services, SignedIn
from ret_gateway.downloads import Streamed, parts
from ret_gateway.parameters import Limit, Offset
from ret_kit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

LIST_LIMIT = 100_000  # characters of a list in a query

router = APIRouter(prefix=API + "/tables", tags=["tables"], route_class=SignedIn, dependencies=SESSION_NEEDED)
Names = Annotated[
    str, Query(max_length=LIST_LIMIT, description="column names, percent-encoded, with commas between; none: all")
]


@router.get("/{table_id}", response_model=models.TablePage)
async def get_table(
    table_id: str,
    services: Services,
    offset: Offset = 0,
    limit: Limit = 100,
    columns: Names = "",
    sort: Annotated[str, Query(max_length=LIST_LIMIT, description="not offered yet")] = "",
    filter: Annotated[str, Query(max_length=LIST_LIMIT, description="not offered yet")] = "",  # noqa: A002 - the contract's name
) -> Response:
    """Rows of a table, in the order of the document. A cell that is null is absent, one that is "" is empty."""
    request = convert_pb2.PageRequest(
        table_id=table_id, offset=offset, limit=limit, columns=names(columns), sort=sort, filter=filter
    )
    messages = parts(services.convert.Page(request), services.settings.gateway_download_idle_seconds)
    try:
        header = (await anext(messages)).header
    except StopAsyncIteration:
        raise Unavailable(what="table") from None
    return await Streamed.begin(_body(header, messages), {"content-type": "application/json"})


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
