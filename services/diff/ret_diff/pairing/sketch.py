"""What is in a document, in little: of each column some values, so that equal columns keep equal ones.

A column keeps the values with the lowest hashes (bottom-k: Broder 1997; the number of different values by
Bar-Yossef et al. 2002), whatever their order and number, so two sketches tell how much two columns have in common.
Columns of the same name in several tables are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from re import compile as pattern
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ret_diff.arrow import pa, pc, pq
from ret_diff.pairing.model import DocumentFacts, TableFacts
from ret_diff.pairing.names import folded
from ret_diff.pairing.tables import GUARDED, LINKS, LONG, format_of
from ret_kit.blobs import Blobs

Hashes = npt.NDArray[np.uint64]
Weights = npt.NDArray[np.float64]

COLUMNS = 64
"""Columns of a table that are read: those whose names have the lowest hashes, so that equal headers keep the same."""
CELLS = 4_000_000
"""Cells of a table that are read, as far as whole columns go."""
BATCH = 32_768
"""Rows that are in memory at once, of one column's width."""
BYTES = 32 << 20
"""Bytes of a column that are in memory at once, at most about."""
WORD = 8
PLAIN_NUMBER = pattern(r"[-+]?\d{1,6}")
FORM = pattern(r"[-+]?[\d.,/:T\s-]{1,24}Z?")
SHORT = 3


@dataclass(frozen=True)
class Values:
    """The values of a column that are kept: their hashes with the lowest first, and what each tells by its looks.

    `all_kept` says that the column has no others; otherwise it has none below the last hash that are not kept.
    """

    hashes: Hashes
    looks: Weights
    all_kept: bool


@dataclass
class Sketch:
    """What is kept of a document, column by column, their names folded and without guards."""

    columns: dict[str, Values] = field(default_factory=dict[str, Values])


def sketch(blobs: Blobs, document: DocumentFacts, kept: int) -> Sketch:
    """Read a document's tables, a column at a time and in pieces; keeps so many values of each column."""
    guarded = format_of(document) == "csv"
    found: dict[str, _Lowest] = {}
    for table in document["tables"]:
        if table["name"] != LONG and table["rows"]:
            for name, values in _columns(blobs, table):
                plain = folded(GUARDED.sub("", name, count=1) if guarded else name)
                lowest = found.setdefault(plain, _Lowest(kept))
                lowest.add(pc.replace_substring_regex(values, "^'([=+@\t\r-])", r"\1") if guarded else values)
    return Sketch({name: lowest.values() for name, lowest in sorted(found.items())})


def _columns(blobs: Blobs, table: TableFacts) -> Iterator[tuple[str, Any]]:
    """(name, values) of the columns that are to be read, in pieces."""
    names = [one["name"] for one in table["columns"] if one["kind"] != "link" and one["name"] not in LINKS]
    names.sort(key=lambda name: (_hashed(folded(name)), name))
    names = names[: min(COLUMNS, max(1, CELLS // table["rows"]))]
    with blobs.reader(table["key"]) as file:
        source: Any = pa.BufferReader(file.read()) if table["size"] <= BYTES else pa.PythonFile(file, mode="r")
        parquet: Any = pq.ParquetFile(source, pre_buffer=False)
        groups = [[name] for name in names] if table["rows"] > BATCH else [names]
        for group in groups:
            for batch in parquet.iter_batches(batch_size=BATCH, columns=group, use_threads=False):
                yield from zip(batch.schema.names, batch.columns, strict=True)


class _Lowest:
    """The values of a column with the lowest hashes, so far."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._known: dict[int, str] = {}
        self._limit = np.uint32(0xFFFF_FFFF)
        self._dropped = False

    def add(self, values: Any) -> None:
        """Look at further values; empty ones tell nothing."""
        different = pc.unique(values).drop_null().cast(pa.large_string())
        rough = rough_hashes(different)
        low = np.flatnonzero((rough <= self._limit) & (lengths(different) > 0))
        if len(low) > self._kept:
            low = low[rough[low] <= np.partition(rough[low], self._kept - 1)[self._kept - 1]]
        self._dropped = self._dropped or len(low) < np.count_nonzero(lengths(different))
        for at in low.tolist():
            value = cast("str", different[at].as_py())
            self._known[int(rough[at]) << 32 | _hashed(value)] = value
        if len(self._known) > self._kept:
            self._dropped = True
            self._known = dict(sorted(self._known.items())[: self._kept])
            self._limit = np.uint32(max(self._known) >> 32)

    def values(self) -> Values:
        """What is kept."""
        kept = sorted(self._known.items())
        hashes = np.array([one for one, _ in kept], np.uint64)
        return Values(hashes, np.array([told(value) for _, value in kept], np.float64), all_kept=not self._dropped)


def hashed(value: str) -> int:
    """64 bits of a text, by which the lowest are kept."""
    return int(rough_hashes(pa.array([value], pa.large_string()))[0]) << 32 | _hashed(value)


def lowest(values: Any, kept: int) -> list[int]:
    """The places of the so many texts of a large_string array that have the lowest hashes, the lowest first."""
    rough = rough_hashes(values)
    low = np.arange(len(rough))
    if len(low) > kept:
        low = np.flatnonzero(rough <= np.partition(rough, kept - 1)[kept - 1])
    found = sorted((int(rough[at]), _hashed(values[at].as_py()), at) for at in low.tolist())
    return [at for *_, at in found[:kept]]


def _hashed(value: str) -> int:
    """32 bits of all of a text."""
    return int.from_bytes(blake2b(value.encode(), digest_size=4).digest(), "little")


def lengths(values: Any) -> npt.NDArray[np.int64]:
    """The length in bytes of each text of a large_string array."""
    offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
    return np.diff(offsets)


def rough_hashes(values: Any) -> npt.NDArray[np.uint32]:
    """32 bits of the first and last eight bytes and the length of each text of a large_string array, at once for all.

    Long texts that differ in between only have the same; what is kept of them is told apart by `_hashed`.
    """
    if not len(values):
        return np.zeros(0, np.uint32)
    _, offsets, data = values.buffers()
    starts = np.frombuffer(offsets, np.int64)[values.offset : values.offset + len(values) + 1]
    text = np.concatenate([np.zeros(WORD, np.uint8), np.frombuffer(data or b"", np.uint8), np.zeros(WORD, np.uint8)])
    at = np.arange(WORD)
    long = np.minimum(np.diff(starts), WORD)[:, None]
    heads = np.where(at < long, text[starts[:-1, None] + WORD + at], 0).astype(np.uint8)
    tails = np.where(at >= WORD - long, text[starts[1:, None] + at], 0).astype(np.uint8)
    mixed = heads.view("<u8")[:, 0] * np.uint64(0x9E37_79B9_7F4A_7C15)
    mixed ^= np.diff(starts).astype(np.uint64) * np.uint64(0xD6E8_FEB8_6659_FD93)
    mixed = (mixed ^ mixed >> np.uint64(29)) + tails.view("<u8")[:, 0] * np.uint64(0xC2B2_AE3D_27D4_EB4F)
    # The finalizer of splitmix64 (Steele, Lea, Flood 2014).
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58_476D_1CE4_E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D0_49BB_1331_11EB)
    return (mixed >> np.uint64(32)).astype(np.uint32)


def told(value: str) -> float:
    """How much a value says about where it comes from, by its looks: a flag little, a text much."""
    text = value.strip()
    if len(text) < SHORT:
        return 0.1 * bool(text)
    if PLAIN_NUMBER.fullmatch(text):
        return 0.3
    return 0.5 if FORM.fullmatch(text) and len(text) <= WORD + SHORT else 1.0
