"""Pairs that a user has put together, or compares again with other options, one by one, as jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_diff import pair_records, planning, records, regrouping
from ret_diff.identical import Twin, failed, identical
from ret_diff.orders import OptionFacts, PairDone
from ret_diff.pair_records import Former
from ret_diff.pairing import model as pairing
from ret_diff.pairing.model import FileFacts, FilePair
from ret_diff.planning import Final, Listing
from ret_diff.sides import Side, files
from ret_diff.work import Compared, Comparing, Tables, documents, figures_of, stored_of, without_twice
from ret_kit.jobs.model import ClaimedJob, Done, EndedJob
from ret_kit.jobs.running import Running
from ret_kit.pools import MemoryExceeded, TimeExceeded, WorkerLost
from ret_kit.rpc.client import as_service

Lost = (WorkerLost, MemoryExceeded, TimeExceeded)


class Anew(Comparing):
    """Compares single pairs from what is there now."""

    async def anew(
        self, job: ClaimedJob, run: Running, of: Compared, row: Row[Any], options: OptionFacts, *, last: bool
    ) -> PairDone:
        """One pair, or the tables of a document that stands alone. On the `last` attempt, a lost child is a failure."""
        listing = await self._listing(job, of, row)
        ids = (list(listing.a), list(listing.b))
        tables = await self._tables(job, run, of, ids)
        if not (row.a_path and row.b_path):
            [found] = [stored_of(some) for side in tables for some in side.values()] or [[]]
            [document] = [*ids[0], *ids[1]] or [""]
            a, b = (document, "") if row.a_path else ("", document)
            return identical(Twin(id=row.id, status=row.status, a=a, b=b), found if a else [], found if b else [])
        final = await self._paired(run, of, row, options, listing, tables)
        if not final.orders:
            reason = final.rows[0].failure if final.rows else None
            code, detail = (reason["code"], reason["detail"]) if reason else planning.NOT_CONVERTED
            return failed(row.id, code, detail)
        try:
            [done] = await self.in_child(run, run.staging, [final.orders[0][0]])
        except Lost as lost:
            if not last:
                raise
            return failed(row.id, lost.code, lost.detail)
        return done

    async def _tables(
        self, job: ClaimedJob, run: Running, of: Compared, ids: tuple[list[str], list[str]]
    ) -> tuple[Tables, Tables]:
        """The tables of documents on both sides, converted if they are not; also those that failed are tried again."""
        found = [
            await side.tables(some, columns=True) if some else {} for side, some in zip(of.sides, ids, strict=True)
        ]
        missing: list[tuple[Side, Sequence[str]]] = [
            (side, [one for one in some if one not in there])
            for side, some, there in zip(of.sides, ids, found, strict=True)
        ]
        if any(some for _, some in missing):
            await self.convert(job, run, without_twice(missing))
            found = [
                await side.tables(some, columns=True) if some else {} for side, some in zip(of.sides, ids, strict=True)
            ]
        return found[0], found[1]

    async def _paired(
        self,
        run: Running,
        of: Compared,
        row: Row[Any],
        options: OptionFacts,
        listing: Listing,
        tables: tuple[Tables, Tables],
    ) -> Final:
        """How the tables of the pair belong together."""
        known = await self.known(of, options, listing, tables, (list(listing.a), list(listing.b)))
        order = pairing.Order(
            blobs=self.rules.blobs,
            a=documents(listing.a, tables[0], listing.a_zips),
            b=documents(listing.b, tables[1], listing.b_zips),
            pairs=[_stands(row, listing.a, listing.b)],
        )
        facts = await self.paired(run, order)
        mine = [one for one in facts if (one["a_path"], one["b_path"]) == (row.a_path, row.b_path)]
        return planning.final(known, mine)

    async def _listing(self, job: ClaimedJob, of: Compared, row: Row[Any]) -> Listing:
        """The documents of the pair, as they are now."""
        with as_service("diff", job.session_id, job.user_id):
            a = await files(self.services.ingest, of.row, "a")
            b = await files(self.services.ingest, of.row, "b")
        zips: list[str] = json.loads(of.row.zips)
        mine_a, mine_b = pair_records.documents_of(row)
        return Listing(_some(a, mine_a), _some(b, mine_b), zips, zips)


class AgainWork(Anew):
    """Compares some pairs of a comparison that has ended, each after the other."""

    type = regrouping.TYPE

    async def run(self, job: ClaimedJob, run: Running) -> Done:
        """Compare the pairs, and put the results in place of the former ones."""
        of = await self.compared(job)
        options: OptionFacts | None = job.payload.get("options")
        done: list[PairDone] = []
        for at, pair_id in enumerate(job.payload["pairs"]):
            await run.progress(at, len(job.payload["pairs"]), "pairs")
            async with self.db.read() as conn:
                row = await pair_records.one(conn, job.session_id, of.row.id, pair_id)
            if row is not None:
                last = job.attempt >= job.max_attempts
                done.append(await self.anew(job, run, of, row, options or of.options, last=last))

        async def commit(conn: AsyncConnection) -> None:
            own = {one["id"]: options for one in done} if options else {}
            await pair_records.finish(conn, job.session_id, of.row.id, done, own)

        result = figures_of(done) | {"comparison_id": of.row.id}
        return Done(result, commit, after=lambda: self.remove_leftovers(job.session_id))

    async def abandoned(self, job: EndedJob) -> None:
        """What was compared before is what it was; what has never been compared says why."""
        code, detail = job.error_code, job.error_detail
        if job.state == "cancelled":
            code, detail = "CANCELLED", "It was cancelled before this was compared."
        async with self.db.write() as conn:
            if await records.one(conn, job.session_id, job.payload["comparison_id"]) is not None:
                told = pairing.NoteFacts(code=code, detail=detail)
                former: dict[str, Former] = job.payload.get("former", {})
                await pair_records.put_back(conn, job.payload["comparison_id"], former, job.id)
                await pair_records.fail_pending(conn, job.payload["comparison_id"], told, job.id)
        await self.remove_leftovers(job.session_id)


def _some(found: Mapping[str, FileFacts], ids: list[str]) -> dict[str, FileFacts]:
    return {one: found[one] for one in ids if one in found}


def _stands(row: Row[Any], a: Mapping[str, FileFacts], b: Mapping[str, FileFacts]) -> FilePair:
    """The pair as it is."""
    [of_a] = [one for one, file in a.items() if file["path"] == row.a_path]
    [of_b] = [one for one, file in b.items() if file["path"] == row.b_path]
    return FilePair(
        a=of_a,
        b=of_b,
        match=row.matched_by or "manual",
        confidence=row.confidence,
        identical=False,
        runner_up=row.runner_up,
        runner_up_confidence=row.runner_up_confidence,
    )
