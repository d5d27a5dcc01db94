"""A flat listing becomes the nested tree it was."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ret.ingest.v1 import ingest_pb2
from ret_gateway.tree import BUFFER, nested_json, uploaded

Node = dict[str, Any]


def flat(node: Node, depth: int = 0) -> list[ingest_pb2.TreeNode]:
    fields = {name: value for name, value in node.items() if name != "children"}
    own = ingest_pb2.TreeNode(depth=depth, **fields)
    return [own, *(inner for child in node.get("children", ()) for inner in flat(child, depth + 1))]


async def batches(nodes: list[ingest_pb2.TreeNode], size: int) -> AsyncGenerator[ingest_pb2.TreeResponse]:
    for at in range(0, len(nodes), size):
        yield ingest_pb2.TreeResponse(nodes=nodes[at : at + size])


async def nested(node: Node, size: int = 7) -> list[bytes]:
    return [piece async for piece in nested_json(batches(flat(node), size), uploaded)]


def leaf(name: str, kind: str) -> Node:
    node: Node = {"name": name, "path": name, "type": kind}
    return node | ({"document_id": "d"} if kind == "document" else {})


def container(name: str, kind: str, children: list[Node]) -> Node:
    return {"name": name, "path": name, "type": kind, "children": children}


def containers(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.builds(container, st.text(max_size=8), st.sampled_from(["zip", "folder"]), st.lists(inner, max_size=4))


LEAVES = st.builds(leaf, st.text(max_size=8), st.sampled_from(["document", "other"]))
TREES = st.recursive(LEAVES, containers, max_leaves=20)


@given(TREES, st.integers(1, 5))
async def test_any_tree_comes_back_as_it_was(tree: Node, size: int) -> None:
    assert json.loads(b"".join(await nested(tree, size))) == tree


async def test_a_hundred_levels_close_again() -> None:
    tree: Node = {"name": "x", "path": "x", "type": "document", "document_id": "d"}
    for level in range(100):
        tree = {"name": f"{level}.zip", "path": "p", "type": "zip", "children": [tree]}
    assert json.loads(b"".join(await nested(tree))) == tree


async def test_a_big_tree_is_written_in_pieces_of_bounded_size() -> None:
    children = [leaf(f"document number {n}.xml", "document") for n in range(5000)]
    pieces = await nested({"name": "a", "path": "a", "type": "zip", "children": children}, 500)
    assert len(pieces) > 5
    assert max(map(len, pieces)) < 2 * BUFFER
    assert len(json.loads(b"".join(pieces))["children"]) == 5000


async def test_names_are_escaped() -> None:
    tree: Node = {"name": 'quote " and \\ and \n', "path": "ü", "type": "folder", "children": []}
    assert json.loads(b"".join(await nested(tree))) == tree
