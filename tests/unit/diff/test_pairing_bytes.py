"""What listings alone tell: the same path, then the same content elsewhere."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret_diff.pairing.bytes import by_bytes
from ret_diff.pairing.model import FileFacts, Side

PLACES = ["a.xml", "b.xml", "x/a.xml", "x/b.xml", "y/a.xml", "y/c_20240131.xml", "y/c_20240229.xml", "Ä.xml"]


def side(name: str, files: dict[str, str], edited: set[str] | None = None, zips: list[str] | None = None) -> Side:
    """A side of these paths and contents; no content: its hash is not known."""
    documents = [
        FileFacts(
            id=f"{name}:{path}",
            path=path,
            name=path.rpartition("/")[2],
            group="",
            media_type="application/xml",
            sha256=content,
            status="found",
            edited=path in (edited or ()),
        )
        for path, content in files.items()
    ]
    return Side(documents=documents, zips=zips or [])


def found(a: Side, b: Side) -> set[tuple[str, str, str, bool]]:
    told = by_bytes(a, b)
    return {(one["a"][2:], one["b"][2:], one["match"], one["identical"]) for one in told["pairs"]}


def test_the_same_path_comes_before_the_same_content() -> None:
    a, b = side("a", {"1.xml": "x", "2.xml": "y", "3.xml": "z"}), side("b", {"1.xml": "y", "9.xml": "x", "3.xml": "z"})
    assert found(a, b) == {("1.xml", "1.xml", "path", False), ("3.xml", "3.xml", "path", True)}
    told = by_bytes(a, b)
    assert (told["a"], told["b"]) == (["a:2.xml"], ["b:9.xml"])
    assert told["pairs"][0]["runner_up"] == "9.xml"


def test_the_same_content_elsewhere_is_the_document_that_was_moved_or_renamed() -> None:
    a, b = side("a", {"o/1.xml": "x", "o/2.xml": "y"}), side("b", {"n/1.xml": "x", "o/3.xml": "y"})
    assert found(a, b) == {("o/1.xml", "n/1.xml", "content", True), ("o/2.xml", "o/3.xml", "content", True)}


def test_of_equal_contents_those_with_the_closest_paths_belong_together() -> None:
    a = side("a", {"x/old.xml": "e", "y/1_BATCH/t.xml": "e", "z/only.xml": "e"})
    b = side("b", {"y/2_BATCH/t.xml": "e", "x/new.xml": "e"})
    assert {one[:2] for one in found(a, b)} == {("x/old.xml", "x/new.xml"), ("y/1_BATCH/t.xml", "y/2_BATCH/t.xml")}
    [first, second] = by_bytes(a, b)["pairs"]
    assert (first["runner_up"], second["runner_up"]) == ("y/2_BATCH/t.xml", "x/new.xml")
    assert first["runner_up_confidence"] < 0.5


def test_an_edited_document_is_not_identical_to_its_original() -> None:
    files = {"1.xml": "x", "2.xml": "y"}
    assert found(side("a", files), side("b", files, {"1.xml"})) == {
        ("1.xml", "1.xml", "path", False),
        ("2.xml", "2.xml", "path", True),
    }


def test_contents_that_are_not_known_are_not_equal() -> None:
    assert found(side("a", {"1.xml": "", "2.xml": ""}), side("b", {"1.xml": "", "3.xml": ""})) == {
        ("1.xml", "1.xml", "path", False)
    }


def test_names_that_a_file_system_takes_for_the_same_are_the_same() -> None:
    a, b = side("a", {"X/Ä.xml": "1", "y.xml": "2", "Y.xml": "3"}), side("b", {"x/A\u0308.xml": "4", "Y.XML": "5"})
    assert found(a, b) == {("X/Ä.xml", "x/A\u0308.xml", "path", False)}


def test_a_path_that_an_export_may_have_given_to_another_document_decides_nothing() -> None:
    a = side("a", {"f.zip/d.xml": "1", "f.zip/d.csv": "2", "e.csv": "3"}, zips=["f.zip"])
    b = side("b", {"f.zip/d.csv": "4", "f.zip/d (2).csv": "5", "e.csv": "6"}, zips=["f.zip"])
    assert found(a, b) == {("e.csv", "e.csv", "path", False)}
    b["documents"][0]["sha256"] = "2"
    assert ("f.zip/d.csv", "f.zip/d.csv", "path", True) in found(a, b)


def test_thousands_of_equal_contents_find_each_other_by_name_and_then_in_their_order() -> None:
    a = side("a", {f"a/{n}_BATCH/{n % 50}.xml": "e" for n in range(100)})
    b = side("b", {f"b/{n}/{n % 50}.xml": "e" for n in range(200, 260)} | {"a/7_BATCH/new.xml": "e"})
    told = by_bytes(a, b)
    assert len(told["pairs"]) == 61
    assert (len(told["a"]), len(told["b"])) == (39, 0)
    names = [(one["a"].rpartition("/")[2], one["b"].rpartition("/")[2]) for one in told["pairs"]]
    assert sum(one == other for one, other in names) == 60
    swapped = by_bytes(b, a)
    assert {(one["b"], one["a"]) for one in swapped["pairs"]} == {(one["a"], one["b"]) for one in told["pairs"]}


@pytest.mark.parametrize("sides", [({}, {}), ({}, {"1.xml": "x"}), ({"1.xml": "x"}, {"2.xml": "y"})])
def test_sides_without_anything_in_common_have_no_pairs(sides: tuple[dict[str, str], dict[str, str]]) -> None:
    told = by_bytes(side("a", sides[0]), side("b", sides[1]))
    assert (told["pairs"], len(told["a"]), len(told["b"])) == ([], len(sides[0]), len(sides[1]))


listings = st.dictionaries(st.sampled_from(PLACES), st.sampled_from("xyz"), max_size=8)


@given(listings, listings, st.integers(0, 99))
def test_neither_the_order_of_documents_nor_which_side_comes_first_matters(
    a: dict[str, str], b: dict[str, str], seed: int
) -> None:
    told = by_bytes(side("a", a), side("b", b))
    rng = random.Random(seed)
    mixed = [side(name, dict(rng.sample(sorted(one.items()), len(one)))) for name, one in (("a", a), ("b", b))]
    assert by_bytes(*mixed) == told
    swapped = by_bytes(mixed[1], mixed[0])
    assert {(one["b"], one["a"]) for one in swapped["pairs"]} == {(one["a"], one["b"]) for one in told["pairs"]}
    assert (swapped["b"], swapped["a"]) == (told["a"], told["b"])
    assert len(told["pairs"]) + len(told["a"]) == len(a)
