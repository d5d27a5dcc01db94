"""The page: its index under a nonce of its own every time, and its assets as they were built."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from ret_gateway.errors import problem_of
from ret_gateway.headers import NONCE_PLACEHOLDER, new_nonce, page_headers
from ret_kit.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

INDEX = "index.html"
HASHED = "assets/"
IMMUTABLE = "public, max-age=31536000, immutable"
ASKED_EACH_TIME = "no-cache"
NEVER_THE_PAGE = ("api", "assets", "metrics", "healthz", "readyz")

# What the machine's own table may not know.
MEDIA_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".ico": "image/x-icon",
}


@dataclass(frozen=True)
class Built:
    """A built page. Only what was there when it was read is ever served, so no request can name another file."""

    index: str
    files: dict[str, Path]

    @classmethod
    def read(cls, folder: Path) -> Built:
        """The page in a folder; without one, a page whose index is empty."""
        index = folder / INDEX
        if not index.is_file():
            return cls("", {})
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        return cls(index.read_text("utf-8"), {name: path for name, path in files.items() if name != INDEX})


def _media_type(path: Path) -> str:
    known = MEDIA_TYPES.get(path.suffix.lower())
    return known or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


class Page:
    """Answers every path that no route has: with an asset, with the page itself, or with 404."""

    def __init__(self, folder: Path) -> None:
        self._built = Built.read(folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        name = request.url.path.lstrip("/")
        if request.method not in {"GET", "HEAD"}:
            return problem_of(NotFound(what="route"))
        file = self._built.files.get(name)
        if file is not None:
            request.scope["ret.route"] = "asset"
            headers = {
                **page_headers(),
                "cache-control": IMMUTABLE if name.startswith(HASHED) else ASKED_EACH_TIME,
                "content-type": _media_type(file),
            }
            return FileResponse(file, headers=headers)
        if not self._is_deep_link(name):
            return problem_of(NotFound(what="route"))
        request.scope["ret.route"] = "page"
        if not self._built.index:
            return problem_of(Unavailable(what="page"))
        nonce = new_nonce()
        return HTMLResponse(self._built.index.replace(NONCE_PLACEHOLDER, nonce), headers=page_headers(nonce))

    @staticmethod
    def _is_deep_link(name: str) -> bool:
        """Whether a path can be a state of the page: not below the API, and not a file that is missing."""
        first, last = name.partition("/")[0], name.rpartition("/")[2]
        return name == INDEX or (first not in NEVER_THE_PAGE and "." not in last)
