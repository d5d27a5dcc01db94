"""Conversions as jobs: documents are taken from ingest, cut into tasks, converted in children, and told of.

A task is a bounded amount of input; a document that brings its child down is tried alone and fails alone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret_convert import records
from ret_convert.editing.log import edits_of
from ret_convert.orders import Outcome, Progress, SourceOrder, TableListed
from ret_convert.positions import positions_of
from ret_convert.records import Conversion
from ret_convert.views.building import views_of
from ret_kit.blobs import Blobs
from ret_kit.bus import Bus, Delivery
from ret_kit.database import Database
from ret_kit.errors import Kind, RemoteError, RetError
from ret_kit.jobs.host import JobHost
from ret_kit.jobs.model import ClaimedJob, ClaimedTask, Done, EndedJob, Fanout, Fenced, TaskDone, TaskSpec
from ret_kit.jobs.running import Running
from ret_kit.pools import MemoryExceeded, TimeExceeded, WorkerLost
from ret_kit.rpc.client import as_service

NAME = "convert"
TYPE = "convert"
CONVERT = "ret_convert.converting:convert"
FACTS = 200  # facts in one message
DETAIL = ("bytes", "rows", "cells", "failed", "methods")
LEAST = 8  # documents a task has at least, so that the telling does not outweigh the work
KEPT = {
    "code": "FORMER_TABLES_KEPT",
    "detail": "Converting it again failed; it has still the tables of the conversion before.",
}
AT_ONCE = 16  # tables that are removed at the same time
SHARES = 16  # tasks that many small documents are cut into at least, so that all workers have some

log = logging.getLogger("ret.convert")


@dataclass(frozen=True)
class Rules:
    """What conversions go by; `blobs` is the store's URL."""

    blobs: str
    task_bytes: int
    task_documents: int
    repeats: int
    columns: int


class ConvertWork:
    """A conversion: `run` plans it, `task` converts some documents, `close` adds the figures up."""

    type = TYPE

    def __init__(
        self, host: JobHost, blobs: Blobs, ingest: ingest_pb2_grpc.IngestServiceAsyncStub, rules: Rules
    ) -> None:
        self._host, self._blobs, self._ingest, self._rules = host, blobs, ingest, rules
        self._db: Database = host.store.db

    async def run(self, job: ClaimedJob, run: Running) -> Fanout:  # noqa: ARG002 - the contract of works
        """Take the documents and cut them into tasks, the biggest first."""
        request = ingest_pb2.TakeDocumentsRequest(
            collection_id=job.payload["collection_id"],
            job_id=job.id,
            order=job.created_at_ms,
            groups=job.payload["groups"],
            document_ids=job.payload["documents"],
        )
        sources: list[SourceOrder] = []
        async with self._unless_deleted(job):
            with as_service(NAME, job.session_id, job.user_id):
                async for answer in self._ingest.TakeDocuments(request):
                    sources.extend(map(source_order, answer.sources))
        tasks = [
            TaskSpec({"sources": part}, max(1, sum(one["bytes"] for one in part)))
            for part in parts(sources, self._rules.task_bytes, self._rules.task_documents)
        ]
        return Fanout(tasks, len(sources), "documents")

    async def task(self, task: ClaimedTask, run: Running) -> TaskDone:
        """Convert, tell ingest, and put the tables in place."""
        sources: list[SourceOrder] = task.payload["sources"]
        job = task.job
        by = Conversion(job.id, job.created_at_ms, job.payload["collection_id"], job.session_id)
        async with self._unless_deleted(job):
            outcomes = await self._outcomes(task, run, sources)
            await self._tell(task, outcomes)

        async def commit(conn: AsyncConnection) -> None:
            await records.replace(conn, by, outcomes)

        figures = Progress(lambda _: None)
        for outcome in outcomes:
            figures.finished(outcome)
        result = figures.figures()
        return TaskDone(result, len(outcomes), {name: result[name] for name in DETAIL}, commit)

    async def close(self, job: ClaimedJob, results: list[dict[str, Any]]) -> Done:
        """The job's figures over all tasks."""
        seconds = max(time.time() - job.started_at_ms / 1000, 0.001)
        total = {
            name: sum(result[name] for result in results) for name in ("documents", "failed", "rows", "cells", "bytes")
        }
        methods: dict[str, int] = {}
        for result in results:
            for method, count in result["methods"].items():
                methods[method] = methods.get(method, 0) + count
        figures = {
            "documents": total["documents"],
            "converted": total["documents"] - total["failed"],
            "failed": total["failed"],
            "salvaged": methods.get("salvaged", 0) + methods.get("lines", 0),
            "rows": total["rows"],
            "cells": total["cells"],
            "bytes_in": total["bytes"],
            "seconds": round(seconds, 3),
            "mb_per_second": round(total["bytes"] / 1e6 / seconds, 3),
            "methods": methods,
        }
        return Done(figures, after=lambda: remove_leftovers(self._db, self._blobs, job.session_id))

    async def abandoned(self, job: EndedJob) -> None:
        """Give back to ingest what was taken and not converted."""
        request = ingest_pb2.ReleaseDocumentsRequest(job_id=job.id, collection_id=job.payload["collection_id"])
        try:
            with as_service(NAME, job.session_id, job.user_id):
                await self._ingest.ReleaseDocuments(request)
        except RemoteError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            # The collection was deleted, and its documents with it.
        await remove_leftovers(self._db, self._blobs, job.session_id)

    @asynccontextmanager
    async def _unless_deleted(self, job: ClaimedJob) -> AsyncGenerator[None]:
        """Cancel the job, and raise Fenced, when something is not found because the collection was deleted.

        The fact of the deletion may come later than what it does to the documents.
        """
        try:
            yield
        except RetError as error:
            if error.kind is not Kind.NOT_FOUND or await self._is_there(job):
                raise
            store = self._host.store
            async with self._db.write() as conn:
                await store.cancel(conn, store.tables.jobs.c.id == job.id)
            self._host.relay.wake()
            raise Fenced from error

    async def _is_there(self, job: ClaimedJob) -> bool:
        """Whether the collection still exists."""
        request = ingest_pb2.GetCollectionRequest(collection_id=job.payload["collection_id"])
        try:
            with as_service(NAME, job.session_id, job.user_id):
                await self._ingest.GetCollection(request)
        except RemoteError as error:
            if error.kind is Kind.NOT_FOUND:
                return False
            raise
        return True

    # --- a task's documents -----------------------------------------------------------------------------------

    async def _outcomes(self, task: ClaimedTask, run: Running, sources: list[SourceOrder]) -> list[Outcome]:
        """What became of the documents; one that a child does not survive is found by trying each alone."""
        last = task.attempt >= task.max_attempts
        try:
            return await self._converted(task, run, sources)
        except (WorkerLost, MemoryExceeded, TimeExceeded) as lost:
            if len(sources) == 1 and not last:
                raise
            await self._still_wanted(task)
            if len(sources) == 1:
                return [refused(sources[0], lost)]
        return [await self._alone(task, run, source) for source in sources]

    async def _alone(self, task: ClaimedTask, run: Running, source: SourceOrder) -> Outcome:
        """One document by itself, as often as a job is tried."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return (await self._converted(task, run, [source]))[0]
            except (WorkerLost, MemoryExceeded, TimeExceeded) as lost:
                await self._still_wanted(task)
                log.warning(
                    "a document brought its process down",
                    extra={
                        "job_id": task.job.id,
                        "document_id": source["document_id"],
                        "code": lost.code,
                        "attempt": attempt,
                    },
                )
                if attempt >= task.max_attempts:
                    return refused(source, lost)

    async def _converted(self, task: ClaimedTask, run: Running, sources: list[SourceOrder]) -> list[Outcome]:
        job = task.job
        order = {
            "blobs": self._rules.blobs,
            "prefix": run.staging,
            "job_id": job.id,
            "layout": job.payload["layout"],
            "repeats": self._rules.repeats,
            "columns": self._rules.columns,
            "record_paths": {
                one["document_id"]: path
                for one in sources
                if (path := job.payload["record_paths"].get(one["document_id"]))
            },
            "sources": sources,
        }

        async def tell(report: dict[str, Any]) -> None:
            done = report.pop("documents")
            await run.progress(done, detail=report, work=(report["bytes"], task.weight))

        return (await run.call(CONVERT, order, on_report=tell))["outcomes"]

    async def _still_wanted(self, task: ClaimedTask) -> None:
        """Fenced when the job was cancelled, taken over, or its session is ending: then nothing is tried again."""
        async with self._db.read() as conn:
            try:
                await self._host.store.refuse_ended(conn, task.job.session_id)
            except RetError:
                raise Fenced from None
        if not await self._host.tasks.renew(task):
            raise Fenced

    async def _tell(self, task: ClaimedTask, outcomes: Sequence[Outcome]) -> None:
        """A conversion counts once ingest has acknowledged it; telling it twice changes nothing."""
        job = task.job
        failed = [one["document_id"] for one in outcomes if one["status"] == "failed"]
        async with self._db.read() as conn:
            former = await records.listed(conn, job.session_id, failed)
        for start in range(0, len(outcomes), FACTS):
            request = ingest_pb2.RecordConvertedRequest(
                job_id=job.id,
                order=job.created_at_ms,
                fence=task.fence,
                facts=[fact(one, former.get(one["document_id"], ())) for one in outcomes[start : start + FACTS]],
            )
            with as_service(NAME, job.session_id, job.user_id):
                await self._ingest.RecordConverted(request)


def source_order(source: ingest_pb2.ConversionSource) -> SourceOrder:
    """A document as a child is told of it: ids and places, no name."""
    content = source.content
    return SourceOrder(
        document_id=source.document_id,
        media_type=source.media_type,
        bytes=source.bytes,
        key=content.blob_key,
        offset=content.offset,
        length=content.length,
        sha256=content.sha256,
    )


def parts(sources: list[SourceOrder], most_bytes: int, most_documents: int) -> Iterator[list[SourceOrder]]:
    """The documents in their order, cut by size and by number; a document too big for a part is one alone."""
    documents = min(most_documents, max(LEAST, -(-len(sources) // SHARES)))
    part: list[SourceOrder] = []
    size = 0
    for source in sources:
        if part and (len(part) >= documents or size + source["bytes"] > most_bytes):
            yield part
            part, size = [], 0
        part.append(source)
        size += source["bytes"]
    if part:
        yield part


def refused(source: SourceOrder, error: RetError) -> Outcome:
    """A document that was given up."""
    return Outcome(
        document_id=source["document_id"],
        status="failed",
        method="",
        fidelity=None,
        bytes=source["bytes"],
        tables=[],
        warnings=[{"code": error.code, "detail": error.detail}],
    )


def fact(outcome: Outcome, former: Sequence[TableListed] = ()) -> ingest_pb2.DocumentConverted:
    """What ingest lists of it; `former` are the tables that a document which failed has still."""
    warnings = [*outcome["warnings"], KEPT] if former else outcome["warnings"]
    return ingest_pb2.DocumentConverted(
        document_id=outcome["document_id"],
        status=outcome["status"],
        method=outcome["method"],
        fidelity=outcome["fidelity"],
        tables=[
            ingest_pb2.TableRef(
                id=one["id"], name=one["name"], role=one["role"], rows=one["rows"], columns=one["columns"]
            )
            for one in outcome["tables"] or former
        ],
        warnings=[ingest_pb2.Warning(code=one["code"], detail=one["detail"]) for one in warnings],
    )


async def remove_leftovers(db: Database, blobs: Blobs, session_id: str) -> None:
    """Remove tables that were replaced or whose collection is gone, with their edits. Idempotent."""
    while True:
        async with db.read() as conn:
            keys = await records.leftover(conn, session_id)
        if not keys:
            return
        for start in range(0, len(keys), AT_ONCE):
            async with asyncio.TaskGroup() as group:
                for key in keys[start : start + AT_ONCE]:
                    group.create_task(_remove(blobs, key))
        async with db.write() as conn:
            await records.removed(conn, keys)


async def _remove(blobs: Blobs, key: str) -> None:
    """Remove a table with all that is beside it."""
    await blobs.delete(key)
    await blobs.delete(positions_of(key))
    await blobs.delete_prefix(edits_of(key))
    await blobs.delete_prefix(views_of(key))


class Deletions:
    """Hears that a collection was deleted: what works on it is broken off, and what it became is deleted."""

    SUBJECT = "facts.collection_deleted"

    def __init__(self, host: JobHost, bus: Bus, blobs: Blobs) -> None:
        self._host, self._bus, self._blobs = host, bus, blobs
        self._db: Database = host.store.db

    async def heard(self, delivery: Delivery) -> None:
        """`{collection_id, session_id}`; once more is the same as once."""
        told = json.loads(delivery.data)
        session_id, collection_id = told["session_id"], told["collection_id"]
        store = self._host.store
        async with self._db.write() as conn:
            open_jobs = await records.jobs_of(conn, session_id, collection_id)
            await store.cancel(conn, store.tables.jobs.c.id.in_(open_jobs))
            await records.forget_collection(conn, session_id, collection_id)
        self._host.relay.wake()
        for job_id in open_jobs:
            await self._bus.publish(f"cancel.{store.service}.{job_id}", b"")
        await remove_leftovers(self._db, self._blobs, session_id)
