"""Redis, SQL and NATS go away: nobody passes meanwhile, nothing is forgotten, and it heals by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Generator

import pytest
from auth_bench import ADMIN_PASSWORD, Bench, Opening, acting, eventually
from redis.exceptions import RedisError
from sqlalchemy import select

from ret.auth.v1 import auth_pb2
from ret_auth.schema import endings, sessions
from ret_auth.settings import AuthSettings
from ret_kit.errors import Kind, RemoteError
from ret_kit.testing import NatsServer, PostgresServer, RedisServer, nats_server, postgres_server, redis_server


@pytest.fixture
def own_redis() -> Generator[RedisServer]:
    with redis_server(durable=True) as server:
        yield server


@pytest.fixture
def own_nats() -> Generator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture
def own_postgres() -> Generator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def database_url() -> str:
    return ""


@pytest.fixture
async def shaky(
    settings: AuthSettings, own_redis: RedisServer, own_nats: NatsServer, opening: Opening
) -> AsyncGenerator[Bench]:
    own = settings.model_copy(update={"redis_url": own_redis.url, "nats_url": own_nats.url})
    async with opening(own) as bench:
        yield bench


async def error_of(call: Awaitable[object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await call
    return caught.value


async def answers(bench: Bench, grant: auth_pb2.Grant) -> bool:
    try:
        await bench.me(grant)
    except RemoteError:
        return False
    return True


async def test_without_redis_nobody_passes_and_afterwards_everybody_goes_on(
    shaky: Bench, own_redis: RedisServer
) -> None:
    grant = await shaky.login()
    own_redis.stop()
    with acting(grant.access_token):
        calls: list[Awaitable[object]] = [
            shaky.stub.Me(auth_pb2.MeRequest()),
            shaky.stub.IssueTicket(auth_pb2.IssueTicketRequest()),
            shaky.stub.ListUsers(auth_pb2.ListUsersRequest()),
        ]
        calls += [shaky.login(), shaky.refresh(grant.refresh_token)]
        calls += [shaky.stub.RedeemTicket(auth_pb2.RedeemTicketRequest(ticket="any"))]
        for call in calls:
            error = await error_of(call)
            assert (error.kind, error.extra().get("retry_after")) == (Kind.UNAVAILABLE, "2")
    own_redis.start()

    async def healed() -> bool:
        return await answers(shaky, grant)

    await eventually(healed)
    await shaky.refresh(grant.refresh_token)


async def test_who_logs_out_while_redis_is_away_stays_out(shaky: Bench, own_redis: RedisServer) -> None:
    grant, other = await shaky.login(), await shaky.login()
    own_redis.stop()
    await shaky.logout(grant)
    own_redis.start()

    async def told() -> bool:
        try:
            return await shaky.redis.get(f"ret:session:{grant.session_id}") == "closing"
        except RedisError:
            return False

    await eventually(told)

    async def healed() -> bool:
        return await answers(shaky, other)

    await eventually(healed)
    assert not await answers(shaky, grant)


async def test_locks_survive_a_redis_that_has_lost_everything(shaky: Bench, own_redis: RedisServer) -> None:
    for _ in range(5):
        await error_of(shaky.login(password="wrong"))
    for key in await shaky.redis_keys("*"):
        await shaky.redis.delete(key)
    assert not await shaky.redis_keys("*")
    own_redis.stop()
    own_redis.start()

    async def healed() -> bool:
        return (await error_of(shaky.login())).code != "UNAVAILABLE"

    await eventually(healed)
    assert (await error_of(shaky.login())).code == "ACCOUNT_LOCKED"


async def test_a_session_that_ends_while_nats_is_away_is_destroyed_once_it_is_back_even_with_an_empty_volume(
    shaky: Bench, own_nats: NatsServer
) -> None:
    grant = await shaky.login()
    own_nats.kill()
    own_nats.wipe()
    await shaky.logout(grant)
    assert not await answers(shaky, grant)
    own_nats.start()

    async def destroyed() -> bool:
        return [row.state for row in await shaky.rows(select(sessions.c.state))] == ["destroyed"]

    await eventually(destroyed, patience_s=40)


async def test_without_sql_nobody_logs_in_and_afterwards_everybody_does(
    settings: AuthSettings, own_postgres: PostgresServer, opening: Opening
) -> None:
    with own_postgres.database() as url:
        async with opening(settings.model_copy(update={"database_url": url})) as bench:
            grant = await bench.login()
            own_postgres.process.stop()
            assert (await error_of(bench.login())).kind is Kind.UNAVAILABLE
            assert (await error_of(bench.refresh(grant.refresh_token))).kind is Kind.UNAVAILABLE
            own_postgres.process.start()

            async def healed() -> bool:
                return await answers(bench, grant)

            await eventually(healed)
            await bench.refresh(grant.refresh_token)
            await bench.logout(grant)
            assert len(await bench.rows(select(endings))) == 1


async def test_a_login_that_was_given_up_halfway_blocks_nobody(shaky: Bench) -> None:
    request = auth_pb2.LoginRequest(username="admin", password=ADMIN_PASSWORD)
    for number in range(20):
        try:
            await shaky.stub.Login(request, timeout=0.002 * number)
        except RemoteError as error:
            assert error.kind is Kind.DEADLINE  # noqa: PT017 - whether a call was quick enough is chance
    await shaky.login()
