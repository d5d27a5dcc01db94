from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from ret_kit.errors import RetError
from ret_kit.pools import Limits, MemoryExceeded, Pool, TimeExceeded, WorkerLost

FUNCTIONS = ["job_functions"]


@pytest.fixture
async def pool() -> AsyncGenerator[Pool]:
    async with Pool("test", 1, FUNCTIONS) as opened:
        yield opened


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def gone(pid: int) -> bool:
    for _ in range(100):
        if not alive(pid):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_call_gives_the_functions_result_and_its_reports(pool: Pool) -> None:
    reports: list[dict[str, int]] = []

    async def keep(report: dict[str, int]) -> None:
        reports.append(report)

    result = await pool.call("job_functions:double", {"number": 4}, on_report=keep)
    assert result["double"] == 8
    assert reports == [{"seen": 4}]


async def test_a_typed_error_keeps_its_code_and_the_child_lives_on(pool: Pool) -> None:
    before = await pool.call("job_functions:double", {"number": 2})
    with pytest.raises(RetError) as raised:
        await pool.call("job_functions:double", {"number": 3})
    after = await pool.call("job_functions:double", {"number": 2})
    assert (raised.value.code, raised.value.detail, raised.value.transient) == ("TOO_ODD", "3 is odd.", False)
    assert before["pid"] == after["pid"]


async def test_an_unexpected_error_tells_its_type_and_nothing_else(pool: Pool) -> None:
    with pytest.raises(RetError) as raised:
        await pool.call("job_functions:surprise", {"a": "secret"})
    assert raised.value.code == "INTERNAL"
    assert "secret" not in raised.value.detail


async def test_only_functions_of_preloaded_modules_can_be_called(pool: Pool) -> None:
    for name in ("os:system", "job_functions:_hidden", "subprocess:run"):
        with pytest.raises(RetError):
            await pool.call(name, {})


async def test_whoever_goes_while_a_child_starts_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    create, pids, connecting = asyncio.create_subprocess_exec, list[int](), asyncio.Event()

    async def noted(*command: str, **given: object) -> asyncio.subprocess.Process:
        process = await create(*command, **given)  # pyright: ignore[reportArgumentType] - what the pool gives
        pids.append(process.pid)
        return process

    async def never(**_: object) -> None:
        connecting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    monkeypatch.setattr(asyncio, "open_connection", never)

    async def opened() -> None:
        async with Pool("test", 1, FUNCTIONS) as pool:
            await pool.call("job_functions:double", {"number": 4})

    waiting = asyncio.create_task(opened())
    await connecting.wait()
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    assert await gone(pids[0])


async def test_cancelling_a_call_kills_its_child_and_the_pool_heals(pool: Pool) -> None:
    first = (await pool.call("job_functions:double", {"number": 2}))["pid"]
    call = asyncio.create_task(pool.call("job_functions:linger", {"steps": 100, "seconds": 60}))
    await asyncio.sleep(0.3)
    call.cancel()
    with suppress(asyncio.CancelledError):
        await call
    assert await gone(first)
    assert (await pool.call("job_functions:double", {"number": 2}))["pid"] != first


async def test_a_child_that_crashes_takes_only_its_own_call_with_it(pool: Pool) -> None:
    with pytest.raises(WorkerLost) as raised:
        await pool.call("job_functions:crash", {})
    assert raised.value.how == "SIGSEGV"
    assert raised.value.transient
    assert (await pool.call("job_functions:double", {"number": 2}))["double"] == 4


async def test_a_child_past_its_memory_is_killed() -> None:
    async with Pool("test", 1, FUNCTIONS, Limits(memory_bytes=200 << 20, watch_seconds=0.05)) as pool:
        with pytest.raises(MemoryExceeded):
            await pool.call("job_functions:hoard", {"megabytes": 800, "seconds": 20})
        assert (await pool.call("job_functions:double", {"number": 2}))["double"] == 4


async def test_a_call_past_its_time_is_killed() -> None:
    async with Pool("test", 1, FUNCTIONS, Limits(call_seconds=0.4, watch_seconds=0.05)) as pool:
        with pytest.raises(TimeExceeded):
            await pool.call("job_functions:linger", {"steps": 10, "seconds": 60})


async def test_children_are_replaced_after_so_many_calls_and_past_so_much_memory() -> None:
    async with Pool("test", 1, FUNCTIONS, Limits(calls=2)) as pool:
        pids = [(await pool.call("job_functions:double", {"number": 2}))["pid"] for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    async with Pool("test", 1, FUNCTIONS, Limits(retire_bytes=1)) as pool:
        pids = [(await pool.call("job_functions:double", {"number": 2}))["pid"] for _ in range(2)]
    assert pids[0] != pids[1]


async def test_a_stream_comes_as_it_is_written_and_waits_for_its_reader(pool: Pool) -> None:
    sizes: list[int] = []
    async with aclosing(pool.stream("job_functions:pour", {"chunks": 40, "size": 3 << 20})) as stream:
        async for piece in stream:
            sizes.append(len(piece))
            assert len(piece) <= 1 << 20
    assert sum(sizes) == 120 << 20


async def test_a_stream_that_fails_raises_after_what_came_before(pool: Pool) -> None:
    seen: list[int] = []

    async def read() -> None:
        async for piece in pool.stream("job_functions:pour", {"chunks": 3, "size": 10, "fail": True}):
            seen.append(len(piece))  # noqa: PERF401 - what came before the error is the point

    with pytest.raises(RetError) as raised:
        await read()
    assert (seen, raised.value.code) == ([10, 10, 10], "TOO_ODD")


async def test_a_stream_that_is_left_kills_its_child(pool: Pool) -> None:
    pid = (await pool.call("job_functions:double", {"number": 2}))["pid"]
    async with aclosing(pool.stream("job_functions:pour", {"chunks": 10_000, "size": 1 << 20})) as stream:
        await anext(stream)
    assert await gone(pid)


async def test_ending_a_session_kills_its_children_and_no_others() -> None:
    async with Pool("test", 2, FUNCTIONS) as pool:
        mine = asyncio.create_task(pool.call("job_functions:linger", {"steps": 5, "seconds": 30}, session_id="a"))
        other = asyncio.create_task(pool.call("job_functions:linger", {"steps": 5, "seconds": 1}, session_id="b"))
        await asyncio.sleep(0.3)
        assert pool.kill_session("a") == 1
        with pytest.raises(WorkerLost):
            await mine
        assert await other


async def test_children_die_with_their_parent() -> None:
    code = (
        "import asyncio, sys\nfrom ret_kit.pools import Pool\n"
        "async def main():\n"
        " async with Pool('test', 1, ['job_functions']) as pool:\n"
        "  print((await pool.call('job_functions:double', {'number': 2}))['pid'], flush=True)\n"
        "  await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
    assert process.stdout
    async with asyncio.timeout(30):
        line = await process.stdout.readline()
    process.kill()
    await process.wait()
    assert await gone(int(line))


async def test_an_offline_child_reaches_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with Pool("test", 1, FUNCTIONS, offline=True) as pool:
            offline = await pool.call("job_functions:call_out", {"port": port})
        async with Pool("test", 1, FUNCTIONS) as pool:
            online = await pool.call("job_functions:call_out", {"port": port})
    assert online == {"reached": True}
    assert offline["reached"] is False


async def test_calls_wait_for_a_free_child(pool: Pool) -> None:
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(pool.call("job_functions:linger", {"steps": 1, "seconds": 0.1}))
    assert time.monotonic() - started >= 0.3
