from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import cast

import pytest
from convert_bench import Bench, User, opened, rows, running
from pydantic import ByteSize
from sqlalchemy import select

from ret.jobs.v1 import jobs_pb2
from ret.sessions.v1 import sessions_pb2
from ret_convert.__main__ import work
from ret_convert.schema import jobs, leftovers, tables
from ret_convert.settings import ConvertSettings
from ret_convert.worker import ConvertWork, Rules
from ret_kit.errors import NotFound
from ret_kit.jobs.model import ClaimedJob, ClaimedTask, Fenced
from ret_kit.jobs.running import Running
from ret_kit.testing import AuthStandIn


async def test_converting_again_replaces_the_tables_and_removes_the_old_blobs(bench: Bench, user: User) -> None:
    items = b"<Os><O><N>1</N><M>x</M><I>a</I><I>b</I></O><O><N>2</N><M>y</M><I>c</I></O></Os>"
    collection = await user.scanned({"o.xml": items})
    await user.converted(collection)
    assert len((await user.documents(collection))["o.xml"].tables) == 1
    before = set(await bench.tables())
    await user.converted(collection, layout="related")
    document = (await user.documents(collection))["o.xml"]
    assert [(one.name, one.role) for one in document.tables] == [("O", "main"), ("I", "child")]
    await until(lambda: gone(bench, before))
    async with bench.convert.db.read() as conn:
        stored = {row.blob_key for row in await conn.execute(select(tables))}
        assert not (await conn.execute(select(leftovers))).all()
    assert stored == set(await bench.tables())


async def gone(bench: Bench, keys: set[str]) -> bool:
    return not keys & set(await bench.tables())


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)


async def test_a_cancelled_conversion_gives_its_documents_back(idle: Bench) -> None:
    user = idle.user()
    collection = await user.scanned(big(), "big.xml")
    async with running(work(idle.settings)):
        job = await user.start(collection)
        await until(lambda: runs(user, job.id))
        await user.cancel(job.id)
        assert (await user.ended(job)).state == jobs_pb2.JOB_STATE_CANCELLED
        await until(lambda: found(user, collection))
        await until(lambda: nothing_stored(idle))


async def test_a_conversion_of_a_collection_that_is_deleted_ends_and_leaves_nothing(idle: Bench) -> None:
    user = idle.user()
    collection = await user.scanned(big(), "big.xml")
    async with running(work(idle.settings)):
        job = await user.start(collection)
        await until(lambda: runs(user, job.id))
        await user.delete(collection)
        assert (await user.ended(job)).state == jobs_pb2.JOB_STATE_CANCELLED
        await until(lambda: settled(idle))
        await until(lambda: nothing_stored(idle))


async def test_what_a_deleted_collection_took_along_cancels_its_conversion_and_is_no_error(idle: Bench) -> None:
    # No worker listens here, so that the fact of the deletion comes later than everything it has done.
    user, app = idle.user(), idle.convert
    collection, other = await user.scanned({"a.xml": rows("a")}), await user.scanned({"b.xml": rows("b")})
    conversions = ConvertWork(app.jobs, app.blobs, app.ingest, Rules("", 1, 1, 1, 1))
    deleted, kept = [await claimed(idle, (await user.start(one)).id) for one in (collection, other)]
    await user.delete(collection)
    running_of = cast("Running", BlobGone())
    with pytest.raises(Fenced):
        await conversions.run(deleted, running_of)
    with pytest.raises(Fenced):
        await conversions.task(task_of(deleted), running_of)
    with pytest.raises(NotFound):
        await conversions.task(task_of(kept), running_of)
    assert (await user.job(deleted.id)).state == jobs_pb2.JOB_STATE_CANCELLED
    assert (await user.job(kept.id)).state == jobs_pb2.JOB_STATE_RUNNING


async def claimed(bench: Bench, job_id: str) -> ClaimedJob:
    claim = await bench.convert.jobs.store.claim(job_id, "somebody")
    assert isinstance(claim, ClaimedJob)
    return claim


class BlobGone:
    """A running of a child that does not find its document."""

    staging = "nowhere/"

    async def call(self, *_: object, **__: object) -> None:
        raise NotFound(what="blob")


def task_of(job: ClaimedJob) -> ClaimedTask:
    return cast("ClaimedTask", SimpleNamespace(job=job, payload={"sources": []}, attempt=1, max_attempts=3, weight=1))


async def settled(bench: Bench) -> bool:
    """Whether everything that ended was put right."""
    async with bench.convert.db.read() as conn:
        return not (await conn.execute(select(jobs.jobs.c.id).where(jobs.jobs.c.settled.is_(False)))).all()


def big() -> bytes:
    """A document that takes some seconds: in every record an end tag is missing, and expat gives up at the first."""
    return ("<Rows>" + "".join(f"<Row><Id>{n}</Id><Word>word {n}</Row>" for n in range(150_000)) + "</Rows>").encode()


async def runs(user: User, job_id: str) -> bool:
    return (await user.job(job_id)).progress.percent > 0


async def found(user: User, collection: str) -> bool:
    return (await user.documents(collection))["big.xml"].status == "found"


async def nothing_stored(bench: Bench) -> bool:
    return not await bench.tables()


async def test_a_deleted_collection_takes_its_tables_along(bench: Bench, user: User) -> None:
    collection = await user.scanned({"a.xml": rows("a")})
    await user.converted(collection)
    assert await bench.tables()
    await user.delete(collection)
    await until(lambda: nothing_stored(bench))
    async with bench.convert.db.read() as conn:
        assert not (await conn.execute(select(tables))).all()


async def test_a_job_that_waits_is_done_when_a_worker_comes(idle: Bench) -> None:
    user = idle.user()
    collection = await user.scanned({"a.xml": rows("a")})
    job = await user.start(collection)
    assert job.state == jobs_pb2.JOB_STATE_QUEUED
    async with running(work(idle.settings)):
        assert (await user.ended(job)).state == jobs_pb2.JOB_STATE_SUCCEEDED


async def test_a_document_that_brings_its_process_down_fails_alone(
    make_settings: Callable[..., dict[str, object]], auth: AuthStandIn
) -> None:
    async with opened(make_settings, auth) as bench, running(work(starved(bench.settings))):
        user = bench.user()
        huge = b"<r><i><a>" + secrets.token_hex(30 << 20).encode() + b"</a><b>1</b></i></r>"
        collection = await user.scanned({"huge.xml": huge, "good.xml": rows("a")})
        figures = await user.converted(collection)
        assert (figures["converted"], figures["failed"]) == (1, 1)
        documents = await user.documents(collection)
        assert [warning.code for warning in documents["huge.xml"].warnings] == ["MEMORY_EXCEEDED"]
        assert documents["good.xml"].status == "converted"


def starved(settings: ConvertSettings) -> ConvertSettings:
    """Children that may hardly have more memory than they start with."""
    return settings.model_copy(update={"convert_memory": ByteSize(150 << 20), "convert_slots": 1})


async def test_the_end_of_a_session_leaves_no_table(bench: Bench, user: User) -> None:
    collection = await user.scanned({"a.xml": rows("a")})
    await user.converted(collection)
    order = sessions_pb2.EndSession(session_id=user.who.session_id, sweep=1)
    await bench.convert.bus.enqueue("sessions.ended", order.SerializeToString(), user.who.session_id, None)
    await until(lambda: nothing_stored(bench))
    async with bench.convert.db.read() as conn:
        assert not (await conn.execute(select(tables))).all()
        assert not (await conn.execute(select(jobs.jobs))).all()
