from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from ret_auth.errors import (
    PasswordNamesUser,
    PasswordRefused,
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
)
from ret_auth.passwords import Cost, PasswordRules, Passwords, common_passwords

RULES = PasswordRules()
CHEAP = Cost(passes=1, memory_kib=64, lanes=1)
TOOL = Path(__file__).parents[3] / "services/auth/tools/common_passwords.py"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(CHEAP, threads=1)
    yield made
    made.close()


def test_eleven_characters_are_too_few_and_twelve_are_enough() -> None:
    with pytest.raises(PasswordTooShort) as refused:
        RULES.check("xkqjvbwzpfh", "somebody")
    assert (refused.value.extra()["field"], "12" in refused.value.detail) == ("new_password", True)
    RULES.check("xkqjvbwzpfhm", "somebody")


@pytest.mark.parametrize("length", [64, 1024])
def test_long_passwords_are_accepted(length: int) -> None:
    RULES.check(("blue whale " * 200)[:length], "somebody")


def test_a_password_that_would_keep_the_server_busy_is_too_long() -> None:
    with pytest.raises(PasswordTooLong) as refused:
        RULES.check("blue whale " * 200, "somebody")
    assert "1024" in refused.value.detail


@pytest.mark.parametrize(
    "password",
    [
        "only small letters here",
        "NUR GROSSE BUCHSTABEN",
        "834610572946",
        "пароль из букв",
        "🐳🦊🐙🦉🐝🐞🦋🐌🐢🐍🦎🐊",
        "  spaces  around  ",
    ],
)
def test_any_composition_will_do(password: str) -> None:
    RULES.check(password, "somebody")


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "PasswordPassword",
        "123456789012",
        "qwertyuiopasdfghjkl",
        "1qaz2wsx3edc",
        "welcome12345",
        "aaaaaaaaaaaaaaa",
        "Summer123456",
    ],
)
def test_what_is_guessed_first_is_refused_in_any_case(password: str) -> None:
    with pytest.raises(PasswordTooCommon) as refused:
        RULES.check(password, "somebody")
    assert refused.value.detail


@pytest.mark.parametrize(
    "password", ["Maria.Fernandez", "MARIA.FERNANDEZ", "maria.fernandez2024!", "\uff11maria.fernandez"]
)
def test_the_user_name_with_or_without_a_number_is_refused(password: str) -> None:
    with pytest.raises(PasswordNamesUser) as refused:
        RULES.check(password, "maria.fernandez")
    assert refused.value.detail


def test_a_name_without_letters_does_not_refuse_every_password_without_letters() -> None:
    RULES.check("834610572946", "4711")


def test_a_name_without_letters_is_refused_as_a_password() -> None:
    with pytest.raises(PasswordNamesUser):
        RULES.check("834610572946", "834610572946")


@given(st.text(max_size=30), st.text(min_size=1, max_size=30))
def test_whatever_is_given_the_answer_is_yes_or_a_named_rule(password: str, name: str) -> None:
    try:
        RULES.check(password, name)
    except PasswordRefused as refused:
        assert refused.code.startswith("PASSWORD_")  # noqa: PT017 - either outcome is right


def test_the_list_is_what_its_rules_make() -> None:
    made = runpy.run_path(str(TOOL))["common"]()
    assert frozenset(made) == common_passwords()
    assert len(made) > 5000
    assert all(len(password) >= 12 for password in made)


async def test_the_right_password_verifies_and_any_other_does_not(passwords: Passwords) -> None:
    kept = await passwords.hash("correct horse battery")
    assert kept.startswith("$argon2id$")
    assert (await passwords.verify(kept, "correct horse battery")).right
    assert not (await passwords.verify(kept, "correct horse batterY")).right


async def test_two_hashes_of_one_password_differ(passwords: Passwords) -> None:
    assert await passwords.hash("correct horse battery") != await passwords.hash("correct horse battery")


async def test_a_password_typed_on_another_keyboard_is_the_same(passwords: Passwords) -> None:
    kept = await passwords.hash("Zürich und Genève")  # composed
    assert (await passwords.verify(kept, "Zu\u0308rich und Gene\u0300ve")).right


async def test_nobody_has_a_password_that_works(passwords: Passwords) -> None:
    for tried in ("", "anything at all", "a user who is not there has a password as well"):
        assert not (await passwords.verify(None, tried)).right


async def test_a_damaged_hash_is_a_wrong_password(passwords: Passwords) -> None:
    assert not (await passwords.verify("$argon2id$nonsense", "correct horse battery")).right


async def test_a_hash_of_another_cost_is_renewed_with_the_right_password_only(passwords: Passwords) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=128, parallelism=1).hash("correct horse battery")
    assert (await passwords.verify(old, "wrong horse battery")).renewed is None
    renewed = (await passwords.verify(old, "correct horse battery")).renewed
    assert renewed is not None
    again = await passwords.verify(renewed, "correct horse battery")
    assert (again.right, again.renewed) == (True, None)
