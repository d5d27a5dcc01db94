"""An export as a stream: the upload's structure with tables in place of documents, or one file.

Nothing stands on disk, and what is held is bounded: the first bytes leave at once, texts are made and packed a few
steps ahead on all cores. ZIPs inside stay ZIPs, written as streams inside streams, as deep as the upload was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ret_convert.arrow import batch_of
from ret_convert.backxml.errors import NotWrittenBack
from ret_convert.backxml.writing import written_back
from ret_convert.export import csv, json, parquet
from ret_convert.export.ahead import Done, Step, in_order
from ret_convert.export.entries import Op, begin, content, end, enter, file, leave, together
from ret_convert.export.order import AS_CONVERTED, Bytes, Entry, Order, Table, report_of, single
from ret_convert.export.places import Places, expected_bytes
from ret_convert.export.reading import opened, original, overlay_in
from ret_convert.export.xlsx import Page, Workbook
from ret_convert.export.zipping import ZipStream, packed, stored
from ret_kit.blobs import Blobs

BUFFER = 1 << 18
SMALL_BYTES, SMALL_CELLS = 1 << 18, 1 << 16
"""A document whose stored tables, or a file that is not more than this, is one step; a bigger one is many."""
PACKED = (".zip", ".gz", ".rar", ".7z", ".xlsx", ".docx", ".pptx", ".png", ".jpg", ".jpeg", ".gif", ".pdf", ".parquet")


def export(payload: dict[str, Any], write: Callable[[bytes], object]) -> None:
    """Write the export of an `Order`. BlobDamaged, before its last bytes, when something stored is not what it was.

    NotWrittenBack, before the first ones, when the one document that is exported cannot have its edits.
    """
    order: Order = payload  # pyright: ignore[reportAssignmentType] - JSON of our own parent
    out = Buffered(write)
    contents = Contents(order)
    alone = single(order)
    if alone is None:
        archived(Mirror(contents, order).steps(), out)
    elif alone["original"] is not None and (order["format"] == "xml" or not alone["tables"]):
        for chunk in contents.document(alone):
            out.write(chunk)
    elif order["format"] == "xlsx":
        archived(contents.workbook(alone["tables"]), out)
    else:
        for text in in_order(contents.table(alone["tables"][0])):
            out.write(text)
    out.flush()


def archived(steps: Iterator[Step[Op]], out: Buffered) -> None:
    """Write an archive of these steps."""
    archive = ZipStream(out.write)
    for op in in_order(steps):
        op(archive)
    archive.close()


class Buffered:
    """Collects small writes; the very first goes out as it is, so that a download begins at once."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._parts: list[bytes] = []
        self._size = BUFFER

    def write(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._size >= BUFFER:
            self.flush()

    def flush(self) -> None:
        if self._parts:
            self._write(b"".join(self._parts))
            self._parts.clear()
        self._size = 0


class Contents:
    """The content of exported files, as steps."""

    def __init__(self, order: Order) -> None:
        self._blobs = Blobs(order["blobs"])
        self._format = order["format"]
        self._raw = order["raw"]
        self._bom = order["bom"]

    def original(self, source: Bytes) -> Iterator[bytes]:
        """The bytes of an original file; its last chunk only when all of them are what was stored."""
        return original(self._blobs, source)

    def document(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of a document with its edits. NotWrittenBack, at once, when they cannot be put back into it."""
        source = entry["original"]
        if source is None:
            raise NotWrittenBack(reason="Its original is not there.")
        tables = [table for table in entry["tables"] if table["role"] != "report"]
        overlays = [(table["key"], overlay_in(self._blobs, table)) for table in tables]
        if not overlays:
            return self.original(source)
        return written_back(self._blobs, source, overlays, self.original(source))

    def table(self, table: Table) -> Iterator[Step[bytes]]:
        """A table in the format of the export; where that is XML, as CSV."""
        if self._format == "parquet" and table["version"] == AS_CONVERTED:
            whole = Bytes(key=table["key"], offset=0, length=table["size"], sha256=table["sha256"])
            yield from map(Done[bytes], self.original(whole))
        elif self._format == "parquet":
            with opened(self._blobs, table) as rows:
                yield from parquet.pieces(rows)
        elif self._format == "json":
            yield from self._json(table)
        else:
            yield from self._csv(table)

    def _csv(self, table: Table) -> Iterator[Step[bytes]]:
        with opened(self._blobs, table) as rows:
            yield Done(csv.head(rows.names, raw=self._raw, bom=self._bom))
            for batch in rows:
                yield partial(csv.lines, batch, raw=self._raw)

    def _json(self, table: Table) -> Iterator[Step[bytes]]:
        yield Done(b"[")
        first = True
        with opened(self._blobs, table) as rows:
            for batch in rows:
                if batch.num_rows:
                    yield partial(json.rows, batch, rows.names, first=first)
                    first = False
        yield Done(json.end(empty=first))

    def workbook(self, tables: list[Table]) -> Iterator[Step[Op]]:
        """The tables as sheets of one workbook."""
        book = Workbook()
        for table in tables:
            yield from book.page(Page(table["name"], partial(opened, self._blobs, table)))
        yield from book.close()


class Mirror:
    """The entries of an export, as steps: into a ZIP, as they lay in the upload."""

    def __init__(self, contents: Contents, order: Order) -> None:
        self._contents = contents
        self._entries = order["entries"]
        self._format = order["format"]
        self._keep = order["keep"]
        self._places = Places(order)
        self._opened: list[int] = []
        self._strict = order["alone"]
        self._not_written: list[tuple[str, str]] = []

    def steps(self) -> Iterator[Step[Op]]:
        """Everything."""
        for at, entry in enumerate(self._entries):
            if entry["type"] in ("zip", "folder"):
                if self._keep and self._places.is_archive(at):
                    yield from self._enter([*self._places.around(at), at])
            elif entry["tables"]:
                yield from self._enter(self._places.around(at))
                steps = self._document(at, entry)
                yield from [together(steps)] if _is_small(entry["tables"]) else steps
            elif entry["original"] is not None:
                yield from self._enter(self._places.around(at))
                steps = self._original(at, entry["original"])
                yield from [together(steps)] if entry["original"]["length"] <= SMALL_BYTES else steps
        if self._not_written:
            yield from self._enter([])
            columns: list[list[str | None]] = [list(cells) for cells in zip(*self._not_written, strict=True)]
            names = ["Document", "Reason"]
            lines = csv.lines(batch_of(columns, names), raw=False)
            yield from file(self._places.not_written, csv.head(names, raw=False, bom=True) + lines)

    def _enter(self, wanted: list[int]) -> Iterator[Step[Op]]:
        """Leave and enter ZIPs until these are open."""
        same = 0
        while same < min(len(wanted), len(self._opened)) and wanted[same] == self._opened[same]:
            same += 1
        while len(self._opened) > same:
            yield leave()
            self._opened.pop()
        for at in wanted[same:]:
            yield enter(self._places.paths(at)[0], self._places.expected(at))
            self._opened.append(at)

    def _original(self, at: int, source: Bytes) -> Iterator[Step[Op]]:
        path = self._places.paths(at)[0]
        yield begin(path, source["length"])
        yield from self._chunks(path, self._contents.original(source))

    @staticmethod
    def _chunks(path: str, chunks: Iterator[bytes]) -> Iterator[Step[Op]]:
        pack = stored if path.lower().endswith(PACKED) else packed
        for chunk in chunks:
            yield content(Done(chunk), pack)
        yield end()

    def _written_back(self, at: int, entry: Entry) -> Iterator[Step[Op]]:
        """A document with its edits, and what is told of them. One that cannot have them is listed with the reason."""
        paths = self._places.paths(at)
        try:
            chunks = self._contents.document(entry)
        except NotWrittenBack as error:
            if self._strict or entry["original"] is None:
                raise
            self._not_written.append((self._places.shown(at), error.detail))
            chunks = self._contents.original(entry["original"])
        yield begin(paths[0], entry["original"]["length"] if entry["original"] else 0)
        yield from self._chunks(paths[0], chunks)
        report = report_of(entry)
        if report is not None:
            yield begin(paths[1])
            for text in self._contents.table(report):
                yield content(text)
            yield end()

    def _document(self, at: int, entry: Entry) -> Iterator[Step[Op]]:
        if self._format == "xml":
            yield from self._written_back(at, entry)
            return
        paths = self._places.paths(at)
        if self._format == "xlsx":
            yield enter(paths[0], self._places.expected(at))
            yield from self._contents.workbook(entry["tables"])
            yield leave()
            return
        pack = stored if self._format == "parquet" else packed
        for path, table in zip(paths, entry["tables"], strict=True):
            yield begin(path, expected_bytes(table))
            for text in self._contents.table(table):
                yield content(text, pack)
            yield end()


def _is_small(tables: list[Table]) -> bool:
    return (
        all(table["version"] == AS_CONVERTED for table in tables)
        and sum(table["size"] for table in tables) <= SMALL_BYTES
        and sum(table["rows"] * table["columns"] for table in tables) <= SMALL_CELLS
    )
