from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))

from gateway_bench import Fakes, Gateway, Person, open_fakes, open_gateway
from pydantic import SecretStr

from ret_kit.bus import Bus
from ret_kit.settings import KitSettings
from ret_kit.testing import NatsServer, RedisServer, nats_server, redis_server

SECRET = "a secret between services, for tests alone"
INDEX = '<html><head><meta name="csp-nonce" content="__CSP_NONCE__"></head></html>'


@pytest.fixture(scope="session")
def gateway_nats() -> Generator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture(scope="session")
def gateway_redis() -> Generator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def gateway_settings(gateway_nats: NatsServer, gateway_redis: RedisServer) -> KitSettings:
    return KitSettings(
        nats_url=gateway_nats.url,
        redis_url=gateway_redis.url,
        service_secret=SecretStr(SECRET),
        rpc_drain_seconds=0,
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def all_fakes(gateway_settings: KitSettings) -> AsyncGenerator[Fakes]:
    async with open_fakes(gateway_settings) as fakes:
        yield fakes


@pytest.fixture
def fakes(all_fakes: Fakes) -> Fakes:
    """The services, with nothing left of the test before."""
    all_fakes.forget()
    return all_fakes


@pytest.fixture
def user(fakes: Fakes) -> Person:
    """An ordinary user with a session."""
    return fakes.login()


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built page, small."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text(INDEX)
    (folder / "assets" / "index-abc123.js").write_text("export {}")
    return folder


@pytest.fixture(scope="session")
def environment(all_fakes: Fakes, gateway_settings: KitSettings, page: Path) -> dict[str, str]:
    """The variables a gateway needs to find everything."""
    addresses = {f"RET_{name.upper()}_ADDRESS": address for name, address in all_fakes.addresses.items()}
    return addresses | {
        "RET_NATS_URL": gateway_settings.nats_url,
        "RET_REDIS_URL": gateway_settings.redis_url,
        "RET_SERVICE_SECRET": SECRET,
        "RET_GATEWAY_PAGE_DIR": str(page),
        "RET_GATEWAY_READY_CACHE_SECONDS": "0",
        "RET_GATEWAY_LIVE_RESYNC_SECONDS": "0.5",
    }


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Gateway]:
    """One gateway for all tests that need nothing special."""
    async with open_gateway(environment, tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def another_gateway(environment: dict[str, str], tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Gateway]]:
    """A gateway with settings of the test's own."""

    def opened(**variables: str) -> AbstractAsyncContextManager[Gateway]:
        return open_gateway(environment | variables, tmp_path)

    return opened


@pytest_asyncio.fixture(loop_scope="session")
async def gateway_bus(gateway_nats: NatsServer) -> AsyncGenerator[Bus]:
    async with await Bus.connect(gateway_nats.url) as bus:
        yield bus
