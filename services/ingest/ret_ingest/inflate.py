"""The bytes of one member of a ZIP, piece by piece, checked against its sum.

Methods: stored, deflate, deflate64, bzip2, LZMA. No piece is bigger than about 8 MiB, whatever the packed bytes say.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import inflate64

from ret_ingest import directory as zips
from ret_ingest.directory import Member, Source
from ret_ingest.errors import Damaged, Encrypted, UnknownMethod

PIECE = 1 << 18
_PACKED = 1 << 16
_PACKED64 = 256  # deflate64 repeats up to 64 KB for some 20 bits, and its inflater knows no bound
_DICTIONARY = 64 << 20
_MASKED = 0x40 | zips.HIDDEN  # strong encryption; a directory that is encrypted itself
_LZMA_HEAD, _LZMA_MARKED = 9, 0x2


class Inflater(Protocol):
    """What every method has: feed packed bytes, take what comes out, ask whether it was the end."""

    @property
    def eof(self) -> bool: ...
    def inflate(self, packed: bytes) -> Iterator[bytes]: ...


def refusal(member: Member) -> None:
    """Raise what keeps a member from being read, as far as its headers tell."""
    if member.flags & (zips.ENCRYPTED | _MASKED):
        raise Encrypted("The entry is encrypted.")
    if member.method != zips.STORED and member.method not in _INFLATERS:
        raise UnknownMethod(f"The entry is packed with method {member.method}, which is not read here.")
    if member.start < 0:
        raise Damaged("The entry does not begin where the archive says it does.")


def pieces(source: Source, member: Member) -> Iterator[bytes]:
    """The unpacked bytes; raises EntryRefused where they cannot be had, at the end if the sum is wrong."""
    refusal(member)
    raw = _stored(source, member) if member.method == zips.STORED else _inflated(source, member)
    found = 0
    for piece in raw:
        found = zlib.crc32(piece, found)
        yield piece
    if member.crc is not None and found != member.crc:
        raise Damaged("The entry's checksum does not match its content.")


def _packed(source: Source, member: Member, size: int) -> Iterator[bytes]:
    at, end = member.start, member.start + member.packed
    while at < end and (block := source.read_at(at, min(size, end - at))):
        at += len(block)
        source.passed(at)
        yield block


def _stored(source: Source, member: Member) -> Iterator[bytes]:
    left = member.packed
    for block in _packed(source, member, PIECE):
        left -= len(block)
        yield block
    if left:
        raise Damaged("The entry is cut off.")


def _inflated(source: Source, member: Member) -> Iterator[bytes]:
    inflater = _INFLATERS[member.method]()
    size = _PACKED64 if member.method == zips.DEFLATED64 else _PACKED
    try:
        for block in _packed(source, member, size):
            yield from inflater.inflate(block)
            if inflater.eof:
                return
    except (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError) as error:
        raise Damaged("The packed bytes of the entry are damaged.") from error
    # LZMA may come without a mark of its end; the checksum tells whether it was all there.
    if not inflater.eof and not (member.method == zips.LZMA and not member.flags & _LZMA_MARKED):
        raise Damaged("The entry is cut off.")


class _Deflated:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    def inflate(self, packed: bytes) -> Iterator[bytes]:
        while True:
            piece = self._inner.decompress(packed, PIECE)
            if piece:
                yield piece
            packed = self._inner.unconsumed_tail
            if self.eof or (not packed and len(piece) < PIECE):
                return


class _Untyped64(Protocol):
    """inflate64's inflater, which comes without types."""

    eof: bool

    def inflate(self, data: bytes, /) -> bytes: ...


class _Deflated64:
    def __init__(self) -> None:
        self._inner: _Untyped64 = inflate64.Inflater()  # pyright: ignore[reportUnknownMemberType] - see above

    @property
    def eof(self) -> bool:
        return self._inner.eof

    def inflate(self, packed: bytes) -> Iterator[bytes]:
        yield self._inner.inflate(packed)


class _Bounded:
    """bz2 and lzma decompressors: they hold back what was not asked for."""

    def __init__(self, inner: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._inner = inner

    @property
    def eof(self) -> bool:
        return self._inner.eof

    def inflate(self, packed: bytes) -> Iterator[bytes]:
        piece = self._inner.decompress(packed, PIECE)
        yield piece
        while not self._inner.eof and not self._inner.needs_input:
            yield self._inner.decompress(b"", PIECE)


class _Lzma:
    """A raw LZMA stream behind the ZIP's own head: version, size of the properties, properties."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: _Bounded | None = None

    @property
    def eof(self) -> bool:
        return self._inner is not None and self._inner.eof

    def inflate(self, packed: bytes) -> Iterator[bytes]:
        if self._inner is None:
            self._head += packed
            if len(self._head) < _LZMA_HEAD:
                return
            self._inner = _Bounded(self._opened(self._head[:_LZMA_HEAD]))
            packed = self._head[_LZMA_HEAD:]
        yield from self._inner.inflate(packed)

    @staticmethod
    def _opened(head: bytes) -> lzma.LZMADecompressor:
        combined, dictionary = head[4], int.from_bytes(head[5:9], "little")
        if head[2:4] != b"\5\0" or combined >= 9 * 5 * 5 or dictionary > _DICTIONARY:
            raise UnknownMethod("The entry is packed with LZMA properties that are not read here.")
        chain = {"id": lzma.FILTER_LZMA1, "dict_size": max(dictionary, 4096), "lc": combined % 9,
                 "lp": combined // 9 % 5, "pb": combined // 45}  # fmt: skip
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chain])


_INFLATERS: dict[int, Callable[[], Inflater]] = {
    zips.DEFLATED: _Deflated,
    zips.DEFLATED64: _Deflated64,
    zips.BZIP2: lambda: _Bounded(bz2.BZ2Decompressor()),
    zips.LZMA: _Lzma,
}
