from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret_ingest import names


@pytest.mark.parametrize(
    "given_name,shown",
    [
        ("../../etc/passwd.xml", "etc/passwd.xml"),
        ("/absolute/x.xml", "absolute/x.xml"),
        ("..\\..\\x.xml", "x.xml"),
        ("C:\\windows\\x.xml", "C_/windows/x.xml"),
        ("a\x07b\nc.xml", "a_b_c.xml"),
        ("a\0b.xml", "a_b.xml"),
        ("12:30.xml", "12_30.xml"),
        ("a/.. /b.xml", "a/b.xml"),
        ("a/.../b.xml", "a/b.xml"),
        ("evil\u202egnp.xml", "evil_gnp.xml"),
        ("CON.xml", "_CON.xml"),
        ("folder/aux", "folder/_aux"),
        ("..", "entry-7"),
        ("", "entry-7"),
        ("x" * 300 + ".xml", "x" * 249 + "~7.xml"),
        ("x" * 300, "x" * 253 + "~7"),
    ],
)
def test_a_harmful_name_is_made_harmless_and_that_is_said(given_name: str, shown: str) -> None:
    assert names.cleaned(given_name, 7) == names.Cleaned(shown, changed=True)


@pytest.mark.parametrize(
    "given_name,shown",
    [
        ("data/FY_Ledgers.zip/2024/ledger.xml", "data/FY_Ledgers.zip/2024/ledger.xml"),
        ("GL_companies\\jan.xml", "GL_companies/jan.xml"),
        ("./a//b.xml", "a/b.xml"),
        ("ФИН_отчёт.xml", "ФИН_отчёт.xml"),
        ("a..b/c...xml", "a..b/c...xml"),
        ("console/CONTENT.xml", "console/CONTENT.xml"),
        ("docs/", "docs"),
    ],
)
def test_an_honest_name_is_left_alone(given_name: str, shown: str) -> None:
    assert names.cleaned(given_name, 1) == names.Cleaned(shown, changed=False)


def test_endless_folders_are_shortened_to_the_first_ones_and_the_name() -> None:
    found = names.cleaned("f/" * 30_000 + "x.xml", 1)
    assert found == names.Cleaned("f/" * 63 + "x.xml", changed=True)


def test_an_endless_path_gives_way_to_a_short_name_with_its_ending() -> None:
    container = "c" * 4090
    assert names.joined(container, "folder/ledger.xml", 5) == names.Cleaned(f"{container}/~5.xml", changed=True)
    assert names.joined(container, "no ending at all", 5) == names.Cleaned(f"{container}/~5", changed=True)
    assert names.joined("", "x.xml", 5) == names.Cleaned("x.xml", changed=False)


@pytest.mark.parametrize(
    "path", ["__MACOSX/AR_x/._1.xml", "a/__MACOSX/x", "AR_x/._2.xml", ".DS_Store", "a/thumbs.db", "__macosx"]
)
def test_clutter_is_known(path: str) -> None:
    assert names.is_clutter(path)


@pytest.mark.parametrize("path", ["a.DS_Store", "x__MACOSX/a.xml", "a/.hidden.xml", "thumbs.db.xml"])
def test_what_only_looks_like_clutter_is_none(path: str) -> None:
    assert not names.is_clutter(path)


def test_paths_collide_without_regard_to_case_and_composition() -> None:
    assert names.collision_key("Data.XML") == names.collision_key("data.xml")
    assert names.collision_key("é.xml") == names.collision_key("e\u0301.xml")


@given(st.one_of(st.text(), st.text(alphabet="./\\: \0\n~aC", max_size=40)))
def test_whatever_an_archive_calls_it_the_display_path_is_clean(given_name: str) -> None:
    path = names.cleaned(given_name, 3).path
    assert path
    assert not path.startswith("/")
    assert not any(segment.strip(". ") == "" for segment in path.split("/"))
    assert ":" not in path
    assert "\\" not in path
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in path)
    assert all(len(segment) <= names.SEGMENT_LIMIT for segment in path.split("/"))


@given(st.text())
def test_cleaning_a_clean_path_changes_nothing(given_name: str) -> None:
    once = names.cleaned(given_name, 3).path
    assert names.cleaned(once, 3) == names.Cleaned(once, changed=False)
