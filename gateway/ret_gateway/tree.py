"""A nested tree written out while its flat listing is still coming in: memory follows the depth, not the tree."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Iterator

    from ret.ingest.v1 import ingest_pb2

BUFFER = 64 * 1024
CONTAINERS = frozenset({"zip", "folder"})


class Node(Protocol):
    """A place in a tree: the root has depth 0."""

    @property
    def depth(self) -> int: ...
    @property
    def type(self) -> str: ...


NodeT = TypeVar("NodeT", bound=Node)
NodeT_co = TypeVar("NodeT_co", bound=Node, covariant=True)


class Batch(Protocol[NodeT_co]):
    """Some nodes, as a service sends them."""

    @property
    def nodes(self) -> Iterable[NodeT_co]: ...


def uploaded(node: ingest_pb2.TreeNode) -> dict[str, Any]:
    """A place of an upload, but for its children (`models.TreeNode`)."""
    fields = {"name": node.name, "path": node.path, "type": node.type}
    return fields | ({"document_id": node.document_id} if node.document_id else {})


class TreeWriter(Generic[NodeT]):
    """Takes nodes in depth-first order, containers before what is in them, and gives JSON text piece by piece.

    `fields` gives those of a node. Its children are known only by the node that follows: one is always held back.
    """

    def __init__(self, fields: Callable[[NodeT], dict[str, Any]]) -> None:
        self._fields = fields
        self._open: list[int] = []
        self._held: NodeT | None = None

    def add(self, node: NodeT) -> Iterator[bytes]:
        held, self._held = self._held, node
        if held is None:
            yield self._head(node)
        elif node.depth > held.depth:
            yield b',"children":['
            self._open.append(held.depth)
            yield self._head(node)
        else:
            yield self._leaf(held)
            while self._open and self._open[-1] >= node.depth:
                self._open.pop()
                yield b"]}"
            yield b"," + self._head(node)

    def end(self) -> Iterator[bytes]:
        if self._held is not None:
            yield self._leaf(self._held)
        yield b"]}" * len(self._open)

    def _head(self, node: NodeT) -> bytes:
        return orjson.dumps(self._fields(node))[:-1]

    @staticmethod
    def _leaf(node: Node) -> bytes:
        return b',"children":[]}' if node.type in CONTAINERS else b"}"


async def nested_json(
    batches: AsyncGenerator[Batch[NodeT]], fields: Callable[[NodeT], dict[str, Any]]
) -> AsyncGenerator[bytes]:
    """The tree as one JSON object, in pieces of about BUFFER bytes."""
    writer, buffer = TreeWriter(fields), bytearray()
    async with aclosing(batches):
        async for batch in batches:
            for node in batch.nodes:
                for piece in writer.add(node):
                    buffer += piece
                if len(buffer) >= BUFFER:
                    yield bytes(buffer)
                    buffer.clear()
    for piece in writer.end():
        buffer += piece
    yield bytes(buffer)
