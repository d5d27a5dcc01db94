"""Everything the gateway's process has opened: the services, the bus, and who vouches for callers."""

from __future__ import annotations

from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grpc_health.v1 import health_pb2, health_pb2_grpc

from ret.auth.v1 import auth_pb2_grpc
from ret.convert.v1 import convert_pb2_grpc, tables_pb2_grpc
from ret.diff.v1 import diff_pb2_grpc
from ret.ingest.v1 import ingest_pb2_grpc
from ret.jobs.v1 import jobs_pb2_grpc
from ret_gateway.allowance import Allowance
from ret_gateway.dependencies import Dependencies, Probe
from ret_gateway.metrics import Metrics
from ret_gateway.settings import GatewaySettings
from ret_kit.auth import AccessVerifier, SessionGuard, acting_as
from ret_kit.bus import Bus
from ret_kit.errors import Unavailable
from ret_kit.rpc.client import as_service, channel
from ret_kit.rpc.people import People

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ret.auth.v1 import auth_pb2
    from ret.auth.v1.auth_pb2_grpc import AuthServiceAsyncStub
    from ret.convert.v1.convert_pb2_grpc import ConvertServiceAsyncStub
    from ret.convert.v1.tables_pb2_grpc import TablesServiceAsyncStub
    from ret.diff.v1.diff_pb2_grpc import DiffServiceAsyncStub
    from ret.ingest.v1.ingest_pb2_grpc import IngestServiceAsyncStub
    from ret.jobs.v1.jobs_pb2_grpc import JobsServiceAsyncStub
    from ret_kit.rpc.client import Channel

NAME = "gateway"
SERVICES = ("auth", "ingest", "convert", "diff")
WITH_JOBS = ("ingest", "convert", "diff")


@dataclass(frozen=True)
class Ports:
    """What the routes need. `jobs` has one entry for every service with long work, by its name in job ids."""

    settings: GatewaySettings
    metrics: Metrics
    auth: AuthServiceAsyncStub
    ingest: IngestServiceAsyncStub
    convert: ConvertServiceAsyncStub
    tables: TablesServiceAsyncStub
    diff: DiffServiceAsyncStub
    jobs: dict[str, JobsServiceAsyncStub]
    bus: Bus
    verifier: AccessVerifier
    guard: SessionGuard
    dependencies: Dependencies
    csp_allowance: Allowance

    @staticmethod
    def on_behalf_of(ticket: auth_pb2.RedeemTicketResponse) -> AbstractContextManager[None]:
        """Calls in the block are about a listener's session, in the gateway's own name: a websocket outlives tokens."""
        return as_service(NAME, ticket.session_id, ticket.user_id)


def _health_of(open_channel: Channel) -> Probe:
    stub: Any = health_pb2_grpc.HealthStub(open_channel)  # it comes without types

    async def probe() -> None:
        with acting_as(None):
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=2)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unavailable(what="service")

    return probe


@asynccontextmanager
async def open_ports(settings: GatewaySettings, metrics: Metrics) -> AsyncGenerator[Ports]:
    """The ports of the settings' addresses, closed at the end of the block. Services may still be away."""
    async with AsyncExitStack() as stack:
        channels = {name: await stack.enter_async_context(channel(settings, name)) for name in SERVICES}
        people = await stack.enter_async_context(People(settings, NAME))
        bus = await stack.enter_async_context(await Bus.open(settings, NAME))
        probes: dict[str, Probe] = {name: _health_of(opened) for name, opened in channels.items()}
        probes |= {"nats": bus.ping, "redis": people.guard.ping}
        yield Ports(
            settings=settings,
            metrics=metrics,
            auth=auth_pb2_grpc.AuthServiceStub(channels["auth"]),
            ingest=ingest_pb2_grpc.IngestServiceStub(channels["ingest"]),
            convert=convert_pb2_grpc.ConvertServiceStub(channels["convert"]),
            tables=tables_pb2_grpc.TablesServiceStub(channels["convert"]),
            diff=diff_pb2_grpc.DiffServiceStub(channels["diff"]),
            jobs={name: jobs_pb2_grpc.JobsServiceStub(channels[name]) for name in WITH_JOBS},
            bus=bus,
            verifier=people.verifier,
            guard=people.guard,
            dependencies=Dependencies(probes, settings.gateway_ready_cache_seconds),
            csp_allowance=Allowance(settings.gateway_csp_reports_per_minute),
        )
