"""A real nats-server with JetStream."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ret_kit.testing.process import Process, accepts, free_port, program


@dataclass
class NatsServer:
    """Listens on `url`; its JetStream volume is `store`."""

    url: str
    store: Path
    process: Process

    def stop(self) -> None:
        """Ends it in good order."""
        self.process.stop()

    def kill(self) -> None:
        """Ends it as a power failure would."""
        self.process.stop(signal.SIGKILL)

    def start(self) -> None:
        """Starts it again, on the same port and volume."""
        self.process.start()

    def wipe(self) -> None:
        """Empties the volume; the server must be stopped."""
        shutil.rmtree(self.store)


@contextmanager
def nats_server() -> Generator[NatsServer]:
    """A fresh server for the block."""
    with tempfile.TemporaryDirectory(prefix="ret-nats-") as folder:
        port, store = free_port(), Path(folder) / "store"
        command = [program("nats-server"), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(store)]
        process = Process(command, Path(folder), lambda: accepts(port))
        process.start()
        try:
            yield NatsServer(f"nats://127.0.0.1:{port}", store, process)
        finally:
            process.stop()
