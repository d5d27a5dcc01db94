"""Whether a service's migrations give what its metadata says."""

from __future__ import annotations

from collections.abc import Generator
from typing import cast

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData

from ret_kit.migrations import exclusive
from ret_kit.sql import address


def differences(url: str, service: str, metadata: MetaData) -> list[str]:
    """What a migrated database has otherwise than the metadata: tables, columns, types, defaults, keys, indexes.

    Empty when they agree. CHECK constraints are not compared: Alembic cannot read them back.
    """
    with exclusive(address(url, service), service) as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": _default_differs, "target_metadata": metadata},
        )
        return [str(difference) for difference in _flat(compare_metadata(context, metadata))]


def _default_differs(
    _context: object, _there: object, _wanted: object, default_there: str | None, _default: object, wanted: str | None
) -> bool | None:
    """Alembic takes an empty text for another one on SQLite; everything else it compares well (None)."""
    return False if default_there in {"''", "('')"} and wanted in {"", "''"} else None


def _flat(found: object) -> Generator[object]:
    """Alembic puts the changes of one column into a list of their own."""
    for item in cast("list[object]", found):
        if isinstance(item, list):
            yield from _flat(cast("object", item))
        else:
            yield item
