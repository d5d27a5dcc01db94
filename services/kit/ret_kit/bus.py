"""Messages between processes: core NATS for what is worth nothing later, JetStream for what must arrive.

A message carries ids, never content. JetStream only delivers: what has to be done stands in a row, so that a wiped
volume is a delay and not a loss. Written for nats-server 2.9.10 and later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, BadRequestError, NoStreamResponseError

from ret_kit import telemetry
from ret_kit.errors import RetError, StorageFull, Unavailable
from ret_kit.settings import KitSettings
from ret_kit.waiting import heed_cancellation

log = logging.getLogger("ret.bus")

DAY = 86400.0
FETCH_SECONDS = 3.0
"""A fetch cannot notice that its consumer is gone; after each empty one we look."""
SAME_MESSAGE_SECONDS = 30.0
"""For so long a message id is remembered; a row that is published again later than that is delivered again."""
_STREAM_EXISTS, _STREAM_FULL = 10058, 10077


@dataclass(frozen=True)
class Stream:
    """A stream's subjects, how long it keeps a message (seconds), and whether an acknowledged message leaves it."""

    subjects: tuple[str, ...]
    keeps: float
    is_queue: bool


STREAMS: Mapping[str, Stream] = {
    "JOBS": Stream(("jobs.*",), DAY, is_queue=True),
    "TASKS": Stream(("tasks.*",), DAY, is_queue=True),
    "SESSIONS": Stream(("sessions.ended", "sessions.cleared"), DAY, is_queue=False),
    "FACTS": Stream(("facts.*",), 7 * DAY, is_queue=False),
}


@dataclass
class Delivery:
    """One delivery of a message, to be ended once: `ack`, `nak` with a delay, or `term` with a reason.

    A handler that returns without one of them has acknowledged; one that raises has put the message off.
    """

    subject: str
    data: bytes
    headers: Mapping[str, str]
    delivered: int
    """1 for the first delivery."""
    _message: Msg = field(repr=False)
    ended: bool = False

    async def ack(self) -> None:
        """It is done."""
        await self._end(self._message.ack)

    async def nak(self, delay: float) -> None:
        """Again, after `delay` seconds."""
        await self._end(lambda: self._message.nak(delay=delay))

    async def term(self, reason: str) -> None:
        """Never again. The reason goes to the log: servers before 2.10 do not take it."""
        log.warning("message refused", extra={"subject": self.subject, "reason": reason})
        await self._end(self._message.term)

    async def in_progress(self) -> None:
        """Still at it: the acknowledgement wait begins anew."""
        with suppress(NatsError, OSError):
            await self._message.in_progress()

    async def _end(self, say: Callable[[], Awaitable[None]]) -> None:
        if self.ended:
            return
        self.ended = True
        # An ending that is lost is another delivery, which the row absorbs.
        with suppress(NatsError, OSError):
            await say()


class Bus:
    """A connection that never gives up: it is restored for ever, with its subscriptions and its streams.

    What is published raises Unavailable when it could not be handed over, StorageFull when a stream is full.
    """

    def __init__(self, client: Client, stream_bytes: int, replicas: int) -> None:
        self._client = client
        self.streams = JetStreamContext(client, timeout=5)
        """JetStream itself, for what is not here."""
        self._stream_bytes = stream_bytes
        self._replicas = replicas

    @classmethod
    async def connect(cls, url: str, *, name: str = "ret", stream_bytes: int = 128 << 20, replicas: int = 1) -> Self:
        """A connection; waits for as long as the server is away."""

        async def failed(error: Exception) -> None:
            log.warning("bus is away", extra={"error": type(error).__name__})

        async def back() -> None:
            log.info("bus is back")

        client = Client()
        try:
            with _heeding_cancellation():
                await client.connect(  # pyright: ignore[reportUnknownMemberType] - nats-py leaves options untyped
                    url,
                    name=name,
                    error_cb=failed,
                    reconnected_cb=back,
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.5,  # pyright: ignore[reportArgumentType] - declared whole, slept in parts
                    connect_timeout=3,
                    ping_interval=10,
                    max_outstanding_pings=2,
                )
        except BaseException:
            # Whoever is stopped while it connects leaves no connection behind.
            await client.close()
            raise
        return cls(client, stream_bytes, replicas)

    @classmethod
    async def open(cls, settings: KitSettings, service: str) -> Self:
        """The bus the settings name."""
        return await cls.connect(
            settings.nats_url,
            name=f"ret-{service}",
            stream_bytes=int(settings.nats_stream_bytes),
            replicas=settings.nats_replicas,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hands over what was published, as far as that is possible within two seconds, and closes."""
        if self._client.is_connected:
            with suppress(NatsError, OSError, TimeoutError):
                await self._client.flush(timeout=2)
        await self._client.close()

    async def ping(self) -> None:
        """Raises Unavailable unless the server answers within two seconds."""
        if not self._client.is_connected:
            raise Unavailable(what="bus")
        try:
            with _heeding_cancellation():
                await self._client.flush(timeout=2)
        except (NatsError, OSError, TimeoutError) as error:
            raise Unavailable(what="bus") from error

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        """To whoever listens now. During a short absence of the server it is kept in memory."""
        try:
            await self._client.publish(subject, data, headers=_with_trace(headers))
        except (NatsError, OSError) as error:
            raise Unavailable(what="bus") from error

    async def enqueue(self, subject: str, data: bytes, msg_id: str, headers: Mapping[str, str] | None = None) -> None:
        """Into the subject's stream, once for a message id; returns when it is stored there."""
        if not self._client.is_connected:  # it would be buffered, and then nobody would know whether it was stored
            raise Unavailable(what="bus")
        carried = _with_trace(headers) | {"Nats-Msg-Id": msg_id}
        try:
            with _heeding_cancellation():
                try:
                    await self.streams.publish(subject, data, headers=carried)
                except NoStreamResponseError:  # a new server, or one whose volume was wiped
                    await self.ensure_streams()
                    await self.streams.publish(subject, data, headers=carried)
        except APIError as error:
            if error.err_code == _STREAM_FULL:
                raise StorageFull(what="bus") from error
            raise Unavailable(what="bus") from error
        except (NatsError, OSError, TimeoutError) as error:
            raise Unavailable(what="bus") from error

    @asynccontextmanager
    async def subscribe(self, subject: str, handler: Callable[[str, bytes], Awaitable[None]]) -> AsyncGenerator[None]:
        """In the block the handler is given (subject, data) of every message, one after the other, as they come.

        It survives a restart of the server; what is published meanwhile is lost. An error of the handler is logged.
        """

        async def heard(message: Msg) -> None:
            with telemetry.extracted(message.headers or {}):
                try:
                    await handler(message.subject, message.data)
                except Exception:
                    log.exception("handler failed", extra={"subject": message.subject})

        try:
            subscription = await self._client.subscribe(  # pyright: ignore[reportUnknownMemberType] - as in `connect`
                subject, cb=heard
            )
            with _heeding_cancellation():
                await self._client.flush(timeout=5)
        except (NatsError, OSError, TimeoutError) as error:
            raise Unavailable(what="bus") from error
        try:
            yield
        finally:
            with suppress(NatsError, OSError):
                await subscription.unsubscribe()

    async def listen(self, subject: str, handler: Callable[[str, bytes], Awaitable[None]]) -> None:
        """As `subscribe`, until cancelled; a server that is away at first is waited for."""
        while True:
            try:
                async with self.subscribe(subject, handler):
                    await asyncio.Event().wait()
            except Unavailable:
                await asyncio.sleep(0.5)

    async def consume(
        self,
        subject: str,
        durable: str,
        handler: Callable[[Delivery], Awaitable[None]],
        *,
        concurrency: int = 1,
        ack_wait: float = 30.0,
        retry_seconds: float = 5.0,
    ) -> None:
        """Gives every message of a stream's subject to the handler, at most `concurrency` at a time; until cancelled.

        All processes with the same durable name share the messages. A message that is neither ended nor reported in
        progress for `ack_wait` seconds is delivered again, without limit. A server, stream or consumer that is away
        or was wiped is waited for and made anew.
        """
        places = asyncio.Semaphore(concurrency)

        async def handle(message: Msg) -> None:
            try:
                await self._handle(message, handler, retry_seconds)
            finally:
                places.release()

        async with asyncio.TaskGroup() as running:
            while True:
                try:
                    async with self._pulling(subject, durable, ack_wait, concurrency) as pull:
                        while True:
                            heed_cancellation()
                            await places.acquire()
                            with _heeding_cancellation():
                                message = await _next(pull, places)
                                if not message:
                                    await self.streams.consumer_info(stream_of(subject), durable)
                            if message:
                                running.create_task(handle(message))
                except (NatsError, OSError, TimeoutError, RetError) as error:
                    log.warning("consumer starts anew", extra={"durable": durable, "error": type(error).__name__})
                    await asyncio.sleep(0.5)

    async def _handle(self, message: Msg, handler: Callable[[Delivery], Awaitable[None]], retry_seconds: float) -> None:
        headers = message.headers or {}
        delivery = Delivery(message.subject, message.data, headers, message.metadata.num_delivered or 1, message)
        with telemetry.extracted(headers):
            try:
                await handler(delivery)
                await delivery.ack()
            except Exception as error:
                if isinstance(error, RetError) and error.transient:
                    log.warning("message put off", extra={"subject": message.subject, "code": error.code})
                else:
                    log.exception("handler failed", extra={"subject": message.subject})
                await delivery.nak(retry_seconds)

    @asynccontextmanager
    async def _pulling(
        self, subject: str, durable: str, ack_wait: float, concurrency: int
    ) -> AsyncGenerator[JetStreamContext.PullSubscription]:
        """A pull subscription to a consumer that exists."""
        stream = stream_of(subject)
        wanted = ConsumerConfig(
            durable_name=durable,
            filter_subject=subject,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait,
            max_deliver=-1,
            max_ack_pending=max(1000, concurrency),
        )
        with _heeding_cancellation():
            await self.ensure_streams()
            await self.streams.add_consumer(stream, wanted)  # pyright: ignore[reportUnknownMemberType] - as in `connect`
            pull = await self.streams.pull_subscribe_bind(durable, stream)
        try:
            yield pull
        finally:
            # Without it the server would hand a message to a fetch that nobody waits for any more.
            with suppress(NatsError, OSError):
                await pull.unsubscribe()

    async def ensure_streams(self) -> None:
        """Makes the streams that are missing, and gives the others the limits of today. Raises Unavailable."""
        for name, stream in STREAMS.items():
            config = StreamConfig(
                name=name,
                subjects=list(stream.subjects),
                retention=RetentionPolicy.WORK_QUEUE if stream.is_queue else RetentionPolicy.LIMITS,
                storage=StorageType.FILE,
                discard=DiscardPolicy.NEW,  # a full stream says so, instead of forgetting the oldest
                max_bytes=self._stream_bytes,
                max_age=stream.keeps,
                duplicate_window=SAME_MESSAGE_SECONDS,
                num_replicas=self._replicas,
            )
            try:
                with _heeding_cancellation():
                    await self._make(config)
            except (NatsError, OSError, TimeoutError) as error:
                raise Unavailable(what="bus") from error

    async def _make(self, config: StreamConfig) -> None:
        try:
            await self.streams.add_stream(config)  # pyright: ignore[reportUnknownMemberType] - as in `connect`
        except BadRequestError as error:
            if error.err_code != _STREAM_EXISTS:
                raise
            await self.streams.update_stream(config)  # pyright: ignore[reportUnknownMemberType] - as in `connect`


@contextmanager
def _heeding_cancellation() -> Generator[None]:
    """Raises CancelledError for a cancellation that came in the block and was lost there.

    nats-py waits with `wait_for`, which until Python 3.12 forgets a cancellation that comes in the same moment as the
    answer; a loop around it would then run for ever, and whoever cancelled it would wait for ever. The task remembers.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


def stream_of(subject: str) -> str:
    """The stream that keeps a subject; LookupError for a subject of core NATS."""
    for name, stream in STREAMS.items():
        for kept in stream.subjects:
            if kept == subject or (kept.endswith("*") and subject.rpartition(".")[0] == kept[:-2]):
                return name
    raise LookupError(f"no stream keeps {subject}")


async def _next(pull: JetStreamContext.PullSubscription, places: asyncio.Semaphore) -> Msg | None:
    """The next message, or None after a while without one; the place is given back unless there is a message."""
    try:
        return (await pull.fetch(1, timeout=FETCH_SECONDS))[0]
    except TimeoutError:
        places.release()
        return None
    except BaseException:
        places.release()
        raise


def _with_trace(headers: Mapping[str, str] | None) -> dict[str, str]:
    """The headers as given (a row's own trace wins), else those of the current work."""
    return telemetry.inject({}) | dict(headers or {})
