# ruff: noqa: N802 - the names of handlers are the contract's
from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from redis.asyncio import Redis

from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret_kit import telemetry
from ret_kit.auth import Caller, ServiceTokens, acting_as, caller, session_key
from ret_kit.errors import Invalid, Kind, NotFound, RemoteError, StorageFull, Unavailable
from ret_kit.rpc.client import Channel, as_service, deadline
from ret_kit.rpc.server import Access, AccessMismatch, Server
from ret_kit.settings import KitSettings
from ret_kit.testing import AuthStandIn, RedisServer

SERVICE = "ret.ingest.v1.IngestService"


@dataclass
class Craft:
    """What the handlers of the test do, and what they saw."""

    act: Callable[[], Any] = lambda: None
    seen: list[Caller] = field(default_factory=list[Caller])
    correlation: str = ""
    trace: str = ""
    seconds_left: float | None = None
    received: int = 0
    open_streams: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)


class Servicer:
    """The methods that the tests call; gRPC wants the others to exist."""

    def __init__(self, craft: Craft) -> None:
        self.craft = craft

    def __getattr__(self, method: str) -> Any:
        return self.GetCollection

    async def GetCollection(
        self, request: ingest_pb2.GetCollectionRequest, context: object
    ) -> ingest_pb2.GetCollectionResponse:
        self.craft.seen.append(caller())
        self.craft.correlation, self.craft.trace = telemetry.correlation_id.get(), telemetry.trace_id()
        end = deadline.get()
        self.craft.seconds_left = None if end is None else end - asyncio.get_running_loop().time()
        outcome = self.craft.act()
        if asyncio.iscoroutine(outcome):
            await outcome
        return ingest_pb2.GetCollectionResponse(collection=ingest_pb2.Collection(id=request.collection_id))

    async def ListCollections(
        self, request: ingest_pb2.ListCollectionsRequest, context: object
    ) -> ingest_pb2.ListCollectionsResponse:
        self.craft.seen.append(caller())
        return ingest_pb2.ListCollectionsResponse(total=1)

    async def DeleteCollection(
        self, request: ingest_pb2.DeleteCollectionRequest, context: object
    ) -> ingest_pb2.DeleteCollectionResponse:
        self.craft.seen.append(caller())
        return ingest_pb2.DeleteCollectionResponse()

    async def Upload(self, request_iterator: Any, context: object) -> ingest_pb2.UploadResponse:
        try:
            async for request in request_iterator:
                self.craft.received += len(request.chunk)
                self.craft.act()
        finally:
            self.craft.closed.set()
        return ingest_pb2.UploadResponse()

    async def Tree(self, request: ingest_pb2.TreeRequest, context: object) -> AsyncGenerator[ingest_pb2.TreeResponse]:
        self.craft.open_streams += 1
        try:
            for number in range(1000):
                if number == 3:
                    self.craft.act()
                yield ingest_pb2.TreeResponse(nodes=[ingest_pb2.TreeNode(depth=number)])
                await asyncio.sleep(0)
        finally:
            self.craft.open_streams -= 1
            self.craft.closed.set()


ACCESS = {method.name: Access.USER for method in ingest_pb2.DESCRIPTOR.services_by_name["IngestService"].methods} | {
    "ListCollections": Access.USER_ANY,
    "DeleteCollection": Access.service("convert"),
    "GetCollection": Access.USER | Access.service("convert"),
    "RenameGroup": Access.ADMIN,
}


@dataclass
class House:
    """A service with real parts around it."""

    settings: KitSettings
    auth: AuthStandIn
    server: Server
    channel: Channel
    craft: Craft

    @property
    def ingest(self) -> Any:
        return ingest_pb2_grpc.IngestServiceStub(self.channel)

    async def get(self) -> ingest_pb2.GetCollectionResponse:
        return await self.ingest.GetCollection(ingest_pb2.GetCollectionRequest(collection_id="c1"))


def as_person(token: str) -> Any:
    return acting_as(Caller("whoever", "whatever", "user", token=token))


@pytest.fixture
async def house(
    auth: AuthStandIn, redis: RedisServer, kit_settings: Callable[..., KitSettings]
) -> AsyncGenerator[House]:
    settings = kit_settings(redis_url=redis.url, auth_address=f"127.0.0.1:{auth.port}", rpc_drain_seconds=1)
    craft = Craft()
    async with Server(settings, "ingest", "127.0.0.1:0") as server:
        server.add(ingest_pb2_grpc.add_IngestServiceServicer_to_server, Servicer(craft), SERVICE, ACCESS)
        await server.start()
        async with Channel(settings, "ingest", f"127.0.0.1:{server.port}") as channel:
            yield House(settings, auth, server, channel, craft)


async def refused(call: Any) -> RemoteError:
    with pytest.raises(RemoteError) as raised:
        await call
    return raised.value


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


# --- who may call ---------------------------------------------------------------------------------------------------


async def test_before_the_password_is_changed_only_marked_methods_answer(house: House) -> None:
    with as_person(house.auth.login(must_change_password=True)):
        error = await refused(house.get())
        assert (error.kind, error.code) == (Kind.FORBIDDEN, "PASSWORD_CHANGE_REQUIRED")
        assert (await house.ingest.ListCollections(ingest_pb2.ListCollectionsRequest())).total == 1


async def test_a_user_is_refused_what_is_for_administrators(house: House) -> None:
    with as_person(house.auth.login(role="user")):
        error = await refused(house.ingest.RenameGroup(ingest_pb2.RenameGroupRequest()))
    assert (error.kind, error.code) == (Kind.FORBIDDEN, "FORBIDDEN")


async def test_a_person_is_refused_what_is_for_services(house: House) -> None:
    with as_person(house.auth.login(role="admin")):
        error = await refused(house.ingest.DeleteCollection(ingest_pb2.DeleteCollectionRequest()))
    assert error.code == "FORBIDDEN"


async def test_a_service_calls_in_the_name_of_a_session_even_while_somebody_else_is_the_caller(house: House) -> None:
    with as_person(house.auth.login()), as_service("convert", "s9", "u9"):
        await house.ingest.DeleteCollection(ingest_pb2.DeleteCollectionRequest())
    (who,) = house.craft.seen
    assert (who.service, who.session_id, who.user_id, who.role) == ("convert", "s9", "u9", "service")


async def test_a_service_that_is_not_named_is_refused(house: House) -> None:
    with as_service("diff", "s9", "u9"):
        assert (await refused(house.get())).code == "FORBIDDEN"


async def test_a_service_token_for_another_service_is_refused(house: House, service_secret: str) -> None:
    token = ServiceTokens(service_secret.encode()).issue("convert", "auth", user_id="u", session_id="s")
    with as_person(token):
        assert (await refused(house.get())).kind is Kind.UNAUTHENTICATED


async def test_a_closing_session_is_refused_with_the_next_call(house: House, redis: RedisServer) -> None:
    token = house.auth.login()
    (sid,) = house.auth.active
    house.auth.active.clear()
    async with connected(redis) as connection:
        await connection.set(session_key(sid), "active")
        with as_person(token):
            await house.get()
            await connection.set(session_key(sid), "closing")
            assert (await refused(house.get())).kind is Kind.UNAUTHENTICATED
    assert house.auth.checked == 0


async def test_a_session_redis_does_not_know_is_asked_of_auth_every_time(house: House) -> None:
    with as_person(house.auth.login()):
        await house.get()
        await house.get()
        house.auth.active.clear()
        assert (await refused(house.get())).kind is Kind.UNAUTHENTICATED
    assert house.auth.checked == 3


async def test_without_redis_nobody_passes_and_it_heals_by_itself(house: House, redis: RedisServer) -> None:
    with as_person(house.auth.login()):
        redis.stop()
        assert (await refused(house.get())).kind is Kind.UNAVAILABLE
        redis.start()
        assert (await house.get()).collection.id == "c1"


async def test_a_method_without_a_rule_refuses_to_start(house: House) -> None:
    rules = {name: rule for name, rule in ACCESS.items() if name != "Tree"}
    with pytest.raises(AccessMismatch, match="Tree"):
        house.server.add(ingest_pb2_grpc.add_IngestServiceServicer_to_server, Servicer(house.craft), SERVICE, rules)


async def test_a_rule_without_a_method_refuses_to_start(house: House) -> None:
    with pytest.raises(AccessMismatch, match="Misspelt"):
        house.server.add(
            ingest_pb2_grpc.add_IngestServiceServicer_to_server,
            Servicer(house.craft),
            SERVICE,
            ACCESS | {"Misspelt": Access.USER},
        )


# --- streams --------------------------------------------------------------------------------------------------------


async def chunks(count: int) -> AsyncIterator[ingest_pb2.UploadRequest]:
    for _ in range(count):
        yield ingest_pb2.UploadRequest(chunk=b"x" * 1000)


async def test_an_upload_arrives_whole(house: House) -> None:
    with as_person(house.auth.login()):
        await house.ingest.Upload(chunks(50))
    assert house.craft.received == 50_000


async def test_an_upload_that_is_refused_half_way_stops_sending_and_says_why(house: House) -> None:
    def refuse() -> None:
        if house.craft.received > 5000:
            raise StorageFull(what="blob store")

    async def endless() -> AsyncIterator[ingest_pb2.UploadRequest]:
        while True:
            yield ingest_pb2.UploadRequest(chunk=b"x" * 1000)
            await asyncio.sleep(0)

    house.craft.act = refuse
    with as_person(house.auth.login()):
        async with asyncio.timeout(10):
            error = await refused(house.ingest.Upload(endless()))
    assert error.code == "STORAGE_FULL"


async def test_many_uploads_that_are_refused_while_they_send_all_hear_the_services_own_reason(house: House) -> None:
    def refuse() -> None:
        raise StorageFull(what="blob store")

    async def endless() -> AsyncIterator[ingest_pb2.UploadRequest]:
        while True:
            yield ingest_pb2.UploadRequest(chunk=b"x" * 100_000)
            await asyncio.sleep(0)

    async def refusal() -> str:
        with as_person(house.auth.login()):
            return (await refused(house.ingest.Upload(endless()))).code

    house.craft.act = refuse
    for _ in range(10):
        assert set(await asyncio.gather(*(refusal() for _ in range(20)))) == {"STORAGE_FULL"}


async def test_an_upload_whose_source_fails_ends_on_both_sides_with_that_failure(house: House) -> None:
    async def broken() -> AsyncIterator[ingest_pb2.UploadRequest]:
        yield ingest_pb2.UploadRequest(chunk=b"x")
        await asyncio.sleep(0.05)
        raise ConnectionResetError("the browser has gone")

    with as_person(house.auth.login()), pytest.raises(ConnectionResetError, match="browser"):
        await house.ingest.Upload(broken())
    async with asyncio.timeout(5):
        await house.craft.closed.wait()


async def test_a_stream_of_answers_arrives_in_order(house: House) -> None:
    with as_person(house.auth.login()):
        depths = [answer.nodes[0].depth async for answer in house.ingest.Tree(ingest_pb2.TreeRequest())]
    assert depths == list(range(1000))


async def test_a_stream_that_fails_half_way_ends_with_its_error(house: House) -> None:
    def fail() -> None:
        raise NotFound(what="collection")

    house.craft.act = fail
    got: list[int] = []

    async def read() -> None:
        async for answer in house.ingest.Tree(ingest_pb2.TreeRequest()):
            got.append(answer.nodes[0].depth)  # noqa: PERF401 - what came before the error counts

    with as_person(house.auth.login()), pytest.raises(RemoteError) as raised:
        await read()
    assert (raised.value.code, got) == ("NOT_FOUND", [0, 1, 2])


async def test_a_stream_nobody_reads_on_is_closed_in_the_service_at_once(house: House) -> None:
    with as_person(house.auth.login()):
        async with aclosing(house.ingest.Tree(ingest_pb2.TreeRequest())) as answers:
            await anext(answers)
    async with asyncio.timeout(5):
        await house.craft.closed.wait()
    assert house.craft.open_streams == 0


# --- health, reflection, end ----------------------------------------------------------------------------------------


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


def connected(redis: RedisServer) -> Redis:
    return Redis.from_url(redis.url)  # pyright: ignore[reportUnknownMemberType] - redis-py leaves its options untyped
