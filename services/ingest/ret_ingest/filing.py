"""Writing a collection: its row when it is uploaded, what a scan found, its end, and its removal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_ingest.schema import CollectionStatus, DocumentStatus, collections, documents, entries, groups, warnings
from ret_kit.database import now_ms

BELONGINGS = (documents, entries, groups, warnings)


async def create(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """A collection whose scan is queued."""
    await conn.execute(
        insert(collections).values(values | {"status": CollectionStatus.SCANNING, "created_at": now_ms()})
    )


async def fill(conn: AsyncConnection, collection_id: str, session_id: str, rows: Sequence[dict[str, Any]]) -> None:
    """Some of the rows of a scan's inventory, as `Listing.rows` gives them."""
    of = {"collection_id": collection_id}
    found: dict[str, list[dict[str, Any]]] = {"group": [], "entry": [], "warning": [], "document": []}
    for row in rows:
        kind = row.pop("row")
        if kind == "entry":
            document = _document(row) if row["type"] == "document" else None
            if document:
                found["document"].append(of | document | {"session_id": session_id})
            found[kind].append(of | _entry(row))
        else:
            found[kind].append(of | row)
    for table, kind in ((groups, "group"), (entries, "entry"), (documents, "document"), (warnings, "warning")):
        if found[kind]:
            await conn.execute(insert(table), found[kind])


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    entry = {name: row[name] for name in ("position", "type", "path", "name", "depth", "levels")}
    content = row.get("content") or {"key": "", "offset": 0, "length": 0, "sha256": ""}
    return entry | {"media_type": row.get("media_type", "")} | _range("blob", content)


def _document(row: dict[str, Any]) -> dict[str, Any]:
    document = {
        name: row[name] for name in ("id", "position", "by_container", "container_reason", "by_name", "name_reason")
    }
    plain = row["plain"] or {"key": "", "offset": 0, "length": 0, "sha256": ""}
    return (
        document
        | {"bytes": row["content"]["length"], "status": DocumentStatus.FOUND, "status_before": DocumentStatus.FOUND}
        | _range("plain", plain)
    )


def _range(prefix: str, content: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{name}": content[name] for name in ("key", "offset", "length", "sha256")}


async def finish(conn: AsyncConnection, collection_id: str, figures: dict[str, Any]) -> None:
    """The scan is done and its rows are written."""
    await conn.execute(
        update(collections)
        .where(collections.c.id == collection_id, collections.c.status == CollectionStatus.SCANNING)
        .values(
            status=CollectionStatus.READY,
            **{name: figures[name] for name in ("documents", "other_files", "containers", "max_depth", "seconds")},
        )
    )


async def fail(conn: AsyncConnection, collection_id: str, code: str) -> None:
    """The scan has failed or was cancelled: nothing of it stays but the reason, and the warning where it lies."""
    await clear(conn, collection_id, but=code)
    await conn.execute(
        update(collections)
        .where(collections.c.id == collection_id, collections.c.status == CollectionStatus.SCANNING)
        .values(status=CollectionStatus.FAILED, error_code=code)
    )


async def stop(conn: AsyncConnection, collection_id: str, warning: dict[str, str]) -> None:
    """Note where a scan could not go on: `code`, `path` and `detail`, in place of what was written before."""
    await clear(conn, collection_id)
    await conn.execute(insert(warnings).values(warning | {"collection_id": collection_id, "position": 0}))


async def clear(conn: AsyncConnection, collection_id: str, but: str = "") -> None:
    """Remove what an earlier attempt has written, except warnings with the code `but`."""
    for table in BELONGINGS:
        gone = table.c.collection_id == collection_id
        await conn.execute(delete(table).where(gone & (warnings.c.code != but) if table is warnings else gone))


async def remove(conn: AsyncConnection, collection_id: str) -> None:
    """Remove a collection with everything of it."""
    await clear(conn, collection_id)
    await conn.execute(delete(collections).where(collections.c.id == collection_id))


async def forget(conn: AsyncConnection, session_id: str) -> int:
    """Remove everything of a session; how many rows that were."""
    mine = select(collections.c.id).where(collections.c.session_id == session_id)
    removed = 0
    for table in BELONGINGS:
        removed += (await conn.execute(delete(table).where(table.c.collection_id.in_(mine)))).rowcount
    return removed + (await conn.execute(delete(collections).where(collections.c.session_id == session_id))).rowcount


async def next_number(conn: AsyncConnection, collection_id: str) -> int:
    """A number for a new group."""
    highest = select(func.max(groups.c.number)).where(groups.c.collection_id == collection_id)
    last = (await conn.execute(highest)).scalar_one()
    return 0 if last is None else int(last) + 1
