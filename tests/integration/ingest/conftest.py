from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parent))

from ingest_bench import Bench, User, opened, working

from ret_ingest.settings import IngestSettings
from ret_kit.settings import KitSettings
from ret_kit.testing import (
    AuthStandIn,
    NatsServer,
    PostgresServer,
    RedisServer,
    auth_stand_in,
    nats_server,
    redis_server,
)


@pytest.fixture(scope="module")
def nats() -> Generator[NatsServer]:
    """One for the module: messages of other tests name jobs that no row knows, and are dropped."""
    with nats_server() as server:
        yield server


@pytest.fixture(scope="module")
def redis() -> Generator[RedisServer]:
    """One for the module: sessions are never the same."""
    with redis_server() as server:
        yield server


def making(
    folder: Path, nats: NatsServer, redis: RedisServer, auth: AuthStandIn, service_secret: str
) -> Callable[..., IngestSettings]:
    def make(**given: object) -> IngestSettings:
        values: dict[str, object] = {
            "data_dir": folder / "data",
            "nats_url": nats.url,
            "redis_url": redis.url,
            "auth_address": f"127.0.0.1:{auth.port}",
            "ingest_address": "127.0.0.1:0",
            "service_secret": SecretStr(service_secret),
            "rpc_drain_seconds": 0,
            "ingest_scans": 1,
            "jobs": {"backoff_seconds": 0.05, "reconcile_seconds": 0.5},
        }
        return IngestSettings.model_validate(values | given)

    return make


@pytest.fixture
def make_settings(
    tmp_path: Path, nats: NatsServer, redis: RedisServer, auth: AuthStandIn, service_secret: str
) -> Callable[..., IngestSettings]:
    return making(tmp_path, nats, redis, auth, service_secret)


@pytest.fixture
async def bench(make_settings: Callable[..., IngestSettings], auth: AuthStandIn) -> AsyncGenerator[Bench]:
    """Server and worker on SQLite."""
    settings = make_settings()
    async with opened(settings, auth) as bench, working(settings):
        yield bench


@pytest.fixture
async def idle(make_settings: Callable[..., IngestSettings], auth: AuthStandIn) -> AsyncGenerator[Bench]:
    """A server alone: what is queued stays queued."""
    async with opened(make_settings(), auth) as bench:
        yield bench


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(
    tmp_path_factory: pytest.TempPathFactory, nats: NatsServer, redis: RedisServer, request: pytest.FixtureRequest
) -> AsyncGenerator[Bench]:
    """Server and worker on each of the databases, once for the module; ask for it with `on_both`."""
    folder, secret = tmp_path_factory.mktemp("both"), secrets.token_hex(32)
    kit = KitSettings(
        data_dir=folder / "auth", service_secret=SecretStr(secret), redis_url=redis.url, rpc_drain_seconds=0
    )
    async with AsyncExitStack() as stack:
        url = ""
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            url = stack.enter_context(server.database())
        auth = await stack.enter_async_context(auth_stand_in(kit))
        settings = making(folder, nats, redis, auth, secret)(database_url=url)
        bench = await stack.enter_async_context(opened(settings, auth))
        await stack.enter_async_context(working(settings))
        yield bench


@pytest.fixture
def user(bench: Bench) -> User:
    return bench.user()
