"""A nested tree written out while its flat listing is still coming in: memory follows the depth, not the tree."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from ret.ingest.v1 import ingest_pb2

BUFFER = 64 * 1024
CONTAINERS = frozenset({"zip", "folder"})


class TreeWriter:
    """Takes nodes in depth-first order, containers before what is in them, and gives JSON text piece by piece.

    A node's children are known only by the node that follows, so one node is always held back.
    """

    def __init__(self) -> None:
        self._open: list[int] = []
        self._held: ingest_pb2.TreeNode | None = None

    def add(self, node: ingest_pb2.TreeNode) -> Iterator[bytes]:
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

    @staticmethod
    def _head(node: ingest_pb2.TreeNode) -> bytes:
        fields = {"name": node.name, "path": node.path, "type": node.type}
        if node.document_id:
            fields["document_id"] = node.document_id
        return orjson.dumps(fields)[:-1]

    @staticmethod
    def _leaf(node: ingest_pb2.TreeNode) -> bytes:
        return b',"children":[]}' if node.type in CONTAINERS else b"}"


async def nested_json(batches: AsyncGenerator[ingest_pb2.TreeResponse]) -> AsyncGenerator[bytes]:
    """The tree as one JSON object, in pieces of about BUFFER bytes."""
    writer, buffer = TreeWriter(), bytearray()
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
