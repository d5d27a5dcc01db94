"""Taking an upload in: a stream of chunks into one blob, in bounded memory, and nothing left of one that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ret_ingest import names, sniff
from ret_ingest.errors import EmptyUpload, NotSupported, UploadTooLarge
from ret_kit.blobs import Blobs, Stored, session_prefix
from ret_kit.errors import Invalid, Unauthenticated

NAME_LIMIT = 300  # characters of a name that a user gives


@dataclass(frozen=True)
class Place:
    """Where an upload lies until it is scanned."""

    session_id: str
    collection_id: str

    @property
    def prefix(self) -> str:
        return f"{session_prefix(self.session_id)}collections/{self.collection_id}/"

    @property
    def key(self) -> str:
        return f"{self.prefix}upload"


class Underway:
    """The uploads that come in now, by session: one that closes ends its own at once, and not when they are through."""

    def __init__(self) -> None:
        self._uploads: set[tuple[str, asyncio.Timeout]] = set()

    @asynccontextmanager
    async def of(self, session_id: str) -> AsyncGenerator[None]:
        """The block is cancelled, and raises Unauthenticated, when the session closes."""
        upload = asyncio.timeout(None)
        try:
            async with upload:
                self._uploads.add((session_id, upload))
                try:
                    yield
                finally:
                    self._uploads.discard((session_id, upload))
        except TimeoutError:
            if not upload.expired():
                raise
            raise Unauthenticated(reason="session closing") from None

    async def heard(self, subject: str, _data: bytes) -> None:
        """`sessions.closing.<session>` has come."""
        closing = {(session_id, upload) for session_id, upload in self._uploads if subject.endswith(f".{session_id}")}
        self._uploads -= closing
        for _, upload in closing:
            upload.reschedule(asyncio.get_running_loop().time())


async def store(blobs: Blobs, place: Place, name: str, chunks: AsyncIterator[bytes], limit: int) -> Stored:
    """Write an upload of at most `limit` bytes.

    Raises UploadTooLarge as soon as there are more, NotSupported as soon as that is certain, EmptyUpload, and whatever
    `chunks` raises; then, and when it is cancelled, nothing is stored.
    """
    try:
        return await blobs.put_stream(place.key, _checked(name, chunks, limit))
    except BaseException:
        await asyncio.shield(blobs.delete_prefix(place.prefix))
        raise


async def _checked(name: str, chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """The chunks, the first of them held back until they tell what it is."""
    size, head = 0, b""
    waiting = True
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise UploadTooLarge(limit=limit)
        if not waiting:
            yield chunk
            continue
        head += chunk
        if len(head) >= sniff.HEAD:
            yield _known(name, head)
            waiting = False
    if not size:
        raise EmptyUpload
    if waiting:
        yield _known(name, head)


def _known(name: str, head: bytes) -> bytes:
    if not sniff.may_be_upload(name, head):
        raise NotSupported
    return head


def file_name(given: str) -> str:
    """An upload's own name, made harmless; Invalid without one."""
    name = given.replace("\\", "/").rpartition("/")[2]
    if not name.strip():
        raise Invalid(field="file", reason="must have a name")
    return names.cleaned(name, 0).path


def shown_name(given: str, field: str) -> str:
    """A name that a user gives to something; Invalid if it cannot be one."""
    name = given.strip()
    if not name or len(name) > NAME_LIMIT:
        raise Invalid(field=field, reason=f"must have 1 to {NAME_LIMIT} characters")
    if not name.isprintable():
        raise Invalid(field=field, reason="must not have control characters")
    return name
