from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ret_run import supervisor as module
from ret_run.logs import Log
from ret_run.ports import Ports
from ret_run.programs import Program
from ret_run.supervisor import NotStarted, Supervisor


class Watched:
    """A supervisor with everything it said and the processes it runs."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.running: dict[str, int] = {}
        self.supervisor = Supervisor(
            log_of=lambda name: Log(name, folder, None, json_lines=False),
            say=self.said.append,
            changed=self._changed,
            stop_timeout=2,
        )

    def _changed(self, running: dict[str, int]) -> None:
        self.running = running

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.02)


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.05)
    made = Watched(tmp_path)
    yield made
    await made.supervisor.stop()


def program(name: str, code: str, stage: int = 1, port: int = 0) -> Program:
    return Program(name, (sys.executable, "-c", code), stage, port=port)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


SLEEPS = "import time; print('up', flush=True); time.sleep(600)"


async def test_a_killed_program_is_started_again_and_a_line_says_so(watched: Watched) -> None:
    await watched.supervisor.start((program("worker", SLEEPS),), lambda: True, 30)
    await watched.until(lambda: "worker" in watched.running)
    first = watched.running["worker"]
    os.kill(first, signal.SIGKILL)
    await watched.until(lambda: watched.running.get("worker", first) != first)
    assert watched.said == ["worker ended with signal SIGKILL; starting it again in 0.05 s"]


async def test_a_program_that_keeps_crashing_before_the_start_is_named_with_its_last_lines(watched: Watched) -> None:
    broken = program("convert", "print('no such table'); raise SystemExit(3)")
    with pytest.raises(NotStarted, match=r"(?s)convert ended with status 3; its last lines:.*no such table"):
        await watched.supervisor.start((broken, program("auth", SLEEPS)), lambda: False, 30)


async def test_what_is_never_ready_is_given_up_in_time(watched: Watched) -> None:
    deaf = program("gateway", SLEEPS, port=Ports().choose("RET_GATEWAY_PORT", 0, 8080))
    with pytest.raises(NotStarted, match="gateway was not ready in time"):
        await watched.supervisor.start((program("auth", SLEEPS), deaf), lambda: False, 1.0)


async def test_programs_are_stopped_in_reverse_order_of_their_stages(watched: Watched, tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    open({str(order)!r}, 'a').write(sys.argv[1] + ' ')\n"
        "    raise SystemExit\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('up', flush=True)\n"
        "time.sleep(600)\n"
    )
    programs = tuple(
        Program(name, (sys.executable, "-c", code, name), stage)
        for name, stage in (("redis", 0), ("auth", 1), ("gateway", 2))
    )
    await watched.supervisor.start(programs, lambda: all_up(tmp_path, "redis", "auth", "gateway"), 30)
    await watched.supervisor.stop()
    assert order.read_text().split() == ["gateway", "auth", "redis"]
    assert watched.running == {}


def all_up(folder: Path, *names: str) -> bool:
    return all((folder / f"{name}.log").exists() and "up" in (folder / f"{name}.log").read_text() for name in names)


async def test_a_program_that_ignores_the_signal_is_killed(watched: Watched, tmp_path: Path) -> None:
    stubborn = program("stubborn", f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}")
    await watched.supervisor.start((stubborn,), lambda: all_up(tmp_path, "stubborn"), 30)
    pid = watched.running["stubborn"]
    await watched.supervisor.stop()
    assert not alive(pid)
    assert watched.said == ["stubborn did not stop in 2 s and is killed"]


async def test_a_crash_takes_the_children_of_the_program_with_it(watched: Watched, tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEPS!r}], stdout=subprocess.DEVNULL)\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"
        "print('up', flush=True)\n"
        "time.sleep(600)\n"
    )
    await watched.supervisor.start((program("parent", code),), lambda: all_up(tmp_path, "parent"), 30)
    child = int((tmp_path / "child").read_text())
    os.kill(watched.running["parent"], signal.SIGKILL)
    await watched.until(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # nobody waits for orphans in a container


async def test_when_the_supervisor_is_killed_its_programs_die(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from ret_run.logs import Log
from ret_run.programs import Program
from ret_run.supervisor import Supervisor

async def main():
    folder = Path({str(tmp_path)!r})
    running = {{}}
    supervisor = Supervisor(log_of=lambda name: Log(name, folder, None, json_lines=False), say=print,
                            changed=running.update, stop_timeout=2)
    await supervisor.start((Program("child", (sys.executable, "-c", {SLEEPS!r}), 1),), lambda: "child" in running, 30)
    print(running["child"], flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""
    manager = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert manager.stdout is not None
    child = int(await manager.stdout.readline())
    assert _runs(child)
    manager.kill()
    await manager.wait()
    async with asyncio.timeout(30):
        while _runs(child):
            await asyncio.sleep(0.05)
