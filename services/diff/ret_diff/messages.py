"""Rows of comparisons as messages of the contract, and choices of the contract as ours."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Row

from ret.diff.v1 import diff_pb2
from ret_diff import remaps
from ret_diff.meta import ShownColumn
from ret_diff.orders import CountFacts, OptionFacts, Sides, Told
from ret_diff.pair_records import counts_of
from ret_diff.schema import COUNTS
from ret_diff.tree import Node, Tally
from ret_kit.errors import Invalid

STATES = {"succeeded": "ready"}
"""What a comparison's state is called where its job's is called otherwise."""
NAMES, NAME = 1000, 10_000  # columns that options name at most, and characters of one


def comparison(row: Row[Any], tallies: Sequence[Row[Any]]) -> diff_pb2.Comparison:
    """A comparison with its summary: `tallies` are its rows of `pair_records.tallies`."""
    groups: dict[str, diff_pb2.Tally] = {}
    summary = diff_pb2.Tally()
    for one in tallies:
        for tally in (summary, groups.setdefault(one.group, diff_pb2.Tally())):
            setattr(tally, one.status, getattr(tally, one.status) + one.pairs)
            _add(tally.counts, counts_of(one))
    return diff_pb2.Comparison(
        id=row.id,
        status=STATES.get(row.job_state) or row.job_state,
        a=side(row, "a"),
        b=side(row, "b"),
        groups=json.loads(row.groups),
        options=options(json.loads(row.options)),
        summary=summary,
        by_group=[diff_pb2.GroupTally(name=name, tally=groups[name]) for name in sorted(groups)],
        job_id=row.job_id,
        created_at_ms=row.created_at,
        finished_at_ms=row.finished_at,
        notes=notes(json.loads(row.notes)),
    )


def _add(counts: diff_pb2.Counts, more: CountFacts) -> None:
    for name in COUNTS:
        setattr(counts, name, getattr(counts, name) + more[name])


def side(row: Row[Any], name: str) -> diff_pb2.Side:
    """A side of a comparison."""
    of = {field: getattr(row, f"{name}_{field}") for field in ("collection", "document", "version", "name")}
    return diff_pb2.Side(
        collection_id=of["collection"],
        document_id=of["document"],
        version=of["version"],
        name=of["name"],
        gone=getattr(row, f"{name}_gone"),
        sha256=getattr(row, f"{name}_sha256"),
    )


def notes(facts: Iterable[Mapping[str, Any]]) -> list[diff_pb2.Note]:
    """Notes of a result."""
    return [diff_pb2.Note(code=one["code"], detail=one["detail"]) for one in facts]


def pair(row: Row[Any], tables: Sequence[Row[Any]]) -> diff_pb2.Pair:
    """A pair with its tables."""
    told: list[Told] = [json.loads(one.told) for one in tables]
    main = told[0] if told else None
    message = diff_pb2.Pair(
        id=row.id,
        status=row.status,
        group=row.group,
        a_path=row.a_path,
        b_path=row.b_path,
        a_document_ids=json.loads(row.a_documents),
        b_document_ids=json.loads(row.b_documents),
        match=row.matched_by,
        confidence=row.confidence,
        runner_up=row.runner_up,
        runner_up_confidence=row.runner_up_confidence,
        counts=diff_pb2.Counts(**counts_of(row)),
        key_columns=main["key_columns"] if main else [],
        columns_added=main["columns_added"] if main else [],
        columns_removed=main["columns_removed"] if main else [],
        columns_renamed=renames(main["columns_renamed"]) if main else [],
        tables=[_table(one, facts) for one, facts in zip(tables, told, strict=True)],
        notes=notes(json.loads(row.notes)),
        reviewed=row.reviewed,
        note=row.note,
    )
    if row.failure_code:
        message.failure.CopyFrom(diff_pb2.Note(code=row.failure_code, detail=row.failure_detail))
    if row.options:
        message.options.CopyFrom(options(json.loads(row.options)))
    return message


def _table(row: Row[Any], told: Told) -> diff_pb2.TablePair:
    sides: Sides = json.loads(row.sides)
    a, b = sides["a"], sides["b"]
    return diff_pb2.TablePair(
        name=row.name,
        status=row.status,
        counts=diff_pb2.Counts(**counts_of(row)),
        a_table_id=a["id"] if a else "",
        b_table_id=b["id"] if b else "",
        a_rows=a["rows"] if a else 0,
        b_rows=b["rows"] if b else 0,
        key_columns=told["key_columns"],
        key_confidence=told["key_confidence"],
        key_given=told["key_given"],
        runner_ups=[
            diff_pb2.KeyCandidate(columns=columns, confidence=confidence) for columns, confidence in told["runner_ups"]
        ],
        columns_added=told["columns_added"],
        columns_removed=told["columns_removed"],
        columns_renamed=renames(told["columns_renamed"]),
        notes=notes(cast("Any", told["notes"])),
        changed_rows=row.changed_rows,
        full_rows=row.full_rows,
    )


def renames(found: Iterable[Sequence[str]]) -> list[diff_pb2.Rename]:
    """Columns by their names in A and in B."""
    return [diff_pb2.Rename(**{"from": one[0], "to": one[1]}) for one in found]


def options(facts: OptionFacts) -> diff_pb2.Options:
    """Options as they are told."""
    return diff_pb2.Options(**facts)


def chosen(message: diff_pb2.Options) -> OptionFacts:
    """Options as they are asked for. Invalid for a tolerance that is none, or too many names."""
    if not (math.isfinite(message.numeric_tolerance) and message.numeric_tolerance >= 0):
        raise Invalid(field="numeric_tolerance", reason="must be a number that is not negative")
    for field in ("keys", "ignore_columns"):
        names = list(getattr(message, field))
        if len(names) > NAMES or any(not 1 <= len(name) <= NAME for name in names):
            raise Invalid(field=field, reason=f"must be up to {NAMES} names of columns")
        if len(set(names)) < len(names):
            raise Invalid(field=field, reason="names a column twice")
    return OptionFacts(
        keys=list(message.keys),
        ignore_columns=list(message.ignore_columns),
        ignore_case=message.ignore_case,
        ignore_space=message.ignore_space,
        numeric_tolerance=message.numeric_tolerance,
    )


def nodes(found: Iterable[Node]) -> Iterator[diff_pb2.TreeNode]:
    """The tree, node by node."""
    for one in found:
        yield diff_pb2.TreeNode(
            depth=one.depth,
            name=one.name,
            path=one.path,
            type=one.type,
            status=one.status,
            pair_id=one.pair_id,
            tally=_tally(one.tally),
        )


def _tally(found: Tally) -> diff_pb2.Tally:
    counts = diff_pb2.Counts(**{name: getattr(found.counts, name) for name in COUNTS})
    return diff_pb2.Tally(counts=counts, **found.statuses)


def columns(found: Iterable[ShownColumn]) -> list[diff_pb2.ComparedColumn]:
    """Columns of a result."""
    return [
        diff_pb2.ComparedColumn(
            name=one.name,
            a_name=one.a or "",
            b_name=one.b or "",
            status=one.status,
            key=one.key,
            cells_changed=one.cells_changed,
        )
        for one in found
    ]


def finding(found: remaps.Finding) -> diff_pb2.Finding:
    """One thing that explains many changes."""
    places = [
        diff_pb2.FindingPlace(pair_id=one["pair"], table=one["table"], column=one["column"], cells=one["cells"])
        for one in found["places"]
    ]
    examples = [
        diff_pb2.Pattern(old=one["old"], new=one["new"], count=one["count"], pairs=one["pairs"])
        for one in found["examples"]
    ]
    return diff_pb2.Finding(
        code=found["code"],
        detail=found["detail"],
        cells=found["cells"],
        values=found["values"],
        places=places,
        examples=examples,
    )
