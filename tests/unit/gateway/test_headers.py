"""What browsers are told: SECURITY.md 15 and 16."""

from __future__ import annotations

from ret_gateway.headers import API_POLICY, DOWNLOAD_POLICY, EVERYWHERE, new_nonce, page_policy


def directives(policy: str) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in pairs}


def test_the_page_may_do_what_is_listed_and_nothing_else() -> None:
    assert directives(page_policy("abc")) == {
        "default-src": "'none'",
        "frame-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self' 'nonce-abc'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "object-src": "'none'",
        "report-uri": "/api/v1/csp-reports",
        "report-to": "csp",
    }


def test_no_policy_allows_anything_unsafe() -> None:
    for policy in (page_policy("x"), page_policy(), API_POLICY, DOWNLOAD_POLICY):
        assert "unsafe" not in policy
        assert "*" not in policy


def test_an_asset_has_no_nonce() -> None:
    assert directives(page_policy())["style-src"] == "'self'"


def test_a_download_is_in_a_sandbox_without_allowances() -> None:
    assert directives(DOWNLOAD_POLICY)["sandbox"] == ""
    assert directives(DOWNLOAD_POLICY)["default-src"] == "'none'"


def test_every_nonce_is_new_and_long() -> None:
    nonces = {new_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert min(map(len, nonces)) >= 22


def test_what_is_unused_is_denied() -> None:
    assert EVERYWHERE["x-frame-options"] == "DENY"
    assert EVERYWHERE["x-content-type-options"] == "nosniff"
    assert {"camera=()", "geolocation=()", "microphone=()", "usb=()"} <= set(
        EVERYWHERE["permissions-policy"].split(", ")
    )


def test_no_feature_is_denied_that_browsers_do_not_know() -> None:
    """Chromium warns of each in the console, with every load."""
    assert not {"bluetooth", "web-share"} & {
        one.partition("=")[0] for one in EVERYWHERE["permissions-policy"].split(", ")
    }
