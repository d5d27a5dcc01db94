"""Workers that are killed, sides that go, sessions that end, two servers: what was promised holds."""

from __future__ import annotations

import asyncio

import pytest
from diff_bench import Bench, Result, User, answering, process, running, words
from sqlalchemy import func, select

from ret.diff.v1 import diff_pb2, diff_pb2_grpc
from ret.jobs.v1 import jobs_pb2
from ret.sessions.v1 import sessions_pb2
from ret_diff.__main__ import work
from ret_diff.schema import metadata
from ret_kit.auth import acting_as
from ret_kit.errors import RemoteError
from ret_kit.testing.process import free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")
CANARY = "canary-7f3a"


async def sides(user: User, count: int = 40) -> tuple[str, str]:
    """Two collections of which every fourth document differs."""
    a = {f"g/{at}.xml": words("a", f"{CANARY}{at}") for at in range(count)}
    b = {f"g/{at}.xml": words("a", f"{CANARY}{at}" if at % 4 else f"other{at}") for at in range(count)}
    return await user.scanned(a), await user.scanned(b)


async def until_pending(user: User, comparison_id: str) -> None:
    """Until the pairs are known that have to be compared."""
    async with asyncio.timeout(30):
        while not (await user.comparison(comparison_id)).summary.pending:
            await asyncio.sleep(0.01)


async def test_a_killed_worker_is_replaced_and_pairs_are_not_doubled(idle: Bench) -> None:
    user = idle.user()
    started = await user.start(*await sides(user))
    async with process(idle.settings, "work", RET_DIFF_TASK_PAIRS="2") as first:
        await until_pending(user, started.comparison.id)
        first.kill()
        await first.wait()
    async with process(idle.settings, "work") as second:
        figures = await user.succeeded(started.job)
    assert second.returncode == 0
    assert (figures["pairs"], figures["failed"]) == (40, 0)
    result = Result(user, await user.comparison(started.comparison.id), started.job)
    assert (result.count("mismatch"), result.count("identical"), result.count("pending")) == (10, 30, 0)
    pairs = await result.pairs()
    assert len({one.a_path for one in pairs}) == len(pairs) == 40
    assert {len(one.tables) for one in pairs} == {1}


async def test_a_side_that_is_deleted_meanwhile_ends_the_comparison_with_its_reason(idle: Bench) -> None:
    user = idle.user()
    a, b = await sides(user)
    started = await user.start(a, b)
    await user.delete(b)
    async with running(work(idle.settings)):
        job = await user.ended(started.job)
        assert (job.state, job.error.code) == (jobs_pb2.JOB_STATE_FAILED, "SIDE_GONE")
        async with asyncio.timeout(10):
            while not (await user.comparison(started.comparison.id)).b.gone:
                await asyncio.sleep(0.02)
        assert (await user.comparison(started.comparison.id)).summary.pending == 0


async def test_a_pair_that_is_not_compared_again_is_what_it_was(idle: Bench) -> None:
    user = idle.user()
    a, b = await sides(user, 4)
    async with running(work(idle.settings)):
        result = await user.compared(a, b)
    pair = await result.pair("g/0.xml")
    request = diff_pb2.RecompareRequest(comparison_id=result.id, pair_id=pair.id)

    async def ordered() -> jobs_pb2.Job:
        with acting_as(user.who):
            job = (await user.diff.Recompare(request)).job
        assert (await result.pair("g/0.xml")).status == "pending"
        return job

    async def as_it_was() -> bool:
        async with asyncio.timeout(10):
            while (now := await result.pair("g/0.xml")).status == "pending":
                await asyncio.sleep(0.02)
        return now == pair

    job = await ordered()
    with acting_as(user.who):
        await user.jobs.Cancel(jobs_pb2.CancelRequest(job_id=job.id))
    async with running(work(idle.settings)):
        assert await as_it_was()
    job = await ordered()
    await user.delete(a)
    async with running(work(idle.settings)):
        assert (await user.ended(job)).error.code == "SIDE_GONE"
        assert await as_it_was()
        while not (await result.again()).comparison.a.gone:
            await asyncio.sleep(0.02)
        with acting_as(user.who), pytest.raises(RemoteError) as caught:
            await user.diff.Recompare(request)
    assert (caught.value.code, (await result.pair("g/0.xml")).status) == ("SIDE_GONE", "mismatch")


async def test_two_servers_answer_alike(idle: Bench) -> None:
    user = idle.user()
    settings = idle.settings.model_copy(update={"diff_address": f"127.0.0.1:{free_port()}"})
    async with running(work(idle.settings)), answering(settings, idle.app) as channel:
        result = await user.compared(*await sides(user, 8))
        pair = await result.pair("g/4.xml")
        request = diff_pb2.RowsRequest(comparison_id=result.id, pair_id=pair.id, columns="all", limit=10)
        whole = diff_pb2.PatternsRequest(comparison_id=result.id)
        answers: list[tuple[list[bytes], bytes]] = []
        with acting_as(user.who):
            for stub in (user.diff, diff_pb2_grpc.DiffServiceStub(channel)):
                rows = [one.SerializeToString() async for one in stub.Rows(request)]
                answers.append((rows, (await stub.Patterns(whole)).SerializeToString()))
    assert answers[0] == answers[1]


async def test_the_end_of_a_session_leaves_nothing(idle: Bench) -> None:
    user = idle.user()
    async with running(work(idle.settings)):
        result = await user.compared(*await sides(user, 8))
        with acting_as(user.who):
            recipe = diff_pb2.Recipe(name=CANARY)
            await user.diff.PutRecipe(diff_pb2.PutRecipeRequest(recipe=recipe))
        running_still = await user.start(*await sides(user))
        prefix = f"sessions/{user.who.session_id}/"
        assert [key for key in await idle.app.blobs.keys(prefix) if "/diff-" in key]
        order = sessions_pb2.EndSession(session_id=user.who.session_id, sweep=1)
        await idle.app.bus.enqueue("sessions.ended", order.SerializeToString(), user.who.session_id, None)
        async with asyncio.timeout(20):
            while await rows_of(idle, user) or await idle.app.blobs.keys(prefix):
                await asyncio.sleep(0.05)
    assert result.id != running_still.comparison.id
    files = [path for path in (idle.settings.data_dir / "sql").iterdir() if path.name.startswith("diff")]
    assert files
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


async def rows_of(bench: Bench, user: User) -> int:
    """Rows that name the session, in all tables but that of ended sessions."""
    total = 0
    async with bench.app.db.read() as conn:
        for table in metadata.sorted_tables:
            if "session_id" in table.c and table.name != "tombstones":
                mine = select(func.count()).select_from(table).where(table.c.session_id == user.who.session_id)
                total += (await conn.execute(mine)).scalar_one()
    return total
