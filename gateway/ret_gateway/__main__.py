"""`python -m ret_gateway` serves; `python -m ret_gateway openapi` prints the description of the API."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from ret_gateway.app import create_app
from ret_gateway.metrics import Metrics
from ret_gateway.openapi import describe
from ret_gateway.operations import create_operations
from ret_gateway.ports import NAME, open_ports
from ret_gateway.protocol import LimitedHttp
from ret_gateway.settings import GatewaySettings
from ret_kit import telemetry

if TYPE_CHECKING:
    from collections.abc import Generator

    from fastapi import FastAPI

LIVE_MESSAGE_LIMIT = 1024 * 1024
KEEP_ALIVE_SECONDS = 75


class Listener(uvicorn.Server):
    """One of several listeners in a process: signals are the process's own business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _listener(app: FastAPI, host: str, port: int, settings: GatewaySettings) -> Listener:
    proxies = list(settings.gateway_trusted_proxies)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=LimitedHttp,
        ws="websockets-sansio",
        ws_max_size=LIVE_MESSAGE_LIMIT,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.gateway_stop_seconds,
    )
    return Listener(config)


async def serve(settings: GatewaySettings) -> None:
    """Both listeners, until the process is told to stop."""
    metrics = Metrics()
    app = create_app(settings, metrics)
    async with open_ports(settings, metrics) as ports:
        app.state.ports = ports
        operations = create_operations(describe(app), metrics, ports.dependencies)
        listeners = (
            _listener(app, settings.gateway_host, settings.gateway_port, settings),
            _listener(operations, settings.gateway_operations_host, settings.gateway_operations_port, settings),
        )

        def stop() -> None:
            for listener in listeners:
                listener.should_exit = True

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        async with asyncio.TaskGroup() as group:
            for listener in listeners:
                group.create_task(listener.serve())


def main(arguments: list[str]) -> None:
    """Runs what the arguments ask for."""
    settings = GatewaySettings()
    if arguments == ["openapi"]:
        description = describe(create_app(settings, Metrics()))
        sys.stdout.write(json.dumps(description, indent=2, sort_keys=True) + "\n")
        return
    if arguments:
        raise SystemExit("usage: python -m ret_gateway [openapi]")
    telemetry.setup(NAME, settings)
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main(sys.argv[1:])
