"""A service's gRPC server: every method with its rule, health of every dependency, reflection, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self, cast

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from ret_kit.auth import AccessVerifier, ServiceTokens, SessionGuard
from ret_kit.rpc.access import Access
from ret_kit.rpc.answering import Answering, Authenticator
from ret_kit.rpc.people import People
from ret_kit.settings import KitSettings

__all__ = ["Access", "AccessMismatch", "Server"]

log = logging.getLogger("ret.rpc")

PROBE_SECONDS = 5.0
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class AccessMismatch(Exception):
    """The rules given for a service are not for exactly its methods; the text names them."""


class Server:
    """A gRPC server of one service.

    ```python
    async with Server(settings, "ingest", settings.ingest_address) as server:
        server.add(add_IngestServiceServicer_to_server, servicer, "ret.ingest.v1.IngestService", {"Tree": Access.USER})
        server.depends_on("database", db.ping)
        await server.serve()
    ```
    `people` and `sessions` are given by auth alone, which verifies and knows for itself; every other service asks it.
    """

    def __init__(
        self,
        settings: KitSettings,
        name: str,
        address: str,
        *,
        people: AccessVerifier | None = None,
        sessions: SessionGuard | None = None,
    ) -> None:
        self._settings, self._name, self._address = settings, name, address
        self._people, self._sessions = people, sessions
        self._access: dict[str, Access] = {}
        self._probes: dict[str, Callable[[], Awaitable[None]]] = {}
        self._services = [health.SERVICE_NAME, reflection.SERVICE_NAME]
        self._health: Any = cast("Any", health).aio.HealthServicer()
        self._stack = contextlib.AsyncExitStack()
        self._probing: asyncio.Task[None] | None = None
        self.port = 0
        """The port it listens on, once it is open."""

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            if self._people is None or self._sessions is None:
                asked = await stack.enter_async_context(People(self._settings, self._name))
                self._people, self._sessions = self._people or asked.verifier, self._sessions or asked.guard
            tokens = ServiceTokens(self._settings.service_key())
            authenticate = Authenticator(self._name, self._people, tokens, self._sessions)
            self._server = grpc.aio.server(
                interceptors=[Answering(self._name, authenticate, self._access)],
                options=server_options(int(self._settings.rpc_message_limit)),
            )
            health_pb2_grpc.add_HealthServicer_to_server(  # pyright: ignore[reportUnknownMemberType] - it has no types
                self._health, self._server
            )
            self.depends_on("session store", self._sessions.ping)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.stop()
        finally:
            await self._stack.aclose()

    def add(
        self,
        adder: Callable[[Any, grpc.aio.Server], None],
        servicer: object,
        full_name: str,
        access: Mapping[str, Access],
    ) -> None:
        """Puts a service in, with the rule of each of its methods. Raises AccessMismatch unless it is exactly those."""
        descriptor = descriptor_pool.Default().FindServiceByName(full_name)
        methods = {method.name for method in descriptor.methods}
        if wrong := methods ^ access.keys():
            raise AccessMismatch(f"{full_name}: no rule, or no method, for {', '.join(sorted(wrong))}")
        self._access |= {f"/{full_name}/{method}": rule for method, rule in access.items()}
        self._services.append(full_name)
        adder(servicer, self._server)

    def depends_on(self, what: str, ping: Callable[[], Awaitable[None]]) -> None:
        """Adds a dependency; `ping` raises when it is away. Health knows it as `what`, and all of them as ""."""
        self._probes[what] = ping

    async def start(self) -> None:
        """Listens. `serve` does it too; a test may want no more than this."""
        reflection.enable_server_reflection(self._services, self._server)
        self.port = self._server.add_insecure_port(self._address)
        await self._probe()
        await self._server.start()
        self._probing = asyncio.create_task(self._keep_probing())
        log.info("listening", extra={"address": self._address, "port": self.port})

    async def serve(self) -> None:
        """Listens until SIGTERM or SIGINT comes or it is cancelled; then lets open calls end, for a while."""
        wanted = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, wanted.set)
        try:
            await self.start()
            await wanted.wait()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
            await self.stop()

    async def stop(self) -> None:
        """Says it is not serving, refuses new calls, and lets open ones end for `rpc_drain_seconds`."""
        if self._probing:
            self._probing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._probing
            self._probing = None
            await self._health.enter_graceful_shutdown()
        await self._server.stop(self._settings.rpc_drain_seconds)

    async def _keep_probing(self) -> None:
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            await self._probe()

    async def _probe(self) -> None:
        """Asks every dependency, each for two seconds at most."""
        states = await asyncio.gather(*(self._state(what, ping) for what, ping in self._probes.items()))
        for what, state in zip(self._probes, states, strict=True):
            await self._health.set(what, state)
        whole = SERVING if all(state == SERVING for state in states) else NOT_SERVING
        for name in ["", *self._services]:
            await self._health.set(name, whole)

    async def _state(
        self, what: str, ping: Callable[[], Awaitable[None]]
    ) -> health_pb2.HealthCheckResponse.ServingStatus:
        try:
            async with asyncio.timeout(2):
                await ping()
        except Exception as error:  # noqa: BLE001 - whatever it is, the dependency is not there
            log.warning("dependency is away", extra={"what": what, "error": type(error).__name__})
            return NOT_SERVING
        return SERVING


def server_options(message_limit: int) -> list[tuple[str, int]]:
    """What a server is opened with: limits, keepalive, and a port that no other process shares."""
    return [
        ("grpc.max_send_message_length", message_limit),
        ("grpc.max_receive_message_length", message_limit),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.so_reuseport", 0),
    ]
