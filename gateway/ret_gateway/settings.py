"""The gateway's settings: environment variables with the prefix RET_."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import ByteSize, Field, field_validator
from pydantic_settings import NoDecode

from ret_kit.settings import REQUIRED_IN_PRODUCTION, KitSettings

MIB = 1024 * 1024


def _listed(value: object) -> object:
    """A list given as text with commas between."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _exact_origin(origin: str) -> str:
    """The origin as browsers send it; ValueError for `*`, `null`, and anything with a path."""
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or not parts.netloc or f"{parts.scheme}://{parts.netloc}" != origin:
        raise ValueError(f"{origin!r} is no exact origin such as https://ret.example.com")
    if "*" in origin or "@" in origin:
        raise ValueError("origins are exact: neither * nor user names")
    return origin.lower()


class GatewaySettings(KitSettings):
    """What can be set about the gateway."""

    gateway_host: str = Field(default="127.0.0.1", description="Address the public listener binds.")
    gateway_port: int = Field(
        default=8080, ge=0, le=65535, description="Port of the public listener; 0 is any free one."
    )
    gateway_operations_host: str = Field(
        default="127.0.0.1", description="Address of the operations listener (docs, metrics)."
    )
    gateway_operations_port: int = Field(default=8081, ge=0, le=65535, description="Port of the operations listener.")
    gateway_page_dir: Path = Field(default=Path("frontend/dist"), description="Folder of the built page.")
    gateway_public_origin: str = Field(
        default="",
        description="Origin the page is reached at, such as https://ret.example.com. Empty: what the request names.",
        json_schema_extra=REQUIRED_IN_PRODUCTION,
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Further exact origins that may call the API from a browser, separated by commas; * is refused.",
    )
    gateway_trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks of proxies whose X-Forwarded-For and -Proto count, separated by commas.",
    )
    gateway_body_limit: ByteSize = Field(default=ByteSize(MIB), description="Size of a JSON body at most.")
    gateway_edits_limit: ByteSize = Field(
        default=ByteSize(4 * MIB),
        le=8 * MIB,
        description="Size of the JSON body of edits at most; no more than RET_RPC_MESSAGE_LIMIT.",
    )
    gateway_upload_limit: ByteSize = Field(
        default=ByteSize(2048 * MIB), description="Most bytes of an uploaded file; as much as RET_INGEST_UPLOAD_LIMIT."
    )
    gateway_linger_seconds: float = Field(
        default=10,
        ge=0,
        description="Seconds an already refused body is still read, so that the client sees the answer.",
    )
    gateway_stop_seconds: int = Field(
        default=10, ge=0, description="Seconds that requests may still take when the gateway stops."
    )
    gateway_body_idle_seconds: float = Field(
        default=60, gt=0, description="Seconds without a byte after which a body is not waited for any more."
    )
    gateway_download_idle_seconds: float = Field(
        default=120, gt=0, description="Seconds a service may take for the next piece of a download."
    )
    gateway_ready_cache_seconds: float = Field(
        default=1, ge=0, description="Seconds the state of the dependencies is remembered."
    )
    gateway_csp_reports_per_minute: int = Field(
        default=60, ge=0, description="Policy violations logged in a minute at most."
    )
    gateway_live_first_message_seconds: float = Field(
        default=10, gt=0, description="Seconds a websocket has to show its ticket."
    )
    gateway_live_session_check_seconds: float = Field(
        default=0.5, gt=0, description="Seconds between two looks whether a websocket's session is still active."
    )
    gateway_live_resync_seconds: float = Field(
        default=15, gt=0, description="Seconds between two looks for state changes that a lost message would have told."
    )
    gateway_live_backlog: int = Field(default=1000, gt=0, description="Events that wait for a slow websocket at most.")

    @field_validator("allowed_origins", "gateway_trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _listed(value)

    @field_validator("allowed_origins")
    @classmethod
    def _exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_exact_origin(origin) for origin in value)

    @field_validator("gateway_public_origin")
    @classmethod
    def _exact_or_empty(cls, value: str) -> str:
        return _exact_origin(value) if value else value

    @field_validator("gateway_trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network, strict=False)
        return value
