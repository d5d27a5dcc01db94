from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from ingest_bench import GOOD, Bench, packed

from ret_ingest.__main__ import open_app
from ret_ingest.settings import IngestSettings
from ret_kit.rpc.client import Channel
from ret_kit.testing import AuthStandIn
from ret_kit.testing.process import free_port


@asynccontextmanager
async def process(settings: IngestSettings, role: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """One of the two processes as an operator starts it, stopped with SIGTERM."""
    env = os.environ | {
        "RET_DATA_DIR": str(settings.data_dir),
        "RET_NATS_URL": settings.nats_url,
        "RET_REDIS_URL": settings.redis_url,
        "RET_AUTH_ADDRESS": settings.auth_address,
        "RET_INGEST_ADDRESS": settings.ingest_address,
        "RET_SERVICE_SECRET": settings.service_secret.get_secret_value(),
    }
    started = await asyncio.create_subprocess_exec(sys.executable, "-m", "ret_ingest", role, env=env)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await started.wait()


async def test_server_and_worker_run_as_processes_and_end_in_good_order(
    make_settings: Callable[..., IngestSettings], auth: AuthStandIn
) -> None:
    settings = make_settings(ingest_address=f"127.0.0.1:{free_port()}")
    async with (
        process(settings, "serve") as server,
        process(settings, "work") as worker,
        open_app(settings) as app,
        Channel(settings, "ingest", settings.ingest_address) as channel,
    ):
        async with asyncio.timeout(30):
            await channel.channel_ready()
        collection = await Bench(settings, app, auth, channel).user().scanned(packed({"AR_x/1.xml": GOOD}))
        assert [group.name for group in collection.groups] == ["AR"]
    assert (server.returncode, worker.returncode) == (0, 0)


async def test_a_worker_that_cannot_start_says_so_and_fails(make_settings: Callable[..., IngestSettings]) -> None:
    settings = make_settings()
    env = os.environ | {"RET_DATA_DIR": str(settings.data_dir), "RET_DATABASE_URL": "nonsense"}
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ret_ingest", "work", env=env, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(30):
        assert await started.wait() == 1
