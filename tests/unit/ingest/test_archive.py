from __future__ import annotations

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Generator
from typing import Any, cast

import inflate64
import pytest
from zip_samples import (
    FILE,
    FOLDER,
    GOOD,
    LINK,
    PIPE,
    STORED,
    MemorySpool,
    Record,
    packed,
    plain,
    walked,
)

from ret_ingest.archive import Budget, Limits, entries
from ret_ingest.directory import Meter
from ret_ingest.errors import (
    ArchiveCorrupt,
    EmptyUpload,
    NotSupported,
)
from ret_ingest.sniff import Package

# --- nesting ----------------------------------------------------------------------------------------------------


def test_a_zip_in_a_zip_keeps_its_full_path() -> None:
    upload = plain({"data/FY_Ledgers.zip": plain({"2024/ledger.xml": GOOD}), "top.xml": GOOD})
    assert walked(upload).content == {"data/FY_Ledgers.zip/2024/ledger.xml": GOOD, "top.xml": GOOD}


def test_a_compressed_zip_in_a_zip_is_opened_too() -> None:
    upload = packed(Record("inner.zip", plain({"x.xml": GOOD})))
    assert walked(upload).content == {"inner.zip/x.xml": GOOD}


def test_a_stored_zip_in_a_zip_is_read_where_it_lies() -> None:
    before = MemorySpool.opened
    walked(plain({"a.zip": plain({"b.zip": plain({"x.xml": GOOD})})}))
    assert MemorySpool.opened == before


def test_a_nested_zip_is_known_by_its_content_not_by_its_name() -> None:
    upload = packed(Record("inner.dat", plain({"x.xml": GOOD})), Record("no.zip", b"just text"))
    assert walked(upload).content == {"inner.dat/x.xml": GOOD, "no.zip": b"just text"}


@pytest.mark.parametrize("method", [STORED, 8])
def test_a_hundred_levels_are_opened(method: int) -> None:
    data, path = packed(Record("deep.xml")), "deep.xml"
    for level in range(99):
        data, path = packed(Record(f"{level}.zip", data, method)), f"{level}.zip/{path}"
    found = walked(data)
    assert found.paths == [path]
    assert max(container.depth for container in found.containers) == 100


def test_the_zip_that_is_too_deep_is_refused_and_kept_as_a_file() -> None:
    innermost = plain({"x.xml": GOOD})
    found = walked(plain({"a.zip": plain({"b.zip": innermost}), "good.xml": GOOD}), limits=Limits(depth=2))
    assert found.warnings == [("ENTRY_DEPTH", "a.zip/b.zip")]
    assert found.content == {"a.zip/b.zip": innermost, "good.xml": GOOD}
    assert [entry.special for entry in found.entries] == [True, False]


def test_a_zip_that_holds_itself_ends_at_the_depth() -> None:
    # Every level is the same bytes again; a quine would go on for ever, this goes on for longer than is allowed.
    data = plain({"x.xml": GOOD})
    for _ in range(300):
        data = packed(Record("r.zip", data, STORED))
    found = walked(data)
    assert [code for code, _ in found.warnings] == ["ENTRY_DEPTH"]


def test_containers_come_before_what_is_in_them() -> None:
    found = walked(plain({"a.zip": plain({"b.zip": plain({"x.xml": GOOD})}), "c.zip": plain({"y.xml": GOOD})}))
    assert [(one.number, one.parent, one.path, one.depth) for one in found.containers] == [
        (0, -1, "", 1),
        (1, 0, "a.zip", 2),
        (2, 1, "a.zip/b.zip", 3),
        (3, 0, "c.zip", 2),
    ]


@pytest.mark.parametrize(
    "files,package",
    [
        ({"[Content_Types].xml": GOOD, "word/document.xml": GOOD}, Package.OTHER),
        ({"[Content_Types].xml": GOOD, "xl/workbook.xml": GOOD}, Package.XLSX),
        ({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0", "a.class": b"\xca\xfe"}, Package.OTHER),
        ({"x/__init__.py": b"", "x-1.dist-info/WHEEL": b"Wheel-Version: 1.0"}, Package.OTHER),
        ({"mimetype": b"application/epub+zip", "a.xml": GOOD}, Package.OTHER),
        ({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": GOOD}, Package.ODS),
    ],
)
@pytest.mark.parametrize("method", [STORED, 8])
def test_office_and_package_formats_are_one_file(files: dict[str, bytes], package: Package, method: int) -> None:
    inner = plain(files)
    found = walked(packed(Record("thing.bin", inner, method)))
    assert found.content == {"thing.bin": inner}
    assert found.entries[0].package is package


def test_a_first_entry_called_mimetype_that_cannot_be_read_makes_no_package() -> None:
    inner = packed(Record("mimetype", b"text/plain", flags=1), Record("x.xml"))
    found = walked(packed(Record("a.zip", inner)))
    assert (found.paths, found.warnings) == (["a.zip/x.xml"], [("ENTRY_ENCRYPTED", "a.zip/mimetype")])


# --- whole uploads ----------------------------------------------------------------------------------------------


def test_no_byte_at_all_is_an_empty_upload() -> None:
    with pytest.raises(EmptyUpload):
        walked(b"")


def test_a_zip_without_entries_is_an_empty_upload() -> None:
    with pytest.raises(EmptyUpload):
        walked(packed())


@pytest.mark.parametrize("data", [b"PK\3\4" + b"\xff" * 400, b"PK\3\4", b"\0" * 100, packed(Record("a.xml"))[:40]])
def test_a_zip_of_which_nothing_can_be_read_is_corrupt(data: bytes) -> None:
    with pytest.raises(ArchiveCorrupt):
        walked(data)


@pytest.mark.parametrize(
    "name,data",
    [
        ("photo.jpg", b"\xff\xd8\xff" * 99),
        ("program.exe", b"MZ" + b"\1" * 500),
        ("notes.txt", b"hello"),
        ("letter.docx", plain({"[Content_Types].xml": GOOD, "word/document.xml": GOOD})),
        ("table.bin", plain({"[Content_Types].xml": GOOD, "xl/workbook.xml": GOOD})),
        ("table.csv", b"\0\1\2"),
    ],
)
def test_what_is_neither_zip_nor_document_is_not_supported(name: str, data: bytes) -> None:
    with pytest.raises(NotSupported):
        walked(data, name)


@pytest.mark.parametrize(
    "name,data",
    [
        ("ledger.xml", GOOD),
        ("ledger", b"\xef\xbb\xbf  " + GOOD),
        ("track.gpx", GOOD),
        ("table.csv", b"a,b\n1,2\n"),
        ("table.tsv", b"a\tb\n"),
        ("table.xlsx", plain({"[Content_Types].xml": GOOD, "xl/workbook.xml": GOOD})),
        ("table.ods", plain({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": GOOD})),
        ("table.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500),
    ],
)
def test_a_single_file_has_its_own_name_as_its_path(name: str, data: bytes) -> None:
    found = walked(data, name)
    assert found.content == {name: data}
    assert [container.depth for container in found.containers] == [0]


def test_the_name_of_a_single_file_is_cleaned_too() -> None:
    found = walked(GOOD, "C:\\temp\\a\nb.xml")
    assert found.paths == ["a_b.xml"]
    assert found.warnings == [("ENTRY_NAME", "a_b.xml")]


def test_a_package_that_is_called_zip_is_opened_when_it_is_the_upload() -> None:
    assert walked(plain({"META-INF/MANIFEST.MF": b"x", "a.xml": GOOD})).paths == ["META-INF/MANIFEST.MF", "a.xml"]


def test_an_xml_document_that_is_called_zip_is_a_document() -> None:
    assert walked(GOOD, "wrong.zip").paths == ["wrong.zip"]


# --- names and kinds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [LINK, PIPE])
def test_links_and_devices_are_plain_other_files(mode: int) -> None:
    found = walked(packed(Record("link.xml", b"/etc/passwd", mode=mode), Record("good.xml", mode=FILE)))
    assert found.warnings == [("ENTRY_NAME", "link.xml")]
    assert [(entry.path, entry.special) for entry in found.entries] == [("link.xml", True), ("good.xml", False)]


def test_a_harmful_name_is_cleaned_with_a_warning() -> None:
    found = walked(packed(Record("../../x.xml"), Record("C:\\y.xml")))
    assert found.paths == ["x.xml", "C_/y.xml"]
    assert found.warnings == [("ENTRY_NAME", "x.xml"), ("ENTRY_NAME", "C_/y.xml")]


def test_backslashes_separate_folders() -> None:
    assert walked(packed(Record("GL_companies\\jan.xml"))).paths == ["GL_companies/jan.xml"]


def test_names_that_occur_twice_or_differ_in_case_are_both_kept() -> None:
    found = walked(packed(Record("same.xml"), Record("same.xml", b"<b/>"), Record("SAME.xml")))
    assert found.paths == ["same.xml", "same.xml", "SAME.xml"]
    assert found.warnings == [("ENTRY_DUPLICATE", "same.xml"), ("ENTRY_DUPLICATE", "SAME.xml")]


def test_the_same_name_in_two_archives_is_no_duplicate() -> None:
    assert not walked(plain({"a.zip": plain({"x.xml": GOOD}), "b.zip": plain({"x.xml": GOOD})})).warnings


def test_clutter_is_skipped_and_each_piece_reported() -> None:
    junk = ["__MACOSX/AR_x/._1.xml", "AR_x/._2.xml", "AR_x/.DS_Store", "AR_x/Thumbs.db"]
    found = walked(plain({"AR_x/1.xml": GOOD} | dict.fromkeys(junk, b"\0")))
    assert found.paths == ["AR_x/1.xml"]
    assert found.warnings == [("SYSTEM_FILE_SKIPPED", path) for path in junk]


@pytest.mark.parametrize(
    "record", [Record("empty/", b"", STORED), Record("empty/", b""), Record("empty", b"", STORED, mode=FOLDER)]
)
def test_a_folder_that_is_listed_is_given_as_one(record: Record) -> None:
    found = walked(packed(record, Record("a.xml")))
    assert (found.folders, found.paths) == (["empty"], ["a.xml"])


def test_a_folder_with_content_is_a_file_so_that_nothing_is_dropped() -> None:
    assert walked(packed(Record("odd/", b"<a/>", STORED))).content == {"odd": b"<a/>"}


@pytest.mark.parametrize(
    "name,flags,shown",
    [
        ("é.xml".encode("cp437"), 0, "é.xml"),
        ("é.xml".encode(), 0, "é.xml"),
        (b"\xff.xml", 0x800, "\ufffd.xml"),
    ],
)
def test_names_are_read_in_the_encodings_that_archives_use(name: bytes, flags: int, shown: str) -> None:
    assert walked(packed(Record(name, flags=flags))).paths == [shown]


def test_the_unicode_name_field_wins_when_its_sum_is_right() -> None:
    raw = b"?.xml"
    for crc, shown in ((zlib.crc32(raw), "ФИН.xml"), (1, "?.xml")):
        value = b"\1" + crc.to_bytes(4, "little") + "ФИН.xml".encode()
        extra = struct.pack("<2H", 0x7075, len(value)) + value
        assert walked(packed(Record(raw, extra=extra))).paths == [shown]


def test_a_path_that_would_become_endless_is_shortened_with_a_warning() -> None:
    data = plain({"x.xml": GOOD})
    for _ in range(20):
        data = packed(Record("z" * 250 + ".zip", data, STORED))
    found = walked(data)
    assert len(found.paths[0]) < 4200
    assert {code for code, _ in found.warnings} == {"ENTRY_NAME"}
    assert found.content[found.paths[0]] == GOOD


# --- methods and forms ------------------------------------------------------------------------------------------


def lzma_body(data: bytes) -> bytes:
    chain = [{"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 16}]
    return struct.pack("<2BHBI", 9, 20, 5, 93, 1 << 16) + lzma.compress(data, lzma.FORMAT_RAW, filters=chain)


def deflate64_body(data: bytes) -> bytes:
    packer = cast("Any", inflate64).Deflater()
    return bytes(packer.deflate(data) + packer.flush())


@pytest.mark.parametrize("method,pack", [(12, bz2.compress), (14, lzma_body), (9, deflate64_body)])
def test_other_methods_are_read(method: int, pack: Callable[[bytes], bytes]) -> None:
    data = GOOD * 3000
    body = pack(data)
    assert walked(packed(Record("a.xml", data, method, packed=body))).content == {"a.xml": data}
    broken = body[:20] + bytes(byte ^ 0x55 for byte in body[20:])
    assert walked(packed(Record("a.xml", data, method, packed=broken))).warnings == [("ENTRY_CORRUPT", "a.xml")]
    cut = walked(packed(Record("a.xml", data, method, packed=body[: len(body) // 2])))
    assert cut.warnings == [("ENTRY_CORRUPT", "a.xml")]


def test_lzma_that_asks_for_too_much_memory_is_not_read() -> None:
    body = struct.pack("<2BHBI", 9, 20, 5, 93, 0xFFFFFFFF) + b"\0" * 20
    assert walked(packed(Record("a.xml", method=14, packed=body))).warnings == [("ENTRY_UNSUPPORTED", "a.xml")]
    assert walked(packed(Record("a.xml", method=14, packed=b"\0" * 5))).warnings == [("ENTRY_CORRUPT", "a.xml")]


def test_zip64_archives_are_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("a.xml", "w", force_zip64=True) as file:
        file.write(GOOD)
    whole = out.getvalue()
    assert walked(whole).content == {"a.xml": GOOD}
    end = whole.rfind(b"PK\5\6")
    start, size = struct.unpack_from("<2I", whole, end + 12)[::-1]
    directory = whole[start : start + size]
    wide = struct.pack("<2H3Q", 1, 24, len(GOOD), len(GOOD), 0)
    changed = directory[:20] + b"\xff" * 8 + directory[28:30] + struct.pack("<H", len(wide)) + directory[32:42]
    changed += b"\xff" * 4 + directory[46:51] + wide
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(changed), start)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, start + len(changed) + 0, 1)
    tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert walked(whole[:start] + changed + record + locator + tail).content == {"a.xml": GOOD}


def test_what_the_standard_library_writes_is_read() -> None:
    out, files = io.BytesIO(), {f"{n}/ledger_{n}.xml": GOOD * n for n in range(1, 30)}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    assert walked(out.getvalue()).content == files


def test_the_meter_tells_how_far_the_upload_has_been_read() -> None:
    upload = plain({f"{n}.xml": GOOD for n in range(10)})
    found, meter = walked(upload), Meter()
    assert 0 < found.meter.reached <= len(upload)
    steps = entries(io.BytesIO(upload), "Upload.zip", Budget(Limits()), MemorySpool, meter)
    reached = [meter.reached for _ in steps]
    assert reached == sorted(reached)


def test_an_abandoned_walk_leaves_no_spool_behind() -> None:
    upload = packed(Record("a.zip", packed(Record("b.zip", plain({"x.xml": GOOD})))))
    walk = entries(io.BytesIO(upload), "Upload.zip", Budget(Limits()), MemorySpool)
    for _ in range(4):
        next(walk)
    assert MemorySpool.open_spools == 2
    cast("Generator[object]", walk).close()
    assert MemorySpool.open_spools == 0
