"""ZIPs made by hand, the impossible ones too, and walking them in memory."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ret_ingest.archive import Budget, Container, Entry, Folder, Limits, Warned, entries
from ret_ingest.directory import Meter
from ret_ingest.errors import EntryRefused

GOOD = b"<?xml version='1.0'?><Rows><Row><A>1</A></Row><Row><A>2</A></Row></Rows>"
STORED, DEFLATED = 0, 8
LINK, PIPE, FILE, FOLDER = 0o120777, 0o010644, 0o100644, 0o040755


def deflated(data: bytes, level: int = 6) -> bytes:
    """A raw deflate stream."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass
class Record:
    """One entry to be written; what is given wins over what would be true."""

    name: str | bytes
    data: bytes = GOOD
    method: int = DEFLATED
    flags: int = 0
    mode: int = 0
    extra: bytes = b""
    comment: bytes = b""
    described: bool = False
    """Sizes and sum stand behind the data, as in archives that were written as a stream."""
    crc: int | None = None
    size: int | None = None
    packed: bytes | None = None

    def body(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.data) if self.method == DEFLATED else self.data

    def raw_name(self) -> tuple[bytes, int]:
        if isinstance(self.name, bytes):
            return self.name, 0
        return self.name.encode("utf-8", "surrogateescape"), 0 if self.name.isascii() else 0x800


@dataclass
class Written:
    """An archive in the making."""

    local: bytes = b""
    directory: bytes = b""
    offsets: list[int] = field(default_factory=list[int])
    count: int = 0

    def add(self, record: Record) -> None:
        body, (name, utf8) = record.body(), record.raw_name()
        crc = zlib.crc32(record.data) if record.crc is None else record.crc
        size = len(record.data) if record.size is None else record.size
        flags = record.flags | utf8 | (8 if record.described else 0)
        known = (0, 0, 0) if record.described else (crc, len(body), size)
        self.offsets.append(len(self.local))
        self.directory += (
            struct.pack(
                "<4s6H3I5H2I",
                b"PK\1\2",
                3 << 8 | 20,
                20,
                flags,
                record.method,
                0,
                33,
                crc,
                len(body),
                size,
                len(name),
                len(record.extra),
                len(record.comment),
                0,
                0,
                record.mode << 16,
                len(self.local),
            )
            + name
            + record.extra
            + record.comment
        )
        self.local += (
            struct.pack("<4s5H3I2H", b"PK\3\4", 20, flags, record.method, 0, 33, *known, len(name), len(record.extra))
            + name
            + record.extra
            + body
        )
        if record.described:
            self.local += struct.pack("<4s3I", b"PK\7\x08", crc, len(body), size)
        self.count += 1

    def end(self, comment: bytes = b"") -> bytes:
        return (
            self.local
            + self.directory
            + struct.pack(
                "<4s4H2IH",
                b"PK\5\6",
                0,
                0,
                self.count & 0xFFFF,
                self.count & 0xFFFF,
                len(self.directory),
                len(self.local),
                len(comment),
            )
            + comment
        )


def written(*records: Record) -> Written:
    archive = Written()
    for record in records:
        archive.add(record)
    return archive


def packed(*records: Record) -> bytes:
    """A whole archive of exactly these records."""
    return written(*records).end()


def plain(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of the files; those named .zip are stored, everything else is deflated."""
    return packed(*(Record(name, data, STORED if name.endswith(".zip") else DEFLATED) for name, data in files.items()))


def overlapping(count: int = 20, kernel: int = 1 << 20) -> bytes:
    """Entries quoted in one another's data (Fifield 2019): small on disk, each inflates to the whole kernel."""
    data, archive = deflated(b"\0" * kernel), Written()
    body, inflated, found = data, kernel, list[tuple[bytes, int, int, int]]()
    for number in reversed(range(count)):
        name = f"{number:04d}.xml".encode()
        head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(body), inflated, len(name), 0) + name
        found.append((name, len(body), inflated, len(head)))
        body = head + body
        if number:
            inflated += len(head)
            body = b"\0" + struct.pack("<HH", len(head), len(head) ^ 0xFFFF) + body
    offset = 0
    for name, size, inflated, head in reversed(found):
        archive.directory += (
            struct.pack(
                "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, size, inflated, len(name), 0, 0, 0, 0, 0, offset
            )
            + name
        )
        offset += head + 5
    archive.local, archive.count = body, count
    return archive.end()


class MemorySpool:
    """A spool that only counts; `open_spools` must be empty when a walk is over."""

    open_spools = 0
    opened = 0

    def __init__(self) -> None:
        self._file = io.BytesIO()
        MemorySpool.open_spools += 1
        MemorySpool.opened += 1

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def reader(self) -> io.BytesIO:
        return self._file

    def discard(self) -> None:
        assert not self._file.closed, "discarded twice"
        self._file.close()
        MemorySpool.open_spools -= 1


@dataclass
class Walked:
    """What a walk gave: content by path in order, warnings as (code, path), the rest as it came."""

    files: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    warnings: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    containers: list[Container] = field(default_factory=list[Container])
    folders: list[str] = field(default_factory=list[str])
    entries: list[Entry] = field(default_factory=list[Entry])
    budget: Budget = field(default_factory=lambda: Budget(Limits()))
    meter: Meter = field(default_factory=Meter)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.files]

    @property
    def content(self) -> dict[str, bytes]:
        return dict(self.files)


def walked(data: bytes, name: str = "Upload.zip", limits: Limits | None = None) -> Walked:
    """Walk an upload to its end; errors of single entries are noted as warnings, as a scan does."""
    found = Walked(budget=Budget(limits or Limits()))
    for step in entries(io.BytesIO(data), name, found.budget, MemorySpool, found.meter):
        match step:
            case Entry():
                found.entries.append(step)
                try:
                    found.files.append((step.path, b"".join(step.chunks)))
                except EntryRefused as refused:
                    found.warnings.append((refused.code, step.path))
            case Warned():
                found.warnings.append((step.code, step.path))
            case Container():
                found.containers.append(step)
            case Folder():
                found.folders.append(step.path)
    assert MemorySpool.open_spools == 0
    return found
