"""What of a name says which document it is, and what only when it was exported."""

from __future__ import annotations

import pytest

from ret_diff.pairing.names import Likeness, Places, above, bare, bare_path, exported, split, unnumbered


@pytest.mark.parametrize(
    "one, other",
    [
        ("Manufacturing and Supply Chain_20260113_055727", "Manufacturing and Supply Chain_20260214_101112"),
        ("1_BATCH", "2_BATCH"),
        ("batch-17", "Batch 4"),
        ("ledger_v2", "ledger v3.1"),
        ("ledger (2)", "ledger"),
        ("ledger - Copy", "Copy of ledger"),
        ("AR_TERMS_2026-01-13T05:57:26Z", "AR_TERMS"),
        ("AR_TERMS 13.01.2026", "AR_TERMS_14.02.2026 10-11"),
        ("result_300000012345678", "result_300000087654321"),
        ("x_6f9619ff-8b86-d011-b42d-00cf4fc964ff", "x"),
        ("ledger_20260113 (2)", "LEDGER"),
    ],
)
def test_when_and_how_often_something_was_exported_is_no_part_of_its_name(one: str, other: str) -> None:
    assert bare(one) == bare(other)


@pytest.mark.parametrize(
    "one, other",
    [
        ("FORM_1099", "FORM_1040"),
        ("rates_2024", "rates_2025"),
        ("rates_2024-01", "rates_2024-02"),
        ("level 1", "level 2"),
        ("AR_TERMS", "AR_TERMS_LINES"),
        ("Q1", "Q2"),
        ("A320", "A330"),
        ("batches_1", "batches_2"),
        ("part1", "part2"),
        ("rev1sion", "revision"),
        ("20260113", "20260214"),
        ("copying", "ing"),
    ],
)
def test_numbers_and_words_that_mean_something_stay(one: str, other: str) -> None:
    assert bare(one) != bare(other)


def test_a_name_of_nothing_but_marks_stays_as_it_is() -> None:
    assert (bare("20260113"), bare("(2)"), bare("___"), bare("-")) == ("20260113", "2", "___", "-")


def test_a_path_is_bare_step_by_step() -> None:
    assert bare_path("Setup_20260113_055727.zip/1_BATCH.zip/AR Terms_v2.xml") == "setup/batch/ar_terms"
    assert bare_path("a.xml.gz") == bare_path("a.csv") == "a"


@pytest.mark.parametrize(
    "name, parts",
    [
        ("ledger.xml", ("ledger", ".xml")),
        ("ledger.xml.gz", ("ledger", ".xml.gz")),
        ("a.b.csv", ("a.b", ".csv")),
        ("plain", ("plain", "")),
        (".hidden", (".hidden", "")),
        (".gz", (".gz", "")),
    ],
)
def test_a_stem_is_what_exports_name_tables_after(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts


def test_exports_clean_names() -> None:
    assert [exported(name) for name in ("A:b?", "con", "x. ", "...")] == ["a_b_", "_con", "x", "_"]
    assert unnumbered("a (3)") == ("a", 3)
    assert unnumbered("a(3)") == ("a(3)", 1)


def test_a_zip_and_the_folder_it_became_are_one_place() -> None:
    as_zip, as_folder = Places(["d/FY.zip", "d/FY.zip/in.epf"]), Places([])
    assert as_zip.of("d/FY.zip/in.epf/l.xml") == as_folder.of("d/FY/in/l.csv") == ("d/fy/in", "l")
    assert as_folder.of("d/v1.2/l.xml") == ("d/v1.2", "l")
    assert as_folder.of("d/FY.zip/l.xml") == ("d/fy", "l")
    assert above("a/b/c.xml") == ["a", "a/b"]


def test_paths_are_alike_by_the_words_that_few_paths_have() -> None:
    paths = [f"data/{name}.zip/1_BATCH.zip/{name}.xml" for name in ("AR_TERMS", "AP_TERMS", "GL_RULES", "CE_BANKS")]
    likeness = Likeness([*paths, "data/AR_TERMS.zip/2_BATCH.zip/AR_TERMS_REVISED.xml"])
    revised = likeness.of(paths[0], "data/AR_TERMS.zip/2_BATCH.zip/AR_TERMS_REVISED.xml")
    assert 1 > revised > likeness.of(paths[0], paths[1]) > likeness.of(paths[0], paths[2]) > 0
    assert likeness.of(paths[0], paths[0]) == likeness.of("", "") == 1
    assert likeness.of("new.xml", "other.xml") == 0
