"""The scan of one upload, as it runs in a pool child: read once, files packed, the inventory written as a blob."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import orjson

from ret_ingest import archive, sniff
from ret_ingest.archive import Budget, Container, Entry, Folder, Limits, Warned
from ret_ingest.directory import Meter
from ret_ingest.errors import ArchiveTooLarge, EntryRefused, NotSupported, TooDense, TooManyEntries
from ret_ingest.inventory import File, Listing
from ret_ingest.packing import Content, PackedFile, Packs
from ret_ingest.spool import Spools
from ret_ingest.words import Words
from ret_kit.blobs import Blobs

LIMITS = (ArchiveTooLarge, TooManyEntries)  # that are passed at some place in the upload
STOPPED = "stopped"
BATCH = 1 << 20  # bytes of inventory that are written at once
_PIECE = 1 << 18


def scan(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Scan `upload` (a blob key) into blobs below `staging`; gives the figures and `inventory`, the key of its rows.

    `payload`: blobs (URL), upload, size (its bytes), name (the upload's), staging, limits and words (as in their
    classes). The rows are JSON lines as `Listing.rows` gives them. Raises what `archive.entries` raises; where one of
    the LIMITS was passed is left as a `Warned` in the blob STOPPED of the staging.
    """
    started = time.monotonic()
    blobs, staging = Blobs(payload["blobs"]), payload["staging"]
    words = Words.of(**payload["words"])
    spools = Spools(blobs, f"{staging}spool/")
    with blobs.reader(payload["upload"]) as upload, Packs(blobs, f"{staging}files/") as packs:
        scanner = Scanner(packs, Budget(Limits(**payload["limits"])), report, payload["size"])
        try:
            scanner.read(archive.entries(upload, payload["name"], scanner.budget, spools.open, scanner.meter))
        except LIMITS as error:
            # An error goes into messages and logs, where no name of a file may be; this stays in the session.
            stopped = Warned(error.code, scanner.budget.at, error.detail)
            blobs.put_sync(f"{staging}{STOPPED}", orjson.dumps(asdict(stopped)))
            raise
    listing = scanner.listing
    key = f"{staging}inventory"
    _write(blobs, key, listing.rows(payload["name"], words))
    return listing.figures | {
        "inventory": key,
        "warnings": len(listing.warnings),
        "bytes": scanner.bytes,
        "seconds": round(time.monotonic() - started, 3),
    }


def _write(blobs: Blobs, key: str, rows: Iterator[dict[str, Any]]) -> None:
    with blobs.writer(key) as file:
        held, size = list[bytes](), 0
        for row in rows:
            line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            held.append(line)
            size += len(line)
            if size > BATCH:
                file.write(b"".join(held))
                held, size = [], 0
        file.write(b"".join(held))


class Scanner:
    """Takes the steps of an archive: files into packs, everything into the listing."""

    def __init__(self, packs: Packs, budget: Budget, report: Callable[[dict[str, Any]], None], size: int) -> None:
        self.listing, self.meter, self.budget, self.bytes = Listing(), Meter(), budget, 0
        self._packs, self._report, self._size = packs, report, size

    def read(self, steps: Iterator[archive.Step]) -> None:
        for step in steps:
            match step:
                case Entry():
                    self._entry(step)
                    self._tell()
                case Container():
                    self.listing.container(step)
                case Folder():
                    self.listing.folder(step.container, step.path)
                case Warned():
                    self.listing.warnings.append(step)

    def _tell(self) -> None:
        figures = self.listing.figures
        self._report(
            {
                "done": min(self.meter.reached, self._size),
                "total": self._size,
                "detail": {
                    "documents": figures["documents"],
                    "files": figures["documents"] + figures["other_files"],
                    "bytes": self.bytes,
                },
            }
        )

    def _entry(self, entry: Entry) -> None:
        if sniff.is_gzip(entry.head) and not entry.special:
            self._gzip(entry)
            return
        kind = sniff.OTHER if entry.special else sniff.kind_of(entry.name, entry.head, entry.package)
        content = self._stored(entry, [])
        if content is None:
            return
        if not kind.document and not entry.special and sniff.promises_document(entry.name):
            detail = "The content is not what the name promises; the file is kept as it is."
            self.listing.warnings.append(Warned("ENTRY_UNSUPPORTED", entry.path, detail))
        self._take(entry, kind, content)

    def _gzip(self, entry: Entry) -> None:
        """A gzip member: a document where XML is in it, kept packed and unpacked, else another file."""
        inner = entry.name[:-3] if entry.name.lower().endswith(".gz") else entry.name
        inside = Gunzip(self._packs.file(), self.budget, inner)
        content = self._stored(entry, [inside])
        if content is None:
            inside.file.abandon()
            return
        plain = inside.close()
        if inside.error is not None:
            self.listing.warnings.append(Warned(inside.error.code, entry.path, inside.error.detail))
        if not inside.is_xml and entry.container.depth == 0:
            raise NotSupported
        self._take(entry, sniff.XML if plain else sniff.OTHER, content, plain)

    def _stored(self, entry: Entry, readers: list[Gunzip]) -> Content | None:
        """Write an entry's bytes, showing them to the readers; None if it was refused, with a warning."""
        file = self._packs.file()
        try:
            for piece in entry.chunks:
                file.write(piece)
                for reader in readers:
                    reader.feed(piece)
                if file.size > self._packs.small:
                    self._tell()
        except EntryRefused as error:
            file.abandon()
            self.listing.warnings.append(Warned(error.code, entry.path, error.detail))
            return None
        except BaseException:
            file.abandon()
            raise
        self.bytes += file.size
        return file.close()

    def _take(self, entry: Entry, kind: sniff.Kind, content: Content, plain: Content | None = None) -> None:
        found = File(entry.path, entry.name, kind.media_type, kind.document, content, plain)
        self.listing.file(entry.container, found)


class Gunzip:
    """Unpacks gzip as it passes by, as long as XML comes out of it. `error` says why it stopped, if it had to."""

    def __init__(self, file: PackedFile, budget: Budget, name: str) -> None:
        self.file, self._budget, self._name = file, budget, name
        self._inner = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._fed = 0
        self.is_xml: bool | None = None
        self.error: EntryRefused | None = None

    def feed(self, packed: bytes) -> None:
        self._fed += len(packed)
        try:
            while packed and self.error is None and self.is_xml is not False:
                if self._inner.eof:  # members of gzip may follow one another
                    self._inner = zlib.decompressobj(16 + zlib.MAX_WBITS)
                self._take(self._inner.decompress(packed, _PIECE))
                packed = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
        except zlib.error:
            self.error = EntryRefused("The compressed file is damaged; it is kept as it is.")

    def _take(self, piece: bytes) -> None:
        if self.is_xml is None and piece:
            self.is_xml = sniff.kind_of(self._name, piece) == sniff.XML
        if self.is_xml:
            self._budget.spend(len(piece))
            self.file.write(piece)
            limits = self._budget.limits
            if self.file.size > limits.ratio_floor and self.file.size > limits.ratio * self._fed:
                self.error = TooDense(f"The file unpacks to more than {limits.ratio:,} times its size.")

    def close(self) -> Content | None:
        """Where the XML is, or None if there is none that is sound."""
        if self.is_xml and self.error is None and not self._inner.eof:
            self.error = EntryRefused("The compressed file is cut off; it is kept as it is.")
        if self.is_xml and self.error is None:
            return self.file.close()
        self.file.abandon()
        return None
