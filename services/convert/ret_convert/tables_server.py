"""ret.convert.v1.TablesService: what users do with their session's tables. Reads, calls, writes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc.aio
from sqlalchemy import Row

from ret.convert.v1 import tables_pb2, tables_pb2_grpc
from ret_convert import records
from ret_convert.editing.errors import Conflict, StaleVersion
from ret_convert.editing.orders import NewRow, Order
from ret_convert.editing.overlay import Edit, Value
from ret_convert.editing.versions import By, Listed, Saved, Versions
from ret_convert.errors import BeingConverted
from ret_convert.pages import PageColumn, Where
from ret_convert.views.profiling import Column
from ret_convert.views.views import Asked, Reading
from ret_kit.auth import caller
from ret_kit.database import Database
from ret_kit.errors import Invalid, NotFound
from ret_kit.rpc.server import Access

NAME = "ret.convert.v1.TablesService"
METHODS = ("Save", "Undo", "Redo", "History", "Find", "Profile")
# Who compares writes differences into tables, in the name of who asked for it.
ACCESS: dict[str, Access] = dict.fromkeys(METHODS, Access.USER) | {"Save": Access.USER | Access.service("diff")}
LISTED = 1000  # versions in one answer at most
Context = grpc.aio.ServicerContext[Any, Any]

log = logging.getLogger("ret.convert")


@dataclass(frozen=True)
class TablesPorts:
    """What the servicer stands on."""

    db: Database
    reading: Reading

    @property
    def versions(self) -> Versions:
        """Where edits are kept."""
        return self.reading.versions


class TablesServer(tables_pb2_grpc.TablesServiceServicer):
    """Serves the contract; a table of another session is not there."""

    def __init__(self, ports: TablesPorts) -> None:
        self._ports = ports
        self._shortening: dict[str, asyncio.Task[None]] = {}

    async def Save(self, request: tables_pb2.SaveRequest, context: Context) -> tables_pb2.SaveResponse:
        order = await asyncio.to_thread(_order, request)
        where = await self._begun(request.table_id, order)
        by = By(caller().user_id, request.idempotency_key)
        made = await self._made(request.table_id, where, lambda: self._ports.versions.save(where, order, by))
        return tables_pb2.SaveResponse(**made)

    async def Undo(self, request: tables_pb2.UndoRequest, context: Context) -> tables_pb2.UndoResponse:
        where = await self._changeable(request.table_id)
        by = By(caller().user_id, request.idempotency_key)
        made = await self._made(request.table_id, where, lambda: self._ports.versions.undo(where, by, request.version))
        return tables_pb2.UndoResponse(**made)

    async def Redo(self, request: tables_pb2.RedoRequest, context: Context) -> tables_pb2.RedoResponse:
        where = await self._changeable(request.table_id)
        by = By(caller().user_id, request.idempotency_key)
        made = await self._made(request.table_id, where, lambda: self._ports.versions.redo(where, by, request.version))
        return tables_pb2.RedoResponse(**made)

    async def History(self, request: tables_pb2.HistoryRequest, context: Context) -> tables_pb2.HistoryResponse:
        if not 1 <= request.limit <= LISTED:
            raise Invalid(field="limit", reason=f"must be 1 to {LISTED}")
        if request.offset < 0:
            raise Invalid(field="offset", reason="must not be negative")
        where = _where(await self._table(request.table_id))
        found = await asyncio.to_thread(self._ports.versions.history, where, request.offset, request.limit)
        return tables_pb2.HistoryResponse(
            versions=map(_version, found.items),
            total=found.total,
            version=found.version,
            can_undo=found.can_undo,
            can_redo=found.can_redo,
        )

    async def Find(self, request: tables_pb2.FindRequest, context: Context) -> tables_pb2.FindResponse:
        asked = await self._asked(request.table_id)
        row, column = await self._ports.reading.views.find(asked, request.q, request.from_row)
        return tables_pb2.FindResponse(row=row, column=column, version=asked.version)

    async def Profile(self, request: tables_pb2.ProfileRequest, context: Context) -> tables_pb2.ProfileResponse:
        asked = await self._asked(request.table_id)
        found = await self._ports.reading.views.profile(asked, list(request.columns))
        columns = [_profiled(column, figures) for column, figures in found]
        return tables_pb2.ProfileResponse(columns=columns, version=asked.version)

    async def _asked(self, table_id: str) -> Asked:
        """The present version of a table, or NotFound."""
        return await self._ports.reading.asked(_where(await self._table(table_id)), caller().session_id)

    async def _table(self, table_id: str) -> Row[Any]:
        """The table, which is the caller's own, or NotFound."""
        async with self._ports.db.read() as conn:
            row = await records.table(conn, caller().session_id, table_id)
        if row is None:
            raise NotFound(what="table")
        return row

    async def _changeable(self, table_id: str) -> Where:
        """The table; NotFound, or BeingConverted while another may be put in its place."""
        row = await self._table(table_id)
        async with self._ports.db.read() as conn:
            if await records.being_replaced(conn, row):
                raise BeingConverted
        return _where(row)

    async def _begun(self, table_id: str, order: Order) -> Where:
        """As `_changeable`; a table that nobody has edited yet is noted as edited, unless the order is refused."""
        row = await self._table(table_id)
        if row.edited:
            return await self._changeable(table_id)
        await asyncio.to_thread(self._ports.versions.check, _where(row), order)
        async with self._ports.db.write() as conn:
            locked = await records.locked(conn, caller().session_id, table_id)
            if locked is None:
                raise NotFound(what="table")
            if await records.being_replaced(conn, locked):
                raise BeingConverted
            await records.begin_edits(conn, table_id)
        return _where(locked)

    async def _made(self, table_id: str, where: Where, make: Callable[[], Saved]) -> dict[str, Any]:
        """The fields of the answer to what makes a version; NotFound when the table went meanwhile."""

        def make_and_look() -> tuple[Saved, bool]:
            return make(), self._ports.versions.long(where)

        try:
            saved, long = await asyncio.to_thread(make_and_look)
        except StaleVersion as error:
            return {"stale": _stale(error)}
        await self._settled(table_id, where)
        if long and where.key not in self._shortening:
            self._shortening[where.key] = asyncio.create_task(self._shorten(table_id, where), name="snapshot")
        return {"saved": tables_pb2.Saved(version=saved.version, inserted=saved.inserted)}

    async def _settled(self, table_id: str, where: Where) -> None:
        """NotFound when the table went while something was written beside it; then that is removed again.

        Rows go before blobs: whoever removes the blobs has either seen what was written, or the row was gone before it.
        """
        try:
            await self._table(table_id)
        except NotFound:
            await asyncio.to_thread(self._ports.versions.remove, where)
            raise

    async def _shorten(self, table_id: str, where: Where) -> None:
        """Make a snapshot of a log that has grown long. Nobody waits for it, and without it nothing is lost."""
        try:
            await asyncio.to_thread(self._ports.versions.shorten, where)
            await self._settled(table_id, where)
        except NotFound:
            log.info("a table went while a snapshot of its edits was made")
        except Exception:
            log.exception("no snapshot of a long log")
        finally:
            del self._shortening[where.key]


def _where(row: Row[Any]) -> Where:
    return Where(row.blob_key, row.size)


def _value(message: tables_pb2.Value) -> Value:
    return message.text if message.HasField("text") else None


def _message(value: Value) -> tables_pb2.Value:
    return tables_pb2.Value() if value is None else tables_pb2.Value(text=value)


def _order(request: tables_pb2.SaveRequest) -> Order:
    return Order(
        request.version,
        [Edit(one.row, one.column, _value(one.value)) for one in request.edits],
        [NewRow(one.after, [_value(value) for value in one.values]) for one in request.inserts],
        list(request.deletes),
    )


def _stale(error: StaleVersion) -> tables_pb2.Stale:
    conflicts = map(_conflict, error.conflicts)
    return tables_pb2.Stale(current_version=error.current_version, conflicts=conflicts, more=error.more)


def _conflict(one: Conflict) -> tables_pb2.Conflict:
    base, theirs = _message(one.base), _message(one.theirs)
    return tables_pb2.Conflict(row=one.row, column=one.column, base=base, theirs=theirs, deleted=one.deleted)


def _profiled(column: PageColumn, figures: Column) -> tables_pb2.ColumnProfile:
    return tables_pb2.ColumnProfile(
        name=column.name,
        type=column.type,
        count=figures["count"],
        nulls=figures["nulls"],
        empty=figures["empty"],
        distinct=figures["distinct"],
        counted=figures["counted"],
        min=figures["min"],
        max=figures["max"],
        top=[tables_pb2.ValueCount(value=value, count=count) for value, count in figures["top"]],
    )


def _version(one: Listed) -> tables_pb2.Version:
    head = one.head
    return tables_pb2.Version(
        version=head.version,
        at_ms=head.at,
        user_id=head.user,
        kind=head.kind,
        of=head.of,
        edits=head.edits,
        undone=one.undone,
    )
