from __future__ import annotations

from pathlib import Path

import pytest
from grpc._cython import cygrpc

from ret_kit.rpc.client import client_options
from ret_kit.rpc.server import server_options


@pytest.fixture(scope="module")
def grpc_itself() -> bytes:
    return Path(cygrpc.__file__).read_bytes()


@pytest.mark.parametrize("name", sorted({name for name, _ in client_options(1) + server_options(1)}))
def test_grpc_knows_every_option_we_give_it(name: str, grpc_itself: bytes) -> None:
    """An unknown name is ignored without a word: a server then takes its own clients' pings for an attack."""
    assert name.encode() + b"\0" in grpc_itself


def test_a_server_allows_the_pings_its_clients_send() -> None:
    client, server = dict(client_options(1)), dict(server_options(1))
    assert client["grpc.keepalive_time_ms"] > server["grpc.http2.min_ping_interval_without_data_ms"]
