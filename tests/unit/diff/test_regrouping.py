from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ret_diff.pairing.model import FileFacts
from ret_diff.regrouping import Regrouped, regrouped
from ret_kit.errors import Invalid, NotFound


def files(side: str, *names: str) -> dict[str, FileFacts]:
    return {
        f"{side}{name}": FileFacts(
            id=f"{side}{name}", path=name, name=name, group=side, media_type="", sha256="", status="found", edited=False
        )
        for name in names
    }


def row(a: str, b: str) -> Any:
    """A pair of documents by their names, one letter each."""
    documents = {
        "a_documents": json.dumps([f"a{one}" for one in a]),
        "b_documents": json.dumps([f"b{one}" for one in b]),
    }
    return cast("Any", SimpleNamespace(id=f"{a}|{b}", **documents))


def told(found: Regrouped) -> dict[str, str]:
    return {f"{one.a_path}|{one.b_path}": one.status for one in found.rows}


A, B = files("a", "x", "y", "z"), files("b", "x", "y", "w")
PAIRS = [row("x", "x"), row("y", "y"), row("z", ""), row("", "w")]


def test_two_documents_become_a_pair_and_their_partners_stand_alone() -> None:
    found = regrouped(PAIRS, A, B, ("x", "y"))
    assert found.gone == ["x|x", "y|y"]
    assert told(found) == {"y|": "only_in_a", "|x": "only_in_b", "x|y": "pending"}
    pair = found.rows[-1]
    assert (pair.match, pair.confidence, pair.group, pair.a_documents, pair.b_documents) == (
        "manual",
        1.0,
        "b",
        ["ax"],
        ["by"],
    )


def test_documents_without_partners_become_a_pair() -> None:
    assert told(regrouped(PAIRS, A, B, ("z", "w"))) == {"z|w": "pending"}


def test_a_document_is_taken_out_of_its_pair() -> None:
    assert told(regrouped(PAIRS, A, B, ("x", ""))) == {"|x": "only_in_b", "x|": "only_in_a"}
    assert told(regrouped(PAIRS, A, B, ("", "x"))) == {"x|": "only_in_a", "|x": "only_in_b"}


def test_one_of_several_documents_of_a_side_leaves_the_others_alone() -> None:
    found = regrouped([row("x", "xyw"), row("y", "")], A, B, ("y", "y"))
    assert told(found) == {"x|": "only_in_a", "|x": "only_in_b", "|w": "only_in_b", "y|y": "pending"}


def test_documents_that_are_not_there_and_pairs_that_are_one_are_refused() -> None:
    with pytest.raises(NotFound):
        regrouped(PAIRS, A, B, ("nothing", "x"))
    with pytest.raises(Invalid, match="a_path and b_path are a pair already"):
        regrouped(PAIRS, A, B, ("x", "x"))
    for field, wanted in (("a_path", ("z", "")), ("b_path", ("", "w"))):
        with pytest.raises(Invalid, match=f"{field} names a document that stands alone already"):
            regrouped(PAIRS, A, B, wanted)
