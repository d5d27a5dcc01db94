"""The rows of tables and shapes: replaced document by document, read, forgotten with their collection or session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_convert.orders import Outcome, TableListed
from ret_convert.schema import jobs, leftovers, shapes, tables

CHUNK = 500
"""Ids in one statement."""
OPEN = ("queued", "running")
"""The states of jobs that have not ended."""


@dataclass(frozen=True)
class Conversion:
    """Whose tables these are: the job, its order among conversions (milliseconds of its creation), what it converts."""

    job_id: str
    order: int
    collection_id: str
    session_id: str


async def replace(conn: AsyncConnection, by: Conversion, outcomes: Sequence[Outcome]) -> None:
    """Put the tables of each document in place of those it had; a newer conversion's tables stay.

    A document that failed keeps the tables it had, and no older conversion replaces them any more.
    """
    newer = await _newer(conn, by, [one["document_id"] for one in outcomes])
    current = [one for one in outcomes if one["document_id"] not in newer]
    kept = {table["blob_key"] for one in current for table in one["tables"]}
    for ids in _chunked([one["document_id"] for one in current if one["status"] == "failed"]):
        kept_tables = update(tables).where(tables.c.document_id.in_(ids), tables.c.session_id == by.session_id)
        await conn.execute(kept_tables.values(job_order=by.order))
    for ids in _chunked([one["document_id"] for one in current if one["status"] == "converted"]):
        gone = await conn.execute(
            delete(tables)
            .where(tables.c.document_id.in_(ids), tables.c.session_id == by.session_id)
            .returning(tables.c.blob_key)
        )
        await _leave(conn, by.session_id, set(gone.scalars()) - kept)
    unwanted = {table["blob_key"] for one in outcomes if one["document_id"] in newer for table in one["tables"]}
    await _leave(conn, by.session_id, unwanted)
    rows = [_row(by, one, position) for one in current for position in range(len(one["tables"]))]
    if rows:
        await conn.execute(insert(tables), rows)
    await _reshape(conn, by, current)


async def _reshape(conn: AsyncConnection, by: Conversion, outcomes: Sequence[Outcome]) -> None:
    """Note how documents were cut into records. One that failed keeps what is known of it: it has not changed."""
    rows = [
        {
            **{name: shape[name] for name in ("layout", "record_path", "chosen", "more")},
            "candidates": json.dumps(shape["candidates"]),
            "document_id": one["document_id"],
            "collection_id": by.collection_id,
            "session_id": by.session_id,
        }
        for one in outcomes
        if (shape := one.get("shape"))
    ]
    for ids in _chunked([one["document_id"] for one in outcomes if one.get("shape")]):
        await conn.execute(delete(shapes).where(shapes.c.document_id.in_(ids), shapes.c.session_id == by.session_id))
    if rows:
        await conn.execute(insert(shapes), rows)


async def _newer(conn: AsyncConnection, by: Conversion, ids: list[str]) -> set[str]:
    """The documents that a later order has converted meanwhile."""
    found: set[str] = set()
    for chunk in _chunked(ids):
        query = select(tables.c.document_id).where(tables.c.document_id.in_(chunk), tables.c.job_order > by.order)
        found.update((await conn.execute(query)).scalars())
    return found


def _row(by: Conversion, one: Outcome, position: int) -> dict[str, Any]:
    return {
        **one["tables"][position],
        "document_id": one["document_id"],
        "collection_id": by.collection_id,
        "session_id": by.session_id,
        "job_id": by.job_id,
        "job_order": by.order,
        "position": position,
    }


async def of_collection(conn: AsyncConnection, session_id: str, collection_id: str) -> dict[str, list[Row[Any]]]:
    """The tables of a collection's documents, the main one first, by document."""
    query = (
        select(tables)
        .where(tables.c.collection_id == collection_id, tables.c.session_id == session_id)
        .order_by(tables.c.document_id, tables.c.position)
    )
    found: dict[str, list[Row[Any]]] = {}
    for row in await conn.execute(query):
        found.setdefault(row.document_id, []).append(row)
    return found


async def of_documents(
    conn: AsyncConnection, session_id: str, collection_id: str, ids: Sequence[str]
) -> list[Row[Any]]:
    """The tables of documents of a collection, of all of them for no ids: by document, the main one first."""
    mine = (tables.c.collection_id == collection_id, tables.c.session_id == session_id)
    found: list[Row[Any]] = []
    for chunk in _chunked(ids) if ids else [()]:
        query = select(tables).where(*mine, *([tables.c.document_id.in_(chunk)] if ids else []))
        found += await conn.execute(query.order_by(tables.c.document_id, tables.c.position))
    return found


async def listed(conn: AsyncConnection, session_id: str, ids: Sequence[str]) -> dict[str, list[TableListed]]:
    """The tables of documents as they are listed, the main one first, by document; no entry where there are none."""
    found: dict[str, list[TableListed]] = {}
    of = tables.c
    for chunk in _chunked(ids):
        query = select(of.document_id, of.id, of.name, of.role, of.rows, of.columns)
        query = query.where(of.document_id.in_(chunk), of.session_id == session_id)
        for document_id, *columns in await conn.execute(query.order_by(of.document_id, of.position)):
            one = TableListed(**dict(zip(TableListed.__annotations__, columns, strict=True)))
            found.setdefault(document_id, []).append(one)
    return found


async def table(conn: AsyncConnection, session_id: str, table_id: str) -> Row[Any] | None:
    """A table of the session."""
    query = select(tables).where(tables.c.id == table_id, tables.c.session_id == session_id)
    return (await conn.execute(query)).one_or_none()


async def locked(conn: AsyncConnection, session_id: str, table_id: str) -> Row[Any] | None:
    """A table of the session, which nobody begins to edit or to convert again before the end of the transaction."""
    query = select(tables).where(tables.c.id == table_id, tables.c.session_id == session_id).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def begin_edits(conn: AsyncConnection, table_id: str) -> None:
    """Note that a table, which is locked, is edited: from now on it is replaced only by who discards edits."""
    await conn.execute(update(tables).where(tables.c.id == table_id).values(edited=True))


async def being_replaced(conn: AsyncConnection, row: Row[Any]) -> bool:
    """Whether a conversion that has not ended may put another table in place of this one."""
    of = jobs.jobs.c
    query = select(of.id, of.payload).where(
        of.session_id == row.session_id, of.state.in_(OPEN), of.created_at >= row.job_order, of.id != row.job_id
    )
    payloads = [json.loads(one.payload) for one in await conn.execute(query)]
    # Which documents are in a group is ingest's to know; any may be.
    return any(
        one["collection_id"] == row.collection_id
        and (row.document_id in one["documents"] or one["groups"] or not one["documents"])
        for one in payloads
    )


async def edited(conn: AsyncConnection, session_id: str, collection_id: str) -> set[str]:
    """The documents of a collection of whose tables one is edited; nobody begins to edit one before the end."""
    query = select(tables.c.document_id, tables.c.edited).where(
        tables.c.collection_id == collection_id, tables.c.session_id == session_id
    )
    return {row.document_id for row in await conn.execute(query.with_for_update()) if row.edited}


async def shape(conn: AsyncConnection, session_id: str, document_id: str) -> Row[Any] | None:
    """How a document of the session was cut into records; None when it was never converted."""
    query = select(shapes).where(shapes.c.document_id == document_id, shapes.c.session_id == session_id)
    return (await conn.execute(query)).one_or_none()


async def forget_collection(conn: AsyncConnection, session_id: str, collection_id: str) -> None:
    """Delete the rows of a collection, and note its blobs for removal."""
    gone = await conn.execute(
        delete(tables)
        .where(tables.c.collection_id == collection_id, tables.c.session_id == session_id)
        .returning(tables.c.blob_key)
    )
    await _leave(conn, session_id, set(gone.scalars()))
    await conn.execute(delete(shapes).where(shapes.c.collection_id == collection_id, shapes.c.session_id == session_id))


async def jobs_of(conn: AsyncConnection, session_id: str, collection_id: str) -> list[str]:
    """The ids of conversions of a collection that have not ended."""
    of = jobs.jobs
    query = select(of.c.id, of.c.payload).where(of.c.session_id == session_id, of.c.state.in_(OPEN))
    return [row.id for row in await conn.execute(query) if json.loads(row.payload)["collection_id"] == collection_id]


async def forget_session(conn: AsyncConnection, session_id: str) -> int:
    """Delete the rows of a session; how many there were. Its blobs go with its prefix."""
    rows = 0
    for whose in (tables, shapes, leftovers):
        rows += (await conn.execute(delete(whose).where(whose.c.session_id == session_id))).rowcount
    return rows


async def leftover(conn: AsyncConnection, session_id: str) -> list[str]:
    """The keys of blobs that are to be removed, some of them."""
    query = select(leftovers.c.blob_key).where(leftovers.c.session_id == session_id).limit(CHUNK)
    return list((await conn.execute(query)).scalars())


async def removed(conn: AsyncConnection, keys: Sequence[str]) -> None:
    """These blobs are gone."""
    await conn.execute(delete(leftovers).where(leftovers.c.blob_key.in_(keys)))


async def _leave(conn: AsyncConnection, session_id: str, keys: Iterable[str]) -> None:
    values = [{"blob_key": key, "session_id": session_id} for key in sorted(keys)]
    if values:
        await conn.execute(insert(leftovers), values)


def _chunked(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
