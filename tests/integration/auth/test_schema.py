from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from ret_auth.schema import endings, metadata, sessions, user_limits, users
from ret_auth.settings import AuthSettings
from ret_kit.database import Database, upgrade


async def migrated(settings: AuthSettings) -> Database:
    await upgrade(settings, "auth", "ret_auth")
    return Database.open(settings, "auth")


async def test_the_migrations_make_what_the_code_expects(settings: AuthSettings) -> None:
    def differences(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    async with await migrated(settings) as db, db.read() as conn:
        assert await conn.run_sync(differences) == []


async def test_the_migrations_make_the_checks_the_code_declares(settings: AuthSettings) -> None:
    def made(connection: Connection) -> set[str | None]:
        inspector = inspect(connection)
        return {check["name"] for table in metadata.tables for check in inspector.get_check_constraints(table)}

    declared = {
        constraint.name
        for table in metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    async with await migrated(settings) as db, db.read() as conn:
        assert await conn.run_sync(made) == declared


async def test_migrating_twice_changes_nothing(settings: AuthSettings) -> None:
    await upgrade(settings, "auth", "ret_auth")
    await upgrade(settings, "auth", "ret_auth")


@pytest.mark.parametrize(
    "statement",
    [
        (
            "INSERT INTO users (id, username, name_key, must_change_password, role, status, version, created_at_ms)"
            " VALUES ('u', 'u', 'u', false, 'king', 'active', 1, 1)"
        ),
        (
            "INSERT INTO users (id, username, name_key, must_change_password, role, status, version, created_at_ms)"
            " VALUES ('u', 'u', 'u', false, 'user', 'asleep', 1, 1)"
        ),
        (
            "INSERT INTO sessions (id, user_id, state, created_at_ms, last_seen_ms, expires_at_ms, absolute_end_ms,"
            " address, user_agent) VALUES ('s', 'nobody', 'active', 1, 1, 1, 1, '', '')"
        ),
        "INSERT INTO user_limits (user_id, upload_bytes, running_tasks, version) VALUES ('nobody', 1, 1, 1)",
        (
            "INSERT INTO lockouts (kind, subject_hash, failures, last_failure_ms, locked_until_ms)"
            " VALUES ('mood', 'x', 1, 1, 1)"
        ),
    ],
    ids=["role", "status", "session of nobody", "limits of nobody", "kind"],
)
async def test_the_database_refuses_what_cannot_be(settings: AuthSettings, statement: str) -> None:
    async with await migrated(settings) as db:
        with pytest.raises(IntegrityError):
            async with db.write() as conn:
                await conn.execute(text(statement))


def test_what_is_asked_for_often_has_an_index() -> None:
    indexed = {(table.name, *index.columns.keys()) for table in metadata.tables.values() for index in table.indexes}
    assert {
        (sessions.name, "state", "expires_at_ms"),
        (endings.name, "finished_at_ms", "next_order_ms"),
        ("refresh_tokens", "session_id"),
        ("audit_receipts", "correlation_id"),
    } <= indexed
    assert user_limits.primary_key.columns.keys() == ["user_id"]
    assert users.c.name_key.nullable is False
