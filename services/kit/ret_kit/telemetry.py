"""Logs, traces and the correlation id, from the click to the last worker.

One JSON object a line goes to standard output. Lines and spans carry ids and counts, never names of files or content.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ret_kit.settings import KitSettings, LogSettings

CORRELATION_HEADER = "x-correlation-id"
CORRELATION_FORM = re.compile(r"[A-Za-z0-9_-]{8,64}")

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""The id of the click this work belongs to; empty outside of any."""

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("ret")
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_NOISY = ("nats", "httpx", "httpcore", "aiosqlite", "alembic.runtime", "uvicorn.access", "opentelemetry")


def setup(service: str, settings: KitSettings) -> None:
    """Sends logs to standard output and, given an OTLP endpoint, spans there. Call it once, before all else."""
    _log_to_stdout(service, settings)
    provider = TracerProvider(resource=Resource.create({"service.name": f"ret-{service}"}))
    if settings.otlp_endpoint:
        exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def setup_child(service: str) -> None:
    """The same for a pool child: its lines carry the parent's trace, and it exports no spans of its own."""
    _log_to_stdout(service, LogSettings())


def new_correlation_id(given: str | None = None) -> str:
    """The given id when it has the right form (8 to 64 letters, digits, `_`, `-`), else a new one."""
    return given if given and CORRELATION_FORM.fullmatch(given) else uuid.uuid4().hex


def trace_id() -> str:
    """The current trace as 32 hexadecimal digits; empty outside of any."""
    current = trace.get_current_span().get_span_context()
    return format(current.trace_id, "032x") if current.is_valid else ""


def inject(headers: dict[str, str]) -> dict[str, str]:
    """The same dictionary, with `traceparent` and `x-correlation-id` of the current work added."""
    _PROPAGATOR.inject(headers)
    if current := correlation_id.get():
        headers[CORRELATION_HEADER] = current
    return headers


@contextmanager
def extracted(headers: Mapping[str, str]) -> Generator[None]:
    """The block belongs to the trace and the click named in the headers (lower-case names).

    Without a usable correlation id a new one begins.
    """
    correlation = correlation_id.set(new_correlation_id(headers.get(CORRELATION_HEADER)))
    attached = context.attach(_PROPAGATOR.extract(headers, context=context.Context()))
    try:
        yield
    finally:
        context.detach(attached)
        correlation_id.reset(correlation)


@contextmanager
def span(name: str, *, kind: SpanKind = SpanKind.INTERNAL, **ids: str | float | bool) -> Generator[Span]:
    """A span around the block; `ids` become attributes, ids and counts only. A failure is marked by its type."""
    with _TRACER.start_as_current_span(
        name, kind=kind, attributes=ids, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            # The text of an exception may hold content, so that only the type goes into the trace.
            current.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def _log_to_stdout(service: str, settings: LogSettings) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(service) if settings.log_format == "json" else TextLines(service))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _fields(record: logging.LogRecord, service: str) -> dict[str, object]:
    """Everything one line says, in the order it says it."""
    current = trace.get_current_span().get_span_context()
    line: dict[str, object] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
        "service": service,
        "correlation_id": correlation_id.get(),
        "trace_id": format(current.trace_id, "032x") if current.is_valid else "",
        "span_id": format(current.span_id, "016x") if current.is_valid else "",
    }
    line |= {key: value for key, value in vars(record).items() if key not in _OWN_FIELDS and key not in line}
    return line


class JsonLines(logging.Formatter):
    """One JSON object a line; control characters are escaped, so that no value can begin a line of its own."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = _fields(record, self._service)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, separators=(",", ":"))


class TextLines(logging.Formatter):
    """Time, level, service, words and `key=value` on one line; tracebacks below, each line indented."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = _fields(record, self._service)
        head = [str(line.pop("time")), f"{line.pop('level')!s:7}", str(line.pop("service")), str(line.pop("message"))]
        line.pop("span_id")
        text = " ".join([*head, *(f"{key}={value}" for key, value in line.items() if value not in ("", None))])
        text = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
        if record.exc_info:
            text += "".join(f"\n    {part}" for part in self.formatException(record.exc_info).splitlines())
        return text
