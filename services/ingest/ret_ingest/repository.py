"""What is asked of the inventory, in SQL: collections, groups, documents, entries, each only for its own session.

A document's group is the one it was moved to, else the one its collection's grouping gives it; what groups are called
stands apart (`groups`). So regrouping changes one row, renaming and merging a few, and none of them a document.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, case, cast, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_ingest.filing import next_number
from ret_ingest.schema import CollectionStatus, DocumentStatus, collections, documents, entries, groups, jobs, warnings
from ret_kit.database import Database
from ret_kit.errors import NotFound

BATCH = 1000  # entries that are read at once

_by_name = collections.c.grouping == "name"
_number = func.coalesce(documents.c.moved_to, case((_by_name, documents.c.by_name), else_=documents.c.by_container))
_reason = case(
    (documents.c.moved_to.is_not(None), "user"),
    (_by_name, documents.c.name_reason),
    else_=documents.c.container_reason,
)
PLACED = documents.join(collections, collections.c.id == documents.c.collection_id).join(
    groups, and_(groups.c.collection_id == documents.c.collection_id, groups.c.number == _number)
)
LISTED = PLACED.join(
    entries,
    and_(entries.c.collection_id == documents.c.collection_id, entries.c.position == documents.c.position),
)


@dataclass(frozen=True)
class Wanted:
    """Which documents of a collection: all that satisfy what is given."""

    group: str = ""
    text: str = ""
    status: str = ""


@dataclass(frozen=True)
class Window:
    """A part of a list."""

    offset: int
    limit: int


def _collections() -> Select[Any]:
    """Collections with the state of their scan's job."""
    scan = jobs.jobs
    return select(collections, scan.c.state.label("job_state")).select_from(
        collections.join(scan, scan.c.id == collections.c.job_id)
    )


async def collection(conn: AsyncConnection, session_id: str, collection_id: str, *, lock: bool = False) -> Row[Any]:
    """A collection of the session; NotFound for any other. `lock` keeps others from changing its groups meanwhile."""
    query = _collections().where(collections.c.id == collection_id, collections.c.session_id == session_id)
    row = (await conn.execute(query.with_for_update(of=collections) if lock else query)).first()
    if row is None:
        raise NotFound(what="collection")
    return row


async def list_collections(conn: AsyncConnection, session_id: str, window: Window) -> tuple[Sequence[Row[Any]], int]:
    """The session's collections, newest first, and how many there are."""
    mine = collections.c.session_id == session_id
    total = (await conn.execute(select(func.count()).select_from(collections).where(mine))).scalar_one()
    rows = await conn.execute(
        _collections()
        .where(mine)
        .order_by(collections.c.created_at.desc(), collections.c.id)
        .offset(window.offset)
        .limit(window.limit)
    )
    return rows.all(), total


async def change_collection(conn: AsyncConnection, collection_id: str, **values: str) -> None:
    """Rename or regroup."""
    if values:
        await conn.execute(update(collections).where(collections.c.id == collection_id).values(**values))


@dataclass(frozen=True)
class Room:
    """How many warnings fit into an answer, and how many characters of paths and details."""

    rows: int
    characters: int


async def list_groups(conn: AsyncConnection, collection_id: str) -> Sequence[Row[Any]]:
    """(name, documents, bytes, converted) of every group that has documents, by name."""
    converted = func.sum(case((documents.c.status == DocumentStatus.CONVERTED, 1), else_=0))
    figures: list[ColumnElement[Any]] = [
        func.min(groups.c.name).label("name"),
        func.count().label("documents"),
        cast(func.sum(documents.c.bytes), BigInteger).label("bytes"),
        converted.label("converted"),
    ]
    rows = await conn.execute(
        select(*figures)
        .select_from(PLACED)
        .where(documents.c.collection_id == collection_id)
        .group_by(groups.c.name_key)
        .order_by(groups.c.name_key)
    )
    return rows.all()


async def list_warnings(conn: AsyncConnection, collection_id: str, room: Room) -> tuple[Sequence[Row[Any]], int]:
    """The first warnings of a collection, those of the scan before those of conversions, and how many there are."""
    of = warnings.c.collection_id == collection_id
    total = (await conn.execute(select(func.count()).select_from(warnings).where(of))).scalar_one()
    query = select(warnings).where(of).order_by(warnings.c.document_id, warnings.c.position).limit(room.rows)
    rows = (await conn.execute(query)).all()
    sizes = accumulate(len(row.path) + len(row.detail) for row in rows)
    return rows[: sum(size <= room.characters for size in sizes)], total


async def document_warnings(conn: AsyncConnection, collection_id: str, ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """The warnings of some documents, by document."""
    found: dict[str, list[Row[Any]]] = {}
    if ids:
        query = select(warnings).where(warnings.c.collection_id == collection_id, warnings.c.document_id.in_(ids))
        for row in await conn.execute(query.order_by(warnings.c.document_id, warnings.c.position)):
            found.setdefault(row.document_id, []).append(row)
    return found


def _documents() -> Select[Any]:
    return select(
        documents,
        entries.c.path,
        entries.c.name,
        entries.c.media_type,
        entries.c.blob_key,
        entries.c.blob_offset,
        entries.c.blob_length,
        entries.c.blob_sha256,
        groups.c.name.label("group"),
        _reason.label("reason"),
    ).select_from(LISTED)


def _filter(collection_id: str, wanted: Wanted) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [
        documents.c.collection_id == collection_id,
        collections.c.status == CollectionStatus.READY,
    ]
    if wanted.group:
        conditions.append(groups.c.name_key == group_key(wanted.group))
    if wanted.status:
        conditions.append(documents.c.status == wanted.status)
    if wanted.text:
        conditions.append(entries.c.path.icontains(wanted.text, autoescape=True))
    return and_(*conditions)


async def list_documents(
    conn: AsyncConnection, collection_id: str, wanted: Wanted, window: Window
) -> tuple[Sequence[Row[Any]], int]:
    """Documents in depth-first order, and how many there are."""
    where = _filter(collection_id, wanted)
    total = (await conn.execute(select(func.count()).select_from(LISTED).where(where))).scalar_one()
    query = _documents().where(where).order_by(documents.c.position).offset(window.offset).limit(window.limit)
    return (await conn.execute(query)).all(), total


async def document(conn: AsyncConnection, session_id: str, document_id: str) -> Row[Any]:
    """A document of the session; NotFound for any other."""
    query = _documents().where(documents.c.id == document_id, documents.c.session_id == session_id)
    row = (await conn.execute(query)).first()
    if row is None:
        raise NotFound(what="document")
    return row


async def require(conn: AsyncConnection, collection_id: str, group: str = "", document_id: str = "") -> None:
    """NotFound unless a scanned collection has the document, and documents in the group; what is empty is not asked."""
    found = and_(documents.c.collection_id == collection_id, collections.c.status == CollectionStatus.READY)
    for what, given, condition in (
        ("group", group, groups.c.name_key == group_key(group)),
        ("document", document_id, documents.c.id == document_id),
    ):
        if given:
            found = and_(found, condition)
            query = select(documents.c.id).select_from(PLACED).where(found).limit(1)
            if (await conn.execute(query)).first() is None:
                raise NotFound(what=what)


async def rename_group(conn: AsyncConnection, collection_id: str, group: str, name: str) -> None:
    """Call a group something else; a name that another has merges the two. NotFound for a group without documents."""
    old, new = group_key(group), group_key(name)
    present = {group_key(row.name): row.name for row in await list_groups(conn, collection_id)}
    if old not in present:
        raise NotFound(what="group")
    shown = name if old == new else present.get(new, name)
    await conn.execute(
        update(groups)
        .where(groups.c.collection_id == collection_id, groups.c.name_key.in_((old, new)))
        .values(name=shown, name_key=new)
    )


async def move_document(conn: AsyncConnection, row: Row[Any], group: str) -> None:
    """Put a document into a group, which is made when there is none of that name."""
    key, of = group_key(group), groups.c.collection_id == row.collection_id
    present = {group_key(one.name) for one in await list_groups(conn, row.collection_id)}
    number = (await conn.execute(select(func.min(groups.c.number)).where(of, groups.c.name_key == key))).scalar_one()
    if number is None:
        number = await next_number(conn, row.collection_id)
        values = {"collection_id": row.collection_id, "number": number, "name": group, "name_key": key}
        await conn.execute(insert(groups).values(values))
    elif key not in present:  # nobody sees how an empty group was spelled
        await conn.execute(update(groups).where(of, groups.c.name_key == key).values(name=group))
    await conn.execute(update(documents).where(documents.c.id == row.id).values(moved_to=number))


async def each_entry(db: Database, collection: Row[Any]) -> AsyncIterator[Sequence[Row[Any]]]:
    """Every entry in depth-first order, in batches, with the id, status and group of those that are documents."""
    number = documents.c.by_name if collection.grouping == "name" else documents.c.by_container
    # Chained outer joins, each over a key: SQLite would compute a nested one anew for every batch.
    joined = entries.outerjoin(
        documents,
        and_(documents.c.collection_id == entries.c.collection_id, documents.c.position == entries.c.position),
    ).outerjoin(
        groups,
        and_(
            groups.c.collection_id == entries.c.collection_id,
            groups.c.number == func.coalesce(documents.c.moved_to, number),
        ),
    )
    query = (
        select(
            entries,
            documents.c.id.label("document_id"),
            documents.c.status.label("document_status"),
            groups.c.name.label("group_name"),
            groups.c.name_key.label("group_key"),
        )
        .select_from(joined)
        .where(entries.c.collection_id == collection.id)
        .order_by(entries.c.position)
        .limit(BATCH)
    )
    position = -1
    while True:
        async with db.read() as conn:
            rows = (await conn.execute(query.where(entries.c.position > position))).all()
        if not rows:
            return
        position = rows[-1].position
        yield rows


def group_key(name: str) -> str:
    """Equal for names of groups that differ in case alone."""
    return name.casefold()
