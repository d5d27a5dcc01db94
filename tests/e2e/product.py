"""The whole product for a browser: started as `make run` starts it, on free ports and a folder of its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "correct horse battery staple"
READY_SECONDS = 150


@dataclass(frozen=True)
class Product:
    """Where the page is, and who may log in."""

    url: str
    username: str
    password: str


@contextmanager
def running(data: Path, **settings: str) -> Generator[Product]:
    """A product until the block ends. Raises AssertionError with what it complained of when it does not start."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RET_")}
    env |= {"RET_RUN_START_TIMEOUT": str(READY_SECONDS), **settings}
    command = [sys.executable, "-m", "ret_run", "--data", str(data), "--port", "0", "--json", "--die-with-parent"]
    errors = data.parent / "errors.txt"
    with (
        errors.open("w") as complaints,
        subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, text=True
        ) as manager,
    ):
        try:
            assert manager.stdout is not None
            ready, _, _ = select.select([manager.stdout], [], [], READY_SECONDS + 30)
            line = manager.stdout.readline() if ready else ""
            assert line, errors.read_text()
            facts = json.loads(line)
            yield Product(facts["url"], facts["user"], facts["password"])
        finally:
            manager.terminate()
            manager.wait(120)
