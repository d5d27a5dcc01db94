"""Collections and documents, field by field as the contract has them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from urllib.parse import quote

import pytest
from gateway_bench import Fakes, Gateway, Person, a_collection

from ret.ingest.v1 import ingest_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")

COLLECTION = {
    "id": "c1",
    "name": "Upload.zip",
    "kind": "tables",
    "status": "scanning",
    "grouping": "container",
    "created_at": "2025-11-20T12:00:00.123Z",
    "bytes": 0,
    "documents": 0,
    "groups": [{"name": "FY", "documents": 1, "bytes": 5, "converted": 0, "auto_index": False, "index": "none"}],
    "warnings": [{"code": "ENTRY_NAME", "path": "a/b", "detail": "d"}],
    "stats": {"containers": 0, "max_depth": 0, "other_files": 0, "seconds": 0.0},
}


async def test_a_collection_is_listed_shown_changed_and_deleted(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.ingest.answers |= {
        "ListCollections": lambda _: ingest_pb2.ListCollectionsResponse(collections=[a_collection()], total=9),
        "GetCollection": lambda _: ingest_pb2.GetCollectionResponse(collection=a_collection()),
        "UpdateCollection": lambda _: ingest_pb2.UpdateCollectionResponse(collection=a_collection()),
        "RenameGroup": lambda _: ingest_pb2.RenameGroupResponse(collection=a_collection()),
        "DeleteCollection": lambda _: ingest_pb2.DeleteCollectionResponse(),
    }
    client, headers, one = gateway.client, user.headers, "/api/v1/collections/c1"
    listed = await client.get("/api/v1/collections?offset=8&limit=1", headers=headers)
    assert listed.json() == {"items": [COLLECTION], "total": 9}
    assert (await client.get(one, headers=headers)).json() == COLLECTION
    assert (await client.patch(one, headers=headers, json={"grouping": "name"})).json() == COLLECTION
    renamed = await client.patch(f"{one}/groups/A%20%2B%20B", headers=headers, json={"name": "C"})
    assert renamed.json() == COLLECTION
    assert (await client.delete(one, headers=headers)).status_code == 204
    (listing,), (change,) = fakes.ingest.asked("ListCollections"), fakes.ingest.asked("UpdateCollection")
    assert (listing.offset, listing.limit) == (8, 1)
    assert (change.HasField("name"), change.HasField("grouping"), change.grouping) == (False, True, "name")
    (group,) = fakes.ingest.asked("RenameGroup")
    assert (group.collection_id, group.group, group.new_name) == ("c1", "A + B", "C")
    assert {caller.session_id for caller in fakes.ingest.callers("GetCollection") if caller} == {user.session_id}


@pytest.mark.parametrize("name", ["AP/AR", "/", "a//b/", "a%2Fb", "groups/x"])
async def test_a_group_may_have_a_slash_in_its_name(gateway: Gateway, fakes: Fakes, user: Person, name: str) -> None:
    fakes.ingest.answers["RenameGroup"] = lambda _: ingest_pb2.RenameGroupResponse(collection=a_collection())
    path = f"/api/v1/collections/c1/groups/{quote(name, safe='')}"
    answer = await gateway.client.patch(path, headers=user.headers, json={"name": "C"})
    assert answer.status_code == 200
    assert [request.group for request in fakes.ingest.asked("RenameGroup")] == [name]


async def test_documents_are_listed_by_choice_and_moved(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    found = ingest_pb2.Document(
        id="d1",
        collection_id="c1",
        path="AR_x/one.xml",
        name="one.xml",
        group="AR",
        group_reason="container",
        bytes=7,
        media_type="application/xml",
        status="found",
    )
    converted = ingest_pb2.Document(
        status="converted",
        method="native",
        fidelity=0.0,
        tables=[ingest_pb2.TableRef(id="t1", name="Row", role="main", rows=2, columns=3)],
        warnings=[ingest_pb2.Warning(code="VALUE_CUT", path="p", detail="d")],
    )
    fakes.ingest.answers |= {
        "ListDocuments": lambda _: ingest_pb2.ListDocumentsResponse(documents=[found, converted], total=2),
        "MoveDocument": lambda _: ingest_pb2.MoveDocumentResponse(document=found),
    }
    query = {"group": "AR", "q": "one", "status": "found", "offset": "0", "limit": "5"}
    listed = await gateway.client.get("/api/v1/collections/c1/documents", headers=user.headers, params=query)
    first, second = listed.json()["items"]
    assert first == {
        "id": "d1",
        "collection_id": "c1",
        "path": "AR_x/one.xml",
        "name": "one.xml",
        "group": "AR",
        "group_reason": "container",
        "bytes": 7,
        "media_type": "application/xml",
        "status": "found",
        "method": None,
        "fidelity": None,
        "tables": [],
        "warnings": [],
    }
    assert (second["method"], second["fidelity"]) == ("native", 0.0)
    assert second["tables"] == [{"id": "t1", "name": "Row", "role": "main", "rows": 2, "columns": 3}]
    (request,) = fakes.ingest.asked("ListDocuments")
    assert (request.group, request.query, request.status, request.limit) == ("AR", "one", "found", 5)
    moved = await gateway.client.patch("/api/v1/documents/d1", headers=user.headers, json={"group": "MINE"})
    assert moved.json() == first
    assert fakes.ingest.asked("MoveDocument")[0].group == "MINE"


async def test_the_description_can_be_printed_without_any_service(gateway: Gateway, user: Person) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RET_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ret_gateway", "openapi", stdout=asyncio.subprocess.PIPE, env=environment
    )
    printed, _ = await process.communicate()
    served = await gateway.client.get("/api/openapi.json", headers=user.headers)
    assert json.loads(printed) == served.json()


async def test_an_order_nobody_knows_is_refused() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ret_gateway", "serv", stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"usage" in said
