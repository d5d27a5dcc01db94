"""What can be set about running everything on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]


class RunSettings(BaseSettings):
    """Settings of `make run`. What the services themselves read is handed on to them untouched."""

    model_config = SettingsConfigDict(env_prefix="RET_", frozen=True, extra="ignore")

    data_dir: Path = Field(Path("data"), description="Folder with everything RET writes.")
    log_format: str = Field(
        "json", description="`json` or `text`; programs that write plain lines are wrapped for `json`."
    )
    admin_password: str = Field("", description="The first administrator's password; empty: a one-time one is printed.")
    nats_url: str = Field("", description="A NATS server of your own; empty: one is started.")
    redis_url: str = Field("", description="A Redis server of your own; empty: one is started.")
    gateway_port: Port = Field(
        8080, description="Port of page and API on 127.0.0.1; 0: any free one, and any free ones for everything else."
    )
    gateway_operations_port: Port | None = Field(
        None, description="Port of the gateway's operations listener; unset: 8081 or a free one."
    )
    nats_port: Port | None = Field(
        None, description="Port of the NATS server that is started; unset: 4222 or a free one."
    )
    redis_port: Port | None = Field(
        None, description="Port of the Redis server that is started; unset: 6379 or a free one."
    )
    auth_address: str = Field("", description="Where auth listens; empty: 127.0.0.1:9101 or a free port.")
    ingest_address: str = Field("", description="Where ingest listens; empty: 127.0.0.1:9102 or a free port.")
    convert_address: str = Field("", description="Where convert listens; empty: 127.0.0.1:9103 or a free port.")
    diff_address: str = Field("", description="Where diff listens; empty: 127.0.0.1:9104 or a free port.")
    run_ingest_workers: int = Field(1, ge=0, le=64, description="Worker processes of ingest.")
    run_convert_workers: int = Field(1, ge=0, le=64, description="Worker processes of convert.")
    run_diff_workers: int = Field(1, ge=0, le=64, description="Worker processes of diff.")
    run_start_timeout: float = Field(120.0, gt=0, description="Seconds until everything must be ready.")
    run_stop_timeout: float = Field(20.0, gt=0, description="Seconds a program has to stop before it is killed.")
    run_nats_storage: str = Field(
        "2GB", pattern=r"^\d+(MB|GB)$", description="Disk that the started NATS may use for jobs."
    )
