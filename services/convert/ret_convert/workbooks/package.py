"""Workbooks that are ZIPs of XML: their parts as pieces of bytes, and what reads them, with limits on both."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO
from xml.parsers import expat

from ret_convert.workbooks.errors import WorkbookDamaged, WorkbookEncrypted, WorkbookTooLarge

PIECE = 1 << 18
FLOOR, RATIO = 64 << 20, 300
"""A part beyond FLOOR bytes that is packed to less than a RATIO-th of them is no sheet (Excel's reach 20 to 60)."""
PART = 8 << 30
"""Bytes of a part at most."""
ENCRYPTED = 1
Attributes = dict[str, str]


class LocalNames(dict[str, str]):
    """Names of elements without their prefix, remembered."""

    def __missing__(self, name: str) -> str:
        self[name] = found = name.rpartition(":")[2]
        return found


class Package:
    """The parts of a workbook, by their names as they are meant: `/`, lower case."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise WorkbookDamaged(reason="it is cut off or no ZIP") from error
        self._parts = {plain(one.filename): one for one in self._archive.infolist()}
        self.read = 0
        """Bytes that were unpacked so far."""

    def __contains__(self, name: str) -> bool:
        return plain(name) in self._parts

    def size(self, name: str) -> int:
        """Bytes of a part once unpacked; 0 if it is not there."""
        part = self._parts.get(plain(name))
        return part.file_size if part else 0

    def pieces(self, name: str) -> Iterator[bytes]:
        """A part's bytes."""
        part = self._parts.get(plain(name))
        if part is None:
            raise WorkbookDamaged(reason="a part of it is missing")
        if part.flag_bits & ENCRYPTED:
            raise WorkbookEncrypted
        if part.file_size > PART or (part.file_size > FLOOR and part.file_size > RATIO * part.compress_size):
            raise WorkbookTooLarge(what="it unpacks to far more than a sheet holds")
        try:
            with self._archive.open(part) as stream:
                while piece := stream.read(PIECE):
                    self.read += len(piece)
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
            raise WorkbookDamaged(reason="a part of it is damaged") from error

    def parse(
        self,
        name: str,
        start: Callable[[str, Attributes], object],
        end: Callable[[str], object],
        text: Callable[[str], object] | None = None,
    ) -> Iterator[None]:
        """Parse a part; it gives control back after every piece, and may be left at any."""
        yield from parse(self.pieces(name), start, end, text)


def plain(name: str) -> str:
    """A part's name as it is compared."""
    return name.replace("\\", "/").lstrip("/").lower()


def parse(
    pieces: Iterator[bytes],
    start: Callable[[str, Attributes], object],
    end: Callable[[str], object],
    text: Callable[[str], object] | None = None,
    encoding: str | None = None,
) -> Iterator[None]:
    """Parse XML piece by piece, in the encoding it declares unless one is given.

    WorkbookDamaged where it is not well-formed, or declares a DOCTYPE.
    """
    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    if text is not None:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refused
    try:
        for piece in pieces:
            parser.Parse(piece, False)  # noqa: FBT003 - expat's own signature has no keyword
            yield
        parser.Parse(b"", True)  # noqa: FBT003 - as above
        yield
    except expat.ExpatError as error:
        raise WorkbookDamaged(reason="a part of it is no well-formed XML") from error


def _refused(*_: object) -> None:
    """No workbook has a DOCTYPE; its entities are not to be tried."""
    raise WorkbookDamaged(reason="a part of it declares a DOCTYPE")
