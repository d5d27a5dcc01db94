"""A result as it is read: from its artefact, or made from a table where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ret_diff.arrow import pa
from ret_diff.errors import SideGone
from ret_diff.marks import STATUS, Marks, Which
from ret_diff.meta import Meta, ShownColumn, TableBlob, load
from ret_diff.model import NOWHERE, Bytes8, ColumnStatus, Int64s, RowStatus
from ret_diff.stored import Kept, Stored
from ret_kit.errors import BlobDamaged, NotFound

UNLIMITED = 1 << 62
PER_COLUMN = 200
"""Bytes of a column's properties, about."""


@dataclass(frozen=True)
class Compared:
    """Two tables and their result. Without a prefix there is no artefact: both tables are the same, or there is one."""

    prefix: str
    a: TableBlob | None = None
    b: TableBlob | None = None


@dataclass(frozen=True)
class Opened:
    """A result that is read; `only` is the side that has a table where there is one only, and empty otherwise."""

    meta: Meta
    marks: Marks
    only: str = ""

    @property
    def side(self) -> str:
        """Whose table `meta.table` is."""
        return self.only or "a"

    def status(self, places: Int64s) -> Bytes8:
        """The RowStatus of shown rows."""
        return self.marks.marks[places] & np.uint8(STATUS)


class Results:
    """The results of a store, for several threads."""

    def __init__(self, stored: Stored, kept: Kept) -> None:
        self._stored, self._kept = stored, kept

    def open(self, of: Compared) -> Opened:
        """NotFound when the result, or the only table of one, is not there any more; BlobDamaged."""
        if of.prefix:
            meta = self.meta(of.prefix)
            return self._kept.get(f"{of.prefix}marks", lambda: self._marked(meta))
        if of.a is None and of.b is None:
            raise NotFound(what="result")
        return self._made(of.a, of.b)

    def meta(self, prefix: str) -> Meta:
        """What is known of a result besides its rows. NotFound, BlobDamaged."""
        key = f"{prefix}meta.json"

        def read() -> tuple[Meta, int]:
            try:
                meta = load(self._stored.blobs.get_sync(key))
            except NotFound:
                raise NotFound(what="result") from None
            except (ValueError, KeyError, TypeError) as error:
                raise BlobDamaged(key) from error
            return meta, PER_COLUMN * (len(meta.columns) + 1)

        return self._kept.get(key, read)

    def rows(self, opened: Opened, places: Int64s) -> tuple[Int64s, Int64s]:
        """The rows of A and of B of shown rows, NOWHERE where there is none; places rise."""
        status = opened.status(places)
        rows_a = np.where(status == RowStatus.ADDED, NOWHERE, opened.marks.ranks(Which.IN_A, places))
        if opened.meta.index:
            rows_b = self.index(opened, "b_row", places)
        else:
            rows_b = np.where(status == RowStatus.REMOVED, NOWHERE, places)
        return rows_a, rows_b

    def index(self, opened: Opened, name: str, places: Int64s) -> Any:
        """A column of the index for shown rows, which rise."""
        meta = opened.meta
        column = self._stored.rows(meta.index, meta.index_size, places, [name], UNLIMITED).column(0)
        return np.asarray(column)

    def numbers(self, table: TableBlob, rows: Int64s, side: str) -> list[int | None]:
        """The numbers of rows as users see them; None where there is none. SideGone where they went with their side."""
        if table.numbers_key:
            known = self.all_numbers(table, side)
            if len(known) != table.rows:
                raise BlobDamaged(table.numbers_key)
            found = np.where(rows == NOWHERE, NOWHERE, known[rows])
        else:
            found = np.where(rows == NOWHERE, NOWHERE, rows + 1)
        return [None if number == NOWHERE else number for number in found.tolist()]

    def all_numbers(self, table: TableBlob, side: str) -> Int64s:
        """The numbers of all rows of a table that has some of its own."""

        def read() -> tuple[Int64s, int]:
            try:
                data = self._stored.blobs.get_sync(table.numbers_key)
                numbers = np.asarray(pa.ipc.open_file(pa.BufferReader(data)).read_all().column("row"))
            except NotFound:
                raise SideGone(side=side) from None
            except (pa.ArrowException, OSError, KeyError) as error:
                raise BlobDamaged(table.numbers_key) from error
            return numbers, numbers.nbytes

        return self._kept.get(table.numbers_key, read)

    def _marked(self, meta: Meta) -> tuple[Opened, int]:
        places = np.arange(meta.rows)
        table = self._stored.rows(meta.index, meta.index_size, places, ["mark"], UNLIMITED)
        marks = Marks(np.asarray(table.column(0)))
        if len(marks) != meta.rows:
            raise BlobDamaged(meta.index)
        return Opened(meta, marks), len(marks)

    def _made(self, a: TableBlob | None, b: TableBlob | None) -> Opened:
        """A result that says of each row of a table the same."""
        table = a or b
        assert table is not None  # noqa: S101 - the caller has seen to it
        only = "" if a and b else "a" if a else "b"
        status, column = {
            "": (RowStatus.SAME, ColumnStatus.SAME),
            "a": (RowStatus.REMOVED, ColumnStatus.REMOVED),
            "b": (RowStatus.ADDED, ColumnStatus.ADDED),
        }[only]

        def made() -> tuple[Opened, int]:
            footer = self._stored.footer(table.key, table.size)
            columns = tuple(
                ShownColumn(name, name if a else None, name if b else None, str(column)) for name in footer.schema.names
            )
            meta = Meta(
                a=a or table,
                b=b or table,
                rows=footer.rows,
                columns=columns,
                sections=(0, 0, 0),
                parts=(),
                index="",
                index_size=0,
                table=table,
                own=False,
            )
            marks = Marks(np.full(footer.rows, status, np.uint8))
            return Opened(meta, marks, only), footer.rows + PER_COLUMN * len(columns)

        try:
            return self._kept.get(f"{table.key}#{only}{b.key if a and b else ''}", made)
        except NotFound:
            raise SideGone(side=only or "a") from None
