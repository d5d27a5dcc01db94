"""Content by key: a local folder, S3, Azure or Google, whichever the URL names.

Keys are made of our ids only (`sessions/<sid>/…`), so that no name a user gave ever reaches a path. Writing is all
or nothing: a key has the whole content or is absent. Errors of the store are wrapped, because they carry full paths.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, cast
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, from_url

from ret_kit.errors import AlreadyThere, BlobDamaged, NotFound, StorageFull, Unavailable

if TYPE_CHECKING:
    from types import TracebackType

    from obstore import GetOptions, ListStream, ObjectMeta
    from obstore.store import ObjectStore

PART = 8 << 20
"""Bytes of a part of a multipart write; memory of a write is about three of them."""
CHUNK = 1 << 20
"""Bytes of a chunk that is read."""
REMOVAL_TRIES, REMOVAL_PAUSE_SECONDS = 100, 0.02
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_FULL = re.compile(r"no space left|disk quota exceeded|os error 28|os error 122|quotaexceeded", re.IGNORECASE)


@dataclass(frozen=True)
class Stored:
    """What was written: its key, its size in bytes, its SHA-256 in hexadecimal."""

    key: str
    size: int
    sha256: str


def session_prefix(session_id: str) -> str:
    """Everything of a session lies below this prefix."""
    return f"sessions/{session_id}/"


class Blobs:
    """A blob store. Every method raises NotFound for an absent key, StorageFull, or Unavailable; never with a path."""

    def __init__(self, url: str) -> None:
        self._root = Path(unquote(urlsplit(url).path)) if urlsplit(url).scheme == "file" else None
        with wrapped():
            if self._root:
                self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._store: ObjectStore = LocalStore(self._root, automatic_cleanup=True)
            else:
                self._store = from_url(url)

    async def put(self, key: str, data: bytes) -> Stored:
        """Stores data that is in memory anyway."""
        with wrapped():
            await obstore.put_async(self._store, checked(key), data, use_multipart=False)
        return Stored(key, len(data), hashlib.sha256(data).hexdigest())

    async def create(self, key: str, data: bytes) -> Stored:
        """Stores data under a key that is absent; AlreadyThere when it is not, of two at once for all but one."""
        with wrapped(), _created(key):
            await obstore.put_async(self._store, checked(key), data, mode="create", use_multipart=False)
        return Stored(key, len(data), hashlib.sha256(data).hexdigest())

    async def put_stream(self, key: str, chunks: AsyncIterable[bytes]) -> Stored:
        """Stores what comes, in bounded memory. When the chunks end with an error nothing is stored."""
        digest = hashlib.sha256()
        size = 0
        broken: Exception | None = None

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size, broken
            try:
                async for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    yield chunk
            except Exception as error:
                broken = error
                raise

        try:
            with wrapped():
                await obstore.put_async(
                    self._store, checked(key), counted(), use_multipart=True, chunk_size=PART, max_concurrency=2
                )
        except (StorageFull, Unavailable):
            if broken:  # the source's own failure, not the store's
                raise broken from None
            raise
        return Stored(key, size, digest.hexdigest())

    async def get(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """The bytes of a range; `length` None is to the end. For small ranges: all of it is in memory."""
        return b"".join([chunk async for chunk in self.stream(key, offset, length)])

    async def stream(
        self, key: str, offset: int = 0, length: int | None = None, sha256: str | None = None, size: int | None = None
    ) -> AsyncGenerator[bytes]:
        """The bytes of a range in chunks of about a MiB.

        `sha256` and `size` are those of the range: when it has others, BlobDamaged is raised in place of its last
        chunk, so that a reader never has the whole of a damaged blob.
        """
        digest = hashlib.sha256() if sha256 is not None else None
        read = 0
        held: bytes | None = None
        async for chunk in self._chunks(key, offset, length):
            if held is not None:
                yield held
            held = chunk
            read += len(chunk)
            if digest:
                digest.update(chunk)
        expected = size if size is not None else length
        if (digest and digest.hexdigest() != sha256) or (expected is not None and read != expected):
            raise BlobDamaged(key)
        if held is not None:
            yield held

    async def _chunks(self, key: str, offset: int, length: int | None) -> AsyncIterator[bytes]:
        checked(key)
        if length == 0:  # a store refuses an empty range
            return
        options: GetOptions = {}
        if length is not None:
            options = {"range": (offset, offset + length)}
        elif offset:
            options = {"range": {"offset": offset}}
        with wrapped(key):
            try:
                result = await obstore.get_async(self._store, key, options=options)
            except BaseError:
                if options and offset >= (await obstore.head_async(self._store, key))["size"]:
                    return  # a range behind the end has no bytes; the store calls it invalid
                raise
            async for chunk in result.stream(min_chunk_size=CHUNK):
                yield bytes(chunk)

    async def delete(self, key: str) -> None:
        """Removes a key; one that is absent is no error."""
        with wrapped():
            try:
                await obstore.delete_async(self._store, checked(key))
            except FileNotFoundError:
                return

    async def keys(self, prefix: str) -> list[str]:
        """The keys below a prefix (which ends with `/`), in alphabetical order."""
        with wrapped():
            return sorted([meta["path"] async for batch in self._listing(prefix) for meta in batch])

    async def delete_prefix(self, prefix: str) -> int:
        """Removes every key below a prefix, unfinished writes included; gives how many keys there were."""
        with wrapped():
            keys = [meta["path"] async for batch in self._listing(prefix) for meta in batch]
            if self._root:
                await asyncio.to_thread(_remove_folder, self._root / prefix)
            else:
                await obstore.delete_async(self._store, keys)
        return len(keys)

    def _listing(self, prefix: str) -> ListStream[Sequence[ObjectMeta]]:
        return obstore.list(  # pyright: ignore[reportUnknownMemberType] - its Arrow form has no types here
            self._store, checked_prefix(prefix), chunk_size=1000
        )

    # What follows is for pool children: synchronous, no event loop.

    def put_sync(self, key: str, data: bytes) -> Stored:
        """As `put`."""
        with wrapped():
            obstore.put(self._store, checked(key), data, use_multipart=False)
        return Stored(key, len(data), hashlib.sha256(data).hexdigest())

    def create_sync(self, key: str, data: bytes) -> Stored:
        """As `create`."""
        with wrapped(), _created(key):
            obstore.put(self._store, checked(key), data, mode="create", use_multipart=False)
        return Stored(key, len(data), hashlib.sha256(data).hexdigest())

    def get_sync(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """As `get`."""
        if length is None:
            with self.reader(key, offset) as file:
                return file.read()
        if length == 0:
            return b""
        try:
            with wrapped(key):
                data = bytes(obstore.get_range(self._store, checked(key), start=offset, length=length))
        except Unavailable:
            # Stores have no common word for a range that is not there.
            with wrapped(key):
                size = int(obstore.head(self._store, key)["size"])
            if offset + length <= size:
                raise
            raise BlobDamaged(key) from None
        if len(data) != length:
            raise BlobDamaged(key)
        return data

    def keys_sync(self, prefix: str) -> list[str]:
        """As `keys`."""
        with wrapped():
            return sorted(meta["path"] for batch in self._listing(prefix) for meta in batch)

    def delete_prefix_sync(self, prefix: str) -> int:
        """As `delete_prefix`."""
        with wrapped():
            keys = [meta["path"] for batch in self._listing(prefix) for meta in batch]
            if self._root:
                _remove_folder(self._root / prefix)
            else:
                obstore.delete(self._store, keys)
        return len(keys)

    def delete_sync(self, key: str) -> None:
        """As `delete`."""
        with wrapped(), suppress(FileNotFoundError):
            obstore.delete(self._store, checked(key))

    def reader(self, key: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        """A seekable file over a range of a blob; position 0 is the range's first byte. Close it, or use `with`."""
        with wrapped(key):
            size = int(obstore.head(self._store, checked(key))["size"])
        end = size if length is None else min(offset + length, size)
        return io.BufferedReader(_Range(self._store, key, offset, max(offset, end)), buffer_size=CHUNK)

    def writer(self, key: str) -> BlobWriter:
        """A file to write a blob into, in bounded memory; use `with`. An error in the block leaves nothing stored."""
        return BlobWriter(self._store, checked(key))


class BlobWriter:
    """A blob in the making. `size` and `sha256` are those of what was written so far."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        self._key = key
        self._digest = hashlib.sha256()
        self.size = 0
        with wrapped():
            self._file = obstore.open_writer(store, key, buffer_size=PART, max_concurrency=2)
        self._open = True

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of everything written so far."""
        return self._digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Appends; gives how many bytes that were."""
        with wrapped():
            self._file.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def close(self) -> None:
        """Stores what was written; the key exists from now on. Closing twice is the same as once."""
        if self._open:
            self._open = False
            with wrapped():
                self._file.close()

    def abandon(self) -> None:
        """Forgets what was written: the key stays as it was."""
        self._open = False
        del self._file  # obstore aborts a write that is dropped unclosed

    def stored(self) -> Stored:
        """What was written, after `close`."""
        return Stored(self._key, self.size, self.sha256)


class _Range(io.RawIOBase):
    """Positions `start` to `end` of a blob as an unbuffered file; each read is one request."""

    def __init__(self, store: ObjectStore, key: str, start: int, end: int) -> None:
        super().__init__()
        self._store, self._key, self._start, self._end = store, key, start, end
        self._at = start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        if base + offset < self._start:
            raise OSError(22, "negative seek position")
        self._at = base + offset
        return self._at - self._start

    def tell(self) -> int:
        return self._at - self._start

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        wanted = min(len(view), self._end - self._at)
        if wanted <= 0:
            return 0
        with wrapped(self._key):
            data = obstore.get_range(self._store, self._key, start=self._at, length=wanted)
        read = len(data)
        view[:read] = memoryview(data)
        self._at += read
        return read


def checked(key: str) -> str:
    """The key, if it is made of ids; ValueError otherwise, which is a mistake in the program."""
    if not _KEY.fullmatch(key):
        raise ValueError("a blob's key is made of ids")
    return key


def checked_prefix(prefix: str) -> str:
    """The prefix, if it is whole segments of ids, each with its `/`; ValueError otherwise."""
    if not prefix.endswith("/"):
        raise ValueError("a prefix ends with a slash")
    checked(prefix[:-1])
    return prefix


def _remove_folder(folder: Path) -> None:
    """Removes a local prefix with what no listing shows: parts of writes that were killed, empty folders."""
    for _ in range(REMOVAL_TRIES):
        if not folder.exists():
            return
        with suppress(OSError):
            shutil.rmtree(folder)
            return
        # Another service removes the same session's folder, or somebody who is being stopped still writes there.
        time.sleep(REMOVAL_PAUSE_SECONDS)
    raise Unavailable(what="blob store")


@contextmanager
def _created(key: str) -> Generator[None]:
    """The store's refusal to write a key that is there, as ours."""
    try:
        yield
    except AlreadyExistsError:
        raise AlreadyThere(key) from None


@contextmanager
def wrapped(key: str | None = None) -> Generator[None]:
    """The store's errors as ours, without the path they carry (and without the chain that would log it)."""
    try:
        yield
    except FileNotFoundError:
        raise (NotFound(what="blob") if key else Unavailable(what="blob store")) from None
    except (BaseError, OSError) as error:
        if _FULL.search(str(error)):
            raise StorageFull(what="blob store") from None
        raise Unavailable(what="blob store") from None
