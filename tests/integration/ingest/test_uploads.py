from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable

import pytest
from ingest_bench import GOOD, Bench, User, opened, packed, working

from ret.ingest.v1 import ingest_pb2
from ret.jobs.v1 import jobs_pb2
from ret_ingest import worker
from ret_ingest.settings import IngestSettings
from ret_kit.auth import acting_as
from ret_kit.blobs import Blobs
from ret_kit.errors import Kind, RemoteError, Unavailable
from ret_kit.testing import AuthStandIn

FAILED = jobs_pb2.JOB_STATE_FAILED
KEY = {"idempotency_key": "key"}


async def refused(user: User, data: bytes, filename: str = "Upload.zip", **fields: str) -> RemoteError:
    with pytest.raises(RemoteError) as found:
        await user.upload(data, filename, fields)
    return found.value


async def test_an_upload_over_the_limit_is_refused_and_nothing_is_stored(
    make_settings: Callable[..., IngestSettings], auth: AuthStandIn
) -> None:
    async with opened(make_settings(ingest_upload_limit=1 << 20), auth) as bench:
        user = bench.user()
        error = await refused(user, packed({"a.xml": secrets.token_bytes(3 << 20)}))
        assert (error.kind, error.code) == (Kind.TOO_LARGE, "UPLOAD_TOO_LARGE")
        assert (bench.blob_files(), await user.collections()) == ([], [])


@pytest.mark.parametrize(
    "name,data,kind,code",
    [
        ("photo.jpg", b"\xff\xd8\xff" * 99, Kind.UNSUPPORTED, "NOT_SUPPORTED"),
        ("big.exe", b"MZ" + b"\1" * (1 << 20), Kind.UNSUPPORTED, "NOT_SUPPORTED"),
        ("empty.zip", b"", Kind.INVALID, "EMPTY_UPLOAD"),
    ],
)
async def test_what_is_no_upload_for_certain_is_refused_at_once(
    bench: Bench, user: User, name: str, data: bytes, kind: Kind, code: str
) -> None:
    error = await refused(user, data, name)
    assert (error.kind, error.code) == (kind, code)
    assert (bench.blob_files(), await user.collections()) == ([], [])


@pytest.mark.parametrize("fields", [{"grouping": "size"}, {"kind": "code"}, {"name": "x" * 301}])
async def test_a_choice_that_is_none_is_refused_with_its_field(
    bench: Bench, user: User, fields: dict[str, str]
) -> None:
    error = await refused(user, packed({"a.xml": GOOD}), **fields)
    assert (error.kind, error.extra()["field"]) == (Kind.INVALID, next(iter(fields)))
    assert bench.blob_files() == []


async def test_an_upload_needs_a_name(user: User) -> None:
    assert (await refused(user, GOOD, " ")).extra()["field"] == "file"


async def test_an_upload_that_was_cut_off_stores_nothing(bench: Bench, user: User) -> None:
    with pytest.raises(RemoteError, match="cut off"):
        await user.upload(packed({"a.xml": secrets.token_bytes(3 << 20)}), cut=True)
    assert (bench.blob_files(), await user.collections()) == ([], [])


async def test_chunks_without_a_header_are_refused(user: User) -> None:
    async def requests() -> AsyncIterator[ingest_pb2.UploadRequest]:
        yield ingest_pb2.UploadRequest(chunk=GOOD)

    with pytest.raises(RemoteError, match="header"), acting_as(user.who):
        await user.ingest.Upload(requests())


async def test_a_client_that_goes_away_leaves_nothing_behind(bench: Bench, user: User) -> None:
    sent = asyncio.Event()

    async def requests() -> AsyncIterator[ingest_pb2.UploadRequest]:
        yield ingest_pb2.UploadRequest(header=ingest_pb2.UploadHeader(filename="Upload.zip"))
        for _ in range(20):
            yield ingest_pb2.UploadRequest(chunk=b"PK\3\4" + secrets.token_bytes(1 << 20))
        sent.set()
        await asyncio.sleep(60)

    async def send() -> None:
        with acting_as(user.who):
            await user.ingest.Upload(requests())

    call = asyncio.create_task(send())
    await sent.wait()
    call.cancel()
    async with asyncio.timeout(10):
        while bench.blob_files():
            await asyncio.sleep(0.05)
    assert await user.collections() == []


class Endless:
    """An upload that has begun and goes on until it is refused."""

    def __init__(self, user: User) -> None:
        self.begun = asyncio.Event()
        self._user = user

    async def refusal(self, *, silent: bool = False) -> RemoteError:
        with pytest.raises(RemoteError) as found, acting_as(self._user.who):
            await self._user.ingest.Upload(self._requests(silent=silent))
        return found.value

    async def _requests(self, *, silent: bool) -> AsyncIterator[ingest_pb2.UploadRequest]:
        yield ingest_pb2.UploadRequest(header=ingest_pb2.UploadHeader(filename="Upload.zip"))
        for count in itertools.count():
            if count == 20:
                self.begun.set()
            if count >= 20:
                await asyncio.sleep(60 if silent else 0.05)
            yield ingest_pb2.UploadRequest(chunk=b"PK\3\4" + secrets.token_bytes(1 << 20))


@pytest.mark.parametrize("silent", [False, True])
async def test_an_upload_whose_session_closes_is_refused_at_once_and_leaves_nothing(idle: Bench, silent: bool) -> None:
    user, other = idle.user(), idle.user()
    upload = Endless(user)
    refusal = asyncio.create_task(upload.refusal(silent=silent))
    async with asyncio.timeout(20):
        await upload.begun.wait()
        await idle.app.bus.publish(f"sessions.closing.{user.who.session_id}", b"")
        assert (await refusal).kind is Kind.UNAUTHENTICATED
        while idle.blob_files():
            await asyncio.sleep(0.05)
    assert await user.collections() == []
    await other.upload(packed({"a.xml": GOOD}))


async def test_an_upload_whose_store_goes_with_its_session_is_refused_as_logged_out(
    idle: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = idle.user()

    async def gone(*_: object) -> None:
        raise Unavailable(what="storage")

    monkeypatch.setattr("ret_ingest.uploads.store", gone)
    assert (await refused(user, packed({"a.xml": GOOD}))).kind is Kind.UNAVAILABLE
    async with idle.ended_here(user):
        assert (await refused(user, packed({"a.xml": GOOD}))).kind is Kind.UNAUTHENTICATED


async def test_fields_behind_the_file_count_too(user: User) -> None:
    async def requests() -> AsyncIterator[ingest_pb2.UploadRequest]:
        yield ingest_pb2.UploadRequest(header=ingest_pb2.UploadHeader(filename="a.xml"))
        yield ingest_pb2.UploadRequest(chunk=GOOD)
        yield ingest_pb2.UploadRequest(trailer=ingest_pb2.UploadTrailer(name="Named", grouping="name"))

    with acting_as(user.who):
        answer = await user.ingest.Upload(requests())
    assert (answer.collection.name, answer.collection.grouping) == ("Named", "name")


async def test_the_same_key_gives_the_first_answer_and_stores_once(bench: Bench, user: User) -> None:
    first = await user.upload(packed({"a.xml": GOOD}), fields=KEY)
    again = await user.upload(packed({"b.xml": GOOD}), fields=KEY)
    assert again == first
    other = await bench.user().upload(packed({"a.xml": GOOD}), fields=KEY)
    assert other.collection.id != first.collection.id


async def test_the_same_key_at_the_same_time_stores_once(idle: Bench) -> None:
    user = idle.user()
    answers = await asyncio.gather(*(user.upload(packed({"a.xml": GOOD}), chunk=50, fields=KEY) for _ in range(5)))
    assert len({answer.collection.id for answer in answers}) == 1
    assert len(idle.blob_files()) == len(await user.collections()) == 1


async def test_a_session_that_has_ended_here_uploads_nothing(bench: Bench) -> None:
    user = bench.user()
    async with bench.ended_here(user):
        error = await refused(user, packed({"a.xml": GOOD}))
    assert error.kind is Kind.UNAUTHENTICATED
    assert bench.blob_files() == []


@pytest.mark.parametrize(
    "name,data,code",
    [
        ("Upload.zip", b"PK\3\4" + b"\xff" * 400, "ARCHIVE_CORRUPT"),
        ("Upload.zip", packed({}), "EMPTY_UPLOAD"),
        ("letter.docx", packed({"[Content_Types].xml": b"<a/>"}), "NOT_SUPPORTED"),
    ],
)
async def test_a_scan_that_must_fail_fails_the_collection_and_leaves_nothing(
    bench: Bench, user: User, name: str, data: bytes, code: str
) -> None:
    answer = await user.upload(data, name)
    job = await user.ended(answer.job)
    assert (job.state, job.error.code, job.attempt) == (FAILED, code, 1)
    assert (await user.collection(answer.collection.id)).status == "failed"
    await bench.settled()
    assert bench.blob_files() == []
    assert (await user.collection(answer.collection.id)).status == "failed"


@pytest.mark.parametrize(
    "limits,code",
    [({"ingest_entries_limit": 2}, "TOO_MANY_ENTRIES"), ({"ingest_inflated_limit": 100}, "ARCHIVE_TOO_LARGE")],
)
async def test_the_guards_of_a_scan_are_settings(
    make_settings: Callable[..., IngestSettings], auth: AuthStandIn, limits: dict[str, int], code: str
) -> None:
    settings = make_settings(**limits)
    async with opened(settings, auth) as bench, working(settings):
        user = bench.user()
        answer = await user.upload(packed({f"{n}.xml": GOOD for n in range(3)}))
        assert (await user.ended(answer.job)).error.code == code
        await bench.settled()
        assert bench.blob_files() == []


@pytest.mark.parametrize(
    "limits,code,path",
    [
        ({"ingest_entries_limit": 5}, "TOO_MANY_ENTRIES", "deep/secret.zip"),
        ({"ingest_inflated_limit": 4500}, "ARCHIVE_TOO_LARGE", "deep/secret.zip/2.xml"),
    ],
)
async def test_where_a_guard_stopped_a_scan_is_told_to_the_user_alone(
    make_settings: Callable[..., IngestSettings],
    auth: AuthStandIn,
    capfd: pytest.CaptureFixture[str],
    limits: dict[str, int],
    code: str,
    path: str,
) -> None:
    settings = make_settings(**limits)
    async with opened(settings, auth) as bench, working(settings):
        user = bench.user()
        inner = packed({f"{n}.xml": b"<a>" + b"x" * 1500 for n in range(4)})
        answer = await user.upload(packed({"._a": b"x", "deep/secret.zip": inner}))
        job = await user.ended(answer.job)
        assert (job.state, job.error.code) == (FAILED, code)
        await bench.settled()
        collection = await user.collection(answer.collection.id)
        assert collection.status == "failed"
        assert [(warning.code, warning.path) for warning in collection.warnings] == [(code, path)]
        assert "secret" not in str(job)
        assert bench.blob_files() == []
    assert "secret" not in "".join(capfd.readouterr())


async def test_what_was_skipped_is_told_with_its_path(user: User) -> None:
    inner = packed({"._x.xml": b"junk", "good.xml": GOOD})
    collection = await user.scanned(packed({"../evil.xml": GOOD, "in.zip": inner}))
    assert [(warning.code, warning.path) for warning in collection.warnings] == [
        ("ENTRY_NAME", "evil.xml"),
        ("SYSTEM_FILE_SKIPPED", "in.zip/._x.xml"),
    ]


async def test_more_warnings_than_a_message_holds_are_counted(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_ingest.server.WARNINGS", 2)
    collection = await user.scanned(packed({f"._{n}": b"x" for n in range(5)} | {"a.xml": GOOD}))
    assert [warning.code for warning in collection.warnings] == ["SYSTEM_FILE_SKIPPED"] * 2 + ["WARNINGS_CUT"]
    assert collection.warnings[-1].detail.startswith("3 ")


async def test_more_groups_than_a_message_holds_are_counted(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_ingest.messages.GROUPS", 2)
    files = {"AR_x/1.xml": GOOD, "CE_x/1.xml": GOOD, "CE_x/2.xml": GOOD, "AP_x/1.xml": GOOD, "AP_x/2.xml": GOOD}
    collection = await user.scanned(packed(files))
    assert [group.name for group in collection.groups] == ["AP", "CE"]
    assert [(warning.code, warning.detail[:2]) for warning in collection.warnings] == [("GROUPS_CUT", "1 ")]


async def test_long_warnings_are_cut_by_their_length(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_ingest.server.WARNING_CHARACTERS", 200)
    collection = await user.scanned(packed({f"._{n}": b"x" for n in range(20)} | {"a.xml": GOOD}))
    assert 0 < len(collection.warnings) < 6
    assert collection.warnings[-1].code == "WARNINGS_CUT"


async def test_a_bigger_inventory_is_written_in_several_transactions(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ROWS", 7)
    collection = await user.scanned(packed({f"AR_x/{n:03d}.xml": GOOD for n in range(50)}))
    assert [document.name for document in await user.documents(collection.id)] == [f"{n:03d}.xml" for n in range(50)]


async def test_a_scan_that_breaks_off_while_it_writes_is_done_again_whole(
    bench: Bench, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ROWS", 7)
    fill, calls = worker.filing.fill, 0

    async def failing(*args: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Unavailable(what="database")
        await fill(*args)  # pyright: ignore[reportArgumentType] - passed on as they came

    monkeypatch.setattr(worker.filing, "fill", failing)
    collection = await user.scanned(packed({f"AR_x/{n:03d}.xml": GOOD for n in range(50)}))
    assert len(await user.documents(collection.id)) == 50
    assert {key.split("/")[4] for key in await bench.blobs()} == {"2"}


async def test_a_scan_that_is_cancelled_leaves_nothing_and_the_collection_failed(idle: Bench) -> None:
    user = idle.user()
    answer = await user.upload(packed({"a.xml": GOOD}))
    with acting_as(user.who):
        await user.jobs.Cancel(jobs_pb2.CancelRequest(job_id=answer.job.id))
    assert (await user.collection(answer.collection.id)).status == "failed"
    async with working(idle.settings):
        await idle.settled()
    assert idle.blob_files() == []
    assert (await user.collection(answer.collection.id)).status == "failed"


async def test_an_upload_whose_blob_is_gone_fails_for_good(idle: Bench) -> None:
    user = idle.user()
    answer = await user.upload(packed({"a.xml": GOOD}))
    blobs: Blobs = idle.app.blobs
    await blobs.delete_prefix("sessions/")
    async with working(idle.settings):
        assert (await user.ended(answer.job)).error.code == "NOT_FOUND"


async def test_the_end_of_a_session_takes_everything_with_it(bench: Bench, user: User) -> None:
    other = bench.user()
    kept = await other.scanned(packed({"AR_x/1.xml": GOOD}))
    await user.scanned(packed({"canary_name.xml": b"<a>canary_value</a>", "._x": b"x"}))
    rows, blobs = await bench.end(user)
    assert rows > 5
    assert blobs > 0
    assert not any(user.who.session_id in name for name in bench.blob_files())
    assert not bench.found_in_data(b"canary")
    assert (await other.collection(kept.id)).documents == 1
