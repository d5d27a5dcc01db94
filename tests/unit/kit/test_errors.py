from __future__ import annotations

from dataclasses import dataclass

import grpc
import pytest

from ret_kit.errors import (
    BlobDamaged,
    Forbidden,
    Invalid,
    Kind,
    NotFound,
    PasswordChangeRequired,
    RemoteError,
    RetError,
    StorageFull,
    Unauthenticated,
    Unavailable,
    unwrapped,
)
from ret_kit.rpc.status import DETAILS_KEY, STATUS_OF, from_status, to_status


@dataclass(kw_only=True)
class TooDeep(RetError):
    depth: int
    limit: int
    kind = Kind.INVALID
    code = "TOO_DEEP"

    @property
    def detail(self) -> str:
        return f"{self.depth} levels are more than {self.limit}."

    def extra(self) -> dict[str, str]:
        return {"limit": str(self.limit)}


EVERY_ERROR: list[RetError] = [
    TooDeep(depth=257, limit=256),
    Invalid(field="limit", reason="is above 1000"),
    NotFound(what="table"),
    Unauthenticated(reason="expired"),
    Forbidden(),
    PasswordChangeRequired(),
    Unavailable(what="database"),
    StorageFull(),
    BlobDamaged("sessions/s/x"),
    RetError(),
]


def over_the_wire(error: RetError) -> RemoteError:
    code, detail, trailing = to_status(error)
    received = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), detail)
    return from_status(received, "ingest")


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: error.code)
def test_an_error_comes_over_as_it_was(error: RetError) -> None:
    got = over_the_wire(error)
    assert (got.kind, got.code, got.detail) == (error.kind, error.code, error.detail)
    assert (got.extra(), got.transient, got.service) == (error.extra(), error.transient, "ingest")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_status_and_comes_back(kind: Kind) -> None:
    error = RemoteError(kind=kind, code="SOME_CODE", detail="Some detail.", fields={"retry_after": "3"}, transient=True)
    assert STATUS_OF[kind] is not grpc.StatusCode.OK
    got = over_the_wire(error)
    assert (got.kind, got.code, got.extra(), got.transient) == (kind, "SOME_CODE", {"retry_after": "3"}, True)


def test_why_somebody_is_not_logged_in_stays_in_the_house() -> None:
    code, detail, trailing = to_status(Unauthenticated(reason="forged"))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert "forged" not in detail
    assert b"forged" not in dict(trailing)[DETAILS_KEY]


@pytest.mark.parametrize(
    "status, kind, transient",
    [
        (grpc.StatusCode.UNAVAILABLE, Kind.UNAVAILABLE, True),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Kind.DEADLINE, True),
        (grpc.StatusCode.CANCELLED, Kind.CANCELLED, True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Kind.RATE_LIMITED, True),
        (grpc.StatusCode.UNIMPLEMENTED, Kind.INTERNAL, False),
        (grpc.StatusCode.INTERNAL, Kind.INTERNAL, False),
        (grpc.StatusCode.UNKNOWN, Kind.INTERNAL, False),
    ],
)
def test_what_grpc_says_itself_is_told_without_its_words(status: grpc.StatusCode, kind: Kind, transient: bool) -> None:
    received = grpc.aio.AioRpcError(
        status, grpc.aio.Metadata(), grpc.aio.Metadata(), "failed to connect to 10.0.0.7:9102"
    )
    got = from_status(received, "ingest")
    assert (got.kind, got.transient) == (kind, transient)
    assert "10.0.0.7" not in f"{got.detail} {got.extra()}"


def test_details_of_somebody_else_are_not_taken_for_ours() -> None:
    code, detail, trailing = to_status(NotFound(what="table"))
    foreign = dict(trailing)[DETAILS_KEY].replace(b"\x03ret", b"\x03foo")
    received = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata((DETAILS_KEY, foreign)), detail)
    assert from_status(received, "ingest").code == "INTERNAL"


def test_a_kind_this_version_does_not_know_is_internal() -> None:
    code, detail, trailing = to_status(NotFound(what="table"))
    newer = (
        dict(trailing)[DETAILS_KEY]
        .replace(b"\x09NOT_FOUND\x12", b"\x09NOT_FOUND\x12")
        .replace(b"kind\x12\tNOT_FOUND", b"kind\x12\tNEW_FOUND")
    )
    received = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata((DETAILS_KEY, newer)), detail)
    got = from_status(received, "ingest")
    assert (got.kind, got.code) == (Kind.INTERNAL, "NOT_FOUND")


def test_an_error_says_its_code_and_its_detail() -> None:
    assert str(TooDeep(depth=257, limit=256)) == "TOO_DEEP: 257 levels are more than 256."
    assert repr(TooDeep(depth=257, limit=256)) == "TooDeep(depth=257, limit=256)"


def test_errors_can_be_kept_in_a_set() -> None:
    kept: list[Exception] = [TooDeep(depth=1, limit=1), NotFound(what="x")]
    assert len(set(kept)) == 2


def test_the_error_of_a_task_group_is_the_one_of_ours_inside() -> None:
    missing = NotFound(what="table")
    group = ExceptionGroup("all", [ValueError("x"), ExceptionGroup("inner", [missing])])
    assert unwrapped(group) is missing


def test_a_group_without_one_of_ours_is_its_first_error() -> None:
    first = ValueError("x")
    assert unwrapped(ExceptionGroup("all", [first, KeyError("y")])) is first


def test_what_is_no_group_is_itself() -> None:
    error = ValueError("x")
    assert unwrapped(error) is error
