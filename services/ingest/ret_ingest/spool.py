"""Where a compressed nested ZIP is unpacked to while it is read: memory while it is small, else a blob of the job."""

from __future__ import annotations

import io
from typing import BinaryIO

from ret_kit.blobs import Blobs, BlobWriter

SMALL = 1 << 20  # bytes up to which one nested ZIP stays in memory
ROOM = 32 << 20  # bytes that all of them, one inside the other, may take there


class Spools:
    """Opens spools below a prefix of the session's: a crash leaves nothing that would outlive it."""

    def __init__(self, blobs: Blobs, prefix: str) -> None:
        self.blobs, self._prefix = blobs, prefix
        self._count = 0
        self.held = 0

    def open(self) -> BlobSpool:
        self._count += 1
        return BlobSpool(self, f"{self._prefix}{self._count}/")


class BlobSpool:
    """One unpacked ZIP: written once, then read at offsets, then discarded."""

    def __init__(self, spools: Spools, prefix: str) -> None:
        self._spools, self._prefix = spools, prefix
        self._memory: io.BytesIO | None = io.BytesIO()
        self._writer: BlobWriter | None = None
        self._reader: BinaryIO | None = None
        self._size = 0

    def write(self, data: bytes) -> None:
        if self._memory is not None and (self._size + len(data) > SMALL or self._spools.held + len(data) > ROOM):
            self._writer = self._spools.blobs.writer(f"{self._prefix}zip")
            self._writer.write(self._memory.getbuffer())
            self._leave_memory()
        self._size += len(data)
        if self._memory is not None:
            self._memory.write(data)
            self._spools.held += len(data)
        elif self._writer is not None:
            self._writer.write(data)

    def reader(self) -> BinaryIO:
        """What was written, as a seekable file."""
        if self._memory is not None:
            self._memory.seek(0)
            return self._memory
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._reader = self._spools.blobs.reader(f"{self._prefix}zip")
        return self._reader

    def discard(self) -> None:
        """Nothing is left of it."""
        if self._memory is not None:
            self._leave_memory()
            return
        if self._writer is not None:
            self._writer.abandon()
        if self._reader is not None:
            self._reader.close()
        self._spools.blobs.delete_prefix_sync(self._prefix)

    def _leave_memory(self) -> None:
        if self._memory is not None:
            self._spools.held -= self._memory.getbuffer().nbytes
            self._memory = None
