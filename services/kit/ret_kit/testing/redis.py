"""A real redis-server."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ret_kit.testing.process import Process, accepts, free_port, program


@dataclass
class RedisServer:
    """Listens on `url`; what it writes lies in `folder`."""

    url: str
    folder: Path
    process: Process

    def stop(self) -> None:
        """Ends it in good order."""
        self.process.stop()

    def start(self) -> None:
        """Starts it again, on the same port, with what it had written."""
        self.process.start()


@contextmanager
def redis_server(*, durable: bool = False) -> Generator[RedisServer]:
    """A fresh server for the block; `durable` writes every change to an append-only file."""
    with tempfile.TemporaryDirectory(prefix="ret-redis-") as folder:
        port = free_port()
        writing = ["--appendonly", "yes", "--appendfsync", "always"] if durable else ["--appendonly", "no"]
        command = [program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--save", "", *writing]
        process = Process(command, Path(folder), lambda: accepts(port))
        process.start()
        try:
            yield RedisServer(f"redis://127.0.0.1:{port}/0", Path(folder), process)
        finally:
            process.stop()
