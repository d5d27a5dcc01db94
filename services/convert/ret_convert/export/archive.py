"""An export as a stream: the upload's structure with tables in place of documents, or one file.

Nothing stands on disk, nothing is held but a chunk: the first bytes leave at once. ZIPs inside stay ZIPs, written as
streams inside streams, as deep as the upload was.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO, cast

from ret_convert.arrow import RecordBatch, pq
from ret_convert.encoding import chunks
from ret_convert.export.csv import csv_chunks
from ret_convert.export.json import json_chunks
from ret_convert.export.naming import Folder, clean, split, stem
from ret_convert.export.order import Bytes, Entry, Order, Table, single
from ret_convert.export.xlsx import Page, Workbook
from ret_convert.export.zipping import FAST, STORED, ZipStream
from ret_convert.tables import batches_of
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged

BUFFER = 1 << 18
IN_MEMORY = 16 << 20
"""Tables up to this size are read at once."""
PACKED = (".zip", ".gz", ".rar", ".7z", ".xlsx", ".docx", ".pptx", ".png", ".jpg", ".jpeg", ".gif", ".pdf", ".parquet")
CELL_BYTES = 16
"""What a cell is expected to take; only decides about 64-bit sizes."""
UNPACKED = 20
"""How much bigger than its Parquet a table may become; as above."""


def export(payload: dict[str, Any], write: Callable[[bytes], object]) -> None:
    """Write the export of an `Order`. BlobDamaged, before its last bytes, when something stored is not what it was."""
    order: Order = payload  # pyright: ignore[reportAssignmentType] - JSON of our own parent
    out = Buffered(write)
    content = Contents(Blobs(order["blobs"]), order)
    alone = single(order)
    if alone is None:
        archive = ZipStream(out.write)
        Mirror(archive, content, order).write()
        archive.close()
    elif not alone["tables"] and alone["original"] is not None:
        for chunk in content.original(alone["original"]):
            out.write(chunk)
    elif order["format"] == "xlsx":
        archive = ZipStream(out.write)
        content.workbook(archive, alone["tables"])
        archive.close()
    else:
        for chunk in content.table(alone["tables"][0]):
            out.write(chunk)
    out.flush()


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
    """The content of exported files."""

    def __init__(self, blobs: Blobs, order: Order) -> None:
        self._blobs = blobs
        self._format = order["format"]
        self._raw = order["raw"]

    def original(self, source: Bytes) -> Iterator[bytes]:
        """The bytes of an original file; its last chunk only when all of them are what was stored."""
        digest = hashlib.sha256()
        held = b""
        with self._blobs.reader(source["key"], source["offset"], source["length"]) as file:
            for chunk in chunks(file):
                if held:
                    yield held
                held = chunk
                digest.update(chunk)
        if source["sha256"] and digest.hexdigest() != source["sha256"]:
            raise BlobDamaged(source["key"])
        if held:
            yield held

    def table(self, table: Table) -> Iterator[bytes]:
        """A table in the format of the export."""
        with self._open(table) as file:
            if self._format == "parquet":
                yield from chunks(file)
            elif self._format == "json":
                yield from json_chunks(batches_of(file))
            else:
                yield from csv_chunks(self._names(table), batches_of(file), raw=self._raw)

    def workbook(self, archive: ZipStream, tables: list[Table]) -> None:
        """The tables as sheets of one workbook."""
        book = Workbook(archive)
        for table in tables:
            book.page(Page(table["name"], self._names(table), table["rows"], partial(self._batches, table)))
        book.close()

    def _names(self, table: Table) -> list[str]:
        with self._blobs.reader(table["key"]) as file:
            return cast("list[str]", pq.read_schema(file).names)

    def _batches(self, table: Table) -> Iterator[RecordBatch]:
        with self._open(table) as file:
            yield from batches_of(file)

    def _open(self, table: Table) -> BinaryIO:
        """The Parquet file of a table, when it is the one that was stored."""
        if table["size"] <= IN_MEMORY:
            file: BinaryIO = io.BytesIO(self._blobs.get_sync(table["key"]))
        else:
            file = self._blobs.reader(table["key"])
        digest = hashlib.sha256()
        for chunk in chunks(file):
            digest.update(chunk)
        if digest.hexdigest() != table["sha256"]:
            file.close()
            raise BlobDamaged(table["key"])
        file.seek(0)
        return file


@dataclass
class Place:
    """Where an entry comes to be: its path inside the ZIP around it, for a document one path a file of it."""

    parent: int
    names: list[str] = field(default_factory=list[str])
    expected: int = 0


class Mirror:
    """Writes the entries of an export into a ZIP as they lay in the upload."""

    def __init__(self, archive: ZipStream, content: Contents, order: Order) -> None:
        self._archive = archive
        self._content = content
        self._entries = order["entries"]
        self._format = order["format"]
        self._folders = order["nested"] == "folder"
        self._keep = order["keep"]
        self._places = self._placed()
        self._opened: list[int] = []

    def write(self) -> None:
        """Write everything."""
        for at, entry in enumerate(self._entries):
            kind = entry["type"]
            if kind in ("zip", "folder"):
                if self._keep and self._is_archive(entry):
                    self._enter([*self._around(at), at])
            elif entry["tables"]:
                self._enter(self._around(at))
                self._document(at, entry)
            elif entry["original"] is not None:
                self._enter(self._around(at))
                self._original(at, entry["original"])

    def _is_archive(self, entry: Entry) -> bool:
        return entry["type"] == "zip" and not self._folders

    def _around(self, at: int) -> list[int]:
        """The ZIPs around an entry, the outermost first."""
        found: list[int] = []
        parent = self._places[at].parent
        while parent >= 0:
            if self._is_archive(self._entries[parent]):
                found.append(parent)
            parent = self._places[parent].parent
        return found[::-1]

    def _enter(self, wanted: list[int]) -> None:
        """Leave and enter ZIPs until these are open."""
        same = 0
        while same < min(len(wanted), len(self._opened)) and wanted[same] == self._opened[same]:
            same += 1
        while len(self._opened) > same:
            self._archive.leave()
            self._opened.pop()
        for at in wanted[same:]:
            self._archive.enter(self._path(at, self._places[at].names[0]), self._places[at].expected)
            self._opened.append(at)

    def _path(self, at: int, name: str) -> str:
        """The path of one of an entry's names inside the ZIP around it."""
        steps = [name]
        parent = self._places[at].parent
        while parent >= 0 and not self._is_archive(self._entries[parent]):
            steps.append(self._places[parent].names[0])
            parent = self._places[parent].parent
        return "/".join(reversed(steps))

    def _original(self, at: int, source: Bytes) -> None:
        name = self._places[at].names[0]
        self._archive.begin(
            self._path(at, name), expected=source["length"], pack=STORED if name.lower().endswith(PACKED) else FAST
        )
        for chunk in self._content.original(source):
            self._archive.write(chunk)
        self._archive.end()

    def _document(self, at: int, entry: Entry) -> None:
        names = self._places[at].names
        if self._format == "xlsx":
            self._archive.enter(self._path(at, names[0]))
            self._content.workbook(self._archive, entry["tables"])
            self._archive.leave()
            return
        for name, table in zip(names, entry["tables"], strict=True):
            self._archive.begin(
                self._path(at, name), expected=_expected(table), pack=STORED if self._format == "parquet" else FAST
            )
            for chunk in self._content.table(table):
                self._archive.write(chunk)
            self._archive.end()

    def _placed(self) -> list[Place]:
        """Names for everything: originals and containers keep theirs, then come main tables, then child tables."""
        places, folders = self._parents()
        ending = f".{self._format}"
        for entry, place in zip(self._entries, places, strict=True):
            if not entry["tables"]:
                base, own = self._own_name(entry)
                place.names = [folders[place.parent].take(base, own) + own]
                place.expected = entry["original"]["length"] if entry["original"] else 0
        bases: dict[int, str] = {}
        for at, entry in enumerate(self._entries):
            if entry["tables"]:
                place = places[at]
                bases[at] = folders[place.parent].take(clean(stem(entry["name"])), ending)
                place.names = [bases[at] + ending]
                place.expected = sum(map(_expected, entry["tables"]))
        for at, base in bases.items() if self._format != "xlsx" else ():
            place = places[at]
            for table in self._entries[at]["tables"][1:]:
                name = folders[place.parent].take(f"{base}.{clean(table['name'])}", ending)
                place.names.append(name + ending)
        for place in reversed(places):
            if place.parent >= 0:
                places[place.parent].expected += place.expected
        return places

    def _parents(self) -> tuple[list[Place], dict[int, Folder]]:
        """A place for each entry, knowing the container it is in, and the names of each container."""
        places: list[Place] = []
        trail: list[int] = []
        folders: dict[int, Folder] = {-1: Folder()}
        for at, entry in enumerate(self._entries):
            del trail[max(0, entry["depth"] - 1) :]
            places.append(Place(trail[-1] if trail else -1))
            if entry["type"] in ("zip", "folder"):
                trail.append(at)
                folders[at] = Folder()
        return places, folders

    def _own_name(self, entry: Entry) -> tuple[str, str]:
        """(base, ending) of a container or of a file that is exported as it is; a ZIP made a folder has no ending."""
        name = clean(entry["name"])
        if entry["type"] == "folder":
            return name, ""
        base, ending = split(name)
        return base, "" if entry["type"] == "zip" and self._folders else ending


def _expected(table: Table) -> int:
    """About how many bytes a table takes as text."""
    return max(table["rows"] * table["columns"] * CELL_BYTES, table["size"] * UNPACKED)
