"""What a child does with pairs, from stored tables to artefacts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from ret_diff import comparing
from ret_diff.arrow import pa, pq
from ret_diff.orders import OptionFacts, PairDone, PairOrder, StoredTable, TableOrder
from ret_diff.pair_records import Artefact
from ret_diff.pairing.model import ReadingFacts
from ret_diff.reading import Nothing, StoredSource
from ret_diff.shown import Shown, State
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged

OPTIONS = OptionFacts(keys=[], ignore_columns=[], ignore_case=False, ignore_space=False, numeric_tolerance=0.0)
PLAIN = ReadingFacts(absent_is_empty=False, guarded=False)
Rows = Sequence[Sequence[str | None]]


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path.as_uri())


def stored(blobs: Blobs, key: str, names: str, rows: Rows, links: str = "") -> StoredTable:
    """A table as convert stores it, with one letter a column."""
    fields = [
        pa.field(name, pa.string(), metadata={"kind": "link" if name in links.split() else "value", "path": f"/{name}"})
        for name in names.split()
    ]
    columns = [pa.array([row[at] for row in rows], pa.string()) for at in range(len(fields))]
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)), out)
    data = out.getvalue().to_pybytes()
    blobs.put_sync(f"sessions/s/{key}.parquet", data)
    return StoredTable(
        id=key,
        name=key,
        key=f"sessions/s/{key}.parquet",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        rows=len(rows),
        version=1,
        numbers_key="",
    )


def order(name: str, a: StoredTable | None, b: StoredTable | None, parent: int = -1) -> TableOrder:
    return TableOrder(
        name=name, a=a, b=b, parent=parent, links=[], a_reading=PLAIN, b_reading=PLAIN, a_long=None, b_long=None
    )


def compared(tmp_path: Path, *tables: TableOrder, order: Sequence[int] = (), report: Any = None) -> PairDone:
    pair = PairOrder(id="p", options=OPTIONS, tables=list(tables), order=list(order or range(len(tables))))
    payload: Any = {"blobs": tmp_path.as_uri(), "prefix": "sessions/s/j/", "pairs": [pair]}
    [done] = comparing.compare(payload, report or (lambda _: None))["pairs"]
    return done


def test_a_pair_is_what_its_tables_are_and_its_artefact_lies_below_the_prefix(tmp_path: Path, blobs: Blobs) -> None:
    a = stored(blobs, "a", "Id Word", [(f"{at}", f"w{at}") for at in range(30)])
    b = stored(blobs, "b", "Id Word", [(f"{at}", f"w{at}" if at != 7 else "new") for at in range(30)])
    reports: list[dict[str, Any]] = []
    done = compared(tmp_path, order("Row", a, b), order("Same", a, a), report=reports.append)
    first, second = done["tables"]
    assert (done["status"], first["status"], second["status"]) == ("mismatch", "mismatch", "identical")
    assert (first["counts"]["cells_changed"], first["changed_rows"], first["full_rows"]) == (1, 1, 30)
    assert (first["artefact"], second["artefact"]) == ("sessions/s/j/p/0/", "")
    assert reports[-1] == {"pairs": 1, "bytes": 3 * a["size"] + b["size"], "rows": 120, "cells": 1, "failed": 0}
    [pattern] = Shown(blobs).of_tables([Artefact("p", "Row", first["artefact"], renumbered=False)])
    assert (pattern.column, pattern.old, pattern.new, pattern.count) == ("Word", "w7", "new", 1)


def test_a_table_of_one_side_was_added_or_removed_whole(tmp_path: Path, blobs: Blobs) -> None:
    a = stored(blobs, "a", "Id", [("1",), ("2",)])
    done = compared(tmp_path, order("Gone", a, None), order("New", None, a))
    assert [(one["status"], one["counts"]["rows_removed"], one["counts"]["rows_added"]) for one in done["tables"]] == [
        ("only_in_a", 2, 0),
        ("only_in_b", 0, 2),
    ]
    assert done["status"] == "mismatch"


def test_rows_belong_to_the_rows_that_their_parents_became(tmp_path: Path, blobs: Blobs) -> None:
    heads = [(f"{at + 1}", f"O{at}", f"text {at}") for at in range(6)]
    lines = [(f"{at + 1}", f"{at // 3 + 1}", f"i{at % 3}", f"{at % 3}") for at in range(18)]
    # The first order is gone, so that all ids are others; one quantity is another.
    fewer = [(f"{at}", *row[1:]) for at, row in enumerate(heads[1:], 1)]
    moved = [(f"{at - 2}", f"{at // 3}", f"i{at % 3}", "9" if at == 10 else f"{at % 3}") for at in range(3, 18)]
    lines_a = stored(blobs, "la", "_id _parent_id Item Qty", lines, "_id _parent_id")
    lines_b = stored(blobs, "lb", "_id _parent_id Item Qty", moved, "_id _parent_id")
    heads_a = stored(blobs, "ha", "_id No Text", heads, "_id")
    heads_b = stored(blobs, "hb", "_id No Text", fewer, "_id")
    # The main table stands first, although its parent is another.
    done = compared(tmp_path, order("Line", lines_a, lines_b, 1), order("Order", heads_a, heads_b), order=[1, 0])
    line, head = done["tables"]
    assert (line["name"], head["name"]) == ("Line", "Order")
    assert (head["counts"]["rows_removed"], head["counts"]["rows_changed"]) == (1, 0)
    counts = line["counts"]
    assert (counts["rows_removed"], counts["rows_added"], counts["rows_changed"], counts["cells_changed"]) == (
        3,
        0,
        1,
        1,
    )


@pytest.mark.parametrize("ids", [["1", "x"], ["1", "900000"], ["-5", "1"]])
def test_ids_that_are_none_of_ours_say_nothing_of_parents(blobs: Blobs, ids: list[str]) -> None:
    source = StoredSource(blobs, stored(blobs, "t", "_id", [(one,) for one in ids], "_id"))
    assert comparing.numbered(source, np.arange(2), 0) is None


def test_ids_that_no_shown_row_has_get_numbers_of_their_own(blobs: Blobs) -> None:
    source = StoredSource(blobs, stored(blobs, "t", "_id", [("1",), ("3",), (None,)], "_id"))
    found = comparing.numbered(source, np.array([1, -1, 0]), 100)
    assert found is not None
    assert found.tolist() == [103, 2, 105, 0]
    assert comparing.numbered(Nothing(), np.arange(0), 0) is not None


def test_a_pair_without_its_tables_fails_alone(tmp_path: Path, blobs: Blobs) -> None:
    a = stored(blobs, "a", "Id", [("1",)])
    gone, damaged = a.copy(), a.copy()
    gone["key"], damaged["sha256"] = "sessions/s/gone.parquet", "0" * 64
    for other, code in ((gone, "SIDE_GONE"), (damaged, "BLOB_DAMAGED")):
        done = compared(tmp_path, order("Row", a, other))
        assert (done["status"], (done["failure"] or {}).get("code"), done["tables"]) == ("failed", code, [])


def test_a_fault_of_ours_fails_its_pair_and_no_other(tmp_path: Path, blobs: Blobs) -> None:
    a = stored(blobs, "a", "Id", [("1",)])
    broken = order("Row", a, a)
    broken["a_reading"] = cast("ReadingFacts", {})
    pairs = [
        PairOrder(id=name, options=OPTIONS, tables=[one], order=[0])
        for name, one in (("x", broken), ("y", order("Row", a, a)))
    ]
    payload: Any = {"blobs": tmp_path.as_uri(), "prefix": "sessions/s/j/", "pairs": pairs}
    first, second = comparing.compare(payload, lambda _: None)["pairs"]
    assert (first["failure"]["code"], "KeyError" in first["failure"]["detail"]) == ("INTERNAL", True)
    assert second["status"] == "identical"


def test_ids_that_were_numbered_anew_are_found_across_pairs(tmp_path: Path, blobs: Blobs) -> None:
    def rows(first: int) -> Rows:
        return [(f"{first + at * 7919 % 90000}", f"natural {at}", f"text {at % 9}") for at in range(300)]

    a = stored(blobs, "a", "Surrogate Name Text", rows(300000))
    b = stored(blobs, "b", "Surrogate Name Text", rows(700000))
    done = compared(tmp_path, order("Row", a, b))
    [table] = done["tables"]
    assert table["counts"]["cells_changed"] == 300
    assert table["told"]["renumbered"]
    shown, artefact = Shown(blobs), Artefact("p", "Row", table["artefact"], renumbered=True)
    [finding] = shown.findings(State("s", "c", 1), [artefact])
    assert (finding["code"], finding["cells"]) == ("ids_renumbered", 300)
    # What was put together is kept until a pair changes.
    assert shown.findings(State("s", "c", 1), []) == [finding]
    assert shown.findings(State("s", "c", 2), []) == []


async def test_what_is_kept_of_a_session_goes_with_it(blobs: Blobs) -> None:
    shown = Shown(blobs)
    assert shown.patterns(State("s", "c", 1), []) == []
    gone = Artefact("p", "Row", "sessions/s/nothing/", renumbered=True)
    assert shown.findings(State("s", "c", 1), [gone]) == []
    assert shown.kept == 2
    await shown.heard("sessions.closing.s", b"")
    assert shown.kept == 0


def test_long_lists_of_columns_are_cut_and_say_so(tmp_path: Path, blobs: Blobs) -> None:
    a = stored(blobs, "a", "Id Word", [("1", "a"), ("2", "b")])
    wide = " ".join(["Id", "Word", *(f"C{at}" for at in range(1100))])
    b = stored(blobs, "b", wide, [("1", "a", *["x"] * 1100), ("2", "b", *["y"] * 1100)])
    [table] = compared(tmp_path, order("Row", a, b))["tables"]
    assert len(table["told"]["columns_added"]) == comparing.NAMES
    assert "COLUMNS_CUT" in [note["code"] for note in table["told"]["notes"]]


def test_names_that_begin_like_others_are_columns_of_their_own(blobs: Blobs) -> None:
    table = stored(blobs, "a", "Item Item.Name", [("1", "one"), ("2", None)])
    source = StoredSource(blobs, table, ["Item"])
    assert source.read(["Item"]).column_names == ["Item"]
    assert [str(one.kind) for one in source.columns] == ["link", "value"]
    table["rows"] = 3
    with pytest.raises(BlobDamaged):
        StoredSource(blobs, table)


def test_a_large_table_is_read_column_by_column_from_the_store(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_diff.reading.IN_MEMORY", 0)
    source = StoredSource(blobs, stored(blobs, "a", "Id Word", [("1", "a"), ("2", "b")]))
    assert source.read(["Word"]).to_pydict() == {"Word": ["a", "b"]}
