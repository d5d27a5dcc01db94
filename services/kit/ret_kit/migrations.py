"""Brings a service's schema up to date, at most one process at a time.

A service's migrations are `ret_<service>/migrations/versions/*.py`, ordinary Alembic revisions; an `env.py` is not
needed. Each schema (each file on SQLite) has its own `alembic_version`.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import importlib.util
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from ret_kit.settings import KitSettings
from ret_kit.sql import address, translated

_alone = threading.Lock()
"""Alembic keeps the run it is in in module variables: two in one process would mix."""
_ENVIRONMENT = Path(__file__).parent / "migrating"


async def upgrade(settings: KitSettings, service: str, package: str) -> None:
    """Runs what is missing of `<package>/migrations`; returns at once when nothing is.

    Several processes may call it at the same moment: one migrates, the others wait and find it done.
    """
    await asyncio.to_thread(upgrade_sync, settings.database_for(service), service, package)


def upgrade_sync(url: str, service: str, package: str) -> None:
    """As `upgrade`, for callers without an event loop."""
    with _alone, translated(), exclusive(address(url, service), service) as connection:
        config = Config(attributes={"connection": connection})
        for name, folder in {"script_location": _ENVIRONMENT, "version_locations": _versions(package)}.items():
            config.set_main_option(name, str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")  # a folder's name may have a space in it
        command.upgrade(config, "head")


@contextmanager
def exclusive(url: URL, service: str) -> Generator[Connection]:
    """A plain connection to a service's schema that no other migrating process has at the same time."""
    if url.get_backend_name() == "sqlite":
        with _sqlite(url) as connection:
            yield connection
    else:
        with _postgresql(url, service) as connection:
            yield connection


@contextmanager
def _sqlite(url: URL) -> Generator[Connection]:
    engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _entry: object) -> None:
        connection.isolation_level = None  # DDL is part of the transaction too; the driver would commit before it
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with Path(f"{url.database}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released by the kernel when this process ends, however it ends
        with engine.connect() as connection:
            yield connection


@contextmanager
def _postgresql(url: URL, service: str) -> Generator[Connection]:
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": 5})
    key = int.from_bytes(hashlib.sha256(f"ret:{service}".encode()).digest()[:8], signed=True)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
        try:
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{service}"'))
            connection.commit()
            yield connection
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
            connection.commit()


def _versions(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise LookupError(f"{package} is not installed")
    return Path(found.origin).parent / "migrations" / "versions"
