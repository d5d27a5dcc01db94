"""A collection and its own export are the same documents, whatever became of their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pairing_documents import Bench, together
from pairing_exports import Uploads

from ret_diff.arrow import pa, pq
from ret_diff.model import Column, Kind
from ret_diff.pairing.model import DocumentFacts, PairFacts, ReadingFacts, TableFacts
from ret_diff.pairing.whole import Whole
from ret_kit.blobs import Blobs

LONG = "long value " * 4000


@dataclass(frozen=True)
class Stored:
    """A table as it is stored."""

    blobs: Blobs
    table: TableFacts

    @property
    def rows(self) -> int:
        return self.table["rows"]

    @property
    def columns(self) -> Sequence[Column]:
        return [Column(one["name"], one["path"], Kind(one["kind"])) for one in self.table["columns"]]

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


def read(blobs: Blobs, tables: dict[str, TableFacts], own: str, long: str, name: str, reading: ReadingFacts) -> Any:
    """The rows of a table as its reading has them."""
    source: Any = Stored(blobs, tables[own])
    if long:
        source = Whole(source, Stored(blobs, tables[long]), name)
    rows: list[dict[str, str | None]] = source.read([one.name for one in source.columns]).to_pylist()

    def plain(text: str | None) -> str | None:
        text = "" if text is None else text  # one side never tells absent from empty here
        return text[1:] if reading["guarded"] and text[:1] == "'" and text[1:2] in "=+-@" else text

    return [{str(plain(key)): plain(cell) for key, cell in row.items()} for row in rows]


def tables_of(pair: PairFacts, documents: list[DocumentFacts], blobs: Blobs) -> dict[str, int]:
    """The rows by table of a pair; fails unless all of its tables are equal."""
    tables = {table["id"]: table for one in documents for table in one["tables"]}
    for one in pair["tables"]:
        a = read(blobs, tables, one["a"], one["a_long"], one["name"], one["a_reading"])
        b = read(blobs, tables, one["b"], one["b_long"], one["name"], one["b_reading"])
        assert a == b
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
