"""A table as it is with its edits, stored as a table of its own: for who reads whole tables by their key.

Beside the log of edits lie `at-<version>.parquet`, `at-<version>.rows.arrow` with the numbers of the rows, and
`at-<version>.stored`, which is there once both are complete. A version never changes: whoever stores it again, stores
the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypedDict, cast

from ret_convert.arrow import pa, pq
from ret_convert.editing.log import edits_of
from ret_convert.editing.overlay import Overlay
from ret_convert.editing.rows import Edited, edited_batches
from ret_convert.editing.versions import overlay_of
from ret_convert.positions import Sink
from ret_convert.tables import ROWS, parquet_writer
from ret_convert.views.reading import Version, numbers_of
from ret_kit.blobs import Blobs
from ret_kit.errors import AlreadyThere, BlobDamaged, NotFound

NUMBERS = pa.schema([pa.field("row", pa.int64())])


class Materialised(TypedDict):
    """A stored version: where it is, its size in bytes and their SHA-256, its rows, where the numbers of these are."""

    key: str
    size: int
    sha256: str
    rows: int
    numbers_key: str


def name_of(key: str, version: int) -> str:
    """What the files of a version begin with, by the table's key."""
    return f"{edits_of(key)}at-{version:06d}"


def materialised(blobs: Blobs, key: str, version: int) -> Materialised | None:
    """A version that was stored before; None when none was. BlobDamaged."""
    where = f"{name_of(key, version)}.stored"
    try:
        return cast("Materialised", json.loads(blobs.get_sync(where)))
    except NotFound:
        return None
    except ValueError as error:
        raise BlobDamaged(where) from error


def materialise(payload: dict[str, Any], _report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Store a `Version` of a table, unless it is there; gives `Materialised`. NotFound without such a version."""
    of = cast("Version", payload)
    blobs = Blobs(of["blobs"])
    if there := materialised(blobs, of["key"], of["version"]):
        return dict(there)
    overlay = overlay_of(blobs, of["key"], of["rows"], of["version"])
    with blobs.reader(of["key"]) as file:
        parquet = pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=True)
        try:
            stored = _store(blobs, of, parquet, overlay)
        except pa.ArrowException as error:
            raise BlobDamaged(of["key"]) from error
    with suppress(AlreadyThere):
        blobs.create_sync(f"{name_of(of['key'], of['version'])}.stored", json.dumps(stored).encode())
    return dict(stored)


def _store(blobs: Blobs, of: Version, parquet: Any, overlay: Overlay) -> Materialised:
    """Write rows and numbers piece by piece."""
    name = name_of(of["key"], of["version"])
    schema = pa.schema(list(parquet.schema_arrow))  # where rows stood in the document is not true of edited ones
    batches = parquet.iter_batches(batch_size=ROWS, use_threads=False)
    kept = pa.BufferOutputStream()
    with blobs.writer(f"{name}.parquet") as rows_blob:
        out = pa.PythonFile(Sink(rows_blob), mode="w")
        with (
            parquet_writer(out, schema, _with_dictionaries(parquet)) as rows,
            pa.ipc.new_file(kept, NUMBERS) as numbers,
        ):
            for piece in _in_groups(edited_batches(batches, schema, overlay)):
                for one in piece:
                    numbers.write_batch(pa.record_batch([numbers_of(one)], schema=NUMBERS))
                whole = pa.Table.from_batches([one.rows for one in piece]).replace_schema_metadata(None)
                rows.write_table(whole.cast(schema), row_group_size=ROWS)
    blobs.put_sync(f"{name}.rows.arrow", kept.getvalue().to_pybytes())
    made = rows_blob.stored()
    return Materialised(
        key=made.key, size=made.size, sha256=made.sha256, rows=overlay.total, numbers_key=f"{name}.rows.arrow"
    )


def _in_groups(pieces: Iterable[Edited]) -> Iterator[list[Edited]]:
    """Pieces put together to row groups: about `ROWS` rows each."""
    held: list[Edited] = []
    count = 0
    for one in pieces:
        held.append(one)
        count += one.rows.num_rows
        if count >= ROWS:
            yield held
            held, count = [], 0
    if held:
        yield held


def _with_dictionaries(parquet: Any) -> list[str]:
    """The columns that were stored with dictionaries."""
    if not parquet.metadata.num_row_groups:
        return []
    group = parquet.metadata.row_group(0)
    names = cast("list[str]", parquet.schema_arrow.names)
    return [name for at, name in enumerate(names) if "RLE_DICTIONARY" in group.column(at).encodings]
