"""JSON: a table is an array of objects, a row an object; absent cells are not in it, empty ones are empty strings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from ret_convert.arrow import RecordBatch
from ret_convert.export.csv import pieces


def json_chunks(batches: Iterable[RecordBatch]) -> Iterator[bytes]:
    """A table as JSON in UTF-8, one row a line."""
    lead = "[\n"
    for batch in batches:
        for piece in pieces(batch):
            rows = [
                json.dumps({name: cell for name, cell in row.items() if cell is not None}, ensure_ascii=False)
                for row in piece.to_pylist()
            ]
            if rows:
                yield (lead + ",\n".join(rows)).encode()
                lead = ",\n"
    yield b"\n]\n" if lead == ",\n" else b"[]\n"
