"""A document with its edits put back into exactly the nodes they came from, every other byte as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from ret_convert.arrow import pa, pq
from ret_convert.backxml.errors import NotWrittenBack
from ret_convert.backxml.original import Original, deflated, inflated, is_packed, unpacked
from ret_convert.backxml.plan import Plan
from ret_convert.backxml.sheets import Sheet
from ret_convert.backxml.spans import Spans
from ret_convert.editing.overlay import Overlay
from ret_convert.errors import DocumentFailed
from ret_convert.export.order import Bytes
from ret_convert.positions import numbers_of
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged


@dataclass(frozen=True)
class Patch:
    """What stands between two places of a file becomes these bytes."""

    start: int
    end: int
    data: bytes


def patches(blobs: Blobs, source: Bytes, tables: Sequence[tuple[str, Overlay]]) -> list[Patch]:
    """What changes in a document when its tables, by their keys, are edited; in its order. NotWrittenBack.

    `tables` are all tables of the document: rows of one are told from those of another also where nothing is edited.
    """
    if all(overlay.untouched for _, overlay in tables):
        return []
    with ExitStack() as held:
        stored = held.enter_context(blobs.reader(source["key"], source["offset"], source["length"]))
        try:
            original = Original(held.enter_context(unpacked(stored)))
        except DocumentFailed as error:
            raise NotWrittenBack(reason="It is no document that can be read strictly as XML.") from error
        sheets: list[Sheet] = []
        for key, overlay in tables:
            found = numbers_of(blobs, key)
            if found is None and not overlay.untouched:
                raise NotWrittenBack(reason="Its rows have no known place in it: it is no XML, or had to be repaired.")
            if found is not None:
                file = pa.PythonFile(held.enter_context(blobs.reader(key)), mode="r")
                parquet = pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=True)
                sheets.append(Sheet(original, parquet, Spans(*found), overlay, sheets))
        try:
            splices = Plan(original, sheets).splices()
        except (pa.ArrowException, OSError) as error:
            raise BlobDamaged(source["key"]) from error
        return [
            Patch(original.stored(one.start), original.stored(one.end), original.encoded(one.text)) for one in splices
        ]


def written_back(
    blobs: Blobs, source: Bytes, tables: Sequence[tuple[str, Overlay]], pieces: Iterator[bytes]
) -> Iterator[bytes]:
    """The bytes of a document, which come in `pieces`, with its edits. NotWrittenBack is raised at once.

    One that is packed by gzip is packed again.
    """
    changes = patches(blobs, source, tables)
    if not changes:
        return pieces
    if is_packed(blobs.get_sync(source["key"], source["offset"], min(2, source["length"]))):
        return deflated(patched(inflated(pieces), changes))
    return patched(pieces, changes)


def patched(pieces: Iterable[bytes], changes: Sequence[Patch]) -> Iterator[bytes]:
    """The bytes of a file with its changes, which stand in its order."""
    waiting = iter(changes)
    change = next(waiting, None)
    at = skip = 0
    for whole in pieces:
        piece, end = memoryview(whole), at + len(whole)
        while change is not None and change.start <= end:
            if change.start == end and change.end > end:
                break
            yield bytes(piece[max(skip - at, 0) : change.start - at])
            yield change.data
            skip = change.end
            change = next(waiting, None)
        yield bytes(piece[max(skip - at, 0) :])
        at = end
