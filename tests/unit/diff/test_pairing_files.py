"""Documents of two sides find each other by path, content, name; and those that have nothing in common do not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pairing_documents import Bench, setup_rows, together

from ret_diff.pairing import assignment, files
from ret_diff.pairing.model import DocumentFacts, Documents, Order
from ret_diff.pairing.pair import pair

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


def test_a_name_with_another_time_stamp_is_the_same_document_whatever_is_in_it(bench: Bench) -> None:
    rng = random.Random(3)
    old, new = "d/AR_TERMS_20260113_055727.xml", "d/AR_TERMS_20260214_101112.xml"
    a = [bench.document("a", old, {"T": setup_rows(rng, "Old")}), bench.document("a", "o.xml", {"T": [{"K": "1"}]})]
    b = [bench.document("b", new, {"T": setup_rows(rng, "New")}), bench.document("b", "p.xml", {"S": [{"L": "2"}]})]
    pairs = bench.paired(a, b)
    assert together(pairs) == {(old, new), ("o.xml", ""), ("", "p.xml")}
    assert [one["match"] for one in pairs if one["a"] and one["b"]] == ["name"]


def test_a_document_in_a_folder_of_another_name_is_found_by_its_own_name_if_the_folders_are_much_alike(
    bench: Bench,
) -> None:
    rng = random.Random(8)
    old, new = "d/AR/PAYMENT/DAYS/first/terms.xml", "d/AR/PAYMENT/DAYS/second/terms.xml"
    else_ = "d/GL/LEDGER/RULES/third/terms.xml"
    a = [bench.document("a", old, {"T": setup_rows(rng, "Old")}), bench.document("a", "o.xml", {"S": [{"K": "1"}]})]
    spare = bench.document("b", "p.xml", {"S": [{"L": "2"}]})
    found = bench.paired(a, [bench.document("b", new, {"T": setup_rows(rng, "New")}), spare])
    assert {(one["a_path"], one["b_path"]): one["match"] for one in found if one["a"] and one["b"]} == {
        (old, new): "name"
    }
    assert (old, else_) not in together(
        bench.paired(a, [bench.document("b", else_, {"T": setup_rows(rng, "New")}), spare])
    )


def test_like_names_with_the_same_header_need_but_little_content_in_common(bench: Bench) -> None:
    rng = random.Random(9)
    rows = setup_rows(rng, "Term")
    old, new = "d/AR_TERMS.zip/AR_TERMS.xml", "d/AR_TERMS.zip/AR_TERMS_REVISED.xml"
    spares = [bench.document(side, f"{side}.xml", {"S": [{side: "1"}]}) for side in "ab"]
    a = [bench.document("a", old, {"T": rows}), spares[0]]
    few, none = [*rows[:8], *setup_rows(rng, "Else", 24)], [dict.fromkeys(rows[0], f"nothing of {n}") for n in range(9)]
    pairs = bench.paired(a, [bench.document("b", new, {"T": few}), spares[1]])
    [found] = [one for one in pairs if one["b_path"] == new]
    assert (found["a_path"], found["match"]) == (old, "name")
    assert (old, new) not in together(bench.paired(a, [bench.document("b", new, {"T": none}), spares[1]]))


def test_a_name_is_not_enough_if_the_headers_are_others(bench: Bench) -> None:
    a = [bench.document("a", "T_20260113.xml", {"T": [{"A": "1", "B": "2"}]}), bench.document("a", "u.xml")]
    b = [bench.document("b", "T_20260214.xml", {"T": [{"C": "1", "D": "2"}]}), bench.document("b", "v.xml")]
    assert ("T_20260113.xml", "T_20260214.xml") not in together(bench.paired(a, b))


def test_several_documents_of_one_cleaned_name_are_told_apart_by_their_content(bench: Bench) -> None:
    rng = random.Random(4)
    first, second = setup_rows(rng, "Rate"), setup_rows(rng, "Rate")
    a = [
        bench.document("a", "rates_20240131.xml", {"T": first}),
        bench.document("a", "rates_20240229.xml", {"T": second}),
        bench.document("a", "rates_20240331.xml", {"T": setup_rows(rng, "March")}),
    ]
    b = [
        bench.document("b", "rates_20250131.xml", {"T": [*second[1:], first[0]]}),
        bench.document("b", "rates_20250228.xml", {"T": [*first[1:], second[0]]}),
        bench.document("b", "rates_20250331.xml", {"T": setup_rows(rng, "Later")}),
    ]
    pairs = {one["a_path"]: one for one in bench.paired(a, b)}
    assert pairs["rates_20240131.xml"]["b_path"] == "rates_20250228.xml"
    assert pairs["rates_20240229.xml"]["b_path"] == "rates_20250131.xml"
    assert pairs["rates_20240331.xml"]["b_path"] == ""


def test_a_document_that_failed_is_found_by_its_name(bench: Bench) -> None:
    a = [bench.document("a", "T_20260113.xml", failed=True), bench.document("a", "a.xml", {"T": [{"A": "1"}]})]
    b = [bench.document("b", "T_20260214.xml", {"T": [{"C": "1"}]}), bench.document("b", "b.xml", {"T": [{"B": "1"}]})]
    assert ("T_20260113.xml", "T_20260214.xml") in together(bench.paired(a, b))


def test_generic_names_in_folders_of_other_objects_do_not_pair(bench: Bench) -> None:
    def manifest(side: str, name: str) -> DocumentFacts:
        rows = [{"Object": name, "Attribute": one} for one in ("Id", "Name", "Code", "Amount", "Start", "End")]
        return bench.document(side, f"data/{name}.zip/ASM_SETUP_CSV_METADATA.xml", {"Attribute": rows})

    names = [f"AR_{word}" for word in ("TERM", "BANK", "RULE", "GRADE", "SITE")]
    a, b = ([manifest(side, name) for name in (*names, own)] for side, own in (("a", "GL_CALENDAR"), ("b", "ZX_TAX")))
    for one, other in zip(a, b, strict=True):
        other["edited"] = one["name"] == other["name"]
    gone, new = a[-1]["path"], b[-1]["path"]
    assert {(gone, ""), ("", new)} <= together(bench.paired(a, b))


def test_the_only_documents_of_both_sides_belong_together_if_they_have_anything_in_common(bench: Bench) -> None:
    a = bench.document("a", "before.xml", {"T": [{"A": "1", "B": "2"}]})
    b = bench.document("b", "after.xml", {"T": [{"A": "3", "B": "4", "C": "5", "D": "6"}]})
    other = bench.document("b", "else.xml", {"S": [{"X": "3"}]})
    [found] = bench.paired([a], [b])
    assert (found["a_path"], found["b_path"], found["match"]) == ("before.xml", "after.xml", "name")
    assert together(bench.paired([a], [other])) == {("before.xml", ""), ("", "else.xml")}


def test_what_the_user_does_not_want_together_stays_apart(bench: Bench) -> None:
    rows = setup_rows(random.Random(5), "T")
    a, b = bench.document("a", "a.xml", {"T": rows}), bench.document("b", "b.xml", {"T": rows[1:]})
    spare = bench.document("b", "c.xml", {"T": rows[:20]})
    assert together(bench.paired([a], [b, spare])) == {("a.xml", "b.xml"), ("", "c.xml")}
    assert together(bench.paired([a], [b, spare], apart=[(a["id"], b["id"])])) == {("a.xml", "c.xml"), ("", "b.xml")}


def test_nothing_is_read_where_one_side_has_nothing_left(bench: Bench) -> None:
    lost = bench.document("a", "a.xml", {"T": [{"A": "1"}]})
    lost["tables"][0]["key"] = "not/there"
    assert together(bench.paired([lost], [])) == {("a.xml", "")}
    assert bench.paired([], []) == []


def test_many_documents_are_found_without_weighing_each_against_each(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "EVERY", 0)
    monkeypatch.setattr(files, "MANY", 10)
    monkeypatch.setattr(assignment, "EXACT", 3)
    rng = random.Random(6)
    tables = [setup_rows(rng, f"Object{n}", 20) for n in range(30)]
    a = [bench.document("a", f"data/{n}.xml", {"T": rows}) for n, rows in enumerate(tables)]
    b = [bench.document("b", f"x{(n * 7) % 30}/r{n}.xml", {"T": rows[2:]}) for n, rows in enumerate(tables)]
    b += [bench.document("b", f"y/n{n}.xml", {"T": setup_rows(rng, f"New{n}", 20)}) for n in range(5)]
    pairs = {one["a_path"]: one["b_path"] for one in bench.paired(a, b) if one["a"]}
    assert pairs == {f"data/{n}.xml": f"x{(n * 7) % 30}/r{n}.xml" for n in range(30)}


def test_a_small_table_in_a_larger_one_is_known_by_a_sample(bench: Bench) -> None:
    rng = random.Random(7)
    rows = setup_rows(rng, "Long", 1500)
    kept = rng.sample(rows, 1000)
    a = [bench.document("a", "a.xml", {"T": rows}), bench.document("a", "b.xml", {"T": setup_rows(rng, "B", 900)})]
    b = [bench.document("b", "c.xml", {"T": kept}), bench.document("b", "d.xml", {"T": setup_rows(rng, "D", 900)})]
    pairs = bench.paired(a, b)
    assert together(pairs) == {("a.xml", "c.xml"), ("b.xml", ""), ("", "d.xml")}


def test_what_is_done_is_told(bench: Bench) -> None:
    a, b = bench.document("a", "a.xml", {"T": [{"A": "1"}]}), bench.document("b", "b.xml", {"T": [{"A": "1"}]})
    told: list[dict[str, int]] = []
    b["sha256"] = ""
    sides = [Documents(documents=[one], zips=[]) for one in (a, b)]
    pair({**Order(blobs=bench.url, a=sides[0], b=sides[1], pairs=[])}, told.append)
    assert told == [{"read": 1, "of": 2}, {"read": 2, "of": 2}]


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_neither_order_nor_sides_decide_which_documents_belong_together(bench: Bench, data: st.DataObject) -> None:
    rng = random.Random(data.draw(st.integers(0, 10**6)))
    pool = [setup_rows(rng, word, 6) for word in ("Term", "Rule", "Bank", "Term")]
    names = ["t_20240131.xml", "t_20240229.xml", "x/t.xml", "x/u.xml", "y/rule_v2.xml", "y/rule.csv", "z (2).xml"]

    def drawn(side: str) -> list[DocumentFacts]:
        chosen = rng.sample(names, rng.randrange(1, 6))
        return [bench.document(side, path, {"T": rng.sample(rng.choice(pool), rng.randrange(2, 7))}) for path in chosen]

    a, b = drawn("a"), drawn("b")
    pairs = bench.paired(a, b)
    assert bench.paired(rng.sample(a, len(a)), rng.sample(b, len(b))) == pairs
    assert {(two, one) for one, two in together(bench.paired(b, a))} == together(pairs)
    told = [identifier for one in pairs for identifier in (*one["a"], *one["b"])]
    assert len(told) == len(set(told))
