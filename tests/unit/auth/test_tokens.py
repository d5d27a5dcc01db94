from __future__ import annotations

import base64
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ret_auth.errors import SealBroken
from ret_auth.policy import Role
from ret_auth.tokens import Bearer, Secret, SigningKey, access_token, new_token, token_hash

SECRET = Secret("s" * 32)
BEARER = Bearer("user-1", "session-1", Role.ADMIN, must_change_password=True)


def test_an_access_token_says_who_in_what_session_until_when_and_verifies_with_the_public_key() -> None:
    key, now = SigningKey.new(), int(time.time())
    token = access_token(key, BEARER, now * 1000 + 999, 300)
    public = Ed25519PublicKey.from_public_bytes(key.public)
    claims = jwt.decode(token, public, algorithms=["EdDSA"], audience="ret", issuer="ret-auth")
    assert len(claims.pop("jti")) == 32
    assert claims == {
        "iss": "ret-auth", "aud": "ret", "sub": "user-1", "sid": "session-1", "role": "admin", "mcp": True,
        "iat": now, "nbf": now, "exp": now + 300,
    }  # fmt: skip
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": key.kid, "typ": "at+jwt"}


def test_two_access_tokens_of_the_same_moment_differ() -> None:
    key = SigningKey.new()
    assert access_token(key, BEARER, 0, 300) != access_token(key, BEARER, 0, 300)


def test_another_key_does_not_verify_it() -> None:
    token = access_token(SigningKey.new(), BEARER, int(time.time() * 1000), 300)
    stranger = Ed25519PublicKey.from_public_bytes(SigningKey.new().public)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, stranger, algorithms=["EdDSA"], audience="ret")


def test_a_sealed_key_opens_with_its_secret_and_its_name() -> None:
    key = SigningKey.new()
    sealed = key.sealed(SECRET)
    assert key.private.private_bytes_raw() not in sealed
    assert SigningKey.opened(key.kid, sealed, SECRET).public == key.public


@pytest.mark.parametrize("fault", ["another secret", "another name", "a flipped bit"])
def test_a_sealed_key_opens_with_nothing_else(fault: str) -> None:
    key = SigningKey.new()
    sealed = bytearray(key.sealed(SECRET))
    if fault == "a flipped bit":
        sealed[-1] ^= 1
    secret = Secret("t" * 32) if fault == "another secret" else SECRET
    with pytest.raises(SealBroken):
        SigningKey.opened("other" if fault == "another name" else key.kid, bytes(sealed), secret)


def test_opaque_tokens_have_256_bits_and_are_kept_as_hashes() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in tokens)
    assert all(len(token_hash(token)) == 64 and token not in token_hash(token) for token in tokens)


def test_the_successor_of_a_refresh_token_is_the_same_every_time_for_who_has_all_three_parts() -> None:
    parent = new_token()
    successor = SECRET.successor(parent, "nonce")
    assert successor == Secret("s" * 32).successor(parent, "nonce")
    others = [
        SECRET.successor(parent, "other"),
        SECRET.successor(new_token(), "nonce"),
        Secret("t" * 32).successor(parent, "nonce"),
    ]
    assert len({successor, *others}) == 4
    assert len(base64.urlsafe_b64decode(successor + "=")) == 32


def test_what_one_purpose_derives_no_other_purpose_does() -> None:
    derived = [SECRET.successor("b", "a"), SECRET.reset_token("a", "b"), SECRET.subject("a", "b")]
    assert len(set(derived)) == 3


def test_parts_do_not_run_into_each_other() -> None:
    assert SECRET.reset_token("ab", "c") != SECRET.reset_token("a", "bc")
