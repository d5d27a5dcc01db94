"""The websocket: told live, replayed after an interruption, and closed with the session."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gateway_bench import Fakes, Gateway, Person, an_event, eventually
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ret.auth.v1 import auth_pb2
from ret.jobs.v1 import jobs_pb2
from ret.sessions.v1 import sessions_pb2
from ret_kit.bus import Bus
from ret_kit.errors import Kind, RemoteError, Unauthenticated

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUNNING, SUCCEEDED = jobs_pb2.JOB_STATE_RUNNING, jobs_pb2.JOB_STATE_SUCCEEDED


class Rows:
    """The rows of a service: what Events answers from."""

    def __init__(self, fakes: Fakes) -> None:
        self.events: list[jobs_pb2.JobEvent] = []
        self.asked: list[jobs_pb2.EventsRequest] = []
        fakes.ingest_jobs.answers["Events"] = self._answer

    def _answer(self, request: jobs_pb2.EventsRequest) -> jobs_pb2.EventsResponse:
        self.asked.append(request)
        since = dict(request.since)
        return jobs_pb2.EventsResponse(
            events=[
                event
                for event in self.events
                if event.seq == event.state_seq and event.seq > since.get(event.job.id, 0)
            ]
        )


@pytest.fixture
def rows(fakes: Fakes, user: Person) -> Rows:
    def redeem(request: auth_pb2.RedeemTicketRequest) -> auth_pb2.RedeemTicketResponse:
        if request.ticket != "good":
            raise Unauthenticated
        return auth_pb2.RedeemTicketResponse(
            session_id=user.session_id,
            user_id=user.user_id,
            issued_at_ms=int(time.time() * 1000),
            access_token=user.token,
        )

    fakes.auth.answers["RedeemTicket"] = redeem
    return Rows(fakes)


@asynccontextmanager
async def listening(gateway: Gateway, first: object = None, **options: Any) -> AsyncGenerator[ClientConnection]:
    address = gateway.url.replace("http", "ws") + "/api/v1/events"
    async with connect(address, proxy=None, **options) as live:
        await live.send(json.dumps({"ticket": "good"} if first is None else first))
        yield live


async def told(live: ClientConnection, count: int) -> list[tuple[str, int]]:
    """The next messages, as (job, seq)."""
    found: list[tuple[str, int]] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            message = json.loads(await live.recv())
            assert message["type"] == "job"
            found.append((message["job"]["id"], message["seq"]))
    return found


async def close_code(live: ClientConnection) -> int | None:
    async with asyncio.timeout(10):
        try:
            while True:
                await live.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


async def publish(bus: Bus, user: Person, *events: jobs_pb2.JobEvent) -> None:
    for event in events:
        await bus.publish(f"progress.{user.session_id}.{event.job.id}", event.SerializeToString())


async def test_events_are_told_as_they_come(gateway: Gateway, rows: Rows, user: Person, gateway_bus: Bus) -> None:
    rows.events = [an_event(1, 1)]
    async with listening(gateway) as live:
        assert await told(live, 1) == [("ingest-1", 1)]
        progress = jobs_pb2.Progress(done=3, total=9, unit="documents", percent=33.3, detail_json='{"rows": 7}')
        await publish(
            gateway_bus,
            user,
            an_event(2, 2, state=RUNNING),
            an_event(3, 2, state=RUNNING, progress=progress),
            an_event(4, 4, state=SUCCEEDED, result_json='{"documents": 9}'),
        )
        async with asyncio.timeout(10):
            messages = [json.loads(await live.recv()) for _ in range(3)]
    assert [message["seq"] for message in messages] == [2, 3, 4]
    running, done = messages[1]["job"], messages[2]["job"]
    assert running["progress"]["percent"] == 33.3
    assert running["progress"]["detail"]["rows"] == 7
    assert (done["state"], done["result"]) == ("succeeded", {"documents": 9})


async def test_a_listener_hears_nothing_of_other_sessions(
    gateway: Gateway, fakes: Fakes, rows: Rows, user: Person, gateway_bus: Bus
) -> None:
    rows.events = [an_event(1, 1)]
    async with listening(gateway) as live:
        await told(live, 1)
        await publish(gateway_bus, fakes.login(), an_event(2, 2, "ingest-other"))
        await publish(gateway_bus, user, an_event(2, 2))
        assert await told(live, 1) == [("ingest-1", 2)]


async def test_after_an_interruption_state_changes_are_neither_missed_nor_repeated(
    gateway: Gateway, rows: Rows, user: Person, gateway_bus: Bus
) -> None:
    rows.events = [an_event(1, 1), an_event(2, 2), an_event(7, 7), an_event(1, 1, "ingest-2")]
    async with listening(gateway, {"ticket": "good", "since": {"ingest-1": 2}}) as live:
        assert sorted(await told(live, 2)) == [("ingest-1", 7), ("ingest-2", 1)]
        await publish(gateway_bus, user, an_event(2, 2), an_event(7, 7), an_event(8, 7))
        assert await told(live, 1) == [("ingest-1", 8)]
    assert dict(rows.asked[0].since) == {"ingest-1": 2}
    assert rows.asked[0].from_ms == 1


async def test_without_since_the_tickets_issue_is_where_it_begins(gateway: Gateway, rows: Rows) -> None:
    async with listening(gateway) as live:
        await eventually(lambda: rows.asked, "a replay")
        assert abs(rows.asked[0].from_ms - time.time() * 1000) < 60_000
        del live


async def test_a_state_change_the_bus_has_lost_comes_from_the_rows_before_what_follows(
    gateway: Gateway, rows: Rows, user: Person, gateway_bus: Bus
) -> None:
    rows.events = [an_event(1, 1)]
    async with listening(gateway) as live:
        await told(live, 1)
        rows.events += [an_event(2, 2), an_event(5, 5)]
        await publish(gateway_bus, user, an_event(6, 5))
        assert await told(live, 3) == [("ingest-1", 2), ("ingest-1", 5), ("ingest-1", 6)]


async def test_a_last_state_change_that_was_lost_is_told_all_the_same(gateway: Gateway, rows: Rows) -> None:
    rows.events = [an_event(1, 1)]
    async with listening(gateway) as live:
        await told(live, 1)
        rows.events += [an_event(2, 2), an_event(9, 9, state=SUCCEEDED)]
        assert await told(live, 2) == [("ingest-1", 2), ("ingest-1", 9)]


async def test_the_gateway_asks_in_its_own_name_because_a_websocket_outlives_tokens(
    gateway: Gateway, fakes: Fakes, rows: Rows, user: Person
) -> None:
    async with listening(gateway):
        await eventually(lambda: rows.asked, "a replay")
    (caller, *_) = fakes.ingest_jobs.callers("Events")
    assert caller is not None
    assert (caller.service, caller.session_id, caller.user_id) == ("gateway", user.session_id, user.user_id)


@pytest.mark.parametrize(
    "first",
    [{"ticket": "made-up"}, {}, {"ticket": ""}, [], {"ticket": "good", "since": {"a": "b"}}, {"tikcet": "good"}],
)
async def test_a_listener_without_a_good_ticket_is_closed(gateway: Gateway, rows: Rows, first: object) -> None:
    async with listening(gateway, first) as live:
        assert await close_code(live) == 4401
    assert rows.asked == []


async def test_bytes_are_no_ticket(gateway: Gateway, rows: Rows) -> None:
    del rows
    async with connect(gateway.url.replace("http", "ws") + "/api/v1/events", proxy=None) as live:
        await live.send(b'{"ticket": "good"}')
        assert await close_code(live) == 4401


async def test_who_says_nothing_is_closed(another_gateway: Any, rows: Rows) -> None:
    del rows
    async with (
        another_gateway(RET_GATEWAY_LIVE_FIRST_MESSAGE_SECONDS="0.2") as gateway,
        connect(gateway.url.replace("http", "ws") + "/api/v1/events", proxy=None) as live,
    ):
        assert await close_code(live) == 4401


async def test_a_page_of_another_origin_gets_no_websocket(gateway: Gateway, rows: Rows) -> None:
    del rows
    with pytest.raises(InvalidStatus) as refused:
        async with listening(gateway, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    async with listening(gateway, origin=gateway.url):
        pass


async def test_the_end_of_the_session_is_told_and_closes(
    gateway: Gateway, rows: Rows, user: Person, gateway_bus: Bus
) -> None:
    rows.events = [an_event(1, 1)]
    async with listening(gateway) as live:
        await told(live, 1)
        fact = sessions_pb2.SessionClosing(session_id=user.session_id, reason="ended_by_administrator")
        await gateway_bus.publish(f"sessions.closing.{user.session_id}", fact.SerializeToString())
        async with asyncio.timeout(10):
            message = json.loads(await live.recv())
        assert message == {"type": "session", "state": "closing", "reason": "ended_by_administrator"}
        assert await close_code(live) == 4403


async def test_the_end_of_the_session_closes_also_when_the_bus_did_not_tell(
    gateway: Gateway, fakes: Fakes, rows: Rows, user: Person
) -> None:
    del rows
    async with listening(gateway) as live:
        fakes.people.active.discard(user.session_id)
        assert await close_code(live) == 4403


async def test_without_the_rows_nothing_later_is_told_and_the_listener_comes_back(
    gateway: Gateway, fakes: Fakes, rows: Rows, user: Person, gateway_bus: Bus
) -> None:
    rows.events = [an_event(1, 1)]
    async with listening(gateway) as live:
        await told(live, 1)

        def away(_: object) -> None:
            raise RemoteError(kind=Kind.UNAVAILABLE, code="UNAVAILABLE", detail="away")

        fakes.ingest_jobs.answers["Events"] = away
        await publish(gateway_bus, user, an_event(9, 9))
        assert await close_code(live) == 1013


async def test_a_job_of_a_service_nobody_knows_is_passed_on_without_a_question(
    gateway: Gateway, rows: Rows, user: Person, gateway_bus: Bus
) -> None:
    rows.events = [an_event(1, 1)]
    async with listening(gateway) as live:
        await told(live, 1)
        await publish(gateway_bus, user, an_event(5, 5, "rag-1"))
        assert await told(live, 1) == [("rag-1", 5)]


async def test_a_slow_listener_gets_the_newest_percentage_and_every_state_change(
    gateway: Gateway, rows: Rows, user: Person, gateway_bus: Bus
) -> None:
    rows.events = [an_event(1, 1), an_event(2, 2)]
    words = jobs_pb2.Progress(detail_json=json.dumps({"note": "x" * 20_000}))
    async with listening(gateway, max_queue=1) as live:
        await told(live, 2)
        for seq in range(3, 3003):  # about 60 MB: more than sockets hold
            await publish(gateway_bus, user, an_event(seq, 2, state=RUNNING, progress=words))
        rows.events.append(an_event(3003, 3003, state=SUCCEEDED))
        await publish(gateway_bus, user, rows.events[-1])
        seqs: list[int] = []
        while not seqs or seqs[-1] != 3003:
            seqs += [seq for _, seq in await told(live, 1)]
    assert seqs == sorted(set(seqs))
    assert len(seqs) < 3000


async def test_a_listener_so_slow_that_state_changes_pile_up_is_sent_away_to_come_back(
    another_gateway: Any, rows: Rows, user: Person, gateway_bus: Bus
) -> None:
    rows.events = [an_event(1, 1)]
    words = jobs_pb2.Progress(detail_json=json.dumps({"note": "x" * 20_000}))
    async with (
        another_gateway(RET_GATEWAY_LIVE_BACKLOG="10", RET_GATEWAY_LIVE_RESYNC_SECONDS="60") as gateway,
        listening(gateway, max_queue=1) as live,
    ):
        await told(live, 1)
        for seq in range(2, 3002):  # about 60 MB: more than sockets hold
            await publish(gateway_bus, user, an_event(seq, seq, state=RUNNING, progress=words))
        assert await close_code(live) == 1013


async def test_a_ticket_is_auths_to_give(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.auth.answers["IssueTicket"] = lambda _: auth_pb2.IssueTicketResponse(ticket="t", expires_in_seconds=30)
    answer = await gateway.client.post("/api/v1/events/tickets", headers=user.headers)
    assert answer.json() == {"ticket": "t", "expires_in": 30}


async def test_a_stopping_gateway_lets_its_listeners_go(another_gateway: Any, fakes: Fakes, rows: Rows) -> None:
    del rows
    async with another_gateway(RET_GATEWAY_STOP_SECONDS="1") as gateway:
        live = await connect(gateway.url.replace("http", "ws") + "/api/v1/events", proxy=None)
        await live.send(json.dumps({"ticket": "good"}))
        await eventually(lambda: fakes.auth.asked("RedeemTicket"), "the ticket is redeemed")
    assert await close_code(live) in {1001, 1012}
