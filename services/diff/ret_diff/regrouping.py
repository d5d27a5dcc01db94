"""Pairs put together by hand: two documents become a pair, and what they were paired with stands alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from ret_diff.pair_records import Planned, documents_of
from ret_diff.pairing.model import FileFacts
from ret_diff.planning import only
from ret_kit.errors import Invalid, NotFound

TYPE = "recompare"


@dataclass(frozen=True)
class Regrouped:
    """The pairs that go, by their ids, and those that come in their place."""

    gone: list[str]
    rows: list[Planned]


def regrouped(
    pairs: Iterable[Row[Any]],
    a: Mapping[str, FileFacts],
    b: Mapping[str, FileFacts],
    wanted: tuple[str, str],
) -> Regrouped:
    """What becomes of the pairs of a comparison when the documents of these paths (in A, in B) are to be one.

    With one path only, that document is to stand alone. `a` and `b` are the documents of the sides by their ids.
    NotFound for a document that is in no pair, Invalid where nothing would change.
    """
    chosen_a, chosen_b = _at(a, wanted[0]), _at(b, wanted[1])
    gone: list[str] = []
    left_a: list[str] = []
    left_b: list[str] = []
    for row in pairs:
        of_a, of_b = documents_of(row)
        if not (chosen_a & set(of_a) or chosen_b & set(of_b)):
            continue
        if len(of_a) == len(chosen_a) and len(of_b) == len(chosen_b) and chosen_a == {*of_a} and chosen_b == {*of_b}:
            raise _unchanged(wanted)
        gone.append(row.id)
        left_a += [one for one in of_a if one not in chosen_a]
        left_b += [one for one in of_b if one not in chosen_b]
    rows = [only(a[one], "a") for one in left_a if one in a] + [only(b[one], "b") for one in left_b if one in b]
    return Regrouped(gone, [*rows, _chosen(a, b, chosen_a, chosen_b)])


def _unchanged(wanted: tuple[str, str]) -> Invalid:
    """What is wanted is so already."""
    if all(wanted):
        return Invalid(field="a_path", reason="and b_path are a pair already")
    return Invalid(field="a_path" if wanted[0] else "b_path", reason="names a document that stands alone already")


def _at(files: Mapping[str, FileFacts], path: str) -> set[str]:
    """The document of a path, none for no path."""
    if not path:
        return set()
    found = {one for one, file in files.items() if file["path"] == path}
    if not found:
        raise NotFound(what="document")
    return found


def _chosen(a: Mapping[str, FileFacts], b: Mapping[str, FileFacts], chosen_a: set[str], chosen_b: set[str]) -> Planned:
    if not chosen_a:
        return only(b[next(iter(chosen_b))], "b")
    if not chosen_b:
        return only(a[next(iter(chosen_a))], "a")
    [of_a], [of_b] = chosen_a, chosen_b
    return Planned(
        status="pending",
        group=b[of_b]["group"],
        a_path=a[of_a]["path"],
        b_path=b[of_b]["path"],
        a_documents=[of_a],
        b_documents=[of_b],
        match="manual",
        confidence=1.0,
    )
