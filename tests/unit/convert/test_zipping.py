from __future__ import annotations

import io
import os
import zipfile

import pytest

from ret_convert.export import zipping
from ret_convert.export.zipping import ZipStream, packed, stored


class Written:
    """What a stream has written, and how."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.archive = ZipStream(self.parts.append)

    def add(self, name: str, *chunks: bytes, expected: int = 0) -> None:
        self.archive.begin(name, expected=expected)
        for chunk in chunks:
            self.archive.write(packed(chunk))
        self.archive.end()

    def opened(self) -> zipfile.ZipFile:
        self.archive.close()
        found = zipfile.ZipFile(io.BytesIO(b"".join(self.parts)))
        assert found.testzip() is None
        return found


def test_entries_come_back() -> None:
    made = Written()
    made.add("a/b.txt", b"hello ", b"world")
    made.add("税.csv", b"x" * 100_000)
    made.add("empty")
    with made.opened() as archive:
        assert archive.namelist() == ["a/b.txt", "税.csv", "empty"]
        assert archive.read("a/b.txt") == b"hello world"
        assert archive.getinfo("税.csv").file_size == 100_000
        assert archive.getinfo("税.csv").compress_size < 1000


def test_what_is_packed_already_is_stored_in_blocks_of_any_length() -> None:
    made = Written()
    made.archive.begin("x")
    for size in (0, 1, 65_535, 65_536, 200_000):
        made.archive.write(stored(b"z" * size))
    made.archive.end()
    with made.opened() as archive:
        assert archive.read("x") == b"z" * 331_072


def test_blocks_of_both_kinds_make_one_content() -> None:
    made = Written()
    made.archive.begin("x")
    for part in (packed(b"a" * 70_000), stored(b"b" * 70_000), packed(b""), packed(b"c")):
        made.archive.write(part)
    made.archive.end()
    with made.opened() as archive:
        assert archive.read("x") == b"a" * 70_000 + b"b" * 70_000 + b"c"


def test_an_inner_archive_passes_on_what_it_holds_before_it_ends() -> None:
    made = Written()
    made.archive.enter("in.zip")
    made.archive.begin("noise")
    for _ in range(4):
        made.archive.write(stored(os.urandom(50_000)))
    assert sum(map(len, made.parts)) > 100_000
    made.archive.end()
    with made.opened() as archive:
        inner = zipfile.ZipFile(io.BytesIO(archive.read("in.zip")))
        assert inner.getinfo("noise").file_size == 200_000
        assert inner.testzip() is None


def test_an_empty_archive_is_one() -> None:
    assert Written().opened().namelist() == []


def test_the_first_bytes_come_before_the_content() -> None:
    made = Written()
    made.archive.begin("a")
    assert made.parts[0].startswith(b"PK\3\4")


def test_a_hundred_archives_one_inside_the_other() -> None:
    made = Written()
    for level in range(99):
        made.archive.enter(f"level{level}.zip")
    assert made.archive.depth == 99
    made.add("deep.txt", b"here")
    data = io.BytesIO(b"".join(made.parts))
    archive = made.opened()
    for level in range(99):
        data = io.BytesIO(archive.read(f"level{level}.zip"))
        archive = zipfile.ZipFile(data)
    assert archive.read("deep.txt") == b"here"


def test_after_an_inner_archive_the_outer_goes_on() -> None:
    made = Written()
    made.archive.enter("in.zip")
    made.add("a", b"1")
    made.archive.leave()
    made.add("b", b"2")
    with made.opened() as archive:
        assert archive.read("b") == b"2"
        assert zipfile.ZipFile(io.BytesIO(archive.read("in.zip"))).read("a") == b"1"


def test_an_entry_that_may_be_huge_has_wide_sizes() -> None:
    made = Written()
    made.add("big", b"1" * 1000, expected=zipping.MEMBER_LIMIT + 1)
    with made.opened() as archive:
        assert archive.read("big") == b"1" * 1000
        assert archive.getinfo("big").extract_version == 45


def test_an_entry_that_outgrows_narrow_sizes_is_still_right_in_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipping, "HUGE", 5000)
    made = Written()
    made.add("x", b"1" * 6000)
    made.archive.close()
    record = b"".join(made.parts).rpartition(b"PK\1\2")[2]
    # The name, then the extra field: number 1, 8 bytes, the size.
    assert record[42:].startswith(b"x\1\0\x08\0" + (6000).to_bytes(8, "little"))


def test_very_many_entries_are_told_in_the_wide_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipping, "RECORDS", 7)
    monkeypatch.setattr(zipping, "MANY", 20)  # where counts no longer fit; the wide directory has the right one
    made = Written()
    for number in range(50):
        made.add(str(number))
    with made.opened() as archive:
        assert len(archive.namelist()) == 50


def test_content_without_an_entry_is_a_mistake() -> None:
    made = Written()
    with pytest.raises(RuntimeError):
        made.archive.write(packed(b"x"))
    with pytest.raises(RuntimeError):
        made.archive.end()
