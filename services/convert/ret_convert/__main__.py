"""The processes of convert: `python -m ret_convert serve` answers calls and exports, `… work` converts."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ret.convert.v1 import convert_pb2_grpc, snapshot_pb2_grpc, tables_pb2_grpc
from ret.ingest.v1 import ingest_pb2_grpc
from ret.jobs.v1 import jobs_pb2_grpc
from ret_convert import records, snapshot_server, tables_server
from ret_convert.schema import jobs as job_tables
from ret_convert.server import ACCESS, DIFF, ConvertServer, Ports
from ret_convert.server import NAME as CONTRACT
from ret_convert.settings import ConvertSettings
from ret_convert.views.views import MODULES, Reading, open_reading
from ret_convert.worker import NAME, ConvertWork, Deletions, Rules
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

# Who compares waits for the conversions it has started.
JOBS_ACCESS = service.ACCESS | {"Get": service.ACCESS["Get"] | DIFF, "Cancel": service.ACCESS["Cancel"] | DIFF}
STOP_SECONDS = 5.0  # after so long a cancellation is taken for lost


@dataclass(frozen=True)
class App:
    """What both processes stand on."""

    db: Database
    bus: Bus
    blobs: Blobs
    jobs: JobHost
    ingest: ingest_pb2_grpc.IngestServiceAsyncStub


@asynccontextmanager
async def open_app(settings: ConvertSettings) -> AsyncGenerator[App]:
    """Migrate, connect, and put the job machinery together."""
    await upgrade(settings, NAME, "ret_convert")
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database.open(settings, NAME))
        bus = await stack.enter_async_context(await Bus.open(settings, NAME))
        jobs = await stack.enter_async_context(open_jobs(NAME, db, job_tables, settings.jobs, bus))
        ingest = ingest_pb2_grpc.IngestServiceStub(await stack.enter_async_context(channel(settings, "ingest")))
        yield App(db, bus, Blobs(settings.blob_location()), jobs, ingest)


@asynccontextmanager
async def open_server(settings: ConvertSettings, app: App, exports: Pool, reading: Reading) -> AsyncGenerator[Server]:
    """The gRPC server, not listening yet."""
    async with Server(settings, NAME, settings.convert_address) as server:
        ports = Ports(
            app.db, app.jobs, exports, app.ingest, settings.blob_location(), reading, settings.convert_csv_bom
        )
        server.add(convert_pb2_grpc.add_ConvertServiceServicer_to_server, ConvertServer(ports), CONTRACT, ACCESS)
        tables = tables_server.TablesServer(tables_server.TablesPorts(app.db, reading))
        adder = tables_pb2_grpc.add_TablesServiceServicer_to_server
        server.add(adder, tables, tables_server.NAME, tables_server.ACCESS)
        snapshots = snapshot_server.SnapshotServer(snapshot_server.SnapshotPorts(app.db, app.blobs, reading))
        adder = snapshot_pb2_grpc.add_SnapshotServiceServicer_to_server
        server.add(adder, snapshots, snapshot_server.NAME, snapshot_server.ACCESS)
        jobs = service.JobsServicer(app.jobs.store, app.bus, app.jobs.relay)
        server.add(jobs_pb2_grpc.add_JobsServiceServicer_to_server, jobs, service.NAME, JOBS_ACCESS)
        server.depends_on("database", app.db.ping)
        server.depends_on("bus", app.bus.ping)
        yield server


async def serve(settings: ConvertSettings) -> None:
    """Answer calls until told to stop."""
    location = settings.blob_location()
    local = location.startswith("file:")
    exports = Pool(
        NAME, settings.convert_exports, ["ret_convert.export.archive"], settings.export_limits(), offline=local
    )
    views = Pool(NAME, settings.convert_views, MODULES, settings.view_limits(), offline=local)
    async with (
        open_app(settings) as app,
        exports,
        views,
        open_reading(location, views) as reading,
        open_server(settings, app, exports, reading) as server,
        asyncio.TaskGroup() as group,
    ):
        # Exports and views of a session that ends are broken off here; its jobs are the workers' to end.
        closings = group.create_task(Closings(app.bus, [exports, views]).run(), name="closings")
        forgetting = [
            group.create_task(app.bus.listen(f"{CLOSING}.*", kept.heard), name="forgetting")
            for kept in (reading.pages, reading.versions, reading.views)
        ]
        await server.serve()
        for task in (closings, *forgetting):
            task.cancel()


async def work(settings: ConvertSettings) -> None:
    """Convert, hear of deleted collections, and carry out the ends of sessions, until cancelled."""
    location = settings.blob_location()
    pool = Pool(
        NAME,
        settings.convert_slots,
        ["ret_convert.converting"],
        settings.child_limits(),
        offline=location.startswith("file:"),
    )
    rules = Rules(
        location,
        int(settings.convert_task_bytes),
        settings.convert_task_documents,
        settings.convert_repeats,
        settings.convert_columns,
    )
    async with open_app(settings) as app, pool, asyncio.TaskGroup() as group:
        conversions = ConvertWork(app.jobs, app.blobs, app.ingest, rules)
        endings = Endings(NAME, app.db, job_tables, app.bus, app.blobs, records.forget_session, [pool])
        deletions = Deletions(app.jobs, app.bus, app.blobs)
        group.create_task(app.bus.consume(Deletions.SUBJECT, f"{NAME}-deletions", deletions.heard), name="deletions")
        await host.work(app.jobs, [conversions], app.bus, app.blobs, pool, endings, slots=settings.convert_slots)


async def until_stopped(settings: ConvertSettings) -> None:
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
    parser = argparse.ArgumentParser(prog="ret_convert", description=__doc__)
    parser.add_argument("role", choices=["serve", "work"])
    role = parser.parse_args().role
    settings = ConvertSettings()
    telemetry.setup(NAME, settings)
    asyncio.run(serve(settings) if role == "serve" else until_stopped(settings))


if __name__ == "__main__":
    main()
