from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ret_kit import auth
from ret_kit.auth import AccessVerifier, Caller, ServiceTokens, acting_as, caller, current_caller
from ret_kit.errors import Forbidden, PasswordChangeRequired, Unauthenticated, Unavailable
from ret_kit.rpc.access import Access
from ret_kit.testing import AuthStandIn

SECRET = b"k" * 32


@pytest.fixture
def issuer() -> AuthStandIn:
    return AuthStandIn()


@pytest.fixture
def verifier(issuer: AuthStandIn) -> AccessVerifier:
    return AccessVerifier(issuer.keys)


def with_claim(issuer: AuthStandIn, claim: str, value: object) -> str:
    claims: dict[str, Any] = {claim: value}
    return issuer.token(**claims)


def without(issuer: AuthStandIn, claim: str) -> str:
    return with_claim(issuer, claim, None)


async def reason(verifier: AccessVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as raised:
        await verifier.verify(token)
    return raised.value.reason


async def test_a_good_token_is_its_person(issuer: AuthStandIn, verifier: AccessVerifier) -> None:
    token = issuer.token(sub="u1", sid="s1", role="admin", mcp=True)
    assert await verifier.verify(token) == Caller("u1", "s1", "admin", "", must_change_password=True, token=token)


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "sid", "role", "mcp", "iat", "nbf", "exp", "jti"])
async def test_a_token_without_a_claim_is_refused(issuer: AuthStandIn, verifier: AccessVerifier, missing: str) -> None:
    assert await reason(verifier, without(issuer, missing))


NOW = time.time()  # it must not be part of a test's name: every process of a run makes the same names
WRONG: list[tuple[str, object]] = [
    ("iss", "somebody"),
    ("aud", "another"),
    ("aud", ["ret"]),
    ("aud", ["ret", "another"]),
    ("sub", ""),
    ("sub", 7),
    ("sid", ""),
    ("sid", 7),
    ("role", "service"),
    ("role", "root"),
    ("role", ["admin"]),
    ("mcp", 0),
    ("mcp", "false"),
    ("iat", NOW + 3600),
    ("iat", "now"),
    ("nbf", NOW + 3600),
    ("exp", NOW - 3600),
    ("exp", "never"),
    ("jti", 7),
]


@pytest.mark.parametrize("claim, value", WRONG, ids=range(len(WRONG)))
async def test_a_token_with_a_wrong_claim_is_refused(
    issuer: AuthStandIn, verifier: AccessVerifier, claim: str, value: object
) -> None:
    assert await reason(verifier, with_claim(issuer, claim, value))


@pytest.mark.parametrize("claim, ago", [("exp", 20), ("nbf", -20), ("iat", -20)])
async def test_clocks_may_differ_by_half_a_minute(
    issuer: AuthStandIn, verifier: AccessVerifier, claim: str, ago: int
) -> None:
    assert (await verifier.verify(with_claim(issuer, claim, int(time.time()) - ago))).role == "user"


@pytest.mark.parametrize("claim, ago", [("exp", 40), ("nbf", -40), ("iat", -40)])
async def test_and_by_no_more(issuer: AuthStandIn, verifier: AccessVerifier, claim: str, ago: int) -> None:
    assert await reason(verifier, with_claim(issuer, claim, int(time.time()) - ago))


@pytest.mark.parametrize(
    "header",
    [{"typ": "JWT"}, {"typ": "svc+jwt"}, {"typ": None}, {"kid": "unknown"}, {"crit": ["x"]}, {"jku": "http://x"}],
)
async def test_a_token_with_a_wrong_header_is_refused(
    issuer: AuthStandIn, verifier: AccessVerifier, header: dict[str, Any]
) -> None:
    assert await reason(verifier, issuer.token(header=header))


async def test_expired_and_forged_differ_in_the_log_alone(issuer: AuthStandIn, verifier: AccessVerifier) -> None:
    stranger = AuthStandIn()
    expired, forged = issuer.token(exp=1), stranger.token()
    assert (await reason(verifier, expired), await reason(verifier, forged)) == ("expired", "forged")
    assert Unauthenticated(reason="expired").detail == Unauthenticated(reason="forged").detail
    assert Unauthenticated(reason="expired").extra() == Unauthenticated(reason="forged").extra()


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_an_unsigned_token_is_refused(issuer: AuthStandIn, verifier: AccessVerifier) -> None:
    claims = issuer.token().split(".")[1]
    for algorithm in ("none", "None", "NONE"):
        header = part({"typ": "at+jwt", "alg": algorithm, "kid": issuer.kid})
        assert await reason(verifier, f"{header}.{claims}.") == "not an access token"


async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(
    issuer: AuthStandIn, verifier: AccessVerifier
) -> None:
    public = (await issuer.keys())[issuer.kid]
    signed = f"{part({'typ': 'at+jwt', 'alg': 'HS256', 'kid': issuer.kid})}.{issuer.token().split('.')[1]}"
    mac = base64.urlsafe_b64encode(hmac.digest(public, signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
    assert await reason(verifier, f"{signed}.{mac}") == "not an access token"


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "Bearer x", "é", "0" * 10_000])
async def test_what_is_no_token_is_refused(verifier: AccessVerifier, token: str) -> None:
    assert await reason(verifier, token)


async def test_every_changed_bit_of_a_token_is_noticed(issuer: AuthStandIn, verifier: AccessVerifier) -> None:
    token = issuer.token()
    for at in range(0, len(token) - 1, 7):
        if token[at] != ".":
            other = "A" if token[at] != "A" else "B"
            assert await reason(verifier, token[:at] + other + token[at + 1 :])


# --- keys -----------------------------------------------------------------------------------------------------------


async def test_keys_are_asked_for_once(issuer: AuthStandIn, verifier: AccessVerifier) -> None:
    for _ in range(5):
        await verifier.verify(issuer.token())
    assert issuer.keys_asked == 1


async def test_a_new_key_is_fetched_when_it_appears(
    issuer: AuthStandIn, verifier: AccessVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    await verifier.verify(issuer.token())
    issuer.kid, issuer.key = "second", Ed25519PrivateKey.generate()
    monkeypatch.setattr(auth, "KEYS_ASKED_SECONDS", -1.0)
    assert (await verifier.verify(issuer.token())).role == "user"
    assert issuer.keys_asked == 2


async def test_unknown_keys_do_not_make_us_ask_all_the_time(issuer: AuthStandIn, verifier: AccessVerifier) -> None:
    await verifier.verify(issuer.token())
    for number in range(20):
        await reason(verifier, issuer.token(header={"kid": f"made-up-{number}"}))
    assert issuer.keys_asked == 1


async def test_a_key_that_was_withdrawn_goes_after_a_while(
    issuer: AuthStandIn, verifier: AccessVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = issuer.token()
    await verifier.verify(old)
    issuer.kid, issuer.key = "second", Ed25519PrivateKey.generate()
    monkeypatch.setattr(auth, "KEYS_KEPT_SECONDS", -1.0)
    assert await reason(verifier, old) == "unknown key id"


async def test_without_keys_nobody_passes(issuer: AuthStandIn) -> None:
    async def away() -> dict[str, bytes]:
        raise Unavailable(what="auth")

    with pytest.raises(Unavailable):
        await AccessVerifier(away).verify(issuer.token())


# --- services -------------------------------------------------------------------------------------------------------


def test_a_service_token_is_its_service_and_the_session_it_speaks_about() -> None:
    tokens = ServiceTokens(SECRET)
    who = tokens.verify(tokens.issue("convert", "ingest", user_id="u1", session_id="s1"), "ingest")
    assert (who.service, who.role, who.user_id, who.session_id) == ("convert", "service", "u1", "s1")


def test_a_service_token_lasts_a_minute() -> None:
    token = ServiceTokens(SECRET).issue("convert", "ingest", user_id="u", session_id="s")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 60


def service_token(key: bytes = SECRET, typ: str = "svc+jwt", left_out: str = "", **claims: object) -> str:
    now = int(time.time())
    whole: dict[str, object] = {
        "iss": "convert", "aud": "ingest", "sub": "u", "sid": "s", "iat": now, "nbf": now, "exp": now + 60, "jti": "j",
    }  # fmt: skip
    whole |= claims
    kept = {name: value for name, value in whole.items() if name != left_out}
    return jwt.encode(kept, key, "HS256", headers={"typ": typ})


WRONG_SERVICE_TOKENS = [
    service_token(key=b"x" * 32),
    service_token(typ="at+jwt"),
    service_token(typ="JWT"),
    service_token(aud="auth"),
    service_token(aud=["ingest"]),
    service_token(exp=int(time.time()) - 60),
    service_token(nbf=int(time.time()) + 3600),
    service_token(iss=""),
    *(service_token(left_out=name) for name in ("iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti")),
]


@pytest.mark.parametrize("token", WRONG_SERVICE_TOKENS, ids=range(len(WRONG_SERVICE_TOKENS)))
def test_a_service_token_that_is_not_right_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        ServiceTokens(SECRET).verify(token, "ingest")


def test_a_right_service_token_of_this_test_is_taken() -> None:
    assert ServiceTokens(SECRET).verify(service_token(), "ingest").service == "convert"


async def test_tokens_of_one_sort_do_not_pass_for_another(issuer: AuthStandIn, verifier: AccessVerifier) -> None:
    assert await reason(verifier, service_token()) == "not an access token"
    assert await reason(verifier, "6t8Zc0l3Jr2vQ1bW5yX9uA4sD7fG0hKmNpTzVwYxRqE") == "malformed"
    with pytest.raises(Unauthenticated):
        ServiceTokens(SECRET).verify(issuer.token(), "ingest")


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        ServiceTokens(b"short")


# --- who is calling, and whether they may ---------------------------------------------------------------------------


def test_nobody_is_calling_until_somebody_is() -> None:
    with pytest.raises(Unauthenticated):
        caller()
    who = Caller("u", "s", "user")
    with acting_as(who):
        assert caller() is who
    assert current_caller() is None


def test_a_caller_does_not_show_the_token() -> None:
    assert "abc.def" not in repr(Caller("u", "s", "user", token="abc.def"))


PEOPLE = {role: Caller("u", "s", role) for role in ("user", "admin", "guest")}
CONVERT = Caller("u", "s", "service", service="convert")


@pytest.mark.parametrize(
    "access, who, admitted",
    [
        (Access.USER, PEOPLE["user"], True),
        (Access.USER, PEOPLE["guest"], True),
        (Access.USER, PEOPLE["admin"], True),
        (Access.USER, CONVERT, False),
        (Access.ADMIN, PEOPLE["admin"], True),
        (Access.ADMIN, PEOPLE["user"], False),
        (Access.ADMIN, PEOPLE["guest"], False),
        (Access.ADMIN, CONVERT, False),
        (Access.service("convert"), CONVERT, True),
        (Access.service("ingest"), CONVERT, False),
        (Access.service("convert"), PEOPLE["admin"], False),
        (Access.USER | Access.service("convert"), CONVERT, True),
        (Access.USER | Access.service("convert"), PEOPLE["user"], True),
        (Access(), PEOPLE["admin"], False),
    ],
)
def test_a_rule_admits_those_it_names(access: Access, who: Caller, admitted: bool) -> None:
    try:
        access.admit(who)
    except Forbidden:
        assert not admitted
    else:
        assert admitted


@pytest.mark.parametrize("access, admitted", [(Access.USER, False), (Access.ADMIN, False), (Access.USER_ANY, True)])
def test_the_one_time_password_opens_only_what_is_marked(access: Access, admitted: bool) -> None:
    who = Caller("u", "s", "admin", must_change_password=True)
    try:
        access.admit(who)
    except PasswordChangeRequired:
        assert not admitted
    else:
        assert admitted
