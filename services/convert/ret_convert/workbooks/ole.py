"""Files of the kind that Office wrote before 2007 (OLE compound files, [MS-CFB]): their streams by name."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

from ret_convert.workbooks.errors import WorkbookDamaged

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
FREE = 0xFFFFFFFA
"""Numbers of sectors from here on are none."""
ENTRY = 128
SMALL = 4096
"""Streams below this are kept in sectors of 64 bytes."""
STREAM, ROOT = 2, 5
SHIFTS = (9, 12)
IN_HEADER = 109


class Streams:
    """The streams of an open compound file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        header = file.read(512)
        if not header.startswith(SIGNATURE):
            raise WorkbookDamaged(reason="it is no Excel file")
        try:
            self._open(header)
        except struct.error as error:
            raise WorkbookDamaged(reason="it is cut off") from error

    def _open(self, header: bytes) -> None:
        (shift,) = struct.unpack_from("<H", header, 30)
        if shift not in SHIFTS:
            raise WorkbookDamaged(reason="it is no Excel file")
        self._size = 1 << shift
        directory, minifat, first_difat = (struct.unpack_from("<I", header, at)[0] for at in (48, 60, 68))
        file_size = self._file.seek(0, io.SEEK_END)
        fat_sectors = [*struct.unpack_from(f"<{IN_HEADER}I", header, 76)]
        seen: set[int] = set()
        while first_difat < FREE and first_difat not in seen:
            seen.add(first_difat)
            *further, first_difat = self._numbers(self._sector(first_difat))
            fat_sectors.extend(further)
        if len(fat_sectors) > IN_HEADER + file_size // self._size:
            raise WorkbookDamaged(reason="its list of sectors is damaged")
        self._fat = [one for sector in fat_sectors if sector < FREE for one in self._numbers(self._sector(sector))]
        self._minifat = self._numbers(self._chain(minifat)) if minifat < FREE else []
        self._entries: dict[str, tuple[int, int]] = {}
        listing = self._chain(directory)
        self._mini = b""
        for at in range(0, len(listing) - ENTRY + 1, ENTRY):
            entry = listing[at : at + ENTRY]
            length, kind = struct.unpack_from("<HB", entry, 64)
            start, size = struct.unpack_from("<II", entry, 116)
            if kind == ROOT:
                self._mini = self._chain(start)
            elif kind == STREAM:
                name = entry[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
                self._entries.setdefault(name.lower(), (start, size))

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._entries

    def read(self, name: str) -> bytes:
        """A stream, as far as the file has it."""
        start, size = self._entries[name.lower()]
        if size >= SMALL:
            return self._chain(start)[:size]
        found, seen = bytearray(), set[int]()
        while start < len(self._minifat) and start not in seen and len(found) < size:
            seen.add(start)
            found += self._mini[start * 64 : start * 64 + 64]
            start = self._minifat[start]
        return bytes(found[:size])

    def _sector(self, number: int) -> bytes:
        self._file.seek((number + 1) * self._size)
        return self._file.read(self._size)

    def _numbers(self, data: bytes) -> list[int]:
        count = len(data) // 4
        return [*struct.unpack(f"<{count}I", data[: count * 4])]

    def _chain(self, start: int) -> bytes:
        """The sectors from one on, one after the other; each once, whatever the file says."""
        number, found, seen = start, list[bytes](), set[int]()
        while number < len(self._fat) and number not in seen:
            seen.add(number)
            found.append(self._sector(number))
            number = self._fat[number]
        return b"".join(found)
