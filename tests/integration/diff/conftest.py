from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
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
    folder: Path, nats: NatsServer, redis: RedisServer, auth: AuthStandIn, service_secret: str
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
            "jobs": {"backoff_seconds": 0.05, "reconcile_seconds": 0.5},
        }
        return values | given

    return make


@pytest.fixture
def make_settings(
    tmp_path: Path, nats: NatsServer, redis: RedisServer, auth: AuthStandIn, service_secret: str
) -> Callable[..., dict[str, object]]:
    return making(tmp_path, nats, redis, auth, service_secret)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Bench]:
    """Everything, once for all tests that look only at what is their own user's."""
    folder, secret = tmp_path_factory.mktemp("shared"), secrets.token_hex(32)
    with nats_server() as nats, redis_server() as redis:
        settings = KitSettings(
            data_dir=folder / "auth", service_secret=SecretStr(secret), redis_url=redis.url, rpc_drain_seconds=0
        )
        async with AsyncExitStack() as stack:
            auth = await stack.enter_async_context(auth_stand_in(settings))
            make = making(folder, nats, redis, auth, secret)
            bench = await stack.enter_async_context(opened(make, auth))
            await stack.enter_async_context(running(work(bench.settings)))
            yield bench


@pytest.fixture
async def idle(make_settings: Callable[..., dict[str, object]], auth: AuthStandIn) -> AsyncGenerator[Bench]:
    """Everything but a worker that compares."""
    async with opened(make_settings, auth) as bench:
        yield bench


@pytest.fixture
def user(shared: Bench) -> User:
    return shared.user()
