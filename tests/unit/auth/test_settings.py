from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from ret_auth.settings import AuthSettings


def test_secrets_are_made_once_on_ones_own_machine(tmp_path: Path) -> None:
    settings = AuthSettings.model_validate({"data_dir": tmp_path})
    (first,), (again,) = settings.secrets(), settings.secrets()
    assert first.successor("parent", "nonce") == again.successor("parent", "nonce")
    file = tmp_path / "secrets" / "auth-key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_given_secret_is_the_one_and_the_one_before_it_follows(tmp_path: Path) -> None:
    given = {"data_dir": tmp_path, "auth_key_secret": "n" * 32, "auth_key_secret_previous": "o" * 32}
    assert len(AuthSettings.model_validate(given).secrets()) == 2
    assert not (tmp_path / "secrets").exists()


def test_a_short_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValidationError) as refused:
        AuthSettings.model_validate({"auth_key_secret": "tooshort"})
    assert "32 characters" in str(refused.value)
    assert "tooshort" not in str(refused.value)


def test_production_names_the_secret_that_is_missing() -> None:
    with pytest.raises(ValidationError, match="RET_AUTH_KEY_SECRET"):
        AuthSettings.model_validate({"env": "production"})


@pytest.mark.parametrize(
    "given,names", [("ingest,convert", ("ingest", "convert")), (" ingest , rag,", ("ingest", "rag")), ("", ())]
)
def test_the_services_that_must_answer_are_a_setting(given: str, names: tuple[str, ...]) -> None:
    assert AuthSettings.model_validate({"auth_session_services": given}).services() == names


@pytest.mark.parametrize("idle,believed", [(1800, 60), (300, 30), (5, 1)])
def test_redis_is_believed_for_a_tenth_of_the_idle_time_at_most(idle: int, believed: int) -> None:
    assert AuthSettings.model_validate({"auth_idle_seconds": idle}).cache_seconds() == believed


def test_an_unanswered_order_is_repeated_less_and_less_often() -> None:
    rules = AuthSettings.model_validate({"auth_repeat_seconds": 10, "auth_repeat_longest_seconds": 60}).ending_rules()
    assert [rules.next_order(number, 0) for number in (1, 2, 3, 4, 50)] == [10_000, 20_000, 40_000, 60_000, 60_000]
    assert [rules.order_again(number, 0) for number in (1, 2, 30)] == [1_250, 2_500, 60_000]


def test_the_defaults_are_those_that_were_promised() -> None:
    settings = AuthSettings()
    assert settings.auth_access_seconds == 300
    assert settings.lifetimes().idle_ms == 30 * 60_000
    assert settings.lifetimes().absolute_ms == 12 * 3_600_000
    assert settings.auth_refresh_grace_seconds == 10
    assert settings.auth_reset_seconds == 30 * 60
    locks = settings.lock_rules()
    assert (locks.attempts, locks.first_ms, locks.longest_ms, locks.forget_ms) == (5, 60_000, 3_600_000, 3_600_000)
    cost = settings.cost()
    assert (cost.passes, cost.memory_kib, cost.lanes) == (3, 65536, 4)
