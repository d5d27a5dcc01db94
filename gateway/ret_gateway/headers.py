"""What a browser is told about every answer: SECURITY.md 15 and 16."""

from __future__ import annotations

import secrets

REPORT_PATH = "/api/v1/csp-reports"
NONCE_PLACEHOLDER = "__CSP_NONCE__"

_REPORTING = f"report-uri {REPORT_PATH}; report-to csp"

API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
DOWNLOAD_POLICY = f"{API_POLICY}; sandbox"

DENIED_FEATURES = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "window-management",
    "xr-spatial-tracking",
)

EVERYWHERE: dict[str, str] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(f"{feature}=()" for feature in DENIED_FEATURES),
}

# What an answer gets unless it says otherwise itself.
BY_DEFAULT: dict[str, str] = {
    "content-security-policy": API_POLICY,
    "cache-control": "no-store",
}

TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"
REPORTING_ENDPOINTS = f'csp="{REPORT_PATH}"'


def new_nonce() -> str:
    """128 bits, for one answer."""
    return secrets.token_urlsafe(16)


def page_policy(nonce: str = "") -> str:
    """The page's policy. Its assets get the same without a nonce: a worker lives under the policy it came with."""
    style = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    return (
        f"default-src 'none'; frame-src 'self'; script-src 'self'; style-src {style}; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; worker-src 'self'; frame-ancestors 'none'; "
        f"base-uri 'none'; form-action 'self'; object-src 'none'; {_REPORTING}"
    )


def page_headers(nonce: str = "") -> dict[str, str]:
    """The headers of the page and its assets beyond those of every answer."""
    return {"content-security-policy": page_policy(nonce), "reporting-endpoints": REPORTING_ENDPOINTS}
