"""ret.ingest.v1: uploads and what was found in them, each session's own. Reads, calls, writes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from sqlalchemy import Row, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret_ingest import conversions, filing, messages, repository, uploads
from ret_ingest.conversions import Choice, Conversion
from ret_ingest.inventory import Unfolding
from ret_ingest.repository import Room, Wanted, Window
from ret_ingest.schema import jobs as job_tables
from ret_ingest.selection import Selection
from ret_ingest.uploads import Place
from ret_ingest.worker import TYPE
from ret_kit.auth import caller
from ret_kit.blobs import Blobs
from ret_kit.bus import Bus
from ret_kit.database import Database
from ret_kit.errors import Forbidden, Invalid, RetError, Unauthenticated
from ret_kit.jobs.events import dumps, job_message
from ret_kit.jobs.host import JobHost
from ret_kit.jobs.idempotency import recall, remember
from ret_kit.jobs.model import Identity, NewJob
from ret_kit.rpc.server import Access

NAME = "ret.ingest.v1.IngestService"
_PEOPLE, _CONVERT, _DIFF = Access.USER, Access.service("convert"), Access.service("diff")
ACCESS = {
    "Upload": _PEOPLE,
    "ListCollections": _PEOPLE,
    "GetCollection": _PEOPLE | _CONVERT | _DIFF,
    "UpdateCollection": _PEOPLE,
    "DeleteCollection": _PEOPLE,
    "RenameGroup": _PEOPLE,
    "ListDocuments": _PEOPLE | _CONVERT | _DIFF,
    "GetDocument": _PEOPLE | _CONVERT | _DIFF,
    "MoveDocument": _PEOPLE,
    "Tree": _PEOPLE,
    "Source": _PEOPLE,
    "TakeDocuments": _PEOPLE | _CONVERT,
    "RecordConverted": _CONVERT,
    "ReleaseDocuments": _CONVERT,
    "Inventory": _PEOPLE | _CONVERT | _DIFF,
}
Context = grpc.aio.ServicerContext[Any, Any]
LIST_LIMIT, NODES, SOURCES = 1000, 500, 200  # of a list; of one message of a tree; of documents to convert
# Warnings that one answer holds; the collections of a list share them.
WARNINGS, WARNING_CHARACTERS = 5000, 1 << 20
GROUPINGS = ("", "container", "name")
FACT_DELETED = "facts.collection_deleted"


@dataclass(frozen=True)
class Ports:
    """What the servicer stands on."""

    db: Database
    blobs: Blobs
    bus: Bus
    jobs: JobHost
    upload_limit: int
    uploads: uploads.Underway = field(default_factory=uploads.Underway)


class Form:
    """An upload's messages: a header, chunks, and a trailer that tells that nothing was cut off."""

    def __init__(self, requests: AsyncIterator[ingest_pb2.UploadRequest]) -> None:
        self._requests = requests
        self.header = ingest_pb2.UploadHeader()
        self.trailer: ingest_pb2.UploadTrailer | None = None

    async def begin(self) -> None:
        """Read the header; Invalid if something else comes first."""
        async for request in self._requests:
            if request.WhichOneof("part") == "header":
                self.header = request.header
                return
            break
        raise Invalid(field="file", reason="must come after its header")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes; Invalid when the call ends before its trailer."""
        async for request in self._requests:
            match request.WhichOneof("part"):
                case "chunk":
                    yield request.chunk
                case "trailer":
                    self.trailer = request.trailer
                    return
                case _:
                    break
        raise Invalid(field="file", reason="was cut off")

    def value(self, field: str) -> str:
        """A field of the form, wherever in it it stood."""
        return str((self.trailer and getattr(self.trailer, field)) or getattr(self.header, field))

    def check(self) -> None:
        """Raises Invalid for choices there are not."""
        if self.value("grouping") not in GROUPINGS:
            raise Invalid(field="grouping", reason="must be container or name")
        if self.value("kind") not in ("", "tables"):
            raise Invalid(field="kind", reason="must be tables")


class IngestServer(ingest_pb2_grpc.IngestServiceServicer):
    """The contract over the inventory."""

    def __init__(self, ports: Ports) -> None:
        self._ports, self._db, self._blobs = ports, ports.db, ports.blobs

    # --- uploads ------------------------------------------------------------------------------------------------

    async def Upload(
        self, request_iterator: AsyncIterator[ingest_pb2.UploadRequest], context: Context
    ) -> ingest_pb2.UploadResponse:
        try:
            async with self._ports.uploads.of(caller().session_id):
                answer = await self._taken_in(Form(request_iterator))
        except RetError:
            # Whatever is missing under an upload is missing because its session's data was destroyed meanwhile.
            if await self._has_ended(caller().session_id):
                raise Unauthenticated(reason="session ended") from None
            raise
        self._ports.jobs.relay.wake()
        return answer

    async def _has_ended(self, session_id: str) -> bool:
        stones = job_tables.tombstones
        async with self._db.read() as conn:
            return bool((await conn.execute(select(exists().where(stones.c.session_id == session_id)))).scalar_one())

    async def _taken_in(self, form: Form) -> ingest_pb2.UploadResponse:
        await form.begin()
        name, key = uploads.file_name(form.header.filename), form.header.idempotency_key
        form.check()
        if first := await self._recall(key):
            return first
        place = Place(caller().session_id, uuid.uuid4().hex)
        stored = await uploads.store(self._blobs, place, name, form.chunks(), self._ports.upload_limit)
        try:
            form.check()
            shown = uploads.shown_name(form.value("name") or name[: uploads.NAME_LIMIT], "name")
            values = {
                "name": shown,
                "upload_name": name,
                "kind": "tables",
                "grouping": form.value("grouping") or "container",
                "bytes": stored.size,
                "sha256": stored.sha256,
            }
            return await self._created(place, key, values)
        except IntegrityError:  # the same key at the same time: the other was first
            await self._blobs.delete_prefix(place.prefix)
            if first := await self._recall(key):
                return first
            raise
        except BaseException:
            await asyncio.shield(self._blobs.delete_prefix(place.prefix))
            raise

    async def _recall(self, key: str) -> ingest_pb2.UploadResponse | None:
        async with self._db.read() as conn:
            answer = await recall(conn, job_tables.idempotency, caller().session_id, "collections", key)
        return None if answer is None else ingest_pb2.UploadResponse.FromString(answer)

    async def _created(self, place: Place, key: str, values: dict[str, Any]) -> ingest_pb2.UploadResponse:
        """Collection, job and message in one transaction."""
        who = caller()
        async with self._db.write() as conn:
            order = NewJob(TYPE, Identity(who.user_id, who.session_id), {"collection_id": place.collection_id})
            job = await self._ports.jobs.store.create(conn, order)
            owned = {"id": place.collection_id, "session_id": who.session_id, "user_id": who.user_id, "job_id": job.id}
            await filing.create(conn, owned | values)
            collection = await self._collection(conn, place.collection_id)
            answer = ingest_pb2.UploadResponse(collection=collection, job=job_message(job))
            await remember(conn, job_tables.idempotency, who.session_id, "collections", key, answer.SerializeToString())
        return answer

    # --- collections --------------------------------------------------------------------------------------------

    async def _collection(self, conn: AsyncConnection, collection_id: str) -> ingest_pb2.Collection:
        return await self._told(conn, await self._owned(conn, collection_id), 1)

    async def _told(self, conn: AsyncConnection, row: Row[Any], among: int) -> ingest_pb2.Collection:
        """A collection that shares its answer with so many, itself included."""
        groups = await repository.list_groups(conn, row.id)
        room = Room(WARNINGS // among, WARNING_CHARACTERS // among)
        found, total = await repository.list_warnings(conn, row.id, room)
        return messages.collection_message(row, groups, found, total)

    async def _owned(self, conn: AsyncConnection, collection_id: str, *, lock: bool = False) -> Row[Any]:
        return await repository.collection(conn, caller().session_id, collection_id, lock=lock)

    async def ListCollections(
        self, request: ingest_pb2.ListCollectionsRequest, context: Context
    ) -> ingest_pb2.ListCollectionsResponse:
        window = _window(request.offset, request.limit)
        async with self._db.read() as conn:
            rows, total = await repository.list_collections(conn, caller().session_id, window)
            told = [await self._told(conn, row, len(rows)) for row in rows]
        return ingest_pb2.ListCollectionsResponse(collections=told, total=total)

    async def GetCollection(
        self, request: ingest_pb2.GetCollectionRequest, context: Context
    ) -> ingest_pb2.GetCollectionResponse:
        async with self._db.read() as conn:
            return ingest_pb2.GetCollectionResponse(collection=await self._collection(conn, request.collection_id))

    async def UpdateCollection(
        self, request: ingest_pb2.UpdateCollectionRequest, context: Context
    ) -> ingest_pb2.UpdateCollectionResponse:
        values: dict[str, str] = {}
        if request.HasField("name"):
            values["name"] = uploads.shown_name(request.name, "name")
        if request.HasField("grouping"):
            if request.grouping not in GROUPINGS[1:]:
                raise Invalid(field="grouping", reason="must be container or name")
            values["grouping"] = request.grouping
        async with self._db.write() as conn:
            await self._owned(conn, request.collection_id)
            await repository.change_collection(conn, request.collection_id, **values)
            return ingest_pb2.UpdateCollectionResponse(collection=await self._collection(conn, request.collection_id))

    async def DeleteCollection(
        self, request: ingest_pb2.DeleteCollectionRequest, context: Context
    ) -> ingest_pb2.DeleteCollectionResponse:
        store, who = self._ports.jobs.store, caller()
        async with self._db.write() as conn:
            row = await self._owned(conn, request.collection_id)
            cancelled = await store.cancel(conn, job_tables.jobs.c.id == row.job_id)
            await filing.remove(conn, row.id)
            fact = dumps({"collection_id": row.id, "session_id": who.session_id}).encode()
            await store.outbox.add(conn, FACT_DELETED, fact, msg_id=f"deleted:{row.id}", session_id=who.session_id)
        self._ports.jobs.relay.wake()
        if cancelled:  # whoever scans hears of it now and not with the next heartbeat
            await self._ports.bus.publish(f"cancel.{store.service}.{row.job_id}", b"")
        await self._blobs.delete_prefix(Place(who.session_id, row.id).prefix)
        await self._blobs.delete_prefix(f"sessions/{who.session_id}/jobs/{row.job_id}/")
        return ingest_pb2.DeleteCollectionResponse()

    async def RenameGroup(
        self, request: ingest_pb2.RenameGroupRequest, context: Context
    ) -> ingest_pb2.RenameGroupResponse:
        name = uploads.shown_name(request.new_name, "name")
        async with self._db.write() as conn:
            await self._owned(conn, request.collection_id, lock=True)
            await repository.rename_group(conn, request.collection_id, request.group, name)
            return ingest_pb2.RenameGroupResponse(collection=await self._collection(conn, request.collection_id))

    # --- documents ----------------------------------------------------------------------------------------------

    async def ListDocuments(
        self, request: ingest_pb2.ListDocumentsRequest, context: Context
    ) -> ingest_pb2.ListDocumentsResponse:
        window = _window(request.offset, request.limit)
        wanted = Wanted(request.group, request.query, request.status)
        async with self._db.read() as conn:
            await self._owned(conn, request.collection_id)
            rows, total = await repository.list_documents(conn, request.collection_id, wanted, window)
            return ingest_pb2.ListDocumentsResponse(documents=await _with_warnings(conn, rows), total=total)

    async def GetDocument(
        self, request: ingest_pb2.GetDocumentRequest, context: Context
    ) -> ingest_pb2.GetDocumentResponse:
        async with self._db.read() as conn:
            row = await repository.document(conn, caller().session_id, request.document_id)
            return ingest_pb2.GetDocumentResponse(document=(await _with_warnings(conn, [row]))[0])

    async def MoveDocument(
        self, request: ingest_pb2.MoveDocumentRequest, context: Context
    ) -> ingest_pb2.MoveDocumentResponse:
        group, who = uploads.shown_name(request.group, "group"), caller()
        async with self._db.write() as conn:
            row = await repository.document(conn, who.session_id, request.document_id)
            await self._owned(conn, row.collection_id, lock=True)
            await repository.move_document(conn, row, group)
            row = await repository.document(conn, who.session_id, request.document_id)
            return ingest_pb2.MoveDocumentResponse(document=(await _with_warnings(conn, [row]))[0])

    async def Source(
        self, request: ingest_pb2.SourceRequest, context: Context
    ) -> AsyncIterator[ingest_pb2.SourceResponse]:
        async with self._db.read() as conn:
            row = await repository.document(conn, caller().session_id, request.document_id)
        media_type = "application/gzip" if row.plain_key else row.media_type
        header = ingest_pb2.SourceHeader(filename=row.name, media_type=media_type, bytes=row.blob_length)
        yield ingest_pb2.SourceResponse(header=header)
        content = self._blobs.stream(row.blob_key, row.blob_offset, row.blob_length, sha256=row.blob_sha256)
        async with aclosing(content) as chunks:
            async for chunk in chunks:
                yield ingest_pb2.SourceResponse(chunk=chunk)

    async def Tree(self, request: ingest_pb2.TreeRequest, context: Context) -> AsyncIterator[ingest_pb2.TreeResponse]:
        async with self._db.read() as conn:
            collection = await self._owned(conn, request.collection_id)
        root = "zip" if collection.max_depth else "folder"
        nodes = [ingest_pb2.TreeNode(depth=0, name=collection.upload_name, type=root)]
        unfolding = Unfolding()
        async for rows in repository.each_entry(self._db, collection):
            for row in rows:
                folders = unfolding.folders(row.path, row.type, row.depth, row.levels)
                nodes += [*map(messages.folder_node, folders), messages.node_message(row)]
                if len(nodes) >= NODES:
                    yield ingest_pb2.TreeResponse(nodes=nodes)
                    nodes = []
        yield ingest_pb2.TreeResponse(nodes=nodes)

    # --- for convert --------------------------------------------------------------------------------------------

    async def TakeDocuments(
        self, request: ingest_pb2.TakeDocumentsRequest, context: Context
    ) -> AsyncIterator[ingest_pb2.TakeDocumentsResponse]:
        choice = Choice(request.groups, request.document_ids)
        if request.dry_run:
            async with self._db.read() as conn:
                await self._owned(conn, request.collection_id)
                rows = await conversions.chosen(conn, request.collection_id, choice)
        else:
            if not caller().service:
                raise Forbidden
            async with self._db.write() as conn:
                await self._owned(conn, request.collection_id)
                by = Conversion(request.job_id, request.order)
                rows = await conversions.take(conn, request.collection_id, choice, by)
        for start in range(0, len(rows), SOURCES):
            sources = map(messages.source_message, rows[start : start + SOURCES])
            yield ingest_pb2.TakeDocumentsResponse(sources=sources)

    async def RecordConverted(
        self, request: ingest_pb2.RecordConvertedRequest, context: Context
    ) -> ingest_pb2.RecordConvertedResponse:
        facts = [messages.converted(fact) for fact in request.facts]
        by = Conversion(request.job_id, request.order, request.fence)
        async with self._db.write() as conn:
            recorded = await conversions.record(conn, caller().session_id, by, facts)
        return ingest_pb2.RecordConvertedResponse(recorded=recorded)

    async def ReleaseDocuments(
        self, request: ingest_pb2.ReleaseDocumentsRequest, context: Context
    ) -> ingest_pb2.ReleaseDocumentsResponse:
        async with self._db.write() as conn:
            await conversions.release(conn, caller().session_id, request.collection_id, request.job_id)
        return ingest_pb2.ReleaseDocumentsResponse()

    async def Inventory(
        self, request: ingest_pb2.InventoryRequest, context: Context
    ) -> AsyncIterator[ingest_pb2.InventoryResponse]:
        async with self._db.read() as conn:
            collection = await self._owned(conn, request.collection_id)
            await repository.require(conn, collection.id, request.group, request.document_id)
        header = ingest_pb2.InventoryHeader(
            collection_name=collection.name, upload_name=collection.upload_name, sha256=collection.sha256
        )
        yield ingest_pb2.InventoryResponse(header=header)
        selection = Selection(request.group, request.document_id)
        async for rows in repository.each_entry(self._db, collection):
            entries = [entry for row in rows for entry in selection.take(row)]
            if entries:
                yield ingest_pb2.InventoryResponse(entries=entries)


async def _with_warnings(conn: AsyncConnection, rows: Sequence[Row[Any]]) -> list[ingest_pb2.Document]:
    found = await repository.document_warnings(conn, rows[0].collection_id, [row.id for row in rows]) if rows else {}
    return [messages.document_message(row, found.get(row.id, ())) for row in rows]


def _window(offset: int, limit: int) -> Window:
    """The part of a list that is asked for; 100 where no limit is given."""
    if offset < 0:
        raise Invalid(field="offset", reason="must not be negative")
    if not 0 <= limit <= LIST_LIMIT:
        raise Invalid(field="limit", reason=f"must be 1 to {LIST_LIMIT}")
    return Window(offset, limit or 100)
