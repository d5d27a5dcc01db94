"""Snapshots of a log: all versions up to one, and the state at it, in one blob. So a long log is opened quickly.

The log itself stays as it is: a snapshot can be made again at any time, and says nothing that the log does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from ret_convert.arrow import pa
from ret_convert.editing.log import Head, edits_of, packed_heads, unpacked_heads
from ret_convert.editing.overlay import Overlay
from ret_kit.blobs import Blobs
from ret_kit.errors import AlreadyThere, BlobDamaged

PIECE = 4096
"""Cells or rows of a line: the interpreter is held for about two milliseconds at once."""
T = TypeVar("T")
_NAME = re.compile(r"snapshot-(\d+)\.jsonl\.zst")


@dataclass(frozen=True)
class Snapshot:
    """The versions up to one, and the state at the last of them."""

    heads: list[Head]
    overlay: Overlay


def snapshot_key(key: str, version: int) -> str:
    """Where the snapshot of a version is, by the table's key."""
    return f"{edits_of(key)}snapshot-{version:06d}.jsonl.zst"


def snapshots(keys: Iterable[str]) -> list[int]:
    """The versions of which there are snapshots, rising, by the keys below `edits_of`."""
    names = (_NAME.fullmatch(key.rpartition("/")[2]) for key in keys)
    return sorted(int(name[1]) for name in names if name)


def store(blobs: Blobs, key: str, version: int, snapshot: Snapshot) -> None:
    """Write it, unless somebody else has."""
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as file:
        for line in _lines(snapshot):
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    with suppress(AlreadyThere):
        blobs.create_sync(snapshot_key(key, version), out.getvalue().to_pybytes())


def load(blobs: Blobs, key: str, version: int) -> Snapshot:
    """The snapshot of a version. NotFound, BlobDamaged."""
    where = snapshot_key(key, version)
    data = blobs.get_sync(where)
    try:
        with pa.input_stream(pa.BufferReader(data), compression="zstd") as file:
            return _read(json.loads(line) for line in file.read().splitlines())
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise BlobDamaged(where) from error


def _pieces(things: Iterable[T]) -> Iterator[list[T]]:
    left = iter(things)
    while piece := list(islice(left, PIECE)):
        yield piece


def _lines(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    overlay = snapshot.overlay
    yield {"rows": overlay.rows}
    for heads in _pieces(snapshot.heads):
        yield {"heads": packed_heads(heads)}
    for column, (rows, values) in overlay.by_column.items():
        for start in range(0, len(rows), PIECE):
            yield {"cells": [column, rows[start : start + PIECE], values[start : start + PIECE]]}
    for deleted in _pieces(sorted(overlay.deleted)):
        yield {"deleted": deleted}
    for inserted in _pieces(overlay.inserted.items()):
        yield {"inserted": inserted}
    for behind in _pieces(overlay.behind.items()):
        yield {"behind": behind}


def _read(lines: Iterator[dict[str, Any]]) -> Snapshot:
    heads: list[Head] = []
    overlay = Overlay(next(lines)["rows"])
    for line in lines:
        [(what, told)] = line.items()
        if what == "heads":
            heads += unpacked_heads(told)
        elif what == "cells":
            column, rows, values = told
            for row, value in zip(rows, values, strict=True):
                overlay.cells.setdefault(row, {})[column] = value
        elif what == "deleted":
            overlay.deleted.update(told)
        elif what == "inserted":
            overlay.inserted.update((row, values) for row, values in told)
        else:
            overlay.behind.update((after, rows) for after, rows in told)
    return Snapshot(heads, overlay)
