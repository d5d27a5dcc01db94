"""ZIP archives as streams, nested as deep as one likes: written from front to back, nothing spooled, nothing seeked.

What is written to an inner archive is at once the content of an entry of the archive around it. Sizes and checksums
follow each entry (a data descriptor, APPNOTE 4.3.9), since they are not known before. Content is packed in blocks that
know nothing of each other, so that many can be packed at the same time.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
END64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR = struct.Struct("<4sIQI")
FLAGS = 0x808  # sizes follow the data; names are UTF-8
DEFLATED = 8
HUGE = 0xFFFFFFFF
MANY = 0xFFFF
MEMBER_LIMIT = 1 << 30
"""Content expected to be above this gets 64-bit sizes; small archives stay readable for old programs."""
FILE_MODE = 0o100644 << 16
RECORDS = 1000
"""Records of a directory that are written at once."""
LAST_BLOCK = b"\3\0"
"""Ends what was packed: an empty block that says it is the last."""
STORED_BLOCK = struct.Struct("<B2H")
STORED_BYTES = 0xFFFF
HELD_BYTES = 1 << 16
"""Bytes of an inner archive that are held together before they become content of the one around it."""


@dataclass(frozen=True)
class Block:
    """A part of an entry's content, and the same packed (DEFLATE, ending at a byte, not the last block)."""

    text: bytes
    packed: bytes


def packed(text: bytes) -> Block:
    """The text packed quickly."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Block(text, packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))


def stored(text: bytes) -> Block:
    """The text as it is, for what is packed already."""
    parts: list[bytes] = []
    for start in range(0, len(text), STORED_BYTES):
        part = text[start : start + STORED_BYTES]
        parts += [STORED_BLOCK.pack(0, len(part), len(part) ^ 0xFFFF), part]
    return Block(text, b"".join(parts))


@dataclass
class Member:
    """An entry that is being written."""

    name: bytes
    at: int
    wide: bool
    crc: int = 0
    size: int = 0
    packed: int = 0


@dataclass
class Level:
    """One of the archives that are open, each inside the one before; `at` counts what is `held`, too."""

    at: int = 0
    member: Member | None = None
    directory: list[bytes] = field(default_factory=list[bytes])
    held: bytearray = field(default_factory=bytearray)


class ZipStream:
    """A ZIP that leaves through `write` as it grows: `begin`, `end` frame an entry, `enter`, `leave` a ZIP in it."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._out = write
        self._levels = [Level()]
        now = time.gmtime()
        self._stamp = (
            now.tm_hour << 11 | now.tm_min << 5 | now.tm_sec // 2,
            max(now.tm_year - 1980, 0) << 9 | now.tm_mon << 5 | now.tm_mday,
        )

    @property
    def depth(self) -> int:
        """How many archives are open around what is written now, this one not counted."""
        return len(self._levels) - 1

    def begin(self, name: str, expected: int = 0) -> None:
        """Start an entry of about `expected` bytes."""
        level = self._levels[-1]
        wide = expected > MEMBER_LIMIT
        raw = name.encode("utf-8", "replace")
        extra = struct.pack("<2H2Q", 1, 16, 0, 0) if wide else b""
        size = HUGE if wide else 0
        level.member = Member(raw, level.at, wide)
        self._emit(
            LOCAL.pack(
                b"PK\3\4", 45 if wide else 20, FLAGS, DEFLATED, *self._stamp, 0, size, size, len(raw), len(extra)
            )
            + raw
            + extra
        )

    def write(self, block: Block) -> None:
        """Content of the entry that was begun."""
        self._content(self._member(-1), block)
        self._emit(block.packed)

    def end(self) -> None:
        """End the entry."""
        level, member = self._levels[-1], self._member(-1)
        member.packed += len(LAST_BLOCK)
        # An entry that has outgrown 32 bits against all expectation says so here and in the directory.
        wide = member.wide or max(member.size, member.packed) >= HUGE
        sizes = struct.pack("<4sI2Q" if wide else "<4s3I", b"PK\7\10", member.crc, member.packed, member.size)
        self._emit(LAST_BLOCK + sizes)
        level.directory.append(self._record(member))
        level.member = None

    def enter(self, name: str, expected: int = 0) -> None:
        """Start an inner ZIP; what follows goes into it, until `leave`. Its content is packed already."""
        self.begin(name, expected)
        self._levels.append(Level())

    def leave(self) -> None:
        """End the inner ZIP."""
        self._directory()
        self._pass_on(len(self._levels) - 1, least=1)
        self._levels.pop()
        self.end()

    def close(self) -> None:
        """End the ZIP, and whatever is open in it."""
        while self.depth:
            self.leave()
        self._directory()

    def _member(self, number: int) -> Member:
        member = self._levels[number].member
        if member is None:
            raise RuntimeError("no entry was begun")
        return member

    def _content(self, member: Member, block: Block) -> None:
        member.crc = zlib.crc32(block.text, member.crc)
        member.size += len(block.text)
        member.packed += len(block.packed)

    def _emit(self, data: bytes) -> None:
        """Bytes of the innermost archive."""
        level = self._levels[-1]
        level.at += len(data)
        if not self.depth:
            self._out(data)
            return
        level.held += data
        self._pass_on(self.depth, least=HELD_BYTES)

    def _pass_on(self, number: int, *, least: int) -> None:
        """Write what an inner archive holds, if it is enough, into the one around it, and so on outwards."""
        while number and len(self._levels[number].held) >= least:
            block = stored(bytes(self._levels[number].held))
            self._levels[number].held.clear()
            number -= 1
            self._content(self._member(number), block)
            self._levels[number].at += len(block.packed)
            if number:
                self._levels[number].held += block.packed
                least = HELD_BYTES
            else:
                self._out(block.packed)

    def _record(self, member: Member) -> bytes:
        """The entry's record in the directory."""
        wide = [number for number in (member.size, member.packed, member.at) if number >= HUGE]
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        needs = 45 if member.wide or wide else 20
        return (
            CENTRAL.pack(
                b"PK\1\2",
                3 << 8 | needs,
                needs,
                FLAGS,
                DEFLATED,
                *self._stamp,
                member.crc,
                min(member.packed, HUGE),
                min(member.size, HUGE),
                len(member.name),
                len(extra),
                0,
                0,
                0,
                FILE_MODE,
                min(member.at, HUGE),
            )
            + member.name
            + extra
        )

    def _directory(self) -> None:
        """The directory of the innermost archive, and its end."""
        level = self._levels[-1]
        start, count = level.at, len(level.directory)
        block: list[bytes] = []
        for record in level.directory:
            block.append(record)
            if len(block) >= RECORDS:
                self._emit(b"".join(block))
                block.clear()
        self._emit(b"".join(block))
        size, end = level.at - start, level.at
        tail = b""
        if count >= MANY or max(size, start) >= HUGE:
            tail = END64.pack(b"PK\6\6", END64.size - 12, 3 << 8 | 45, 45, 0, 0, count, count, size, start)
            tail += LOCATOR.pack(b"PK\6\7", 0, end, 1)
        self._emit(
            tail + END.pack(b"PK\5\6", 0, 0, min(count, MANY), min(count, MANY), min(size, HUGE), min(start, HUGE), 0)
        )
