"""Reading the directory of a ZIP, trusting none of it: extents are compared before anything is inflated.

The format is PKWARE's APPNOTE 6.3.10 (sections 4.3 and 4.4); D. Fifield, "A better zip bomb" (WOOT 2019) is why
overlaps are looked for. Archives that were cut off are read by their local headers instead.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from ret_ingest.errors import TooManyEntries

LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
DESCRIPTOR, LOCATOR64, END64 = b"PK\7\b", b"PK\6\7", b"PK\6\6"
STORED, DEFLATED, DEFLATED64, BZIP2, LZMA = 0, 8, 9, 12, 14
ENCRYPTED, DESCRIBED, UTF8, HIDDEN = 0x1, 0x8, 0x800, 0x2000

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LOCATOR64 = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_FULL = 0xFFFFFFFF
_BLOCK = 1 << 16
_SEARCH = 1 << 20
_UNIX = 3
_ENDS = 8  # signatures of an end that are tried; no comment holds more by chance
_UNICODE_NAME, _UNICODE_HEAD = 0x7075, 5  # Info-ZIP's field: version, sum of the raw name, name


class Meter:
    """How far the data of the upload itself has been read, in bytes from its start; only rises."""

    def __init__(self) -> None:
        self.reached = 0


class Source:
    """A range of a seekable file, read at offsets. A range of a range is a range of the file: nothing nests."""

    __slots__ = ("_file", "_start", "meter", "size")

    def __init__(self, file: BinaryIO, start: int, size: int, meter: Meter | None = None) -> None:
        self._file, self._start, self.size, self.meter = file, start, size, meter

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` on; fewer only where the range ends."""
        size = min(size, self.size - offset)
        if size <= 0:
            return b""
        self._file.seek(self._start + offset)
        data = self._file.read(size)
        while len(data) < size and (more := self._file.read(size - len(data))):
            data += more
        return data

    def passed(self, offset: int) -> None:
        """Note that the data up to here has been used."""
        if self.meter is not None:
            self.meter.reached = max(self.meter.reached, self._start + offset)

    def window(self, start: int, size: int) -> Source:
        """The part from `start` on, at most `size` bytes."""
        return Source(self._file, self._start + start, max(0, min(size, self.size - start)), self.meter)


@dataclass(slots=True)
class Member:
    """One record of a ZIP. `start` is where its packed bytes begin, -1 without a local header where one should be."""

    name: str
    flags: int
    method: int
    crc: int | None
    packed: int
    size: int
    offset: int
    start: int = -1
    mode: int = 0
    marked_folder: bool = False


@dataclass(slots=True)
class Directory:
    """The members in the archive's order.

    `whole` is False where they had to be read by their local headers. Where members share bytes, `overlaps` is True:
    such an archive is no more than its directory, nothing in it may be read.
    """

    members: list[Member] = field(default_factory=list[Member])
    whole: bool = True
    overlaps: bool = False


def read_directory(source: Source, allowed: int, limit: int, spent: Callable[[int], None]) -> Directory:
    """The directory of a ZIP.

    `allowed` more entries may come before TooManyEntries(limit) is raised. `spent` is told the bytes that had to be
    inflated to find out where an entry of a cut archive ends.
    """
    count = _Count(allowed, limit)
    for start, end, shift in _ends(source):
        members = _central(source, start, end, shift, count)
        if members is not None:
            return Directory(members, overlaps=not _locate(source, members, start))
    return Directory(list(_by_local_headers(source, count, spent)), whole=False)


@dataclass
class _Count:
    allowed: int
    limit: int

    def check(self, found: int) -> None:
        if found > self.allowed:
            raise TooManyEntries(limit=self.limit)


def _ends(source: Source) -> Iterator[tuple[int, int, int]]:
    """Where the directory may be, the most likely place first: (start, end, what all offsets must be raised by)."""
    tail_at = max(0, source.size - _END.size - 0xFFFF)
    tail = source.read_at(tail_at, source.size - tail_at)
    at = len(tail)
    found: list[tuple[bool, int, int, int]] = []
    while (at := tail.rfind(END, 0, at)) >= 0 and len(found) < _ENDS:
        if at + _END.size > len(tail):
            continue
        _, _, _, _, _, size, offset, comment = _END.unpack_from(tail, at)
        place = _directory(source, tail_at + at, size, offset)
        if place:
            found.append((at + _END.size + comment != len(tail), *place))
    for _, start, end, shift in sorted(found, key=lambda one: one[0]):
        yield start, end, shift


def _directory(source: Source, end: int, size: int, offset: int) -> tuple[int, int, int] | None:
    """The directory that ends before its end record at `end`, if there can be one."""
    locator = source.read_at(end - _LOCATOR64.size, _LOCATOR64.size) if end >= _LOCATOR64.size else b""
    if locator[:4] == LOCATOR64:
        declared = _LOCATOR64.unpack(locator)[2]
        for at in (declared, end - _LOCATOR64.size - _END64.size):
            record = source.read_at(at, _END64.size) if 0 <= at < end else b""
            if len(record) == _END64.size and record[:4] == END64:
                size, offset = _END64.unpack(record)[8:10]
                end = at
                break
    start, shift = end - size, end - size - offset
    if start < 0 or shift < 0 or (size and source.read_at(start, 4) != CENTRAL):
        return None
    return start, end, shift


class _Cursor:
    """Reads a range from front to back in blocks."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source, self._at, self._end = source, start, end
        self._held, self._used = b"", 0

    def take(self, size: int) -> bytes:
        """The next bytes; fewer where the range ends."""
        if self._used + size > len(self._held):
            rest = self._held[self._used :]
            block = self._source.read_at(self._at, min(max(size, _BLOCK), self._end - self._at))
            self._at += len(block)
            self._held, self._used = rest + block, 0
        taken = self._held[self._used : self._used + size]
        self._used += len(taken)
        return taken


def _central(source: Source, start: int, end: int, shift: int, count: _Count) -> list[Member] | None:
    """The members of the central directory; None where it is damaged."""
    cursor, members = _Cursor(source, start, end), list[Member]()
    while len(head := cursor.take(_CENTRAL.size)) == _CENTRAL.size and head[:4] == CENTRAL:
        (_, made_by, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment_size,
         _, _, attributes, offset) = _CENTRAL.unpack(head)  # fmt: skip
        raw = cursor.take(name_size)
        extra = cursor.take(extra_size)
        if len(cursor.take(comment_size)) < comment_size or len(extra) < extra_size:
            return None
        if _FULL in (packed, size, offset):
            size, packed, offset = _wide(extra, size, packed, offset)
        mode = attributes >> 16 if made_by >> 8 == _UNIX else 0
        members.append(
            Member(_decoded(raw, flags, extra), flags, method, crc, packed, size, offset + shift,
                   mode=mode, marked_folder=bool(attributes & 0x10) and not mode)
        )  # fmt: skip
        count.check(len(members))
    damaged = head and head[:4] not in (END, END64, b"PK\5\5")
    return None if damaged else members


def _wide(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Sizes and offset with those filled in that only the ZIP64 field has room for."""
    values = [
        int.from_bytes(field[at : at + 8], "little")
        for field in _fields(extra, 1)
        for at in range(0, len(field) - 7, 8)
    ]
    wide = iter(values)
    return tuple(next(wide, value) if value == _FULL else value for value in (size, packed, offset))  # pyright: ignore[reportReturnType] three in, three out


def _fields(extra: bytes, wanted: int) -> Iterator[bytes]:
    at = 0
    while at + 4 <= len(extra):
        tag, size = struct.unpack_from("<2H", extra, at)
        if tag == wanted:
            yield extra[at + 4 : at + 4 + size]
        at += 4 + size


def _decoded(raw: bytes, flags: int, extra: bytes) -> str:
    """A name as text: by its Unicode extra field, as UTF-8 where it is that, else in the format's code page."""
    for named in _fields(extra, _UNICODE_NAME) if extra else ():
        if named[:_UNICODE_HEAD] == b"\1" + zlib.crc32(raw).to_bytes(4, "little"):
            raw, flags = named[_UNICODE_HEAD:], flags | UTF8
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace") if flags & UTF8 else raw.decode("cp437")


def _locate(source: Source, members: list[Member], directory: int) -> bool:
    """Find where the data of each member begins; False as soon as two of them share a byte."""
    covered = 0
    for member in sorted(members, key=lambda one: one.offset):
        head = source.read_at(member.offset, _LOCAL.size)
        length = _LOCAL.size
        if len(head) == _LOCAL.size and head[:4] == LOCAL:
            fields = _LOCAL.unpack(head)
            length = _LOCAL.size + fields[9] + fields[10]
            member.start = member.offset + length
            member.flags |= fields[2] & ENCRYPTED
        if member.offset < covered:
            return False
        covered = member.offset + length + member.packed
    return not members or covered <= directory


def _by_local_headers(source: Source, count: _Count, spent: Callable[[int], None]) -> Iterator[Member]:
    """The members of an archive whose directory is gone, as far as they go; the last may be shorter than it says."""
    at: int | None = 0
    looked = 0
    while at is not None:
        head = source.read_at(at, _LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] in (CENTRAL, END64):
            return
        looked += 1
        count.check(looked)  # also of what turns out to be none: a file may be made of nothing but signatures
        member = _local(source, head, at) if head[:4] == LOCAL else None
        if member is None:
            at = find(source, LOCAL, at + 1)
            continue
        if member.flags & DESCRIBED and not member.packed:
            _measure(source, member, spent)
        member.packed = min(member.packed, source.size - member.start)
        yield member
        at = member.start + member.packed


def _local(source: Source, head: bytes, at: int) -> Member | None:
    """The member of a local header, or None if this is none that anybody would have written."""
    _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack(head)
    rest = source.read_at(at + _LOCAL.size, name_size + extra_size)
    if not name_size or len(rest) < name_size + extra_size:
        return None
    extra = rest[name_size:]
    if _FULL in (packed, size):
        size, packed, _ = _wide(extra, size, packed, 0)
    start = at + _LOCAL.size + name_size + extra_size
    return Member(_decoded(rest[:name_size], flags, extra), flags, method, crc, packed, size, at, start)


def _measure(source: Source, member: Member, spent: Callable[[int], None]) -> None:
    """Find the end of a member whose sizes stand behind it."""
    end = _stored_end(source, member.start, spent) if member.method == STORED else _deflated_end(source, member, spent)
    if end is None:  # damaged or cut: it reaches as far as the next one, and reading it will say what is wrong
        spent(source.size - member.start)
        following = find(source, LOCAL, member.start)
        member.packed, member.crc = (following or source.size) - member.start, None
        return
    member.packed = end - member.start
    after = source.read_at(end, 16)
    at = 4 if after[:4] == DESCRIPTOR else 0
    confirmed = int.from_bytes(after[at + 4 : at + 8], "little") == member.packed & _FULL
    member.crc = int.from_bytes(after[at : at + 4], "little") if at or confirmed else None


def _stored_end(source: Source, start: int, spent: Callable[[int], None]) -> int | None:
    """Where a descriptor stands that names the distance to itself; None where there is none."""
    at = find(source, DESCRIPTOR, start)
    while at is not None:
        spent(_BLOCK)
        if int.from_bytes(source.read_at(at + 8, 4), "little") == (at - start) & _FULL:
            return at
        at = find(source, DESCRIPTOR, at + 4)
    return None


def _deflated_end(source: Source, member: Member, spent: Callable[[int], None]) -> int | None:
    """Where a deflate stream ends, found by inflating it; None where it never does."""
    if member.method != DEFLATED:
        return None
    inflater, at, block = zlib.decompressobj(-zlib.MAX_WBITS), member.start, b""
    try:
        while not inflater.eof:
            if not block:
                block = source.read_at(at, _BLOCK)
                at += len(block)
            if not block:
                return None
            inflated = inflater.decompress(block, _SEARCH)
            spent(max(len(inflated), len(block) - len(inflater.unconsumed_tail)))
            block = inflater.unconsumed_tail
    except zlib.error:
        return None
    return at - len(inflater.unused_data)


def find(source: Source, signature: bytes, start: int) -> int | None:
    """Where a signature next stands at or behind `start`."""
    size = 1 << 12
    while len(block := source.read_at(start, size)) >= len(signature):
        at = block.find(signature)
        if at >= 0:
            return start + at
        start += len(block) - len(signature) + 1
        size = min(2 * size, _SEARCH)  # signatures that stand close together cost little each
    return None
