"""Documents that are converted, edited and written back, for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ret_convert.arrow import pa, pq
from ret_convert.backxml.writing import written_back
from ret_convert.converting import convert
from ret_convert.editing.overlay import Changes, Edit, Insert, Overlay
from ret_convert.editing.rows import edited_batches
from ret_convert.export.order import Bytes
from ret_kit.blobs import Blobs

Row = dict[str, str | None]
LINKS = ("_id", "_parent_id", "_pos")


class Document:
    """A document with its tables, and what is edited in them; the main table is the first."""

    def __init__(self, body: str | bytes, layout: str = "auto", path: str = "") -> None:
        self.data = body.encode() if isinstance(body, str) else body
        self._layout, self._path = layout, path
        with TemporaryDirectory() as folder:
            self._keep(Path(folder))
        self.overlays = {name: Overlay(len(rows)) for name, rows in self.rows.items()}

    def _keep(self, folder: Path) -> None:
        """Convert it, and keep all of the store in memory."""
        blobs = Blobs(folder.as_uri())
        source = self._source(blobs)
        given = {"document_id": "d", "media_type": "application/xml", "bytes": len(self.data), **source}
        order: dict[str, Any] = {
            "blobs": folder.as_uri(), "prefix": "t/", "job_id": "j", "layout": self._layout, "repeats": 8,
            "columns": 200, "record_paths": {"d": self._path} if self._path else {}, "sources": [given],
        }  # fmt: skip
        [made] = convert(order, lambda _: None)["outcomes"]
        self.method = made["method"]
        self._keys = {one["name"]: one["blob_key"] for one in made["tables"]}
        self._stored = {key: blobs.get_sync(key) for key in blobs.keys_sync("t/")}
        self.rows: dict[str, list[Row]] = {
            name: pq.read_table(pa.BufferReader(self._stored[key])).to_pylist() for name, key in self._keys.items()
        }

    def _source(self, blobs: Blobs) -> Bytes:
        stored = blobs.put_sync("x/1", self.data)
        return Bytes(key=stored.key, offset=0, length=stored.size, sha256=hashlib.sha256(self.data).hexdigest())

    @property
    def main(self) -> str:
        """The main table's name."""
        return next(iter(self.rows))

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns."""
        return list(self.rows[table][0])

    def edit(
        self,
        *edits: tuple[int, str, str | None],
        table: str = "",
        inserts: Sequence[tuple[int, int, Row]] = (),
        deletes: Sequence[int] = (),
    ) -> Document:
        """Edit cells of a table by (row, column, value), insert rows by (number, after, values), delete rows."""
        table = table or self.main
        changes = Changes([Edit(*one) for one in edits], [Insert(*one) for one in inserts], deletes)
        self.overlays[table] = self.overlays[table].then(changes)
        return self

    def shown(self, table: str = "") -> list[Row]:
        """The rows of a table as they are now."""
        key = self._keys[table or self.main]
        stored = pq.read_table(pa.BufferReader(self._stored[key]))
        batches = edited_batches(stored.to_batches(max_chunksize=2), stored.schema, self.overlays[table or self.main])
        return [row for one in batches for row in one.rows.to_pylist()]

    def back(self) -> bytes:
        """The document with its edits."""
        with TemporaryDirectory() as folder:
            blobs = Blobs(Path(folder).as_uri())
            for key, data in self._stored.items():
                blobs.put_sync(key, data)
            tables = [(key, self.overlays[name]) for name, key in self._keys.items()]
            pieces = (self.data[at : at + 7] for at in range(0, len(self.data), 7))
            return b"".join(written_back(blobs, self._source(blobs), tables, pieces))

    def again(self) -> Document:
        """What is written back, converted like this one."""
        return Document(self.back(), self._layout, self._path)
