"""From the services' messages to the bodies of the REST contract. Protobuf stops here."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from ret.jobs.v1 import jobs_pb2
from ret_gateway import models, people_models

if TYPE_CHECKING:
    from ret.auth.v1 import auth_pb2
    from ret.convert.v1 import convert_pb2, tables_pb2
    from ret.ingest.v1 import ingest_pb2

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

JOB_STATES: dict[int, models.JobState] = {
    jobs_pb2.JOB_STATE_QUEUED: "queued",
    jobs_pb2.JOB_STATE_RUNNING: "running",
    jobs_pb2.JOB_STATE_SUCCEEDED: "succeeded",
    jobs_pb2.JOB_STATE_FAILED: "failed",
    jobs_pb2.JOB_STATE_CANCELLED: "cancelled",
}


def moment(milliseconds: int) -> datetime | None:
    """Milliseconds since 1970 as a moment in UTC; 0 is "not yet" and gives None."""
    return EPOCH + timedelta(milliseconds=milliseconds) if milliseconds else None


def job(message: jobs_pb2.Job) -> models.Job:
    """The job of a service; its result and progress detail are JSON objects there too."""
    return models.Job(
        id=message.id,
        type=message.type,
        state=JOB_STATES[message.state],
        progress=models.Progress(
            done=message.progress.done,
            total=message.progress.total,
            unit=message.progress.unit,
            percent=message.progress.percent,
            detail=models.ProgressDetail.model_validate(json.loads(message.progress.detail_json or "{}")),
        ),
        attempt=message.attempt,
        result=cast("dict[str, Any]", json.loads(message.result_json)) if message.result_json else None,
        error=models.JobFailure(code=message.error.code, detail=message.error.detail) if message.error.code else None,
        correlation_id=message.correlation_id,
        trace_id=message.trace_id,
        created_at=moment(message.created_at_ms),
        started_at=moment(message.started_at_ms),
        finished_at=moment(message.finished_at_ms),
    )


def _limits(message: auth_pb2.Limits) -> people_models.Limits:
    return people_models.Limits(upload_bytes=message.upload_bytes, running_tasks=message.running_tasks)


def user(message: auth_pb2.User) -> people_models.User:
    """A user as they see themselves."""
    return people_models.User(
        id=message.id,
        username=message.username,
        role=cast("Any", message.role),
        must_change_password=message.must_change_password,
        limits=_limits(message.limits),
    )


def listed_user(message: auth_pb2.User) -> people_models.ListedUser:
    """A user as administrators see them."""
    return people_models.ListedUser(
        **user(message).model_dump(),
        status=message.status,
        created_at=moment(message.created_at_ms),
        version=message.version,
    )


def grant(message: auth_pb2.Grant) -> people_models.Grant:
    """A login's answer, without the refresh token."""
    return people_models.Grant(
        access_token=message.access_token,
        expires_in=message.expires_in_seconds,
        session_id=message.session_id,
        user=user(message.user),
        idle_expires_at=moment(message.idle_expires_at_ms),
        absolute_expires_at=moment(message.absolute_expires_at_ms),
    )


def session(message: auth_pb2.Session) -> people_models.Session:
    """A session as its user sees it."""
    return people_models.Session(
        id=message.id,
        created_at=moment(message.created_at_ms),
        last_seen=moment(message.last_seen_ms),
        address=message.address,
        user_agent=message.user_agent,
        current=message.current,
    )


def administered_session(message: auth_pb2.Session) -> people_models.AdministeredSession:
    """A session as administrators see it."""
    return people_models.AdministeredSession(
        **session(message).model_dump(),
        user_id=message.user_id,
        username=message.username,
        state=message.state,
        expires_at=moment(message.expires_at_ms),
    )


def warning(message: ingest_pb2.Warning) -> models.Warning:
    """One thing that was skipped, refused or salvaged."""
    return models.Warning(code=message.code, path=message.path, detail=message.detail)


def group(message: ingest_pb2.Group) -> models.Group:
    """A group with its figures."""
    return models.Group(
        name=message.name,
        documents=message.documents,
        bytes=message.bytes,
        converted=message.converted,
        auto_index=message.auto_index,
        index=cast("Any", message.index or "none"),
    )


def collection(message: ingest_pb2.Collection) -> models.Collection:
    """A collection with its groups, warnings and figures."""
    return models.Collection(
        id=message.id,
        name=message.name,
        kind=cast("Any", message.kind),
        status=cast("Any", message.status),
        grouping=cast("Any", message.grouping),
        created_at=moment(message.created_at_ms),
        bytes=message.bytes,
        documents=message.documents,
        groups=[group(one) for one in message.groups],
        warnings=[warning(one) for one in message.warnings],
        stats=models.Stats(
            containers=message.stats.containers,
            max_depth=message.stats.max_depth,
            other_files=message.stats.other_files,
            seconds=message.stats.seconds,
        ),
    )


def uploaded(message: ingest_pb2.UploadResponse) -> models.CollectionAnswer:
    """The answer to an upload: the collection being scanned, and the scan's job."""
    return models.CollectionAnswer(collection=collection(message.collection), job=job(message.job))


def document(message: ingest_pb2.Document) -> models.Document:
    """A document; `method` and `fidelity` are null until it has been converted."""
    return models.Document(
        id=message.id,
        collection_id=message.collection_id,
        path=message.path,
        name=message.name,
        group=message.group,
        group_reason=message.group_reason,
        bytes=message.bytes,
        media_type=message.media_type,
        status=cast("Any", message.status),
        method=message.method or None,
        fidelity=message.fidelity if message.HasField("fidelity") else None,
        tables=[
            models.TableRef(
                id=table.id, name=table.name, role=cast("Any", table.role), rows=table.rows, columns=table.columns
            )
            for table in message.tables
        ],
        warnings=[warning(one) for one in message.warnings],
    )


def table_head(message: convert_pb2.PageHeader) -> dict[str, Any]:
    """A page of a table, but for its rows (`models.TablePage`)."""
    return {
        "id": message.table_id,
        "document_id": message.document_id,
        "collection_id": message.collection_id,
        "name": message.name,
        "role": message.role,
        "version": message.version,
        "total_rows": message.total_rows,
        "matched_rows": message.matched_rows,
        "columns": [{"name": one.name, "path": one.path, "type": one.type} for one in message.columns],
    }


def table_profile(message: tables_pb2.ProfileResponse) -> models.TableProfile:
    """What columns of a table hold."""
    return models.TableProfile(version=message.version, columns=[_column_profile(one) for one in message.columns])


def _column_profile(one: tables_pb2.ColumnProfile) -> models.ColumnProfile:
    return models.ColumnProfile(
        name=one.name,
        type=cast("Any", one.type),
        count=one.count,
        nulls=one.nulls,
        empty=one.empty,
        distinct=one.distinct,
        min=one.min if one.HasField("min") else None,
        max=one.max if one.HasField("max") else None,
        top=[models.ValueCount(value=value.value, count=value.count) for value in one.top],
        counted=one.counted,
        exact=one.counted == one.count,
    )


def shape(message: convert_pb2.ShapeResponse) -> models.DocumentShape:
    """How a document was cut into records; no record path where there are none to choose."""
    return models.DocumentShape(
        document_id=message.document_id,
        layout=cast("Any", message.layout),
        record_path=message.record_path or None,
        chosen=message.chosen,
        candidates=[
            models.Candidate(path=one.path, count=one.count, fields=one.fields, share=one.share)
            for one in message.candidates
        ],
        more=message.more,
    )


def started(message: convert_pb2.StartResponse) -> models.JobAnswer:
    """The answer to a conversion order."""
    return models.JobAnswer(job=job(message.job))


def job_message(event: jobs_pb2.JobEvent) -> str:
    """The websocket's message for an event, as JSON text."""
    return models.JobMessage(seq=event.seq, job=job(event.job)).model_dump_json()
