"""Where browsers tell what the page's policy has stopped. Violations are logged, a limited number a minute."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from starlette.status import HTTP_204_NO_CONTENT

from ret_gateway.access import API, Reports, Services

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("ret.gateway.csp")

TEXT_LIMIT = 200

router = APIRouter(prefix=f"{API}/csp-reports", tags=["page"], route_class=Reports)


def _without_content(address: str) -> str:
    """An address without its query and fragment, which may hold content; a keyword such as `inline` as it is."""
    parts = urlsplit(address)
    return (f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.path or parts.scheme)[:TEXT_LIMIT]


def violations(body: bytes) -> Iterator[dict[str, str]]:
    """The violations in a body of either form: `report-uri`'s single object, or the list of the Reporting API."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return
    for entry in cast("list[Any]", sent if isinstance(sent, list) else [sent])[:20]:
        if not isinstance(entry, dict):
            continue
        told = cast("dict[str, Any]", entry)
        report = told.get("csp-report") or told.get("body")
        if isinstance(report, dict):
            yield _violation(cast("dict[str, Any]", report))


def _violation(report: dict[str, Any]) -> dict[str, str]:
    def text(*names: str) -> str:
        return next((str(report[name])[:TEXT_LIMIT] for name in names if report.get(name)), "")

    return {
        "directive": text("effective-directive", "effectiveDirective", "violated-directive"),
        "blocked": _without_content(text("blocked-uri", "blockedURL")),
        "page": _without_content(text("document-uri", "documentURL")),
        "source": _without_content(text("source-file", "sourceFile")),
        "line": text("line-number", "lineNumber"),
    }


@router.post("", status_code=HTTP_204_NO_CONTENT, response_class=Response, include_in_schema=False)
async def take_csp_report(request: Request, services: Services) -> Response:
    """Takes a browser's report; it is logged or dropped, and the answer is the same."""
    for violation in violations(await request.body()):
        services.metrics.csp_reports.inc()
        if services.csp_allowance.take(time.monotonic()):
            log.warning("policy violation", extra=violation)
    return Response(status_code=HTTP_204_NO_CONTENT)
