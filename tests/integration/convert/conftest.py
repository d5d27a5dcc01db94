from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parent))

from convert_bench import Bench, User, opened, running

from ret_convert.__main__ import work
from ret_kit.testing import AuthStandIn, NatsServer, RedisServer


@pytest.fixture
def make_settings(
    tmp_path: Path, nats: NatsServer, redis: RedisServer, auth: AuthStandIn, service_secret: str
) -> Callable[..., dict[str, object]]:
    def make(**given: object) -> dict[str, object]:
        values: dict[str, object] = {
            "data_dir": tmp_path / "data",
            "nats_url": nats.url,
            "redis_url": redis.url,
            "auth_address": f"127.0.0.1:{auth.port}",
            "ingest_address": "127.0.0.1:0",
            "convert_address": "127.0.0.1:0",
            "service_secret": SecretStr(service_secret),
            "rpc_drain_seconds": 0,
            "jobs": {"backoff_seconds": 0.05, "reconcile_seconds": 0.5},
        }
        return values | given

    return make


@pytest.fixture
async def idle(make_settings: Callable[..., dict[str, object]], auth: AuthStandIn) -> AsyncGenerator[Bench]:
    """Everything but a worker that converts."""
    async with opened(make_settings, auth) as bench:
        yield bench


@pytest.fixture
async def bench(idle: Bench) -> AsyncGenerator[Bench]:
    """Everything."""
    async with running(work(idle.settings)):
        yield idle


@pytest.fixture
def user(bench: Bench) -> User:
    return bench.user()
