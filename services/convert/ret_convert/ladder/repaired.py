"""The second rung: a damaged document written anew, as far as nothing has to be guessed, to be read strictly again."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from ret_convert.flatten import Source
from ret_convert.ladder.reading import Reading
from ret_convert.ladder.survey import Survey

TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
ATTRIBUTE = TEXT | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


class Writing:
    """Writes what it is told as XML; `taken` gives it and forgets it."""

    def __init__(self) -> None:
        self._parts = ['<?xml version="1.0" encoding="UTF-8"?>']
        self.write: Callable[[str], object] = self._parts.append

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if attributes:
            written = "".join(f' {one}="{value.translate(ATTRIBUTE)}"' for one, value in attributes.items())
            self.write(f"<{name}{written}>")
        else:
            self.write(f"<{name}>")

    def end(self, name: str) -> None:
        self.write(f"</{name}>")

    def text(self, data: str) -> None:
        self.write(data.translate(TEXT))

    def taken(self) -> bytes:
        """What was written since the last time, in UTF-8."""
        found = "".join(self._parts).encode()
        self._parts.clear()
        return found


class Rewritten(io.RawIOBase):
    """A stream of bytes that are made while they are read."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        super().__init__()
        self._parts = parts
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """As many bytes as are asked for, fewer only at the end."""
        parts = [self._waiting]
        have = len(self._waiting)
        while size < 0 or have < size:
            part = next(self._parts, None)
            if part is None:
                break
            parts.append(part)
            have += len(part)
        data = b"".join(parts)
        size = have if size < 0 else size
        self._waiting = data[size:]
        return data[:size]


def repaired(survey: Survey) -> Source:
    """The document as well-formed XML in UTF-8, the same each time it is opened; memory follows the chunk."""

    def opened() -> BinaryIO:
        return cast("BinaryIO", Rewritten(rewritten(survey)))

    return opened


def rewritten(survey: Survey) -> Iterator[bytes]:
    """The bytes of it, piece for piece."""
    writing = Writing()
    reading = Reading(survey.document, wrapped=survey.wrapped)
    for _ in reading.drive(writing):
        yield writing.taken()
