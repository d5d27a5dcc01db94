"""The processes of diff: `python -m ret_diff serve` answers calls and makes reports, `… work` compares."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ret.convert.v1 import convert_pb2_grpc, snapshot_pb2_grpc, tables_pb2_grpc
from ret.diff.v1 import diff_pb2_grpc
from ret.ingest.v1 import ingest_pb2_grpc
from ret.jobs.v1 import jobs_pb2_grpc
from ret_diff import records
from ret_diff.again import AgainWork
from ret_diff.reporting import REPORT
from ret_diff.results_server import DiffServer
from ret_diff.schema import jobs as job_tables
from ret_diff.server import ACCESS, Ports
from ret_diff.server import NAME as CONTRACT
from ret_diff.settings import DiffSettings
from ret_diff.shown import Shown
from ret_diff.sides import NAME, Services
from ret_diff.taking import TakeWork
from ret_diff.work import MODULES, Rules
from ret_diff.worker import CompareWork, Deletions
from ret_kit import telemetry
from ret_kit.blobs import Blobs
from ret_kit.bus import Bus
from ret_kit.database import Database, upgrade
from ret_kit.ending import CLOSING, Closings, Endings
from ret_kit.jobs import host, service
from ret_kit.jobs.host import JobHost, open_jobs
from ret_kit.pools import Pool
from ret_kit.rpc.client import channel
from ret_kit.rpc.server import Server

STOP_SECONDS = 5.0  # after so long a cancellation is taken for lost


@dataclass(frozen=True)
class App:
    """What both processes stand on."""

    db: Database
    bus: Bus
    blobs: Blobs
    jobs: JobHost
    services: Services


@asynccontextmanager
async def open_app(settings: DiffSettings) -> AsyncGenerator[App]:
    """Migrate, connect, and put the job machinery together."""
    await upgrade(settings, NAME, "ret_diff")
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database.open(settings, NAME))
        bus = await stack.enter_async_context(await Bus.open(settings, NAME))
        jobs = await stack.enter_async_context(open_jobs(NAME, db, job_tables, settings.jobs, bus))
        ingest = await stack.enter_async_context(channel(settings, "ingest"))
        convert = await stack.enter_async_context(channel(settings, "convert"))
        services = Services(
            ingest_pb2_grpc.IngestServiceStub(ingest),
            convert_pb2_grpc.ConvertServiceStub(convert),
            snapshot_pb2_grpc.SnapshotServiceStub(convert),
            jobs_pb2_grpc.JobsServiceStub(convert),
            tables_pb2_grpc.TablesServiceStub(convert),
        )
        yield App(db, bus, Blobs(settings.blob_location()), jobs, services)


@asynccontextmanager
async def open_server(settings: DiffSettings, app: App, reports: Pool, shown: Shown) -> AsyncGenerator[Server]:
    """The gRPC server, not listening yet."""
    async with Server(settings, NAME, settings.diff_address) as server:
        ports = Ports(app.db, app.bus, app.blobs, app.jobs, app.services, reports, shown, settings.blob_location())
        server.add(diff_pb2_grpc.add_DiffServiceServicer_to_server, DiffServer(ports), CONTRACT, ACCESS)
        jobs = service.JobsServicer(app.jobs.store, app.bus, app.jobs.relay)
        server.add(jobs_pb2_grpc.add_JobsServiceServicer_to_server, jobs, service.NAME, service.ACCESS)
        server.depends_on("database", app.db.ping)
        server.depends_on("bus", app.bus.ping)
        yield server


async def serve(settings: DiffSettings) -> None:
    """Answer calls until told to stop."""
    local = settings.blob_location().startswith("file:")
    reports = Pool(NAME, settings.diff_reports, [REPORT.partition(":")[0]], settings.report_limits(), offline=local)
    async with open_app(settings) as app, reports, asyncio.TaskGroup() as group:
        shown = Shown(app.blobs)
        async with open_server(settings, app, reports, shown) as server:
            # Reports of a session that ends are broken off here; its jobs are the workers' to end.
            listening = [
                group.create_task(Closings(app.bus, [reports]).run(), name="closings"),
                group.create_task(app.bus.listen(f"{CLOSING}.*", shown.heard), name="forgetting"),
            ]
            await server.serve()
            for task in listening:
                task.cancel()


async def work(settings: DiffSettings) -> None:
    """Compare, hear of deleted collections, and carry out the ends of sessions, until cancelled."""
    location = settings.blob_location()
    pool = Pool(NAME, settings.diff_slots, MODULES, settings.child_limits(), offline=location.startswith("file:"))
    rules = Rules(location, int(settings.diff_task_bytes), settings.diff_task_pairs)
    async with open_app(settings) as app, pool, asyncio.TaskGroup() as group:
        works = [kind(app.jobs, app.blobs, app.services, rules) for kind in (CompareWork, AgainWork, TakeWork)]
        endings = Endings(NAME, app.db, job_tables, app.bus, app.blobs, records.forget_session, [pool])
        deletions = Deletions(app.jobs, app.bus)
        group.create_task(app.bus.consume(Deletions.SUBJECT, f"{NAME}-deletions", deletions.heard), name="deletions")
        await host.work(app.jobs, works, app.bus, app.blobs, pool, endings, slots=settings.diff_slots)


async def until_stopped(settings: DiffSettings) -> None:
    """Work until SIGTERM or SIGINT; what is running then is given back for others to take."""
    wanted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, wanted.set)
    working = asyncio.create_task(work(settings), name="work")
    waiting = asyncio.create_task(wanted.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await stopped(working)


async def stopped(working: asyncio.Task[None]) -> None:
    """Cancel the work and wait for its end; raises what it broke down with."""
    while not working.done():
        # Python 3.11's `wait_for`, which clients of NATS and others connect with, can lose a cancellation.
        working.cancel()
        await asyncio.wait({working}, timeout=STOP_SECONDS)
    if not working.cancelled():
        working.result()


def main() -> None:
    """Read the settings, which says what is missing, and run what is asked for."""
    parser = argparse.ArgumentParser(prog="ret_diff", description=__doc__)
    parser.add_argument("role", choices=["serve", "work"])
    role = parser.parse_args().role
    settings = DiffSettings()
    telemetry.setup(NAME, settings)
    asyncio.run(serve(settings) if role == "serve" else until_stopped(settings))


if __name__ == "__main__":
    main()
