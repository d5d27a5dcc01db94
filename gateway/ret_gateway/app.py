"""The public app: routes, what stands around them, and the page. Made without services it can still describe itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from ret_gateway import (
    admin,
    collections,
    comparison_pairs,
    comparisons,
    conversions,
    csp_reports,
    documents,
    editing,
    health,
    jobs,
    live,
    people,
    recipes,
    tables,
)
from ret_gateway.access import SESSION_NEEDED, SignedIn
from ret_gateway.errors import add_error_handlers
from ret_gateway.metrics import Metrics
from ret_gateway.middleware import AccessLine, Correlation, Errors, Headers, Linger
from ret_gateway.openapi import describe
from ret_gateway.page import Page

if TYPE_CHECKING:
    from ret_gateway.settings import GatewaySettings

OPENAPI_PATH = "/api/openapi.json"
ROUTERS = (
    people.open_router,
    people.pending_router,
    people.router,
    admin.router,
    collections.upload_router,
    collections.router,
    documents.router,
    conversions.router,
    tables.router,
    editing.router,
    comparisons.router,
    comparisons.apply_router,
    comparison_pairs.router,
    recipes.router,
    jobs.router,
    live.router,
    csp_reports.router,
    health.router,
)


def _name(route: APIRoute) -> str:
    return route.name


def _middleware(settings: GatewaySettings, metrics: Metrics) -> list[Middleware]:
    """Outermost first. Rate limits will stand beside Linger."""
    around = [
        Middleware(Correlation),
        Middleware(AccessLine, metrics=metrics),
        Middleware(Headers, always_tls=settings.gateway_public_origin.startswith("https://")),
        Middleware(Linger, seconds=settings.gateway_linger_seconds),
    ]
    if settings.allowed_origins:
        around.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allowed_origins,
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Correlation-ID", "X-RET-Request"],
                expose_headers=["X-Correlation-ID", "Content-Disposition", "Retry-After"],
                allow_credentials=True,
            )
        )
    return [*around, Middleware(Errors)]


def create_app(settings: GatewaySettings, metrics: Metrics) -> FastAPI:
    """The app without its services; whoever serves it sets `app.state.ports`."""
    app = FastAPI(
        title="RET",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_name,
        middleware=_middleware(settings, metrics),
    )
    add_error_handlers(app, [route for router in ROUTERS for route in router.routes])
    for router in ROUTERS:
        app.include_router(router)
    _add_description(app)
    app.router.default = Page(settings.gateway_page_dir)
    return app


def _add_description(app: FastAPI) -> None:
    described: dict[str, Any] = {}
    router = APIRouter(route_class=SignedIn, dependencies=SESSION_NEEDED, include_in_schema=False)

    @router.get(OPENAPI_PATH)
    async def openapi() -> JSONResponse:
        """What this API offers, for who is logged in."""
        if not described:
            described.update(describe(app))
        return JSONResponse(described)

    app.include_router(router)
