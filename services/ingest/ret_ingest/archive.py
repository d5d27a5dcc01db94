"""Walking an upload: every file in it, nested ZIPs opened in turn, in constant stack and bounded memory.

Nothing recurses: the ZIPs that are open lie on a stack. What is inflated is counted as it comes out, over the whole
nesting; what an archive declares is never believed.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO, Protocol

from ret_ingest import names, sniff
from ret_ingest.directory import STORED, Directory, Member, Meter, Source, read_directory
from ret_ingest.errors import (
    ArchiveCorrupt,
    ArchiveOverlap,
    ArchiveTooLarge,
    Damaged,
    EmptyUpload,
    EntryRefused,
    NotSupported,
    TooDense,
)
from ret_ingest.inflate import pieces, refusal
from ret_ingest.sniff import Package

_NOTHING = 2  # bytes that deflate makes of no bytes at all


@dataclass(frozen=True)
class Limits:
    """The guards of a scan. Bytes are counted as they are inflated, entries and bytes over the whole nesting."""

    inflated: int = 20 << 30
    ratio: int = 1000
    ratio_floor: int = 10 << 20
    entries: int = 200_000
    depth: int = 256


@dataclass(frozen=True, slots=True)
class Container:
    """The upload (number 0, empty path) or a ZIP in it. `depth` counts ZIPs; a single file that was uploaded has 0."""

    number: int
    parent: int
    path: str
    depth: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that the archive lists by itself; most are only known by what is in them."""

    container: Container
    path: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file. `chunks` gives its bytes once, and raises EntryRefused if they cannot be had or trusted.

    `name` is its path inside its container. `special` files (links, devices) and ZIPs that are not opened are other
    files whatever their names say.
    """

    container: Container
    path: str
    name: str
    head: bytes
    chunks: Iterator[bytes]
    special: bool = False
    package: Package | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that was skipped, refused or changed, by its full path."""

    code: str
    path: str
    detail: str


Step = Container | Folder | Entry | Warned


class Spool(Protocol):
    """A place for a nested ZIP that has to be unpacked before it can be opened."""

    def write(self, data: bytes) -> None: ...
    def reader(self) -> BinaryIO: ...
    def discard(self) -> None: ...


@dataclass
class Budget:
    """What the upload has used of its limits so far, and `at`, the full path of what is using them now."""

    limits: Limits
    inflated: int = 0
    entries: int = 0
    at: str = ""

    def spend(self, size: int) -> None:
        self.inflated += size
        if self.inflated > self.limits.inflated:
            raise ArchiveTooLarge(limit=self.limits.inflated)

    def guarded(self, source: Source, member: Member) -> Iterator[bytes]:
        """The member's bytes, counted; raises ArchiveTooLarge, and TooDense for a bomb."""
        found, most = 0, member.packed * self.limits.ratio
        for piece in pieces(source, member):
            found += len(piece)
            self.spend(len(piece))
            # One that declares too much is refused as soon as the floor is passed: it is dense, or it lies.
            if found > self.limits.ratio_floor and (found > most or member.size > most):
                raise TooDense(f"The entry is more than {self.limits.ratio:,} times its packed size.")
            yield piece


@dataclass
class _Open:
    """A ZIP that is being walked."""

    container: Container
    source: Source
    members: Iterator[Member]
    spool: Spool | None = None
    seen: set[str] = field(default_factory=set[str])


def entries(
    upload: BinaryIO, name: str, budget: Budget, spool: Callable[[], Spool], meter: Meter | None = None
) -> Iterator[Step]:
    """Everything in an upload, containers before what is in them; each entry's chunks are used before the next step.

    `name` is the upload's, what is used is added to `budget`, `spool` opens a place for a compressed nested ZIP,
    `meter` is told how far the upload has been read. Raises EmptyUpload, NotSupported, ArchiveCorrupt, ArchiveOverlap,
    ArchiveTooLarge, TooManyEntries.
    """
    return _Walk(upload, name, budget, spool, meter or Meter()).steps()


class _Walk:
    def __init__(self, upload: BinaryIO, name: str, budget: Budget, spool: Callable[[], Spool], meter: Meter) -> None:
        self._budget, self._limits, self._spool = budget, budget.limits, spool
        self._source = Source(upload, 0, upload.seek(0, 2), meter)
        self._name = names.cleaned(name.replace("\\", "/").rpartition("/")[2], 0)
        self._stack: list[_Open] = []
        self._containers = 0
        self._number = 0

    def steps(self) -> Iterator[Step]:
        try:
            yield from self._upload()
            while self._stack:
                opened = self._stack[-1]
                member = next(opened.members, None)
                if member is not None:
                    yield from self._member(opened, member)
                    continue
                self._stack.pop()
                if opened.spool:
                    opened.spool.discard()
        finally:
            for opened in self._stack:
                if opened.spool:
                    opened.spool.discard()

    def _upload(self) -> Iterator[Step]:
        source, name = self._source, self._name.path
        if not source.size:
            raise EmptyUpload
        head = source.read_at(0, sniff.HEAD)
        named_zip = name.lower().endswith(".zip")
        if sniff.is_zip(head) or (named_zip and not sniff.has_markup(head)):
            directory = self._read(source)
            if directory.overlaps:
                raise ArchiveOverlap
            package = self._package(source, directory)
            if package is None or named_zip:
                yield from self._uploaded_zip(directory)
                return
            if not sniff.kind_of(name, head, package).document:
                raise NotSupported
            yield from self._single(head, package)
        elif sniff.is_gzip(head) or sniff.kind_of(name, head).document:
            yield from self._single(head, None)
        else:
            raise NotSupported

    def _uploaded_zip(self, directory: Directory) -> Iterator[Step]:
        if not directory.members:
            raise EmptyUpload if directory.whole else ArchiveCorrupt
        if not directory.whole and not any(self._readable(member) for member in directory.members):
            raise ArchiveCorrupt
        yield self._enter(self._source, directory, Container(0, -1, "", 1))
        if not directory.whole:
            yield self._truncated("")

    def _readable(self, member: Member) -> bool:
        """Whether something of a member can be had; a ZIP in it may be readable in part."""
        try:
            head = next(self._budget.guarded(self._source, member), b"")
            if not sniff.is_zip(head):
                for _ in self._budget.guarded(self._source, member):
                    pass
        except EntryRefused:
            return False
        return True

    def _single(self, head: bytes, package: Package | None) -> Iterator[Step]:
        root = Container(0, -1, "", 0)
        self._budget.at = self._name.path
        yield root
        if self._name.changed:
            yield Warned("ENTRY_NAME", self._name.path, "The name was made harmless.")
        whole = Member("", 0, STORED, None, self._source.size, self._source.size, 0, 0)
        yield Entry(
            root, self._name.path, self._name.path, head, self._budget.guarded(self._source, whole), package=package
        )

    def _member(self, opened: _Open, member: Member) -> Iterator[Step]:
        """The steps that one record of a ZIP gives."""
        self._number += 1
        name = names.cleaned(member.name, self._number)
        path = names.joined(opened.container.path, name.path, self._number)
        if names.is_clutter(name.path):
            yield Warned("SYSTEM_FILE_SKIPPED", path.path, "The file was left behind by a system and holds no data.")
            return
        kind = stat.S_IFMT(member.mode)
        special = kind not in (0, stat.S_IFREG, stat.S_IFDIR)
        if name.changed or path.changed:
            yield Warned("ENTRY_NAME", path.path, "The name was made harmless or shorter.")
        elif special:
            yield Warned("ENTRY_NAME", path.path, "The entry is a link or a device; it is kept as a plain file.")
        local = path.path[len(opened.container.path) + 1 :] if opened.container.path else path.path
        if not member.size and member.packed <= _NOTHING and _is_folder(member, kind):
            yield Folder(opened.container, local)
            return
        key = names.collision_key(local)
        if key in opened.seen:
            yield Warned(
                "ENTRY_DUPLICATE", path.path, "Another entry has the same name, or one that differs in case alone."
            )
        opened.seen.add(key)
        yield from self._file(opened, member, path.path, local, special=special)

    def _file(self, opened: _Open, member: Member, path: str, local: str, *, special: bool) -> Iterator[Step]:
        self._budget.at = path
        chunks = self._budget.guarded(opened.source, member)
        try:
            refusal(member)
            head = next(chunks, b"")
        except EntryRefused as error:
            yield Warned(error.code, path, error.detail)
            return
        entry = Entry(opened.container, path, local, head, chain((head,), chunks), special)
        if special or not sniff.is_zip(head):
            yield entry
        elif member.method == STORED:
            yield from self._nested(opened.source.window(member.start, member.packed), entry, None)
        else:
            yield from self._spooled(entry)

    def _spooled(self, entry: Entry) -> Iterator[Step]:
        """A compressed nested ZIP: unpacked to where it can be read at offsets."""
        spool, size, opened = self._spool(), 0, len(self._stack)
        try:
            damage = ""
            try:
                for piece in entry.chunks:
                    spool.write(piece)
                    size += len(piece)
            except Damaged as error:  # what came out may still hold whole entries, each with its own sum
                damage = error.detail
            if damage:
                yield Warned(Damaged.code, entry.path, damage)
            yield from self._nested(Source(spool.reader(), 0, size), entry, spool)
        except EntryRefused as error:
            yield Warned(error.code, entry.path, error.detail)
        finally:
            if len(self._stack) == opened:  # it was not opened, so nobody else will
                spool.discard()

    def _nested(self, source: Source, entry: Entry, spool: Spool | None) -> Iterator[Step]:
        """A ZIP in a ZIP: opened, or given as another file where it is a package, refused or no ZIP after all."""
        directory = self._read(source)
        package = None if directory.overlaps else self._package(source, directory)
        depth = entry.container.depth + 1
        container = Container(self._containers + 1, entry.container.number, entry.path, depth, entry.name)
        refused: Warned | None = None
        if directory.overlaps:
            self._budget.entries += len(directory.members)  # looked at all the same, and there may be many such ZIPs
            refused = Warned(ArchiveOverlap.code, entry.path, ArchiveOverlap().detail)
        elif package is None and not directory.members and not directory.whole:
            refused = Warned("ENTRY_CORRUPT", entry.path, "The entry begins like a ZIP, but nothing in it can be read.")
        elif package is None and depth > self._limits.depth:
            refused = Warned("ENTRY_DEPTH", entry.path, f"ZIPs are opened {self._limits.depth} levels deep.")
        if refused:
            yield refused
        if refused or package:
            whole = Member("", 0, STORED, None, source.size, source.size, 0, 0)
            yield Entry(entry.container, entry.path, entry.name, entry.head, pieces(source, whole),
                        special=package is None, package=package)  # fmt: skip
            return
        yield self._enter(source, directory, container, spool)
        if not directory.whole:
            yield self._truncated(entry.path)

    def _enter(
        self, source: Source, directory: Directory, container: Container, spool: Spool | None = None
    ) -> Container:
        self._containers = container.number
        self._budget.entries += len(directory.members)
        self._stack.append(_Open(container, source, iter(directory.members), spool))
        return container

    def _read(self, source: Source) -> Directory:
        return read_directory(
            source, self._limits.entries - self._budget.entries, self._limits.entries, self._budget.spend
        )

    def _package(self, source: Source, directory: Directory) -> Package | None:
        mimetype, first = b"", directory.members[:1]
        if first and first[0].name == "mimetype":
            with suppress(EntryRefused):
                mimetype = next(self._budget.guarded(source, first[0]), b"")
        return sniff.package_of({member.name for member in directory.members}, mimetype)

    @staticmethod
    def _truncated(path: str) -> Warned:
        return Warned("ARCHIVE_TRUNCATED", path, "The archive is cut off; it was read as far as it goes.")


def _is_folder(member: Member, kind: int) -> bool:
    return member.name.endswith(("/", "\\")) or kind == stat.S_IFDIR or member.marked_folder
