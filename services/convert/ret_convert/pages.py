"""Pages of a stored table: some rows of it, from anywhere, without reading what is before them.

A page reads the row groups it touches and no others. What a table's footer says is kept, so that only the first page of
a table reads it. Everything here blocks: it is for threads, not for the event loop.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, groupby, islice
from os import SEEK_END
from threading import Lock
from typing import Any

from ret_convert.arrow import Table, pa, pc, pq
from ret_convert.editing.overlay import Overlay, Segment
from ret_convert.errors import PageTooLarge
from ret_convert.layout import Kind
from ret_convert.tables import columns_of
from ret_kit.blobs import Blobs, session_prefix
from ret_kit.errors import BlobDamaged, Invalid, NotFound

CELLS = 1 << 20
"""Cells of a page at most."""
BYTES = 32 << 20
"""Bytes of a page's cells at most."""
PIECE = 16_384
"""Cells that become JSON at once: the interpreter is held for about two milliseconds."""
FOOTERS = 64 << 20
"""Bytes of footers that are kept."""
SAMPLE = 1000
"""Rows by which a column is taken for numbers, at each of three places of the table."""
SHOWN = {Kind.LINK: "link", Kind.SOURCE: "xml", Kind.NIL: "text"}
NUMBER = r"^-?(0|[1-9]\d{0,17})(\.\d+)?$"
"""Without leading zeros: those are codes."""


@dataclass(frozen=True)
class Where:
    """A stored table: its blob, and the size that was written."""

    key: str
    size: int


@dataclass(frozen=True)
class Window:
    """The rows and columns that are asked for; no columns: all, in the order of the table."""

    offset: int
    limit: int
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageColumn:
    """A column as it is shown. `type` is text, number, xml or link: a guess from some rows.

    It is for show, and for the order of a sort, which holds also where the guess is wrong.
    """

    name: str
    path: str
    type: str


@dataclass(frozen=True)
class Page:
    """Some rows with their numbers, of `total` in the table and `matched` that are asked for; the first number is 1."""

    columns: list[PageColumn]
    numbers: Sequence[int]
    total: int
    matched: int
    cells: Table
    overlay: Overlay

    def pieces(self) -> Iterator[bytes]:
        """The rows as a JSON list of `{row, values}`, in pieces; an absent cell is null, an empty one is `""`.

        A row that was inserted has `inserted`, one with changed cells `edited`: the places of these columns.
        """
        names = [column.name for column in self.columns]
        step = max(1, PIECE // max(1, len(names)))
        lead = "["
        for start in range(0, self.cells.num_rows, step):
            part = self.cells.slice(start, step)
            rows = zip(*(column.to_pylist() for column in part.columns), strict=True)
            made = [
                {"row": number, "values": values, **self._marks(number, names)}
                for number, values in zip(self.numbers[start : start + step], rows, strict=True)
            ]
            yield (lead + json.dumps(made, ensure_ascii=False, separators=(",", ":"))[1:-1]).encode()
            lead = ","
        yield b"[]" if lead == "[" else b"]"

    def _marks(self, number: int, names: list[str]) -> dict[str, Any]:
        if number in self.overlay.inserted:
            return {"inserted": True}
        changed = self.overlay.cells.get(number, {})
        edited = [at for at, name in enumerate(names) if name in changed] if changed else []
        return {"edited": edited} if edited else {}


@dataclass(frozen=True)
class Footer:
    """What is known of a table once it has been opened: `ends` are the rows up to the end of each row group."""

    metadata: Any
    columns: list[PageColumn]
    ends: list[int]

    @property
    def size(self) -> int:
        return int(self.metadata.serialized_size)

    @property
    def rows(self) -> int:
        return self.ends[-1] if self.ends else 0


class Pages:
    """The pages of all tables, for several threads."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._footers: OrderedDict[str, Footer] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    @property
    def kept(self) -> int:
        """Footers that are kept."""
        return len(self._footers)

    def page(self, where: Where, window: Window, overlay: Overlay | None = None) -> Page:
        """The rows of the window with their edits, as far as the table has them, in its own order.

        Invalid for columns that are not there, PageTooLarge, NotFound when the table was replaced, BlobDamaged.
        """
        with self._opened(where) as (file, footer):
            columns = chosen(footer.columns, window.columns)
            edits = overlay or Overlay(footer.rows)
            total = edits.total
            start, end = min(window.offset, total), min(window.offset + window.limit, total)
            if (end - start) * len(columns) > CELLS:
                raise PageTooLarge(cells=CELLS, bytes=BYTES)
            segments = list(edits.between(start, end))
            cells = _read(_open(file, footer.metadata), footer, segments, [one.name for one in columns], edits)
        numbers = [number for one in segments for number in range(one.first, one.first + one.count)]
        return Page(columns, numbers, total, total, cells, edits)

    def footer(self, where: Where) -> Footer:
        """What is known of a table; its file is opened only for the first time. Errors as of `page`."""
        with self._lock:
            if where.key in self._footers:
                self._footers.move_to_end(where.key)
                return self._footers[where.key]
        with self._opened(where) as (_, footer):
            return footer

    def cells(self, where: Where, wanted: Mapping[str, Collection[int]]) -> dict[tuple[int, str], str | None]:
        """Single cells, as they were converted, by row and column; `wanted` are rows of the table by column.

        The row groups and columns that have one are read, one by one. Errors as of `page`.
        """
        found: dict[tuple[int, str], str | None] = {}
        with self._opened(where) as (file, footer):
            parquet = _open(file, footer.metadata)
            for name, rows in wanted.items():
                for at, group in groupby(sorted(rows), lambda row: bisect_left(footer.ends, row)):
                    numbers = list(group)
                    first = footer.ends[at - 1] + 1 if at else 1
                    column = parquet.read_row_group(at, columns=[name], use_threads=False).column(name)
                    values = column.take(pa.array([number - first for number in numbers])).to_pylist()
                    found |= {(number, name): value for number, value in zip(numbers, values, strict=True)}
        return found

    @contextmanager
    def _opened(self, where: Where) -> Generator[tuple[Any, Footer]]:
        """(the table's file, what its footer says). NotFound when it was replaced; what cannot be read is damaged."""
        try:
            file = self._blobs.reader(where.key)
        except NotFound:
            raise NotFound(what="table") from None
        with file:
            try:
                if file.seek(0, SEEK_END) != where.size:
                    raise BlobDamaged(where.key)
                yield file, self._footer(where.key, file)
            except (pa.ArrowException, OSError) as error:
                raise BlobDamaged(where.key) from error

    async def heard(self, subject: str, _data: bytes) -> None:
        """`sessions.closing.<session>` has come: what is kept of its tables goes."""
        prefix = session_prefix(subject.rpartition(".")[2])
        with self._lock:
            for key in [key for key in self._footers if key.startswith(prefix)]:
                self._bytes -= self._footers.pop(key).size

    def _footer(self, key: str, file: Any) -> Footer:
        with self._lock:
            if key in self._footers:
                self._footers.move_to_end(key)
                return self._footers[key]
        parquet = _open(file)
        metadata = parquet.metadata
        ends = list(accumulate(metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)))
        footer = Footer(metadata, _shown(parquet), ends)
        with self._lock:
            if key not in self._footers:
                self._footers[key] = footer
                self._bytes += footer.size
            while self._bytes > FOOTERS and len(self._footers) > 1:
                self._bytes -= self._footers.popitem(last=False)[1].size
        return footer


def chosen(columns: list[PageColumn], names: Sequence[str]) -> list[PageColumn]:
    """The columns of these names in this order, all for no names. Invalid when one is not there, or there twice."""
    if not names:
        return columns
    known = {column.name: column for column in columns}
    if missing := [name for name in names if name not in known]:
        raise Invalid(field="columns", reason=f"names {len(missing)} the table does not have")
    if len(set(names)) < len(names):
        raise Invalid(field="columns", reason="names a column twice")
    return [known[name] for name in names]


def _open(file: Any, metadata: Any = None) -> Any:
    # Files written without checksums of their pages are read as well.
    return pq.ParquetFile(file, metadata=metadata, page_checksum_verification=True)


def _read(parquet: Any, footer: Footer, segments: Sequence[Segment], names: list[str], overlay: Overlay) -> Table:
    """The rows of segments. Row groups are read one by one: a page that is too large must not be held whole."""
    schema = pa.schema([pa.field(name, pa.string()) for name in names])
    parts: list[Table] = []
    held, at, group = 0, -1, schema.empty_table()
    for one in segments:
        first, end = one.first, one.first + one.count
        while first < end:
            if one.inserted:
                part, first = overlay.inserted_rows([first], schema), end
            else:
                if bisect_left(footer.ends, first) != at:
                    at = bisect_left(footer.ends, first)
                    # By name, "Item" reads "Item.Name" as well; what is too much is left out here.
                    read = parquet.read_row_group(at, columns=names, use_threads=False).select(names)
                    group = pa.Table.from_arrays(read.columns, schema=schema)
                before, last = footer.ends[at - 1] if at else 0, min(end, footer.ends[at] + 1)
                part = overlay.edited(group.slice(first - before - 1, last - first), first)
                first = last
            held += part.nbytes
            if held > BYTES:
                raise PageTooLarge(cells=CELLS, bytes=BYTES)
            parts.append(part)
    return pa.concat_tables(parts) if parts else schema.empty_table()


def _shown(parquet: Any) -> list[PageColumn]:
    """The columns of a table, with types guessed from its first rows, and from some in its middle and at its end."""
    columns = columns_of(parquet.schema_arrow)
    rows = max(1, min(SAMPLE, PIECE * 4 // max(1, len(columns))))
    groups = parquet.metadata.num_row_groups
    looked = sorted({0, groups // 2, groups - 1}) if groups else []
    batches = (parquet.iter_batches(batch_size=rows, row_groups=[at], use_threads=False) for at in looked)
    some = [batch for part in batches for batch in islice(part, 1)]
    return [
        PageColumn(column.name, column.path, _type(column.kind, [batch.columns[at] for batch in some]))
        for at, column in enumerate(columns)
    ]


def _type(kind: Kind, samples: list[Any]) -> str:
    if kind in SHOWN:
        return SHOWN[kind]
    cells = pa.chunked_array(samples, pa.string())
    filled = cells.filter(pc.greater(pc.utf8_length(cells), 0))
    numbers = len(filled) and pc.all(pc.match_substring_regex(filled, NUMBER)).as_py()
    return "number" if numbers else "text"
