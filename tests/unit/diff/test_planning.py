from __future__ import annotations

from ret_diff import planning
from ret_diff.orders import OptionFacts, PairOrder, StoredTable, TableOrder
from ret_diff.pairing.model import FileFacts, PairFacts, ReadingFacts, TablePair
from ret_diff.planning import Known, Listing

OPTIONS = OptionFacts(keys=[], ignore_columns=[], ignore_case=False, ignore_space=False, numeric_tolerance=0.0)
PLAIN = ReadingFacts(absent_is_empty=False, guarded=False)


def file(path: str, content: str = "", *, side: str = "a", edited: bool = False, status: str = "found") -> FileFacts:
    return FileFacts(
        id=f"{side}:{path}",
        path=path,
        name=path.rpartition("/")[2],
        group="GL",
        media_type="application/xml",
        sha256=content,
        status=status,
        edited=edited,
    )


def listing(a: list[FileFacts], b: list[FileFacts], *, alone: bool = False) -> Listing:
    return Listing({one["id"]: one for one in a}, {one["id"]: one for one in b}, [], [], alone=alone)


def statuses(found: planning.First) -> dict[str, str]:
    return {f"{row.a_path}|{row.b_path}": row.status for row in found.rows}


def test_equal_bytes_are_identical_and_others_wait_for_their_tables() -> None:
    found = planning.first(
        listing([file("s.xml", "1"), file("d.xml", "2")], [file("s.xml", "1", side="b"), file("d.xml", "3", side="b")])
    )
    assert statuses(found) == {"s.xml|s.xml": "identical", "d.xml|d.xml": "pending"}
    assert (found.open_a, found.open_b) == (["a:d.xml"], ["b:d.xml"])
    assert [pair["a"] for pair in found.identical] == ["a:s.xml"]


def test_what_is_edited_is_not_identical_to_its_bytes() -> None:
    found = planning.first(listing([file("s.xml", "1")], [file("s.xml", "1", side="b", edited=True)]))
    assert statuses(found) == {"s.xml|s.xml": "pending"}


def test_what_only_one_side_has_left_is_only_there_without_a_look_at_its_tables() -> None:
    found = planning.first(listing([file("s.xml", "1"), file("x.xml", "2")], [file("s.xml", "1", side="b")]))
    assert statuses(found) == {"s.xml|s.xml": "identical", "x.xml|": "only_in_a"}
    assert (found.open_a, found.open_b) == ([], [])


def test_what_both_sides_have_left_needs_its_tables() -> None:
    found = planning.first(listing([file("x.xml", "1")], [file("y.xml", "2", side="b")]))
    assert (statuses(found), found.open_a, found.open_b) == ({}, ["a:x.xml"], ["b:y.xml"])


def test_two_documents_are_a_pair_by_path_content_or_because_they_were_named() -> None:
    for a, b, match, status in (
        (file("x.xml", "1"), file("x.xml", "2", side="b"), "path", "pending"),
        (file("x.xml", "1"), file("y.xml", "1", side="b"), "content", "identical"),
        (file("x.xml", "1"), file("y.xml", "2", side="b"), "manual", "pending"),
        (file("x.xml"), file("y.xml", side="b"), "manual", "pending"),
    ):
        [row] = planning.first(listing([a], [b], alone=True)).rows
        assert (row.match, row.status, row.confidence) == (match, status, 1.0)


def table(name: str, size: int = 10) -> StoredTable:
    return StoredTable(id=name, name=name, key=name, size=size, sha256="", rows=1, version=1, numbers_key="")


def facts(a: list[str], b: list[str], *tables: tuple[str, str]) -> PairFacts:
    made = [
        TablePair(
            name=one or other,
            a=one,
            b=other,
            match="name",
            confidence=1.0,
            parent=-1,
            links=[],
            a_reading=PLAIN,
            b_reading=PLAIN,
            a_long="",
            b_long="",
        )
        for one, other in tables
    ]
    return PairFacts(
        a=a,
        b=b,
        a_path=a[0][2:] if a else "",
        b_path=b[0][2:] if b else "",
        match="path" if a and b else "",
        confidence=1.0,
        runner_up="",
        runner_up_confidence=0.0,
        tables=made,
        order=list(range(len(made))),
        notes=[],
    )


def known(**given: object) -> Known:
    a, b = [file("x.xml"), file("y.xml")], [file("x.xml", side="b"), file("y.xml", side="b")]
    values: dict[str, object] = {
        "comparison_id": "c",
        "options": OPTIONS,
        "listing": listing(a, b),
        "a": {"t": table("t", 5)},
        "b": {"t": table("t", 7)},
        "converted": frozenset({"a:x.xml", "b:x.xml"}),
        "failures": {},
    }
    return Known(**(values | given))  # pyright: ignore[reportArgumentType]


def test_a_table_that_is_on_both_sides_is_each_side_s_own() -> None:
    [(order, size)] = planning.final(known(), [facts(["a:x.xml"], ["b:x.xml"], ("t", "t"), ("", "t"))]).orders
    both, alone = order["tables"]
    assert ((both["a"] or table(""))["size"], (both["b"] or table(""))["size"]) == (5, 7)
    assert (alone["a"], size) == (None, 19)


def test_a_pair_fails_with_the_reason_of_the_document_that_has_no_tables() -> None:
    pair = facts(["a:y.xml"], ["b:y.xml"])
    told = planning.final(
        known(failures={"b:y.xml": ("XML_DEPTH", "Too deep.")}, converted=frozenset({"a:y.xml"})), [pair]
    )
    [row] = told.rows
    assert (row.status, row.failure, told.orders) == ("failed", {"code": "XML_DEPTH", "detail": "Too deep."}, [])
    [row] = planning.final(known(), [pair]).rows
    assert (row.failure or {}).get("code") == "NOT_CONVERTED"


def test_what_has_no_partner_is_only_there_whether_it_was_converted_or_not() -> None:
    told = planning.final(known(), [facts(["a:y.xml"], []), facts([], ["b:x.xml"], ("", "t"))])
    assert [(row.status, row.failure) for row in told.rows] == [("only_in_a", None), ("only_in_b", None)]
    assert not told.orders


def test_tasks_are_bounded_by_bytes_and_by_pairs_the_biggest_first() -> None:
    def order(name: str) -> PairOrder:
        return PairOrder(id=name, options=OPTIONS, tables=list[TableOrder](), order=[])

    orders = [(order("a"), 10), (order("b"), 100), (order("c"), 10), (order("d"), 10), (order("e"), 1)]
    cut = planning.parts(orders, 25, 2)
    assert [[one["id"] for one, _ in part] for part in cut] == [["b"], ["a", "c"], ["d", "e"]]
    assert planning.parts([], 25, 2) == []
