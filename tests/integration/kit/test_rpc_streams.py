"""Uploads, and answers that are streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from rpc_house import House, as_person, refused

from ret.ingest.v1 import ingest_pb2
from ret_kit.errors import NotFound, RemoteError, StorageFull


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
