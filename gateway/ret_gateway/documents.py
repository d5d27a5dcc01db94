"""Documents: the files found in a collection."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from ret.convert.v1 import convert_pb2
from ret.ingest.v1 import ingest_pb2
from ret_gateway import answers, models
from ret_gateway.access import API, SESSION_NEEDED, Services, SignedIn
from ret_gateway.downloads import BINARY_ANSWER, attachment
from ret_gateway.parameters import Limit, Offset, Text

router = APIRouter(prefix=API, tags=["documents"], route_class=SignedIn, dependencies=SESSION_NEEDED)


@router.get("/collections/{collection_id}/documents")
async def list_documents(
    collection_id: str,
    services: Services,
    group: Text = "",
    q: Text = "",
    status: Annotated[Literal["found", "converting", "converted", "failed"] | None, Query()] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> models.DocumentList:
    """The documents of a collection, or those of a group, of a state, with a text in their path."""
    answer = await services.ingest.ListDocuments(
        ingest_pb2.ListDocumentsRequest(
            collection_id=collection_id, group=group, query=q, status=status or "", offset=offset, limit=limit
        )
    )
    return models.DocumentList(items=[answers.document(one) for one in answer.documents], total=answer.total)


@router.patch("/documents/{document_id}")
async def move_document(document_id: str, body: models.DocumentChange, services: Services) -> models.Document:
    """Moves a document into a group."""
    answer = await services.ingest.MoveDocument(
        ingest_pb2.MoveDocumentRequest(document_id=document_id, group=body.group)
    )
    return answers.document(answer.document)


@router.get("/documents/{document_id}")
async def get_document(document_id: str, services: Services) -> models.Document:
    """A document."""
    answer = await services.ingest.GetDocument(ingest_pb2.GetDocumentRequest(document_id=document_id))
    return answers.document(answer.document)


@router.get("/documents/{document_id}/shape")
async def get_shape(document_id: str, services: Services) -> models.DocumentShape:
    """How a document was cut into records when it was converted, and how it could be."""
    return answers.shape(await services.convert.Shape(convert_pb2.ShapeRequest(document_id=document_id)))


def _size(header: ingest_pb2.SourceHeader) -> int:
    return header.bytes


@router.get("/documents/{document_id}/source", responses=BINARY_ANSWER, response_class=Response)
async def get_source(document_id: str, services: Services) -> Response:
    """The original bytes."""
    call = services.ingest.Source(ingest_pb2.SourceRequest(document_id=document_id))
    return await attachment(call, services.settings.gateway_download_idle_seconds, _size)
