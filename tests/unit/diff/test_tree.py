"""Both sides as one tree."""

from __future__ import annotations

import random

from ret_diff.model import Counts
from ret_diff.tree import Node, TreePair, merged


def shown(nodes: list[Node]) -> list[str]:
    return [f"{'  ' * node.depth}{node.name or '/'} {node.type} {node.status}" for node in nodes]


def test_folders_come_before_what_is_in_them_and_before_files_beside_them() -> None:
    pairs = [
        TreePair("1", "identical", "b.xml", "b.xml"),
        TreePair("2", "mismatch", "x.zip/Z/a.xml", "x.zip/Z/a.xml"),
        TreePair("3", "only_in_a", "x.zip/c.xml", ""),
        TreePair("4", "only_in_b", "", "A/d.xml"),
    ]
    assert shown(list(merged(pairs, ["x.zip"]))) == [
        "/ folder mismatch",
        "  A folder only_in_b",
        "    d.xml document only_in_b",
        "  x.zip zip mismatch",
        "    Z folder mismatch",
        "      a.xml document mismatch",
        "    c.xml document only_in_a",
        "  b.xml document identical",
    ]


def test_a_document_that_was_moved_stands_where_it_is_now() -> None:
    nodes = list(merged([TreePair("1", "identical", "old/a.xml", "new/b.xml")]))
    assert [node.path for node in nodes] == ["", "new", "new/b.xml"]
    assert nodes[-1].pair_id == "1"


def test_a_folder_sums_up_what_is_in_it_at_any_depth() -> None:
    pairs = [
        TreePair("1", "mismatch", "a/b/1.xml", "a/b/1.xml", Counts(rows_changed=2, cells_changed=5)),
        TreePair("2", "mismatch", "a/2.xml", "a/2.xml", Counts(rows_changed=1, cells_changed=1, rows_moved=3)),
        TreePair("3", "identical", "a/3.xml", "a/3.xml"),
    ]
    nodes = {node.path: node for node in merged(pairs)}
    tally = nodes["a"].tally
    assert (tally.statuses["mismatch"], tally.statuses["identical"]) == (2, 1)
    assert tally.counts == Counts(rows_changed=3, rows_moved=3, cells_changed=6)
    assert nodes[""].tally == tally
    assert nodes["a/b"].tally.counts.cells_changed == 5
    assert (nodes["a/2.xml"].tally.statuses["mismatch"], nodes["a/2.xml"].tally.counts) == (1, pairs[1].counts)


def test_a_folder_is_pending_until_all_in_it_is_known_and_identical_only_if_all_is() -> None:
    same = TreePair("1", "identical", "a/1.xml", "a/1.xml")
    waiting = TreePair("2", "pending", "a/2.xml", "a/2.xml")
    failed = TreePair("2", "failed", "a/2.xml", "a/2.xml")
    assert [next(merged(pairs)).status for pairs in ([same], [same, waiting], [same, failed], [])] == [
        "identical",
        "pending",
        "mismatch",
        "identical",
    ]


def test_a_folder_in_which_all_has_one_status_has_that_status() -> None:
    only_a = TreePair("1", "only_in_a", "x.zip/in.zip/1.xml", "")
    more_a = TreePair("2", "only_in_a", "x.zip/2.xml", "")
    only_b = TreePair("3", "only_in_b", "", "x.zip/in.zip/3.xml")
    failed = TreePair("4", "failed", "x.zip/4.xml", "x.zip/4.xml")
    nested = {node.path: node.status for node in merged([only_a, more_a])}
    assert (nested["x.zip"], nested["x.zip/in.zip"]) == ("only_in_a", "only_in_a")
    assert [next(merged(pairs)).status for pairs in ([only_b], [failed], [only_a, only_b], [only_b, failed])] == [
        "only_in_b",
        "failed",
        "mismatch",
        "mismatch",
    ]


def test_what_is_gone_and_what_was_moved_to_its_place_both_stand_there() -> None:
    pairs = [TreePair("1", "only_in_a", "a.xml", ""), TreePair("2", "identical", "b.xml", "a.xml")]
    assert [node.pair_id for node in merged(pairs)] == ["", "1", "2"]


def test_the_order_of_pairs_does_not_matter_and_nothing_is_too_deep() -> None:
    rng = random.Random(1)
    pairs = [
        TreePair(str(n), "identical", path := f"{'d/' * rng.randrange(300)}{n % 7}/{n}.xml", path) for n in range(50)
    ]
    nodes = list(merged(pairs))
    assert list(merged(rng.sample(pairs, len(pairs)))) == nodes
    assert sum(node.type == "document" for node in nodes) == 50
    assert len({node.path for node in nodes}) == len(nodes)
