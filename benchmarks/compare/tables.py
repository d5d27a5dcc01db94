"""Two large tables of setup data, one made out of the other, as Parquet and as CSV; Parquet as the engine reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.csv as untyped_csv

from ret_diff.arrow import pa, pc, pq
from ret_diff.model import Column

KEY = "Id"
_csv: Any = untyped_csv
_KINDS = ("Head Office", "Plant", "Warehouse", "Branch", "Retail", "Cost centre", "Vendor", "Project")
_PLACES = ("Munich", "Wien", "Zürich", "Lyon", "Oslo", "Porto", "Gdańsk", "Graz")
_WORDS = [f"{kind} {place}" for kind in _KINDS for place in _PLACES]
Rng = np.random.Generator


@dataclass(frozen=True)
class Made:
    """Both sides on disk, and what was done to B: cells changed, rows removed, rows added."""

    a: Path
    b: Path
    cells: int
    removed: int
    added: int

    def csv(self) -> tuple[Path, Path]:
        """Both sides as CSV, beside the Parquet."""
        return as_csv(self.a), as_csv(self.b)


class Stored:
    """A Parquet file as a source of the engine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._metadata = pq.ParquetFile(path).metadata
        self.rows = int(self._metadata.num_rows)
        names: list[str] = self._metadata.schema.to_arrow_schema().names
        self.columns: Sequence[Column] = [Column(name, f"/Rows/Row/{name}") for name in names]

    def read(self, names: Sequence[str]) -> Any:
        return pq.ParquetFile(self._path, metadata=self._metadata).read(list(names), use_threads=False)


def as_csv(path: Path) -> Path:
    """The same table as CSV, in a file beside it."""
    found = path.with_suffix(".csv")
    _csv.write_csv(pq.read_table(path), str(found))
    return found


def made(folder: Path, rows: int, columns: int, *, key: bool, shuffled: bool, seed: int = 1) -> Made:
    """A, and B: a cell changed in 1 % of the rows, one row in a thousand removed, as many added, shuffled if asked.

    With `key`, the first column is a code that tells rows apart; without, no column is unique.
    """
    rng = np.random.default_rng(seed)
    extra = rows // 1000
    whole = table(rng, rows + extra, columns, key=key)
    a = whole.slice(0, rows)
    kept = np.sort(rng.permutation(rows)[extra:])
    places = np.concatenate([kept, np.arange(rows, rows + extra)])
    if shuffled:
        rng.shuffle(places)
    b, cells = edited(whole.take(pa.array(places)), np.flatnonzero(places < rows), rows // 100, rng, key=key)
    left, right = folder / f"a-{rows}-{columns}-{key}.parquet", folder / f"b-{rows}-{columns}-{key}-{shuffled}.parquet"
    for side, path in ((a, left), (b, right)):
        pq.write_table(side, str(path), row_group_size=8192, compression="zstd")
    return Made(left, right, cells, extra, extra)


def table(rng: Rng, rows: int, columns: int, *, key: bool) -> Any:
    """Codes, words, amounts, dates, flags, sparse numbers: six kinds take turns."""
    names = [KEY if key else "Site", *(f"Col{at:02d}" for at in range(1, columns))]
    made = [coded(rng, rows) if key else words(rng, rows)]
    kinds = (words, amounts, dates, phrases, flags, sparse)
    made += [kinds[at % len(kinds)](rng, rows) for at in range(columns - 1)]
    return pa.table(dict(zip(names, made, strict=True)))


def coded(rng: Rng, rows: int) -> Any:
    """A code for each row, in no order."""
    return pc.binary_join_element_wise("C", padded(rng.permutation(rows), 9), "")


def padded(numbers: npt.NDArray[np.int64], width: int) -> Any:
    """Numbers with leading zeros."""
    return pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")


def words(rng: Rng, rows: int) -> Any:
    """One of 64."""
    return pa.array(_WORDS).take(pa.array(rng.integers(0, len(_WORDS), rows)))


def amounts(rng: Rng, rows: int) -> Any:
    """Money, with two decimals that are never both 0."""
    whole, cents = pc.cast(pa.array(rng.integers(1, 100_000, rows)), pa.string()), rng.integers(1, 100, rows)
    return pc.binary_join_element_wise(whole, padded(cents, 2), ".")


def dates(rng: Rng, rows: int) -> Any:
    """Days of ten years."""
    return pc.cast(pa.array(rng.integers(16_000, 19_650, rows).astype(np.int32)).cast(pa.date32()), pa.string())


def phrases(rng: Rng, rows: int) -> Any:
    """Words and a number: most of them there a few times."""
    return pc.binary_join_element_wise(words(rng, rows), padded(rng.integers(0, 2**13, rows), 4), " ")


def flags(rng: Rng, rows: int) -> Any:
    """Y or N."""
    return pa.array(["Y", "N"]).take(pa.array(rng.integers(0, 2, rows)))


def sparse(rng: Rng, rows: int) -> Any:
    """A number in one of eight rows."""
    numbers = pc.cast(pa.array(rng.integers(0, 1000, rows)), pa.string())
    return pc.if_else(pa.array(rng.integers(0, 8, rows) == 0), numbers, pa.scalar(None, pa.string()))


def edited(whole: Any, rows: Any, count: int, rng: Rng, *, key: bool) -> tuple[Any, int]:
    """The table with a cell changed in so many of these rows, never that of the key."""
    chosen = rng.permutation(rows)[:count]
    columns = rng.integers(1 if key else 0, whole.num_columns, count)
    cells: list[Any] = []
    for at, column in enumerate(whole.columns):
        mask = np.zeros(whole.num_rows, np.bool_)
        mask[chosen[columns == at]] = True
        old = column.combine_chunks()
        new = pc.binary_join_element_wise("changed ", pc.fill_null(old.filter(pa.array(mask)), ""), "")
        cells.append(pc.replace_with_mask(old, pa.array(mask), new))
    return pa.table(cells, names=whole.schema.names), count
