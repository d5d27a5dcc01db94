"""The whole product as `make run` starts it, on free ports and a folder of its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Coverage's measuring makes the start slower than a person would see it.
READY_SECONDS = 120


def environment() -> dict[str, str]:
    """This process's environment without what is set about RET."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RET_")}


def start(data: Path, **settings: str) -> subprocess.Popen[str]:
    """A product that is starting."""
    return subprocess.Popen(
        [sys.executable, "-m", "ret_run", "--data", str(data), "--port", "0", "--json", "--die-with-parent"],
        env={**environment(), "RET_RUN_START_TIMEOUT": str(READY_SECONDS), **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def facts_of(manager: subprocess.Popen[str]) -> dict[str, Any]:
    """What a product says of itself once it is ready; AssertionError with its complaint when it does not get there."""
    assert manager.stdout is not None
    assert manager.stderr is not None
    ready, _, _ = select.select([manager.stdout], [], [], READY_SECONDS + 30)
    line = manager.stdout.readline() if ready else ""
    if not line:
        manager.kill()
        raise AssertionError(manager.stderr.read())
    facts: dict[str, Any] = json.loads(line)
    return facts


def end(manager: subprocess.Popen[str]) -> int:
    """Stops a product; gives its exit status."""
    if manager.poll() is None:
        manager.terminate()
    manager.communicate(timeout=120)
    return manager.returncode


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Waits until the condition holds; AssertionError after so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@contextmanager
def beside(log: Path, variables: dict[str, str], *command: str) -> Generator[subprocess.Popen[bytes]]:
    """A further process of a running product: `python -m <command>`. It must have stopped in good order at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0, log.read_text()[-4000:]
