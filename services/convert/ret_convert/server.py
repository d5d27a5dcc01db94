"""ret.convert.v1: starts conversions, streams exports, shows tables, each session's own. Reads, calls, writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, replace
from typing import Any, cast

import grpc.aio
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ret.convert.v1 import convert_pb2, convert_pb2_grpc
from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret_convert import records
from ret_convert.editing.present import present_versions
from ret_convert.errors import HasEdits, NotConverted, NotReady
from ret_convert.export.order import FORMATS, Format, Order, header
from ret_convert.layout import Layout
from ret_convert.listing import Listed, entries
from ret_convert.pages import Where, Window
from ret_convert.schema import jobs as job_tables
from ret_convert.views.views import Reading
from ret_convert.worker import TYPE
from ret_kit.auth import caller
from ret_kit.blobs import Blobs
from ret_kit.database import Database
from ret_kit.errors import Invalid, Kind, NotFound, RemoteError
from ret_kit.jobs.events import job_message
from ret_kit.jobs.host import JobHost
from ret_kit.jobs.idempotency import recall, remember
from ret_kit.jobs.model import Identity, NewJob
from ret_kit.pools import Pool
from ret_kit.rpc.client import as_service
from ret_kit.rpc.server import Access

NAME = "ret.convert.v1.ConvertService"
DIFF = Access.service("diff")
ACCESS = {"Start": Access.USER | DIFF, "Export": Access.USER, "Page": Access.USER, "Shape": Access.USER}
ROWS = 1000  # of a page at most
EXPORT = "ret_convert.export.archive:export"
CHUNK = 1 << 20  # bytes in one message
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True)
class Ports:
    """What the servicer stands on; `blobs` is the store's URL, `bom` whether CSV has a byte order mark."""

    db: Database
    jobs: JobHost
    pool: Pool
    ingest: ingest_pb2_grpc.IngestServiceAsyncStub
    blobs: str
    reading: Reading
    bom: bool


class ConvertServer(convert_pb2_grpc.ConvertServiceServicer):
    """Serves the contract; what belongs to whom is ingest's to say.

    It is asked with a person's own token; a service's is for us alone, so that ours speaks about the same session.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def Start(self, request: convert_pb2.StartRequest, context: Context) -> convert_pb2.StartResponse:
        layout = request.layout or Layout.AUTO
        if layout not in list(Layout):
            raise Invalid(field="layout", reason=f"must be one of {', '.join(Layout)}")
        if answer := await self._first_answer(request):
            return answer
        who, jobs = caller(), self._ports.jobs
        with as_service("convert", who.session_id, who.user_id) if who.service else nullcontext():
            chosen = await self._ready(request)
        payload = {
            "collection_id": request.collection_id,
            "groups": list(request.groups),
            "documents": list(request.document_ids),
            "layout": layout,
            "record_paths": dict(request.record_paths),
        }
        try:
            async with self._ports.db.write() as conn:
                if not request.discard_edits:
                    await self._refuse_edited(conn, request.collection_id, chosen)
                row = await jobs.store.create(conn, NewJob(TYPE, Identity(who.user_id, who.session_id), payload))
                answer = convert_pb2.StartResponse(job=job_message(row))
                key, whole = request.idempotency_key, answer.SerializeToString()
                await remember(conn, job_tables.idempotency, who.session_id, NAME, key, whole)
        except IntegrityError:
            # Somebody was faster with the same key; theirs is the answer.
            if first := await self._first_answer(request):
                return first
            raise
        jobs.relay.wake()
        return answer

    async def _first_answer(self, request: convert_pb2.StartRequest) -> convert_pb2.StartResponse | None:
        """What the same key was answered first in this session."""
        async with self._ports.db.read() as conn:
            kept = await recall(conn, job_tables.idempotency, caller().session_id, NAME, request.idempotency_key)
        return convert_pb2.StartResponse.FromString(kept) if kept is not None else None

    async def _refuse_edited(self, conn: AsyncConnection, collection_id: str, chosen: set[str] | None) -> None:
        """HasEdits when somebody has edited a table of what is to be converted; None is everything."""
        edited = await records.edited(conn, caller().session_id, collection_id)
        if lost := edited if chosen is None else edited & chosen:
            raise HasEdits(documents=len(lost))

    async def _ready(self, request: convert_pb2.StartRequest) -> set[str] | None:
        """The documents to be converted, None for all; NotFound or NotReady unless they are there and the caller's own.

        Invalid where a record path is for a document that is not there; one that is not to be converted may have one.
        """
        collection_id = request.collection_id
        asked = await self._ports.ingest.GetCollection(ingest_pb2.GetCollectionRequest(collection_id=collection_id))
        if asked.collection.status != "ready":
            raise NotReady(status=asked.collection.status)
        chosen: set[str] | None = None
        if request.groups or request.document_ids:
            chosen = await self._there(collection_id, request.groups, request.document_ids)
        if request.record_paths:
            try:
                await self._there(collection_id, (), list(request.record_paths))
            except RemoteError as error:
                if error.kind is not Kind.NOT_FOUND:
                    raise
                raise Invalid(field="record_paths", reason="name a document that is not in the collection") from None
        return chosen

    async def _there(self, collection_id: str, groups: Sequence[str], document_ids: Sequence[str]) -> set[str]:
        """These documents and those of the groups; NotFound unless all of them are in the collection."""
        wanted = ingest_pb2.TakeDocumentsRequest(
            collection_id=collection_id, groups=groups, document_ids=document_ids, dry_run=True
        )
        answers = self._ports.ingest.TakeDocuments(wanted)
        return {source.document_id async for answer in answers for source in answer.sources}

    async def Export(
        self, request: convert_pb2.ExportRequest, context: Context
    ) -> AsyncIterator[convert_pb2.ExportResponse]:
        order, name = await self._order(request)
        filename, media_type = header(order, name)
        yield convert_pb2.ExportResponse(header=convert_pb2.ExportHeader(filename=filename, media_type=media_type))
        stream = self._ports.pool.stream(EXPORT, cast("dict[str, Any]", order), session_id=caller().session_id)
        async with aclosing(stream) as chunks:  # pyright: ignore[reportArgumentType] - it is an async generator
            async for chunk in chunks:
                yield convert_pb2.ExportResponse(chunk=chunk)

    async def _order(self, request: convert_pb2.ExportRequest) -> tuple[Order, str]:
        """(what is to be exported, what the whole is called)."""
        kind = _choice("format", request.format, FORMATS)
        tables = _choice("tables", request.tables or "all", ("all", "main"))
        others = _choice("others", request.others or "keep", ("keep", "drop"))
        nested = _choice("nested", request.nested or "zip", ("zip", "folder"))
        report = _choice("report", request.report, ("edits", ""))
        asked = ingest_pb2.InventoryRequest(
            collection_id=request.collection_id, group=request.group, document_id=request.document_id
        )
        found: list[ingest_pb2.InventoryEntry] = []
        upload = ""
        async for answer in self._ports.ingest.Inventory(asked):
            upload = answer.header.upload_name or answer.header.collection_name or upload
            found.extend(answer.entries)
        async with self._ports.db.read() as conn:
            rows = await records.of_collection(conn, caller().session_id, request.collection_id)
        part = bool(request.group or request.document_id)
        keys = [row.blob_key for one in found for row in rows.get(one.document_id, ()) if row.edited]
        wanted = Listed(
            keep=others == "keep" and not part,
            main=tables == "main",
            report=report == "edits",
            originals=kind == "xml",
            versions=await asyncio.to_thread(present_versions, Blobs(self._ports.blobs), keys),
            names=request.names,
        )
        listed = entries(found, rows, wanted)
        if request.document_id:  # not in its place, but by itself
            listed = [entry for entry in listed if entry["type"] == "document"]
            for entry in listed:
                entry["depth"] = 1
        order = Order(
            blobs=self._ports.blobs,
            format=cast("Format", kind),
            raw=request.raw,
            bom=self._ports.bom,
            nested="folder" if nested == "folder" else "zip",
            alone=bool(request.document_id),
            keep=wanted.keep,
            entries=listed,
        )
        return order, listed[0]["name"] if request.document_id and listed else upload

    async def Page(self, request: convert_pb2.PageRequest, context: Context) -> AsyncIterator[convert_pb2.PageResponse]:
        window = _window(request)
        async with self._ports.db.read() as conn:
            row = await records.table(conn, caller().session_id, request.table_id)
        if row is None:
            raise NotFound(what="table")
        asked = await self._ports.reading.asked(Where(row.blob_key, row.size), caller().session_id)
        asked = replace(asked, filter=request.filter, sort=request.sort)
        page = await self._ports.reading.views.page(asked, window)
        pieces = page.pieces()
        piece = await asyncio.to_thread(next, pieces, None)
        header = convert_pb2.PageHeader(
            table_id=row.id,
            document_id=row.document_id,
            collection_id=row.collection_id,
            name=row.name,
            role=row.role,
            version=asked.version,
            total_rows=page.total,
            matched_rows=page.matched,
            columns=[convert_pb2.PageColumn(name=one.name, path=one.path, type=one.type) for one in page.columns],
        )
        yield convert_pb2.PageResponse(header=header)
        while piece is not None:
            for start in range(0, len(piece), CHUNK):
                yield convert_pb2.PageResponse(chunk=piece[start : start + CHUNK])
            piece = await asyncio.to_thread(next, pieces, None)

    async def Shape(self, request: convert_pb2.ShapeRequest, context: Context) -> convert_pb2.ShapeResponse:
        async with self._ports.db.read() as conn:
            row = await records.shape(conn, caller().session_id, request.document_id)
        if row is None:
            # Whether it is not there or not converted, ingest knows.
            await self._ports.ingest.GetDocument(ingest_pb2.GetDocumentRequest(document_id=request.document_id))
            raise NotConverted(documents=1)
        return convert_pb2.ShapeResponse(
            document_id=row.document_id,
            layout=row.layout,
            record_path=row.record_path,
            chosen=row.chosen,
            candidates=[convert_pb2.Candidate(**one) for one in json.loads(row.candidates)],
            more=row.more,
        )


def _window(request: convert_pb2.PageRequest) -> Window:
    """What is asked for, or Invalid."""
    if not 1 <= request.limit <= ROWS:
        raise Invalid(field="limit", reason=f"must be 1 to {ROWS}")
    if request.offset < 0:
        raise Invalid(field="offset", reason="must not be negative")
    return Window(request.offset, request.limit, tuple(request.columns))


def _choice(field: str, given: str, choices: Sequence[str]) -> str:
    """One of the choices, or Invalid."""
    if given not in choices:
        raise Invalid(field=field, reason=f"must be one of {', '.join(choices)}")
    return given
