"""The real ingest on real servers, as a caller and as an operator of it sees it; and small uploads."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from sqlalchemy import func, insert, select

from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from ret_ingest import filing
from ret_ingest.__main__ import App, open_app, open_server, stopped, work
from ret_ingest.schema import jobs as job_tables
from ret_ingest.settings import IngestSettings
from ret_kit.auth import Caller, acting_as
from ret_kit.bus import Delivery
from ret_kit.ending import Endings
from ret_kit.rpc.client import Channel, as_service
from ret_kit.testing import AuthStandIn

ENDED = (jobs_pb2.JOB_STATE_SUCCEEDED, jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)
GOOD = b"<?xml version='1.0'?><Rows><Row><A>1</A><B>2</B></Row><Row><A>3</A><B>4</B></Row></Rows>"


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of the files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@dataclass
class User:
    """Somebody who is logged in, and what they do."""

    who: Caller
    ingest: ingest_pb2_grpc.IngestServiceAsyncStub
    jobs: jobs_pb2_grpc.JobsServiceAsyncStub

    async def upload(
        self,
        data: bytes,
        filename: str = "Upload.zip",
        fields: Mapping[str, str] | None = None,
        *,
        chunk: int = 1 << 18,
        cut: bool = False,
    ) -> ingest_pb2.UploadResponse:
        """Send a file as the gateway does; `cut` leaves the trailer out, as a client that goes away does."""

        async def requests() -> AsyncIterator[ingest_pb2.UploadRequest]:
            yield ingest_pb2.UploadRequest(header=ingest_pb2.UploadHeader(filename=filename, **(fields or {})))
            for start in range(0, len(data), chunk):
                yield ingest_pb2.UploadRequest(chunk=data[start : start + chunk])
            if not cut:
                yield ingest_pb2.UploadRequest(trailer=ingest_pb2.UploadTrailer())

        with acting_as(self.who):
            return await self.ingest.Upload(requests())

    async def ended(self, job: jobs_pb2.Job) -> jobs_pb2.Job:
        """The job once it has ended."""
        async with asyncio.timeout(30):
            with acting_as(self.who):
                while job.state not in ENDED:
                    await asyncio.sleep(0.02)
                    job = (await self.jobs.Get(jobs_pb2.GetRequest(job_id=job.id))).job
        return job

    async def scanned(self, data: bytes, filename: str = "Upload.zip", **fields: str) -> ingest_pb2.Collection:
        """The collection of an upload, once its scan has succeeded."""
        answer = await self.upload(data, filename, fields)
        job = await self.ended(answer.job)
        assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job.error
        return await self.collection(answer.collection.id)

    async def collection(self, collection_id: str) -> ingest_pb2.Collection:
        with acting_as(self.who):
            request = ingest_pb2.GetCollectionRequest(collection_id=collection_id)
            return (await self.ingest.GetCollection(request)).collection

    async def documents(self, collection_id: str, **wanted: Any) -> list[ingest_pb2.Document]:
        with acting_as(self.who):
            request = ingest_pb2.ListDocumentsRequest(collection_id=collection_id, **wanted)
            return list((await self.ingest.ListDocuments(request)).documents)

    async def collections(self, **window: int) -> list[ingest_pb2.Collection]:
        with acting_as(self.who):
            return list((await self.ingest.ListCollections(ingest_pb2.ListCollectionsRequest(**window))).collections)

    async def change(self, collection_id: str, **fields: str) -> ingest_pb2.Collection:
        with acting_as(self.who):
            request = ingest_pb2.UpdateCollectionRequest(collection_id=collection_id, **fields)
            return (await self.ingest.UpdateCollection(request)).collection

    async def regroup(self, collection_id: str, grouping: str) -> None:
        assert (await self.change(collection_id, grouping=grouping)).grouping == grouping

    async def rename(self, collection_id: str, group: str, name: str) -> ingest_pb2.Collection:
        with acting_as(self.who):
            request = ingest_pb2.RenameGroupRequest(collection_id=collection_id, group=group, new_name=name)
            return (await self.ingest.RenameGroup(request)).collection

    async def move(self, document_id: str, group: str) -> ingest_pb2.Document:
        with acting_as(self.who):
            request = ingest_pb2.MoveDocumentRequest(document_id=document_id, group=group)
            return (await self.ingest.MoveDocument(request)).document

    async def delete(self, collection_id: str) -> None:
        with acting_as(self.who):
            await self.ingest.DeleteCollection(ingest_pb2.DeleteCollectionRequest(collection_id=collection_id))

    async def document(self, document_id: str) -> ingest_pb2.Document:
        with acting_as(self.who):
            return (await self.ingest.GetDocument(ingest_pb2.GetDocumentRequest(document_id=document_id))).document

    async def groups(self, collection_id: str) -> dict[str, str]:
        """Group by path."""
        return {document.path: document.group for document in await self.documents(collection_id)}

    async def tree(self, collection_id: str) -> list[tuple[int, str, str]]:
        """(depth, type, path) of every node, in order."""
        with acting_as(self.who):
            call = self.ingest.Tree(ingest_pb2.TreeRequest(collection_id=collection_id))
            return [(node.depth, node.type, node.path) async for answer in call for node in answer.nodes]

    async def source(self, document_id: str) -> tuple[ingest_pb2.SourceHeader, bytes]:
        with acting_as(self.who):
            parts = [one async for one in self.ingest.Source(ingest_pb2.SourceRequest(document_id=document_id))]
        return parts[0].header, b"".join(one.chunk for one in parts[1:])

    async def inventory(self, collection_id: str, **wanted: str) -> list[ingest_pb2.InventoryEntry]:
        """What convert is told for an export."""
        with as_service("convert", self.who.session_id, self.who.user_id):
            call = self.ingest.Inventory(ingest_pb2.InventoryRequest(collection_id=collection_id, **wanted))
            return [entry async for answer in call for entry in answer.entries]

    async def take(
        self, collection_id: str, job_id: str, order: int, **wanted: Any
    ) -> list[ingest_pb2.ConversionSource]:
        """What convert is given to convert."""
        request = ingest_pb2.TakeDocumentsRequest(collection_id=collection_id, job_id=job_id, order=order, **wanted)
        with as_service("convert", self.who.session_id, self.who.user_id):
            return [source async for answer in self.ingest.TakeDocuments(request) for source in answer.sources]

    async def record(self, job_id: str, order: int, *facts: ingest_pb2.DocumentConverted, fence: int = 1) -> int:
        request = ingest_pb2.RecordConvertedRequest(job_id=job_id, order=order, fence=fence, facts=facts)
        with as_service("convert", self.who.session_id, self.who.user_id):
            return (await self.ingest.RecordConverted(request)).recorded

    async def release(self, collection_id: str, job_id: str) -> None:
        request = ingest_pb2.ReleaseDocumentsRequest(collection_id=collection_id, job_id=job_id)
        with as_service("convert", self.who.session_id, self.who.user_id):
            await self.ingest.ReleaseDocuments(request)


@dataclass
class Bench:
    """The server, with or without its worker."""

    settings: IngestSettings
    app: App
    auth: AuthStandIn
    channel: Channel

    def user(self, **given: str) -> User:
        """Somebody new, or another session of `user_id`."""
        token = self.auth.login(**given)  # pyright: ignore[reportArgumentType] - only user_id is ever given
        claims = jwt.decode(token, options={"verify_signature": False})
        who = Caller(claims["sub"], claims["sid"], "user", token=token)
        stub = ingest_pb2_grpc.IngestServiceStub(self.channel)
        return User(who, stub, jobs_pb2_grpc.JobsServiceStub(self.channel))

    async def blobs(self) -> list[str]:
        """Every key in the store."""
        return await self.app.blobs.keys("sessions/")

    async def settled(self) -> None:
        """Wait until what ended jobs have left behind is put away."""
        table = job_tables.jobs
        async with asyncio.timeout(20):
            while True:
                async with self.app.db.read() as conn:
                    waiting = select(func.count()).select_from(table).where(table.c.settled.is_(False))
                    if not (await conn.execute(waiting)).scalar_one():
                        return
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def ended_here(self, user: User) -> AsyncGenerator[None]:
        """The session has ended in ingest, while its token still passes."""
        async with self.app.db.write() as conn:
            await conn.execute(insert(job_tables.tombstones).values(session_id=user.who.session_id, at=1))
        yield

    async def end(self, user: User) -> tuple[int, int]:
        """Carry out the end of a session here; (rows, blobs)."""
        app = self.app
        endings = Endings("ingest", app.db, job_tables, app.bus, app.blobs, filing.forget)
        return await endings.end(user.who.session_id)

    def found_in_data(self, needle: bytes) -> list[str]:
        """The files below the data folder that hold some bytes, or have them in their names."""
        root = Path(self.settings.data_dir)
        return [
            str(path)
            for path in root.rglob("*")
            if path.is_file() and (needle in path.read_bytes() or needle in str(path).encode())
        ]

    async def facts(self, user: User) -> list[tuple[str, dict[str, Any]]]:
        """(subject, content) of the facts that were told about a session, at least one of them."""
        heard: list[tuple[str, dict[str, Any]]] = []

        async def hear(delivery: Delivery) -> None:
            content = json.loads(delivery.data)
            if content["session_id"] == user.who.session_id:
                heard.append((delivery.subject, content))

        listening = asyncio.create_task(self.app.bus.consume("facts.*", "test", hear))
        async with asyncio.timeout(10):
            while not heard:
                await asyncio.sleep(0.02)
        listening.cancel()
        await asyncio.wait({listening})
        return heard

    def blob_files(self) -> list[str]:
        """Every file of the local store, also those that no listing shows."""
        root = Path(self.settings.data_dir) / "blobs"
        return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]


@asynccontextmanager
async def opened(settings: IngestSettings, auth: AuthStandIn) -> AsyncGenerator[Bench]:
    """The server in this process, at a free port."""
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(settings))
        server = await stack.enter_async_context(open_server(settings, app))
        await server.start()
        channel = await stack.enter_async_context(Channel(settings, "ingest", f"127.0.0.1:{server.port}"))
        yield Bench(settings, app, auth, channel)


@asynccontextmanager
async def working(settings: IngestSettings) -> AsyncGenerator[None]:
    """A worker in this process, with a child that scans."""
    task = asyncio.create_task(work(settings))
    try:
        yield
    finally:
        await stopped(task)


def result(job: jobs_pb2.Job) -> dict[str, Any]:
    """What a job gave."""
    return json.loads(job.result_json)


def on_both(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
    """Run a test on each of the databases, with the services that its module has there."""
    databases = pytest.mark.parametrize("both", ["sqlite", "postgresql"], indirect=True, scope="module")
    return pytest.mark.asyncio(loop_scope="module")(databases(test))
