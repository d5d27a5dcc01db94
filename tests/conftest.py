"""Real servers for every test that asks for one; nothing is started for the others."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path

import pytest
from pydantic import SecretStr

from ret_kit.bus import Bus
from ret_kit.settings import KitSettings
from ret_kit.testing import (
    AuthStandIn,
    NatsServer,
    PostgresServer,
    RedisServer,
    auth_stand_in,
    nats_server,
    postgres_server,
    redis_server,
)


@pytest.fixture
def nats() -> Generator[NatsServer]:
    """A NATS of the test's own: it starts in 20 ms, and no message of another test is in it."""
    with nats_server() as server:
        yield server


@pytest.fixture
def redis() -> Generator[RedisServer]:
    """A Redis of the test's own."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresServer]:
    """One PostgreSQL for the run; a test takes a database of its own from it."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file of the test's own."""
    return f"sqlite:///{tmp_path / 'records.db'}"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Generator[str]:
    """An empty PostgreSQL database of the test's own."""
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs on both databases."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def blob_url(tmp_path: Path) -> str:
    """An empty local blob store."""
    return (tmp_path / "blobs").as_uri()


@pytest.fixture
async def bus(nats: NatsServer) -> AsyncGenerator[Bus]:
    """A connection to the test's NATS, with its streams."""
    async with await Bus.connect(nats.url) as connected:
        await connected.ensure_streams()
        yield connected


@pytest.fixture
def service_secret() -> str:
    """The secret that the services of a test share."""
    return secrets.token_hex(32)


@pytest.fixture
def kit_settings(tmp_path: Path, service_secret: str) -> Callable[..., KitSettings]:
    """Makes settings that are local to the test; what is given wins. Starts nothing."""

    def make(**given: object) -> KitSettings:
        values: dict[str, object] = {"data_dir": tmp_path / "data", "service_secret": SecretStr(service_secret)}
        return KitSettings.model_validate(values | given)

    return make


@pytest.fixture
async def auth(kit_settings: Callable[..., KitSettings], redis: RedisServer) -> AsyncGenerator[AuthStandIn]:
    """Auth as other services see it: `auth.login()` gives a token, `127.0.0.1:{auth.port}` is its address."""
    async with auth_stand_in(kit_settings(redis_url=redis.url, rpc_drain_seconds=0)) as stand_in:
        yield stand_in
