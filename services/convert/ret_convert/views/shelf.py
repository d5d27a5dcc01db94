"""What all views of a process share: the children that build them, the gathered rows that are kept in memory."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

from ret_convert.arrow import pa
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged, NotFound
from ret_kit.pools import Pool

KEPT = 128 << 20
"""Bytes of gathered rows that are kept in memory."""

log = logging.getLogger("ret.convert")


class Shelf:
    """For one event loop. `location` is the store's URL, for the children."""

    def __init__(self, blobs: Blobs, location: str, pool: Pool) -> None:
        self.blobs, self.location, self.pool = blobs, location, pool
        self._tables: OrderedDict[str, Any] = OrderedDict()
        self._bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End everything that was begun."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def gathered(self, key: str) -> Any | None:
        """Gathered rows; None when they are gone."""
        if key in self._tables:
            self._tables.move_to_end(key)
            return self._tables[key]
        try:
            data = await asyncio.to_thread(self.blobs.get_sync, key)
            table = await asyncio.to_thread(_opened, data)
        except NotFound:
            return None
        except (pa.ArrowException, OSError) as error:
            raise BlobDamaged(key) from error
        if key not in self._tables:
            self._tables[key] = table
            self._bytes += table.nbytes
        while self._bytes > KEPT and len(self._tables) > 1:
            self._bytes -= self._tables.popitem(last=False)[1].nbytes
        return table

    def forget(self, prefix: str) -> None:
        """What lies below a prefix is needed no longer."""
        for key in [key for key in self._tables if key.startswith(prefix)]:
            self._bytes -= self._tables.pop(key).nbytes

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside; it ends with `close` at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.warning("a view was left as it is", extra={"code": getattr(error, "code", type(error).__name__)})


def _opened(data: bytes) -> Any:
    return pa.ipc.open_file(pa.BufferReader(data)).read_all()
