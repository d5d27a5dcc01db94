from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import jwt
import pytest
from auth_bench import Bench, Opening
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update

from ret.auth.v1 import auth_pb2
from ret_auth.errors import SealBroken
from ret_auth.schema import signing_keys
from ret_auth.settings import AuthSettings
from ret_kit.errors import Kind, RemoteError


async def keys(bench: Bench) -> dict[str, str]:
    """Key id by state."""
    return {key.state: key.kid for key in (await bench.stub.Keys(auth_pb2.KeysRequest())).keys}


async def age(bench: Bench) -> None:
    """As if the current key had signed for as long as a key may."""
    await bench.change(update(signing_keys).where(signing_keys.c.state == "current").values(since_ms=1))


def kid_of(token: str) -> str:
    return jwt.get_unverified_header(token)["kid"]


async def error_of(call: Awaitable[object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await call
    return caught.value


async def test_there_are_a_current_and_a_next_key_from_the_first_start_and_the_current_one_signs(bench: Bench) -> None:
    found = await keys(bench)
    assert set(found) == {"current", "next"}
    assert kid_of((await bench.login()).access_token) == found["current"]
    assert all(len(key.ed25519) == 32 for key in (await bench.stub.Keys(auth_pb2.KeysRequest())).keys)


async def test_no_private_key_stands_in_the_database_in_clear(bench: Bench) -> None:
    signing = bench.app.keyring.signing.private.private_bytes_raw()
    assert all(signing not in row.sealed_key for row in await bench.rows(select(signing_keys)))


async def test_keys_move_from_next_to_current_to_previous_and_then_go(bench: Bench) -> None:
    first = await keys(bench)
    old = await bench.login()
    await age(bench)
    await bench.app.keyring.load()
    second = await keys(bench)
    assert (second["previous"], second["current"]) == (first["current"], first["next"])
    assert second["next"] not in first.values()
    assert kid_of((await bench.login()).access_token) == second["current"]
    await bench.me(old)
    await age(bench)
    await bench.app.keyring.load()
    assert first["current"] not in (await keys(bench)).values()


async def test_keys_are_not_turned_before_their_time(bench: Bench) -> None:
    before = await keys(bench)
    await bench.app.keyring.load()
    assert await keys(bench) == before


async def test_replicas_that_turn_the_keys_at_once_turn_them_once(
    settings: AuthSettings, opening: Opening, bench: Bench
) -> None:
    other_settings = settings.model_copy(update={"auth_address": "127.0.0.1:0"})
    async with opening(other_settings) as other:
        before = await keys(bench)
        await age(bench)
        await asyncio.gather(bench.app.keyring.load(), other.app.keyring.load())
        after = await keys(bench)
        assert (after["previous"], after["current"]) == (before["current"], before["next"])
        assert other.app.keyring.signing.kid == bench.app.keyring.signing.kid == after["current"]


async def test_keys_outlive_a_restart(settings: AuthSettings, opening: Opening) -> None:
    async with opening(settings) as bench:
        grant, before = await bench.login(), await keys(bench)
    async with opening(settings) as bench:
        assert await keys(bench) == before
        await bench.me(grant)


async def test_an_exchanged_secret_seals_the_keys_anew_with_the_old_one_at_hand_once(
    settings: AuthSettings, opening: Opening
) -> None:
    old, new = {"auth_key_secret": "o" * 32}, {"auth_key_secret": "n" * 32}
    async with opening(AuthSettings.model_validate(settings.model_dump() | old)) as bench:
        before = await keys(bench)
    both = new | {"auth_key_secret_previous": "o" * 32}
    async with opening(AuthSettings.model_validate(settings.model_dump() | both)) as bench:
        assert await keys(bench) == before
    async with opening(AuthSettings.model_validate(settings.model_dump() | new)) as bench:
        assert await keys(bench) == before
        await age(bench)
        await bench.app.keyring.load()
        assert kid_of((await bench.login()).access_token) == before["next"]


async def test_with_the_wrong_secret_auth_does_not_start(settings: AuthSettings, opening: Opening) -> None:
    async with opening(AuthSettings.model_validate(settings.model_dump() | {"auth_key_secret": "o" * 32})):
        pass
    with pytest.raises(SealBroken):
        async with opening(AuthSettings.model_validate(settings.model_dump() | {"auth_key_secret": "n" * 32})):
            pass


@pytest.mark.parametrize("fault", ["expired", "of another key", "unsigned", "from the future", "without a session"])
async def test_a_token_that_is_not_right_in_every_claim_is_refused(bench: Bench, fault: str) -> None:
    grant, signing = await bench.login(), bench.app.keyring.signing
    claims = jwt.decode(grant.access_token, options={"verify_signature": False})
    key: Ed25519PrivateKey | str = signing.private
    now, algorithm = int(time.time()), "EdDSA"
    if fault == "expired":
        claims |= {"iat": now - 400, "nbf": now - 400, "exp": now - 40}
    elif fault == "from the future":
        claims |= {"iat": now + 120, "nbf": now + 120}
    elif fault == "of another key":
        key = Ed25519PrivateKey.generate()
    elif fault == "unsigned":
        key, algorithm = "", "none"
    else:
        del claims["sid"]
    grant.access_token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": signing.kid, "typ": "at+jwt"})
    assert (await error_of(bench.me(grant))).kind is Kind.UNAUTHENTICATED
