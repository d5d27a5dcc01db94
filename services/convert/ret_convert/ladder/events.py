"""Documents that are not read by expat: their events go into the core that all others go into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from ret_convert._core import Core
from ret_convert.flatten import Options, Progress
from ret_convert.native import NativeFlattening
from ret_convert.xml import failure


class Handler(Protocol):
    """What hears of a document: names and attributes are as they are written, text comes in pieces of any size.

    Names are what expat takes for names, no element has an attribute twice, there is exactly one root, and no character
    is one that XML does not know.
    """

    def start(self, name: str, attributes: dict[str, str], /) -> object: ...
    def end(self, name: str, /) -> object: ...
    @property
    def text(self) -> Callable[[str], object]: ...


class Drive(Protocol):
    """A reading of a document: tells the handler everything, step by step; after each step the bytes that are done.

    It begins with the document's beginning each time, and tells the same each time.
    """

    def __call__(self, handler: Handler, /) -> Iterator[int]: ...


class EventReading:
    """How a document of events comes into the core (`native.Reading`)."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    def __call__(self, core: Core, limit: int | None) -> Iterator[int]:
        for done in self._drive(core):
            yield done
            if limit is not None and done >= limit:
                return
        if not core.finish():
            raise failure(core)


def from_events(drive: Drive, options: Options, progress: Progress) -> NativeFlattening:
    """Flatten what a drive tells."""
    return NativeFlattening(EventReading(drive), options, progress)
