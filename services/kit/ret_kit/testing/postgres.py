"""A real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from ret_kit.testing.process import Process, free_port, program

PROGRAMS = "/usr/lib/postgresql/*/bin"
OWNER = "postgres"
"""PostgreSQL refuses to run as root: then it runs as this user, which Debian's package makes."""


@dataclass
class PostgresServer:
    """Listens on `port` of 127.0.0.1, as user `ret`, without a password."""

    port: int
    process: Process

    def url(self, database: str = "postgres") -> str:
        """`postgresql://…` of one of its databases."""
        return f"postgresql://ret@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Generator[str]:
        """The URL of an empty database, which is dropped with every connection to it at the end of the block."""
        name = f"ret_{uuid.uuid4().hex}"
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield self.url(name)
        finally:
            self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        """Ends it at once; every connection is cut, nothing that was committed is lost."""
        self.process.stop(signal.SIGINT)

    def start(self) -> None:
        """Starts it again, on the same port and data."""
        self.process.start()

    def restart(self) -> None:
        """Every connection is lost, nothing that was committed."""
        self.stop()
        self.start()


@contextmanager
def postgres_server() -> Generator[PostgresServer]:
    """A fresh server for the block, without fsync: it is as quick as a test wants it, and as safe as one needs."""
    user = OWNER if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="ret-postgres-"))
    port, data = free_port(), folder / "data"
    try:
        if user:
            shutil.chown(folder, user)
        initialise = [program("initdb", PROGRAMS), "-D", str(data), "-U", "ret", "-A", "trust", "-N", "-E", "UTF8"]
        subprocess.run([*initialise, "--locale=C"], check=True, capture_output=True, user=user, cwd=folder)
        command = [program("postgres", PROGRAMS), "-D", str(data), "-p", str(port), "-k", str(folder)]
        for setting in ("listen_addresses=127.0.0.1", "fsync=off", "max_connections=200", "log_min_messages=fatal"):
            command += ["-c", setting]
        process = Process(command, folder, lambda: _answers(port), user)
        process.start()
        try:
            yield PostgresServer(port, process)
        finally:
            process.stop(signal.SIGINT)  # its "fast" way: connections are cut
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answers(port: int) -> bool:
    try:
        with psycopg.connect(f"postgresql://ret@127.0.0.1:{port}/postgres", connect_timeout=1):
            return True
    except psycopg.OperationalError:
        return False
