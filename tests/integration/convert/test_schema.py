from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, func, inspect, select
from sqlalchemy.exc import IntegrityError

from ret_convert import records
from ret_convert.orders import CandidateMade, Outcome, ShapeMade, TableMade
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


def shaped(document: str, path: str) -> Outcome:
    made = outcome(document, table("a", f"{document}-{path}"))
    candidates = [CandidateMade(path=path, count=2, fields=3, share=0.5)]
    made["shape"] = ShapeMade(layout="auto", record_path=path, chosen=False, candidates=candidates, more=0)
    return made


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


async def test_a_document_that_fails_now_keeps_its_tables_and_no_older_conversion_replaces_them(migrated: str) -> None:
    failed = outcome("d")
    failed["status"] = "failed"
    async with Database(migrated, "convert") as db:
        async with db.write() as conn:
            await records.replace(conn, conversion("first", 1), [outcome("d", table("a", "k1"), table("b", "k2"))])
            await records.replace(conn, conversion("third", 3), [failed])
            await records.replace(conn, conversion("second", 2), [outcome("d", table("a", "k3"))])
        async with db.read() as conn:
            found = await records.listed(conn, "session", ["d", "e"])
            assert {name: [one["id"] for one in given] for name, given in found.items()} == {"d": ["a-k1", "b-k2"]}
            assert found["d"][0] == {"id": "a-k1", "name": "a", "role": "main", "rows": 1, "columns": 2}
            assert await records.listed(conn, "another", ["d"]) == {}
            assert await records.leftover(conn, "session") == ["k3"]


async def test_a_shape_is_replaced_by_a_conversion_and_kept_by_a_failure(migrated: str) -> None:
    async with Database(migrated, "convert") as db:
        async with db.write() as conn:
            await records.replace(conn, conversion("first", 1), [shaped("d", "a/b"), shaped("e", "a/c")])
            await records.replace(conn, conversion("third", 3), [shaped("d", "a/d")])
            await records.replace(conn, conversion("second", 2), [shaped("d", "a/x")])
            await records.replace(conn, conversion("fourth", 4), [outcome("d")])
        async with db.read() as conn:
            found = await records.shape(conn, "session", "d")
            assert found is not None
            assert (found.record_path, found.chosen, found.collection_id) == ("a/d", False, "collection")
            assert json.loads(found.candidates) == [{"path": "a/d", "count": 2, "fields": 3, "share": 0.5}]
            assert await records.shape(conn, "another", "d") is None


async def test_shapes_are_forgotten_with_their_collection_and_session(migrated: str) -> None:
    async with Database(migrated, "convert") as db:
        async with db.write() as conn:
            await records.replace(conn, Conversion("j", 1, "one", "session"), [shaped("d", "a/b")])
            await records.replace(conn, Conversion("j", 1, "two", "session"), [shaped("e", "a/b")])
            await records.forget_collection(conn, "session", "one")
        async with db.read() as conn:
            assert await records.shape(conn, "session", "d") is None
            assert await records.shape(conn, "session", "e") is not None
        async with db.write() as conn:
            assert await records.forget_session(conn, "session") == 3  # a table, a shape, the note of a blob
        async with db.read() as conn:
            assert await records.shape(conn, "session", "e") is None


async def test_a_table_is_found_by_its_own_session_alone(migrated: str) -> None:
    async with Database(migrated, "convert") as db:
        async with db.write() as conn:
            await records.replace(conn, conversion("j", 1), [outcome("d", table("a", "k1"))])
        async with db.read() as conn:
            found = await records.table(conn, "session", "a-k1")
            assert found is not None
            assert (found.document_id, found.blob_key) == ("d", "k1")
            assert await records.table(conn, "another", "a-k1") is None
            assert await records.table(conn, "session", "absent") is None


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


async def test_a_table_is_edited_once_somebody_has_begun_and_nobody_begins_while_another_looks(migrated: str) -> None:
    async with Database(migrated, "convert") as db:
        async with db.write() as conn:
            await records.replace(
                conn, conversion("j", 1), [outcome("d1", table("t", "k1")), outcome("d2", table("t", "k2"))]
            )
        async with db.write() as conn:
            assert await records.edited(conn, "session", "collection") == set()
            beginning = asyncio.create_task(begun(db, "t-k1"))
            await asyncio.sleep(0.1)
            assert not beginning.done()
        await beginning
        async with db.write() as conn:
            assert await records.edited(conn, "session", "collection") == {"d1"}
            assert await records.edited(conn, "other", "collection") == set()
            assert await records.locked(conn, "other", "t-k1") is None


async def begun(db: Database, table_id: str) -> None:
    async with db.write() as conn:
        assert await records.locked(conn, "session", table_id)
        await records.begin_edits(conn, table_id)
