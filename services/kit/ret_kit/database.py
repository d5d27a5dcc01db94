"""Records in SQL: SQLite in one file a service, or PostgreSQL in one schema a service, through SQLAlchemy Core.

Times are BIGINT milliseconds since 1970 by the database's clock: leases do not depend on the clocks of services.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Self, cast

import aiosqlite
from sqlalchemy import event, text
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from ret_kit.errors import Unavailable
from ret_kit.migrations import upgrade
from ret_kit.settings import KitSettings
from ret_kit.sql import address, now_ms, translated

__all__ = ["Database", "Pooling", "now_ms", "upgrade"]


@dataclass(frozen=True)
class Pooling:
    """How many connections a process has, and how long it waits (seconds)."""

    size: int = 5
    overflow: int = 10
    wait_seconds: float = 10.0
    busy_seconds: float = 5.0


class Database:
    """A service's records. Use `async with`, or call `close`.

    Raises Unavailable when the database is away or stays locked, StorageFull when its disk is full; an
    IntegrityError of SQLAlchemy's is the caller's to understand.
    """

    def __init__(self, url: str, service: str, pooling: Pooling | None = None) -> None:
        self._pooling = pooling or Pooling()
        self.url = address(url, service)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._readers = self._sqlite_engine(size=self._pooling.size, overflow=self._pooling.overflow, begin="BEGIN")
            # SQLite has one writer: those of a process queue here, in turn, and not in SQLite's own busy loop.
            self._writers = self._sqlite_engine(size=1, overflow=0, begin="BEGIN IMMEDIATE")
        else:
            self._readers = self._writers = self._postgresql_engine()

    @classmethod
    def open(cls, settings: KitSettings, service: str) -> Self:
        """The database of a service, with the pool the settings ask for."""
        pooling = Pooling(
            settings.database_pool_size,
            settings.database_pool_overflow,
            settings.database_pool_seconds,
            settings.database_busy_seconds,
        )
        return cls(settings.database_for(service), service, pooling)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every connection."""
        await self._readers.dispose()
        await self._writers.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """A connection in a read-only transaction: one state of the database for the whole block."""
        with translated():
            async with self._readers.connect() as connection:
                if not self.is_sqlite:
                    await connection.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
                async with connection.begin():
                    yield connection

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """A connection in a transaction that is committed at the end of the block and rolled back by an error.

        On SQLite it holds the write lock from the beginning. Do not nest: the inner one waits for the outer.
        """
        with translated():
            async with self._writers.begin() as connection:
                yield connection

    async def ping(self) -> None:
        """Raises Unavailable unless the database answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def compact(self) -> None:
        """Overwrites what was deleted: on SQLite the file is rebuilt and its write-ahead log emptied.

        On PostgreSQL nothing is done: dead rows go with its vacuum, its log by its retention. Raises Unavailable when
        other connections keep SQLite busy for longer than the busy time; nothing is lost then, call it again.
        """
        if not self.is_sqlite:
            return
        with translated():
            async with self._writers.connect() as connection:
                raw = (await connection.get_raw_connection()).driver_connection
                sqlite = cast("aiosqlite.Connection", raw)
                await sqlite.execute("VACUUM")
                await self._truncate_log(sqlite)

    async def _truncate_log(self, sqlite: aiosqlite.Connection) -> None:
        """Empties the write-ahead log, as soon as no reader needs it any more."""
        give_up = asyncio.get_running_loop().time() + self._pooling.busy_seconds
        while True:
            async with sqlite.execute("PRAGMA wal_checkpoint(TRUNCATE)") as cursor:
                row = await cursor.fetchone()
            if row and not row[0]:  # (busy, pages in the log, pages written back)
                return
            if asyncio.get_running_loop().time() > give_up:
                raise Unavailable(what="database")
            await asyncio.sleep(0.05)

    def _sqlite_engine(self, *, size: int, overflow: int, begin: str) -> AsyncEngine:
        engine = create_async_engine(
            self.url,
            pool_size=size,
            max_overflow=overflow,
            pool_timeout=self._pooling.wait_seconds,
            hide_parameters=True,  # values may be names of files; they do not belong into logs
        )
        pragmas = [
            f"PRAGMA busy_timeout = {int(self._pooling.busy_seconds * 1000)}",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",  # an accepted job survives a power failure
            "PRAGMA foreign_keys = ON",
            "PRAGMA secure_delete = ON",
            "PRAGMA temp_store = MEMORY",  # no copy of a name in a temporary file
            *(["PRAGMA query_only = ON"] if begin == "BEGIN" else []),
        ]

        @event.listens_for(engine.sync_engine, "connect")
        def _prepare(connection: AsyncAdapt_aiosqlite_connection, _entry: ConnectionPoolEntry) -> None:
            connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(pragma)
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        event.listen(engine.sync_engine, "close", _roll_back)
        return engine

    def _postgresql_engine(self) -> AsyncEngine:
        return create_async_engine(
            self.url,
            pool_size=self._pooling.size,
            max_overflow=self._pooling.overflow,
            pool_timeout=self._pooling.wait_seconds,
            pool_pre_ping=True,  # a restarted server costs a reconnect, not an error
            hide_parameters=True,
            connect_args={"connect_timeout": 5},
        )


def _roll_back(connection: AsyncAdapt_aiosqlite_connection, _entry: ConnectionPoolEntry) -> None:
    """Gives SQLite's write lock back before a connection is closed whose call was cancelled.

    SQLite closes a connection only when its last cursor is gone, and keeps the lock until then; the frames of a
    cancelled call can keep a cursor until the garbage collector comes.
    """
    driver = cast("aiosqlite.Connection", connection.driver_connection)
    rollback = driver.rollback()
    # The first step puts it into the queue of the connection's thread, before the closing; nobody waits for its end.
    with suppress(StopIteration, ValueError, RuntimeError):
        rollback.send(None)
    rollback.close()
