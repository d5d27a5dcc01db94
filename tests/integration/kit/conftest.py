from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rpc_house import ACCESS, SERVICE, Craft, House, Servicer

from ret.ingest.v1 import ingest_pb2_grpc
from ret_kit.rpc.client import Channel
from ret_kit.rpc.server import Server
from ret_kit.settings import KitSettings
from ret_kit.testing import AuthStandIn, RedisServer


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
