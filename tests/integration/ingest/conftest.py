from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path

import pytest
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parent))

from ingest_bench import Bench, User, opened, working

from ret_ingest.settings import IngestSettings
from ret_kit.testing import AuthStandIn, NatsServer, RedisServer, nats_server, redis_server


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


@pytest.fixture
def make_settings(
    tmp_path: Path, nats: NatsServer, redis: RedisServer, auth: AuthStandIn, service_secret: str
) -> Callable[..., IngestSettings]:
    def make(**given: object) -> IngestSettings:
        values: dict[str, object] = {
            "data_dir": tmp_path / "data",
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


@pytest.fixture
async def both(
    make_settings: Callable[..., IngestSettings], auth: AuthStandIn, request: pytest.FixtureRequest
) -> AsyncGenerator[Bench]:
    """Server and worker on each of the databases; ask for it with `indirect`."""
    url: str = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    settings = make_settings(database_url=url)
    async with opened(settings, auth) as bench, working(settings):
        yield bench


@pytest.fixture
def user(bench: Bench) -> User:
    return bench.user()
