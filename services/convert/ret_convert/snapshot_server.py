"""ret.convert.v1.SnapshotService: tables as other services read them. Reads, calls, writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc.aio
from sqlalchemy import Row

from ret.convert.v1 import snapshot_pb2, snapshot_pb2_grpc
from ret_convert import records
from ret_convert.arrow import pa, pq
from ret_convert.editing.log import CONVERTED, edits_of
from ret_convert.editing.materialising import Materialised
from ret_convert.pages import Where
from ret_convert.tables import columns_of
from ret_convert.views.views import Reading
from ret_kit.auth import caller
from ret_kit.blobs import Blobs
from ret_kit.database import Database
from ret_kit.errors import BlobDamaged, NotFound
from ret_kit.rpc.server import Access

NAME = "ret.convert.v1.SnapshotService"
ACCESS = {"Snapshot": Access.service("diff")}
COLUMNS = 5000
"""Columns in one message, about."""
TABLES = 64
"""Tables that are looked at together."""
SMALL = 256 << 10
"""A table up to so many bytes is read at once to see its columns."""
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True)
class SnapshotPorts:
    """What the servicer stands on."""

    db: Database
    blobs: Blobs
    reading: Reading


class SnapshotServer(snapshot_pb2_grpc.SnapshotServiceServicer):
    """Serves the contract; tables of another session are not there."""

    def __init__(self, ports: SnapshotPorts) -> None:
        self._ports = ports

    async def Snapshot(
        self, request: snapshot_pb2.SnapshotRequest, context: Context
    ) -> AsyncIterator[snapshot_pb2.SnapshotResponse]:
        async with self._ports.db.read() as conn:
            rows = await records.of_documents(
                conn, caller().session_id, request.collection_id, list(request.document_ids)
            )
        held: list[snapshot_pb2.SnapshotTable] = []
        count = 0
        for start in range(0, len(rows), TABLES):
            some = rows[start : start + TABLES]
            for table in await self._tables(some, edited=request.edited, bare=request.without_columns):
                for part in parts(table):
                    held.append(part)
                    count += len(part.columns) + 1
                    if count >= COLUMNS:
                        yield snapshot_pb2.SnapshotResponse(tables=held)
                        held, count = [], 0
        if held:
            yield snapshot_pb2.SnapshotResponse(tables=held)

    async def _tables(self, rows: Sequence[Row[Any]], *, edited: bool, bare: bool) -> list[snapshot_pb2.SnapshotTable]:
        stored = [await self._edited(row) if edited and row.edited else None for row in rows]
        found = {} if bare else await asyncio.to_thread(self._columns, rows)
        return [_table(row, made, found.get(row.id, [])) for row, made in zip(rows, stored, strict=True)]

    def _columns(self, rows: Sequence[Row[Any]]) -> dict[str, list[snapshot_pb2.SnapshotColumn]]:
        """By table."""
        return {row.id: columns(self._ports.blobs, Where(row.blob_key, row.size)) for row in rows}

    async def _edited(self, row: Row[Any]) -> tuple[int, Materialised | None]:
        """(the present version, where it is stored); nowhere but in the table as converted where nothing is in effect.

        NotFound when the table went meanwhile: then what was written beside it is removed again.
        """
        session_id = caller().session_id
        asked = await self._ports.reading.asked(Where(row.blob_key, row.size), session_id)
        if asked.overlay.untouched:
            return asked.version, None
        stored = await self._ports.reading.views.stored(asked)
        async with self._ports.db.read() as conn:
            there = await records.table(conn, session_id, row.id)
        if there is None:
            await self._ports.blobs.delete_prefix(edits_of(row.blob_key))
            raise NotFound(what="table")
        return asked.version, stored


def columns(blobs: Blobs, where: Where) -> list[snapshot_pb2.SnapshotColumn]:
    """The columns of a stored table, from its footer. NotFound when it was replaced, BlobDamaged."""
    try:
        if where.size <= SMALL:
            found = columns_of(pq.read_schema(pa.BufferReader(blobs.get_sync(where.key, 0, where.size))))
        else:
            with blobs.reader(where.key) as file:
                found = columns_of(pq.read_schema(file))
    except (pa.ArrowException, OSError) as error:
        raise BlobDamaged(where.key) from error
    return [snapshot_pb2.SnapshotColumn(name=one.name, path=one.path, kind=str(one.kind)) for one in found]


def parts(table: snapshot_pb2.SnapshotTable) -> Iterator[snapshot_pb2.SnapshotTable]:
    """A table whose columns do not fit into one message in several: the parts after the first have columns only."""
    if len(table.columns) <= COLUMNS:
        yield table
        return
    found = list(table.columns)
    del table.columns[COLUMNS:]
    yield table
    for start in range(COLUMNS, len(found), COLUMNS):
        yield snapshot_pb2.SnapshotTable(table_id=table.table_id, columns=found[start : start + COLUMNS])


def _table(
    row: Row[Any], edited: tuple[int, Materialised | None] | None, found: list[snapshot_pb2.SnapshotColumn]
) -> snapshot_pb2.SnapshotTable:
    version, stored = edited or (CONVERTED, None)
    return snapshot_pb2.SnapshotTable(
        table_id=row.id,
        document_id=row.document_id,
        name=row.name,
        role=row.role,
        position=row.position,
        blob_key=stored["key"] if stored else row.blob_key,
        size=stored["size"] if stored else row.size,
        sha256=stored["sha256"] if stored else row.sha256,
        rows=stored["rows"] if stored else row.rows,
        version=version,
        numbers_key=stored["numbers_key"] if stored else "",
        columns=found,
    )
