"""The websocket: what becomes of the session's jobs, while it happens and after an interruption.

The rows of the services are the truth; NATS only tells sooner. So the listener subscribes first, then replays from the
rows, and whenever what NATS tells leaves a gap, the gap is filled from the rows before it goes on.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ret.auth.v1 import auth_pb2
from ret.jobs.v1 import jobs_pb2
from ret.sessions.v1 import sessions_pb2
from ret_gateway import answers, models, people_models
from ret_gateway.access import API, SESSION_NEEDED, Services, SignedIn, check_origin, ports_of
from ret_gateway.jobs import service_of
from ret_gateway.ordering import Backlog, Order, Overrun, Verdict
from ret_kit.errors import Kind, RetError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ret_gateway.ports import Ports

log = logging.getLogger("ret.gateway.live")

BAD_TICKET = 4401
SESSION_OVER = 4403
TRY_AGAIN = 1013
CLOSE_SECONDS = 1.0
REASON_SECONDS = 0.3

# A page of events this long may not be the last one.
EVENTS_PAGE = 1000
# Events have the database's clock and tickets auth's, which may be another machine's: a state that is told again does
# no harm, one that is missed does.
CLOCK_LEEWAY_MS = 2000
SINCE_LIMIT = 10_000
Seq = Annotated[int, Field(ge=0, lt=2**63)]

router = APIRouter(prefix=f"{API}/events", tags=["jobs"], route_class=SignedIn, dependencies=SESSION_NEEDED)


class FirstMessage(BaseModel):
    """What a client says first. With `since` it names what it has seen; everything else in the session is new to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ticket: str = Field(min_length=1, max_length=models.NAME_LIMIT)
    since: dict[models.Identifier, Seq] | None = Field(default=None, max_length=SINCE_LIMIT)


class Closed(Exception):
    """The websocket is to be closed."""

    def __init__(self, code: int, state: str = "", reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.state = state
        self.reason = reason


@router.post("/tickets")
async def issue_ticket(services: Services) -> people_models.Ticket:
    """A ticket that opens one websocket; tokens never travel in a URL."""
    answer = await services.auth.IssueTicket(auth_pb2.IssueTicketRequest())
    return people_models.Ticket(ticket=answer.ticket, expires_in=answer.expires_in_seconds)


@router.websocket("")
async def listen(websocket: WebSocket) -> None:
    """Tells a session's jobs until one of the two sides goes."""
    ports = ports_of(websocket)
    try:
        check_origin(websocket)
    except RetError:
        await websocket.close(SESSION_OVER)
        return
    await websocket.accept()
    ports.metrics.listeners.inc()
    try:
        first = await _first_message(websocket, ports.settings.gateway_live_first_message_seconds)
        ticket = await _redeemed(ports, first.ticket)
        websocket.scope["ret.user_id"] = ticket.user_id
        await Listener(websocket, ports, ticket, first.since).run()
    except Closed as closed:
        await _close(websocket, closed)
    except RetError as error:  # the bus is away: without it nothing would be told
        log.info("listener not served", extra={"code": error.code, "kind": str(error.kind)})
        await _close(websocket, Closed(TRY_AGAIN))
    except WebSocketDisconnect:
        log.debug("listener went")
    finally:
        ports.metrics.listeners.dec()


async def _first_message(websocket: WebSocket, seconds: float) -> FirstMessage:
    try:
        async with asyncio.timeout(seconds):
            return FirstMessage.model_validate_json(await websocket.receive_text())
    except (TimeoutError, ValidationError, KeyError):
        raise Closed(BAD_TICKET) from None


async def _redeemed(ports: Ports, ticket: str) -> auth_pb2.RedeemTicketResponse:
    try:
        return await ports.auth.RedeemTicket(auth_pb2.RedeemTicketRequest(ticket=ticket))
    except RetError as error:
        raise Closed(TRY_AGAIN if error.kind in {Kind.UNAVAILABLE, Kind.DEADLINE} else BAD_TICKET) from None


async def _close(websocket: WebSocket, closed: Closed) -> None:
    """Says why and closes; a peer that does not read is not waited for."""
    with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        async with asyncio.timeout(CLOSE_SECONDS):
            if closed.state:
                await websocket.send_text(_session_message(closed))
            await websocket.close(closed.code)


def _session_message(closed: Closed) -> str:
    return models.SessionMessage(state=closed.state, reason=closed.reason).model_dump_json()


@dataclass(frozen=True)
class Window:
    """From when on a listener wants the jobs it has not named, in milliseconds since 1970."""

    from_ms: int

    @classmethod
    def of(cls, ticket: auth_pb2.RedeemTicketResponse, since: dict[str, int] | None) -> Window:
        """Without `since`: from the ticket's issue. With it: from ever, for what it does not name is unseen."""
        return cls(1 if since is not None else max(1, ticket.issued_at_ms - CLOCK_LEEWAY_MS))


class Listener:
    """One websocket of one session."""

    def __init__(
        self, websocket: WebSocket, ports: Ports, ticket: auth_pb2.RedeemTicketResponse, since: dict[str, int] | None
    ) -> None:
        self._websocket = websocket
        self._ports = ports
        self._ticket = ticket
        self._window = Window.of(ticket, since)
        self._order = Order.after(since or {})
        self._backlog = Backlog(ports.settings.gateway_live_backlog)
        self._news = asyncio.Event()
        self._over: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Until the client goes (returns) or the websocket must be closed (raises Closed)."""
        session_id = self._ticket.session_id
        async with AsyncExitStack() as subscriptions:
            bus = self._ports.bus
            await subscriptions.enter_async_context(bus.subscribe(f"sessions.closing.{session_id}", self._on_closing))
            await subscriptions.enter_async_context(bus.subscribe(f"progress.{session_id}.*", self._on_progress))
            await _first_of(self._tell(), self._hear(), self._watch_session(), self._until_over())

    async def _on_closing(self, subject: str, data: bytes) -> None:
        del subject
        reason = sessions_pb2.SessionClosing.FromString(data).reason
        self._end(Closed(SESSION_OVER, "closing", reason))

    async def _on_progress(self, subject: str, data: bytes) -> None:
        del subject
        try:
            self._backlog.add(jobs_pb2.JobEvent.FromString(data))
        except Overrun:
            self._end(Closed(TRY_AGAIN))
        self._news.set()

    def _end(self, closed: Closed) -> None:
        if not self._over.done():
            self._over.set_result(closed)

    async def _until_over(self) -> None:
        raise await self._over

    async def _hear(self) -> None:
        """The client has said all it has to say: only that it goes is of interest."""
        with suppress(WebSocketDisconnect):
            while (await self._websocket.receive())["type"] != "websocket.disconnect":
                pass

    async def _watch_session(self) -> None:
        """The closing is told over NATS; this is for when that is away."""
        while True:
            await asyncio.sleep(self._ports.settings.gateway_live_session_check_seconds)
            try:
                await self._ports.guard.check(self._ticket.session_id)
            except RetError as error:
                over = error.kind is Kind.UNAUTHENTICATED
                if over:  # NATS, which also says why, is usually a moment behind
                    with suppress(TimeoutError):
                        raise await asyncio.wait_for(asyncio.shield(self._over), REASON_SECONDS) from None
                raise Closed(SESSION_OVER if over else TRY_AGAIN, "closing" if over else "") from None

    async def _tell(self) -> None:
        clock, every = asyncio.get_running_loop().time, self._ports.settings.gateway_live_resync_seconds
        while True:
            for service in self._ports.jobs:
                await self._catch_up(service)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(clock() + every):
                    await self._pass_on_news()

    async def _pass_on_news(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._backlog:
                await self._pass_on(self._backlog.take())

    async def _pass_on(self, event: jobs_pb2.JobEvent) -> None:
        verdict = self._order.offer(event)
        if verdict is Verdict.FILL:
            await self._catch_up(service_of(event.job.id))
        if verdict is not Verdict.DROP and self._order.sent(event):
            await self._websocket.send_text(answers.job_message(event))

    async def _catch_up(self, service: str) -> None:
        """Sends what the rows of a service know beyond what was sent. Without that nothing later may be sent."""
        stub = self._ports.jobs.get(service)
        if stub is None:
            return
        while True:
            since = {job: seq for job, seq in self._order.positions().items() if service_of(job) == service}
            request = jobs_pb2.EventsRequest(since=since, from_ms=self._window.from_ms)
            try:
                with self._ports.on_behalf_of(self._ticket):
                    answer = await stub.Events(request)
            except RetError as error:
                log.info("events not to be had", extra={"code": error.code, "kind": str(error.kind)})
                raise Closed(TRY_AGAIN) from None
            for event in self._order.unsent(answer.events):
                await self._websocket.send_text(answers.job_message(event))
            if len(answer.events) < EVENTS_PAGE:
                return


async def _first_of(*jobs: Coroutine[Any, Any, None]) -> None:
    """Runs all until the first ends; that one's outcome is the outcome."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
