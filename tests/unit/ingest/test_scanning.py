from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from zip_samples import GOOD, STORED, Record, overlapping, packed, plain

from ret_ingest import spool
from ret_ingest.errors import ArchiveOverlap, ArchiveTooLarge, NotSupported
from ret_ingest.inventory import Unfolding
from ret_ingest.packing import Packs
from ret_ingest.scanning import LIMITS, STOPPED, scan
from ret_ingest.spool import Spools
from ret_kit.blobs import Blobs
from ret_kit.errors import NotFound

STAGING = "sessions/s/jobs/j/1/"


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path.as_uri())


class Scanned:
    """A scan's result and the rows of its inventory."""

    def __init__(self, blobs: Blobs, result: dict[str, Any]) -> None:
        self.blobs, self.result = blobs, result
        self.rows = [json.loads(line) for line in blobs.get_sync(result["inventory"]).splitlines()]
        self.entries = {row["path"]: row for row in self.rows if row["row"] == "entry"}
        self.warnings = [(row["code"], row["path"]) for row in self.rows if row["row"] == "warning"]

    def bytes_of(self, path: str, which: str = "content") -> bytes:
        content = self.entries[path][which]
        data = self.blobs.get_sync(content["key"], content["offset"], content["length"])
        assert hashlib.sha256(data).hexdigest() == content["sha256"]
        return data

    def group(self, path: str, mode: str = "by_container") -> str:
        number = self.entries[path][mode]
        return next(row["name"] for row in self.rows if row["row"] == "group" and row["number"] == number)


def scanned(
    blobs: Blobs, tmp_path: Path, data: bytes, name: str = "Upload.zip", reports: list[dict[str, Any]] | None = None,
    **limits: int,
) -> Scanned:  # fmt: skip
    blobs.put_sync("sessions/s/collections/c/upload", data)
    payload = {
        "blobs": tmp_path.as_uri(),
        "upload": "sessions/s/collections/c/upload",
        "size": len(data),
        "name": name,
        "staging": STAGING,
        "limits": limits,
        "words": {},
    }
    return Scanned(blobs, scan(payload, (reports if reports is not None else []).append))


def keys(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())


def test_documents_and_other_files_are_kept_with_their_digests(blobs: Blobs, tmp_path: Path) -> None:
    found = scanned(blobs, tmp_path, plain({"AR_x/1.xml": GOOD, "logo.bin": b"\0\1\2", "a.csv": b"a,b\n"}))
    assert {path: row["type"] for path, row in found.entries.items()} == {
        "AR_x/1.xml": "document", "logo.bin": "other", "a.csv": "document",
    }  # fmt: skip
    assert found.bytes_of("AR_x/1.xml") == GOOD
    assert found.bytes_of("logo.bin") == b"\0\1\2"
    assert found.entries["a.csv"]["media_type"] == "text/csv"
    assert (found.group("AR_x/1.xml"), found.group("a.csv", "by_name")) == ("AR", "A")


def test_small_files_share_a_blob_and_a_big_one_has_its_own(blobs: Blobs, tmp_path: Path) -> None:
    big = b"<a>" + bytes(range(1, 256)) * 30_000
    found = scanned(blobs, tmp_path, packed(Record("1.xml"), Record("big.xml", big, STORED), Record("2.xml")))
    first, big_one, second = (found.entries[name]["content"]["key"] for name in ("1.xml", "big.xml", "2.xml"))
    assert first == second != big_one
    assert found.bytes_of("big.xml") == big


def test_a_full_pack_is_followed_by_another(blobs: Blobs) -> None:
    with Packs(blobs, "sessions/s/", pack=100, small=60) as packs:
        found = [(packs.file(), bytes([n]) * 50) for n in range(5)]
        for file, data in found:
            file.write(data)
        contents = [file.close() for file, _ in found]
    assert [content.key for content in contents] == [f"sessions/s/{n}" for n in (1, 1, 2, 2, 3)]
    assert [blobs.get_sync(one.key, one.offset, one.length) for one in contents] == [data for _, data in found]


def test_an_error_leaves_the_open_pack_unwritten(blobs: Blobs, tmp_path: Path) -> None:
    def fill() -> None:
        with Packs(blobs, "sessions/s/") as packs:
            file = packs.file()
            file.write(b"x")
            file.close()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fill()
    assert not keys(tmp_path)


@pytest.mark.parametrize("size", [10, 9 << 20])
def test_a_refused_entry_leaves_no_byte_behind(blobs: Blobs, tmp_path: Path, size: int) -> None:
    bad = Record("bad.xml", b"<canary>" + b"x" * size, STORED, crc=1)
    found = scanned(blobs, tmp_path, packed(bad, Record("good.xml")))
    assert found.warnings == [("ENTRY_CORRUPT", "bad.xml")]
    assert list(found.entries) == ["good.xml"]
    stored = [path for path in keys(tmp_path) if "/files/" in path]
    assert not any(b"<canary>" in (tmp_path / path).read_bytes() for path in stored)


def test_spools_are_gone_after_the_scan(blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SMALL", 100)
    inner = packed(Record("x.xml", GOOD * 50, STORED))
    upload = packed(Record("a.zip", packed(Record("b.zip", inner)) + b"\0" * 200))
    found = scanned(blobs, tmp_path, upload)
    assert found.bytes_of("a.zip/b.zip/x.xml") == GOOD * 50
    assert not [path for path in keys(tmp_path) if "spool" in path]


def test_a_spool_moves_out_of_memory_when_it_grows(blobs: Blobs, tmp_path: Path) -> None:
    spools = Spools(blobs, "sessions/s/spool/")
    small, big = spools.open(), spools.open()
    small.write(b"small")
    big.write(b"a" * 10)
    big.write(b"b" * (spool.SMALL + 1))
    assert spools.held == 5
    assert small.reader().read() == b"small"
    assert big.reader().read() == b"a" * 10 + b"b" * (spool.SMALL + 1)
    small.discard()
    big.discard()
    assert (spools.held, keys(tmp_path)) == (0, [])


def test_a_spool_that_is_never_read_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    unread = Spools(blobs, "sessions/s/spool/").open()
    unread.write(b"a" * (spool.SMALL + 1))
    unread.discard()
    assert not keys(tmp_path)


def test_all_spools_together_have_so_much_memory_and_no_more(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "ROOM", 100)
    spools = Spools(blobs, "sessions/s/spool/")
    opened = [spools.open() for _ in range(5)]
    for one in opened:
        one.write(b"x" * 40)
    assert spools.held == 80
    for one in opened:
        one.discard()


def test_a_gzip_member_that_holds_xml_is_a_document_kept_both_ways(blobs: Blobs, tmp_path: Path) -> None:
    zipped = gzip.compress(GOOD[:20]) + gzip.compress(GOOD[20:])
    found = scanned(blobs, tmp_path, plain({"AR_x/x.xml.gz": zipped}))
    assert found.entries["AR_x/x.xml.gz"]["type"] == "document"
    assert found.bytes_of("AR_x/x.xml.gz") == zipped
    assert found.bytes_of("AR_x/x.xml.gz", "plain") == GOOD


def test_gzip_of_anything_else_is_another_file(blobs: Blobs, tmp_path: Path) -> None:
    found = scanned(blobs, tmp_path, plain({"x.tar.gz": gzip.compress(b"tar" * 500), "y.gz": gzip.compress(b"")}))
    assert {row["type"] for row in found.entries.values()} == {"other"}
    assert found.warnings == [("NO_DOCUMENTS", "")]


@pytest.mark.parametrize("damage", [gzip.compress(GOOD)[:-12], gzip.compress(GOOD)[:-8] + b"\0" * 8])
def test_damaged_gzip_is_kept_as_it_is_with_a_warning(blobs: Blobs, tmp_path: Path, damage: bytes) -> None:
    found = scanned(blobs, tmp_path, plain({"x.xml.gz": damage, "good.xml": GOOD}))
    assert found.warnings == [("ENTRY_CORRUPT", "x.xml.gz")]
    assert found.bytes_of("x.xml.gz") == damage
    assert found.entries["x.xml.gz"]["type"] == "other"


def test_a_gzip_bomb_is_kept_as_it_is_with_a_warning(blobs: Blobs, tmp_path: Path) -> None:
    bomb = gzip.compress(b"<a>" + b"\0" * 3_000_000)
    found = scanned(blobs, tmp_path, plain({"x.xml.gz": bomb}), ratio=100, ratio_floor=100_000)
    assert found.warnings[0] == ("ENTRY_RATIO", "x.xml.gz")
    assert found.bytes_of("x.xml.gz") == bomb


def test_what_gzip_unpacks_to_counts_as_inflated(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(ArchiveTooLarge):
        scanned(blobs, tmp_path, plain({"x.xml.gz": gzip.compress(b"<a>" + b"\0" * 90_000)}), inflated=80_000)


def test_a_scan_that_passes_a_limit_leaves_where(blobs: Blobs, tmp_path: Path) -> None:
    many = plain({"1.xml": GOOD, "in/many.zip": plain({f"{n}.xml": GOOD for n in range(9)})})
    zipped = plain({"1.xml": GOOD, "x.xml.gz": gzip.compress(b"<a>" + b"\0" * 9000), "2.xml": GOOD})
    flat = plain({f"{n}.xml": GOOD for n in range(9)})
    cases: list[tuple[bytes, str, dict[str, Any], str, str]] = [
        (many, "Upload.zip", {"entries": 8}, "TOO_MANY_ENTRIES", "in/many.zip"),
        (zipped, "Upload.zip", {"inflated": 5000}, "ARCHIVE_TOO_LARGE", "x.xml.gz"),
        (GOOD * 9, "one.xml", {"inflated": 100}, "ARCHIVE_TOO_LARGE", "one.xml"),
        (flat, "Upload.zip", {"entries": 8}, "TOO_MANY_ENTRIES", ""),
    ]
    for data, name, limits, code, path in cases:
        with pytest.raises(LIMITS) as refused:
            scanned(blobs, tmp_path, data, name, **limits)
        assert path not in refused.value.detail or not path
        stopped = json.loads(blobs.get_sync(f"{STAGING}{STOPPED}"))
        assert stopped == {"code": code, "path": path, "detail": refused.value.detail}


def test_a_gzip_member_whose_entry_is_damaged_is_refused(blobs: Blobs, tmp_path: Path) -> None:
    found = scanned(blobs, tmp_path, packed(Record("x.xml.gz", gzip.compress(GOOD), STORED, crc=1)))
    assert found.warnings == [("ENTRY_CORRUPT", "x.xml.gz"), ("NO_DOCUMENTS", "")]


def test_a_compressed_document_can_be_the_upload_itself(blobs: Blobs, tmp_path: Path) -> None:
    found = scanned(blobs, tmp_path, gzip.compress(GOOD), "FY_ledger.xml.gz")
    assert found.bytes_of("FY_ledger.xml.gz", "plain") == GOOD
    assert found.result["max_depth"] == 0
    assert found.group("FY_ledger.xml.gz") == "FY"


def test_another_compressed_file_is_no_upload(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(NotSupported):
        scanned(blobs, tmp_path, gzip.compress(b"hello"), "hello.txt.gz")


def test_links_are_never_documents(blobs: Blobs, tmp_path: Path) -> None:
    found = scanned(blobs, tmp_path, packed(Record("link.xml", b"/etc/passwd", mode=0o120777)))
    assert found.entries["link.xml"]["type"] == "other"


def test_a_name_that_promises_what_the_content_is_not_is_a_warning(blobs: Blobs, tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n"
    found = scanned(blobs, tmp_path, plain({"a.xml": picture, "b.csv": b"a\0b", "c.png": picture, "d.xml": GOOD}))
    assert found.warnings == [("ENTRY_UNSUPPORTED", "a.xml"), ("ENTRY_UNSUPPORTED", "b.csv")]
    assert [row["type"] for row in found.entries.values()] == ["other", "other", "other", "document"]


def test_a_nested_archive_with_overlaps_is_another_file_for_the_export(blobs: Blobs, tmp_path: Path) -> None:
    bomb = overlapping()
    found = scanned(blobs, tmp_path, plain({"deep/bomb.zip": bomb, "good.xml": GOOD}))
    assert found.warnings == [("ARCHIVE_OVERLAP", "deep/bomb.zip")]
    assert {path: row["type"] for path, row in found.entries.items()} == {
        "deep/bomb.zip": "other", "good.xml": "document",
    }  # fmt: skip
    assert found.bytes_of("deep/bomb.zip") == bomb


def test_an_upload_without_documents_says_so(blobs: Blobs, tmp_path: Path) -> None:
    assert scanned(blobs, tmp_path, plain({"a.txt": b"hello"})).warnings == [("NO_DOCUMENTS", "")]


def test_figures_count_what_was_found(blobs: Blobs, tmp_path: Path) -> None:
    inner = plain({"b/c.xml": GOOD, "d.txt": b"x"})
    found = scanned(blobs, tmp_path, plain({"a/in.zip": inner, "a/e.xml": GOOD, "a/._e.xml": b"x"})).result
    assert {name: found[name] for name in ("documents", "other_files", "containers", "max_depth", "warnings")} == {
        "documents": 2, "other_files": 1, "containers": 3, "max_depth": 2, "warnings": 1,
    }  # fmt: skip


def test_progress_is_told_in_bytes_of_the_upload(blobs: Blobs, tmp_path: Path) -> None:
    reports: list[dict[str, Any]] = []
    data = plain({f"{n}.xml": GOOD for n in range(5)})
    scanned(blobs, tmp_path, data, reports=reports)
    done = [report["done"] for report in reports]
    assert done == sorted(done)
    assert reports[-1]["total"] == len(data) >= done[-1] > 0
    assert reports[-1]["detail"] == {"documents": 5, "files": 5, "bytes": 5 * len(GOOD)}


def test_a_refused_upload_raises(blobs: Blobs, tmp_path: Path) -> None:
    archive = plain({"a.xml": GOOD})
    directory = archive.index(b"PK\1\2")
    end = archive.index(b"PK\5\6")
    twice = archive[:end] + archive[directory:end] + archive[end : end + 12]
    twice += (2 * (end - directory)).to_bytes(4, "little") + archive[end + 16 :]
    with pytest.raises(ArchiveOverlap):
        scanned(blobs, tmp_path, twice)


def test_an_absent_upload_is_not_found(tmp_path: Path) -> None:
    payload = {"blobs": tmp_path.as_uri(), "upload": "sessions/s/none", "size": 1, "name": "a.zip", "staging": STAGING}
    with pytest.raises(NotFound):
        scan(payload | {"limits": {}, "words": {}}, lambda _: None)


# --- order and folders ------------------------------------------------------------------------------------------


def lines(found: Scanned) -> Iterator[str]:
    """The tree as text: two blanks a level, what kind, which name."""
    unfolding = Unfolding()
    for row in found.rows:
        if row["row"] == "entry":
            for folder in unfolding.folders(row["path"], row["type"], row["depth"], row["levels"]):
                yield f"{'  ' * folder.depth}folder {folder.name}"
            yield f"{'  ' * row['depth']}{row['type']} {row['name']}"


def test_entries_come_in_depth_first_order_with_folders_put_back(blobs: Blobs, tmp_path: Path) -> None:
    inner = plain({"b/1.xml": GOOD, "c.txt": b"x", "b/2.xml": GOOD})
    upload = packed(
        Record("a/x.xml"), Record("top.xml"), Record("empty/", b"", STORED), Record("a/in.zip", inner, STORED),
        Record("a/b/y.xml"), Record("a/in.zip/z.xml"), Record("a/q/", b"", STORED), Record("a/", b"", STORED),
    )  # fmt: skip
    found = scanned(blobs, tmp_path, upload)
    assert list(lines(found)) == [
        "  folder a",
        "    document x.xml",
        "    zip in.zip",
        "      folder b",
        "        document 1.xml",
        "        document 2.xml",
        "      other c.txt",
        "    folder b",
        "      document y.xml",
        "    folder in.zip",
        "      document z.xml",
        "    folder q",
        "  document top.xml",
        "  folder empty",
    ]


def test_two_zips_of_the_same_name_stay_two(blobs: Blobs, tmp_path: Path) -> None:
    one, two = plain({"f/1.xml": GOOD}), plain({"f/2.xml": GOOD})
    found = scanned(blobs, tmp_path, packed(Record("a.zip", one, STORED), Record("a.zip", two, STORED)))
    assert list(lines(found)) == [
        "  zip a.zip",
        "    folder f",
        "      document 1.xml",
        "  zip a.zip",
        "    folder f",
        "      document 2.xml",
    ]
