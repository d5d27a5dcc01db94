"""A pool child: one process that runs named functions for its parent and can be killed at any moment.

Spoken over a socket pair, one frame after the other: a type byte, a length (4 bytes, big endian), the body.
`J` is a JSON object, `D` is raw data of a stream. Nothing is pickled, and only functions of the preloaded modules can
be named.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import json
import logging
import os
import resource
import signal
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = struct.Struct(">cI")
JSON, DATA = b"J", b"D"
REPORT_SECONDS = 0.1  # reports between two such moments are dropped: each replaces the one before
CHUNK = 1 << 20
PR_SET_PDEATHSIG = 1
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000

log = logging.getLogger("ret.child")


class Pipe:
    """Blocking frames over the socket that the parent handed down."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")

    def receive(self) -> dict[str, Any] | None:
        """The next JSON frame; None when the parent has gone or closed its end."""
        head = self._file.read(HEAD.size)
        if len(head) < HEAD.size:
            return None
        _, size = HEAD.unpack(head)
        return json.loads(self._file.read(size))

    def send(self, message: dict[str, Any]) -> None:
        """Send a JSON frame."""
        body = json.dumps(message, separators=(",", ":")).encode()
        self._connection.sendall(HEAD.pack(JSON, len(body)) + body)

    def data(self, chunk: bytes) -> None:
        """Send raw data in frames of at most 1 MiB; blocks while the parent does not read."""
        view = memoryview(chunk)
        for start in range(0, len(view), CHUNK):
            piece = view[start : start + CHUNK]
            self._connection.sendall(HEAD.pack(DATA, len(piece)))
            self._connection.sendall(piece)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends, however that happens (Linux)."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() == 1:  # the parent was gone before the request
        sys.exit(1)


def leave_network() -> bool:
    """Move into an empty network namespace; False where the kernel does not let us."""
    libc = ctypes.CDLL(None, use_errno=True)
    return any(libc.unshare(flags) == 0 for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET))


def resolve(name: str, allowed: set[str]) -> Callable[..., Any]:
    """The function `module:function`, of a preloaded module only."""
    module, _, function = name.partition(":")
    if module not in allowed or function.startswith("_"):
        message = f"{name} is not offered by this pool"
        raise LookupError(message)
    return getattr(importlib.import_module(module), function)


class Reporter:
    """Sends the newest report at most every 0.1 s; a report is replaced by the next, so dropping one loses nothing."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._sent = 0.0

    def __call__(self, report: dict[str, Any]) -> None:
        now = time.monotonic()
        if now - self._sent >= REPORT_SECONDS:
            self._sent = now
            self._pipe.send({"report": report})


def failure(error: BaseException) -> dict[str, Any]:
    """What the parent is told of an error; one of ours keeps its code, any other is logged and named by its type."""
    from ret_kit.errors import RetError  # noqa: PLC0415 - after the network is left and the limits are set

    if isinstance(error, RetError):
        return {
            "error": {
                "kind": str(error.kind),
                "code": error.code,
                "detail": error.detail,
                "transient": error.transient,
                "extra": error.extra(),
            }
        }
    log.error("function failed in a pool child", exc_info=error)
    return {
        "error": {
            "kind": "INTERNAL",
            "code": "INTERNAL",
            "detail": type(error).__name__,
            "transient": True,
            "extra": {},
        }
    }


def answer(pipe: Pipe, call: dict[str, Any], allowed: set[str]) -> None:
    """Run one call and send its end: `result`, or `error`."""
    try:
        function = resolve(call["call"], allowed)
        if call.get("stream"):
            function(call["payload"], pipe.data)
            pipe.send({"result": {}})
        else:
            pipe.send({"result": function(call["payload"], Reporter(pipe))})
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        pipe.send(failure(error))


def main() -> None:
    """Serve calls until the parent closes its end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--service", required=True)
    parser.add_argument("--preload", default="")
    parser.add_argument("--offline", action="store_true")
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    offline = asked.offline and leave_network()  # before any thread exists: the kernel asks for that
    from ret_kit import telemetry  # noqa: PLC0415 - see above

    telemetry.setup_child(asked.service)
    allowed = {name for name in asked.preload.split(",") if name}
    for name in sorted(allowed):
        importlib.import_module(name)
    pipe = Pipe(socket.socket(fileno=asked.fd))
    pipe.send({"ready": True, "offline": offline})
    while (call := pipe.receive()) is not None:
        try:
            with telemetry.extracted(call.get("trace", {})):
                answer(pipe, call, allowed)
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
