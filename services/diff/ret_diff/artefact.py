"""The result of comparing two tables, stored once and never changed: pages are slices of it.

    facts = write(blobs, prefix, result, Side(source_a, blob_a), Side(source_b, blob_b))

Below the prefix lie, all written by one thread so that the bytes are the same each time:

- `index.parquet`: for each shown row its mark (marks.py), its row in B, and how sure the pair is;
- `rows-N.parquet`: the kept rows for some columns. `a<j>` is what stands in A in column j of the result, `b<j>` what
  stands in B where that is another value or the row was added, `s<j>` the CellState. Kept are, section by section, the
  rows that are not the same, those that only moved (if they are few), those with differences nobody looks at;
- `added-N.parquet`: for each shown row what stands in B in the columns that A does not have;
- `table.parquet`: a copy of A's table, in place of the columns `a<j>`, where most rows are not the same;
- `patterns.parquet`, if there are any; `meta.json` (meta.py), written last.

So the changed rows can be seen whole when both sides are gone. Rows that are the same are read from A's table, in which
the rows of a page are neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ret_diff.arrow import Array, pa, pc, pq
from ret_diff.facts import Facts, facts_of
from ret_diff.marks import CHANGED_ROWS, IGNORED_ROWS, MOVED_ROWS, marked
from ret_diff.meta import Meta, Part, ShownColumn, TableBlob
from ret_diff.model import (
    NOWHERE,
    Alignment,
    Bytes8,
    CellChanges,
    CellState,
    Column,
    ColumnStatus,
    Int64s,
    Kind,
    MatchedColumn,
    Result,
    RowStatus,
    Source,
)
from ret_kit.blobs import Blobs
from ret_kit.errors import BlobDamaged

FEW = 0.25
"""Share of the rows up to which the whole rows of A are copied cell by cell; above it, the table is copied as it is."""
SMALL = 1 << 18
"""Cells of a table that are copied whatever their share."""
AT_ONCE = 1 << 24
"""Cells that are gathered at once: as many columns make one part."""
TOGETHER = 1 << 20
"""Cells that are read together."""
THREADS = 2
WIDEST = 2000
"""Columns of a part at most."""
GROUP_CELLS = 1 << 17
"""Cells of a row group of kept rows, as far as it has neither too few nor too many rows:"""
FEWEST_ROWS, MOST_ROWS = 64, 8192
PATTERNS_GROUP = 2000
"""Patterns of a row group."""
INDEX_GROUP = 1 << 16
"""Rows of a row group of the index."""
REPEATING = 0.5
"""A column with fewer distinct values, as a share of its cells, gets a dictionary."""
SAMPLED = 1 << 13
"""Cells by which that is told."""
COPIED = 1 << 20
"""Bytes that are copied at once."""


@dataclass(frozen=True)
class Side:
    """A side of a result: how its rows are read, and where they are stored."""

    source: Source
    blob: TableBlob


def write(blobs: Blobs, prefix: str, result: Result, a: Side, b: Side) -> Facts:
    """Store a result below a prefix, which ends with `/`, and tell what is in it."""
    facts = facts_of(result, a.source, b.source)
    result = replace(result, cells=(*result.cells, *_links(result, a.source, b.source)))
    if _is_nothing(result):
        return facts
    kept = _Kept(result, a.source.rows * len(a.source.columns))
    index = blobs.put_sync(f"{prefix}index.parquet", _index(result, kept.sections))
    parts = (
        *_parts(blobs, prefix, result, kept, (a.source, b.source)),
        *_added(blobs, prefix, result, b.source),
    )
    table = a.blob if kept.whole else _copied(blobs, a.blob, f"{prefix}table.parquet")
    patterns = blobs.put_sync(f"{prefix}patterns.parquet", _patterns(result)) if result.patterns else None
    meta = Meta(
        a=_numbered(blobs, a.blob, f"{prefix}numbers-a.arrow"),
        b=_numbered(blobs, b.blob, f"{prefix}numbers-b.arrow"),
        rows=len(result.status),
        columns=_columns(result, a.source, b.source),
        sections=kept.counts,
        parts=parts,
        index=index.key,
        index_size=index.size,
        table=table,
        own=not kept.whole,
        patterns=patterns.key if patterns else "",
        patterns_size=patterns.size if patterns else 0,
        patterns_kept=len(result.patterns),
        patterns_total=facts.patterns,
        told={name: value for name, value in asdict(facts).items() if name not in ("prefix", "bytes")},
    )
    told = blobs.put_sync(f"{prefix}meta.json", meta.dump())
    size = index.size + sum(part.size for part in parts) + told.size
    size += (0 if kept.whole else table.size) + (patterns.size if patterns else 0)
    return replace(facts, prefix=prefix, bytes=size)


def _links(result: Result, a: Source, b: Source) -> Iterator[CellChanges]:
    """Where the ids of rows, which nobody compares, are others in B: a page shows each side with its own."""
    alignment, known, columns = result.alignment, {one.column for one in result.cells}, a.columns
    both = np.flatnonzero((alignment.a_rows != NOWHERE) & (alignment.b_rows != NOWHERE))
    for at, one in enumerate(result.columns):
        if one.compared or NOWHERE in (one.a, one.b) or at in known or columns[one.a].kind is not Kind.LINK:
            continue
        old = _taken(a, [one.a], alignment.a_rows[both])
        new = _taken(b, [one.b], alignment.b_rows[both])
        if old and new:
            same = pc.fill_null(
                pc.equal(old[one.a], new[one.b]), pc.and_(pc.is_null(old[one.a]), pc.is_null(new[one.b]))
            )
            differ = np.flatnonzero(~np.asarray(same))
            if len(differ):
                states = np.full(len(differ), CellState.IGNORED, np.uint8)
                yield CellChanges(at, both[differ], states, new=new[one.b].take(pa.array(differ)))


class _Kept:
    """Which rows are kept, in which order: `places` are the shown rows, section by section."""

    def __init__(self, result: Result, cells: int) -> None:
        rows, alignment = len(result.status), result.alignment
        changed = result.status != RowStatus.SAME
        moved = alignment.moved & ~changed
        few = max(FEW * rows, rows * SMALL / max(1, cells))
        self.whole = bool(np.count_nonzero(changed) <= few)
        """Whether the rows of A are among what is kept, or all of A's table is."""
        self.sections = np.zeros(rows, np.uint8)
        for one in result.cells:
            self.sections[one.positions] = IGNORED_ROWS
        if self.whole and np.count_nonzero(changed | moved) <= few:
            self.sections[moved] = MOVED_ROWS
        self.sections[changed] = CHANGED_ROWS
        by_section = [np.flatnonzero(self.sections == at) for at in (CHANGED_ROWS, MOVED_ROWS, IGNORED_ROWS)]
        self.counts = (len(by_section[0]), len(by_section[1]), len(by_section[2]))
        self.places: Int64s = np.concatenate(by_section)
        self.rank: Int64s = np.full(rows, NOWHERE, np.int64)
        """The place of each shown row among what is kept."""
        self.rank[self.places] = np.arange(len(self.places))
        inside = np.arange(len(self.places)) < len(self.places) - self.counts[2]
        rows_a, rows_b = alignment.a_rows[self.places], alignment.b_rows[self.places]
        self.from_a = np.flatnonzero(inside & (rows_a != NOWHERE)) if self.whole else np.zeros(0, np.int64)
        """The kept rows with cells of A."""
        self.rows_a: Int64s = rows_a[self.from_a]
        self.from_b = np.flatnonzero(rows_a == NOWHERE)
        """The kept rows that were added."""
        self.rows_b: Int64s = rows_b[self.from_b]


def _is_nothing(result: Result) -> bool:
    """Whether A says all: every row of B is the same row in the same place."""
    alignment = result.alignment
    return (
        not result.cells
        and not result.status.any()
        and not alignment.moved.any()
        and all(one.status is ColumnStatus.SAME for one in result.columns)
        and bool((alignment.a_rows == alignment.b_rows).all())
    )


def _index(result: Result, sections: Bytes8) -> bytes:
    alignment = result.alignment
    table = pa.table(
        {
            "mark": pa.array(marked(result.status, alignment.moved, sections)),
            "b_row": pa.array(alignment.b_rows),
            "confidence": pa.array(alignment.confidence),
        }
    )
    return _parquet(
        table,
        INDEX_GROUP,
        compression={"mark": "zstd", "b_row": "none", "confidence": "zstd"},
        use_dictionary=False,
        column_encoding={"b_row": "DELTA_BINARY_PACKED"},
    )


def _parquet(table: Any, group: int, **how: Any) -> bytes:
    out = pa.BufferOutputStream()
    with pq.ParquetWriter(
        out, table.schema, write_statistics=False, write_page_checksum=True, store_schema=False, **how
    ) as parquet:
        parquet.write_table(table, row_group_size=group)
    return out.getvalue().to_pybytes()


def _parts(blobs: Blobs, prefix: str, result: Result, kept: _Kept, sources: tuple[Source, Source]) -> Iterator[Part]:
    """The kept rows, some columns after the other."""
    cells = {one.column: one for one in result.cells}
    step = max(1, min(WIDEST, AT_ONCE // max(1, len(kept.places))))
    for first in range(0, len(result.columns) if len(kept.places) else 0, step):
        some = list(enumerate(result.columns[first : first + step], first))
        of_a = _cells(result, sources, "a", some, kept.rows_a)
        of_b = _cells(result, sources, "b", [(at, one) for at, one in some if one.a != NOWHERE], kept.rows_b)
        columns: dict[str, Array] = {}
        for at, one in some:
            if at in of_a:
                columns[f"a{at}"] = _spread([of_a.pop(at)], [kept.from_a], len(kept.places))
            new = [(of_b.pop(at), kept.from_b)] if at in of_b else []
            if at in cells:
                columns[f"s{at}"] = _states(cells[at], kept)
                new.append((_new(cells[at], one, result.alignment, sources[1]), kept.rank[cells[at].positions]))
            if new:
                columns[f"b{at}"] = _spread([one for one, _ in new], [where for _, where in new], len(kept.places))
        if columns:
            stored = blobs.put_sync(f"{prefix}rows-{first}.parquet", _part(pa.table(columns)))
            yield Part(first, first + len(some), stored.key, stored.size)


def _added(blobs: Blobs, prefix: str, result: Result, b: Source) -> Iterator[Part]:
    """The columns of B alone, some after the other."""
    alone = [at for at, one in enumerate(result.columns) if one.a == NOWHERE]
    rows = result.alignment.b_rows
    which = pa.array(rows, mask=rows == NOWHERE)
    step = max(1, min(WIDEST, AT_ONCE // max(1, len(rows))))
    names = b.columns
    for start in range(0, len(alone), step):
        some = alone[start : start + step]
        table = b.read([names[result.columns[at].b].name for at in some])
        columns = {f"b{at}": _flat(one.take(which)) for at, one in zip(some, table.columns, strict=True)}
        stored = blobs.put_sync(f"{prefix}added-{some[0]}.parquet", _part(pa.table(columns)))
        yield Part(some[0], some[-1] + 1, stored.key, stored.size, everywhere=True)


def _cells(
    result: Result,
    sources: tuple[Source, Source],
    side: str,
    columns: Sequence[tuple[int, MatchedColumn]],
    rows: Int64s,
) -> dict[int, Array]:
    """Cells of some rows of a side, by the columns' places in the result; read where they are not at hand."""
    found: dict[int, Array] = {}
    if not len(rows):
        return found
    left: dict[int, int] = {}
    for at, one in columns:
        values = result.values.taken(side, at, rows) if result.values else None
        if values is not None:
            found[at] = values
        elif (place := one.a if side == "a" else one.b) != NOWHERE:
            left[at] = place
    read = _taken(sources[0] if side == "a" else sources[1], list(left.values()), rows)
    return found | {at: read[place] for at, place in left.items()}


def _taken(source: Source, columns: Sequence[int], rows: Int64s) -> dict[int, Array]:
    """Some rows of columns, by the places of the columns in their table; nothing for no rows."""
    there = [one for one in columns if one != NOWHERE]
    if not len(rows) or not there:
        return {}
    names, places = source.columns, pa.array(rows)
    step = max(1, TOGETHER // max(1, source.rows))

    def take(start: int) -> list[Array]:
        table = source.read([names[one].name for one in there[start : start + step]])
        return [_flat(column.take(places)) for column in table.columns]

    # Only what is taken stays in memory. Sources may be read from several threads.
    with ThreadPoolExecutor(THREADS, thread_name_prefix="artefact") as threads:
        taken = [cells for some in threads.map(take, range(0, len(there), step)) for cells in some]
    return dict(zip(there, taken, strict=True))


def _flat(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _spread(values: Sequence[Any], places: Sequence[Int64s], rows: int) -> Array:
    """Values at places among so many rows, null elsewhere."""
    whole = [_decoded(one).cast(pa.large_string()) for one in values]
    which = np.full(rows, NOWHERE, np.int64)
    which[np.concatenate(places)] = np.arange(sum(len(one) for one in whole))
    return pa.concat_arrays(whole).take(pa.array(which, mask=which == NOWHERE))


def _decoded(values: Any) -> Any:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _states(changes: CellChanges, kept: _Kept) -> Array:
    found = np.zeros(len(kept.places), np.uint8)
    found[kept.rank[changes.positions]] = changes.states
    return pa.array(found)


def _new(changes: CellChanges, column: MatchedColumn, alignment: Alignment, b: Source) -> Array:
    """What stands in B where cells differ."""
    if changes.new is not None:
        return changes.new
    return _taken(b, [column.b], alignment.b_rows[changes.positions])[column.b]


def _part(table: Any) -> bytes:
    columns = zip(table.column_names, table.columns, strict=True)
    repeating = [name for name, cells in columns if name[0] != "s" and _repeats(cells)]
    group = min(MOST_ROWS, max(FEWEST_ROWS, GROUP_CELLS // table.num_columns))
    return _parquet(table, group, compression="zstd", compression_level=1, use_dictionary=repeating or False)


def _repeats(column: Any) -> bool:
    if len(column) < FEWEST_ROWS:
        return False
    some = column.slice(0, SAMPLED)
    return bool(pc.count_distinct(some).as_py() < REPEATING * len(some))


def _numbered(blobs: Blobs, table: TableBlob, key: str) -> TableBlob:
    """The table, with a copy of the numbers of its rows: the changed rows have them also when the side is gone."""
    if not table.numbers_key:
        return table
    return replace(table, numbers_key=blobs.put_sync(key, blobs.get_sync(table.numbers_key)).key)


def _copied(blobs: Blobs, table: TableBlob, key: str) -> TableBlob:
    """A copy of a table."""
    with blobs.reader(table.key) as source, blobs.writer(key) as copy:
        while data := source.read(COPIED):
            copy.write(data)
    if copy.size != table.size:
        raise BlobDamaged(table.key)
    return replace(table, key=key)


def _patterns(result: Result) -> bytes:
    table = pa.table(
        {
            "column": pa.array([one.column for one in result.patterns], pa.int32()),
            "old": pa.array([one.old for one in result.patterns], pa.large_string()),
            "new": pa.array([one.new for one in result.patterns], pa.large_string()),
            "count": pa.array([one.count for one in result.patterns], pa.int64()),
            "format_only": pa.array([one.format_only for one in result.patterns], pa.bool_()),
        }
    )
    return _parquet(table, PATTERNS_GROUP, compression="zstd", compression_level=1)


def _columns(result: Result, a: Source, b: Source) -> tuple[ShownColumn, ...]:
    keys, changed = set(result.key.columns), {one.column: _changed(one) for one in result.cells}
    of_a, of_b = a.columns, b.columns
    return tuple(
        ShownColumn(
            one.name,
            _name(of_a, one.a),
            _name(of_b, one.b),
            str(one.status),
            key=at in keys,
            cells_changed=changed.get(at, 0),
        )
        for at, one in enumerate(result.columns)
    )


def _name(columns: Sequence[Column], column: int) -> str | None:
    return None if column == NOWHERE else columns[column].name


def _changed(one: CellChanges) -> int:
    return int(np.count_nonzero(one.states != CellState.IGNORED))
