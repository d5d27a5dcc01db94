"""What conversions do to the listing: they take documents, tell what became of them, and let the rest go.

A later conversion of the same document has a higher order, a later attempt of the same conversion a higher fence; an
older one never overwrites a newer one, whenever its facts come.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Row, Select, case, delete, func, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_ingest import repository
from ret_ingest.schema import CollectionStatus, DocumentStatus, collections, documents, entries, groups, warnings
from ret_kit.errors import NotFound

CHUNK = 500  # ids in one statement


@dataclass(frozen=True)
class Choice:
    """The documents of some groups and some by id; neither means all of the collection."""

    groups: Sequence[str] = ()
    documents: Sequence[str] = ()


@dataclass(frozen=True)
class Conversion:
    """A conversion job: its order among conversions, and which attempt speaks."""

    job_id: str
    order: int
    fence: int = 0


@dataclass(frozen=True)
class Converted:
    """What became of one document; one that failed with tables has still those it had before."""

    document_id: str
    status: str
    method: str
    fidelity: float | None
    tables: list[dict[str, Any]]
    warnings: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])


async def chosen(conn: AsyncConnection, collection_id: str, choice: Choice) -> list[Row[Any]]:
    """The documents that were chosen, the biggest first, with `group_key` and, as `content_*`, where their XML is.

    NotFound for an id that is not of the collection, or a group that no document is in.
    """
    rows = (await conn.execute(_query(collection_id))).all()
    keys, ids = {repository.group_key(name) for name in choice.groups}, set(choice.documents)
    if keys - {row.group_key for row in rows}:
        raise NotFound(what="group")
    if ids - {row.id for row in rows}:
        raise NotFound(what="document")
    if not keys and not ids:
        return list(rows)
    return [row for row in rows if row.id in ids or row.group_key in keys]


def _query(collection_id: str) -> Select[Any]:
    packed = documents.c.plain_key != ""
    content = {
        name: case((packed, documents.c[f"plain_{name}"]), else_=entries.c[f"blob_{name}"]).label(f"content_{name}")
        for name in ("key", "offset", "length", "sha256")
    }
    return (
        select(
            documents.c.id,
            entries.c.name,
            entries.c.media_type,
            groups.c.name_key.label("group_key"),
            *content.values(),
        )
        .select_from(repository.LISTED)
        .where(documents.c.collection_id == collection_id, collections.c.status == CollectionStatus.READY)
        .order_by(content["length"].desc(), documents.c.position)
    )


async def take(conn: AsyncConnection, collection_id: str, choice: Choice, by: Conversion) -> list[Row[Any]]:
    """Mark the chosen documents as converting for a job and give them; what a newer conversion has is left to it."""
    rows = await chosen(conn, collection_id, choice)
    taken: set[str] = set()
    for ids in _chunks([row.id for row in rows]):
        marked = await conn.execute(
            update(documents)
            .where(documents.c.id.in_(ids), documents.c.conversion_order <= by.order)
            .values(
                status=DocumentStatus.CONVERTING,
                status_before=case(
                    (documents.c.status == DocumentStatus.CONVERTING, documents.c.status_before),
                    else_=documents.c.status,
                ),
                conversion_job=by.job_id,
                conversion_order=by.order,
                conversion_fence=0,
            )
            .returning(documents.c.id)
        )
        taken |= set(marked.scalars())
    return [row for row in rows if row.id in taken]


async def record(conn: AsyncConnection, session_id: str, by: Conversion, facts: Sequence[Converted]) -> int:
    """Fold facts in; how many were taken. The rest is of documents that are gone, or converted anew since.

    A document that failed and has its former tables still stays converted as it was, with the reason as a warning.
    """
    recorded = 0
    for fact in facts:
        keeps = fact.status == DocumentStatus.FAILED and bool(fact.tables)
        changed = await conn.execute(
            update(documents)
            .where(
                documents.c.id == fact.document_id,
                documents.c.session_id == session_id,
                documents.c.conversion_job == by.job_id,
                documents.c.conversion_order == by.order,
                documents.c.conversion_fence <= by.fence,
            )
            .values(conversion_fence=by.fence, **(_kept(fact) if keeps else _became(fact)))
            .returning(documents.c.collection_id)
        )
        collection_id = changed.scalar_one_or_none()
        if collection_id is not None:
            await _replace_warnings(conn, collection_id, fact, keeps=keeps)
            recorded += 1
    return recorded


def _became(fact: Converted) -> dict[str, Any]:
    """What a document is now."""
    return {
        "status": fact.status,
        "status_before": fact.status,
        "method": fact.method,
        "fidelity": fact.fidelity,
        "tables": json.dumps(fact.tables, separators=(",", ":")),
    }


def _kept(fact: Converted) -> dict[str, Any]:
    """What a document is when it failed and has its tables still: what it was, if it was converted."""
    converted = documents.c.status_before == DocumentStatus.CONVERTED
    failed = _became(replace(fact, tables=[]))
    still = {
        "status": DocumentStatus.CONVERTED,
        "status_before": DocumentStatus.CONVERTED,
        "method": documents.c.method,
        "fidelity": documents.c.fidelity,
        "tables": json.dumps(fact.tables, separators=(",", ":")),
    }
    return {name: case((converted, still[name]), else_=failed[name]) for name in still}


async def _replace_warnings(conn: AsyncConnection, collection_id: str, fact: Converted, *, keeps: bool) -> None:
    """Put the warnings of a fact in place of the document's; with `keeps`, beside those of its tables."""
    own = (warnings.c.collection_id == collection_id) & (warnings.c.document_id == fact.document_id)
    codes = [code for code, _, _ in fact.warnings]
    await conn.execute(delete(warnings).where(own, warnings.c.code.in_(codes) if keeps else true()))
    last = (await conn.execute(select(func.max(warnings.c.position)).where(own))).scalar_one()
    if fact.warnings:
        # Convert reads content and knows no paths: what it warns of is in the document itself.
        full = await _path(conn, fact.document_id)
        of = {"collection_id": collection_id, "document_id": fact.document_id}
        values = [
            of | {"position": position, "code": code, "path": path or full, "detail": detail}
            for position, (code, path, detail) in enumerate(fact.warnings, 0 if last is None else last + 1)
        ]
        await conn.execute(insert(warnings), values)


async def _path(conn: AsyncConnection, document_id: str) -> str:
    """The full logical path of a document that is there."""
    query = select(entries.c.path).select_from(repository.LISTED).where(documents.c.id == document_id)
    return str((await conn.execute(query)).scalar_one())


async def release(conn: AsyncConnection, session_id: str, collection_id: str, job_id: str) -> None:
    """Let go what a conversion took and did not convert: it is again what it was before."""
    await conn.execute(
        update(documents)
        .where(
            documents.c.collection_id == collection_id,
            documents.c.session_id == session_id,
            documents.c.conversion_job == job_id,
            documents.c.status == DocumentStatus.CONVERTING,
        )
        .values(status=documents.c.status_before)
    )


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
