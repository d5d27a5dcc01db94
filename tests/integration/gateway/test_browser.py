"""What a browser gets: the page under its policy, and a place to tell what the policy stopped."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from gateway_bench import Gateway, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

REPORTS = "/api/v1/csp-reports"


async def test_the_page_comes_under_a_nonce_of_its_own(gateway: Gateway) -> None:
    answers = [await gateway.client.get("/convert/anything") for _ in range(2)]
    nonces: set[str] = set()
    for answer in answers:
        found = re.search('content="([^"]+)"', answer.text)
        assert found is not None
        nonces.add(found[1])
        assert f"style-src 'self' 'nonce-{found[1]}'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["reporting-endpoints"] == f'csp="{REPORTS}"'
    assert len(nonces) == 2


async def test_assets_are_kept_for_ever_and_asked_for_with_a_head_too(gateway: Gateway) -> None:
    answer = await gateway.client.get("/assets/index-abc123.js")
    assert "immutable" in answer.headers["cache-control"]
    assert (await gateway.client.head("/assets/index-abc123.js")).status_code == 200
    assert (await gateway.client.head("/")).status_code == 200


async def test_a_violation_is_logged_without_what_may_be_content(gateway: Gateway) -> None:
    report = {
        "document-uri": "https://ret/convert?q=secret-query#secret-fragment",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://evil.example/x.js?secret",
        "line-number": 7,
        "script-sample": "secret sample",
    }
    newer = {"type": "csp-violation", "body": {"effectiveDirective": "style-src-attr", "blockedURL": "inline"}}
    for kind, body in (("application/csp-report", {"csp-report": report}), ("application/reports+json", [newer])):
        headers = {"Content-Type": kind, "Origin": "null"}
        answer = await gateway.client.post(REPORTS, headers=headers, content=json.dumps(body))
        assert answer.status_code == 204

    def told() -> list[dict[str, Any]]:
        return [line for line in gateway.log() if line["logger"] == "ret.gateway.csp"]

    await eventually(lambda: len(told()) >= 2, "both are logged")
    assert [line["directive"] for line in told()[:2]] == ["script-src-elem", "style-src-attr"]
    assert (told()[0]["blocked"], told()[1]["blocked"]) == ("https://evil.example/x.js", "inline")
    assert "secret" not in json.dumps(told())


async def test_reports_are_limited_in_size_and_number(another_gateway: Any) -> None:
    report = json.dumps({"csp-report": {"effective-directive": "img-src", "blocked-uri": "data"}})
    async with another_gateway(RET_GATEWAY_CSP_REPORTS_PER_MINUTE="3") as gateway:
        for _ in range(10):
            assert (await gateway.client.post(REPORTS, content=report)).status_code == 204
        big = await gateway.client.post(REPORTS, content=b"x" * 100_000)
        for nonsense in (b"", b"{", b"[[[", b"[1]", b'{"csp-report": 7}', b"[" * 50_000):
            assert (await gateway.client.post(REPORTS, content=nonsense)).status_code == 204
        lines = [line for line in gateway.log() if line["logger"] == "ret.gateway.csp"]
    assert big.status_code == 413
    # A minute may begin in between.
    assert 3 <= len(lines) <= 6
