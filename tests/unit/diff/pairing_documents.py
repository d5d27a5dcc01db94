"""Made-up sides: documents with real tables in a store, as ingest and convert would tell of them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ret_diff.arrow import pa, pq
from ret_diff.pairing.bytes import by_bytes
from ret_diff.pairing.model import ColumnFacts, DocumentFacts, Documents, Order, Paired, PairFacts, Side, TableFacts
from ret_diff.pairing.pair import pair
from ret_kit.blobs import Blobs

Rows = Sequence[Mapping[str, str | None]]
LINKS = ("_id", "_parent_id", "_pos")
MEDIA = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Bench:
    """A store, and documents made in it; the tables of a document are by name, the first of them the main one."""

    def __init__(self, folder: Path) -> None:
        self.url = folder.as_uri()
        self.blobs = Blobs(self.url)

    def document(
        self,
        side: str,
        path: str,
        tables: Mapping[str, Rows] | None = None,
        paths: Mapping[str, str] | None = None,
        *,
        content: str = "",
        edited: bool = False,
        failed: bool = False,
    ) -> DocumentFacts:
        """A document; `paths` are the paths of its tables' rows, `content` what its bytes are known by."""
        name = path.rpartition("/")[2]
        ending = name[name.rfind(".") :].lower() if "." in name else ""
        named = dict(tables or {})
        listed: list[TableFacts] = []
        for at, (title, rows) in enumerate(named.items()):
            where = (paths or {}).get(title, f"/Root/{title}")
            listed.append(self._table(f"{side}/{path}/{at}", title, at, rows, "" if ending in MEDIA else where))
        told = content or repr([(title, [tuple(row.items()) for row in rows]) for title, rows in named.items()])
        return DocumentFacts(
            id=f"{side}:{path}",
            path=path,
            name=name,
            group="AR",
            media_type=MEDIA.get(ending, "application/xml"),
            sha256=hashlib.sha256(f"{ending}{told}".encode()).hexdigest(),
            status="failed" if failed else "converted",
            edited=edited,
            tables=listed,
        )

    def _table(self, name: str, title: str, at: int, rows: Rows, where: str) -> TableFacts:
        columns = list(dict.fromkeys(column for row in rows for column in row))
        table = pa.table({one: pa.array([row.get(one) for row in rows], pa.string()) for one in columns})
        out = pa.BufferOutputStream()
        pq.write_table(table, out)
        digest = hashlib.sha256(name.encode()).hexdigest()
        stored = self.blobs.put_sync(f"tables/{digest}", out.getvalue().to_pybytes())
        return TableFacts(
            id=digest[:16],
            name=title,
            role="child" if at else "main",
            position=at,
            key=stored.key,
            size=stored.size,
            rows=len(rows),
            columns=[self._column(one, number, where) for number, one in enumerate(columns, 1)],
            sha256=stored.sha256,
            version=1,
        )

    @staticmethod
    def _column(name: str, number: int, where: str) -> ColumnFacts:
        if where and name in LINKS:
            return ColumnFacts(name=name, path="", kind="link")
        return ColumnFacts(name=name, path=f"{where}/{name}" if where else str(number), kind="value")

    def paired(
        self,
        a: Sequence[DocumentFacts],
        b: Sequence[DocumentFacts],
        zips: tuple[Sequence[str], Sequence[str]] = ((), ()),
        apart: Sequence[tuple[str, str]] = (),
    ) -> list[PairFacts]:
        """Both stages: the pairs that are not identical, and what only one side has."""
        sides = [Documents(documents=list(side), zips=list(one)) for side, one in zip((a, b), zips, strict=True)]
        known = by_bytes(*(Side(documents=[*side["documents"]], zips=side["zips"]) for side in sides))
        order = Order(blobs=self.url, a=sides[0], b=sides[1], pairs=known["pairs"], apart=list(apart))
        answer: Any = pair({**order}, lambda _: None)
        found: Paired = answer
        return found["pairs"]


def together(pairs: Sequence[PairFacts]) -> set[tuple[str, str]]:
    """(path in A, path in B) of pairs, empty where there is none."""
    return {(one["a_path"], one["b_path"]) for one in pairs}


def setup_rows(rng: random.Random, word: str, count: int = 30) -> list[dict[str, str | None]]:
    """Rows as setup data has them: an id without meaning, a code that many tables have, flags, money, prose."""
    return [
        {
            "ObjectId": f"3000{rng.randrange(10**11):011d}",
            "Name": f"{word} {number:04d}",
            "Code": f"{number:05d}",
            "CurrencyCode": rng.choice(["EUR", "USD", "GBP"]),
            "Amount": f"{rng.randrange(10**7) / 100:.2f}",
            "EnabledFlag": rng.choice("YN"),
            "StartDate": f"20{rng.randrange(10, 27)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
            "Description": " ".join(
                rng.choices(["net", "days", "approval", "local", "transfer", "review", "hold", "site", "batch"], k=5)
            ),
        }
        for number in range(1, count + 1)
    ]
