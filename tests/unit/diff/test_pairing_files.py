"""Documents of two sides find each other by path, content, name; and those that have nothing in common do not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pairing_documents import Bench, setup_rows, together

PLACE = "businessObjectData/{0}.zip/1_BATCH.zip/{0}.xml"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_two_unrelated_documents_of_the_same_header_do_not_pair(bench: Bench) -> None:
    rng = random.Random(1)
    gone, new = PLACE.format("AR_CALENDAR"), PLACE.format("ZX_TAX_REGIME")
    a = [bench.document("a", gone, {"CalendarVORow": setup_rows(rng, "Calendar", 40)})]
    b = [bench.document("b", new, {"TaxRegimeVORow": setup_rows(rng, "TaxRegime", 19)})]
    same = setup_rows(rng, "Term")
    a.append(bench.document("a", "same.xml", {"T": same}))
    b.append(bench.document("b", "same.xml", {"T": same}))
    assert together(bench.paired(a, b)) == {(gone, ""), ("", new)}


def test_a_document_that_was_renamed_and_changed_is_found_by_its_content(bench: Bench) -> None:
    rng = random.Random(2)
    rows = setup_rows(rng, "Calendar")
    changed = [{**row, "Amount": "1.00"} if at % 4 == 0 else row for at, row in enumerate(rows[2:])]
    a = [bench.document("a", "x/old.xml", {"T": rows}), bench.document("a", "x/b.xml", {"T": setup_rows(rng, "B")})]
    b = [bench.document("b", "y/new.xml", {"T": changed}), bench.document("b", "y/c.xml", {"T": setup_rows(rng, "C")})]
    pairs = bench.paired(a, b)
    assert together(pairs) == {("x/old.xml", "y/new.xml"), ("x/b.xml", ""), ("", "y/c.xml")}
    [found] = [one for one in pairs if one["a"] and one["b"]]
    assert found["match"] == "content"
    assert 0.5 < found["confidence"] <= 1
    assert found["runner_up"] == "y/c.xml"
    assert found["runner_up_confidence"] < found["confidence"]
