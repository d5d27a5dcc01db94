"""The whole product behind its REST contract, on free ports and a folder of its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

ADMIN_PASSWORD = "the first administrator's password"
START_S = 150
PATIENCE_S = 30.0


@contextmanager
def running_product(folder: Path) -> Generator[httpx.Client]:
    """A client of a product that is ready; it is stopped at the end."""
    command = [sys.executable, "-m", "ret_run", "--data", str(folder / "data")]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RET_")}
    manager = subprocess.Popen(
        [*command, "--port", "0", "--json", "--die-with-parent"],
        env=inherited | {"RET_RUN_START_TIMEOUT": str(START_S), "RET_ADMIN_PASSWORD": ADMIN_PASSWORD},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert manager.stdout is not None
        ready, _, _ = select.select([manager.stdout], [], [], START_S + 30)
        line = manager.stdout.readline() if ready else ""
        assert line, "the product did not start"
        with httpx.Client(base_url=json.loads(line)["url"], timeout=PATIENCE_S) as client:
            yield client
    finally:
        manager.terminate()
        manager.communicate(timeout=120)


def login(client: httpx.Client, username: str, password: str) -> tuple[dict[str, str], str]:
    """(headers, session id) of a new session."""
    answer = client.post("/api/v1/auth/login", json={"username": username, "password": password})
    assert answer.is_success, answer.text
    client.cookies.clear()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}, answer.json()["session_id"]
