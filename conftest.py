"""What holds for every test."""

from __future__ import annotations

import os
import zlib

import pytest
from hypothesis import settings

DATABASES = ("sqlite", "postgresql")
ABOUT_DATABASES = ("test_database.py", "test_migrations.py", "test_schema.py")
"""Files whose subject is the database itself: both, always."""

LONGEST = (
    "tests/integration/jobs/test_jobs.py",
    "tests/integration/convert/test_conversions.py",
    "tests/integration/run/test_product.py",
    "tests/integration/convert/test_exports.py",
    "tests/integration/gateway/test_matrix.py",
)
"""Files that come first: a parallel run hands out files, and must not end with everybody waiting for one of these."""


def pytest_configure(config: pytest.Config) -> None:
    """What runs only in processes that tests start counts as not covered.

    To measure it as well would make each of the thousand starts half as long again.
    """
    hands_out = bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")
    if not hands_out:
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    # How long an example takes says something about the machine, not about the code.
    settings.register_profile("untimed", parent=settings(), deadline=None)
    settings.load_profile("untimed")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """The processes of a parallel run must give a case the same name: a clock's value or raw bytes are no name."""
    return argname if isinstance(val, float | bytes) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test that runs on both databases, `make test` takes one, decided by its name; `make nightly` takes both."""
    rank = {config.rootpath / path: at for at, path in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
    if os.environ.get("RET_TEST_DATABASES") == "both":
        return
    left_out = [item for item in items if not _chosen(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _chosen(item: pytest.Item) -> bool:
    database = next((name for name in DATABASES if f"[{name}" in item.name or f"-{name}" in item.name), None)
    if database is None or item.path.name in ABOUT_DATABASES:
        return True
    return database == DATABASES[zlib.crc32(item.name.partition("[")[0].encode()) % 2]
