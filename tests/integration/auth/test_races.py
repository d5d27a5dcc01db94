"""What happens at the same time, on both databases."""

from __future__ import annotations

import asyncio

import pytest
from auth_bench import ADMIN_PASSWORD, Bench, eventually
from sqlalchemy import select

from ret.auth.v1 import auth_pb2
from ret_auth.schema import sessions
from ret_kit.errors import RemoteError


async def test_the_same_request_sent_twice_at_once_makes_one_user(bench: Bench) -> None:
    admin = await bench.login()
    made = await asyncio.gather(*(bench.create_user(admin, "maria", idempotency_key="key-1") for _ in range(4)))
    assert len({answer.user.id for answer in made}) == 1
    assert len({answer.reset_token for answer in made}) == 1


async def test_of_many_guesses_at_once_only_five_are_judged(bench: Bench) -> None:
    guesses = await asyncio.gather(*(bench.login("admin", f"wrong {n}") for n in range(20)), return_exceptions=True)
    codes = [guess.code for guess in guesses if isinstance(guess, RemoteError)]
    assert (codes.count("BAD_CREDENTIALS"), codes.count("ACCOUNT_LOCKED")) == (5, 15)


async def test_many_right_logins_at_once_all_succeed(bench: Bench) -> None:
    grants = await asyncio.gather(*(bench.login() for _ in range(20)))
    assert len({grant.session_id for grant in grants}) == 20


async def test_tabs_that_race_get_the_same_successor(bench: Bench) -> None:
    grant = await bench.login()
    tabs = await asyncio.gather(*(bench.refresh(grant.refresh_token) for _ in range(5)))
    assert len({tab.refresh_token for tab in tabs}) == 1
    again = await bench.refresh(tabs[0].refresh_token)
    assert again.refresh_token != tabs[0].refresh_token


async def test_a_logout_that_races_a_refresh_leaves_nothing_open(bench: Bench) -> None:
    for _ in range(5):
        grant = await bench.login()
        refreshed, _ = await asyncio.gather(
            bench.refresh(grant.refresh_token), bench.logout(grant), return_exceptions=True
        )
        tokens = [grant] if isinstance(refreshed, BaseException) else [grant, refreshed]
        for held in tokens:
            with pytest.raises(RemoteError):
                await bench.refresh(held.refresh_token)
            with pytest.raises(RemoteError):
                await bench.me(held)


async def test_a_login_that_races_a_change_of_its_password_leaves_no_session_of_the_old_one(bench: Bench) -> None:
    here = await bench.login()
    logins = [bench.login() for _ in range(5)]
    outcomes = await asyncio.gather(
        bench.change_password(here, ADMIN_PASSWORD, "another password, and better"), *logins, return_exceptions=True
    )
    assert outcomes[0] is None
    for outcome in outcomes[1:]:
        if isinstance(outcome, auth_pb2.Grant):
            with pytest.raises(RemoteError):
                await bench.me(outcome)


async def test_sessions_that_end_at_the_same_time_are_all_destroyed(bench: Bench) -> None:
    grants = [await bench.login() for _ in range(10)]
    await asyncio.gather(*(bench.logout(grant) for grant in grants))

    async def all_destroyed() -> bool:
        return {row.state for row in await bench.rows(select(sessions.c.state))} == {"destroyed"}

    await eventually(all_destroyed)
