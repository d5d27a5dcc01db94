"""Functions that pool children run in these tests."""

from __future__ import annotations

import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ret_kit.blobs import Blobs
from ret_kit.errors import Kind, RetError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class TooOdd(RetError):
    """A typed error with a field."""

    number: int
    kind = Kind.INVALID
    code = "TOO_ODD"

    @property
    def detail(self) -> str:
        return f"{self.number} is odd."


def double(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    report({"seen": payload["number"]})
    if payload["number"] % 2:
        raise TooOdd(number=payload["number"])
    return {"double": payload["number"] * 2, "pid": os.getpid()}


def surprise(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    message = f"secret {payload} {report}"
    raise KeyError(message)


def linger(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Count up in steps, stage a blob on the way, and tell."""
    if payload.get("begun"):
        Path(payload["begun"]).touch()
    for step in range(payload["steps"]):
        report({"done": step})
        time.sleep(payload["seconds"] / payload["steps"])
    if payload.get("key"):
        with Blobs(payload["blobs"]).writer(payload["key"]) as blob:
            blob.write(b"result")
    return {"pid": os.getpid()}


def crash(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    report(payload)
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def hoard(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    report(payload)
    kept = [bytearray(os.urandom(1 << 20) * 16) for _ in range(payload["megabytes"] // 16)]
    time.sleep(payload.get("seconds", 0))
    return {"kept": len(kept)}


def call_out(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    report({})
    try:
        socket.create_connection(("127.0.0.1", payload["port"]), timeout=2).close()
    except OSError as error:
        return {"reached": False, "error": type(error).__name__}
    return {"reached": True}


def pour(payload: dict[str, Any], write: Callable[[bytes], None]) -> None:
    for number in range(payload["chunks"]):
        write(bytes([number % 256]) * payload["size"])
    if payload.get("fail"):
        raise TooOdd(number=payload["chunks"])
