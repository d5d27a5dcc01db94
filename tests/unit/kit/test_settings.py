from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError

from ret_kit.settings import REQUIRED_IN_PRODUCTION, KitSettings, LogSettings, secret_file


class Pace(BaseModel, frozen=True):
    lease_seconds: float = 30


class ThingSettings(KitSettings):
    thing_origin: str = Field(default="http://x", description="…", json_schema_extra=REQUIRED_IN_PRODUCTION)
    jobs: Pace = Pace()


EVERYTHING = {
    "RET_ENV": "production",
    "RET_NATS_URL": "tls://nats:4222",
    "RET_REDIS_URL": "rediss://redis:6379/0",
    "RET_DATABASE_URL": "postgresql://db/ret",
    "RET_BLOB_URL": "s3://bucket",
    "RET_SERVICE_SECRET": "s" * 32,
    "RET_AUTH_ADDRESS": "auth:9101",
    "RET_INGEST_ADDRESS": "ingest:9102",
    "RET_CONVERT_ADDRESS": "convert:9103",
    "RET_DIFF_ADDRESS": "diff:9104",
    "RET_THING_ORIGIN": "https://ret.example",
}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*EVERYTHING, "RET_DATA_DIR", "RET_SECRETS_DIR", "RET_LOG_FORMAT", "RET_LOG_LEVEL"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def given(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_production_with_everything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, EVERYTHING)
    assert ThingSettings().address_of("ingest") == "ingest:9102"


@pytest.mark.parametrize("missing", sorted(EVERYTHING.keys() - {"RET_ENV"}))
def test_production_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    given(monkeypatch, EVERYTHING)
    monkeypatch.delenv(missing)
    with pytest.raises(ValidationError, match=f"needs {missing}"):
        ThingSettings()


@pytest.mark.parametrize("empty", ["RET_SERVICE_SECRET", "RET_BLOB_URL", "RET_DATABASE_URL"])
def test_in_production_an_empty_value_is_a_missing_one(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    given(monkeypatch, EVERYTHING | {empty: ""})
    with pytest.raises(ValidationError, match=f"needs {empty}"):
        ThingSettings()


def test_production_names_everything_that_is_missing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, {"RET_ENV": "production"})
    with pytest.raises(ValidationError) as raised:
        ThingSettings()
    for name in EVERYTHING.keys() - {"RET_ENV"}:
        assert name in str(raised.value)


def test_locally_nothing_needs_to_be_given(tmp_path: Path) -> None:
    settings = ThingSettings()
    assert settings.database_for("thing") == f"sqlite:///{tmp_path}/data/sql/thing.db"
    assert settings.blob_location() == f"file://{tmp_path}/data/blobs"
    assert len(settings.service_key()) >= 32


def test_a_nested_setting_is_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, {"RET_JOBS_LEASE_SECONDS": "7"})
    assert ThingSettings().jobs.lease_seconds == 7


def test_sizes_have_units(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, {"RET_NATS_STREAM_BYTES": "64MiB"})
    assert ThingSettings().nats_stream_bytes == 64 << 20


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ret_service_secret").write_text("f" * 40)
    given(monkeypatch, {"RET_SECRETS_DIR": str(tmp_path)})
    assert ThingSettings().service_key() == b"f" * 40


def test_a_secret_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, EVERYTHING | {"RET_SERVICE_SECRET": "very-secret-" * 4, "RET_RPC_MESSAGE_LIMIT": "very-secret"})
    with pytest.raises(ValidationError) as raised:
        ThingSettings()
    monkeypatch.delenv("RET_RPC_MESSAGE_LIMIT")
    assert "very-secret" not in f"{raised.value} {ThingSettings()!r} {ThingSettings().model_dump_json()}"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ThingSettings().service_secret = SecretStr("x")


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in KitSettings.model_fields.items() if not field.description] == []


def test_a_child_reads_how_to_log_and_needs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, {"RET_ENV": "production", "RET_LOG_FORMAT": "text"})
    assert LogSettings().log_format == "text"


def test_processes_that_start_together_get_the_same_secret(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "service"
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(secret_file, [path] * 64))
    assert len(found) == 1
    assert [file.name for file in path.parent.iterdir()] == ["service"]
    assert path.stat().st_mode & 0o077 == 0
