"""What is known of a result besides its rows: one small JSON document of the artefact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = 1
"""Of the artefact's form: others cannot be read."""


@dataclass(frozen=True)
class TableBlob:
    """A stored table of one side. `size` is in bytes; no `numbers_key`: its rows have the numbers 1, 2, 3 and so on."""

    key: str
    size: int
    rows: int
    numbers_key: str = ""


@dataclass(frozen=True)
class ShownColumn:
    """A column of a result. `a` and `b` are its names in the sides, None where a side has none."""

    name: str
    a: str | None
    b: str | None
    status: str
    key: bool = False
    cells_changed: int = 0


@dataclass(frozen=True)
class Part:
    """Some columns, `first` to before `end`, in a Parquet blob of `size` bytes: of the kept rows, or `everywhere`."""

    first: int
    end: int
    key: str
    size: int
    everywhere: bool = False


@dataclass(frozen=True)
class Meta:
    """A result without its rows. `sections` are how many rows each section of the kept rows has.

    `table` is where the cells of A are that are not kept: A's table, or (`own`) the artefact's copy of it.
    """

    a: TableBlob
    b: TableBlob
    rows: int
    columns: tuple[ShownColumn, ...]
    sections: tuple[int, int, int]
    parts: tuple[Part, ...]
    index: str
    index_size: int
    table: TableBlob
    own: bool
    patterns: str = ""
    patterns_size: int = 0
    patterns_kept: int = 0
    patterns_total: int = 0
    told: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What else was found, for people: key, runner-ups, counts, notes."""

    def dump(self) -> bytes:
        """As JSON; the columns one list for each of their properties, because there may be very many."""
        columns = {
            "name": [one.name for one in self.columns],
            "a": [one.a if one.a != one.name else True for one in self.columns],
            "b": [one.b if one.b != one.name else True for one in self.columns],
            "status": [one.status for one in self.columns],
            "key": [at for at, one in enumerate(self.columns) if one.key],
            "cells_changed": [[at, one.cells_changed] for at, one in enumerate(self.columns) if one.cells_changed],
        }
        body = {
            **{name: getattr(self, name) for name in ("rows", "sections", "index", "index_size", "own")},
            **{name: asdict(getattr(self, name)) for name in ("a", "b", "table")},
            "version": VERSION,
            "columns": columns,
            "parts": [asdict(part) for part in self.parts],
            "patterns": [self.patterns, self.patterns_size, self.patterns_kept, self.patterns_total],
            "told": self.told,
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def load(data: bytes) -> Meta:
    """What `dump` made. ValueError, KeyError or TypeError for anything else."""
    body = json.loads(data)
    if body["version"] != VERSION:
        raise ValueError("made by another version")
    columns = body["columns"]
    keys, changed = set(columns["key"]), dict(columns["cells_changed"])
    properties = zip(columns["name"], columns["a"], columns["b"], columns["status"], strict=True)
    shown = tuple(
        ShownColumn(name, name if a is True else a, name if b is True else b, status, at in keys, changed.get(at, 0))
        for at, (name, a, b, status) in enumerate(properties)
    )
    first, second, third = body["sections"]
    patterns, size, kept, total = body["patterns"]
    return Meta(
        a=TableBlob(**body["a"]),
        b=TableBlob(**body["b"]),
        rows=body["rows"],
        columns=shown,
        sections=(first, second, third),
        parts=tuple(Part(**part) for part in body["parts"]),
        index=body["index"],
        index_size=body["index_size"],
        table=TableBlob(**body["table"]),
        own=body["own"],
        patterns=patterns,
        patterns_size=size,
        patterns_kept=kept,
        patterns_total=total,
        told=body["told"],
    )
