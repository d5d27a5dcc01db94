# ruff: noqa: N802 - the names of handlers are the contract's
"""A service of the contract with real parts around it, for tests of calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret_kit import telemetry
from ret_kit.auth import Caller, acting_as, caller
from ret_kit.errors import RemoteError
from ret_kit.rpc.client import Channel, deadline
from ret_kit.rpc.server import Access, Server
from ret_kit.settings import KitSettings
from ret_kit.testing import AuthStandIn

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


async def refused(call: Any) -> RemoteError:
    with pytest.raises(RemoteError) as raised:
        await call
    return raised.value
