"""Which entries an export asks for: all of them, or the documents of a group, or one, each with what it lies in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row

from ret.ingest.v1 import ingest_pb2
from ret_ingest.inventory import Unfolding
from ret_ingest.messages import entry_message
from ret_ingest.repository import group_key


class Selection:
    """Fed with entries in depth-first order, gives those that are asked for, folders and ZIPs before what is in them.

    With a group or a document, other files are left out, and so is every folder and ZIP that holds none of the chosen.
    """

    def __init__(self, group: str = "", document_id: str = "") -> None:
        self._group, self._document_id = group_key(group) if group else "", document_id
        self._unfolding = Unfolding()
        self._open: list[ingest_pb2.InventoryEntry] = []
        self._given = 0  # how many of the open ones have been given

    def take(self, row: Row[Any]) -> Iterator[ingest_pb2.InventoryEntry]:
        """What this entry adds."""
        folders = self._unfolding.folders(row.path, row.type, row.depth, row.levels)
        entry = entry_message(row)
        self._close(folders[0].depth if folders else row.depth)
        for folder in folders:
            self._open.append(
                ingest_pb2.InventoryEntry(depth=folder.depth, name=folder.name, path=folder.path, type="folder")
            )
        if row.type == "zip":
            self._open.append(entry)
        if self._everything or self._wanted(row):
            yield from self._open[self._given :]
            self._given = len(self._open)
            if row.type != "zip":
                yield entry

    @property
    def _everything(self) -> bool:
        return not self._group and not self._document_id

    def _wanted(self, row: Row[Any]) -> bool:
        if not row.document_id or (self._document_id and row.document_id != self._document_id):
            return False
        return not self._group or row.group_key == self._group

    def _close(self, depth: int) -> None:
        """Forget the folders and ZIPs that end before an entry at this depth."""
        del self._open[depth - 1 :]
        self._given = min(self._given, len(self._open))
