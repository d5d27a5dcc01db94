"""A server of somebody else's as a child process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 30.0


class NotStarted(Exception):
    """A server ended, or was not ready in time; the text is the end of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str, *folders: str) -> str:
    """The path of a program on the path or in one of the folders (patterns); FileNotFoundError names it."""
    elsewhere = [str(path / name) for pattern in folders for path in sorted(Path("/").glob(pattern.lstrip("/")))]
    for candidate in [shutil.which(name), shutil.which(name, path="/usr/sbin:/usr/local/sbin"), *reversed(elsewhere)]:
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise FileNotFoundError(f"{name} is not installed")


@dataclass
class Process:
    """A running server. `ready` is asked until it says yes; the log is `<folder>/log`."""

    command: Sequence[str]
    folder: Path
    ready: Callable[[], bool]
    user: str | None = None
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The process id; LookupError while it is stopped."""
        if self._child is None:
            raise LookupError("the server is not running")
        return self._child.pid

    def start(self) -> None:
        """Starts it and waits until it is ready. Raises NotStarted."""
        with (self.folder / "log").open("ab") as log:
            self._child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self.user, cwd=self.folder
            )
        give_up = time.monotonic() + START_SECONDS
        while not self.ready():
            if self._child.poll() is not None or time.monotonic() > give_up:
                self.stop(signal.SIGKILL)
                raise NotStarted((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends it with a signal, and with SIGKILL after ten seconds. Stopping twice is the same as once."""
        child, self._child = self._child, None
        if child is None:
            return
        child.send_signal(how)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def accepts(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
