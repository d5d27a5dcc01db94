from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, func, inspect, select, update
from sqlalchemy.exc import IntegrityError

from ret_diff import pair_records, records
from ret_diff.identical import NONE, failed, table_done
from ret_diff.orders import OptionFacts, PairDone, StoredTable
from ret_diff.pair_records import Planned, Wanted
from ret_diff.records import NewComparison, SideOrder
from ret_diff.schema import comparisons, jobs, metadata, pairs, table_pairs
from ret_kit.database import Database
from ret_kit.jobs.model import Identity, JobSettings, NewJob
from ret_kit.jobs.store import JobStore
from ret_kit.migrations import upgrade_sync

OPTIONS = OptionFacts(keys=[], ignore_columns=[], ignore_case=False, ignore_space=False, numeric_tolerance=0.0)


@pytest.fixture
def migrated(database_url: str, tmp_path: Path) -> str:
    assert tmp_path.exists()
    upgrade_sync(database_url, "diff", "ret_diff")
    return database_url


async def compared(db: Database, name: str = "c", session: str = "session", a: str = "was", b: str = "now") -> str:
    """A comparison with its job, which is not running."""
    store = JobStore(db, jobs, "diff", JobSettings(), "worker")
    async with db.write() as conn:
        job = await store.create(conn, NewJob("compare", Identity("user", session), {"comparison_id": name}))
        sides = [SideOrder(one, "", "edited", one) for one in (a, b)]
        await records.create(conn, NewComparison(name, session, "user", job.id, sides[0], sides[1], [], OPTIONS))
    return name


def planned(path: str, status: str = "pending", group: str = "GL") -> Planned:
    return Planned(status, group, path, path, [f"a-{path}"], [f"b-{path}"], match="path", confidence=1.0)


def stored(name: str) -> StoredTable:
    return StoredTable(id=name, name=name, key=name, size=1, sha256="0", rows=2, version=1, numbers_key="")


def done(pair: str, artefact: str, status: str = "mismatch") -> PairDone:
    table = table_done("Row", stored("a"), stored("b"))
    table["artefact"], table["status"], table["counts"] = artefact, status, {**NONE, "cells_changed": 3}
    return PairDone(id=pair, status=status, tables=[table], failure=None)


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
    async with Database(migrated, "diff") as db, db.read() as conn:
        assert await conn.run_sync(differences) == []
        assert await conn.run_sync(checks) == declared


@pytest.mark.parametrize(
    "table,values",
    [
        (comparisons, {"a_version": "last"}),
        (pairs, {"status": "other"}),
        (pairs, {"matched_by": "luck"}),
        (pairs, {"status": "failed"}),
        (pairs, {"failure_code": "X"}),
        (table_pairs, {"status": "other"}),
    ],
)
async def test_what_cannot_be_is_refused(migrated: str, table: type[object], values: dict[str, str]) -> None:
    async with Database(migrated, "diff") as db:
        of = await compared(db)
        async with db.write() as conn:
            await pair_records.add(conn, "session", of, [planned("x.xml")])
            await pair_records.finish(conn, "session", of, [done(pair_records.pair_id(of, "x.xml", "x.xml"), "k/")])
        with pytest.raises(IntegrityError):
            async with db.write() as conn:
                await conn.execute(update(table).values(values))  # pyright: ignore[reportArgumentType]


async def test_planning_again_puts_the_same_pairs_in_place(migrated: str) -> None:
    async with Database(migrated, "diff") as db:
        of = await compared(db)
        for _ in range(2):
            async with db.write() as conn:
                await pair_records.replan(conn, "session", of, [planned("b.xml"), planned("a.xml", "identical")])
        async with db.read() as conn:
            rows, total = await pair_records.page(conn, of, Wanted(), 0, 10)
            assert [(row.path, row.id) for row in rows] == [
                (path, pair_records.pair_id(of, path, path)) for path in ("a.xml", "b.xml")
            ]
            assert total == 2


async def test_pairs_are_found_by_group_status_and_part_of_a_path(migrated: str) -> None:
    async with Database(migrated, "diff") as db:
        of = await compared(db)
        async with db.write() as conn:
            await pair_records.add(
                conn,
                "session",
                of,
                [planned("GL/Ledger.xml"), planned("AR/x_1.xml", "identical", "AR"), planned("AR/x21.xml")],
            )
        async with db.read() as conn:
            for wanted, paths in (
                (Wanted(group="AR"), ["AR/x_1.xml"]),
                (Wanted(status="pending"), ["AR/x21.xml", "GL/Ledger.xml"]),
                (Wanted(text="lEDG"), ["GL/Ledger.xml"]),
                (Wanted(text="x_1"), ["AR/x_1.xml"]),
            ):
                rows, total = await pair_records.page(conn, of, wanted, 0, 10)
                assert ([row.path for row in rows], total) == (paths, len(paths))


async def test_a_result_replaces_the_one_before_and_leaves_its_artefact_to_be_removed(migrated: str) -> None:
    async with Database(migrated, "diff") as db:
        of = await compared(db)
        pair = pair_records.pair_id(of, "x.xml", "x.xml")
        async with db.write() as conn:
            await pair_records.add(conn, "session", of, [planned("x.xml")])
            for artefact in ("first/", "second/"):
                await pair_records.finish(conn, "session", of, [done(pair, artefact)])
            # What came for a pair that is not there any more is nobody's.
            await pair_records.finish(conn, "session", of, [done("gone", "third/")])
        async with db.read() as conn:
            assert sorted(await records.leftover(conn, "session")) == ["first/", "third/"]
            [table] = (await pair_records.tables(conn, [pair]))[pair]
            assert table.artefact == "second/"
            [tally] = (await pair_records.tallies(conn, [of]))[of]
            assert (tally.status, tally.pairs, tally.cells_changed) == ("mismatch", 1, 3)
            [artefact] = await pair_records.artefacts(conn, of)
            assert (artefact.pair_id, artefact.prefix, artefact.renumbered) == (pair, "second/", False)


async def test_what_fails_says_why_and_what_is_pending_fails_with_its_job(migrated: str) -> None:
    async with Database(migrated, "diff") as db:
        of = await compared(db)
        first, second = (pair_records.pair_id(of, path, path) for path in ("a.xml", "b.xml"))
        async with db.write() as conn:
            await pair_records.add(
                conn, "session", of, [planned("a.xml"), planned("b.xml"), planned("c.xml", "identical")]
            )
            await pair_records.finish(conn, "session", of, [failed(first, "MEMORY_EXCEEDED", "Too much.")])
            await pair_records.compare_again(conn, of, first, "job")
            await pair_records.fail_pending(conn, of, {"code": "CANCELLED", "detail": "No."}, "job")
            row = await pair_records.one(conn, "session", of, first)
            other = await pair_records.one(conn, "session", of, second)
            assert row is not None
            assert other is not None
            assert ((row.status, row.failure_code, row.job_id), other.status) == (
                ("failed", "CANCELLED", ""),
                "pending",
            )
            await pair_records.fail_pending(conn, of, {"code": "SIDE_GONE", "detail": "Gone."})
        async with db.read() as conn:
            rows = await pair_records.every(conn, of)
            assert [(one.status, one.failure_code) for one in rows] == [
                ("failed", "CANCELLED"),
                ("failed", "SIDE_GONE"),
                ("identical", ""),
            ]


async def test_what_is_not_compared_again_is_what_it_was(migrated: str) -> None:
    async with Database(migrated, "diff") as db:
        of = await compared(db)
        first, second = (pair_records.pair_id(of, path, path) for path in ("a.xml", "b.xml"))
        async with db.write() as conn:
            await pair_records.add(conn, "session", of, [planned("a.xml"), planned("b.xml")])
            done_before = [failed(first, "MEMORY_EXCEEDED", "Too much."), done(second, "first/")]
            await pair_records.finish(conn, "session", of, done_before)
            before = await pair_records.every(conn, of)
            former = {row.id: pair_records.former_of(row) for row in before}
            for pair in (first, second):
                await pair_records.compare_again(conn, of, pair, "job")
            # Another job's are left alone.
            await pair_records.put_back(conn, of, former, "other")
            assert {row.status for row in await pair_records.every(conn, of)} == {"pending"}
            await pair_records.put_back(conn, of, former, "job")
            assert await pair_records.every(conn, of) == before


async def test_a_deleted_collection_is_noted_on_its_side_and_names_what_still_runs(migrated: str) -> None:
    async with Database(migrated, "diff") as db:
        await compared(db, "one", a="x", b="y")
        await compared(db, "two", a="y", b="z")
        await compared(db, "other", session="other", a="x", b="x")
        async with db.write() as conn:
            found = await records.side_gone(conn, "session", "x")
            assert [side for _, side in found] == ["a"]
            for name, gone in (("one", (True, False)), ("two", (False, False))):
                row = await records.one(conn, "session", name)
                assert row is not None
                assert (row.a_gone, row.b_gone) == gone
            assert await records.one(conn, "session", "other") is None


async def test_conversions_are_remembered_once_each_also_when_told_at_the_same_time(migrated: str) -> None:
    async with Database(migrated, "diff") as db:
        of = await compared(db)

        async def remember(job: str) -> None:
            async with db.write() as conn:
                await records.remember_conversion(conn, of, job)

        await asyncio.gather(*(remember(f"job-{at % 3}") for at in range(6)))
        async with db.read() as conn:
            row = await records.one(conn, "session", of)
            assert row is not None
            assert sorted(row.conversions.strip("[]").split(",")) == ['"job-0"', '"job-1"', '"job-2"']


async def test_deleting_a_comparison_notes_what_its_jobs_stored_and_ending_a_session_leaves_no_row(
    migrated: str,
) -> None:
    async with Database(migrated, "diff") as db:
        for name in ("one", "two"):
            of = await compared(db, name)
            async with db.write() as conn:
                await pair_records.add(conn, "session", of, [planned("x.xml")])
                await pair_records.finish(
                    conn, "session", of, [done(pair_records.pair_id(of, "x.xml", "x.xml"), f"{of}/")]
                )
                await records.put_recipe(conn, "session", name, OPTIONS)
                await records.put_recipe(conn, "session", name, OPTIONS)
        async with db.write() as conn:
            [job] = await records.forget(conn, "session", "one")
            assert await records.leftover(conn, "session") == [f"sessions/session/jobs/{job}/"]
        async with db.write() as conn:
            assert [name for name, _ in await records.list_recipes(conn, "session")] == ["one", "two"]
            assert await records.forget_session(conn, "session") == 6  # table, pair, comparison, two recipes, leftover
        async with db.read() as conn:
            for table in (comparisons, pairs, table_pairs):
                assert (await conn.execute(select(func.count()).select_from(table))).scalar_one() == 0
