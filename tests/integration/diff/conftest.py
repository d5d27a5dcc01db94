from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parent))

from diff_bench import Bench, User, opened, running

from ret_diff.__main__ import work
from ret_kit.settings import KitSettings
from ret_kit.testing import AuthStandIn, NatsServer, RedisServer, auth_stand_in, nats_server, redis_server


def making(
    folder: Path, nats: NatsServer, redis: RedisServer, auth: AuthStandIn, service_secret: str, jobs: dict[str, float]
) -> Callable[..., dict[str, object]]:
    def make(**given: object) -> dict[str, object]:
        values: dict[str, object] = {
            "data_dir": folder / "data",
            "nats_url": nats.url,
            "redis_url": redis.url,
            "auth_address": f"127.0.0.1:{auth.port}",
            "ingest_address": "127.0.0.1:0",
            "convert_address": "127.0.0.1:0",
            "diff_address": "127.0.0.1:0",
            "service_secret": SecretStr(service_secret),
            "rpc_drain_seconds": 0,
            "jobs": {"backoff_seconds": 0.05, "reconcile_seconds": 0.5} | jobs,
        }
        return values | given

    return make


@asynccontextmanager
async def standing(folder: Path, **jobs: float) -> AsyncGenerator[Bench]:
    """All servers, and workers of ingest and convert."""
    secret = secrets.token_hex(32)
    with nats_server() as nats, redis_server() as redis:
        settings = KitSettings(
            data_dir=folder / "auth", service_secret=SecretStr(secret), redis_url=redis.url, rpc_drain_seconds=0
        )
        async with (
            auth_stand_in(settings) as auth,
            opened(making(folder, nats, redis, auth, secret, jobs), auth) as bench,
        ):
            yield bench


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Bench]:
    """Everything, once for all tests that look only at what is their own user's."""
    async with standing(tmp_path_factory.mktemp("shared")) as bench, running(work(bench.settings)):
        yield bench


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def idle(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Bench]:
    """Everything but a worker that compares; leases are short."""
    async with standing(tmp_path_factory.mktemp("idle"), lease_seconds=1.5, heartbeat_seconds=0.5) as bench:
        yield bench


@pytest.fixture
def user(shared: Bench) -> User:
    return shared.user()
