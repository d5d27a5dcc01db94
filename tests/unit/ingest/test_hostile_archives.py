from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zip_samples import (
    GOOD,
    STORED,
    MemorySpool,
    Record,
    deflated,
    overlapping,
    packed,
    plain,
    walked,
    written,
)

from ret_ingest.archive import Budget, Limits, entries
from ret_ingest.errors import (
    ArchiveOverlap,
    ArchiveTooLarge,
    TooManyEntries,
)
from ret_kit.errors import RetError

# --- damage -----------------------------------------------------------------------------------------------------


def test_an_encrypted_entry_is_a_warning_and_the_rest_goes_on() -> None:
    found = walked(packed(Record("secret.xml", flags=1), Record("good.xml")))
    assert (found.warnings, found.paths) == ([("ENTRY_ENCRYPTED", "secret.xml")], ["good.xml"])


def test_an_unknown_method_is_a_warning_and_the_rest_goes_on() -> None:
    found = walked(packed(Record("odd.xml", method=97), Record("good.xml")))
    assert (found.warnings, found.paths) == ([("ENTRY_UNSUPPORTED", "odd.xml")], ["good.xml"])


@pytest.mark.parametrize("method", [STORED, 8])
def test_a_wrong_sum_is_a_warning_and_the_rest_goes_on(method: int) -> None:
    found = walked(plain({"a.zip": packed(Record("broken.xml", method=method, crc=1), Record("good.xml"))}))
    assert (found.warnings, found.paths) == ([("ENTRY_CORRUPT", "a.zip/broken.xml")], ["a.zip/good.xml"])


def test_damaged_packed_bytes_are_a_warning() -> None:
    found = walked(packed(Record("broken.xml", packed=b"\xff" * 40), Record("good.xml")))
    assert (found.warnings, found.paths) == ([("ENTRY_CORRUPT", "broken.xml")], ["good.xml"])


def test_an_entry_that_does_not_begin_where_it_should_is_a_warning() -> None:
    archive = written(Record("lost.xml"), Record("good.xml"))
    archive.local = b"XXXX" + archive.local[4:]
    found = walked(archive.end())
    assert (found.warnings, found.paths) == ([("ENTRY_CORRUPT", "lost.xml")], ["good.xml"])


def test_entries_that_overlap_refuse_the_whole_before_anything_is_inflated() -> None:
    budget = Budget(Limits())
    with pytest.raises(ArchiveOverlap):
        list(entries(io.BytesIO(overlapping()), "Upload.zip", budget, MemorySpool))
    assert budget.inflated == 0


def test_two_records_of_the_same_bytes_overlap() -> None:
    archive = written(Record("a.xml"))
    archive.directory += archive.directory
    archive.count = 2
    with pytest.raises(ArchiveOverlap):
        walked(archive.end())


def test_an_entry_that_reaches_into_the_directory_overlaps() -> None:
    archive = written(Record("a.xml"))
    archive.directory = archive.directory[:20] + struct.pack("<I", len(archive.local)) + archive.directory[24:]
    with pytest.raises(ArchiveOverlap):
        walked(archive.end())


@pytest.mark.parametrize("method", [STORED, 8])
def test_a_nested_archive_with_overlaps_is_kept_unopened_and_the_rest_goes_on(method: int) -> None:
    bomb = overlapping()
    middle = packed(Record("inner.zip", bomb, method), Record("beside.xml"))
    found = walked(packed(Record("a/middle.zip", middle, STORED), Record("good.xml")))
    assert found.warnings == [("ARCHIVE_OVERLAP", "a/middle.zip/inner.zip")]
    assert found.content == {
        "a/middle.zip/inner.zip": bomb, "a/middle.zip/beside.xml": GOOD, "good.xml": GOOD,
    }  # fmt: skip
    assert found.entries[0].special, "it is no document, whatever its name says"
    assert [container.path for container in found.containers] == ["", "a/middle.zip"]
    # The stored bomb is read where it lies, the deflated one is unpacked once; nothing in either of them is.
    assert found.budget.inflated <= len(bomb) + 2 * len(GOOD) + len(middle)


def test_a_nested_package_with_overlaps_is_not_opened_to_see_what_it_is() -> None:
    archive = written(Record("mimetype", b"application/epub+zip", STORED))
    archive.directory, archive.count = archive.directory * 2, 2
    found = walked(packed(Record("book.epub", archive.end(), STORED), Record("good.xml")))
    assert found.warnings == [("ARCHIVE_OVERLAP", "book.epub")]
    assert found.paths == ["book.epub", "good.xml"]
    assert found.entries[0].package is None


def test_entries_of_archives_that_overlap_count_too() -> None:
    upload = packed(*(Record(f"{n}.zip", overlapping(20, 100), STORED) for n in range(5)))
    with pytest.raises(TooManyEntries):
        walked(upload, limits=Limits(entries=5 + 5 * 20 - 1))
    assert len(walked(upload, limits=Limits(entries=5 + 5 * 20)).paths) == 5


@pytest.mark.parametrize("method", [STORED, 8])
def test_a_truncated_archive_is_read_as_far_as_it_goes(method: int) -> None:
    whole = packed(*(Record(f"{n}.xml", method=method) for n in range(20)))
    found = walked(whole[:1000])
    assert found.warnings[0] == ("ARCHIVE_TRUNCATED", "")
    assert found.warnings[1][0] == "ENTRY_CORRUPT"
    assert found.content == {f"{n}.xml": GOOD for n in range(len(found.files))}
    assert len(found.files) > 5


@pytest.mark.parametrize("method", [STORED, 8])
def test_a_truncated_archive_that_was_written_as_a_stream_is_read_too(method: int) -> None:
    archive = written(*(Record(f"{n}.xml", GOOD + bytes([n]), method, described=True) for n in range(9)))
    found = walked(archive.local + archive.directory[:50])
    assert found.content == {f"{n}.xml": GOOD + bytes([n]) for n in range(9)}
    assert found.warnings == [("ARCHIVE_TRUNCATED", "")]


def test_a_damaged_entry_of_a_truncated_stream_does_not_hide_the_next_one() -> None:
    local = written(Record("a.xml", packed=b"\xff" * 60, described=True), Record("b.xml", described=True)).local
    found = walked(local)
    assert found.content == {"b.xml": GOOD}
    assert ("ENTRY_CORRUPT", "a.xml") in found.warnings


def test_a_truncated_archive_without_sizes_in_another_method_ends_at_the_next_entry() -> None:
    local = written(Record("a.xml", method=12, described=True), Record("b.xml")).local
    assert walked(local).paths == ["b.xml"]


def test_a_truncated_nested_archive_gives_what_it_has() -> None:
    inner = packed(Record("first.xml"), Record("second.xml"))
    found = walked(plain({"cut.zip": inner[: len(inner) // 2], "good.xml": GOOD}))
    assert ("ARCHIVE_TRUNCATED", "cut.zip") in found.warnings
    assert found.paths == ["cut.zip/first.xml", "good.xml"]


def test_a_compressed_nested_archive_that_is_cut_off_gives_what_it_has() -> None:
    inner = packed(*(Record(f"{n}.xml", bytes(f"<a>{n}</a>", "ascii"), STORED) for n in range(200)))
    body = deflated(inner)
    found = walked(packed(Record("cut.zip", inner, packed=body[: len(body) // 2]), Record("good.xml")))
    assert found.warnings[:2] == [("ENTRY_CORRUPT", "cut.zip"), ("ARCHIVE_TRUNCATED", "cut.zip")]
    assert found.content["cut.zip/0.xml"] == b"<a>0</a>"
    assert found.paths[-1] == "good.xml"


def test_what_begins_like_a_zip_and_is_none_is_kept_as_a_file_with_a_warning() -> None:
    fake = b"PK\3\4" + b"\xff" * 400
    found = walked(packed(Record("fake.bin", fake), Record("good.xml")))
    assert found.warnings == [("ENTRY_CORRUPT", "fake.bin")]
    assert found.content == {"fake.bin": fake, "good.xml": GOOD}


def test_an_archive_behind_other_bytes_is_read() -> None:
    assert walked(b"#!/bin/sh\n" * 50 + plain({"a.xml": GOOD})).paths == ["a.xml"]


def test_an_archive_with_a_comment_or_junk_behind_it_is_read() -> None:
    archive = written(Record("a.xml", comment=b"PK\5\6 in a comment"))
    assert walked(archive.end(b"a PK\5\6 comment" * 9)).paths == ["a.xml"]
    assert walked(archive.end() + b"\0" * 300).paths == ["a.xml"]


def test_a_damaged_directory_is_replaced_by_the_local_headers() -> None:
    archive = written(Record("a.xml"), Record("b.xml"))
    archive.directory = archive.directory[:60] + b"\xff" * (len(archive.directory) - 60)
    found = walked(archive.end())
    assert found.paths == ["a.xml", "b.xml"]
    assert found.warnings == [("ARCHIVE_TRUNCATED", "")]


# --- guards -----------------------------------------------------------------------------------------------------


def test_the_inflated_bytes_are_counted_over_the_whole_nesting() -> None:
    inner = plain({"x.xml": b"<a>" + b"x" * 1000 + b"</a>"})
    upload = packed(*(Record(f"{n}.zip", inner) for n in range(20)))
    assert walked(upload).budget.inflated == 20 * (len(inner) + 1007)
    with pytest.raises(ArchiveTooLarge):
        walked(upload, limits=Limits(inflated=15_000))


def test_what_an_archive_declares_is_never_believed() -> None:
    upload = packed(Record("liar.xml", b"\0" * 100_000, size=3))
    with pytest.raises(ArchiveTooLarge):
        walked(upload, limits=Limits(inflated=50_000))


def test_a_dense_entry_is_refused_and_the_rest_goes_on() -> None:
    bomb = Record("bomb.xml", b"\0" * 400_000)
    found = walked(packed(bomb, Record("good.xml")), limits=Limits(ratio=100, ratio_floor=100_000))
    assert (found.warnings, found.paths) == ([("ENTRY_RATIO", "bomb.xml")], ["good.xml"])
    assert found.budget.inflated < 400_000 + len(GOOD)


def test_a_dense_entry_that_declares_little_is_refused_as_well() -> None:
    bomb = Record("bomb.xml", b"\0" * 4_000_000, size=1)
    found = walked(packed(bomb), limits=Limits(ratio=100, ratio_floor=100_000))
    assert found.warnings == [("ENTRY_RATIO", "bomb.xml")]


def test_a_dense_entry_below_the_floor_is_taken() -> None:
    assert walked(packed(Record("blank.xml", b"\0" * 400_000)), limits=Limits(ratio=100)).paths == ["blank.xml"]


def test_a_dense_nested_zip_is_refused() -> None:
    inner = packed(Record("x.bin", b"\0" * 4_000_000, STORED))
    for size in (1, len(inner)):  # told by what comes out, and by what it says of itself
        found = walked(packed(Record("bomb.zip", inner, size=size)), limits=Limits(ratio=100, ratio_floor=1_000_000))
        assert found.warnings == [("ENTRY_RATIO", "bomb.zip")]


def test_the_limit_is_passed_while_a_nested_zip_is_unpacked() -> None:
    inner = packed(Record("x.bin", b"\0" * 4_000_000, STORED))
    with pytest.raises(ArchiveTooLarge):
        walked(packed(Record("big.zip", inner)), limits=Limits(inflated=1_000_000))
    assert MemorySpool.open_spools == 0


def test_entries_are_counted_over_the_whole_nesting() -> None:
    upload = plain({f"{n}.zip": plain({f"{m}.xml": GOOD for m in range(9)}) for n in range(9)})
    assert len(walked(upload, limits=Limits(entries=90)).files) == 81
    with pytest.raises(TooManyEntries):
        walked(upload, limits=Limits(entries=89))


def test_a_file_of_nothing_but_signatures_ends_soon() -> None:
    with pytest.raises(TooManyEntries):
        walked(b"PK\3\4" * 5000, limits=Limits(entries=1000))


def test_looking_for_ends_of_entries_that_are_none_is_counted() -> None:
    record = Record("x", b"", STORED, described=True)
    local = written(record).local[:31] + b"PK\7\x08" * 5000
    with pytest.raises(ArchiveTooLarge):
        walked(local, limits=Limits(inflated=1 << 20))


# --- anything at all --------------------------------------------------------------------------------------------

NEST = plain(
    {
        "AR_x.zip": packed(Record("1.xml"), Record("2.zip", plain({"deep.xml": GOOD, "mimetype": b"text/plain"}))),
        "GL_x/a.xml": GOOD,
        "b.csv": b"a,b\n1,2\n",
    }
)
STREAMED = written(*(Record(f"{n}.xml", described=True) for n in range(4))).end()


def endure(data: bytes) -> None:
    """Nothing but typed errors may come out, and no spool may stay."""
    small = Limits(inflated=1 << 22, entries=500, depth=8)
    try:
        walked(data, limits=small)
    except RetError as error:
        assert error.code in {  # noqa: PT017 - the point is which error
            "ARCHIVE_CORRUPT",
            "ARCHIVE_OVERLAP",
            "ARCHIVE_TOO_LARGE",
            "TOO_MANY_ENTRIES",
            "EMPTY_UPLOAD",
        }
    assert MemorySpool.open_spools == 0


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([NEST, STREAMED]),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_zip_with_flipped_bytes_gives_typed_errors_and_warnings_only(
    sound: bytes, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(sound)
    for at, value in flips:
        data[at % len(data)] = value
    endure(bytes(data))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([NEST, STREAMED]), st.integers(0, 1 << 20), st.integers(0, 1 << 20), st.binary(max_size=40))
def test_a_zip_with_a_piece_cut_out_or_put_in_gives_typed_errors_only(
    sound: bytes, start: int, size: int, junk: bytes
) -> None:
    at = start % len(sound)
    endure(sound[:at] + junk + sound[at + size % len(sound) :])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\3\4", b"PK\5\6"]))
def test_noise_gives_typed_errors_only(noise: bytes, start: bytes) -> None:
    endure(start + noise)
