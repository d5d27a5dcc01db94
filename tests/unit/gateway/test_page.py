"""The page, its assets, its deep links, and everything that is neither."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ret_gateway.page import Page

INDEX = '<html><head><meta name="csp-nonce" content="__CSP_NONCE__"></head></html>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(INDEX)
    (built / "favicon.svg").write_text("<svg/>")
    (built / "assets" / "index-abc123.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    return built


class Answer:
    def __init__(self, messages: list[dict[str, Any]]) -> None:
        start = messages[0]
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.text = b"".join(message.get("body", b"") for message in messages[1:]).decode()


async def ask(folder: Path, path: str, method: str = "GET") -> Answer:
    messages: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()

    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [],
        "query_string": b"",
        "scheme": "http",
        "server": ("h", 80),
        "root_path": "",
    }
    await Page(folder)(scope, receive, send)
    return Answer(messages)


@pytest.mark.parametrize("path", ["/", "/index.html", "/convert", "/convert/0123abcd/groups/FY", "/admin/users"])
async def test_every_state_of_the_page_is_a_link(folder: Path, path: str) -> None:
    answer = await ask(folder, path)
    assert answer.status == 200
    nonce = re.search('content="([^"]+)"', answer.text)
    assert nonce is not None
    assert f"'nonce-{nonce[1]}'" in answer.headers["content-security-policy"]
    assert "__CSP_NONCE__" not in answer.text


async def test_every_answer_has_a_nonce_of_its_own(folder: Path) -> None:
    assert (await ask(folder, "/")).text != (await ask(folder, "/")).text


async def test_a_hashed_asset_is_kept_for_ever_and_others_are_asked_for_again(folder: Path) -> None:
    script, icon = await ask(folder, "/assets/index-abc123.js"), await ask(folder, "/favicon.svg")
    assert (script.text, script.headers["content-type"]) == ("export {}", "text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert (icon.headers["cache-control"], icon.headers["content-type"]) == ("no-cache", "image/svg+xml")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nowhere",
        "/api",
        "/assets/gone.js",
        "/missing.png",
        "/metrics",
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/assets/../../secret.txt",
        "//secret.txt",
    ],
)
async def test_what_is_not_there_is_a_problem(folder: Path, path: str) -> None:
    answer = await ask(folder, path)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert json.loads(answer.text)["code"] == "NOT_FOUND"


async def test_nothing_can_be_sent_to_the_page(folder: Path) -> None:
    assert (await ask(folder, "/convert", "POST")).status == 404


async def test_a_page_that_is_not_built_is_said_to_be_missing(tmp_path: Path) -> None:
    answer = await ask(tmp_path / "nowhere", "/")
    assert (answer.status, json.loads(answer.text)["code"]) == (503, "UNAVAILABLE")
