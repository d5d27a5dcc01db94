"""Settings every process has: read once from `RET_…` variables or a folder of secrets, then frozen.

A service's own settings are a subclass whose fields start with the service's name (`ingest_upload_limit` is
`RET_INGEST_UPLOAD_LIMIT`). In production nothing that says where or who has a default: what is missing is named.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import ByteSize, Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

PREFIX = "RET_"
REQUIRED_IN_PRODUCTION: dict[str, Any] = {"required_in_production": True}
"""Give it as `json_schema_extra` to a field that has no default in production: addresses, origins, secrets, keys."""


class LogSettings(BaseSettings):
    """How this process logs; also read by pool children, which need nothing else."""

    # Values may be secrets: they are not repeated in errors. A nested group of settings is one level deep:
    # RET_JOBS_LEASE_SECONDS is `jobs.lease_seconds`.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        validate_default=True,
    )

    log_format: Literal["json", "text"] = Field(
        default="json", description="One JSON object a line, or text for people."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severity that is logged."
    )


class KitSettings(LogSettings):
    """Where everything is, and the limits of the shared runtime."""

    env: Literal["local", "production"] = Field(
        default="local", description="`production` has no defaults for addresses, secrets."
    )
    data_dir: Path = Field(
        default=Path("data"), description="Everything RET writes on this machine lies below this folder."
    )

    nats_url: str = Field(
        default="nats://127.0.0.1:4222", description="Address of NATS.", json_schema_extra=REQUIRED_IN_PRODUCTION
    )
    nats_stream_bytes: ByteSize = Field(
        default=ByteSize(128 << 20), description="Most bytes each stream keeps; above it NATS refuses new messages."
    )
    nats_replicas: int = Field(default=1, ge=1, le=5, description="Copies of each stream in a NATS cluster.")
    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0", description="Address of Redis.", json_schema_extra=REQUIRED_IN_PRODUCTION
    )
    database_url: str = Field(
        default="",
        description="`postgresql://…`, one schema a service. Empty: SQLite at `<data>/sql/<service>.db`.",
        json_schema_extra=REQUIRED_IN_PRODUCTION,
    )
    database_pool_size: int = Field(default=5, ge=1, description="Database connections kept open by a process.")
    database_pool_overflow: int = Field(default=10, ge=0, description="Further connections at peaks.")
    database_pool_seconds: float = Field(default=10.0, gt=0, description="Longest wait for a connection, in seconds.")
    database_busy_seconds: float = Field(
        default=5.0, gt=0, description="Longest wait for SQLite's write lock, in seconds."
    )
    blob_url: str = Field(
        default="",
        description="`s3://…`, `az://…`, `gs://…` or `file:///…`. Empty: the folder `<data>/blobs`.",
        json_schema_extra=REQUIRED_IN_PRODUCTION,
    )
    service_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Key of tokens between services, 32 characters or more. Empty: made at `<data>/secrets/service`.",
        json_schema_extra=REQUIRED_IN_PRODUCTION,
    )

    auth_address: str = Field(
        default="127.0.0.1:9101", description="Address of auth.", json_schema_extra=REQUIRED_IN_PRODUCTION
    )
    ingest_address: str = Field(
        default="127.0.0.1:9102", description="Address of ingest.", json_schema_extra=REQUIRED_IN_PRODUCTION
    )
    convert_address: str = Field(
        default="127.0.0.1:9103", description="Address of convert.", json_schema_extra=REQUIRED_IN_PRODUCTION
    )
    diff_address: str = Field(
        default="127.0.0.1:9104", description="Address of diff.", json_schema_extra=REQUIRED_IN_PRODUCTION
    )
    otlp_endpoint: str = Field(default="", description="Traces go to this OTLP address over HTTP. Empty: nowhere.")

    rpc_message_limit: ByteSize = Field(
        default=ByteSize(8 << 20), ge=4 << 20, le=16 << 20, description="Largest gRPC message."
    )
    rpc_deadline_seconds: float = Field(
        default=30.0, gt=0, description="Time a call that is no stream may take, in seconds."
    )
    rpc_drain_seconds: float = Field(
        default=10.0, ge=0, description="Time open calls have when a service stops, in seconds."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then variables, then the files of the folder RET_SECRETS_DIR (`ret_service_secret`, …)."""
        folder = os.environ.get(f"{PREFIX}SECRETS_DIR")
        if not folder:
            return (init_settings, env_settings)
        return (init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folder))

    @model_validator(mode="after")
    def _nothing_is_missing_in_production(self) -> KitSettings:
        if self.env == "production" and (missing := self._missing()):
            raise ValueError(f"RET_ENV=production needs {', '.join(missing)}")
        return self

    def _missing(self) -> list[str]:
        """The variables production asks for that were not given, in alphabetical order."""
        missing: list[str] = []
        for name, field in type(self).model_fields.items():
            if field.json_schema_extra != REQUIRED_IN_PRODUCTION:
                continue
            value = getattr(self, name)
            given = value.get_secret_value() if isinstance(value, SecretStr) else value
            if name not in self.model_fields_set or given in ("", None, [], ()):
                missing.append(f"{PREFIX}{name.upper()}")
        return sorted(missing)

    def address_of(self, service: str) -> str:
        """`host:port` of a service; AttributeError for one there is no setting for."""
        return str(getattr(self, f"{service}_address"))

    def database_for(self, service: str) -> str:
        """The database's URL for a service; SQLite's folder is made when it is absent."""
        if self.database_url:
            return self.database_url
        folder = self.data_dir.absolute() / "sql"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return f"sqlite:///{folder / service}.db"

    def blob_location(self) -> str:
        """The blob store's URL."""
        return self.blob_url or (self.data_dir.absolute() / "blobs").as_uri()

    def service_key(self) -> bytes:
        """The key of tokens between services; locally it is made by whichever process needs it first."""
        given = self.service_secret.get_secret_value()
        return given.encode() if given else secret_file(self.data_dir / "secrets" / "service")


def secret_file(path: Path) -> bytes:
    """The secret in a file; made with 256 random bits and rights for its owner alone when there is none yet.

    Several processes may ask at once: all of them get the same secret.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        own = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        with suppress(FileExistsError):  # a link is made whole or not at all, and only by the first
            path.hardlink_to(own)
        own.unlink()
    return path.read_bytes()
