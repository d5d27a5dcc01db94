from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ret_kit.blobs import Blobs, Stored, session_prefix, wrapped
from ret_kit.errors import AlreadyThere, BlobDamaged, NotFound, StorageFull, Unavailable

MIB = 1 << 20
KEY = "sessions/s1/jobs/j1/1/pack"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(folder: Path) -> Blobs:
    return Blobs(folder.as_uri())


async def pieces(count: int, size: int = MIB) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 251]) * size


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def all_of(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def test_what_is_put_is_what_is_got(blobs: Blobs) -> None:
    stored = await blobs.put(KEY, b"hello")
    assert (stored.key, stored.size, stored.sha256) == (KEY, 5, hashlib.sha256(b"hello").hexdigest())
    assert await blobs.get(KEY) == b"hello"


async def test_a_stream_is_stored_whole_with_its_size_and_digest(blobs: Blobs) -> None:
    stored = await blobs.put_stream(KEY, pieces(20))
    content = await blobs.get(KEY)
    assert (stored.size, stored.sha256) == (20 * MIB, hashlib.sha256(content).hexdigest())
    assert content[5 * MIB] == 5


@pytest.fixture(params=["folder", "memory"])
def any_store(request: pytest.FixtureRequest, folder: Path) -> Blobs:
    return Blobs(folder.as_uri() if request.param == "folder" else "memory:///")


async def test_what_is_there_is_not_created_again_and_stays_as_it_was(any_store: Blobs) -> None:
    stored = await any_store.create(KEY, b"first")
    assert (stored.size, stored.sha256) == (5, hashlib.sha256(b"first").hexdigest())
    with pytest.raises(AlreadyThere) as raised:
        await any_store.create(KEY, b"second")
    with pytest.raises(AlreadyThere):
        any_store.create_sync(KEY, b"third")
    assert (raised.value.key, raised.value.code) == (KEY, "ALREADY_THERE")
    assert await any_store.get(KEY) == b"first"
    assert any_store.create_sync(f"{KEY}2", b"x").size == 1


async def test_of_many_who_create_a_key_at_once_one_succeeds_and_its_bytes_are_there(any_store: Blobs) -> None:
    for number in range(20):
        key = f"{KEY}{number}"
        tries = (any_store.create(key, bytes([one]) * 1000) for one in range(8))
        results = await asyncio.gather(*tries, return_exceptions=True)
        [winner] = [at for at, one in enumerate(results) if isinstance(one, Stored)]
        assert sum(isinstance(one, AlreadyThere) for one in results) == 7
        assert await any_store.get(key) == bytes([winner]) * 1000


async def test_creating_leaves_nothing_beside_the_key(blobs: Blobs, folder: Path) -> None:
    await blobs.create(KEY, b"first")
    with pytest.raises(AlreadyThere):
        await blobs.create(KEY, b"second")
    assert files(folder) == [KEY]


async def test_an_empty_stream_is_an_empty_blob(blobs: Blobs) -> None:
    stored = await blobs.put_stream(KEY, pieces(0))
    assert (stored.size, await blobs.get(KEY)) == (0, b"")


async def test_a_stream_of_many_small_pieces_is_stored_whole(blobs: Blobs) -> None:
    stored = await blobs.put_stream(KEY, pieces(5000, 3))
    assert (stored.size, len(await blobs.get(KEY))) == (15_000, 15_000)


def test_memory_stays_flat_while_a_hundred_megabytes_go_in_and_out(folder: Path) -> None:
    program = f"""
import asyncio, resource
from ret_kit.blobs import Blobs

async def pieces():
    for _ in range(COUNT):
        yield bytes(1 << 20)

async def main():
    blobs = Blobs({folder.as_uri()!r})
    stored = await blobs.put_stream({KEY!r}, pieces())
    async for chunk in blobs.stream({KEY!r}, sha256=stored.sha256, size=stored.size):
        pass
    with blobs.writer({KEY!r} + "w") as file:
        for _ in range(COUNT):
            file.write(bytes(1 << 20))
    with blobs.reader({KEY!r} + "w") as file:
        while file.read(1 << 20):
            pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

asyncio.run(main())
"""
    few, many = (
        int(subprocess.run([sys.executable, "-c", program.replace("COUNT", count)], check=True, stdout=-1).stdout)
        for count in ("20", "120")
    )
    assert many - few < 40 * 1024, "KiB"


async def test_a_stream_that_breaks_off_leaves_nothing(blobs: Blobs, folder: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        async for piece in pieces(20):
            yield piece
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        await blobs.put_stream(KEY, broken())
    assert files(folder) == []


async def test_a_cancelled_upload_leaves_nothing(blobs: Blobs, folder: Path) -> None:
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        async for piece in pieces(20):
            yield piece
        reached.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(blobs.put_stream(KEY, endless()))
    await reached.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    async with asyncio.timeout(5):
        while files(folder):
            await asyncio.sleep(0.02)


async def test_a_range_is_its_bytes(blobs: Blobs) -> None:
    await blobs.put(KEY, b"0123456789")
    assert await blobs.get(KEY, 3, 4) == b"3456"
    assert await blobs.get(KEY, 7) == b"789"
    assert await blobs.get(KEY, 10) == b""
    assert await blobs.get(KEY, 4, 0) == b""


@pytest.mark.parametrize("offset, length", [(8, 5), (10, 1), (99, 1)])
async def test_a_range_that_is_not_all_there_is_damage(blobs: Blobs, offset: int, length: int) -> None:
    await blobs.put(KEY, b"0123456789")
    with pytest.raises(BlobDamaged):
        await blobs.get(KEY, offset, length)
    with pytest.raises(BlobDamaged):
        blobs.get_sync(KEY, offset, length)


async def test_a_range_with_its_digest_is_given(blobs: Blobs) -> None:
    await blobs.put_stream(KEY, pieces(4))
    digest = hashlib.sha256(b"\x01" * MIB).hexdigest()
    assert await all_of(blobs.stream(KEY, MIB, MIB, sha256=digest)) == b"\x01" * MIB


async def test_a_damaged_blob_is_never_given_whole(blobs: Blobs, folder: Path) -> None:
    stored = await blobs.put_stream(KEY, pieces(4))
    with (folder / KEY).open("r+b") as file:
        file.seek(10)
        file.write(b"!")
    got: list[bytes] = []

    async def read() -> None:
        async for chunk in blobs.stream(KEY, sha256=stored.sha256, size=stored.size):
            got.append(chunk)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(BlobDamaged) as raised:
        await read()
    assert (raised.value.code, raised.value.key) == ("BLOB_DAMAGED", KEY)
    assert sum(map(len, got)) < stored.size


async def test_a_blob_that_was_cut_is_damaged(blobs: Blobs, folder: Path) -> None:
    stored = await blobs.put_stream(KEY, pieces(4))
    os.truncate(folder / KEY, 3 * MIB)
    with pytest.raises(BlobDamaged):
        await all_of(blobs.stream(KEY, size=stored.size))


async def test_an_absent_blob_is_not_found_and_no_path_is_told(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as raised:
        await blobs.get(KEY)
    with pytest.raises(NotFound):
        blobs.reader(KEY)
    assert str(tmp_path) not in f"{raised.value} {raised.value.__cause__} {raised.value.extra()}"


@pytest.mark.parametrize("key", ["", "/", "/etc/passwd", "../x", "sessions/../../x", "a//b", "a/.hidden", "ä", "a b"])
async def test_a_key_that_is_not_made_of_ids_is_a_mistake(blobs: Blobs, key: str) -> None:
    with pytest.raises(ValueError, match="ids"):
        await blobs.put(key, b"")
    with pytest.raises(ValueError, match="ids"):
        await blobs.delete(key)


async def test_a_prefix_takes_its_own_keys_only(blobs: Blobs) -> None:
    for key in ("sessions/s1/a", "sessions/s1/jobs/b", "sessions/s10/c", "sessions/s2/d"):
        await blobs.put(key, b"x")
    assert await blobs.keys(session_prefix("s1")) == ["sessions/s1/a", "sessions/s1/jobs/b"]
    assert blobs.keys_sync(session_prefix("s1")) == ["sessions/s1/a", "sessions/s1/jobs/b"]
    assert blobs.keys_sync(session_prefix("s3")) == []
    assert await blobs.delete_prefix(session_prefix("s1")) == 2
    assert await blobs.keys("sessions/") == ["sessions/s10/c", "sessions/s2/d"]
    assert await blobs.delete_prefix(session_prefix("s1")) == 0


async def test_deleting_twice_is_the_same_as_once(blobs: Blobs) -> None:
    await blobs.put(KEY, b"x")
    await blobs.delete(KEY)
    await blobs.delete(KEY)
    with pytest.raises(NotFound):
        await blobs.get(KEY)


def test_the_end_of_a_session_takes_the_parts_of_a_killed_write_along(blobs: Blobs, folder: Path) -> None:
    program = f"""
import sys, time
from ret_kit.blobs import Blobs
file = Blobs({folder.as_uri()!r}).writer({KEY!r})
for _ in range(40):
    file.write(b"canary" * 100_000)
print("written", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    assert files(folder) == [f"{KEY}#1"]
    assert blobs.delete_prefix_sync(session_prefix("s1")) == 0
    assert files(folder) == []


async def test_a_child_writes_and_reads_without_an_event_loop(blobs: Blobs) -> None:
    with blobs.writer(KEY) as file:
        for _ in range(20):
            file.write(b"ab" * (MIB // 2))
    assert file.stored() == Stored(KEY, 20 * MIB, hashlib.sha256(b"ab" * 10 * MIB).hexdigest())
    assert blobs.get_sync(KEY, 19 * MIB, 4) == b"abab"
    assert blobs.put_sync("sessions/s1/small", b"x").size == 1
    assert blobs.delete_prefix_sync(session_prefix("s1")) == 2
    assert await blobs.keys(session_prefix("s1")) == []


def test_an_error_while_writing_leaves_nothing(blobs: Blobs, folder: Path) -> None:
    def write() -> None:
        with blobs.writer(KEY) as file:
            for _ in range(20):
                file.write(bytes(MIB))
            raise KeyError("x")

    with pytest.raises(KeyError):
        write()
    assert files(folder) == []


def test_a_reader_over_a_range_is_a_seekable_file_of_its_own(blobs: Blobs) -> None:
    blobs.put_sync(KEY, b"0123456789")
    with blobs.reader(KEY, 2, 6) as file:
        assert file.read(2) == b"23"
        assert (file.seek(-2, os.SEEK_END), file.read()) == (4, b"67")
        assert (file.seek(1), file.tell(), file.read(3)) == (1, 1, b"345")
        assert (file.seek(100), file.read()) == (100, b"")
        with pytest.raises(OSError, match="negative"):
            file.seek(-1)


def test_reading_on_from_where_a_reader_is_gives_the_same_bytes_as_reading_at_once(blobs: Blobs) -> None:
    content = os.urandom(3 * MIB + 17)
    blobs.put_sync(KEY, content)
    with blobs.reader(KEY) as file:
        pieces_read = [file.read(70_001) for _ in range(50)]
    assert b"".join(pieces_read) == content


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError(122, "Disk quota exceeded")])
def test_a_full_disk_is_storage_full(error: OSError) -> None:
    with pytest.raises(StorageFull), wrapped():
        raise error


async def test_a_store_that_cannot_be_written_is_unavailable_and_names_no_path(folder: Path, blobs: Blobs) -> None:
    (folder / "sessions").write_text("a file where a folder should be")
    with pytest.raises(Unavailable) as raised:
        await blobs.put(KEY, b"x")
    with pytest.raises(Unavailable), blobs.writer(KEY) as file:
        file.write(bytes(20 * MIB))
    assert str(folder) not in f"{raised.value}{raised.value.__cause__}"


async def test_a_store_that_is_no_folder_keeps_the_same_promises() -> None:
    blobs = Blobs("memory:///")
    await blobs.put_stream("sessions/s1/a", pieces(2))
    await blobs.put("sessions/s1/b", b"0123456789")
    assert await blobs.get("sessions/s1/b", 3, 4) == b"3456"
    assert await blobs.delete_prefix(session_prefix("s1")) == 2
    await blobs.delete("sessions/s1/b")
    with pytest.raises(NotFound):
        await blobs.get("sessions/s1/b")


async def test_two_services_remove_the_same_folder_at_once(blob_url: str) -> None:
    blobs = Blobs(blob_url)
    for _ in range(5):
        for number in range(300):
            await blobs.put(f"sessions/a/jobs/{number % 30}/{number}", b"x")
        await asyncio.gather(*(blobs.delete_prefix("sessions/a/") for _ in range(4)))
        assert await blobs.keys("sessions/") == []
