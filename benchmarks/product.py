"""The whole product on free ports and a client of its API, for measuring from outside."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

CHUNK = 1 << 20
FINAL = {"succeeded", "failed", "cancelled"}


@dataclass
class Product:
    """A running product: its address, its data folder, and a logged-in client."""

    url: str
    data: Path
    client: httpx.Client
    username: str = "admin"
    password: str = ""

    def programs(self) -> dict[str, int]:
        """Process ids by program."""
        return dict(json.loads((self.data / "run.json").read_text())["programs"])

    def upload(self, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """Upload a file as a stream; (collection, job)."""
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + path.stat().st_size + len(tail)),
        }
        answer = self.client.post("/api/v1/collections", content=framed(head, path, tail), headers=headers)
        answer.raise_for_status()
        return answer.json()["collection"], answer.json()["job"]

    def wait(self, job: dict[str, Any], seconds: float = 900) -> dict[str, Any]:
        """The job when it has ended; AssertionError unless it has succeeded."""
        deadline = time.monotonic() + seconds
        while job["state"] not in FINAL:
            if time.monotonic() > deadline:
                raise TimeoutError(job["type"])
            time.sleep(0.02)
            job = self.client.get(f"/api/v1/jobs/{job['id']}").raise_for_status().json()
        assert job["state"] == "succeeded", job["error"]  # noqa: S101 - a figure of a failed job is none
        return job

    def convert(self, collection_id: str) -> dict[str, Any]:
        """Convert everything; the ended job."""
        answer = self.client.post(f"/api/v1/collections/{collection_id}/conversions", json={}).raise_for_status()
        return self.wait(answer.json()["job"])

    def export(self, collection_id: str, form: str) -> tuple[float, float, int]:
        """(seconds to the first byte, seconds in all, bytes) of a whole export that is read and thrown away."""
        start, first, size = time.monotonic(), 0.0, 0
        with self.client.stream(
            "GET", f"/api/v1/collections/{collection_id}/export", params={"format": form}
        ) as answer:
            answer.raise_for_status()
            for piece in answer.iter_raw():  # as they come: given a size, httpx waits until it has so much
                first = first or time.monotonic() - start
                size += len(piece)
        return first, time.monotonic() - start, size


def framed(head: bytes, path: Path, tail: bytes) -> Iterator[bytes]:
    """A multipart body, read from disk piece by piece."""
    yield head
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece
    yield tail


@contextmanager
def product() -> Generator[Product]:
    """Start the product with a fresh data folder, log in, and stop it again."""
    folder = Path(tempfile.mkdtemp(prefix="ret-bench-"))
    password = "Bench-" + secrets.token_urlsafe(16)
    command = [sys.executable, "-m", "ret_run", "--data", str(folder), "--port", "0", "--json", "--die-with-parent"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=os.environ | {"RET_ADMIN_PASSWORD": password}
    ) as process:
        try:
            assert process.stdout  # noqa: S101 - asked for above
            facts = json.loads(process.stdout.readline())
            with httpx.Client(base_url=facts["url"], timeout=900) as client:
                login = {"username": "admin", "password": password}
                token = client.post("/api/v1/auth/login", json=login).raise_for_status().json()["access_token"]
                client.headers["Authorization"] = f"Bearer {token}"
                yield Product(facts["url"], folder, client, login["username"], password)
        finally:
            process.terminate()
            process.wait(60)
            shutil.rmtree(folder, ignore_errors=True)


def family(pid: int) -> Iterable[int]:
    """A process and everything below it."""
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        yield current
        try:
            waiting += map(int, Path(f"/proc/{current}/task/{current}/children").read_text("ascii").split())
        except OSError:
            continue


def resident(pid: int) -> int:
    """Resident bytes of a process; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


@dataclass
class Watch:
    """The most memory that one process of each program had while the block ran, in bytes, looked at every 50 ms."""

    programs: dict[str, int]
    most: dict[str, int] = field(default_factory=dict[str, int])
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            for name, pid in self.programs.items():
                self.most[name] = max([self.most.get(name, 0), *map(resident, family(pid))])
