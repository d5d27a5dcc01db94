"""Settings that would open a hole are refused at the start."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ret_gateway.settings import GatewaySettings


@pytest.mark.parametrize(
    "origins",
    ["*", "https://*.example.com", "null", "https://a.example.com/", "https://a.example.com/x", "ftp://a", "a"],
)
def test_an_origin_that_is_not_exact_is_refused(monkeypatch: pytest.MonkeyPatch, origins: str) -> None:
    monkeypatch.setenv("RET_ALLOWED_ORIGINS", f"https://fine.example.com,{origins}")
    with pytest.raises(ValidationError):
        GatewaySettings()


def test_origins_and_proxies_are_lists_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RET_ALLOWED_ORIGINS", "https://a.example.com, http://localhost:5173")
    monkeypatch.setenv("RET_GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.1")
    settings = GatewaySettings()
    assert settings.allowed_origins == ("https://a.example.com", "http://localhost:5173")
    assert settings.gateway_trusted_proxies == ("10.0.0.0/8", "127.0.0.1")


def test_by_default_no_other_origin_and_no_proxy_counts() -> None:
    settings = GatewaySettings()
    assert (settings.allowed_origins, settings.gateway_trusted_proxies) == ((), ())


def test_a_proxy_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RET_GATEWAY_TRUSTED_PROXIES", "*")
    with pytest.raises(ValidationError):
        GatewaySettings()


def test_production_names_the_origin_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RET_ENV", "production")
    with pytest.raises(ValidationError, match="RET_GATEWAY_PUBLIC_ORIGIN"):
        GatewaySettings()


def test_sizes_are_given_with_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RET_GATEWAY_UPLOAD_LIMIT", "2GiB")
    assert GatewaySettings().gateway_upload_limit == 2 << 30
