"""The operations listener: documentation, metrics, and every dependency by name. Never the public one."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.status import HTTP_503_SERVICE_UNAVAILABLE

from ret_gateway import models
from ret_gateway.dependencies import Dependencies, readiness
from ret_gateway.errors import add_error_handlers
from ret_gateway.middleware import Correlation, Errors, Headers

if TYPE_CHECKING:
    from ret_gateway.metrics import Metrics


def documentation(description: dict[str, Any]) -> str:
    """The API as a plain page: no script, no style, nothing from elsewhere."""
    rows: list[str] = []
    for path, operations in sorted(description["paths"].items()):
        for method, operation in operations.items():
            answers = ", ".join(sorted(operation["responses"]))
            text = escape(operation.get("description") or operation.get("summary", ""))
            call = f"<code>{method.upper()} {escape(path)}</code>"
            rows.append(f"<tr><td>{call}</td><td>{text}</td><td>{answers}</td></tr>")
    head = "<tr><th>call</th><th>what it does</th><th>answers</th></tr>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>RET API</title></head><body><h1>RET API</h1>'
        '<p><a href="/openapi.json">OpenAPI</a> · <a href="/metrics">metrics</a> · '
        f'<a href="/readyz?verbose">dependencies</a></p><table>{head}{"".join(rows)}</table></body></html>'
    )


def create_operations(description: dict[str, Any], metrics: Metrics, dependencies: Dependencies) -> FastAPI:
    """The app of the operations listener."""
    app = FastAPI(
        title="RET operations",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(Correlation), Middleware(Headers, always_tls=False), Middleware(Errors)],
    )
    add_error_handlers(app, app.router.routes)

    @app.get("/")
    @app.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(documentation(description))

    @app.get("/openapi.json")
    async def openapi() -> JSONResponse:
        return JSONResponse(description)

    @app.get("/metrics")
    async def prometheus() -> Response:
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})

    @app.get("/healthz")
    @app.head("/healthz")
    async def healthz() -> models.Health:
        return models.Health()

    @app.get("/readyz")
    @app.head("/readyz")
    async def readyz(response: Response, verbose: str | None = None) -> models.VerboseReadiness:
        found = await readiness(dependencies)
        if found.status != "ready":
            response.status_code = HTTP_503_SERVICE_UNAVAILABLE
        return found if verbose is not None else models.VerboseReadiness(status=found.status, dependencies=[])

    return app
