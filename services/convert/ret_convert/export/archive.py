"""An export as a stream: the upload's structure with tables in place of documents, or one file.

Nothing stands on disk, and what is held is bounded: the first bytes leave at once, texts are made and packed a few
steps ahead on all cores. ZIPs inside stay ZIPs, written as streams inside streams, as deep as the upload was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ret_convert.export import csv, json
from ret_convert.export.ahead import Done, Step, in_order
from ret_convert.export.entries import Op, begin, content, end, enter, leave, together
from ret_convert.export.order import Bytes, Entry, Order, Table, single
from ret_convert.export.places import Places, expected_bytes
from ret_convert.export.reading import opened, original
from ret_convert.export.xlsx import Page, Workbook
from ret_convert.export.zipping import ZipStream, packed, stored
from ret_kit.blobs import Blobs

BUFFER = 1 << 18
SMALL_BYTES, SMALL_CELLS = 1 << 18, 1 << 16
"""A document whose stored tables, or a file that is not more than this, is one step; a bigger one is many."""
PACKED = (".zip", ".gz", ".rar", ".7z", ".xlsx", ".docx", ".pptx", ".png", ".jpg", ".jpeg", ".gif", ".pdf", ".parquet")


def export(payload: dict[str, Any], write: Callable[[bytes], object]) -> None:
    """Write the export of an `Order`. BlobDamaged, before its last bytes, when something stored is not what it was."""
    order: Order = payload  # pyright: ignore[reportAssignmentType] - JSON of our own parent
    out = Buffered(write)
    contents = Contents(order)
    alone = single(order)
    if alone is None:
        archived(Mirror(contents, order).steps(), out)
    elif not alone["tables"] and alone["original"] is not None:
        for chunk in contents.original(alone["original"]):
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

    def table(self, table: Table) -> Iterator[Step[bytes]]:
        """A table in the format of the export."""
        if self._format == "parquet":
            whole = Bytes(key=table["key"], offset=0, length=table["size"], sha256=table["sha256"])
            yield from map(Done[bytes], self.original(whole))
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
        [path] = self._places.paths(at)
        yield begin(path, source["length"])
        pack = stored if path.lower().endswith(PACKED) else packed
        for chunk in self._contents.original(source):
            yield content(Done(chunk), pack)
        yield end()

    def _document(self, at: int, entry: Entry) -> Iterator[Step[Op]]:
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
        sum(table["size"] for table in tables) <= SMALL_BYTES
        and sum(table["rows"] * table["columns"] for table in tables) <= SMALL_CELLS
    )
