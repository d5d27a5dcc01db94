"""Conversion orders, and exports of what they gave."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from starlette.status import HTTP_202_ACCEPTED

from ret.auth.v1 import auth_pb2
from ret.convert.v1 import convert_pb2
from ret_gateway import answers, models
from ret_gateway.access import API, SESSION_NEEDED, Services, SignedIn
from ret_gateway.downloads import BINARY_ANSWER, attachment
from ret_gateway.parameters import IdempotencyKey, Text
from ret_kit.auth import caller

router = APIRouter(
    prefix=API + "/collections/{collection_id}", tags=["conversion"], route_class=SignedIn, dependencies=SESSION_NEEDED
)

EVERYTHING = models.Conversion()


@router.post("/conversions", status_code=HTTP_202_ACCEPTED)
async def start_conversion(
    collection_id: str,
    services: Services,
    body: models.Conversion = EVERYTHING,
    idempotency_key: IdempotencyKey = "",
) -> models.JobAnswer:
    """Queues the conversion of documents, of groups, or of everything."""
    order = convert_pb2.StartRequest(
        collection_id=collection_id,
        groups=body.groups or [],
        document_ids=body.documents or [],
        layout=body.layout,
        record_paths=body.record_paths or {},
        discard_edits=body.discard_edits,
        idempotency_key=idempotency_key,
    )
    return answers.started(await services.convert.Start(order))


@router.get("/export", responses=BINARY_ANSWER, response_class=Response)
async def export(
    collection_id: str,
    services: Services,
    format: Annotated[Literal["csv", "xlsx", "parquet", "json", "xml"], Query()] = "csv",  # noqa: A002 - the contract's name
    group: Text = "",
    document: Text = "",
    tables: Annotated[Literal["all", "main"], Query()] = "all",
    others: Annotated[Literal["keep", "drop"], Query()] = "keep",
    nested: Annotated[Literal["zip", "folder"], Query()] = "zip",
    raw: Annotated[bool, Query(description="values as they are, without guards against formulas")] = False,  # noqa: FBT002
    report: Annotated[Literal["edits", ""], Query(description="`edits`: with a list of what was edited")] = "",
) -> Response:
    """The converted documents, edits included, in the structure of the upload, as a ZIP, or one document alone.

    `format=xml` gives the original documents with the edits put back into them.
    """
    # A session is one person's, who alone can have edited its tables.
    me = await services.auth.Me(auth_pb2.MeRequest()) if report else auth_pb2.MeResponse()
    call = services.convert.Export(
        convert_pb2.ExportRequest(
            collection_id=collection_id,
            format=format,
            group=group,
            document_id=document,
            tables=tables,
            others=others,
            nested=nested,
            raw=raw,
            report=report,
            names={caller().user_id: me.user.username} if report else {},
        )
    )
    return await attachment(call, services.settings.gateway_download_idle_seconds)
