"""Calls between processes: what arrives, what comes back, how servers begin and end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Callable
from typing import Any, cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from rpc_house import SERVICE, House, as_person, refused

from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret_kit import telemetry
from ret_kit.errors import Invalid, Kind, NotFound, StorageFull, Unavailable
from ret_kit.rpc.client import Channel, deadline
from ret_kit.rpc.server import Server
from ret_kit.settings import KitSettings
from ret_kit.testing import AuthStandIn, RedisServer


async def test_a_call_arrives_with_its_caller(house: House) -> None:
    with as_person(house.auth.login(user_id="u1", role="admin")):
        answer = await house.get()
    assert answer.collection.id == "c1"
    assert [(who.user_id, who.role, who.service) for who in house.craft.seen] == [("u1", "admin", "")]


async def test_a_call_without_a_token_is_refused(house: House) -> None:
    error = await refused(house.get())
    assert (error.kind, error.code) == (Kind.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert house.craft.seen == []


async def test_a_call_carries_the_correlation_id_and_the_trace(house: House) -> None:
    with (
        as_person(house.auth.login()),
        telemetry.extracted({"x-correlation-id": "click-0001"}),
        telemetry.extracted(
            {
                "x-correlation-id": "click-0001",
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            }
        ),
    ):
        await house.get()
    assert house.craft.correlation == "click-0001"
    assert house.craft.trace == "0af7651916cd43dd8448eb211c80319c"


async def test_a_call_has_the_default_deadline_and_a_shorter_one_when_asked(house: House) -> None:
    with as_person(house.auth.login()):
        await house.get()
        assert house.craft.seconds_left is not None
        assert 20 < house.craft.seconds_left < 31  # gRPC rounds up
        await house.ingest.GetCollection(ingest_pb2.GetCollectionRequest(), timeout=7)
    assert house.craft.seconds_left < 8


async def test_a_call_made_for_another_call_takes_no_longer_than_that_has_left(house: House) -> None:
    token = deadline.set(asyncio.get_running_loop().time() + 3)
    with as_person(house.auth.login()):
        await house.get()
    deadline.reset(token)
    assert house.craft.seconds_left is not None
    assert house.craft.seconds_left < 4


async def test_a_handler_that_takes_too_long_is_cancelled_and_the_caller_hears_deadline(house: House) -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    house.craft.act = slow
    with as_person(house.auth.login()):
        error = await refused(house.ingest.GetCollection(ingest_pb2.GetCollectionRequest(), timeout=0.3))
    assert (error.kind, error.code, error.transient) == (Kind.DEADLINE, "DEADLINE_EXCEEDED", True)
    async with asyncio.timeout(5):
        while not ended:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "raised",
    [
        NotFound(what="collection"),
        Invalid(field="limit", reason="is above 1000"),
        StorageFull(what="blob store"),
        Unavailable(what="database"),
    ],
    ids=lambda error: error.code,
)
async def test_an_error_of_ours_arrives_as_it_was_raised(house: House, raised: Any) -> None:
    def fail() -> None:
        raise raised

    house.craft.act = fail
    with as_person(house.auth.login()):
        error = await refused(house.get())
    assert (error.kind, error.code, error.detail) == (raised.kind, raised.code, raised.detail)
    assert (error.extra(), error.transient, error.service) == (raised.extra(), raised.transient, "ingest")


async def test_an_error_out_of_a_task_group_arrives_as_itself(house: House) -> None:
    async def fail() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(missing())

    async def missing() -> None:
        raise NotFound(what="table")

    house.craft.act = fail
    with as_person(house.auth.login()):
        assert (await refused(house.get())).detail == "There is no such table."


async def test_an_unexpected_error_is_logged_and_says_nothing_to_the_caller(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise KeyError("secret-name.zip")

    house.craft.act = fail
    with as_person(house.auth.login()):
        error = await refused(house.get())
    assert (error.kind, error.code) == (Kind.INTERNAL, "INTERNAL")
    assert "secret" not in error.detail + json.dumps(error.extra())
    assert any(record.exc_info and "secret-name.zip" in str(record.exc_info[1]) for record in caplog.records)


async def test_every_call_leaves_one_line_with_method_code_and_user(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ret.rpc")
    with as_person(house.auth.login(user_id="u7")):
        await house.get()
    await refused(house.get())
    lines = [record for record in caplog.records if record.message == "call" and "Collection" in vars(record)["method"]]
    assert [(vars(line)["code"], vars(line)["user_id"]) for line in lines] == [("OK", "u7"), ("UNAUTHENTICATED", "")]


async def test_a_service_that_is_away_is_unavailable(kit_settings: Callable[..., KitSettings]) -> None:
    async with Channel(kit_settings(), "ingest", "127.0.0.1:1") as channel:
        stub: Any = ingest_pb2_grpc.IngestServiceStub(channel)
        error = await refused(stub.GetCollection(ingest_pb2.GetCollectionRequest()))
    assert (error.kind, error.transient, error.extra()) == (Kind.UNAVAILABLE, True, {"retry_after": "2"})


async def test_health_names_the_dependency_that_is_away(
    auth: AuthStandIn, redis: RedisServer, kit_settings: Callable[..., KitSettings]
) -> None:
    async def away() -> None:
        raise Unavailable(what="database")

    async def there() -> None:
        return

    settings = kit_settings(redis_url=redis.url, auth_address=f"127.0.0.1:{auth.port}", rpc_drain_seconds=0)
    async with Server(settings, "ingest", "127.0.0.1:0") as server:
        server.depends_on("database", away)
        server.depends_on("bus", there)
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as plain:
            health = cast("Any", health_pb2_grpc.HealthStub)(plain)
            states = {
                name: (await health.Check(health_pb2.HealthCheckRequest(service=name))).status
                for name in ("", "database", "bus", "session store")
            }
    serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    assert states == {"": not_serving, "database": not_serving, "bus": serving, "session store": serving}


async def test_the_server_tells_its_contracts(house: House) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{house.server.port}") as plain:
        stub = cast("Any", reflection_pb2_grpc.ServerReflectionStub)(plain)
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        names = [service.name async for answer in call for service in answer.list_services_response.service]
    assert SERVICE in names


async def test_a_serving_server_ends_in_good_order_when_it_is_told_to(
    auth: AuthStandIn, redis: RedisServer, kit_settings: Callable[..., KitSettings]
) -> None:
    settings = kit_settings(redis_url=redis.url, auth_address=f"127.0.0.1:{auth.port}", rpc_drain_seconds=0)
    async with Server(settings, "ingest", "127.0.0.1:0") as server:
        serving = asyncio.create_task(server.serve())
        async with asyncio.timeout(10):
            while not server.port:
                await asyncio.sleep(0.01)
            os.kill(os.getpid(), signal.SIGTERM)
            await serving
        async with Channel(settings, "ingest", f"127.0.0.1:{server.port}") as channel:
            stub: Any = ingest_pb2_grpc.IngestServiceStub(channel)
            assert (await refused(stub.GetCollection(ingest_pb2.GetCollectionRequest()))).kind is Kind.UNAVAILABLE


async def test_two_servers_cannot_share_a_port(house: House, kit_settings: Callable[..., KitSettings]) -> None:
    async with Server(house.settings, "ingest", f"127.0.0.1:{house.server.port}") as second:
        with pytest.raises(RuntimeError, match="bind"):
            await second.start()


async def test_a_stopping_server_lets_an_open_call_end(house: House) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        entered.set()
        await leave.wait()

    house.craft.act = slow
    with as_person(house.auth.login()):
        call = asyncio.create_task(house.get())
        await entered.wait()
        stopping = asyncio.create_task(house.server.stop())
        await asyncio.sleep(0.1)
        leave.set()
        assert (await call).collection.id == "c1"
        await stopping
