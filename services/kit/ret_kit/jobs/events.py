"""A job as others see it: the message of the contract, and the subjects it travels on."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ret.jobs.v1 import jobs_pb2

if TYPE_CHECKING:
    from sqlalchemy import Row

STATES = {
    "queued": jobs_pb2.JOB_STATE_QUEUED,
    "running": jobs_pb2.JOB_STATE_RUNNING,
    "succeeded": jobs_pb2.JOB_STATE_SUCCEEDED,
    "failed": jobs_pb2.JOB_STATE_FAILED,
    "cancelled": jobs_pb2.JOB_STATE_CANCELLED,
}
FINAL = ("succeeded", "failed", "cancelled")


def progress_subject(session_id: str, job_id: str) -> str:
    """Where a job's events are published, over core NATS."""
    return f"progress.{session_id}.{job_id}"


def job_message(row: Row[Any]) -> jobs_pb2.Job:
    """The job of a row of `jobs`."""
    message = jobs_pb2.Job(
        id=row.id,
        type=row.type,
        state=STATES[row.state],
        session_id=row.session_id,
        attempt=row.attempt,
        result_json=row.result,
        correlation_id=row.correlation_id,
        trace_id=trace_id(row.traceparent),
        created_at_ms=row.created_at,
        started_at_ms=row.started_at,
        finished_at_ms=row.finished_at,
        progress=jobs_pb2.Progress(
            done=row.done, total=row.total, unit=row.unit, percent=percent(row), detail_json=detail(row)
        ),
    )
    if row.state == "failed":
        message.error.CopyFrom(jobs_pb2.JobError(code=row.error_code, detail=row.error_detail))
    return message


def event_message(row: Row[Any]) -> jobs_pb2.JobEvent:
    """The event that a row of `jobs` stands at."""
    return jobs_pb2.JobEvent(seq=row.seq, state_seq=row.state_seq, job=job_message(row))


def percent(row: Row[Any]) -> float:
    """0 to 100: by the work where its size is known, else by units; 100 only when the job has succeeded."""
    if row.state == "succeeded":
        return 100.0
    done, total = (row.work_done, row.work_total) if row.work_total else (row.done, row.total)
    return round(min(99.9, 100 * done / total), 1) if total else 0.0


def detail(row: Row[Any]) -> str:
    """The counters as JSON; with `eta_seconds` while it runs and some of it is done."""
    done = percent(row)
    if row.state != "running" or not done:
        return row.detail
    elapsed = max(0.0, time.time() - row.started_at / 1000)
    return dumps(json.loads(row.detail) | {"eta_seconds": round(elapsed * (100 - done) / done, 1)})


def trace_id(traceparent: str) -> str:
    """The trace id in a W3C traceparent; empty when there is none."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 else ""  # noqa: PLR2004 - version-trace-span-flags


def added(total: dict[str, Any], new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """`total` with the counters of `new` instead of those of `old`; counters may stand one level deeper."""
    result = dict(total)
    for name in new.keys() | old.keys():
        value, before = new.get(name, 0), old.get(name, 0)
        if isinstance(value, dict) or isinstance(before, dict):
            total_part: Any = result.get(name)
            result[name] = added(total_part or {}, as_counters(value), as_counters(before))
        else:
            result[name] = result.get(name, 0) + value - before
    return result


def as_counters(value: Any) -> dict[str, Any]:
    """The counters one level deeper; none where there is nothing yet."""
    return value or {}


def dumps(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"))
