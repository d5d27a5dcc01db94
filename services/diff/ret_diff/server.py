"""ret.diff.v1: comparisons of a session, their pairs, and what is done with them. Reads, calls, writes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc.aio
from google.protobuf.message import Message
from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ret.diff.v1 import diff_pb2
from ret.ingest.v1 import ingest_pb2
from ret_diff import messages, pair_records, records, regrouping, taking, tree
from ret_diff.errors import NotReady, SideGone, StillRunning
from ret_diff.model import Counts
from ret_diff.pair_records import Wanted
from ret_diff.records import NewComparison, SideOrder
from ret_diff.schema import jobs as job_tables
from ret_diff.shown import Shown
from ret_diff.sides import Services, files, side_of
from ret_diff.sweeping import remove_leftovers
from ret_diff.worker import TYPE
from ret_kit.auth import caller
from ret_kit.blobs import Blobs
from ret_kit.bus import Bus
from ret_kit.database import Database
from ret_kit.errors import Invalid, NotFound
from ret_kit.jobs.events import FINAL, job_message
from ret_kit.jobs.host import JobHost
from ret_kit.jobs.idempotency import recall, remember
from ret_kit.jobs.model import Identity, NewJob
from ret_kit.pools import Pool
from ret_kit.rpc.server import Access

NAME = "ret.diff.v1.DiffService"
VERSIONS = ("edited", "original")
LISTED = 1000  # of a list at most
NODES = 500  # of one message of a tree
RECIPES = 1000  # of a session at most
TEXT = 10_000  # characters of a note
RECIPE_NAME = 300
Context = grpc.aio.ServicerContext[Any, Any]
M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Ports:
    """What the servicers stand on; `location` is the store's URL."""

    db: Database
    bus: Bus
    blobs: Blobs
    jobs: JobHost
    services: Services
    reports: Pool
    shown: Shown
    location: str


class Comparisons:
    """What all calls have in common: the comparisons of the caller's session, and jobs for them."""

    def __init__(self, ports: Ports) -> None:
        self.ports, self.db = ports, ports.db

    async def comparison(self, conn: AsyncConnection, comparison_id: str) -> Row[Any]:
        """A comparison of the caller's session, or NotFound."""
        row = await records.one(conn, caller().session_id, comparison_id)
        if row is None:
            raise NotFound(what="comparison")
        return row

    async def pair(self, conn: AsyncConnection, comparison_id: str, pair_id: str) -> Row[Any]:
        """A pair of a comparison of the caller's session, or NotFound."""
        row = await pair_records.one(conn, caller().session_id, comparison_id, pair_id)
        if row is None:
            raise NotFound(what="pair")
        return row

    async def told(self, conn: AsyncConnection, row: Row[Any]) -> diff_pb2.Comparison:
        """A comparison as it is told."""
        tallies = await pair_records.tallies(conn, [row.id])
        return messages.comparison(row, tallies.get(row.id, ()))

    async def ended(self, conn: AsyncConnection, comparison_id: str) -> Row[Any]:
        """A comparison that is complete, held for the transaction. NotFound, StillRunning."""
        row = await records.locked(conn, caller().session_id, comparison_id)
        if row is None:
            raise NotFound(what="comparison")
        if row.job_state not in FINAL:
            raise StillRunning
        return row

    async def once(
        self,
        kind: type[M],
        route: str,
        key: str,
        make: Callable[[AsyncConnection], Awaitable[M]],
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> M:
        """What `make` makes in a transaction; for the same key in the session, what it made first.

        What has to be asked elsewhere, `before` asks: no transaction waits for it.
        """
        session_id = caller().session_id

        async def first() -> M | None:
            async with self.db.read() as conn:
                kept = await recall(conn, job_tables.idempotency, session_id, route, key)
            return kind.FromString(kept) if kept is not None else None

        if answer := await first():
            return answer
        if before is not None:
            await before()
        try:
            async with self.db.write() as conn:
                answer = await make(conn)
                await remember(conn, job_tables.idempotency, session_id, route, key, answer.SerializeToString())
        except IntegrityError:
            # Somebody was faster with the same key; theirs is the answer.
            if answer := await first():
                return answer
            raise
        self.ports.jobs.relay.wake()
        return answer

    async def queue(self, conn: AsyncConnection, kind: str, payload: dict[str, Any]) -> Row[Any]:
        """A job in the name of the caller."""
        who = caller()
        return await self.ports.jobs.store.create(conn, NewJob(kind, Identity(who.user_id, who.session_id), payload))


class ComparisonCalls(Comparisons):
    """Comparisons: made, listed, deleted; their pairs."""

    async def Start(self, request: diff_pb2.StartRequest, context: Context) -> diff_pb2.StartResponse:
        chosen = messages.chosen(request.options)
        a, b = await self._side("a", request.a), await self._side("b", request.b)
        who = caller()

        async def make(conn: AsyncConnection) -> diff_pb2.StartResponse:
            comparison_id = records.new_id()
            job = await self.queue(conn, TYPE, {"comparison_id": comparison_id})
            groups = list(dict.fromkeys(request.groups))
            new = NewComparison(comparison_id, who.session_id, who.user_id, job.id, a, b, groups, chosen)
            await records.create(conn, new)
            row = await self.comparison(conn, comparison_id)
            return diff_pb2.StartResponse(comparison=await self.told(conn, row), job=job_message(job))

        return await self.once(diff_pb2.StartResponse, f"{NAME}/Start", request.idempotency_key, make)

    async def _side(self, name: str, asked: diff_pb2.Side) -> SideOrder:
        """What is to be compared, which is there and the caller's own. Invalid, NotFound, NotReady."""
        version = asked.version or VERSIONS[0]
        if version not in VERSIONS:
            raise Invalid(field=f"{name}.version", reason=f"must be one of {', '.join(VERSIONS)}")
        if bool(asked.collection_id) == bool(asked.document_id):
            raise Invalid(field=name, reason="must name a collection or a document")
        collection_id, shown = asked.collection_id, ""
        if asked.document_id:
            wanted = ingest_pb2.GetDocumentRequest(document_id=asked.document_id)
            document = (await self.ports.services.ingest.GetDocument(wanted)).document
            collection_id, shown = document.collection_id, document.name
        of = ingest_pb2.GetCollectionRequest(collection_id=collection_id)
        collection = (await self.ports.services.ingest.GetCollection(of)).collection
        if collection.status != "ready":
            raise NotReady(side=name, status=collection.status)
        return SideOrder(collection_id, asked.document_id, version, shown or collection.name)

    async def List(self, request: diff_pb2.ListRequest, context: Context) -> diff_pb2.ListResponse:
        offset, limit = window(request.offset, request.limit)
        async with self.db.read() as conn:
            rows, total = await records.page(conn, caller().session_id, offset, limit)
            tallies = await pair_records.tallies(conn, [row.id for row in rows])
        found = [messages.comparison(row, tallies.get(row.id, ())) for row in rows]
        return diff_pb2.ListResponse(comparisons=found, total=total)

    async def Get(self, request: diff_pb2.GetRequest, context: Context) -> diff_pb2.GetResponse:
        async with self.db.read() as conn:
            row = await self.comparison(conn, request.comparison_id)
            return diff_pb2.GetResponse(comparison=await self.told(conn, row))

    async def Delete(self, request: diff_pb2.DeleteRequest, context: Context) -> diff_pb2.DeleteResponse:
        session_id, store = caller().session_id, self.ports.jobs.store
        async with self.db.write() as conn:
            row = await records.locked(conn, session_id, request.comparison_id)
            if row is None:
                raise NotFound(what="comparison")
            jobs = await records.forget(conn, session_id, row.id)
            stopped = await store.cancel(conn, store.tables.jobs.c.id.in_(jobs))
        self.ports.jobs.relay.wake()
        for job in stopped:
            await self.ports.bus.publish(f"cancel.{store.service}.{job.id}", b"")
        await remove_leftovers(self.db, self.ports.blobs, session_id)
        return diff_pb2.DeleteResponse()

    async def ListPairs(self, request: diff_pb2.ListPairsRequest, context: Context) -> diff_pb2.ListPairsResponse:
        offset, limit = window(request.offset, request.limit)
        if request.status and request.status not in tree.STATUSES:
            raise Invalid(field="status", reason=f"must be one of {', '.join(tree.STATUSES)}")
        async with self.db.read() as conn:
            row = await self.comparison(conn, request.comparison_id)
            wanted = Wanted(request.group, request.status, request.query)
            rows, total = await pair_records.page(conn, row.id, wanted, offset, limit)
            tables = await pair_records.tables(conn, [one.id for one in rows])
        found = [messages.pair(one, tables.get(one.id, ())) for one in rows]
        return diff_pb2.ListPairsResponse(pairs=found, total=total)

    async def GetPair(self, request: diff_pb2.GetPairRequest, context: Context) -> diff_pb2.GetPairResponse:
        async with self.db.read() as conn:
            return diff_pb2.GetPairResponse(pair=await self._pair(conn, request.comparison_id, request.pair_id))

    async def _pair(self, conn: AsyncConnection, comparison_id: str, pair_id: str) -> diff_pb2.Pair:
        row = await self.pair(conn, comparison_id, pair_id)
        return messages.pair(row, (await pair_records.tables(conn, [row.id])).get(row.id, ()))

    async def Tree(self, request: diff_pb2.TreeRequest, context: Context) -> AsyncIterator[diff_pb2.TreeResponse]:
        async with self.db.read() as conn:
            comparison = await self.comparison(conn, request.comparison_id)
            rows = await pair_records.every(conn, comparison.id)
        pairs = [
            tree.TreePair(row.id, row.status, row.a_path, row.b_path, Counts(**pair_records.counts_of(row)))
            for row in rows
        ]
        held: list[diff_pb2.TreeNode] = []
        for node in messages.nodes(tree.merged(pairs, json.loads(comparison.zips))):
            held.append(node)
            if len(held) >= NODES:
                yield diff_pb2.TreeResponse(nodes=held)
                held = []
        yield diff_pb2.TreeResponse(nodes=held)


class PairCalls(ComparisonCalls):
    """What a user does with pairs and their differences."""

    async def Review(self, request: diff_pb2.ReviewRequest, context: Context) -> diff_pb2.ReviewResponse:
        values: dict[str, Any] = {}
        if request.HasField("reviewed"):
            values["reviewed"] = request.reviewed
        if request.HasField("note"):
            if len(request.note) > TEXT:
                raise Invalid(field="note", reason=f"must be up to {TEXT} characters")
            values["note"] = request.note
        async with self.db.write() as conn:
            row = await self.pair(conn, request.comparison_id, request.pair_id)
            await pair_records.review(conn, row.id, **values)
            return diff_pb2.ReviewResponse(pair=await self._pair(conn, request.comparison_id, row.id))

    async def Repair(self, request: diff_pb2.RepairRequest, context: Context) -> diff_pb2.RepairResponse:
        if not request.a_path and not request.b_path:
            raise Invalid(field="a_path", reason="or b_path must name a document")
        async with self.db.read() as conn:
            row = await self.comparison(conn, request.comparison_id)
        a, b = [await files(self.ports.services.ingest, row, side) for side in ("a", "b")]

        async def make(conn: AsyncConnection) -> diff_pb2.RepairResponse:
            comparison = await self.ended(conn, request.comparison_id)
            pairs = await pair_records.every(conn, comparison.id)
            plan = regrouping.regrouped(pairs, a, b, (request.a_path, request.b_path))
            await pair_records.remove(conn, caller().session_id, plan.gone)
            await pair_records.add(conn, caller().session_id, comparison.id, plan.rows)
            ids = [one.id(comparison.id) for one in plan.rows]
            job = await self.queue(conn, regrouping.TYPE, {"comparison_id": comparison.id, "pairs": ids})
            await pair_records.claimed(conn, ids, job.id)
            return diff_pb2.RepairResponse(job=job_message(job))

        return await self.once(diff_pb2.RepairResponse, f"{NAME}/Repair", request.idempotency_key, make)

    async def Recompare(self, request: diff_pb2.RecompareRequest, context: Context) -> diff_pb2.RecompareResponse:
        chosen = messages.chosen(request.options)

        async def make(conn: AsyncConnection) -> diff_pb2.RecompareResponse:
            comparison = await self.ended(conn, request.comparison_id)
            row = await self.pair(conn, comparison.id, request.pair_id)
            for side in ("a", "b"):
                if getattr(comparison, f"{side}_gone"):
                    raise SideGone(side=side)
            if row.job_id:
                raise StillRunning
            if not (row.a_path and row.b_path):
                raise Invalid(field="pair_id", reason="is of one document only: there is nothing to compare it with")
            former = {row.id: pair_records.former_of(row)}
            payload = {"comparison_id": comparison.id, "pairs": [row.id], "options": chosen, "former": former}
            job = await self.queue(conn, regrouping.TYPE, payload)
            await pair_records.compare_again(conn, comparison.id, row.id, job.id)
            return diff_pb2.RecompareResponse(job=job_message(job))

        return await self.once(diff_pb2.RecompareResponse, f"{NAME}/Recompare", request.idempotency_key, make)

    async def Apply(self, request: diff_pb2.ApplyRequest, context: Context) -> diff_pb2.ApplyResponse:
        if request.into not in ("a", "b"):
            raise Invalid(field="into", reason="must be a or b")
        versions: dict[str, int] = {}

        async def before() -> None:
            async with self.db.read() as conn:
                comparison = await self.comparison(conn, request.comparison_id)
                row = await self.pair(conn, comparison.id, request.pair_id)
                tables = (await pair_records.tables(conn, [row.id])).get(row.id, [])
            chosen = {one.table or (tables[0].name if tables else "") for one in request.changes}
            wanted = [one for one in tables if one.artefact and (not chosen or one.name in chosen)]
            side = side_of(self.ports.services, "a" if request.into == "a" else "b", comparison, caller())
            versions.update(await taking.versions(side, row, wanted))

        async def make(conn: AsyncConnection) -> diff_pb2.ApplyResponse:
            comparison = await self.ended(conn, request.comparison_id)
            row = await self.pair(conn, comparison.id, request.pair_id)
            if getattr(comparison, f"{request.into}_gone"):
                raise SideGone(side=request.into)
            if row.job_id:
                raise StillRunning
            changes = [
                {"table": one.table, "a_row": one.a_row, "b_row": one.b_row, "columns": list(one.columns)}
                for one in request.changes
            ]
            payload = {"comparison_id": comparison.id, "pair": row.id, "into": request.into, "changes": changes}
            payload["versions"] = versions
            return diff_pb2.ApplyResponse(job=job_message(await self.queue(conn, taking.TYPE, payload)))

        return await self.once(diff_pb2.ApplyResponse, f"{NAME}/Apply", request.idempotency_key, make, before)

    # --- options under names ------------------------------------------------------------------------------------

    async def ListRecipes(self, request: diff_pb2.ListRecipesRequest, context: Context) -> diff_pb2.ListRecipesResponse:
        return diff_pb2.ListRecipesResponse(recipes=await self.recipes())

    async def recipes(self) -> Sequence[diff_pb2.Recipe]:
        """Options that the session keeps under names."""
        async with self.db.read() as conn:
            found = await records.list_recipes(conn, caller().session_id)
        return [diff_pb2.Recipe(name=name, options=messages.options(facts)) for name, facts in found]

    async def PutRecipe(self, request: diff_pb2.PutRecipeRequest, context: Context) -> diff_pb2.PutRecipeResponse:
        name, chosen = request.recipe.name, messages.chosen(request.recipe.options)
        if not 1 <= len(name) <= RECIPE_NAME:
            raise Invalid(field="name", reason=f"must be 1 to {RECIPE_NAME} characters")
        async with self.db.write() as conn:
            # One that is made after the end of its session would stay.
            await self.ports.jobs.store.refuse_ended(conn, caller().session_id)
            kept = {one for one, _ in await records.list_recipes(conn, caller().session_id)}
            if name not in kept and len(kept) >= RECIPES:
                raise Invalid(field="name", reason=f"would be one of more than {RECIPES}")
            await records.put_recipe(conn, caller().session_id, name, chosen)
        return diff_pb2.PutRecipeResponse(recipe=diff_pb2.Recipe(name=name, options=messages.options(chosen)))

    async def DeleteRecipe(
        self, request: diff_pb2.DeleteRecipeRequest, context: Context
    ) -> diff_pb2.DeleteRecipeResponse:
        async with self.db.write() as conn:
            if not await records.delete_recipe(conn, caller().session_id, request.name):
                raise NotFound(what="recipe")
        return diff_pb2.DeleteRecipeResponse()


def window(offset: int, limit: int) -> tuple[int, int]:
    """The part of a list that is asked for; 100 where no limit is given."""
    if offset < 0:
        raise Invalid(field="offset", reason="must not be negative")
    if not 0 <= limit <= LISTED:
        raise Invalid(field="limit", reason=f"must be 1 to {LISTED}")
    return offset, limit or 100


METHODS = tuple(method.name for method in diff_pb2.DESCRIPTOR.services_by_name["DiffService"].methods)
ACCESS: dict[str, Access] = dict.fromkeys(METHODS, Access.USER)
