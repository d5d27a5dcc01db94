"""Who may call what."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis
from rpc_house import ACCESS, SERVICE, House, Servicer, as_person, refused

from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret_kit.auth import ServiceTokens, session_key
from ret_kit.errors import Kind
from ret_kit.rpc.client import as_service
from ret_kit.rpc.server import Access, AccessMismatch
from ret_kit.testing import RedisServer


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


def connected(redis: RedisServer) -> Redis:
    return Redis.from_url(redis.url)  # pyright: ignore[reportUnknownMemberType] - redis-py leaves its options untyped
