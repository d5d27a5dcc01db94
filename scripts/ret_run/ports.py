"""Ports on 127.0.0.1: which are free, and what to say when one is not."""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection
from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass
class PortTaken(Exception):
    """A port that was asked for by a setting is in use by another program."""

    port: int
    setting: str

    def __str__(self) -> str:
        return f"port {self.port} is in use by another program; set {self.setting} to a free one (or stop the other)"


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


class Ports:
    """Hands out ports, each once.

    Beside other products (`aside`) the usual ports are left to them: of two that start at the same moment, both would
    find a usual port free.
    """

    def __init__(self, *, aside: bool = False) -> None:
        self._given: set[int] = set()
        self._aside = aside

    def choose(self, setting: str, wanted: int | None, usual: int) -> int:
        """The wanted port, or any free one for 0; unset: the usual one, or a free one where that is taken.

        Raises PortTaken when a wanted port other than 0 is in use.
        """
        if wanted:
            if wanted in self._given or not is_free(wanted):
                raise PortTaken(wanted, setting)
            port = wanted
        elif wanted is None and not self._aside and usual not in self._given and is_free(usual):
            port = usual
        else:
            port = self._any(self._given)
        self._given.add(port)
        return port

    @staticmethod
    def _any(given: Collection[int]) -> int:
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.bind((HOST, 0))
                port = int(probe.getsockname()[1])
            if port not in given:
                return port
