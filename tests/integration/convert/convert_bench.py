"""The real convert beside the real ingest, on real servers, as a caller sees them; and small uploads."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import jwt

from ret.convert.v1 import convert_pb2, convert_pb2_grpc, tables_pb2_grpc
from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from ret_convert import __main__ as convert_main
from ret_convert.settings import ConvertSettings
from ret_convert.views.views import MODULES, open_reading
from ret_ingest import __main__ as ingest_main
from ret_ingest.settings import IngestSettings
from ret_kit.auth import Caller, acting_as
from ret_kit.pools import Pool
from ret_kit.rpc.client import Channel
from ret_kit.testing import AuthStandIn

ENDED = (jobs_pb2.JOB_STATE_SUCCEEDED, jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)


def rows(*words: str, row: str = "Row") -> bytes:
    """A document with a record a word."""
    body = "".join(f"<{row}><Id>{number}</Id><Word>{word}</Word></{row}>" for number, word in enumerate(words, 1))
    return f"<Rows>{body}</Rows>".encode()


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of the files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """The files of a ZIP, and of ZIPs inside it, by path."""
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".zip"):
                found |= {f"{name}/{path}": inner for path, inner in unpacked(content).items()}
            elif not name.endswith("/"):
                found[name] = content
    return found


@dataclass(frozen=True)
class Exported:
    """What an export gave, and in how many pieces it came."""

    filename: str
    media_type: str
    data: bytes
    pieces: int


@dataclass
class User:
    """Somebody who is logged in, and what they do."""

    who: Caller
    ingest: ingest_pb2_grpc.IngestServiceAsyncStub
    ingest_jobs: jobs_pb2_grpc.JobsServiceAsyncStub
    convert: convert_pb2_grpc.ConvertServiceAsyncStub
    jobs: jobs_pb2_grpc.JobsServiceAsyncStub
    tables: tables_pb2_grpc.TablesServiceAsyncStub

    async def upload(self, data: bytes, filename: str = "Upload.zip") -> ingest_pb2.UploadResponse:
        async def requests() -> AsyncIterator[ingest_pb2.UploadRequest]:
            yield ingest_pb2.UploadRequest(header=ingest_pb2.UploadHeader(filename=filename))
            for start in range(0, len(data), 1 << 18):
                yield ingest_pb2.UploadRequest(chunk=data[start : start + (1 << 18)])
            yield ingest_pb2.UploadRequest(trailer=ingest_pb2.UploadTrailer())

        with acting_as(self.who):
            return await self.ingest.Upload(requests())

    async def scanned(self, files: Mapping[str, bytes] | bytes, filename: str = "Upload.zip") -> str:
        """The id of an upload's collection, once its scan has succeeded."""
        data = files if isinstance(files, bytes) else packed(files)
        answer = await self.upload(data, filename)
        job = await ended(self.who, self.ingest_jobs, answer.job)
        assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job.error
        return answer.collection.id

    async def start(self, collection_id: str, **given: Any) -> jobs_pb2.Job:
        with acting_as(self.who):
            request = convert_pb2.StartRequest(collection_id=collection_id, **given)
            return (await self.convert.Start(request)).job

    async def job(self, job_id: str) -> jobs_pb2.Job:
        with acting_as(self.who):
            return (await self.jobs.Get(jobs_pb2.GetRequest(job_id=job_id))).job

    async def cancel(self, job_id: str) -> None:
        with acting_as(self.who):
            await self.jobs.Cancel(jobs_pb2.CancelRequest(job_id=job_id))

    async def ended(self, job: jobs_pb2.Job) -> jobs_pb2.Job:
        return await ended(self.who, self.jobs, job)

    async def converted(self, collection_id: str, **given: Any) -> dict[str, Any]:
        """The figures of a conversion that has succeeded."""
        job = await self.ended(await self.start(collection_id, **given))
        assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job.error
        return json.loads(job.result_json)

    async def documents(self, collection_id: str) -> dict[str, ingest_pb2.Document]:
        """The listed documents by path."""
        with acting_as(self.who):
            request = ingest_pb2.ListDocumentsRequest(collection_id=collection_id, limit=1000)
            return {one.path: one for one in (await self.ingest.ListDocuments(request)).documents}

    async def delete(self, collection_id: str) -> None:
        with acting_as(self.who):
            await self.ingest.DeleteCollection(ingest_pb2.DeleteCollectionRequest(collection_id=collection_id))

    async def export(self, collection_id: str, kind: str = "csv", **given: Any) -> Exported:
        with acting_as(self.who):
            call = self.convert.Export(
                convert_pb2.ExportRequest(collection_id=collection_id, format=kind, **given)  # pyright: ignore[reportArgumentType]
            )
            parts = [one async for one in call]
        header = parts[0].header
        return Exported(header.filename, header.media_type, b"".join(one.chunk for one in parts[1:]), len(parts) - 1)


async def ended(who: Caller, jobs: jobs_pb2_grpc.JobsServiceAsyncStub, job: jobs_pb2.Job) -> jobs_pb2.Job:
    """The job once it has ended."""
    async with asyncio.timeout(60):
        with acting_as(who):
            while job.state not in ENDED:
                await asyncio.sleep(0.02)
                job = (await jobs.Get(jobs_pb2.GetRequest(job_id=job.id))).job
    return job


@dataclass
class Bench:
    """Both services with their workers; `convert` is the convert that answers."""

    settings: ConvertSettings
    convert: convert_main.App
    auth: AuthStandIn
    ingest_channel: Channel
    convert_channel: Channel

    def user(self) -> User:
        """Somebody new."""
        token = self.auth.login()
        claims = jwt.decode(token, options={"verify_signature": False})
        return User(
            Caller(claims["sub"], claims["sid"], "user", token=token),
            ingest_pb2_grpc.IngestServiceStub(self.ingest_channel),
            jobs_pb2_grpc.JobsServiceStub(self.ingest_channel),
            convert_pb2_grpc.ConvertServiceStub(self.convert_channel),
            jobs_pb2_grpc.JobsServiceStub(self.convert_channel),
            tables_pb2_grpc.TablesServiceStub(self.convert_channel),
        )

    async def tables(self) -> list[str]:
        """The keys of every stored table."""
        return [key for key in await self.convert.blobs.keys("sessions/") if "/jobs/convert-" in key]


@asynccontextmanager
async def opened(make: Callable[..., dict[str, object]], auth: AuthStandIn) -> AsyncGenerator[Bench]:
    """Both servers in this process, at free ports, and an ingest worker; converting is the test's to start."""
    async with AsyncExitStack() as stack:
        ingest_settings = IngestSettings.model_validate(make(ingest_scans=1))
        ingest = await stack.enter_async_context(ingest_main.open_app(ingest_settings))
        ingest_server = await stack.enter_async_context(ingest_main.open_server(ingest_settings, ingest))
        await ingest_server.start()
        address = f"127.0.0.1:{ingest_server.port}"
        settings = ConvertSettings.model_validate(make(ingest_address=address, convert_exports=1, convert_slots=2))
        app = await stack.enter_async_context(convert_main.open_app(settings))
        ingest_channel = await stack.enter_async_context(Channel(settings, "ingest", address))
        convert_channel = await stack.enter_async_context(answering(settings, app))
        await stack.enter_async_context(running(ingest_main.work(ingest_settings)))
        yield Bench(settings, app, auth, ingest_channel, convert_channel)


@asynccontextmanager
async def answering(settings: ConvertSettings, app: convert_main.App) -> AsyncGenerator[Channel]:
    """A convert that answers, and a channel to it."""
    async with (
        Pool("convert", 1, ["ret_convert.export.archive"], settings.export_limits()) as exports,
        Pool("convert", 1, MODULES, settings.view_limits()) as children,
        open_reading(settings.blob_location(), children) as reading,
        convert_main.open_server(settings, app, exports, reading) as server,
    ):
        await server.start()
        async with Channel(settings, "convert", f"127.0.0.1:{server.port}") as channel:
            yield channel


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncGenerator[asyncio.Task[None]]:
    """A worker in this process, with its children; stopped at the end."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await convert_main.stopped(task)
