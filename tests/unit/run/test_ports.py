from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ret_run.ports import HOST, Ports, PortTaken, is_free


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield int(server.getsockname()[1])


def test_a_wanted_port_in_use_is_refused_with_the_setting_that_changes_it(busy: int) -> None:
    with pytest.raises(PortTaken, match=rf"port {busy} .*RET_GATEWAY_PORT"):
        Ports().choose("RET_GATEWAY_PORT", busy, 8080)


def test_an_unset_port_moves_aside_when_the_usual_one_is_in_use(busy: int) -> None:
    port = Ports().choose("RET_NATS_PORT", None, busy)
    assert port != busy
    assert is_free(port)


def test_beside_other_products_the_usual_ports_are_left_to_them() -> None:
    usual = Ports().choose("RET_NATS_PORT", 0, 4222)
    assert Ports().choose("RET_NATS_PORT", None, usual) == usual
    assert Ports(aside=True).choose("RET_NATS_PORT", None, usual) != usual


def test_zero_gives_any_free_port_and_no_port_twice() -> None:
    ports = Ports()
    given = [ports.choose("RET_NATS_PORT", 0, 4222) for _ in range(50)]
    assert len(set(given)) == 50


def test_one_port_wanted_by_two_settings_is_refused() -> None:
    ports = Ports()
    free = Ports().choose("RET_REDIS_PORT", 0, 6379)
    assert ports.choose("RET_REDIS_PORT", free, 6379) == free
    with pytest.raises(PortTaken, match="RET_NATS_PORT"):
        ports.choose("RET_NATS_PORT", free, 4222)
