from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from auth_bench import ADMIN_PASSWORD, Bench, Opening, Service
from redis.asyncio import Redis

from ret_auth.__main__ import NAME, open_app, open_server
from ret_auth.settings import AuthSettings
from ret_kit.blobs import Blobs
from ret_kit.bus import Bus
from ret_kit.database import Database
from ret_kit.rpc.client import channel
from ret_kit.testing import NatsServer, RedisServer, nats_server, postgres_server, redis_server
from ret_kit.testing.postgres import PostgresServer
from ret_kit.testing.process import free_port


@pytest.fixture(scope="module")
def nats() -> Generator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture(scope="module")
def redis() -> Generator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Generator[str]:
    """Empty for SQLite in the test's data folder."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield ""
        else:
            server: PostgresServer = request.getfixturevalue("postgres")
            yield stack.enter_context(server.database())


@pytest.fixture
def settings(database_url: str, nats: NatsServer, redis: RedisServer, tmp_path: Path) -> AuthSettings:
    """Cheap hashes, an administrator with a password, and everything that waits waits shortly."""
    return AuthSettings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "database_url": database_url,
            "nats_url": nats.url,
            "redis_url": redis.url,
            "auth_address": f"127.0.0.1:{free_port()}",
            "admin_password": ADMIN_PASSWORD,
            "auth_argon2_passes": 1,
            "auth_argon2_memory": 1 << 16,
            "auth_argon2_lanes": 1,
            "auth_session_services": "ingest,convert",
            "auth_sweep_seconds": 0.1,
            "auth_touch_seconds": 0.1,
            "auth_reconcile_seconds": 0.1,
            "auth_repeat_seconds": 0.5,
        }
    )


@asynccontextmanager
async def _opened(settings: AuthSettings) -> AsyncGenerator[Bench]:
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(settings))
        server = await stack.enter_async_context(open_server(settings, app))
        await server.start()
        worker = asyncio.create_task(app.worker.run())
        db = await stack.enter_async_context(Database.open(settings, NAME))
        bus = await stack.enter_async_context(await Bus.open(settings, "test"))
        peek = Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - redis-py leaves its options untyped
            settings.redis_url, decode_responses=True
        )
        stack.push_async_callback(peek.aclose)
        services = [Service("ingest"), Service("convert")]
        for service in services:
            await stack.enter_async_context(service.running(bus))
        calls = await stack.enter_async_context(channel(settings, NAME))
        blobs = Blobs(settings.blob_location())
        try:
            yield Bench(settings, app, calls, db, bus, blobs, peek, services)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)


@pytest.fixture
def opening() -> Opening:
    """Opens a bench with settings of the test's own."""
    return _opened


@pytest.fixture
async def bench(settings: AuthSettings) -> AsyncGenerator[Bench]:
    async with _opened(settings) as made:
        yield made
