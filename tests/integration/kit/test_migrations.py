from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, text

from ret_kit.database import Database, upgrade
from ret_kit.errors import Unavailable
from ret_kit.migrations import upgrade_sync
from ret_kit.settings import KitSettings
from ret_kit.testing.schema import differences

FIRST = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "0001", None
def upgrade():
    op.create_table("things", sa.Column("id", sa.Integer, primary_key=True))
"""
SECOND = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "0002", "0001"
def upgrade():
    op.add_column("things", sa.Column("name", sa.Text, nullable=False, server_default=""))
    op.create_index("ix_things_name", "things", ["name"])
"""
BROKEN = """
from alembic import op
revision, down_revision = "0003", "0002"
def upgrade():
    op.drop_index("ix_things_name")
    op.execute("INSERT INTO nowhere VALUES (1)")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """An installed package `ret_thing` with migrations, in a folder with a space and a percent sign in its name."""
    folder = tmp_path / "a 100% folder" / "ret_thing"
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (versions / "0001_things.py").write_text(FIRST)
    (versions / "0002_names.py").write_text(SECOND)
    monkeypatch.setattr(sys, "path", [str(folder.parent), *sys.path])
    yield folder
    sys.modules.pop("ret_thing", None)


async def columns(url: str) -> list[str]:
    async with Database(url, "thing") as db, db.read() as connection:
        return list((await connection.execute(text("SELECT * FROM things"))).keys())


@pytest.mark.usefixtures("package")
async def test_the_schema_is_brought_up_to_date(database_url: str, kit_settings: Callable[..., KitSettings]) -> None:
    settings = kit_settings(database_url=database_url)
    await upgrade(settings, "thing", "ret_thing")
    assert await columns(database_url) == ["id", "name"]
    await upgrade(settings, "thing", "ret_thing")
    assert await columns(database_url) == ["id", "name"]


@pytest.mark.usefixtures("package")
async def test_without_a_database_url_it_is_a_file_in_the_data_folder(kit_settings: Callable[..., KitSettings]) -> None:
    settings = kit_settings()
    await upgrade(settings, "thing", "ret_thing")
    assert (settings.data_dir / "sql" / "thing.db").is_file()


async def test_a_database_that_is_behind_catches_up(database_url: str, package: Path) -> None:
    second = package / "migrations" / "versions" / "0002_names.py"
    second.unlink()
    upgrade_sync(database_url, "thing", "ret_thing")
    assert await columns(database_url) == ["id"]
    second.write_text(SECOND)
    upgrade_sync(database_url, "thing", "ret_thing")
    assert await columns(database_url) == ["id", "name"]


async def test_many_processes_may_start_at_the_same_moment(database_url: str, package: Path) -> None:
    program = f"from ret_kit.migrations import upgrade_sync; upgrade_sync({database_url!r}, 'thing', 'ret_thing')"
    starts = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=package.parent, stderr=subprocess.PIPE)
        for _ in range(5)
    ]
    said = [await start.communicate() for start in starts]
    assert [start.returncode for start in starts] == [0] * 5, said
    assert await columns(database_url) == ["id", "name"]


async def test_a_migration_that_fails_leaves_everything_as_it_was(database_url: str, package: Path) -> None:
    upgrade_sync(database_url, "thing", "ret_thing")
    (package / "migrations" / "versions" / "0003_broken.py").write_text(BROKEN)
    with pytest.raises(Exception, match="nowhere"):
        upgrade_sync(database_url, "thing", "ret_thing")
    assert differences(database_url, "thing", as_migrated()) == []


@pytest.mark.usefixtures("package")
async def test_two_services_in_one_database_each_have_their_own_version(postgres_url: str) -> None:
    upgrade_sync(postgres_url, "thing", "ret_thing")
    upgrade_sync(postgres_url, "other", "ret_thing")
    async with Database(postgres_url, "other") as db, db.read() as connection:
        found = await connection.execute(
            text("SELECT table_schema FROM information_schema.tables WHERE table_name = 'alembic_version' ORDER BY 1")
        )
        assert found.scalars().all() == ["other", "thing"]


@pytest.mark.usefixtures("package")
def test_a_column_the_migrations_forgot_is_named(database_url: str) -> None:
    upgrade_sync(database_url, "thing", "ret_thing")
    wanted = as_migrated()
    assert differences(database_url, "thing", wanted) == []
    wanted.tables["things"].append_column(Column("size", Integer))
    (difference,) = differences(database_url, "thing", wanted)
    assert "size" in difference


def test_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        upgrade_sync("postgresql://ret@127.0.0.1:1/ret", "thing", "ret_kit")


def test_a_package_that_is_not_installed_is_named(sqlite_url: str) -> None:
    with pytest.raises(LookupError, match="ret_nothing"):
        upgrade_sync(sqlite_url, "thing", "ret_nothing")


def as_migrated() -> MetaData:
    metadata = MetaData()
    Table(
        "things",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("name", Text, nullable=False, server_default="", index=True),
    )
    return metadata
