from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from ret_kit import telemetry
from ret_kit.bus import STREAMS, Bus, Delivery
from ret_kit.errors import StorageFull, Unavailable
from ret_kit.testing import NatsServer

Handler = Callable[[Delivery], Awaitable[None]]


class Heard:
    """What came, in the order it came, and a way to wait for it."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self._more = asyncio.Event()

    def add(self, item: str) -> None:
        self.items.append(item)
        self._more.set()

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(30):
            while len(self.items) < count:
                self._more.clear()
                await self._more.wait()
        return self.items


@asynccontextmanager
async def consuming(bus: Bus, handler: Handler, *, concurrency: int = 1, ack_wait: float = 30) -> AsyncGenerator[None]:
    task = asyncio.create_task(
        bus.consume("jobs.test", "test-jobs", handler, concurrency=concurrency, ack_wait=ack_wait, retry_seconds=0.1)
    )
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def heard() -> Heard:
    return Heard()


async def left_in(bus: Bus, stream: str) -> int:
    return (await bus.streams.stream_info(stream)).state.messages


async def test_what_is_enqueued_before_anybody_listens_is_delivered(bus: Bus, heard: Heard) -> None:
    async def handler(delivery: Delivery) -> None:
        heard.add(delivery.data.decode())

    await bus.enqueue("jobs.test", b"early", "1")
    async with consuming(bus, handler):
        assert await heard.until(1) == ["early"]


async def test_the_same_message_id_is_taken_once(bus: Bus) -> None:
    await bus.enqueue("jobs.test", b"a", "job:1")
    await bus.enqueue("jobs.test", b"a", "job:1")
    await bus.enqueue("jobs.test", b"a", "job:2")
    assert await left_in(bus, "JOBS") == 2


async def test_an_acknowledged_message_leaves_the_stream(bus: Bus, heard: Heard) -> None:
    async def handler(delivery: Delivery) -> None:
        await delivery.ack()
        heard.add("done")

    async with consuming(bus, handler):
        await bus.enqueue("jobs.test", b"a", "1")
        await heard.until(1)
        async with asyncio.timeout(5):
            while await left_in(bus, "JOBS"):
                await asyncio.sleep(0.02)


async def test_a_message_put_off_comes_again_and_says_which_delivery_it_is(bus: Bus, heard: Heard) -> None:
    async def handler(delivery: Delivery) -> None:
        heard.add(f"{delivery.delivered}")
        if delivery.delivered < 3:
            await delivery.nak(0.05)

    async with consuming(bus, handler):
        await bus.enqueue("jobs.test", b"a", "1")
        assert await heard.until(3) == ["1", "2", "3"]


async def test_a_refused_message_never_comes_again(bus: Bus, heard: Heard) -> None:
    async def handler(delivery: Delivery) -> None:
        heard.add(delivery.data.decode())
        if delivery.data == b"bad":
            await delivery.term("not for us")

    async with consuming(bus, handler, ack_wait=1):
        await bus.enqueue("jobs.test", b"bad", "1")
        await heard.until(1)
        await asyncio.sleep(1.5)
        await bus.enqueue("jobs.test", b"good", "2")
        assert await heard.until(2) == ["bad", "good"]


@pytest.mark.parametrize("raised", [KeyError("x"), Unavailable(what="database")], ids=["unexpected", "ours"])
async def test_a_message_whose_handler_fails_is_put_off(bus: Bus, heard: Heard, raised: Exception) -> None:
    async def handler(delivery: Delivery) -> None:
        heard.add(f"{delivery.delivered}")
        if delivery.delivered == 1:
            raise raised

    async with consuming(bus, handler):
        await bus.enqueue("jobs.test", b"a", "1")
        assert await heard.until(2) == ["1", "2"]


async def test_a_message_in_progress_is_not_given_to_somebody_else(bus: Bus, heard: Heard) -> None:
    async def handler(delivery: Delivery) -> None:
        for _ in range(4):
            await asyncio.sleep(0.5)
            await delivery.in_progress()
        heard.add(f"{delivery.delivered}")

    async with consuming(bus, handler, concurrency=2, ack_wait=1):
        await bus.enqueue("jobs.test", b"a", "1")
        await heard.until(1)
        await asyncio.sleep(1.5)
    assert heard.items == ["1"]


async def test_a_message_nobody_speaks_for_is_delivered_again(bus: Bus, heard: Heard) -> None:
    async def handler(delivery: Delivery) -> None:
        heard.add(f"{delivery.delivered}")
        if delivery.delivered == 1:
            await asyncio.Event().wait()

    async with consuming(bus, handler, concurrency=2, ack_wait=1):
        await bus.enqueue("jobs.test", b"a", "1")
        assert await heard.until(2) == ["1", "2"]


async def test_at_most_so_many_messages_are_handled_at_the_same_time(bus: Bus, heard: Heard) -> None:
    running = most = 0

    async def handler(_delivery: Delivery) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        heard.add("done")

    for number in range(20):
        await bus.enqueue("jobs.test", b"a", str(number))
    async with consuming(bus, handler, concurrency=3):
        await heard.until(20)
    assert most == 3


async def test_two_consumers_of_one_name_share_the_messages(bus: Bus, heard: Heard) -> None:
    async def handler(delivery: Delivery) -> None:
        heard.add(delivery.data.decode())
        await asyncio.sleep(0.01)

    async with consuming(bus, handler), consuming(bus, handler):
        for number in range(10):
            await bus.enqueue("jobs.test", f"{number}".encode(), str(number))
        await heard.until(10)
    assert sorted(heard.items) == [str(number) for number in range(10)]


async def test_trace_and_correlation_id_travel_with_a_message(bus: Bus, heard: Heard) -> None:
    async def handler(_delivery: Delivery) -> None:
        heard.add(f"{telemetry.correlation_id.get()} {telemetry.trace_id()}")

    async def listener(_subject: str, _data: bytes) -> None:
        heard.add(f"{telemetry.correlation_id.get()} {telemetry.trace_id()}")

    trace = "0af7651916cd43dd8448eb211c80319c"
    carried = {"x-correlation-id": "click-0001", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    async with consuming(bus, handler), bus.subscribe("progress.>", listener):
        with telemetry.extracted(carried):
            await bus.enqueue("jobs.test", b"a", "1")
            await bus.publish("progress.s1.j1", b"a")
        await bus.enqueue("jobs.test", b"a", "2", carried)
        assert await heard.until(3) == [f"click-0001 {trace}"] * 3


async def test_a_listener_that_fails_goes_on_listening(bus: Bus, heard: Heard) -> None:
    async def listener(subject: str, data: bytes) -> None:
        heard.add(f"{subject} {data.decode()}")
        if data == b"1":
            raise KeyError("x")

    async with bus.subscribe("progress.*", listener):
        await bus.publish("progress.a", b"1")
        await bus.publish("progress.a", b"2")
        assert await heard.until(2) == ["progress.a 1", "progress.a 2"]


async def test_a_cancellation_in_the_moment_of_an_answer_ends_the_consumer(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_: Delivery) -> None:
        return

    async def answered_while_cancelled(*_: object) -> None:
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        loop.call_soon(answer.set_result, None)
        loop.call_soon(task.cancel)
        await asyncio.wait_for(answer, 5)  # as nats-py waits for an answer

    monkeypatch.setattr(bus.streams, "add_consumer", answered_while_cancelled)
    task = asyncio.create_task(bus.consume("jobs.test", "durable", nothing))
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done == {task}
    assert task.cancelled()


async def test_nobody_hears_after_the_block(bus: Bus, heard: Heard) -> None:
    async def listener(_subject: str, data: bytes) -> None:
        heard.add(data.decode())

    async with bus.subscribe("progress.*", listener):
        await bus.publish("progress.a", b"1")
        await heard.until(1)
    await bus.publish("progress.a", b"2")
    await bus.ping()
    assert heard.items == ["1"]


async def test_consumers_and_listeners_go_on_after_the_volume_was_wiped(
    bus: Bus, nats: NatsServer, heard: Heard
) -> None:
    async def handler(delivery: Delivery) -> None:
        heard.add(delivery.data.decode())

    async def listener(_subject: str, data: bytes) -> None:
        heard.add(data.decode())

    async with consuming(bus, handler), bus.subscribe("progress.*", listener):
        await bus.enqueue("jobs.test", b"before", "1")
        await heard.until(1)
        nats.kill()
        nats.wipe()
        with pytest.raises(Unavailable):
            await bus.ping()
        nats.start()
        await until_enqueued(bus, b"after")
        await bus.publish("progress.a", b"live")
        assert sorted((await heard.until(3))[1:]) == ["after", "live"]
    assert {stream.config.name for stream in await bus.streams.streams_info()} == set(STREAMS)


async def test_a_consumer_goes_on_after_its_stream_was_deleted(bus: Bus, heard: Heard) -> None:
    async def handler(delivery: Delivery) -> None:
        heard.add(delivery.data.decode())

    async with consuming(bus, handler):
        await bus.enqueue("jobs.test", b"before", "1")
        await heard.until(1)
        await bus.streams.delete_stream("JOBS")
        await bus.enqueue("jobs.test", b"after", "2")
        assert await heard.until(2) == ["before", "after"]


async def test_a_connection_waits_for_a_server_that_starts_later(nats: NatsServer) -> None:
    nats.stop()
    connecting = asyncio.create_task(Bus.connect(nats.url))
    await asyncio.sleep(0.3)
    assert not connecting.done()
    nats.start()
    async with asyncio.timeout(20), await connecting as bus:
        await bus.ping()


async def test_what_cannot_be_handed_over_is_an_error_and_no_loss(bus: Bus, nats: NatsServer) -> None:
    nats.stop()
    with pytest.raises(Unavailable):
        await bus.enqueue("jobs.test", b"a", "1")


async def test_a_full_stream_says_so(nats: NatsServer) -> None:
    async with await Bus.connect(nats.url, stream_bytes=20_000) as bus, asyncio.TaskGroup() as group:
        sent = [group.create_task(outcome(bus, number)) for number in range(30)]
    assert {task.result() for task in sent} == {"stored", "STORAGE_FULL"}


async def test_the_limits_of_an_existing_stream_follow_the_settings(nats: NatsServer) -> None:
    for limit in (1 << 20, 2 << 20):
        async with await Bus.connect(nats.url, stream_bytes=limit) as bus:
            await bus.ensure_streams()
            assert (await bus.streams.stream_info("TASKS")).config.max_bytes == limit


async def outcome(bus: Bus, number: int) -> str:
    try:
        await bus.enqueue("jobs.test", b"x" * 1000, str(number))
    except StorageFull as error:
        return error.code
    return "stored"


async def until_enqueued(bus: Bus, data: bytes) -> None:
    """What a reconciler does: again and again."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await bus.enqueue("jobs.test", data, "again")
            except Unavailable:
                await asyncio.sleep(0.1)


async def test_who_is_stopped_while_it_connects_leaves_no_connection_behind(nats: NatsServer) -> None:
    """A connection that nobody closes is a ResourceWarning when it is collected, and so a failure."""
    for steps in range(40):
        connecting = asyncio.create_task(Bus.connect(nats.url))
        for _ in range(steps):
            await asyncio.sleep(0 if steps % 2 else 0.0005)
        connecting.cancel()
        with suppress(asyncio.CancelledError):
            await (await connecting).close()
    gc.collect()
