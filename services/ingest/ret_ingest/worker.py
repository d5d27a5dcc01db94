"""The scan job: the upload is read in a child, its inventory goes into rows, the upload itself is removed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_ingest import filing
from ret_ingest.archive import Limits
from ret_ingest.scanning import LIMITS, STOPPED
from ret_ingest.schema import CollectionStatus, collections
from ret_ingest.uploads import Place
from ret_kit.blobs import Blobs
from ret_kit.errors import NotFound, RetError
from ret_kit.jobs.model import ClaimedJob, Done, EndedJob, Fenced
from ret_kit.jobs.running import Running
from ret_kit.jobs.store import JobStore

TYPE = "ingest"
SCAN = "ret_ingest.scanning:scan"
ROWS = 2000  # rows of the inventory that are written in one transaction


@dataclass(frozen=True)
class Rules:
    """What a scan goes by; `blobs` is the store's URL."""

    blobs: str
    limits: Limits
    words: dict[str, str]


class ScanWork:
    """Scans the upload of a collection.

    Rows are written in many short transactions, each under the fence, and count from when the collection is ready.
    """

    type = TYPE

    def __init__(self, jobs: JobStore, blobs: Blobs, rules: Rules) -> None:
        self._jobs, self._db, self._blobs, self._rules = jobs, jobs.db, blobs, rules

    async def run(self, job: ClaimedJob, run: Running) -> Done:
        """Scan, write what was found, and make the collection ready in the finishing transaction."""
        place = Place(job.session_id, job.payload["collection_id"])
        async with self._db.read() as conn:
            query = select(collections).where(collections.c.id == place.collection_id)
            row = (await conn.execute(query)).first()
        if row is None:
            raise NotFound(what="collection")
        order = {
            "blobs": self._rules.blobs,
            "upload": place.key,
            "size": row.bytes,
            "name": row.upload_name,
            "staging": run.staging,
            "limits": asdict(self._rules.limits),
            "words": self._rules.words,
        }
        try:
            figures = await run.call(SCAN, order, on_report=lambda report: _tell(run, report))
        except RetError as error:
            if error.code in {limit.code for limit in LIMITS}:
                await self._stopped(job, place, run.staging)
            raise
        inventory = figures.pop("inventory")
        await self._write(job, place, inventory)

        async def commit(conn: AsyncConnection) -> None:
            await filing.finish(conn, place.collection_id, figures)

        async def after() -> None:
            await self._blobs.delete(inventory)
            await self._blobs.delete_prefix(place.prefix)

        return Done({"collection_id": place.collection_id} | figures, commit, after)

    async def abandoned(self, job: EndedJob) -> None:
        """The scan failed or was cancelled: the collection says so, and nothing else of it stays."""
        place = Place(job.session_id, job.payload["collection_id"])
        async with self._db.write() as conn:
            query = select(collections.c.id).where(
                collections.c.id == place.collection_id, collections.c.status == CollectionStatus.SCANNING
            )
            if (await conn.execute(query)).first():
                await filing.fail(conn, place.collection_id, job.error_code or job.state.upper())
        await self._blobs.delete_prefix(place.prefix)

    async def _stopped(self, job: ClaimedJob, place: Place, staging: str) -> None:
        """Keep where the scan could not go on."""
        warning = orjson.loads(await self._blobs.get(f"{staging}{STOPPED}"))
        async with self._db.write() as conn:
            await self._check(conn, job)
            await filing.stop(conn, place.collection_id, warning)

    async def _write(self, job: ClaimedJob, place: Place, inventory: str) -> None:
        async with self._db.write() as conn:
            await self._check(conn, job)
            await filing.clear(conn, place.collection_id)
        async for rows in batches(self._blobs.stream(inventory)):
            async with self._db.write() as conn:
                await self._check(conn, job)
                await filing.fill(conn, place.collection_id, place.session_id, rows)

    async def _check(self, conn: AsyncConnection, job: ClaimedJob) -> None:
        """Raise Fenced unless the claim stands, and keep it standing until the transaction ends."""
        query = select(self._jobs.tables.jobs.c.id).where(self._jobs.held(job)).with_for_update()
        if (await conn.execute(query)).first() is None:
            raise Fenced


async def _tell(run: Running, report: dict[str, Any]) -> None:
    await run.progress(report["done"], report["total"], "bytes", report["detail"])


async def batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[dict[str, Any]]]:
    """JSON lines as rows, some at a time."""
    rest, rows = b"", list[dict[str, Any]]()
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            rows.append(orjson.loads(line))
            if len(rows) == ROWS:
                yield rows
                rows = []
    if rows:
        yield rows
