from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Generator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ret_kit import telemetry
from ret_kit.settings import KitSettings, LogSettings
from ret_kit.telemetry import JsonLines, TextLines

TRACE = "0af7651916cd43dd8448eb211c80319c"
CARRIED = {"x-correlation-id": "click-0001", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "levelname": "INFO", "name": "ret.thing", "created": 0.25})
    vars(made).update(extra)
    return made


def failing() -> logging.LogRecord:
    try:
        raise ValueError("line one\r\nline two")
    except ValueError:
        return record("it failed", exc_info=sys.exc_info())


def test_a_line_is_one_json_object_with_everything_in_it() -> None:
    with telemetry.extracted(CARRIED):
        line = json.loads(JsonLines("thing").format(record("it happened", job_id="j1", rows=3)))
    assert line == {
        "time": "1970-01-01T00:00:00.250Z",
        "level": "INFO",
        "logger": "ret.thing",
        "message": "it happened",
        "service": "thing",
        "correlation_id": "click-0001",
        "trace_id": TRACE,
        "span_id": "b7ad6b7169203331",
        "job_id": "j1",
        "rows": 3,
    }


EVIL = 'a\r\n{"level":"ERROR"}\n\x1b[31m\u2028\x85\x00'


@pytest.mark.parametrize("formatter", [JsonLines("thing"), TextLines("thing")], ids=["json", "text"])
def test_no_value_can_begin_a_line_or_steer_a_terminal(formatter: logging.Formatter) -> None:
    line = formatter.format(record(f"message {EVIL}", name_of_file=EVIL))
    assert len(line.splitlines()) == 1
    assert line.isprintable()


def test_an_extra_cannot_pass_for_a_field_of_ours() -> None:
    line = json.loads(JsonLines("thing").format(record("x", service="other", level="ERROR", time="now")))
    assert (line["service"], line["level"], line["time"]) == ("thing", "INFO", "1970-01-01T00:00:00.250Z")


def test_a_traceback_stays_on_its_json_line() -> None:
    text = JsonLines("thing").format(failing())
    assert len(text.splitlines()) == 1
    assert "ValueError" in json.loads(text)["exception"]


def test_a_traceback_is_indented_in_text() -> None:
    first, *rest = TextLines("thing").format(failing()).splitlines()
    assert "it failed" in first
    assert rest
    assert all(line.startswith("    ") for line in rest)


def test_setup_logs_json_to_standard_output(capsys: pytest.CaptureFixture[str], logging_restored: None) -> None:
    telemetry.setup("thing", KitSettings(log_level="INFO"))
    logging.getLogger("ret.thing").info("it happened", extra={"job_id": "j1"})
    logging.getLogger("ret.thing").debug("not this")
    (line,) = capsys.readouterr().out.splitlines()
    assert (json.loads(line)["message"], json.loads(line)["service"]) == ("it happened", "thing")


def test_a_child_logs_as_it_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, logging_restored: None
) -> None:
    monkeypatch.setenv("RET_LOG_FORMAT", "text")
    telemetry.setup_child("thing")
    logging.getLogger("ret.thing").info("it happened", extra={"job_id": "j1"})
    assert re.fullmatch(r"\S+Z INFO +thing it happened logger=ret.thing job_id=j1\n", capsys.readouterr().out)
    assert LogSettings().log_format == "text"


def test_what_is_injected_is_extracted() -> None:
    with telemetry.extracted(CARRIED):
        headers = telemetry.inject({"other": "1"})
    assert headers["other"] == "1"
    assert headers["x-correlation-id"] == "click-0001"
    assert headers["traceparent"].split("-")[1] == TRACE
    with telemetry.extracted(headers):
        assert (telemetry.correlation_id.get(), telemetry.trace_id()) == ("click-0001", TRACE)
    assert (telemetry.correlation_id.get(), telemetry.trace_id()) == ("", "")


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space", "with\r\nnewline", "ümlaut-ümlaut", None])
def test_a_correlation_id_of_the_wrong_form_is_replaced(given: str | None) -> None:
    made = telemetry.new_correlation_id(given)
    assert made != given
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_a_correlation_id_of_the_right_form_is_kept() -> None:
    assert telemetry.new_correlation_id("Click_0001-x") == "Click_0001-x"


def test_a_block_without_headers_begins_a_click_of_its_own() -> None:
    with telemetry.extracted(CARRIED), telemetry.extracted({}):
        assert telemetry.correlation_id.get() not in ("", "click-0001")
        assert telemetry.trace_id() == ""


def test_a_span_carries_ids_and_is_part_of_the_trace(spans: InMemorySpanExporter) -> None:
    with telemetry.extracted(CARRIED), telemetry.span("scan", job_id="j1", documents=3):
        assert telemetry.trace_id() == TRACE
    (span,) = spans.get_finished_spans()
    assert (span.name, dict(span.attributes or {})) == ("scan", {"job_id": "j1", "documents": 3})
    assert trace_of(span) == TRACE


def test_a_failed_span_says_what_sort_of_error_it_was_and_not_what_was_in_it(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="salary"), telemetry.span("scan"):
        raise ValueError("salary.xml")
    (span,) = spans.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (trace.StatusCode.ERROR, "ValueError")
    assert "salary" not in span.to_json()


def trace_of(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context
    return format(context.trace_id, "032x")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_TRACER", provider.get_tracer("test"))
    return exporter


@pytest.fixture
def logging_restored() -> Generator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
