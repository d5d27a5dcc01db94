from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, func, inspect, select
from sqlalchemy.exc import IntegrityError

from ret_convert import records
from ret_convert.orders import Outcome, TableMade
from ret_convert.records import Conversion
from ret_convert.schema import metadata, tables
from ret_kit.database import Database
from ret_kit.migrations import upgrade_sync


@pytest.fixture
def migrated(database_url: str, tmp_path: Path) -> str:
    assert tmp_path.exists()
    upgrade_sync(database_url, "convert", "ret_convert")
    return database_url


def table(name: str, key: str) -> TableMade:
    return TableMade(
        id=f"{name}-{key}", name=name, role="main", rows=1, columns=2, cells=2, blob_key=key, size=9, sha256="0" * 64
    )


def outcome(document: str, *made: TableMade) -> Outcome:
    return Outcome(
        document_id=document, status="converted", method="native", fidelity=1.0, bytes=1, tables=[*made], warnings=[]
    )


def conversion(job: str, order: int) -> Conversion:
    return Conversion(job, order, "collection", "session")


async def test_the_migrations_make_what_the_code_expects(migrated: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    def checks(connection: Connection) -> set[str | None]:
        found = inspect(connection)
        return {check["name"] for one in metadata.tables for check in found.get_check_constraints(one)}

    declared = {
        constraint.name
        for one in metadata.tables.values()
        for constraint in one.constraints
        if isinstance(constraint, CheckConstraint)
    }
    async with Database(migrated, "convert") as db, db.read() as conn:
        assert await conn.run_sync(differences) == []
        assert await conn.run_sync(checks) == declared


async def test_a_role_that_is_none_is_refused(migrated: str) -> None:
    wrong = table("t", "k")
    wrong["role"] = "aunt"
    async with Database(migrated, "convert") as db:
        with pytest.raises(IntegrityError):
            async with db.write() as conn:
                await records.replace(conn, conversion("j", 1), [outcome("d", wrong)])


async def test_a_newer_conversion_replaces_and_an_older_one_does_not(migrated: str) -> None:
    async with Database(migrated, "convert") as db:
        async with db.write() as conn:
            await records.replace(conn, conversion("first", 1), [outcome("d", table("a", "k1"), table("b", "k2"))])
            await records.replace(conn, conversion("third", 3), [outcome("d", table("a", "k3"))])
            await records.replace(conn, conversion("second", 2), [outcome("d", table("a", "k4"))])
        async with db.read() as conn:
            found = await records.of_collection(conn, "session", "collection")
            assert [row.blob_key for row in found["d"]] == ["k3"]
            assert sorted(await records.leftover(conn, "session")) == ["k1", "k2", "k4"]


async def test_the_same_attempt_twice_changes_nothing(migrated: str) -> None:
    async with Database(migrated, "convert") as db:
        for _ in range(2):
            async with db.write() as conn:
                await records.replace(conn, conversion("job", 1), [outcome("d", table("a", "k1"))])
        async with db.read() as conn:
            assert await records.leftover(conn, "session") == []
            assert (await conn.execute(select(func.count()).select_from(tables))).scalar_one() == 1


async def test_a_document_that_fails_now_has_no_tables_any_more(migrated: str) -> None:
    async with Database(migrated, "convert") as db:
        async with db.write() as conn:
            await records.replace(conn, conversion("first", 1), [outcome("d", table("a", "k1"))])
            await records.replace(conn, conversion("second", 2), [outcome("d")])
        async with db.read() as conn:
            assert await records.of_collection(conn, "session", "collection") == {}


async def test_a_collection_and_a_session_are_forgotten_for_themselves_alone(migrated: str) -> None:
    other = Conversion("j", 1, "collection", "other")
    async with Database(migrated, "convert") as db:
        async with db.write() as conn:
            await records.replace(conn, conversion("j", 1), [outcome("d", table("a", "k1"))])
            await records.replace(conn, other, [outcome("e", table("b", "k2"))])
            await records.forget_collection(conn, "session", "collection")
            assert await records.forget_session(conn, "session") == 1  # the note of its blob
        async with db.read() as conn:
            assert set(await records.of_collection(conn, "other", "collection")) == {"e"}
            assert await records.of_collection(conn, "session", "collection") == {}


async def test_many_documents_are_replaced_in_portions(migrated: str) -> None:
    many = [outcome(f"d{number}", table("t", f"k{number}")) for number in range(1200)]
    async with Database(migrated, "convert") as db:
        async with db.write() as conn:
            await records.replace(conn, conversion("j", 1), many)
        async with db.read() as conn:
            assert len(await records.of_collection(conn, "session", "collection")) == 1200
