"""Where other programs fail (design): each of their failures is a test of ours. Their answers stand beside ours in
benchmarks/compare/peers.py."""

from __future__ import annotations

import hashlib
from itertools import permutations
from pathlib import Path

import pytest
from planted_shapes import Table
from truth_patch import patched, unpatched
from truth_peers import CASES, DOUBLED, TWICE, Case, as_csv
from truth_tables import answer

from ret_convert.converting import convert
from ret_convert.orders import Order, SourceOrder
from ret_diff.arrow import pq
from ret_diff.model import Options
from ret_kit.blobs import Blobs


@pytest.fixture
def converted(tmp_path: Path) -> Converted:
    return Converted(tmp_path)


class Converted:
    """Tables as the product makes them of CSV."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._blobs = folder, Blobs(folder.as_uri())

    def table(self, data: bytes, name: str) -> Table:
        """The one table of a document."""
        digest = hashlib.sha256(data).hexdigest()
        self._blobs.put_sync(name, data)
        source = SourceOrder(document_id=name, media_type="text/csv", bytes=len(data), key=name, offset=0,
                             length=len(data), sha256=digest)  # fmt: skip
        order = Order(blobs=self._folder.as_uri(), prefix="t/", job_id=name, layout="auto", repeats=8, columns=200,
                      record_paths={}, sources=[source])  # fmt: skip
        [outcome] = convert(dict(order), lambda _: None)["outcomes"]
        [table] = outcome["tables"]
        read = pq.read_table(self._folder / table["blob_key"])
        rows = zip(*(column.to_pylist() for column in read.columns), strict=True)
        return Table(tuple(read.schema.names), tuple(rows))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_a_peer_misses_is_found(case: Case, converted: Converted) -> None:
    a, b = converted.table(as_csv(case.a), "a"), converted.table(as_csv(case.b), "b")
    counts = answer(a, b).counts
    assert (counts.rows_added, counts.rows_removed, counts.rows_changed, counts.cells_changed) == case.truth


def test_the_changed_cell_is_in_the_column_of_the_doubled_header_in_which_it_was_changed(converted: Converted) -> None:
    a, b = converted.table(as_csv(DOUBLED.a), "a"), converted.table(as_csv(DOUBLED.b), "b")
    [cells] = answer(a, b).cells
    assert len(set(a.names)) == len(a.names) == 3
    assert cells.column == 2


def test_rows_of_an_equal_key_are_paired_by_what_is_in_them(converted: Converted) -> None:
    a, b = converted.table(as_csv(TWICE.a), "a"), converted.table(as_csv(TWICE.b), "b")
    result = answer(a, b, Options(keys=TWICE.keys))
    assert (result.counts.cells_changed, result.counts.rows_added, result.counts.rows_removed) == (1, 0, 0)
    assert "KEY_NOT_UNIQUE" in {note.code for note in result.notes}


def test_rows_of_an_equal_key_have_the_same_answer_in_every_order() -> None:
    names = ("Key", "Value")
    a = Table(names, (("k", "1"), ("k", "2"), ("k", "3"), ("l", "9")))
    b = [("k", "1"), ("k", "2"), ("k", "4"), ("l", "9")]
    found = {
        (counts.rows_added, counts.rows_removed, counts.rows_changed, counts.cells_changed)
        for rows in permutations(b)
        for counts in [answer(a, Table(names, rows), Options(keys=("Key",))).counts]
    }
    assert found == {(0, 0, 1, 1)}


def test_what_differs_in_any_order_is_undone_again() -> None:
    a = Table(("Name", "Value"), (("x", "1"), ("y", "2"), ("y", "2"), ("z", "3")))
    b = Table(("Name", "Value"), (("z", "3"), ("y", "2"), ("x", "5"), ("new", "7")))
    result = answer(a, b)
    assert patched(a, b, result) == list(b.rows_)
    assert unpatched(a, b, result) == list(a.rows_)
