"""Whether the process runs, and whether everything it needs is there: without names, which are nobody's business."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from ret_gateway import models
from ret_gateway.access import Open, Services
from ret_gateway.dependencies import readiness
from ret_kit.errors import Kind, RetError

router = APIRouter(tags=["health"], route_class=Open)


@dataclass(kw_only=True)
class NotReady(RetError):
    """Something that is needed is away."""

    kind = Kind.UNAVAILABLE
    code = "NOT_READY"

    @property
    def detail(self) -> str:
        return "Not everything that is needed is there."


@router.get("/healthz")
@router.head("/healthz", include_in_schema=False)
async def healthz() -> models.Health:
    """The process runs."""
    return models.Health()


@router.get("/readyz")
@router.head("/readyz", include_in_schema=False)
async def readyz(services: Services) -> models.Readiness:
    """Everything needed is there, or 503; without names, which are nobody's business out here."""
    found = await readiness(services.dependencies)
    if found.status != "ready":
        raise NotReady
    return models.Readiness(status=found.status)
