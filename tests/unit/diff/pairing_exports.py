"""Uploads that really are converted, exported and uploaded again, without any service around it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ret_convert.converting import convert
from ret_convert.export.archive import export
from ret_diff.arrow import pq
from ret_diff.pairing.model import ColumnFacts, DocumentFacts, TableFacts
from ret_kit.blobs import Blobs

MEDIA = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Uploads:
    """A store with uploads: files by their paths, of which every container that ends in `.zip` was a ZIP."""

    def __init__(self, folder: Path) -> None:
        self.url = folder.as_uri()
        self.blobs = Blobs(self.url)

    def converted(self, side: str, files: Mapping[str, bytes], layout: str = "auto") -> list[DocumentFacts]:
        """The documents of an upload; what is named otherwise than `.xml`, `.csv`, `.tsv`, `.xlsx` is none."""
        return [
            self._document(side, path, data, layout) for path, data in files.items() if path.endswith((".xml", *MEDIA))
        ]

    def _document(self, side: str, path: str, data: bytes, layout: str) -> DocumentFacts:
        name = path.rpartition("/")[2]
        digest = hashlib.sha256(data).hexdigest()
        media = MEDIA.get(name[name.rfind(".") :], "application/xml")
        key = self.blobs.put_sync(f"{side}/sources/{hashlib.sha256(path.encode()).hexdigest()}", data).key
        own = hashlib.sha256(f"{side}{path}".encode()).hexdigest()[:16]
        source = {
            "document_id": own,
            "media_type": media,
            "bytes": len(data),
            "key": key,
            "offset": 0,
            "length": len(data),
            "sha256": digest,
        }
        order: dict[str, Any] = {
            "blobs": self.url,
            "prefix": f"{side}/tables/",
            "job_id": side,
            "layout": layout,
            "repeats": 8,
            "columns": 200,
            "record_paths": {},
            "sources": [source],
        }
        [outcome] = convert(order, lambda _: None)["outcomes"]
        return DocumentFacts(
            id=own,
            path=path,
            name=name,
            group="AR",
            media_type=media,
            sha256=digest,
            status=outcome["status"],
            edited=False,
            tables=[self._table(at, one) for at, one in enumerate(outcome["tables"])],
        )

    def _table(self, at: int, made: Mapping[str, Any]) -> TableFacts:
        with self.blobs.reader(made["blob_key"]) as file:
            schema: Any = pq.read_schema(file)
        columns = [
            ColumnFacts(name=one.name, path=one.metadata[b"path"].decode(), kind=one.metadata[b"kind"].decode())
            for one in schema
        ]
        return TableFacts(
            id=made["id"],
            name=made["name"],
            role=made["role"],
            position=at,
            key=made["blob_key"],
            size=made["size"],
            rows=made["rows"],
            columns=columns,
            sha256=made["sha256"],
            version=1,
        )

    def exported(self, documents: list[DocumentFacts], form: str, nested: str) -> dict[str, bytes]:
        """What exporting gives, by its path: as it would be uploaded again."""
        order = {
            "blobs": self.url,
            "format": form,
            "raw": False,
            "bom": True,
            "nested": nested,
            "alone": False,
            "keep": False,
            "entries": list(_entries(documents)),
        }
        out = io.BytesIO()
        export(order, out.write)
        return dict(unpacked(out.getvalue()))


def _entries(documents: list[DocumentFacts]) -> Iterator[dict[str, Any]]:
    """The listing of the documents' upload: containers and documents, depth first."""
    known: set[str] = set()
    for one in documents:
        *above, name = one["path"].split("/")
        for depth, step in enumerate(above, 1):
            path = "/".join(above[:depth])
            if path not in known:
                known.add(path)
                kind = "zip" if step.endswith(".zip") else "folder"
                yield {"name": step, "type": kind, "depth": depth, "original": None, "tables": []}
        tables = [
            {
                "name": table["name"],
                "role": table["role"],
                "key": table["key"],
                "rows": table["rows"],
                "columns": len(table["columns"]),
                "size": table["size"],
                "sha256": table["sha256"],
                "version": 1,
            }
            for table in one["tables"]
        ]
        yield {"name": name, "type": "document", "depth": len(above) + 1, "original": None, "tables": tables}


def unpacked(data: bytes, above: str = "") -> Iterator[tuple[str, bytes]]:
    """The files of a ZIP and of those in it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.endswith(".zip"):
                yield from unpacked(archive.read(name), f"{above}{name}/")
            elif not name.endswith("/"):
                yield above + name, archive.read(name)
