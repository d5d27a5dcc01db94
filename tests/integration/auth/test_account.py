from __future__ import annotations

import stat
from collections.abc import Awaitable

import pytest
from auth_bench import ADMIN_PASSWORD, Bench, Opening, acting
from sqlalchemy import select, update

from ret.auth.v1 import auth_pb2
from ret_auth.schema import endings, lockouts, reset_tokens, users
from ret_auth.settings import AuthSettings
from ret_kit.errors import Kind, RemoteError

NEW = "another password, and better"


@pytest.fixture
def database_url() -> str:
    """SQLite alone: what is said differently to PostgreSQL is tried in the other files."""
    return ""


async def error_of(call: Awaitable[object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await call
    return caught.value


async def test_a_new_password_works_and_the_old_one_does_not(bench: Bench) -> None:
    grant = await bench.login()
    await bench.change_password(grant, ADMIN_PASSWORD, NEW)
    assert (await error_of(bench.login())).code == "BAD_CREDENTIALS"
    assert (await bench.login(password=NEW)).user.version == 2


async def test_changing_the_password_ends_the_other_sessions_and_no_more(bench: Bench) -> None:
    here, there = await bench.login(), await bench.login()
    stranger = await bench.user("maria")
    await bench.change_password(here, ADMIN_PASSWORD, NEW)
    await bench.me(here)
    await bench.me(stranger)
    assert (await error_of(bench.me(there))).kind is Kind.UNAUTHENTICATED
    ended = {row.session_id: row.reason for row in await bench.rows(select(endings))}
    assert ended[there.session_id] == "password_changed"
    assert here.session_id not in ended


async def test_the_current_password_is_needed(bench: Bench) -> None:
    grant = await bench.login()
    error = await error_of(bench.change_password(grant, "wrong", NEW))
    assert (error.kind, error.code, error.extra()["field"]) == (Kind.INVALID, "WRONG_PASSWORD", "current_password")
    await bench.login()


async def test_who_has_stolen_a_token_cannot_try_passwords_with_it(bench: Bench) -> None:
    grant = await bench.login()
    for _ in range(5):
        assert (await error_of(bench.change_password(grant, "wrong", NEW))).code == "WRONG_PASSWORD"
    assert (await error_of(bench.change_password(grant, ADMIN_PASSWORD, NEW))).code == "ACCOUNT_LOCKED"
    other = await bench.login()
    await bench.change_password(other, ADMIN_PASSWORD, NEW)
    assert [row.kind for row in await bench.rows(select(lockouts))] == ["session"]


@pytest.mark.parametrize(
    "new,code",
    [
        ("short", "PASSWORD_TOO_SHORT"),
        ("passwordpassword", "PASSWORD_TOO_COMMON"),
        ("admin-2024-2025", "PASSWORD_NAMES_USER"),
        ("x" * 2000, "PASSWORD_TOO_LONG"),
        (ADMIN_PASSWORD, "PASSWORD_UNCHANGED"),
    ],
)
async def test_a_refused_password_says_which_rule_and_changes_nothing(bench: Bench, new: str, code: str) -> None:
    error = await error_of(bench.change_password(await bench.login(), ADMIN_PASSWORD, new))
    assert (error.kind, error.code, error.extra()["field"]) == (Kind.INVALID, code, "new_password")
    await bench.login()


async def test_a_password_given_by_an_administrator_must_be_changed_before_anything_else(bench: Bench) -> None:
    await bench.create_user(await bench.login(), "maria", password="given by the administrator")
    grant = await bench.login("maria", "given by the administrator")
    assert grant.user.must_change_password
    assert (await bench.me(grant)).user.must_change_password
    with acting(grant.access_token):
        for refused in (
            bench.stub.ListSessions(auth_pb2.ListSessionsRequest()),
            bench.stub.IssueTicket(auth_pb2.IssueTicketRequest()),
            bench.stub.EndSession(auth_pb2.EndSessionRequest(session_id=grant.session_id)),
        ):
            assert (await error_of(refused)).code == "PASSWORD_CHANGE_REQUIRED"
    await bench.change_password(grant, "given by the administrator", NEW)
    changed = await bench.refresh(grant.refresh_token)
    assert not changed.user.must_change_password
    with acting(changed.access_token):
        assert (await bench.stub.ListSessions(auth_pb2.ListSessionsRequest())).total == 1


async def test_own_sessions_are_listed_newest_first_and_nobody_elses(bench: Bench) -> None:
    first, second = await bench.login(), await bench.login()
    maria = await bench.user("maria")
    with acting(second.access_token):
        listed = await bench.stub.ListSessions(auth_pb2.ListSessionsRequest())
        page = await bench.stub.ListSessions(auth_pb2.ListSessionsRequest(offset=1, limit=1))
    assert listed.total == len(listed.sessions)
    assert {first.session_id, second.session_id} <= {one.id for one in listed.sessions}
    assert maria.session_id not in {one.id for one in listed.sessions}
    assert [one.id for one in listed.sessions if one.current] == [second.session_id]
    assert [one.created_at_ms for one in listed.sessions] == sorted(
        (one.created_at_ms for one in listed.sessions), reverse=True
    )
    assert ([one.id for one in page.sessions], page.total) == ([listed.sessions[1].id], listed.total)


@pytest.mark.parametrize(
    "window,field", [({"offset": -1}, "offset"), ({"limit": 1001}, "limit"), ({"limit": -1}, "limit")]
)
async def test_a_window_that_makes_no_sense_is_refused(bench: Bench, window: dict[str, int], field: str) -> None:
    with acting((await bench.login()).access_token):
        error = await error_of(bench.stub.ListSessions(auth_pb2.ListSessionsRequest(**window)))
    assert (error.kind, error.extra()["field"]) == (Kind.INVALID, field)


async def test_ones_own_session_can_be_ended_and_is_refused_at_once(bench: Bench) -> None:
    here, there = await bench.login(), await bench.login()
    with acting(here.access_token):
        await bench.stub.EndSession(auth_pb2.EndSessionRequest(session_id=there.session_id))
    assert (await error_of(bench.me(there))).kind is Kind.UNAUTHENTICATED
    await bench.me(here)


async def test_anothers_session_and_an_absent_one_are_not_found(bench: Bench) -> None:
    maria, admin = await bench.user("maria"), await bench.login()
    with acting(maria.access_token):
        for session_id in (admin.session_id, "absent", ""):
            error = await error_of(bench.stub.EndSession(auth_pb2.EndSessionRequest(session_id=session_id)))
            assert error.kind is Kind.NOT_FOUND
    await bench.me(admin)


async def test_a_ticket_opens_one_websocket_and_no_second(bench: Bench) -> None:
    grant = await bench.login()
    with acting(grant.access_token):
        issued = await bench.stub.IssueTicket(auth_pb2.IssueTicketRequest())
    assert issued.expires_in_seconds == 30
    redeemed = await bench.stub.RedeemTicket(auth_pb2.RedeemTicketRequest(ticket=issued.ticket))
    assert (redeemed.session_id, redeemed.user_id) == (grant.session_id, grant.user.id)
    assert abs(redeemed.issued_at_ms - grant.idle_expires_at_ms + 30 * 60_000) < 60_000
    with acting(redeemed.access_token):
        assert (await bench.stub.Me(auth_pb2.MeRequest())).session.id == grant.session_id
    for used in (issued.ticket, "made up", ""):
        error = await error_of(bench.stub.RedeemTicket(auth_pb2.RedeemTicketRequest(ticket=used)))
        assert error.kind is Kind.UNAUTHENTICATED


async def test_redis_has_no_ticket_in_clear_and_forgets_it(bench: Bench) -> None:
    with acting((await bench.login()).access_token):
        ticket = (await bench.stub.IssueTicket(auth_pb2.IssueTicketRequest())).ticket
    keys = await bench.redis_keys("ret:ticket:*")
    assert keys
    assert not [key for key in keys if ticket in key]
    assert all([0 < await bench.redis.ttl(key) <= 30 for key in keys])


async def test_a_reset_token_sets_the_first_password_once(bench: Bench) -> None:
    made = await bench.create_user(await bench.login(), "maria")
    assert made.reset_token
    assert not made.user.must_change_password
    assert made.reset_token not in [row.token_hash for row in await bench.rows(select(reset_tokens))]
    assert (await error_of(bench.login("maria", ""))).code == "BAD_CREDENTIALS"
    request = auth_pb2.ConfirmResetRequest(reset_token=made.reset_token, new_password=NEW)
    await bench.stub.ConfirmReset(request)
    assert not (await bench.login("maria", NEW)).user.must_change_password
    assert (await error_of(bench.stub.ConfirmReset(request))).code == "RESET_REFUSED"


async def test_a_reset_token_is_not_used_up_by_a_refused_password(bench: Bench) -> None:
    token = (await bench.create_user(await bench.login(), "maria")).reset_token
    short = auth_pb2.ConfirmResetRequest(reset_token=token, new_password="short")
    assert (await error_of(bench.stub.ConfirmReset(short))).code == "PASSWORD_TOO_SHORT"
    await bench.stub.ConfirmReset(auth_pb2.ConfirmResetRequest(reset_token=token, new_password=NEW))


async def test_a_reset_token_is_too_old_after_its_time(bench: Bench) -> None:
    token = (await bench.create_user(await bench.login(), "maria")).reset_token
    await bench.change(update(reset_tokens).values(expires_at_ms=1))
    error = await error_of(bench.stub.ConfirmReset(auth_pb2.ConfirmResetRequest(reset_token=token, new_password=NEW)))
    assert (error.kind, error.code) == (Kind.UNAUTHENTICATED, "RESET_REFUSED")


async def test_the_first_administrator_has_a_one_time_password_in_a_file_until_it_is_changed(
    settings: AuthSettings, opening: Opening
) -> None:
    without = AuthSettings.model_validate(settings.model_dump() | {"admin_password": ""})
    file = settings.data_dir / "secrets" / "first-admin-password"
    async with opening(without) as bench:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        password = file.read_text().strip()
        assert len(password) >= 16
        await bench.create_user_is_forbidden_to(await bench.login(password=password))
    async with opening(without) as bench:
        assert file.read_text().strip() == password
        grant = await bench.login(password=password)
        assert grant.user.must_change_password
        await bench.change_password(grant, password, NEW)
        assert not file.exists()
        assert not (await bench.login(password=NEW)).user.must_change_password
    async with opening(without) as bench:
        assert not file.exists()
        await bench.login(password=NEW)


async def test_another_user_who_changes_a_password_leaves_the_first_administrators_file_alone(
    settings: AuthSettings, opening: Opening
) -> None:
    async with opening(AuthSettings.model_validate(settings.model_dump() | {"admin_password": ""})) as bench:
        file = settings.data_dir / "secrets" / "first-admin-password"
        await bench.change(update(users).values(must_change_password=False))
        admin = await bench.login(password=file.read_text().strip())
        await bench.create_user(admin, "maria", password="given by the administrator")
        maria = await bench.login("maria", "given by the administrator")
        await bench.change_password(maria, "given by the administrator", NEW)
        assert file.exists()


async def test_a_given_administrator_password_is_the_one_and_changing_the_variable_later_changes_nothing(
    settings: AuthSettings, opening: Opening
) -> None:
    async with opening(settings) as bench:
        assert not (await bench.login()).user.must_change_password
        assert not (settings.data_dir / "secrets" / "first-admin-password").exists()
    async with opening(AuthSettings.model_validate(settings.model_dump() | {"admin_password": NEW})) as bench:
        assert (await error_of(bench.login(password=NEW))).code == "BAD_CREDENTIALS"
        await bench.login()


async def test_a_weak_administrator_password_is_taken_on_ones_own_machine(
    settings: AuthSettings, opening: Opening
) -> None:
    async with opening(AuthSettings.model_validate(settings.model_dump() | {"admin_password": "short"})) as bench:
        await bench.login(password="short")
