from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ret_run.programs import GATEWAY, SERVERS, folders, product
from ret_run.settings import RunSettings


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RET_NATS_URL", "RET_REDIS_URL", "RET_GATEWAY_PORT", "RET_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "data"
    folders(path)
    return path


def settings(data: Path, **more: object) -> RunSettings:
    return RunSettings.model_validate({"data_dir": data, "gateway_port": 0, "nats_port": 0, "redis_port": 0, **more})


def test_a_product_is_two_servers_four_services_their_workers_and_a_gateway(data: Path) -> None:
    names = [program.name for program in product(settings(data)).programs]
    services = ["auth", "ingest", "convert", "diff"]
    assert names == ["nats", "redis", *services, "ingest-work-1", "convert-work-1", "diff-work-1", "gateway"]


def test_a_server_of_ones_own_is_used_and_none_is_started(data: Path) -> None:
    made = product(settings(data, nats_url="nats://elsewhere:4222", redis_url="redis://elsewhere:6379/0"))
    assert {program.stage for program in made.programs} == {1, GATEWAY}
    assert made.env["RET_NATS_URL"] == "nats://elsewhere:4222"
    assert made.env["RET_REDIS_URL"] == "redis://elsewhere:6379/0"


def test_an_address_that_is_set_is_kept(data: Path) -> None:
    free = product(settings(data)).env["RET_AUTH_ADDRESS"]
    assert product(settings(data, auth_address=free)).env["RET_AUTH_ADDRESS"] == free


def test_workers_are_as_many_as_asked_for(data: Path) -> None:
    made = product(settings(data, run_convert_workers=3, run_ingest_workers=0, run_diff_workers=0))
    workers = [program.name for program in made.programs if "work" in program.name]
    assert workers == ["convert-work-1", "convert-work-2", "convert-work-3"]


def test_secrets_and_configurations_are_for_their_owner_only_and_stay_the_same(data: Path) -> None:
    first = product(settings(data))
    files = [*(data / "secrets").iterdir(), data / "nats" / "nats.conf", data / "redis" / "redis.conf"]
    assert len(files) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    secret = (data / "secrets" / "nats").read_text()
    assert len(secret) == 64
    product(settings(data))
    assert (data / "secrets" / "nats").read_text() == secret
    assert secret in first.env["RET_NATS_URL"]


def test_the_system_account_of_nats_has_a_password_of_its_own(data: Path) -> None:
    product(settings(data))
    config = (data / "nats" / "nats.conf").read_text()
    assert "authorization" not in config
    assert (data / "secrets" / "nats-system").read_text() in config
    assert (data / "secrets" / "nats-system").read_text() != (data / "secrets" / "nats").read_text()


def test_every_address_of_a_product_is_on_this_machine_only(data: Path) -> None:
    made = product(settings(data))
    addresses = [value for name, value in made.env.items() if name.endswith(("_ADDRESS", "_URL"))]
    assert len(addresses) == 6
    assert all("127.0.0.1:" in address for address in addresses)
    assert made.url.startswith("http://127.0.0.1:")
    assert [program.name for program in made.programs if program.stage == SERVERS] == ["nats", "redis"]


def test_temporary_files_of_an_earlier_run_are_removed_at_the_start(data: Path) -> None:
    (data / "tmp" / "left").write_text("behind")
    folders(data)
    assert list((data / "tmp").iterdir()) == []
