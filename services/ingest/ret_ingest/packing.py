"""Many small files in few blobs: a file is a range of a pack, only a big one has a blob of its own.

A small file is held in memory until it is known to be sound, so that a pack never holds bytes of a refused entry; a
big one is written as it comes and forgotten if it turns out to be damaged. See docs/decisions/0004.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

from ret_kit.blobs import Blobs, BlobWriter

PACK = 32 << 20  # bytes of a pack, at most
SMALL = 4 << 20  # bytes of a file up to which it goes into a pack


@dataclass(frozen=True, slots=True)
class Content:
    """Where the bytes of a file are: a range of a blob, with the SHA-256 of that range in hexadecimal."""

    key: str
    offset: int
    length: int
    sha256: str


class Packs:
    """The blobs below a prefix that the files of a scan go to. Use `with`; an error leaves the open pack unwritten."""

    def __init__(self, blobs: Blobs, prefix: str, pack: int = PACK, small: int = SMALL) -> None:
        self._blobs, self._prefix, self._pack, self.small = blobs, prefix, pack, min(small, pack)
        self._open: BlobWriter | None = None
        self._key = ""
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        elif self._open is not None:
            self._open.abandon()
            self._open = None

    def file(self) -> PackedFile:
        """A new file; several may be open at once."""
        return PackedFile(self)

    def close(self) -> None:
        """Write the pack that is open."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def next_key(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count}"

    def writer(self, key: str) -> BlobWriter:
        return self._blobs.writer(key)

    def append(self, data: bytes, sha256: str) -> Content:
        """Put a whole small file into the pack that is open."""
        if self._open is not None and self._open.size + len(data) > self._pack:
            self.close()
        if self._open is None:
            self._key = self.next_key()
            self._open = self.writer(self._key)
        offset = self._open.size
        self._open.write(data)
        return Content(self._key, offset, len(data), sha256)


class PackedFile:
    """A file in the making: written piece by piece, then closed or abandoned."""

    def __init__(self, packs: Packs) -> None:
        self._packs = packs
        self._digest = hashlib.sha256()
        self._held: list[bytes] = []
        self._own: BlobWriter | None = None
        self._key = ""
        self.size = 0

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)
        if self._own is not None:
            self._own.write(data)
            return
        self._held.append(data)
        if self.size > self._packs.small:
            self._key = self._packs.next_key()
            self._own = self._packs.writer(self._key)
            for piece in self._held:
                self._own.write(piece)
            self._held.clear()

    def close(self) -> Content:
        """The file is complete: where it is."""
        sha256 = self._digest.hexdigest()
        if self._own is not None:
            self._own.close()
            return Content(self._key, 0, self.size, sha256)
        return self._packs.append(b"".join(self._held), sha256)

    def abandon(self) -> None:
        """Forget the file; nothing of it is stored."""
        if self._own is not None:
            self._own.abandon()
        self._held.clear()
