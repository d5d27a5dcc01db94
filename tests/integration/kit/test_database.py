from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text, delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from ret_kit.database import Database, Pooling, now_ms
from ret_kit.errors import StorageFull, Unavailable
from ret_kit.testing import PostgresServer

metadata = MetaData()
groups = Table("groups", metadata, Column("id", Integer, primary_key=True), Column("name", Text, nullable=False))
members = Table(
    "members",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("group_id", Integer, ForeignKey("groups.id"), nullable=False),
)


async def prepared(url: str, pooling: Pooling | None = None) -> Database:
    """A database with the tables of this test."""
    db = Database(url, "kit", pooling)
    async with db.write() as connection:
        if not db.is_sqlite:
            await connection.execute(text("CREATE SCHEMA IF NOT EXISTS kit"))
        await connection.run_sync(metadata.create_all)
    return db


async def count(db: Database) -> int:
    async with db.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(groups))).scalar_one())


async def add(db: Database, *names: str) -> None:
    async with db.write() as connection:
        await connection.execute(insert(groups), [{"name": name} for name in names])


async def test_what_is_written_is_read(database_url: str) -> None:
    async with await prepared(database_url) as db:
        await add(db, "FY", "GL")
        assert await count(db) == 2


async def test_an_error_takes_the_whole_block_back(database_url: str) -> None:
    async with await prepared(database_url) as db:

        async def fail() -> None:
            async with db.write() as connection:
                await connection.execute(insert(groups), [{"name": "FY"}])
                raise KeyError("x")

        with pytest.raises(KeyError):
            await fail()
        assert await count(db) == 0


async def test_a_cancelled_block_is_taken_back_and_blocks_nobody(database_url: str) -> None:
    async with await prepared(database_url, Pooling(busy_seconds=1)) as db:
        inside = asyncio.Event()

        async def write() -> None:
            async with db.write() as connection:
                await connection.execute(insert(groups), [{"name": "FY"}])
                inside.set()
                await asyncio.Event().wait()

        writing = asyncio.create_task(write())
        await inside.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await add(db, "GL")
        assert await count(db) == 1


async def test_a_call_cancelled_at_any_step_of_its_transaction_blocks_nobody(database_url: str) -> None:
    kept: list[BaseException | None] = []  # their frames hold cursors, as those of a call that failed may
    async with await prepared(database_url, Pooling(busy_seconds=1)) as db:

        async def work() -> None:
            async with db.write() as connection:
                await connection.execute(insert(groups), [{"name": "FY"}])
                await connection.execute(text("SELECT 1"))

        for steps in range(40):
            task = asyncio.create_task(work())
            for _ in range(steps):
                await asyncio.sleep(0.0002)
            task.cancel()
            kept += await asyncio.gather(task, return_exceptions=True)
            await add(db, "GL")
    assert kept


async def test_nothing_can_be_written_while_reading(database_url: str) -> None:
    async with await prepared(database_url) as db:
        with pytest.raises(DBAPIError):
            async with db.read() as connection:
                await connection.execute(insert(groups), [{"name": "FY"}])
        assert await count(db) == 0


async def test_a_read_sees_one_state_for_the_whole_block(database_url: str) -> None:
    async with await prepared(database_url) as db:
        async with db.read() as connection:
            counting = select(func.count()).select_from(groups)
            before = (await connection.execute(counting)).scalar_one()
            await add(db, "FY")
            assert (await connection.execute(counting)).scalar_one() == before
        assert await count(db) == before + 1


async def test_a_broken_reference_is_an_integrity_error(database_url: str) -> None:
    async with await prepared(database_url) as db:
        with pytest.raises(IntegrityError):
            async with db.write() as connection:
                await connection.execute(insert(members), [{"group_id": 99}])


async def test_many_writers_at_once_all_get_their_turn(database_url: str) -> None:
    async with await prepared(database_url) as db, asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(add(db, str(number)))
    async with Database(database_url, "kit") as db:
        assert await count(db) == 50


async def test_the_clock_is_the_databases_in_milliseconds(database_url: str) -> None:
    async with await prepared(database_url) as db, db.read() as connection:
        said = (await connection.execute(select(now_ms()))).scalar_one()
    assert isinstance(said, int)
    assert abs(said - time.time() * 1000) < 60_000


async def test_values_are_in_no_error(database_url: str) -> None:
    async with await prepared(database_url) as db:
        with pytest.raises(IntegrityError) as raised:
            async with db.write() as connection:
                await connection.execute(insert(groups), [{"id": 1, "name": "secret"}, {"id": 1, "name": "secret"}])
    assert "secret" not in str(raised.value)


async def test_services_have_a_schema_each(postgres_url: str) -> None:
    async with await prepared(postgres_url) as db, Database(postgres_url, "other") as other:
        await add(db, "FY")
        async with other.read() as connection:
            schemas = select(text("table_schema")).select_from(text("information_schema.tables"))
            found = (await connection.execute(schemas.where(text("table_name = 'groups'")))).scalars().all()
            assert found == ["kit"]
        with pytest.raises(DBAPIError):
            await add(other, "FY")


async def test_a_restarted_postgresql_costs_nothing(postgres: PostgresServer, postgres_url: str) -> None:
    async with await prepared(postgres_url) as db:
        await add(db, "FY")
        postgres.restart()
        assert await count(db) == 1


async def test_a_postgresql_that_is_away_is_unavailable(postgres: PostgresServer, postgres_url: str) -> None:
    async with await prepared(postgres_url) as db:
        postgres.stop()
        try:
            with pytest.raises(Unavailable):
                await db.ping()
        finally:
            postgres.start()
        await db.ping()


async def test_a_connection_that_is_cut_in_a_transaction_is_unavailable_and_nothing_half_done(
    postgres: PostgresServer, postgres_url: str
) -> None:
    async with await prepared(postgres_url) as db:

        async def cut_off() -> None:
            async with db.write() as connection:
                await connection.execute(insert(groups), [{"name": "FY"}])
                postgres.restart()
                await connection.execute(insert(groups), [{"name": "GL"}])

        with pytest.raises(Unavailable):
            await cut_off()
        assert await count(db) == 0


async def test_no_connection_left_in_the_pool_is_unavailable(postgres_url: str) -> None:
    pooling = Pooling(size=1, overflow=0, wait_seconds=0.2)
    async with await prepared(postgres_url, pooling) as db, db.read():
        with pytest.raises(Unavailable):
            await db.ping()


async def test_a_sqlite_that_somebody_else_keeps_locked_is_unavailable(sqlite_url: str) -> None:
    async with await prepared(sqlite_url, Pooling(busy_seconds=0.2)) as db, Database(sqlite_url, "kit") as other:
        async with other.write():
            with pytest.raises(Unavailable):
                await add(db, "FY")
            assert await count(db) == 0
        await add(db, "FY")


async def test_a_full_sqlite_is_storage_full(sqlite_url: str) -> None:
    async with await prepared(sqlite_url) as db:

        async def fill() -> None:
            async with db.write() as connection:
                await connection.execute(text("PRAGMA max_page_count = 20"))
                await connection.execute(insert(groups), [{"name": "x" * 100_000}])

        with pytest.raises(StorageFull):
            await fill()
        assert await count(db) == 0


def traces_of(canary: bytes, folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and canary in path.read_bytes()]


async def test_after_compacting_nothing_of_what_was_deleted_is_in_any_file(sqlite_url: str, tmp_path: Path) -> None:
    async with await prepared(sqlite_url) as db:
        await add(db, *(f"canary-{number:05}-{'x' * (number % 300)}" for number in range(10_000)))
        assert traces_of(b"canary-", tmp_path) != []
        async with db.write() as connection:
            await connection.execute(delete(groups).where(groups.c.name.like("canary%")))
        await db.compact()
        assert traces_of(b"canary-", tmp_path) == []
        assert await count(db) == 0


async def test_compacting_waits_for_a_reader_and_gives_up_without_harm(sqlite_url: str, tmp_path: Path) -> None:
    async with await prepared(sqlite_url, Pooling(busy_seconds=0.3)) as db:
        await add(db, "canary-1")
        async with db.read() as connection:
            await connection.execute(select(groups))
            async with db.write() as writing:
                await writing.execute(delete(groups))
            with pytest.raises(Unavailable):
                await db.compact()
        await db.compact()
        assert traces_of(b"canary-", tmp_path) == []


async def test_compacting_postgresql_is_left_to_its_vacuum(postgres_url: str) -> None:
    async with await prepared(postgres_url) as db:
        await add(db, "FY")
        await db.compact()
        assert await count(db) == 1


async def test_sqlite_is_set_up_to_keep_what_was_promised_and_nothing_else(sqlite_url: str) -> None:
    async with await prepared(sqlite_url) as db:
        for connecting in (db.read(), db.write()):
            async with connecting as connection:
                said = {
                    name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
                    for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "temp_store")
                }
                assert said == {
                    "journal_mode": "wal",
                    "synchronous": 2,
                    "foreign_keys": 1,
                    "secure_delete": 1,
                    "temp_store": 2,
                }


def test_a_services_name_cannot_be_sql() -> None:
    with pytest.raises(ValueError, match="name"):
        Database("postgresql://x@127.0.0.1/x", 'kit"; DROP SCHEMA x')


async def test_a_broken_statement_stays_what_it_is(database_url: str) -> None:
    async with await prepared(database_url) as db:
        with pytest.raises(DBAPIError) as raised:
            async with db.read() as connection:
                await connection.execute(text("SELECT nothing FROM nowhere"))
    assert not isinstance(raised.value, Unavailable)
