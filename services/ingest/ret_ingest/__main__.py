"""The processes of ingest: `python -m ret_ingest serve` answers calls, `python -m ret_ingest work` scans."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ret.ingest.v1 import ingest_pb2_grpc
from ret.jobs.v1 import jobs_pb2_grpc
from ret_ingest import filing
from ret_ingest.schema import jobs as job_tables
from ret_ingest.server import ACCESS, NAME, IngestServer, Ports
from ret_ingest.settings import IngestSettings
from ret_ingest.worker import Rules, ScanWork
from ret_kit import telemetry
from ret_kit.blobs import Blobs
from ret_kit.bus import Bus
from ret_kit.database import Database, upgrade
from ret_kit.ending import CLOSING, Endings
from ret_kit.jobs import host, service
from ret_kit.jobs.host import JobHost, open_jobs
from ret_kit.pools import Pool
from ret_kit.rpc.server import Server

SERVICE = "ingest"
STOP_SECONDS = 5.0  # after so long a cancellation is taken for lost


@dataclass(frozen=True)
class App:
    """What both processes stand on."""

    db: Database
    bus: Bus
    blobs: Blobs
    jobs: JobHost


@asynccontextmanager
async def open_app(settings: IngestSettings) -> AsyncGenerator[App]:
    """Migrate, connect, and put the job machinery together."""
    await upgrade(settings, SERVICE, "ret_ingest")
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database.open(settings, SERVICE))
        bus = await stack.enter_async_context(await Bus.open(settings, SERVICE))
        jobs = await stack.enter_async_context(open_jobs(SERVICE, db, job_tables, settings.jobs, bus))
        yield App(db, bus, Blobs(settings.blob_location()), jobs)


@asynccontextmanager
async def open_server(settings: IngestSettings, app: App) -> AsyncGenerator[Server]:
    """The gRPC server, not listening yet."""
    async with Server(settings, SERVICE, settings.ingest_address) as server:
        ports = Ports(app.db, app.blobs, app.bus, app.jobs, int(settings.ingest_upload_limit))
        server.add(ingest_pb2_grpc.add_IngestServiceServicer_to_server, IngestServer(ports), NAME, ACCESS)
        jobs = service.JobsServicer(app.jobs.store, app.bus, app.jobs.relay)
        server.add(jobs_pb2_grpc.add_JobsServiceServicer_to_server, jobs, service.NAME, service.ACCESS)
        server.depends_on("database", app.db.ping)
        server.depends_on("bus", app.bus.ping)
        closings = asyncio.create_task(app.bus.listen(f"{CLOSING}.*", ports.uploads.heard), name="closings")
        try:
            yield server
        finally:
            await stopped(closings)


async def serve(settings: IngestSettings) -> None:
    """Answer calls until told to stop."""
    async with open_app(settings) as app, open_server(settings, app) as server:
        await server.serve()


async def work(settings: IngestSettings) -> None:
    """Scan uploads and carry out the ends of sessions, until cancelled."""
    location = settings.blob_location()
    local = location.startswith("file:")
    pool = Pool(SERVICE, settings.ingest_scans, ["ret_ingest.scanning"], settings.child_limits(), offline=local)
    async with open_app(settings) as app, pool:
        scans = ScanWork(app.jobs.store, app.blobs, Rules(location, settings.limits(), settings.words()))
        endings = Endings(SERVICE, app.db, job_tables, app.bus, app.blobs, filing.forget, [pool])
        await host.work(app.jobs, [scans], app.bus, app.blobs, pool, endings, slots=settings.ingest_scans)


async def until_stopped(settings: IngestSettings) -> None:
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
    parser = argparse.ArgumentParser(prog="ret_ingest", description=__doc__)
    parser.add_argument("role", choices=["serve", "work"])
    role = parser.parse_args().role
    settings = IngestSettings()
    telemetry.setup(SERVICE, settings)
    asyncio.run(serve(settings) if role == "serve" else until_stopped(settings))


if __name__ == "__main__":
    main()
