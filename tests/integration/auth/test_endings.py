from __future__ import annotations

import json
import time

import pytest
from auth_bench import Bench, Opening, acting, eventually
from sqlalchemy import select, update

from ret.auth.v1 import auth_pb2
from ret.sessions.v1 import sessions_pb2
from ret_auth.presence import Presence
from ret_auth.schema import audit_receipts, clearings, endings, outbox, refresh_tokens, sessions, users
from ret_auth.settings import AuthSettings
from ret_kit.errors import Kind, RemoteError

REFUSAL_S = 1.0  # the promise of the architecture; everything else here only waits for


async def state_of(bench: Bench, grant: auth_pb2.Grant) -> str:
    return (await bench.rows(select(sessions.c.state).where(sessions.c.id == grant.session_id)))[0][0]


async def destroyed(bench: Bench, grant: auth_pb2.Grant) -> None:
    async def gone() -> bool:
        return await state_of(bench, grant) == "destroyed"

    await eventually(gone)


async def refused(bench: Bench, grant: auth_pb2.Grant) -> bool:
    try:
        await bench.me(grant)
    except RemoteError as error:
        return error.kind is Kind.UNAUTHENTICATED
    return False


async def test_after_logout_token_refresh_and_ticket_are_refused_at_once(bench: Bench) -> None:
    grant = await bench.login()
    with acting(grant.access_token):
        ticket = (await bench.stub.IssueTicket(auth_pb2.IssueTicketRequest())).ticket
    began = time.monotonic()
    await bench.logout(grant)
    assert await refused(bench, grant)
    assert time.monotonic() - began < REFUSAL_S
    with pytest.raises(RemoteError) as caught:
        await bench.refresh(grant.refresh_token)
    assert caught.value.kind is Kind.UNAUTHENTICATED
    with pytest.raises(RemoteError) as caught:
        await bench.stub.RedeemTicket(auth_pb2.RedeemTicketRequest(ticket=ticket))
    assert caught.value.kind is Kind.UNAUTHENTICATED


async def test_every_service_hears_at_once_that_a_session_closes_and_why(bench: Bench) -> None:
    grant = await bench.login()
    await bench.logout(grant)

    async def heard() -> bool:
        return all(any(one.session_id == grant.session_id for one in service.closings) for service in bench.services)

    await eventually(heard)
    assert {one.reason for service in bench.services for one in service.closings} == {"logout"}


async def test_a_session_is_destroyed_only_after_every_service_has_answered(bench: Bench) -> None:
    ingest, convert = bench.services
    convert.deaf = True
    grant = await bench.login()
    await bench.logout(grant)

    async def ingest_counted() -> bool:
        return [row.service for row in await bench.rows(select(clearings))] == ["ingest"]

    await eventually(ingest_counted)
    assert await state_of(bench, grant) == "closing"
    assert await bench.rows(select(audit_receipts)) == []
    convert.deaf = False
    await destroyed(bench, grant)
    assert 1 in ingest.ordered(grant.session_id)


async def test_a_lost_answer_is_asked_for_again(bench: Bench) -> None:
    convert = bench.services[1]
    convert.deaf = True
    grant = await bench.login()
    await bench.logout(grant)

    async def asked_twice() -> bool:
        return len(convert.ordered(grant.session_id)) > 1

    await eventually(asked_twice)
    convert.deaf = False
    await destroyed(bench, grant)


async def test_the_receipt_counts_what_was_deleted_and_where(bench: Bench) -> None:
    grant = await bench.login()
    bench.services[0].rows, bench.services[0].blobs = 7, 2
    await bench.logout(grant)
    await destroyed(bench, grant)
    (receipt,) = await bench.rows(select(audit_receipts))
    assert (receipt.session_id, receipt.user_id, receipt.reason, receipt.sweep) == (
        grant.session_id,
        grant.user.id,
        "logout",
        1,
    )
    assert (receipt.rows, receipt.blobs) == (10, 3)
    assert json.loads(receipt.services) == {
        "convert": {"rows": 3, "blobs": 1},
        "ingest": {"rows": 7, "blobs": 2},
    }
    assert receipt.closing_at_ms <= receipt.at_ms


async def test_a_destroyed_session_keeps_nothing_of_its_visitor_and_no_token(bench: Bench) -> None:
    grant = await bench.login()
    await bench.logout(grant)
    await destroyed(bench, grant)
    (row,) = await bench.rows(select(sessions))
    assert (row.address, row.user_agent) == ("", "")
    assert await bench.rows(select(refresh_tokens)) == []


async def test_the_browser_of_a_destroyed_session_is_found_nowhere_in_the_database_file(
    bench: Bench, database_url: str
) -> None:
    if database_url:
        return  # PostgreSQL's promise is another one: rows at once, dead tuples by vacuum
    mark = "canary-browser-of-this-test"
    request = auth_pb2.LoginRequest(
        username="admin",
        password=bench.settings.admin_password.get_secret_value(),
        address="192.0.2.77",
        user_agent=mark,
    )
    grant = (await bench.stub.Login(request)).grant
    folder = bench.settings.data_dir / "sql"

    def found() -> list[str]:
        return [path.name for path in folder.iterdir() if mark.encode() in path.read_bytes()]

    assert found()
    await bench.logout(grant)

    async def clean() -> bool:
        return not found()

    await eventually(clean)


async def test_blobs_that_are_left_keep_a_session_from_being_destroyed_until_they_are_gone(bench: Bench) -> None:
    grant = await bench.login()
    key = f"sessions/{grant.session_id}/collections/c/upload"
    await bench.blobs.put(key, b"late")
    await bench.logout(grant)

    async def asked_again() -> bool:
        return all(len(service.ordered(grant.session_id)) > 1 for service in bench.services)

    await eventually(asked_again)
    assert await state_of(bench, grant) == "closing"
    await bench.blobs.delete(key)
    await destroyed(bench, grant)


async def test_a_second_sweep_follows_after_the_longest_lease_and_ends_it(bench: Bench) -> None:
    grant = await bench.login()
    await bench.logout(grant)
    await destroyed(bench, grant)
    (ending,) = await bench.rows(select(endings))
    assert (ending.sweep, ending.finished_at_ms) == (2, None)
    assert ending.next_order_ms >= ending.closing_at_ms + 45_000
    assert set(bench.services[0].ordered(grant.session_id)) == {1}
    await bench.change(update(endings).values(next_order_ms=1))

    async def finished() -> bool:
        return (await bench.rows(select(endings)))[0].finished_at_ms is not None

    await eventually(finished)
    assert [row.sweep for row in await bench.rows(select(audit_receipts).order_by(audit_receipts.c.sweep))] == [1, 2]
    assert bench.services[0].ordered(grant.session_id)[-1] == 2


async def test_an_answer_that_comes_twice_or_for_nobody_changes_nothing(bench: Bench) -> None:
    grant = await bench.login()
    await bench.logout(grant)
    await destroyed(bench, grant)
    for session_id in (grant.session_id, "nobody"):
        await bench.services[0].answer(bench.bus, sessions_pb2.EndSession(session_id=session_id, sweep=1))
    other = await bench.login()
    await bench.logout(other)
    await destroyed(bench, other)
    assert len(await bench.rows(select(audit_receipts))) == 2


async def test_logging_out_twice_is_no_error_and_ends_once(bench: Bench) -> None:
    grant = await bench.login()
    await bench.logout(grant)
    await bench.logout(grant)
    await bench.stub.Logout(auth_pb2.LogoutRequest(refresh_token="unknown"))
    assert len(await bench.rows(select(endings))) == 1


async def test_where_no_service_has_to_answer_a_session_is_destroyed_all_the_same(
    settings: AuthSettings, opening: Opening
) -> None:
    async with opening(settings.model_copy(update={"auth_session_services": ""})) as bench:
        grant = await bench.login()
        await bench.logout(grant)
        await destroyed(bench, grant)


async def test_any_token_of_the_family_logs_out(bench: Bench) -> None:
    grant = await bench.login()
    await bench.refresh(grant.refresh_token)
    await bench.logout(grant)
    assert await refused(bench, grant)


async def test_what_a_crash_left_closing_is_taken_up_at_the_next_start(
    settings: AuthSettings, opening: Opening
) -> None:
    async with opening(settings) as bench:
        for service in bench.services:
            service.deaf = True
        grant = await bench.login()
        await bench.logout(grant)
    async with opening(settings) as bench:
        await bench.redis.delete(f"ret:session:{grant.session_id}")
        await destroyed(bench, grant)
        assert await refused(bench, grant)


async def test_a_session_that_was_closed_while_nobody_could_be_told_is_refused_afterwards(
    settings: AuthSettings, opening: Opening
) -> None:
    """As after a crash between the commit and the announcement: Redis still says that the session is active."""
    async with opening(settings) as bench:
        grant = await bench.login()
        await bench.logout(grant)
        await bench.redis.set(f"ret:session:{grant.session_id}", "active", ex=60)

        async def over() -> bool:
            return await refused(bench, grant)

        await eventually(over)


async def test_who_read_that_a_session_is_active_cannot_undo_its_end(bench: Bench) -> None:
    grant = await bench.login()
    await bench.logout(grant)
    late = Presence(bench.settings.redis_url, active_s=60, closing_s=60, ticket_s=30)
    await late.active(grant.session_id)
    await late.close()
    assert await bench.redis.get(f"ret:session:{grant.session_id}") == "closing"


async def test_rows_of_sessions_that_ended_long_ago_are_forgotten_and_their_receipts_kept(bench: Bench) -> None:
    grant = await bench.login()
    await bench.logout(grant)
    await destroyed(bench, grant)
    await bench.change(update(endings).values(finished_at_ms=1))

    async def forgotten() -> bool:
        return not await bench.rows(select(sessions))

    await eventually(forgotten)
    assert len(await bench.rows(select(audit_receipts))) == 1
    assert len(await bench.rows(select(users))) == 1


async def test_nothing_stays_in_the_outbox(bench: Bench) -> None:
    grant = await bench.login()
    await bench.logout(grant)
    await destroyed(bench, grant)

    async def empty() -> bool:
        return not await bench.rows(select(outbox))

    await eventually(empty)
