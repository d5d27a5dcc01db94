from __future__ import annotations

import hashlib
import io
import json
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from convert_documents import store

from ret_convert.arrow import pa, pq
from ret_convert.converting import convert
from ret_convert.export import naming, reading
from ret_convert.export.archive import export
from ret_convert.export.naming import Folder, clean, split, stem
from ret_convert.export.order import Bytes, Entry, Order, Table, header
from ret_kit.errors import BlobDamaged

LINES = "".join(f"<l><k>{n}</k><v>{n}</v></l>" for n in range(9))
WITH_CHILD = f"<r>{f'<o><a>1</a><b>2</b><c>3</c><d>4</d>{LINES}</o>' * 2}</r>"
FLAT = "<r><i><a>1</a><b>2</b></i><i><a>3</a><b>4</b></i></r>"


class Shelf:
    """A store with documents and files, as the entries of an export."""

    def __init__(self, folder: Path) -> None:
        self.url, self.blobs = store(folder)
        self.entries: list[Entry] = []
        self._count = 0

    def _bytes(self, data: bytes) -> Bytes:
        self._count += 1
        key = self.blobs.put_sync(f"x/{self._count}", data).key
        return Bytes(key=key, offset=0, length=len(data), sha256=hashlib.sha256(data).hexdigest())

    def container(self, name: str, depth: int, kind: str = "zip") -> None:
        self.entries.append(Entry(name=name, type=kind, depth=depth, original=None, tables=[]))  # pyright: ignore[reportArgumentType]

    def other(self, name: str, depth: int, data: bytes = b"other") -> None:
        self.entries.append(Entry(name=name, type="other", depth=depth, original=self._bytes(data), tables=[]))

    def document(self, name: str, depth: int, body: str = FLAT, *, path: str = "") -> None:
        data = body.encode()
        original = self._bytes(data)
        source = {"document_id": f"{self._count:032x}", "media_type": "application/xml", "bytes": len(data), **original}
        made = convert(
            {"blobs": self.url, "prefix": "t/", "job_id": "j", "layout": "auto", "repeats": 8, "columns": 200,
             "record_paths": {source["document_id"]: path} if path else {}, "sources": [source]},
            lambda _: None,
        )["outcomes"][0]  # fmt: skip
        tables = [
            Table(name=one["name"], role=one["role"], key=one["blob_key"], rows=one["rows"], columns=one["columns"],
                  size=one["size"], sha256=one["sha256"], version=1)
            for one in made["tables"]
        ]  # fmt: skip
        self.entries.append(Entry(name=name, type="document", depth=depth, original=original, tables=tables))

    def order(self, **given: Any) -> Order:
        whole: dict[str, Any] = {
            "blobs": self.url, "format": "csv", "raw": False, "bom": True, "nested": "zip", "alone": False,
            "keep": True, "entries": self.entries,
        }  # fmt: skip
        return whole | given  # pyright: ignore[reportReturnType] - of the same keys

    def export(self, **given: Any) -> bytes:
        out = io.BytesIO()
        export(dict(self.order(**given)), out.write)
        return out.getvalue()

    def files(self, **given: Any) -> dict[str, bytes]:
        return unpacked(self.export(**given))


def unpacked(data: bytes, place: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            content = archive.read(name)
            if name.lower().endswith(".zip"):
                found |= unpacked(content, f"{place}{name}/") or {f"{place}{name}": content}
            else:
                found[place + name] = content
    return found


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_zips_stay_zips_and_folders_folders(shelf: Shelf) -> None:
    shelf.container("data", 1, "folder")
    shelf.container("FY.zip", 2)
    shelf.document("a.xml", 3)
    shelf.container("in.zip", 3)
    shelf.other("logo.bin", 4, b"\0\1")
    shelf.document("b.xml", 2)
    shelf.other("readme.txt", 1)
    files = shelf.files()
    assert list(files) == ["data/FY.zip/a.csv", "data/FY.zip/in.zip/logo.bin", "data/b.csv", "readme.txt"]
    assert files["data/FY.zip/in.zip/logo.bin"] == b"\0\1"


def test_unfolded_zips_are_folders_named_without_the_ending(shelf: Shelf) -> None:
    shelf.container("FY.zip", 1)
    shelf.container("in.ZIP", 2)
    shelf.document("a.xml", 3)
    shelf.container("fy", 1, "folder")
    shelf.document("a.xml", 2)
    assert list(shelf.files(nested="folder")) == ["FY/in/a.csv", "fy (2)/a.csv"]


def test_empty_zips_are_kept_unless_only_a_part_is_asked_for(shelf: Shelf) -> None:
    shelf.container("empty.zip", 1)
    shelf.document("a.xml", 1)
    assert list(shelf.files()) == ["empty.zip", "a.csv"]
    assert list(shelf.files(keep=False)) == ["a.csv"]


def test_names_that_collide_are_numbered_main_tables_before_child_tables(shelf: Shelf) -> None:
    shelf.document("o.xml", 1, WITH_CHILD, path="r/o")
    shelf.document("o.l.xml", 1)
    shelf.document("O.gpx", 1)
    shelf.other("o.csv", 1)
    files = shelf.files()
    assert list(files) == ["o (2).csv", "o (2).l.csv", "o.l.csv", "O (3).csv", "o.csv"]
    assert files["o.csv"] == b"other"


def test_a_child_table_gives_way_to_a_main_table(shelf: Shelf) -> None:
    shelf.document("o.xml", 1, WITH_CHILD, path="r/o")
    shelf.document("o.l.xml", 1)
    files = shelf.files()
    assert list(files) == ["o.csv", "o.l (2).csv", "o.l.csv"]
    assert len(files["o.l (2).csv"].splitlines()) == 19


def test_documents_in_different_zips_do_not_collide(shelf: Shelf) -> None:
    for name in ("a.zip", "b.zip"):
        shelf.container(name, 1)
        shelf.document("x.xml", 2)
    assert list(shelf.files()) == ["a.zip/x.csv", "b.zip/x.csv"]


def test_a_document_that_failed_is_its_original(shelf: Shelf) -> None:
    shelf.document("bad.xml", 1, "<a><b></a>")
    shelf.entries[0]["tables"].clear()
    assert shelf.files() == {"bad.xml": b"<a><b></a>"}
    assert shelf.export(alone=True) == b"<a><b></a>"
    assert header(shelf.order(alone=True), "bad.xml") == ("bad.xml", "application/octet-stream")


def test_one_document_is_one_file_where_one_file_will_do(shelf: Shelf) -> None:
    shelf.document("ledger.xml.gz", 1)
    assert shelf.export(alone=True) == b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4\r\n"
    assert header(shelf.order(alone=True), "ledger.xml.gz") == ("ledger.csv", "text/csv; charset=utf-8")
    assert json.loads(shelf.export(alone=True, format="json")) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert shelf.export(alone=True, format="parquet").startswith(b"PAR1")


def test_a_document_of_several_tables_is_a_zip_of_them_or_one_workbook(shelf: Shelf) -> None:
    shelf.document("o.xml", 1, WITH_CHILD, path="r/o")
    assert list(shelf.files(alone=True)) == ["o.csv", "o.l.csv"]
    assert header(shelf.order(alone=True), "o.xml") == ("o_csv.zip", "application/zip")
    book = openpyxl.load_workbook(io.BytesIO(shelf.export(alone=True, format="xlsx")))
    assert book.sheetnames == ["o", "l"]
    assert header(shelf.order(alone=True, format="xlsx"), "o.xml")[0] == "o.xlsx"


def test_workbooks_lie_in_the_structure(shelf: Shelf) -> None:
    shelf.container("in.zip", 1)
    shelf.document("o.xml", 2, WITH_CHILD, path="r/o")
    shelf.document("a.xml", 1)
    files = shelf.files(format="xlsx")
    assert list(files) == ["in.zip/o.xlsx", "a.xlsx"]
    assert openpyxl.load_workbook(io.BytesIO(files["in.zip/o.xlsx"])).sheetnames == ["o", "l"]


def test_an_empty_export_is_an_empty_archive(shelf: Shelf) -> None:
    assert shelf.files() == {}


def test_a_hundred_levels_are_mirrored(shelf: Shelf) -> None:
    for level in range(1, 100):
        shelf.container(f"l{level}.zip", level)
    shelf.document("deep.xml", 100)
    [path] = shelf.files()
    assert path.count(".zip/") == 99


def test_a_table_whose_bytes_have_changed_is_not_given_away(shelf: Shelf) -> None:
    shelf.document("a.xml", 1)
    shelf.entries[0]["tables"][0]["sha256"] = "0" * 64
    with pytest.raises(BlobDamaged):
        shelf.export()


def test_an_original_whose_bytes_have_changed_is_not_given_whole(shelf: Shelf) -> None:
    shelf.other("a.bin", 1, b"x" * 3_000_000)
    source = shelf.entries[0]["original"]
    assert source
    source["sha256"] = "0" * 64
    out: list[bytes] = []
    with pytest.raises(BlobDamaged):
        export(dict(shelf.order(alone=True)), out.append)
    assert sum(map(len, out)) < 3_000_000


def test_a_big_table_is_read_from_the_store_piece_by_piece(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.document("a.xml", 1)
    whole = shelf.export(alone=True)
    monkeypatch.setattr(reading, "IN_MEMORY", 0)
    assert shelf.export(alone=True) == whole
    assert openpyxl.load_workbook(io.BytesIO(shelf.export(alone=True, format="xlsx"))).sheetnames == ["i"]


def test_a_big_table_that_has_changed_is_told_at_the_end_of_reading_it(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.document("a.xml", 1)
    shelf.entries[0]["tables"][0]["sha256"] = "0" * 64
    monkeypatch.setattr(reading, "IN_MEMORY", 0)
    for kind in ("csv", "xlsx", "json", "parquet"):
        with pytest.raises(BlobDamaged):
            shelf.export(format=kind)


def test_a_big_table_that_cannot_be_read_is_damaged_unless_it_was_stored_so(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "IN_MEMORY", 0)
    shelf.document("a.xml", 1)
    table = shelf.entries[0]["tables"][0]
    stored = shelf.blobs.put_sync("x/broken", b"PAR1" + b"x" * 500 + b"PAR1")
    table["key"] = stored.key
    with pytest.raises(BlobDamaged):
        shelf.export()
    table["sha256"] = stored.sha256
    with pytest.raises(pa.ArrowException):
        shelf.export()


def many_rows(count: int) -> str:
    return "<r>" + "".join(f"<i><a>{n}</a><b>{'x' * (n % 7)}</b></i>" for n in range(count)) + "</r>"


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx", "parquet"])
def test_small_documents_and_big_ones_lie_in_their_order(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for number in range(12):
        shelf.document(f"{number}.xml", 1, many_rows(3000 if number % 5 == 0 else 3))
        shelf.other(f"{number}.bin", 1, bytes([number]) * 50_000)
    whole = shelf.files(format=kind)
    monkeypatch.setattr("ret_convert.export.archive.SMALL_CELLS", 100)
    monkeypatch.setattr("ret_convert.export.archive.SMALL_BYTES", 20_000)
    monkeypatch.setattr("ret_convert.export.reading.PIECE_CELLS", 500)
    pieces = shelf.files(format=kind)
    names = [name for number in range(12) for name in (f"{number}.{kind}", f"{number}.bin")]
    assert list(whole) == list(pieces) == names
    if kind == "xlsx":
        books = [openpyxl.load_workbook(io.BytesIO(files["5.xlsx"])) for files in (whole, pieces)]
        rows = [[[cell.value for cell in row] for row in book.worksheets[0]] for book in books]
        assert rows[0] == rows[1]
        assert len(rows[0]) == 3001
    else:
        assert whole == pieces
    if kind == "json":
        assert [row["a"] for row in json.loads(pieces["10.json"])] == [str(n) for n in range(3000)]


def test_json_and_parquet_are_complete_with_child_tables(shelf: Shelf) -> None:
    shelf.document("o.xml", 1, WITH_CHILD, path="r/o")
    files = shelf.files(format="json")
    assert list(files) == ["o.json", "o.l.json"]
    assert [row["k"] for row in json.loads(files["o.l.json"])] == [str(n) for n in range(9)] * 2
    files = shelf.files(format="parquet")
    assert pq.read_table(io.BytesIO(files["o.l.parquet"])).column("k").to_pylist() == [str(n) for n in range(9)] * 2


def test_the_byte_order_mark_is_left_out_where_it_is_not_wanted(shelf: Shelf) -> None:
    shelf.document("a.xml", 1)
    assert shelf.export(alone=True, bom=False) == b"a,b\r\n1,2\r\n3,4\r\n"


def test_the_first_bytes_leave_before_the_rest_is_read(shelf: Shelf) -> None:
    shelf.other("a.txt", 1, b"x" * 2_000_000)
    out: list[bytes] = []
    export(dict(shelf.order()), out.append)
    assert out[0].startswith(b"PK\3\4")
    assert len(out) > 1


@pytest.mark.parametrize(
    "name, expected",
    [
        ("ledger.csv", "ledger.csv"),
        ("../../x", ".._.._x"),
        ("a:b\\c\n", "a_b_c_"),
        ("/", "_"),
        ("..", "_"),
        (" ", "_"),
        ("CON.csv", "_CON.csv"),
        ("x.", "x"),
    ],
)
def test_names_lead_nowhere(name: str, expected: str) -> None:
    assert clean(name) == expected


def test_tables_are_named_after_their_document() -> None:
    names = ["ledger.xml", "x.xml.gz", "book_4.4.2.xml", "README", ".xml", "a.GZ"]
    assert [stem(name) for name in names] == ["ledger", "x", "book_4.4.2", "README", ".xml", "a"]


def test_names_are_split_at_their_last_ending() -> None:
    assert [split(name) for name in ("a.tar.gz", "README", ".hidden")] == [
        ("a.tar", ".gz"),
        ("README", ""),
        (".hidden", ""),
    ]


def test_a_name_is_taken_once_whatever_its_case_and_never_too_long() -> None:
    folder = Folder()
    assert [folder.take(base, ".csv") for base in ("a", "A", "a")] == ["a", "A (2)", "a (3)"]


def test_names_that_differ_only_in_how_an_accent_is_written_are_one_name() -> None:
    folder = Folder()
    taken = [folder.take(unicodedata.normalize(form, "café"), ".csv") for form in ("NFC", "NFD")]
    assert taken == ["café", unicodedata.normalize("NFD", "café") + " (2)"]


def test_a_long_name_is_cut_to_the_bytes_of_a_file_system_between_characters() -> None:
    folder = Folder()
    names = [f"{folder.take('税' * 200, '.csv')}.csv" for _ in range(12)]
    assert len({*names}) == 12
    assert max(len(name.encode()) for name in names) <= 255
    assert names[0] == "税" * 83 + ".csv"
    assert names[11] == "税" * 80 + " (12).csv"
    assert split("a." + "x" * 300) == ("a." + "x" * 300, "")


def test_names_that_are_taken_are_numbered_on_without_counting_again(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def counting(name: str) -> str:
        compared.append(name)
        return name.casefold()

    monkeypatch.setattr(naming, "_same", counting)
    folder = Folder()
    assert [folder.take("a", ".csv") for _ in range(1000)][-1] == "a (1000)"
    assert len(compared) < 10_000
