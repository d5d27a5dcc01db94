"""What is compared, as ingest and convert tell it: documents, conversions that are still needed, tables."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ret.convert.v1 import convert_pb2, convert_pb2_grpc, snapshot_pb2, snapshot_pb2_grpc, tables_pb2, tables_pb2_grpc
from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from ret_diff.errors import SideChanged, SideGone
from ret_diff.pairing.model import DocumentFacts, FileFacts, TableFacts
from ret_diff.records import Name, SideOrder
from ret_kit.auth import Caller
from ret_kit.errors import Kind, RemoteError
from ret_kit.jobs.model import ClaimedJob
from ret_kit.rpc.client import as_service

NAME = "diff"
ENDED = (jobs_pb2.JOB_STATE_SUCCEEDED, jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)
FIRST_WAIT, LONGEST_WAIT = 0.05, 0.5  # seconds between two looks at a conversion
OTHERS_SECONDS = 300  # so long somebody else's conversion of the same documents is waited for
IDS = 5000  # documents in one call
LISTED = 1000  # documents in one answer
NOT_CONVERTED = "NOT_CONVERTED"


@dataclass(frozen=True)
class Services:
    """Who is asked."""

    ingest: ingest_pb2_grpc.IngestServiceAsyncStub
    convert: convert_pb2_grpc.ConvertServiceAsyncStub
    snapshots: snapshot_pb2_grpc.SnapshotServiceAsyncStub
    conversions: jobs_pb2_grpc.JobsServiceAsyncStub
    tables: tables_pb2_grpc.TablesServiceAsyncStub


@dataclass
class Listed:
    """The documents of a side by their ids, and the paths of its ZIPs; `bytes` are the sizes of the documents."""

    name: str = ""
    sha256: str = ""
    documents: dict[str, FileFacts] = field(default_factory=dict[str, FileFacts])
    bytes: dict[str, int] = field(default_factory=dict[str, int])
    zips: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Side:
    """One side of a comparison, asked for in the name of its session. Raises SideGone when it is not there any more."""

    services: Services
    side: Name
    order: SideOrder
    session_id: str
    user_id: str

    @contextmanager
    def _asking(self) -> Generator[None]:
        with as_service(NAME, self.session_id, self.user_id):
            try:
                yield
            except RemoteError as error:
                if error.kind is Kind.NOT_FOUND:
                    raise SideGone(side=self.side) from error
                raise

    @property
    def edited(self) -> bool:
        """Whether edits are in effect on this side."""
        return self.order.version == "edited"

    async def listed(self, groups: Sequence[str] = ()) -> Listed:
        """The documents, of these groups if there are any."""
        wanted = {one.casefold() for one in groups}
        request = ingest_pb2.InventoryRequest(
            collection_id=self.order.collection_id, document_id=self.order.document_id
        )
        found = Listed()
        with self._asking():
            async for answer in self.services.ingest.Inventory(request):
                if answer.HasField("header"):
                    found.name, found.sha256 = answer.header.collection_name, answer.header.sha256
                for entry in answer.entries:
                    if entry.type == "zip":
                        found.zips.append(entry.path)
                    elif entry.document_id and (not wanted or entry.group.casefold() in wanted):
                        found.documents[entry.document_id] = _facts(entry)
                        found.bytes[entry.document_id] = entry.content.length
        if self.order.document_id:
            [only] = found.documents.values()
            found.name, found.sha256 = only["name"], only["sha256"]
        return found

    async def tables(
        self, ids: Iterable[str], *, columns: bool, edited: bool | None = None
    ) -> dict[str, list[snapshot_pb2.SnapshotTable]]:
        """The tables of documents in the version that is compared, if no other is said; the main one first."""
        found: dict[str, list[snapshot_pb2.SnapshotTable]] = {}
        by_id: dict[str, snapshot_pb2.SnapshotTable] = {}
        for some in _chunked(sorted(ids)):
            request = snapshot_pb2.SnapshotRequest(
                collection_id=self.order.collection_id,
                document_ids=some,
                edited=self.edited if edited is None else edited,
                without_columns=not columns,
            )
            with self._asking():
                async for answer in self.services.snapshots.Snapshot(request):
                    for table in answer.tables:
                        if first := by_id.get(table.table_id):
                            first.columns.extend(table.columns)
                            continue
                        by_id[table.table_id] = table
                        found.setdefault(table.document_id, []).append(table)
        return found

    async def failures(self) -> dict[str, tuple[str, str]]:
        """(code, sentence) of why documents could not be converted, by document."""
        found: dict[str, tuple[str, str]] = {}
        while True:
            request = ingest_pb2.ListDocumentsRequest(
                collection_id=self.order.collection_id, status="failed", offset=len(found), limit=LISTED
            )
            with self._asking():
                answer = await self.services.ingest.ListDocuments(request)
            for one in answer.documents:
                last = one.warnings[-1] if one.warnings else ingest_pb2.Warning(code=NOT_CONVERTED)
                found[one.id] = last.code, last.detail or "The document could not be converted."
            if len(found) >= answer.total or not answer.documents:
                return found

    async def convert(
        self,
        ids: Sequence[str],
        key: str,
        begun: Callable[[str], Awaitable[None]],
        tell: Callable[[jobs_pb2.Job], Awaitable[None]],
    ) -> None:
        """Have these documents converted, and wait until that has ended, however it ended.

        Asked again with the same key, it waits for the conversion that was begun first; `begun` is told its job.
        """
        for at, some in enumerate(_chunked(await self._left(ids))):
            request = convert_pb2.StartRequest(
                collection_id=self.order.collection_id, document_ids=some, idempotency_key=f"{key}:{self.side}:{at}"
            )
            with self._asking():
                job = (await self.services.convert.Start(request)).job
            await begun(job.id)
            await self._wait(job, tell)

    async def save(self, request: tables_pb2.SaveRequest) -> tables_pb2.Saved:
        """Edit a table of this side. SideChanged when it is in another version than the one that is edited."""
        with self._asking():
            answer = await self.services.tables.Save(request)
        if answer.HasField("stale"):
            raise SideChanged(side=self.side)
        return answer.saved

    async def _left(self, ids: Sequence[str]) -> list[str]:
        """Which of these are still to be converted, once conversions have ended that others have begun of them.

        Two at once would replace each other's tables. Not waited for ever: a lost worker's is overtaken.
        """
        loop = asyncio.get_running_loop()
        give_up, pause = loop.time() + OTHERS_SECONDS, FIRST_WAIT
        while True:
            listed = (await self.listed()).documents
            statuses = {one: listed[one]["status"] for one in ids if one in listed}
            if "converting" not in statuses.values() or loop.time() > give_up:
                return sorted(one for one in ids if statuses.get(one) != "converted")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_WAIT)

    async def _wait(self, job: jobs_pb2.Job, tell: Callable[[jobs_pb2.Job], Awaitable[None]]) -> None:
        pause = FIRST_WAIT
        while job.state not in ENDED:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_WAIT)
            with self._asking():
                job = (await self.services.conversions.Get(jobs_pb2.GetRequest(job_id=job.id))).job
            await tell(job)


def side_of(services: Services, side: Name, row: Any, whose: ClaimedJob | Caller) -> Side:
    """A side of the row of a comparison, for a job or whoever calls."""
    order = SideOrder(
        getattr(row, f"{side}_collection"),
        getattr(row, f"{side}_document"),
        getattr(row, f"{side}_version"),
        getattr(row, f"{side}_name"),
    )
    return Side(services, side, order, whose.session_id, whose.user_id)


async def files(ingest: ingest_pb2_grpc.IngestServiceAsyncStub, row: Any, side: Name) -> dict[str, FileFacts]:
    """The documents of a side of a comparison by their ids, asked for by whoever calls. SideGone."""
    request = ingest_pb2.InventoryRequest(
        collection_id=getattr(row, f"{side}_collection"), document_id=getattr(row, f"{side}_document")
    )
    try:
        return {
            entry.document_id: _facts(entry)
            async for answer in ingest.Inventory(request)
            for entry in answer.entries
            if entry.document_id
        }
    except RemoteError as error:
        if error.kind is Kind.NOT_FOUND:
            raise SideGone(side=side) from error
        raise


async def stop_conversion(services: Services, session_id: str, user_id: str, job_id: str) -> None:
    """Nobody needs a conversion any more; one that is not there any more is no error."""
    with as_service(NAME, session_id, user_id):
        try:
            await services.conversions.Cancel(jobs_pb2.CancelRequest(job_id=job_id))
        except RemoteError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise


def with_tables(file: FileFacts, tables: Iterable[snapshot_pb2.SnapshotTable]) -> DocumentFacts:
    """A document with its tables, as pairing takes it."""
    return DocumentFacts(**file, tables=[_table_facts(one) for one in tables])


def is_edited(tables: Iterable[snapshot_pb2.SnapshotTable]) -> bool:
    """Whether edits are in effect in one of the tables."""
    return any(one.numbers_key for one in tables)


def _facts(entry: ingest_pb2.InventoryEntry) -> FileFacts:
    return FileFacts(
        id=entry.document_id,
        path=entry.path,
        name=entry.name or entry.path.rpartition("/")[2],
        group=entry.group,
        media_type=entry.media_type,
        sha256=entry.content.sha256,
        status=entry.status,
        edited=False,
    )


def _table_facts(table: snapshot_pb2.SnapshotTable) -> TableFacts:
    return TableFacts(
        id=table.table_id,
        name=table.name,
        role=table.role,
        position=table.position,
        key=table.blob_key,
        size=table.size,
        rows=table.rows,
        columns=[{"name": one.name, "path": one.path, "kind": one.kind} for one in table.columns],
        sha256=table.sha256,
        version=table.version,
    )


def _chunked(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + IDS] for start in range(0, len(ids), IDS)]
