"""A collection and its own export are the same documents, whatever became of their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pairing_documents import Bench, together
from pairing_exports import Uploads

from ret_diff import engine
from ret_diff.arrow import pa, pq
from ret_diff.model import Column, ColumnStatus, Counts, Kind, Options, Reading, Source
from ret_diff.pairing.model import DocumentFacts, PairFacts, ReadingFacts, TableFacts, TablePair
from ret_diff.pairing.whole import MARK, Whole
from ret_kit.blobs import Blobs

LONG = "long value " * 4000


@dataclass(frozen=True)
class Stored:
    """A table as it is stored."""

    blobs: Blobs
    table: TableFacts
    links: Sequence[str] = ()

    @property
    def rows(self) -> int:
        return self.table["rows"]

    @property
    def columns(self) -> Sequence[Column]:
        kinds = dict.fromkeys(self.links, Kind.LINK)
        return [
            Column(one["name"], one["path"], kinds.get(one["name"], Kind(one["kind"]))) for one in self.table["columns"]
        ]

    def read(self, names: Sequence[str]) -> Any:
        return pq.read_table(pa.BufferReader(self.blobs.get_sync(self.table["key"])), columns=list(names))


def ledger(count: int = 4) -> bytes:
    """A document with records, two levels below them, texts of their own, and something around the records."""
    periods = (
        '<Period open="Y"><Name>P{0}</Name><Days>31</Days><Stat><K>a</K><V>{0}</V></Stat><Stat><K>b</K><V>2</V></Stat>'
        "</Period><Period><Name>Q{0}</Name><Days>30</Days></Period>"
    )
    rows = "".join(
        f'<Ledger id="{n}"><Name>Ledger {n}</Name><Formula>=1+{n}</Formula><Empty></Empty><Long>{LONG}{n}</Long>'
        f"{periods.format(n)}<Tag>t{n}</Tag><Tag>u{n}</Tag></Ledger>"
        for n in range(count)
    )
    return f"<Ledgers><Version>7</Version><Origin>there</Origin>{rows}</Ledgers>".encode()


def flat(name: str, count: int = 5) -> bytes:
    rows = "".join(f"<Row><Key>{name}{n}</Key><Value>{n * 7}</Value></Row>" for n in range(count))
    return f"<Rows>{rows}</Rows>".encode()


UPLOAD = {
    "data/FY.zip/2024/ledger.xml": ledger(),
    "data/FY.zip/2024/ledger.Period.xml": flat("period"),
    "data/FY.zip/rates.xml": flat("rate"),
    "data/FY.zip/rates.csv": b"From,To,Rate\r\nEUR,USD,1.1\r\nUSD,EUR,0.9\r\n",
    "data/v1.2/a b.xml": flat("ab"),
    "top.tsv": b"A\tB\r\n1\tx\r\n2\ty\r\n",
}


def sources_of(pair: TablePair, tables: dict[str, TableFacts], blobs: Blobs) -> tuple[Source, Source]:
    """Both tables of a pair, as they are compared."""
    a: Source = Stored(blobs, tables[pair["a"]], pair["links"])
    b: Source = Stored(blobs, tables[pair["b"]], pair["links"])
    if pair["a_long"]:
        a = Whole(a, Stored(blobs, tables[pair["a_long"]]), pair["name"])
    if pair["b_long"]:
        b = Whole(b, Stored(blobs, tables[pair["b_long"]]), pair["name"])
    return a, b


def read(source: Source, reading: ReadingFacts) -> Any:
    """The rows of a table as its reading has them."""
    rows: list[dict[str, str | None]] = source.read([one.name for one in source.columns]).to_pylist()

    def plain(text: str | None) -> str | None:
        text = "" if text is None else text  # one side never tells absent from empty here
        return text[1:] if reading["guarded"] and text[:1] == "'" and text[1:2] in "=+-@" else text

    return [{str(plain(key)): plain(cell) for key, cell in row.items()} for row in rows]


def tables_of(pair: PairFacts, documents: list[DocumentFacts], blobs: Blobs) -> dict[str, int]:
    """The rows by table of a pair; fails unless all of its tables are equal."""
    tables = {table["id"]: table for one in documents for table in one["tables"]}
    for one in pair["tables"]:
        a, b = sources_of(one, tables, blobs)
        assert read(a, one["a_reading"]) == read(b, one["b_reading"])
        found = engine.compare(a, b, Options(), Reading(**one["a_reading"]), Reading(**one["b_reading"]))
        assert found.counts == Counts()
        assert {column.status for column in found.columns} <= {ColumnStatus.SAME}
    return {table["name"]: tables[table["a"]]["rows"] for table in pair["tables"]}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("nested", ["zip", "folder"])
@pytest.mark.parametrize("layout", ["auto", "related"])
def test_every_table_of_a_collection_meets_itself_in_its_export(
    tmp_path: Path, form: str, nested: str, layout: str
) -> None:
    uploads = Uploads(tmp_path)
    bench = Bench(tmp_path)
    a = uploads.converted("a", UPLOAD, layout)
    b = uploads.converted("b", uploads.exported(a, form, nested))
    zips = (["data/FY.zip"], ["data/FY.zip"] if nested == "zip" else [])
    pairs = bench.paired(a, b, zips)
    assert {one["a_path"] for one in pairs if one["b_path"]} >= {path for path in UPLOAD if not path.endswith(".csv")}
    assert all(one["a_path"] and one["b_path"] for one in pairs), together(pairs)
    found = {one["a_path"]: tables_of(one, [*a, *b], bench.blobs) for one in pairs}
    assert found["data/FY.zip/2024/ledger.xml"] == {
        table["name"]: table["rows"] for one in a if one["path"].endswith("ledger.xml") for table in one["tables"]
    }
    assert sum(map(len, found.values())) >= sum(len(one["tables"]) for one in a) - 1


def pairs_of(bench: Bench, a: list[DocumentFacts], b: list[DocumentFacts]) -> dict[str, list[str]]:
    """The paths of B's documents by the path of A's."""
    paths = {one["id"]: one["path"] for one in (*a, *b)}
    return {one["a_path"]: [paths[identifier] for identifier in one["b"]] for one in bench.paired(a, b)}


ROWS = [{"Key": "1", "Value": "2"}, {"Key": "2", "Value": "3"}]
CHILD = [{"_id": "1", "_parent_id": "1", "_pos": "1", "Name": "x"}]


def test_the_files_of_child_tables_go_with_their_main_table_new_ones_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    a = [bench.document("a", "d/ledger.xml", {"Row": ROWS, "Period": CHILD})]
    b = [
        bench.document("b", "d/ledger.csv", {"rows": ROWS}),
        bench.document("b", "d/ledger.Period.csv", {"rows": CHILD}),
        bench.document("b", "d/ledger.New.csv", {"rows": CHILD}),
        bench.document("b", "d/ledger._document.csv", {"rows": [{"Version": "1"}]}),
        bench.document("b", "d/ledger.other.csv", {"rows": [{"Else": "1"}]}),
    ]
    [pair, rest] = sorted(bench.paired(a, b), key=lambda one: not one["a"])
    assert pair["b"] == [f"b:d/ledger{name}.csv" for name in ("", ".Period", ".New", "._document")]
    assert [one["name"] for one in pair["tables"]] == ["Row", "Period", "New", "_document"]
    assert [bool(one["a"]) for one in pair["tables"]] == [True, True, False, False]
    assert pair["tables"][1]["links"] == ["_id", "_parent_id", "_pos"]
    assert pair["match"] == "name"
    assert rest["b_path"] == "d/ledger.other.csv"


def test_a_child_table_goes_with_the_document_that_has_the_most_of_its_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    names = ("l", "l.other", "l.other.one")
    a = [bench.document("a", f"{name}.xml", {"Row": ROWS, "Line": CHILD}) for name in names]
    b = [bench.document("b", f"{name}.csv", {"rows": ROWS}) for name in names]
    b += [bench.document("b", f"{name}.{table}.csv", {"rows": CHILD}) for name in names for table in ("Line", "New")]
    assert pairs_of(bench, a, b) == {
        f"{name}.xml": [f"{name}.csv", f"{name}.Line.csv", f"{name}.New.csv"] for name in names
    }


def test_a_child_table_that_is_a_document_of_its_own_on_the_other_side_stays_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    a = [bench.document("a", "l.xml", {"Row": ROWS}), bench.document("a", "l.New.xml", {"Row": CHILD})]
    b = [bench.document("b", "l.csv", {"rows": ROWS}), bench.document("b", "l.New.csv", {"rows": CHILD})]
    assert pairs_of(bench, a, b) == {"l.xml": ["l.csv"], "l.New.xml": ["l.New.csv"]}
    assert pairs_of(bench, b, a) == {"l.csv": ["l.xml"], "l.New.csv": ["l.New.xml"]}


def test_names_that_were_numbered_in_an_export_are_told_apart(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    other = [{"Key": "7", "Value": "8"}, {"Key": "9", "Value": "10"}]
    a = [
        bench.document("a", "d.xml", {"Row": ROWS, "Period": CHILD}),
        bench.document("a", "d.csv", {"rows": other}),
        bench.document("a", "d.Period.xml", {"Row": other}),
    ]
    b = [
        bench.document("b", "d.csv", {"rows": ROWS}),
        bench.document("b", "d (2).csv", {"rows": other}, content="as it was"),
        bench.document("b", "d.Period.csv", {"rows": other}, content="other"),
        bench.document("b", "d.Period (2).csv", {"rows": CHILD}),
    ]
    assert pairs_of(bench, a, b) == {
        "d.xml": ["d.csv", "d.Period (2).csv"],
        "d.csv": ["d (2).csv"],
        "d.Period.xml": ["d.Period.csv"],
    }
    [first, *_] = [one for one in bench.paired(a, b) if one["a_path"] == "d.xml"]
    assert (first["runner_up"], first["runner_up_confidence"] < first["confidence"]) == ("d (2).csv", True)


def test_equal_stems_with_other_headers_are_other_documents(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    a = [bench.document("a", "d.xml", {"Row": ROWS}), bench.document("a", "e.xml", {"Row": CHILD}, failed=True)]
    b = [bench.document("b", "d.csv", {"rows": CHILD}), bench.document("b", "e.csv", failed=True)]
    assert ("d.xml", "d.csv") not in together(bench.paired(a, b))


def test_a_renamed_document_of_another_format_brings_its_child_tables(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    a = [bench.document("a", "ledger_20240131.xml", {"Row": ROWS, "Period": CHILD})]
    b = [
        bench.document("b", "ledger_20240229.csv", {"rows": ROWS}),
        bench.document("b", "ledger_20240229.Period.csv", {"rows": CHILD}),
    ]
    assert pairs_of(bench, a, b) == {"ledger_20240131.xml": ["ledger_20240229.csv", "ledger_20240229.Period.csv"]}


def test_a_workbook_is_the_files_it_was_exported_to(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    a = [bench.document("a", "book.xlsx", {"First": ROWS, "Second": [{"Name": "x", "Sum": "1"}]})]
    b = [
        bench.document("b", "book.csv", {"rows": ROWS}),
        bench.document("b", "book.Second.csv", {"rows": [{"Name": "x", "Sum": "1"}], "_document": [{"Column 1": "t"}]}),
    ]
    [pair] = bench.paired(b, a)
    assert [(one["name"], bool(one["a"]), bool(one["b"])) for one in pair["tables"]] == [
        ("First", True, True),
        ("Second", True, True),
        ("Second._document", True, False),
    ]
    assert pair["a_path"] == "book.csv"


def test_titles_above_a_table_are_found_beside_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    titles = [{"Column 1": "Report of June"}]
    a = [bench.document("a", "r.csv", {"rows": ROWS, "_document": titles})]
    b = [bench.document("b", "r.csv", {"rows": ROWS}), bench.document("b", "r._document.csv", {"rows": titles})]
    assert pairs_of(bench, a, b) == {"r.csv": ["r.csv", "r._document.csv"]}


def test_a_cell_that_only_looks_cut_stays_as_it_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    cut = f"abc{MARK}"
    rows = [{"A": cut}, {"A": f"xyz{MARK}"}, {"A": None}, {"A": cut}]
    long = [
        {"Table": "T", "Column": "A", "Row": "1", "Value": "abcdef", "Column 5": "ghi"},
        {"Table": "T", "Column": "A", "Row": "1", "Value": "jkl", "Column 5": None},
        {"Table": "T", "Column": "A", "Row": "2", "Value": "abcdef", "Column 5": None},
        {"Table": "T", "Column": "A", "Row": "3", "Value": "abcdef", "Column 5": None},
        {"Table": "S", "Column": "A", "Row": "4", "Value": "abcdef", "Column 5": None},
        {"Table": "T", "Column": "A", "Row": "9", "Value": "abcdef", "Column 5": None},
        {"Table": "T", "Column": "A", "Row": "", "Value": "A", "Column 5": None},
    ]
    [document] = [bench.document("a", "a.xlsx", {"T": rows, "_long values": long})]
    source, beside = (Stored(bench.blobs, table) for table in document["tables"])
    whole = Whole(source, beside, "T")
    assert (whole.rows, [one.name for one in whole.columns]) == (4, ["A"])
    assert whole.read(["A"]).column("A").to_pylist() == ["abcdefghijkl", f"xyz{MARK}", None, cut]
    assert Whole(source, beside, "Other").read(["A"]).column("A").to_pylist() == [row["A"] for row in rows]


def test_columns_of_a_grid_are_known_by_their_names_not_by_their_numbers(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    a = bench.document("a", "a.csv", {"rows": [{"A": "1", "B": "2", "'=C": "3"}, {"A": "4", "B": "5", "'=C": "6"}]})
    b = bench.document("b", "a.csv", {"rows": [{"B": "2", "=C": "3", "A": "1"}, {"B": "5", "=C": "6", "A": "4"}]})
    left, right = (Stored(bench.blobs, one["tables"][0]) for one in (a, b))
    found = engine.compare(left, right, Options(), Reading(guarded=True), Reading(guarded=True))
    assert [(one.name, one.status) for one in found.columns] == [
        ("A", ColumnStatus.SAME),
        ("B", ColumnStatus.SAME),
        ("'=C", ColumnStatus.SAME),
    ]
    assert found.counts == Counts()
