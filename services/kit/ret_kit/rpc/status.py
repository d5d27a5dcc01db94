"""Errors as gRPC statuses and back: kind ↔ status code, code and extra fields in `google.rpc.ErrorInfo`."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from ret_kit.errors import Kind, RemoteError, RetError

DOMAIN = "ret"
DETAILS_KEY = "grpc-status-details-bin"
_KIND, _TRANSIENT = "kind", "transient"

STATUS_OF: Mapping[Kind, grpc.StatusCode] = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.UNSUPPORTED: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.TOO_LARGE: grpc.StatusCode.OUT_OF_RANGE,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.CONFLICT: grpc.StatusCode.ABORTED,
    Kind.LOCKED: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.RATE_LIMITED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Kind.STORAGE_FULL: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.DEADLINE: grpc.StatusCode.DEADLINE_EXCEEDED,
    Kind.CANCELLED: grpc.StatusCode.CANCELLED,
    Kind.INTERNAL: grpc.StatusCode.INTERNAL,
}
"""Two kinds may share a status; which it was stands in the ErrorInfo."""

_OF_GRPC: Mapping[grpc.StatusCode, tuple[Kind, str, str, bool]] = {
    grpc.StatusCode.UNAVAILABLE: (Kind.UNAVAILABLE, "UNAVAILABLE", "A service is not available at the moment.", True),
    grpc.StatusCode.DEADLINE_EXCEEDED: (Kind.DEADLINE, "DEADLINE_EXCEEDED", "It took too long.", True),
    grpc.StatusCode.CANCELLED: (Kind.CANCELLED, "CANCELLED", "It was called off.", True),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (Kind.RATE_LIMITED, "TOO_BUSY", "There is too much to do.", True),
}
"""What a status means that gRPC itself gave, without an ErrorInfo; every other is INTERNAL."""


def to_status(error: RetError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """(status code, detail, trailing metadata) for an error."""
    code = STATUS_OF[error.kind]
    metadata = {**error.extra(), _KIND: str(error.kind)}
    if error.transient:
        metadata[_TRANSIENT] = "true"
    info = AnyMessage()
    info.Pack(error_details_pb2.ErrorInfo(reason=error.code, domain=DOMAIN, metadata=metadata))
    number: int = code.value[0]
    rich = status_pb2.Status(code=number, message=error.detail, details=[info])
    return code, error.detail, ((DETAILS_KEY, rich.SerializeToString()),)


def from_status(error: grpc.aio.AioRpcError, service: str) -> RemoteError:
    """The error a call to `service` was answered with; one that gRPC gave itself says nothing of its inside."""
    info = _info(error)
    if info is None:
        kind, code, detail, transient = _OF_GRPC.get(
            error.code(), (Kind.INTERNAL, "INTERNAL", "Something went wrong on our side.", False)
        )
        fields = {"retry_after": "2"} if kind is Kind.UNAVAILABLE else {}
        return RemoteError(kind=kind, code=code, detail=detail, transient=transient, fields=fields, service=service)
    fields = dict(info.metadata)
    kind_name, transient = fields.pop(_KIND, ""), fields.pop(_TRANSIENT, "") == "true"
    kind = Kind(kind_name) if kind_name in Kind.__members__ else Kind.INTERNAL
    detail = error.details() or ""
    return RemoteError(kind=kind, code=info.reason, detail=detail, transient=transient, fields=fields, service=service)


def is_ours(error: grpc.aio.AioRpcError) -> bool:
    """Whether a service of ours gave this status, and not gRPC."""
    return _info(error) is not None


def _info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo | None:
    for key, value in error.trailing_metadata() or ():
        if key != DETAILS_KEY or not isinstance(value, bytes):
            continue
        rich = status_pb2.Status.FromString(value)
        for packed in rich.details:
            info = error_details_pb2.ErrorInfo()
            if rich.code != code_pb2.OK and packed.Unpack(info) and info.domain == DOMAIN:
                return info
    return None
