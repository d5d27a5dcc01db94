"""What a pool child does: documents in, Parquet tables out, each document on its own.

A document that cannot be converted fails alone, with its reason; the others of the same call are not touched by it.
"""

from __future__ import annotations

import hashlib
import io
import logging
import uuid
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from ret_convert.delimited import delimited_flatten
from ret_convert.errors import DocumentFailed
from ret_convert.flatten import Flattened, Options, Source
from ret_convert.ladder.ladder import Keeping, Landed, Rung, climb, rising, text_rungs, xml_rungs
from ret_convert.layout import Layout, TablePlan
from ret_convert.orders import CandidateMade, Order, Outcome, Progress, ShapeMade, SourceOrder, TableMade
from ret_convert.spreadsheets import spreadsheet_rungs
from ret_convert.tables import Written, store
from ret_convert.xml import xml_flatten
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged, RetError

log = logging.getLogger("ret.convert")

IN_MEMORY = 4 << 20
"""Documents up to this size are read at once."""
DELIMITED = frozenset({"text/csv", "text/tab-separated-values"})
SPREADSHEETS = frozenset(
    {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel",
        "application/vnd.oasis.opendocument.spreadsheet",
    }
)
CANDIDATES = 200
"""Record paths that are kept of a document; those that hold the most of it."""
TABLES = uuid.UUID("5d0a5b0e-6c3f-4b4e-9a55-2f1b6f6f5c11")
"""Namespace of the ids of tables: the same job, document and name give the same id, however often it is tried."""


def convert(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Convert the documents of an `Order`; gives `{outcomes: [Outcome]}`. Errors of the store end the whole call."""
    order: Order = payload  # pyright: ignore[reportAssignmentType] - JSON of our own parent
    blobs = Blobs(order["blobs"])
    progress = Progress(report)
    outcomes: list[Outcome] = []
    for source in order["sources"]:
        outcome = converted(blobs, order, source, progress.within)
        outcomes.append(outcome)
        progress.finished(outcome)
    return {"outcomes": outcomes}


def converted(blobs: Blobs, order: Order, source: SourceOrder, progress: Callable[[int], None]) -> Outcome:
    """One document, converted or failed with its reason."""
    made = Outcome(
        document_id=source["document_id"],
        status="failed",
        method="",
        fidelity=None,
        bytes=source["bytes"],
        tables=[],
        warnings=[],
    )
    try:
        landed = tabulate(blobs, order, source, progress)
    except (DocumentFailed, BlobDamaged) as error:
        made["warnings"] = [{"code": error.code, "detail": error.detail}]
        return made
    except RetError:
        raise  # of the store: nothing of this one document
    except Exception as error:  # a fault of ours must not take the other documents with it
        log.exception("converting a document failed", extra={"document_id": source["document_id"]})
        made["warnings"] = [
            {"code": "INTERNAL", "detail": f"Converting failed with an error of ours ({type(error).__name__})."}
        ]
        return made
    made["status"], made["method"], made["fidelity"] = "converted", landed.method, landed.fidelity
    made["warnings"] = [{"code": one.code, "detail": one.detail} for one in landed.warnings]
    made["shape"] = shape_made(order, source["document_id"], landed.flattened)
    made["tables"] = [
        TableMade(
            id=uuid.uuid5(TABLES, f"{order['job_id']}/{source['document_id']}/{one.name}").hex,
            name=one.name,
            role=one.role,
            rows=one.rows,
            columns=one.columns,
            cells=one.cells,
            blob_key=one.blob.key,
            size=one.blob.size,
            sha256=one.blob.sha256,
        )
        for one in (landed.kept[table] for table in landed.flattened.tables if table in landed.kept)
    ]
    return made


def tabulate(
    blobs: Blobs, order: Order, source: SourceOrder, progress: Callable[[int], None]
) -> Landed[dict[TablePlan, Written]]:
    """Flatten a document by the first way that holds, and store its tables. DocumentFailed when it is refused."""
    options = Options(
        layout=Layout(order["layout"]),
        record_path=order["record_paths"].get(source["document_id"]),
        repeats=order["repeats"],
        columns=order["columns"],
    )
    prefix = f"{order['prefix']}{source['document_id']}/"
    keeping = Keeping(
        lambda batches: store(blobs, batches, prefix),
        lambda: blobs.delete_prefix_sync(prefix),
    )
    rungs = rungs_of(source["media_type"], opening(blobs, source), options, rising(progress, source["bytes"]))
    return climb(rungs, keeping, source["document_id"])


def shape_made(order: Order, document_id: str, flattened: Flattened) -> ShapeMade:
    """How the document was cut into records, and how it could be."""
    found = flattened.candidates
    least = sorted((one.share for one in found), reverse=True)[CANDIDATES - 1] if len(found) > CANDIDATES else 0.0
    kept = [one for one in found if one.share >= least][:CANDIDATES]
    return ShapeMade(
        layout=order["layout"],
        record_path=flattened.record_path,
        chosen=bool(order["record_paths"].get(document_id)),
        candidates=[
            CandidateMade(path=one.path, count=one.count, fields=one.fields, share=round(one.share, 6)) for one in kept
        ],
        more=len(found) - len(kept),
    )


def opening(blobs: Blobs, source: SourceOrder) -> Source:
    """How a document's bytes are opened, as often as one likes: small ones are read from the store once."""
    if source["length"] <= IN_MEMORY:
        data = blobs.get_sync(source["key"], source["offset"], source["length"]) if source["length"] else b""
        if source["sha256"] not in ("", hashlib.sha256(data).hexdigest()):
            raise BlobDamaged(source["key"])
        return lambda: io.BytesIO(data)
    proof = Proof(source)
    return lambda: proof.over(blobs.reader(source["key"], source["offset"], source["length"]))


def rungs_of(media_type: str, source: Source, options: Options, progress: Callable[[int], None]) -> Iterator[Rung]:
    """The ways to read a document, by what ingest has found it to be."""
    if media_type in DELIMITED:
        return text_rungs(source, options, progress, delimited_flatten)
    if media_type in SPREADSHEETS:
        return spreadsheet_rungs(source, options, progress)
    return xml_rungs(source, options, progress, xml_flatten)


class Proof:
    """That a document's bytes are those that were stored: by the first reading to their end."""

    def __init__(self, source: SourceOrder) -> None:
        self.source = source
        self.given = source["sha256"] == ""

    def over(self, file: BinaryIO) -> BinaryIO:
        """The same file; until the proof is given, one that gives it."""
        return file if self.given else cast("BinaryIO", Proving(file, self))


class Proving(io.RawIOBase):
    """A document's bytes, hashed while they are read; at their end BlobDamaged, if they are not those stored."""

    def __init__(self, file: BinaryIO, proof: Proof) -> None:
        super().__init__()
        self._file = file
        self._proof = proof
        self._digest = hashlib.sha256()
        self._left = proof.source["length"]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        self._left -= len(data)
        if size and (not data or not self._left):  # nothing is what was asked for, when nothing was asked for
            if self._digest.hexdigest() != self._proof.source["sha256"]:
                raise BlobDamaged(self._proof.source["key"])
            self._proof.given = True
        return data

    def close(self) -> None:
        self._file.close()
        super().close()
