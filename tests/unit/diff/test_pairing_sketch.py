"""A sketch keeps the same values of equal columns, however their rows are ordered, and in little memory."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pairing_documents import Bench

from ret_diff.arrow import pa
from ret_diff.pairing import sketch
from ret_diff.pairing.content import Contents
from ret_diff.pairing.sketch import Sketch, hashed, lengths, lowest, rough_hashes, told


def column(*values: str | None) -> list[dict[str, str | None]]:
    return [{"C": value} for value in values]


def sketched(bench: Bench, side: str, rows: list[dict[str, str | None]], kept: int = 8, name: str = "a.xml") -> Sketch:
    return sketch.sketch(bench.blobs, bench.document(side, name, {"T": rows}), kept)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_order_of_rows_and_the_size_of_pieces_do_not_matter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    rows = column(*(f"value {rng.randrange(500)}" for _ in range(900)), "", None, " ")
    whole = sketched(bench, "a", rows).columns["c"]
    monkeypatch.setattr(sketch, "BATCH", 70)
    monkeypatch.setattr(sketch, "BYTES", 1)
    pieces = sketched(bench, "b", rng.sample(rows, len(rows))).columns["c"]
    assert whole.hashes.tolist() == pieces.hashes.tolist() == sorted(whole.hashes.tolist())
    assert whole.looks.tolist() == pieces.looks.tolist()
    assert len(whole.hashes) == 8
    assert not whole.all_kept
    assert not pieces.all_kept


def test_a_column_with_few_values_keeps_them_all(bench: Bench) -> None:
    kept = sketched(bench, "a", column("one", "two", "one", None, "")).columns["c"]
    assert kept.all_kept
    assert kept.hashes.tolist() == sorted(map(hashed, ["one", "two"]))


def test_texts_that_differ_only_in_their_middle_are_different(bench: Bench) -> None:
    rows = column(*(f"the same beginning {n:03d} and the same end" for n in range(40)))
    assert len(sketched(bench, "a", rows, kept=100).columns["c"].hashes) == 40
    few = sketched(bench, "a", rows).columns["c"]
    assert (len(few.hashes), few.all_kept) == (8, False)


def test_a_guard_of_ours_is_not_part_of_a_value(bench: Bench) -> None:
    plain = bench.document("a", "a.xml", {"T": [{"@id": "=x", "B": "'quoted"}]})
    guarded = bench.document("b", "a.csv", {"rows": [{"'@id": "'=x", "B": "'quoted"}]})
    assert [sketch.sketch(bench.blobs, one, 8).columns["@id"].hashes.tolist() for one in (plain, guarded)] == [
        [hashed("=x")],
        [hashed("=x")],
    ]


def test_of_a_large_table_some_columns_are_read_the_same_ones_each_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[dict[str, str | None]] = [{f"C{n}": f"{n}-{at}" for n in range(20)} for at in range(10)]
    monkeypatch.setattr(sketch, "CELLS", 50)
    five = sketched(bench, "a", rows).columns.keys()
    assert len(five) == 5
    assert sketched(bench, "b", [dict(sorted(row.items(), reverse=True)) for row in rows]).columns.keys() == five
    assert sketched(bench, "c", rows[:5]).columns.keys() > five


def test_hashes_see_the_first_and_last_bytes_and_the_length() -> None:
    values = pa.array(["", "a", "aa", "ab", "12345678", "123456789", "x" * 40, "x" * 41, "ä"], pa.large_string())
    assert len(set(rough_hashes(values).tolist())) == 9
    assert lengths(values).tolist() == [0, 1, 2, 2, 8, 9, 40, 41, 2]
    assert rough_hashes(values.slice(3, 2)).tolist() == rough_hashes(values).tolist()[3:5]
    assert rough_hashes(values.slice(0, 0)).tolist() == []
    assert lowest(values, 3) == lowest(values, 9)[:3]


def test_what_a_value_tells_depends_on_its_looks() -> None:
    ordered = [" ", "Y", "00012", "2024-01-31", "a text"]
    assert [told(value) for value in ordered] == sorted(told(value) for value in ordered)
    assert told("300000012345678") == told("a text") == 1


def test_how_much_is_shared_does_not_depend_on_what_was_sampled(bench: Bench) -> None:
    values = [f"value {n}" for n in range(2000)]
    halves = [column(*values[:1500]), column(*values[500:])]
    shares: list[float] = []
    for kept in (4000, 200):
        one, other = (sketched(bench, side, rows, kept) for side, rows in zip("ab", halves, strict=True))
        shares.append(Contents([one], [other]).shared(0, 0))
    assert shares[0] == pytest.approx(2 / 3)
    assert shares[1] == pytest.approx(2 / 3, abs=0.1)


def test_documents_without_a_value_share_nothing(bench: Bench) -> None:
    nothing = sketched(bench, "a", column(None, None, ""))
    some = sketched(bench, "b", column("text"))
    assert Contents([nothing], [nothing]).shared(0, 0) == 0
    assert Contents([nothing], [some]).shared(0, 0) == 0
    assert Contents([Sketch()], [Sketch()]).shared(0, 0) == 0
    assert Contents([Sketch()], [Sketch()]).candidates(5) == set()
