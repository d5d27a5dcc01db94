"""ret.diff.v1, what is seen of results: rows, places in them, patterns, findings, reports. Reads, calls, writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

import grpc.aio
from sqlalchemy.ext.asyncio import AsyncConnection

from ret.diff.v1 import diff_pb2, diff_pb2_grpc
from ret_diff import messages, pair_records, reporting
from ret_diff.locating import Sought
from ret_diff.meta import ShownColumn, TableBlob
from ret_diff.orders import Sides, StoredTable
from ret_diff.pages import Compared, Which, Window, view_of
from ret_diff.report.order import FORMATS
from ret_diff.server import LISTED, PairCalls, window
from ret_diff.shown import Artefact, Repeated, State
from ret_kit.auth import caller
from ret_kit.errors import Invalid, NotFound

CHUNK = 1 << 20  # bytes in one message
COLUMNS = 5000  # in one message
STRETCHES = 10_000
TEXT = 1000  # characters of a text that is looked for
REPORTED = 1000  # patterns in a report
Context = grpc.aio.ServicerContext[Any, Any]


class DiffServer(PairCalls, diff_pb2_grpc.DiffServiceServicer):
    """Serves the contract; comparisons of another session are not there."""

    async def Rows(self, request: diff_pb2.RowsRequest, context: Context) -> AsyncIterator[diff_pb2.RowsResponse]:
        if request.offset < 0:
            raise Invalid(field="offset", reason="must not be negative")
        if not 1 <= request.limit <= LISTED:
            raise Invalid(field="limit", reason=f"must be 1 to {LISTED}")
        _choice("columns", request.columns, ("", "changed", "all"))
        wanted = Window(_view(request), request.offset, request.limit, all_columns=request.columns == "all")
        of = await self._compared(request)
        page = await asyncio.to_thread(self.ports.shown.pages.rows, of, wanted)
        pieces = page.pieces()
        piece = await asyncio.to_thread(next, pieces, None)
        header = diff_pb2.RowsHeader(total=page.total)
        for part in _parts(messages.columns(page.columns)):
            header.columns.extend(part)
            yield diff_pb2.RowsResponse(header=header)
            header = diff_pb2.RowsHeader(total=page.total)
        while piece is not None:
            for start in range(0, len(piece), CHUNK):
                yield diff_pb2.RowsResponse(chunk=piece[start : start + CHUNK])
            piece = await asyncio.to_thread(next, pieces, None)

    async def Locate(self, request: diff_pb2.LocateRequest, context: Context) -> diff_pb2.LocateResponse:
        what = request.WhichOneof("what")
        if what is None:
            raise Invalid(field="what", reason="is to be looked for must be said")
        value = getattr(request, what)
        if what == "text" and not 1 <= len(value) <= TEXT:
            raise Invalid(field="text", reason=f"must be 1 to {TEXT} characters")
        given: dict[str, Any] = {what: value}
        sought = Sought(**given, start=max(0, getattr(request, "from")), moves=request.moves)
        of = await self._compared(request)
        found = await asyncio.to_thread(self.ports.shown.pages.locate, of, _view(request), sought)
        return diff_pb2.LocateResponse(
            position=found.position, a_row=found.a_row or 0, b_row=found.b_row or 0, column=found.column
        )

    async def Strip(self, request: diff_pb2.StripRequest, context: Context) -> diff_pb2.StripResponse:
        if not 1 <= request.stretches <= STRETCHES:
            raise Invalid(field="stretches", reason=f"must be 1 to {STRETCHES}")
        of = await self._compared(request)
        found = await asyncio.to_thread(self.ports.shown.pages.strip, of, _view(request), request.stretches)
        return diff_pb2.StripResponse(
            total=found.total,
            added=found.added,
            removed=found.removed,
            changed=found.changed,
            moved=found.moved,
            columns=messages.columns(_told(found.columns)),
        )

    async def _compared(
        self, request: diff_pb2.RowsRequest | diff_pb2.LocateRequest | diff_pb2.StripRequest
    ) -> Compared:
        """The tables that are asked for, or NotFound."""
        async with self.db.read() as conn:
            pair = await self.pair(conn, request.comparison_id, request.pair_id)
            tables = (await pair_records.tables(conn, [pair.id])).get(pair.id, [])
        for one in tables:
            if request.table in ("", one.name):
                sides: Sides = json.loads(one.sides)
                return Compared(one.artefact, _blob(sides["a"]), _blob(sides["b"]))
        raise NotFound(what="table")

    # --- patterns and findings ----------------------------------------------------------------------------------

    async def Patterns(self, request: diff_pb2.PatternsRequest, context: Context) -> diff_pb2.PatternsResponse:
        offset, limit = window(request.offset, request.limit)
        async with self.db.read() as conn:
            state, tables = await self._state(conn, request.comparison_id)
            if request.pair_id:
                await self.pair(conn, request.comparison_id, request.pair_id)
        shown = self.ports.shown
        if not request.pair_id:
            found = await asyncio.to_thread(shown.patterns, state, tables)
        else:
            tables = [one for one in tables if one.pair_id == request.pair_id and request.table in ("", one.table)]
            found = await asyncio.to_thread(shown.of_tables, tables)
        some = found[offset : offset + limit]
        whole = not request.pair_id
        return diff_pb2.PatternsResponse(patterns=[_pattern(one, whole=whole) for one in some], total=len(found))

    async def Findings(self, request: diff_pb2.FindingsRequest, context: Context) -> diff_pb2.FindingsResponse:
        async with self.db.read() as conn:
            state, tables = await self._state(conn, request.comparison_id)
        found = await asyncio.to_thread(self.ports.shown.findings, state, tables)
        return diff_pb2.FindingsResponse(findings=map(messages.finding, found))

    async def _state(self, conn: AsyncConnection, comparison_id: str) -> tuple[State, list[Artefact]]:
        row = await self.comparison(conn, comparison_id)
        return State(caller().session_id, row.id, row.state), await pair_records.artefacts(conn, row.id)

    # --- evidence -----------------------------------------------------------------------------------------------

    async def Report(self, request: diff_pb2.ReportRequest, context: Context) -> AsyncIterator[diff_pb2.ReportResponse]:
        _choice("format", request.format, FORMATS)
        async with self.db.read() as conn:
            row = await self.comparison(conn, request.comparison_id)
            comparison = await self.told(conn, row)
            rows = await pair_records.every(conn, row.id)
            tables = await pair_records.tables(conn, [one.id for one in rows])
            state, artefacts = await self._state(conn, row.id)
        patterns = await asyncio.to_thread(self.ports.shown.patterns, state, artefacts)
        findings = await asyncio.to_thread(self.ports.shown.findings, state, artefacts)
        order = reporting.order(
            request,
            comparison,
            [messages.pair(one, tables.get(one.id, ())) for one in rows],
            {(one.pair_id, one.table): one.prefix for one in artefacts},
            blobs=self.ports.location,
            patterns=diff_pb2.PatternsResponse(
                patterns=[_pattern(one, whole=True) for one in patterns[:REPORTED]], total=len(patterns)
            ),
            findings=[messages.finding(one) for one in findings],
            recipes=await self.recipes(),
        )
        filename, media_type = reporting.header(order)
        yield diff_pb2.ReportResponse(header=diff_pb2.ReportHeader(filename=filename, media_type=media_type))
        stream = self.ports.reports.stream(
            reporting.REPORT, cast("dict[str, Any]", order), session_id=caller().session_id
        )
        async with aclosing(stream) as chunks:  # pyright: ignore[reportArgumentType] - it is an async generator
            async for chunk in chunks:
                yield diff_pb2.ReportResponse(chunk=chunk)


def _view(request: diff_pb2.RowsRequest | diff_pb2.LocateRequest | diff_pb2.StripRequest) -> Which:
    _choice("view", request.view, ("", "changed", "full"))
    return view_of(request.view, moves=request.moves)


def _choice(field: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise Invalid(field=field, reason=f"must be one of {', '.join(filter(None, choices))}")


def _blob(table: StoredTable | None) -> TableBlob | None:
    if table is None:
        return None
    return TableBlob(table["key"], table["size"], table["rows"], table["numbers_key"])


def _pattern(one: Repeated, *, whole: bool) -> diff_pb2.Pattern:
    return diff_pb2.Pattern(
        table=one.table,
        column=one.column,
        old=one.old,
        new=one.new,
        count=one.count,
        format_only=one.format_only,
        pairs=one.pairs if whole else 0,
    )


def _told(columns: Sequence[ShownColumn]) -> Sequence[ShownColumn]:
    """The columns that are told with a strip."""
    if len(columns) <= COLUMNS:
        return columns
    return [one for one in columns if one.key or one.cells_changed or one.status in ("added", "removed")][:COLUMNS]


def _parts(columns: list[diff_pb2.ComparedColumn]) -> list[list[diff_pb2.ComparedColumn]]:
    """Columns as they fit into messages; at least one part."""
    return [columns[start : start + COLUMNS] for start in range(0, max(1, len(columns)), COLUMNS)]
