from __future__ import annotations

import asyncio

import pytest
from auth_bench import ADMIN_PASSWORD, AWAY, HOME, Bench, Opening, acting, eventually
from sqlalchemy import func, select, update

from ret.auth.v1 import auth_pb2
from ret_auth.schema import lockouts, refresh_tokens, sessions, users
from ret_auth.settings import AuthSettings
from ret_kit.errors import Kind, RemoteError


async def refused(bench: Bench, username: str, password: str, address: str = HOME) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await bench.login(username, password, address)
    return caught.value


async def unlock_in_time(bench: Bench) -> None:
    """As if the locks had run out just now."""
    await bench.change(update(lockouts).values(locked_until_ms=0))


async def test_a_login_opens_a_session_and_its_token_tells_who(bench: Bench) -> None:
    grant = await bench.login()
    assert (grant.user.username, grant.user.role, grant.user.must_change_password) == ("admin", "admin", False)
    assert grant.expires_in_seconds == 300
    assert grant.absolute_expires_at_ms - grant.idle_expires_at_ms == (12 * 60 - 30) * 60_000
    me = await bench.me(grant)
    assert (me.user.id, me.session.id, me.session.current) == (grant.user.id, grant.session_id, True)
    assert (me.session.address, me.session.user_agent) == (HOME, "a browser")
    assert (me.user.limits.upload_bytes, me.user.limits.running_tasks) == (2 << 30, 8)


async def test_no_token_stands_in_the_database(bench: Bench) -> None:
    grant = await bench.login()
    kept = [text for row in await bench.rows(select(refresh_tokens)) for text in row if isinstance(text, str)]
    assert kept
    assert grant.refresh_token not in kept


async def test_user_names_are_compared_folded(bench: Bench) -> None:
    assert (await bench.login("ＡDMIN")).user.username == "admin"  # noqa: RUF001 - the wide letter is the test


async def test_unknown_users_and_wrong_passwords_are_answered_alike(bench: Bench) -> None:
    unknown = await refused(bench, "nobody", "a password like any other")
    wrong = await refused(bench, "admin", "a password like any other")
    assert (unknown.kind, unknown.code) == (Kind.UNAUTHENTICATED, "BAD_CREDENTIALS")
    assert (unknown.detail, unknown.extra()) == (wrong.detail, wrong.extra())
    assert (unknown.kind, unknown.code) == (wrong.kind, wrong.code)


@pytest.mark.parametrize("username", ["admin", "nobody"])
async def test_five_wrong_passwords_lock_known_and_unknown_names_and_the_right_one_is_refused(
    bench: Bench, username: str
) -> None:
    for _ in range(5):
        assert (await refused(bench, username, "wrong")).code == "BAD_CREDENTIALS"
    locked = await refused(bench, username, ADMIN_PASSWORD)
    assert (locked.kind, locked.code) == (Kind.LOCKED, "ACCOUNT_LOCKED")
    assert 50 <= int(locked.extra()["retry_after"]) <= 60


async def test_the_sixth_wrong_password_locks_for_twice_as_long(bench: Bench) -> None:
    for _ in range(5):
        await refused(bench, "admin", "wrong")
    await unlock_in_time(bench)
    assert (await refused(bench, "admin", "wrong")).code == "BAD_CREDENTIALS"
    assert 110 <= int((await refused(bench, "admin", "wrong")).extra()["retry_after"]) <= 120


async def test_a_success_starts_the_count_again(bench: Bench) -> None:
    for _ in range(3):
        for _ in range(4):
            assert (await refused(bench, "admin", "wrong")).code == "BAD_CREDENTIALS"
        await bench.login()
    assert [row.failures for row in await bench.rows(select(lockouts))] == [0]


async def test_an_address_that_tries_many_names_is_locked_for_all_of_them(bench: Bench) -> None:
    for number in range(5):
        await refused(bench, f"user-{number}", "wrong", AWAY)
    assert (await refused(bench, "admin", ADMIN_PASSWORD, AWAY)).code == "ACCOUNT_LOCKED"
    await bench.login(address=HOME)


async def test_logging_in_between_does_not_let_an_address_try_the_names_of_others(bench: Bench) -> None:
    for number in range(5):
        await refused(bench, f"user-{number}", "wrong")
        if number < 4:
            await bench.login()
    assert (await refused(bench, "admin", ADMIN_PASSWORD)).code == "ACCOUNT_LOCKED"


async def test_a_locked_account_is_locked_from_everywhere(bench: Bench) -> None:
    await bench.user("maria", "a password of my own")
    for _ in range(5):
        await refused(bench, "maria", "wrong", AWAY)
    assert (await refused(bench, "maria", "a password of my own", HOME)).code == "ACCOUNT_LOCKED"


async def test_nobody_elsewhere_can_lock_an_administrator_out_of_the_usual_place(bench: Bench) -> None:
    await bench.login(address=HOME)
    for _ in range(5):
        await refused(bench, "admin", "wrong", AWAY)
    assert (await refused(bench, "admin", ADMIN_PASSWORD, "203.0.113.30")).code == "ACCOUNT_LOCKED"
    await bench.login(address=HOME)


async def test_at_the_usual_place_guesses_at_a_locked_administrator_count_for_the_address(bench: Bench) -> None:
    await bench.login(address=HOME)
    for _ in range(5):
        await refused(bench, "admin", "wrong", AWAY)
    for _ in range(5):
        assert (await refused(bench, "admin", "wrong", HOME)).code == "BAD_CREDENTIALS"
    assert (await refused(bench, "admin", ADMIN_PASSWORD, HOME)).code == "ACCOUNT_LOCKED"


async def test_an_hour_without_failure_forgets_the_count(bench: Bench) -> None:
    for _ in range(4):
        await refused(bench, "nobody", "wrong")
    await bench.change(update(lockouts).values(last_failure_ms=lockouts.c.last_failure_ms - 3_600_000))

    async def swept() -> bool:
        return not await bench.rows(select(lockouts))

    await eventually(swept)
    assert (await refused(bench, "nobody", "wrong")).code == "BAD_CREDENTIALS"


async def test_a_disabled_user_is_answered_like_a_wrong_password(bench: Bench) -> None:
    grant = await bench.user("maria", "a password of my own")
    await bench.change(update(users).where(users.c.username == "maria").values(status="disabled"))
    assert (await refused(bench, "maria", "a password of my own")).code == "BAD_CREDENTIALS"
    with pytest.raises(RemoteError) as caught:
        await bench.refresh(grant.refresh_token)
    assert caught.value.kind is Kind.UNAUTHENTICATED


async def test_a_very_long_password_is_wrong_and_no_more(bench: Bench) -> None:
    assert (await refused(bench, "admin", "x" * 100_000)).code == "BAD_CREDENTIALS"


async def test_a_hash_of_another_cost_is_renewed_at_the_next_login(settings: AuthSettings, opening: Opening) -> None:
    password_hash = select(users.c.password_hash)
    async with opening(settings) as bench:
        await bench.login()
        before = (await bench.rows(password_hash))[0][0]
        await bench.login()
        assert (await bench.rows(password_hash))[0][0] == before
    async with opening(settings.model_copy(update={"auth_argon2_passes": 2})) as bench:
        await bench.login()
        renewed = (await bench.rows(password_hash))[0][0]
        assert ("t=1" in before, "t=2" in renewed) == (True, True)
        await bench.login()


async def test_logins_at_once_after_a_change_of_cost_all_succeed(settings: AuthSettings, opening: Opening) -> None:
    async with opening(settings) as bench:
        await bench.login()
    async with opening(settings.model_copy(update={"auth_argon2_passes": 2})) as bench:
        await asyncio.gather(*(bench.login() for _ in range(8)))


async def test_using_a_session_moves_its_idle_end(bench: Bench) -> None:
    grant = await bench.login()
    await bench.change(update(sessions).values(last_seen_ms=1, expires_at_ms=grant.idle_expires_at_ms - 60_000))
    await bench.redis.delete(f"ret:session:{grant.session_id}")  # as it is every minute
    await bench.me(grant)

    async def moved() -> bool:
        row = (await bench.rows(select(sessions.c.last_seen_ms, sessions.c.expires_at_ms)))[0]
        return row.last_seen_ms > 1 and row.expires_at_ms >= grant.idle_expires_at_ms

    await eventually(moved)


async def test_what_is_no_token_is_refused(bench: Bench) -> None:
    for token in ("", "a.b.c", (await bench.login()).refresh_token):
        with acting(token), pytest.raises(RemoteError) as caught:
            await bench.stub.Me(auth_pb2.MeRequest())
        assert caught.value.kind is Kind.UNAUTHENTICATED


async def test_every_session_has_one_row_of_its_own(bench: Bench) -> None:
    await bench.login()
    await bench.login()
    assert (await bench.rows(select(func.count()).select_from(sessions)))[0][0] == 2
