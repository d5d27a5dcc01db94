from __future__ import annotations

import pytest
from auth_bench import Bench, Opening, eventually
from sqlalchemy import select, update

from ret.auth.v1 import auth_pb2
from ret_auth.schema import endings, refresh_tokens, sessions
from ret_auth.settings import AuthSettings
from ret_kit.errors import Kind, RemoteError


async def refused(bench: Bench, token: str) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await bench.refresh(token)
    return caught.value


async def is_over(bench: Bench, grant: auth_pb2.Grant) -> bool:
    try:
        await bench.me(grant)
    except RemoteError as error:
        return error.kind is Kind.UNAUTHENTICATED
    return False


async def let_the_grace_run_out(bench: Bench) -> None:
    await bench.change(
        update(refresh_tokens)
        .where(refresh_tokens.c.rotated_at_ms.is_not(None))
        .values(rotated_at_ms=refresh_tokens.c.rotated_at_ms - 10_001)
    )


async def test_a_refresh_gives_another_token_of_the_same_session(bench: Bench) -> None:
    first = await bench.login()
    second = await bench.refresh(first.refresh_token)
    assert second.session_id == first.session_id
    assert second.refresh_token != first.refresh_token
    assert second.access_token != first.access_token
    assert (await bench.me(second)).session.id == first.session_id


async def test_the_parent_has_no_grace_once_its_successor_was_used(bench: Bench) -> None:
    first = await bench.login()
    second = await bench.refresh(first.refresh_token)
    third = await bench.refresh(second.refresh_token)
    assert (await refused(bench, first.refresh_token)).kind is Kind.UNAUTHENTICATED
    assert await is_over(bench, third)
    assert (await refused(bench, third.refresh_token)).kind is Kind.UNAUTHENTICATED
    assert [row.reason for row in await bench.rows(select(endings))] == ["reuse"]


async def test_the_parent_that_comes_too_late_ends_the_session(bench: Bench) -> None:
    first = await bench.login()
    second = await bench.refresh(first.refresh_token)
    await let_the_grace_run_out(bench)
    assert (await refused(bench, first.refresh_token)).kind is Kind.UNAUTHENTICATED
    assert await is_over(bench, second)


async def test_a_made_up_token_ends_nothing(bench: Bench) -> None:
    grant = await bench.login()
    for token in ("", "made up", grant.access_token):
        assert (await refused(bench, token)).kind is Kind.UNAUTHENTICATED
    await bench.me(grant)


async def test_an_expired_session_is_refused_before_the_sweeper_comes(settings: AuthSettings, opening: Opening) -> None:
    async with opening(settings.model_copy(update={"auth_sweep_seconds": 3600})) as bench:
        grant = await bench.login()
        await bench.change(update(sessions).values(expires_at_ms=1))
        await bench.redis.delete(f"ret:session:{grant.session_id}")
        assert await is_over(bench, grant)
        assert (await refused(bench, grant.refresh_token)).kind is Kind.UNAUTHENTICATED
        assert [row.state for row in await bench.rows(select(sessions.c.state))] == ["active"]


async def test_the_sweeper_ends_what_has_expired(bench: Bench) -> None:
    grant = await bench.login()
    await bench.change(update(sessions).values(expires_at_ms=1))

    async def reasons() -> bool:
        return [row.reason for row in await bench.rows(select(endings))] == ["expired"]

    await eventually(reasons)
    assert await is_over(bench, grant)


async def test_no_use_carries_a_session_past_its_absolute_end(bench: Bench) -> None:
    grant = await bench.login()
    end = grant.idle_expires_at_ms - 60_000
    await bench.change(update(sessions).values(absolute_end_ms=end))
    assert (await bench.refresh(grant.refresh_token)).idle_expires_at_ms == end


async def test_a_successor_survives_the_exchange_of_the_secret(settings: AuthSettings, opening: Opening) -> None:
    old, new = "o" * 32, "n" * 32
    async with opening(_with_secrets(settings, old, "")) as bench:
        grant = await bench.login()
        successor = (await bench.refresh(grant.refresh_token)).refresh_token
    async with opening(_with_secrets(settings, new, old)) as bench:
        assert (await bench.refresh(grant.refresh_token)).refresh_token == successor
        await bench.refresh(successor)


async def test_a_successor_that_cannot_be_told_again_is_refused_and_ends_nothing(
    settings: AuthSettings, opening: Opening
) -> None:
    async with opening(settings) as bench:
        grant = await bench.login()
        successor = await bench.refresh(grant.refresh_token)
        await bench.change(
            update(refresh_tokens).where(refresh_tokens.c.rotated_at_ms.is_not(None)).values(successor_nonce="lost")
        )
        assert (await refused(bench, grant.refresh_token)).kind is Kind.UNAUTHENTICATED
        await bench.refresh(successor.refresh_token)


def _with_secrets(settings: AuthSettings, current: str, previous: str) -> AuthSettings:
    given = settings.model_dump() | {"auth_key_secret": current, "auth_key_secret_previous": previous}
    return AuthSettings.model_validate(given)
