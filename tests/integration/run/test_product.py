"""The whole product as `make run` starts it, on free ports and a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from run_bench import end, environment, facts_of, start, until


@dataclass
class Running:
    manager: subprocess.Popen[str]
    facts: dict[str, Any]
    data: Path

    @property
    def programs(self) -> dict[str, int]:
        return dict(json.loads((self.data / "run.json").read_text())["programs"])

    def get(self, path: str, body: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        data = json.dumps(body).encode() if body is not None else None
        url = str(self.facts["url"]) + path
        headers = {"Content-Type": "application/json", "X-RET-Request": "1"}
        request = urllib.request.Request(url, data, headers)  # noqa: S310 - our own address
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own address
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"{}")


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # in a container, nobody waits for orphans


def descendants(pid: int) -> set[int]:
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("product") / "data"
    manager = start(data)
    yield Running(manager, facts_of(manager), data)
    end(manager)


def test_it_is_ready_when_it_says_so(running: Running) -> None:
    assert running.get("/readyz")[0] == 200
    assert running.get("/healthz")[0] == 200


def test_the_printed_password_lets_the_first_admin_in_and_nothing_else_before_it_is_changed(running: Running) -> None:
    wrong, problem = running.get("/api/v1/auth/login", {"username": "admin", "password": "not the password"})
    assert (wrong, problem["code"]) == (401, "BAD_CREDENTIALS")
    password = str(running.facts["password"])
    status, grant = running.get("/api/v1/auth/login", {"username": running.facts["user"], "password": password})
    assert status == 200
    assert grant["user"]["must_change_password"] is True


def test_only_its_owner_can_read_what_it_writes(running: Running) -> None:
    assert stat.S_IMODE(running.data.stat().st_mode) == 0o700
    for path in (running.data / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    password = str(running.facts["password"])
    assert all(password not in path.read_text() for path in (running.data / "logs").glob("*.log"))


def test_every_line_of_every_log_is_json(running: Running) -> None:
    logs = list((running.data / "logs").glob("*.log"))
    assert {path.stem for path in logs} == {*running.programs, "run"}
    for path in logs:
        for line in path.read_text().splitlines():
            assert isinstance(json.loads(line), dict), path.name


@pytest.mark.parametrize("name", ["convert-work-1", "ingest", "auth", "gateway", "redis", "nats"])
def test_a_killed_program_comes_back_and_the_product_heals(running: Running, name: str) -> None:
    before = running.programs[name]
    os.kill(before, signal.SIGKILL)
    until(lambda: running.programs.get(name, before) != before)

    def healthy() -> bool:
        try:
            return running.get("/readyz")[0] == 200
        except OSError:
            return False

    until(healthy)


def test_a_second_product_on_the_same_data_is_refused(running: Running) -> None:
    second = start(running.data)
    _, complaint = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "already runs on" in complaint
    assert "RET_DATA_DIR" in complaint
    assert running.get("/readyz")[0] == 200


def test_a_taken_port_is_named_with_the_setting_that_changes_it(running: Running, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        second = start(tmp_path / "data", RET_AUTH_ADDRESS=f"127.0.0.1:{port}")
        _, complaint = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"port {port} is in use" in complaint
    assert "RET_AUTH_ADDRESS" in complaint
    assert running.get("/readyz")[0] == 200


def test_a_program_that_cannot_start_is_shown_with_its_last_lines(tmp_path: Path) -> None:
    broken = start(tmp_path / "data", RET_LOG_LEVEL="LOUD", RET_RUN_INGEST_WORKERS="0", RET_RUN_CONVERT_WORKERS="0")
    _, complaint = broken.communicate(timeout=120)
    assert broken.returncode == 1
    assert "ended with status" in complaint
    assert "log_level" in complaint.lower()


def test_stopping_ends_every_process_and_leaves_no_temporary_files(running: Running) -> None:
    everything = descendants(running.manager.pid)
    assert len(everything) >= len(running.programs)
    done = subprocess.run(
        [sys.executable, "-m", "ret_run", "--data", str(running.data), "--stop"],
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    running.manager.wait(30)
    assert running.manager.returncode == 0
    assert [pid for pid in everything if runs(pid)] == []
    assert not (running.data / "run.json").exists()
    assert list((running.data / "tmp").iterdir()) == []
