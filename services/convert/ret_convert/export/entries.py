"""Entries of an archive as steps: their content is packed ahead, what is packed goes into the archive in its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ret_convert.export.ahead import Done, Step, at_once
from ret_convert.export.zipping import Block, ZipStream, packed

Op = Callable[[ZipStream], object]
"""What is done to the archive when its turn has come."""


def begin(name: str, expected: int = 0) -> Done[Op]:
    """Start an entry of about `expected` bytes."""
    return Done(lambda archive: archive.begin(name, expected))


def end() -> Done[Op]:
    """End the entry."""
    return Done(ZipStream.end)


def enter(name: str, expected: int = 0) -> Done[Op]:
    """Start an inner ZIP."""
    return Done(lambda archive: archive.enter(name, expected))


def leave() -> Done[Op]:
    """End the inner ZIP."""
    return Done(ZipStream.leave)


def content(text: Step[bytes], pack: Callable[[bytes], Block] = packed) -> Step[Op]:
    """Content of the entry that was begun; it is made and packed as one piece of work."""

    def work() -> Op:
        block = pack(text())
        return lambda archive: archive.write(block)

    return work


def file(name: str, text: bytes) -> Iterator[Step[Op]]:
    """A whole entry that is small."""
    yield begin(name)
    yield content(Done(text))
    yield end()


def together(steps: Iterable[Step[Op]]) -> Step[Op]:
    """All the steps as one piece of work; for what is small enough to be held packed."""

    def work() -> Op:
        ops = list(at_once(steps))

        def apply(archive: ZipStream) -> None:
            for op in ops:
                op(archive)

        return apply

    return work
