"""Collections: uploads and what was found in them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from ret.ingest.v1 import ingest_pb2
from ret_gateway import answers, models
from ret_gateway.access import API, JSON, SESSION_NEEDED, Services, SignedIn, Uploads, check_json
from ret_gateway.downloads import Streamed, parts
from ret_gateway.errors import WrongMediaType
from ret_gateway.parameters import GroupName, IdempotencyKey, Limit, Offset
from ret_gateway.tree import nested_json, uploaded
from ret_gateway.uploads import send_form
from ret_kit.errors import Invalid, NotFound

MULTIPART = "multipart/form-data"

# The body is read by hand, as a stream; this is what the documentation says about it.
UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "ZIP, XML, CSV, TSV, XLSX, XLS, ODS",
                        },
                        "name": {"type": "string", "maxLength": models.NAME_LIMIT},
                        "grouping": {"type": "string", "enum": ["container", "name"], "default": "container"},
                        "kind": {"type": "string", "enum": ["tables", "code"], "default": "tables"},
                    },
                }
            }
        },
    }
}

upload_router = APIRouter(
    prefix=f"{API}/collections", tags=["collections"], route_class=Uploads, dependencies=SESSION_NEEDED
)
router = APIRouter(prefix=f"{API}/collections", tags=["collections"], route_class=SignedIn, dependencies=SESSION_NEEDED)


@upload_router.post("", status_code=HTTP_202_ACCEPTED, openapi_extra=UPLOAD_BODY)
async def upload_collection(
    request: Request, services: Services, idempotency_key: IdempotencyKey = ""
) -> models.CollectionAnswer:
    """Takes an upload in as a stream and queues its scan."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == JSON:
        await _refuse_order(request)
    if media_type != MULTIPART:
        raise WrongMediaType(expected=MULTIPART)
    return answers.uploaded(await send_form(request, services, idempotency_key))


async def _refuse_order(request: Request) -> None:
    """Resumable uploads and repositories are not there yet, so nothing such an order names exists."""
    try:
        order = await check_json(request).json()
    except (ValueError, RecursionError):
        raise Invalid(field="body", reason="it is not JSON") from None
    if isinstance(order, dict) and "upload_id" in order:
        raise NotFound(what="upload")
    raise Invalid(field="body", reason="it names no upload")


@router.get("")
async def list_collections(services: Services, offset: Offset = 0, limit: Limit = 100) -> models.CollectionList:
    """The session's collections."""
    answer = await services.ingest.ListCollections(ingest_pb2.ListCollectionsRequest(offset=offset, limit=limit))
    return models.CollectionList(items=[answers.collection(one) for one in answer.collections], total=answer.total)


@router.get("/{collection_id}")
async def get_collection(collection_id: str, services: Services) -> models.Collection:
    """One collection with its groups, warnings and figures."""
    answer = await services.ingest.GetCollection(ingest_pb2.GetCollectionRequest(collection_id=collection_id))
    return answers.collection(answer.collection)


@router.patch("/{collection_id}")
async def change_collection(collection_id: str, body: models.CollectionChange, services: Services) -> models.Collection:
    """Renames or regroups; regrouping is immediate."""
    order = ingest_pb2.UpdateCollectionRequest(collection_id=collection_id, name=body.name, grouping=body.grouping)
    answer = await services.ingest.UpdateCollection(order)
    return answers.collection(answer.collection)


@router.delete("/{collection_id}", status_code=HTTP_204_NO_CONTENT)
async def delete_collection(collection_id: str, services: Services) -> None:
    """Deletes a collection with its documents and tables."""
    await services.ingest.DeleteCollection(ingest_pb2.DeleteCollectionRequest(collection_id=collection_id))


@router.patch("/{collection_id}/groups/{name:path}")  # an encoded slash of a name arrives as a slash
async def rename_group(
    collection_id: str, name: GroupName, body: models.GroupChange, services: Services
) -> models.Collection:
    """Renames a group, or merges it into an existing one."""
    answer = await services.ingest.RenameGroup(
        ingest_pb2.RenameGroupRequest(collection_id=collection_id, group=name, new_name=body.name)
    )
    return answers.collection(answer.collection)


@router.get("/{collection_id}/tree", response_model=models.TreeNode)
async def get_tree(collection_id: str, services: Services) -> Response:
    """Everything in the upload, nested; written out while it is read."""
    call = services.ingest.Tree(ingest_pb2.TreeRequest(collection_id=collection_id))
    batches = parts(call, services.settings.gateway_download_idle_seconds)
    return await Streamed.begin(nested_json(batches, uploaded), {"content-type": JSON})
