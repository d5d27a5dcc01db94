"""The real diff beside the real convert and ingest, on real servers, as a caller sees them; and small uploads."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import jwt

from ret.convert.v1 import convert_pb2, convert_pb2_grpc, tables_pb2_grpc
from ret.diff.v1 import diff_pb2, diff_pb2_grpc
from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from ret_convert import __main__ as convert_main
from ret_convert.settings import ConvertSettings
from ret_convert.views.views import MODULES, open_reading
from ret_diff import __main__ as diff_main
from ret_diff.reporting import REPORT
from ret_diff.settings import DiffSettings
from ret_diff.shown import Shown
from ret_ingest import __main__ as ingest_main
from ret_ingest.settings import IngestSettings
from ret_kit.auth import Caller, acting_as
from ret_kit.pools import Pool
from ret_kit.rpc.client import Channel
from ret_kit.testing import AuthStandIn

ENDED = (jobs_pb2.JOB_STATE_SUCCEEDED, jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)


def document(*rows: Mapping[str, str], row: str = "Row") -> bytes:
    """A document with these records."""
    body = "".join(f"<{row}>" + "".join(f"<{k}>{v}</{k}>" for k, v in one.items()) + f"</{row}>" for one in rows)
    return f"<Rows>{body}</Rows>".encode()


def words(*found: str) -> bytes:
    """A document with a record a word."""
    return document(*({"Id": f"K{number:03d}", "Word": word} for number, word in enumerate(found, 1)))


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of the files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@dataclass
class Result:
    """A comparison that has ended, as its user sees it."""

    user: User
    comparison: diff_pb2.Comparison
    job: jobs_pb2.Job

    @property
    def id(self) -> str:
        return self.comparison.id

    async def again(self) -> Result:
        return Result(self.user, await self.user.comparison(self.id), self.job)

    async def pairs(self, **wanted: Any) -> list[diff_pb2.Pair]:
        request = diff_pb2.ListPairsRequest(comparison_id=self.id, limit=1000, **wanted)
        with acting_as(self.user.who):
            return list((await self.user.diff.ListPairs(request)).pairs)

    async def statuses(self) -> dict[str, str]:
        """Statuses by path."""
        return {one.b_path or one.a_path: one.status for one in await self.pairs()}

    async def pair(self, path: str) -> diff_pb2.Pair:
        """The pair with a document of this path."""
        [found] = [one for one in await self.pairs() if path in (one.a_path, one.b_path)]
        return found

    async def rows(self, pair: diff_pb2.Pair, **wanted: Any) -> list[dict[str, Any]]:
        """The rows of a view, changed ones if no other is asked for."""
        given: dict[str, Any] = {"limit": 1000} | wanted
        request = diff_pb2.RowsRequest(comparison_id=self.id, pair_id=pair.id, **given)
        with acting_as(self.user.who):
            parts = [one async for one in self.user.diff.Rows(request)]
        return json.loads(b"".join(one.chunk for one in parts))

    def count(self, status: str) -> int:
        """Pairs of a status."""
        return getattr(self.comparison.summary, status)


@dataclass
class User:
    """Somebody who is logged in, and what they do."""

    who: Caller
    ingest: ingest_pb2_grpc.IngestServiceAsyncStub
    ingest_jobs: jobs_pb2_grpc.JobsServiceAsyncStub
    convert: convert_pb2_grpc.ConvertServiceAsyncStub
    convert_jobs: jobs_pb2_grpc.JobsServiceAsyncStub
    tables: tables_pb2_grpc.TablesServiceAsyncStub
    diff: diff_pb2_grpc.DiffServiceAsyncStub
    jobs: jobs_pb2_grpc.JobsServiceAsyncStub

    async def scanned(self, files: Mapping[str, bytes] | bytes, filename: str = "Upload.zip") -> str:
        """The id of an upload's collection, once its scan has succeeded."""
        data = files if isinstance(files, bytes) else packed(files)

        async def requests() -> AsyncIterator[ingest_pb2.UploadRequest]:
            yield ingest_pb2.UploadRequest(header=ingest_pb2.UploadHeader(filename=filename))
            for start in range(0, len(data), 1 << 18):
                yield ingest_pb2.UploadRequest(chunk=data[start : start + (1 << 18)])
            yield ingest_pb2.UploadRequest(trailer=ingest_pb2.UploadTrailer())

        with acting_as(self.who):
            answer = await self.ingest.Upload(requests())
        job = await self.ended(answer.job, self.ingest_jobs)
        assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job.error
        return answer.collection.id

    async def ended(self, job: jobs_pb2.Job, jobs: jobs_pb2_grpc.JobsServiceAsyncStub | None = None) -> jobs_pb2.Job:
        """The job once it has ended."""
        async with asyncio.timeout(60):
            with acting_as(self.who):
                while job.state not in ENDED:
                    await asyncio.sleep(0.02)
                    job = (await (jobs or self.jobs).Get(jobs_pb2.GetRequest(job_id=job.id))).job
        return job

    async def succeeded(self, job: jobs_pb2.Job) -> dict[str, Any]:
        """The figures of a job that has succeeded."""
        job = await self.ended(job)
        assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job.error
        return json.loads(job.result_json)

    async def converted(self, collection_id: str, **given: Any) -> None:
        with acting_as(self.who):
            job = (await self.convert.Start(convert_pb2.StartRequest(collection_id=collection_id, **given))).job
        job = await self.ended(job, self.convert_jobs)
        assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job.error

    async def documents(self, collection_id: str) -> dict[str, ingest_pb2.Document]:
        """The listed documents by path."""
        with acting_as(self.who):
            request = ingest_pb2.ListDocumentsRequest(collection_id=collection_id, limit=1000)
            return {one.path: one for one in (await self.ingest.ListDocuments(request)).documents}

    async def delete(self, collection_id: str) -> None:
        with acting_as(self.who):
            await self.ingest.DeleteCollection(ingest_pb2.DeleteCollectionRequest(collection_id=collection_id))

    async def start(self, a: diff_pb2.Side | str, b: diff_pb2.Side | str, **given: Any) -> diff_pb2.StartResponse:
        sides = {"a": side(a), "b": side(b)}
        with acting_as(self.who):
            return await self.diff.Start(diff_pb2.StartRequest(**sides, **given))

    async def comparison(self, comparison_id: str) -> diff_pb2.Comparison:
        with acting_as(self.who):
            return (await self.diff.Get(diff_pb2.GetRequest(comparison_id=comparison_id))).comparison

    async def compared(self, a: diff_pb2.Side | str, b: diff_pb2.Side | str, **given: Any) -> Result:
        """A comparison that has succeeded."""
        started = await self.start(a, b, **given)
        job = await self.ended(started.job)
        assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job.error
        return Result(self, await self.comparison(started.comparison.id), job)

    async def two(self, a: bytes, b: bytes, **given: Any) -> tuple[Result, diff_pb2.Pair]:
        """Two documents compared, and their one pair."""
        ids = [await self.scanned(one, "table.xml") for one in (a, b)]
        result = await self.compared(*ids, **given)
        [pair] = await result.pairs()
        return result, pair


def side(of: diff_pb2.Side | str) -> diff_pb2.Side:
    """A side; a text is a collection's id."""
    return diff_pb2.Side(collection_id=of) if isinstance(of, str) else of


@dataclass
class Bench:
    """All services with their workers, but for one that compares; `app` is the diff that answers."""

    settings: DiffSettings
    app: diff_main.App
    auth: AuthStandIn
    ingest_channel: Channel
    convert_channel: Channel
    diff_channel: Channel

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
            diff_pb2_grpc.DiffServiceStub(self.diff_channel),
            jobs_pb2_grpc.JobsServiceStub(self.diff_channel),
        )


@asynccontextmanager
async def opened(make: Callable[..., dict[str, object]], auth: AuthStandIn) -> AsyncGenerator[Bench]:
    """All servers in this process, at free ports, and workers of ingest and convert; to compare is the test's."""
    async with AsyncExitStack() as stack:
        ingest_settings = IngestSettings.model_validate(make(ingest_scans=1))
        ingest = await stack.enter_async_context(ingest_main.open_app(ingest_settings))
        ingest_server = await stack.enter_async_context(ingest_main.open_server(ingest_settings, ingest))
        await ingest_server.start()
        addresses = {"ingest_address": f"127.0.0.1:{ingest_server.port}"}
        convert_settings = ConvertSettings.model_validate(make(**addresses, convert_slots=2))
        convert_port = await stack.enter_async_context(converting(convert_settings))
        addresses |= {"convert_address": f"127.0.0.1:{convert_port}"}
        settings = DiffSettings.model_validate(make(**addresses, diff_slots=2))
        app = await stack.enter_async_context(diff_main.open_app(settings))
        channels = [
            await stack.enter_async_context(Channel(settings, name, addresses[f"{name}_address"]))
            for name in ("ingest", "convert")
        ]
        diff_channel = await stack.enter_async_context(answering(settings, app))
        await stack.enter_async_context(running(ingest_main.work(ingest_settings)))
        await stack.enter_async_context(running(convert_main.work(convert_settings)))
        yield Bench(settings, app, auth, channels[0], channels[1], diff_channel)


@asynccontextmanager
async def converting(settings: ConvertSettings) -> AsyncGenerator[int]:
    """The port of a convert that answers."""
    async with (
        convert_main.open_app(settings) as app,
        Pool("convert", 1, ["ret_convert.export.archive"], settings.export_limits()) as exports,
        Pool("convert", 1, MODULES, settings.view_limits()) as children,
        open_reading(settings.blob_location(), children) as reading,
        convert_main.open_server(settings, app, exports, reading) as server,
    ):
        await server.start()
        yield server.port


@asynccontextmanager
async def answering(settings: DiffSettings, app: diff_main.App) -> AsyncGenerator[Channel]:
    """A diff that answers, and a channel to it."""
    async with (
        Pool("diff", 1, [REPORT.partition(":")[0]], settings.report_limits()) as reports,
        diff_main.open_server(settings, app, reports, Shown(app.blobs)) as server,
    ):
        await server.start()
        async with Channel(settings, "diff", f"127.0.0.1:{server.port}") as channel:
            yield channel


@asynccontextmanager
async def process(settings: DiffSettings, role: str, **more: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """One of diff's processes as an operator starts it, stopped with SIGTERM unless it was killed."""
    env = {
        "RET_DATA_DIR": str(settings.data_dir),
        "RET_NATS_URL": settings.nats_url,
        "RET_REDIS_URL": settings.redis_url,
        "RET_AUTH_ADDRESS": settings.auth_address,
        "RET_INGEST_ADDRESS": settings.ingest_address,
        "RET_CONVERT_ADDRESS": settings.convert_address,
        "RET_SERVICE_SECRET": settings.service_secret.get_secret_value(),
        "RET_JOBS_LEASE_SECONDS": str(settings.jobs.lease_seconds),
        "RET_JOBS_HEARTBEAT_SECONDS": str(settings.jobs.heartbeat_seconds),
        "RET_JOBS_RECONCILE_SECONDS": str(settings.jobs.reconcile_seconds),
    }
    started = await asyncio.create_subprocess_exec(sys.executable, "-m", "ret_diff", role, env=os.environ | env | more)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                await started.wait()


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncGenerator[asyncio.Task[None]]:
    """A worker in this process, with its children; stopped at the end."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await diff_main.stopped(task)
