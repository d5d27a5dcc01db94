"""From diff's messages to the bodies of the REST contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ret.diff.v1 import diff_pb2
from ret_gateway import answers, models
from ret_gateway import comparison_models as bodies

if TYPE_CHECKING:
    from collections.abc import Iterable


def options_of(body: bodies.CompareOptions) -> diff_pb2.Options:
    """The options as diff takes them."""
    return diff_pb2.Options(
        keys=body.keys,
        ignore_columns=body.ignore_columns,
        ignore_case=body.ignore_case,
        ignore_space=body.ignore_space,
        numeric_tolerance=body.numeric_tolerance,
    )


def options(message: diff_pb2.Options) -> bodies.UsedOptions:
    """The options that hold."""
    return bodies.UsedOptions(
        keys=list(message.keys),
        ignore_columns=list(message.ignore_columns),
        ignore_case=message.ignore_case,
        ignore_space=message.ignore_space,
        numeric_tolerance=message.numeric_tolerance,
    )


def started(message: diff_pb2.StartResponse) -> bodies.ComparisonAnswer:
    """The answer to a comparison order."""
    return bodies.ComparisonAnswer(comparison=comparison(message.comparison), job=answers.job(message.job))


def queued(message: diff_pb2.RepairResponse | diff_pb2.RecompareResponse | diff_pb2.ApplyResponse) -> models.JobAnswer:
    """The answer to further work on a comparison."""
    return models.JobAnswer(job=answers.job(message.job))


def comparison(message: diff_pb2.Comparison) -> bodies.Comparison:
    """A comparison as far as it has come."""
    groups = {one.name: bodies.Tally.model_validate(tally(one.tally)) for one in message.by_group}
    return bodies.Comparison(
        id=message.id,
        status=cast("Any", message.status),
        a=_side(message.a),
        b=_side(message.b),
        groups=list(message.groups),
        options=options(message.options),
        summary=bodies.Summary(groups=groups, **tally(message.summary)),
        job_id=message.job_id,
        created_at=answers.moment(message.created_at_ms),
        finished_at=answers.moment(message.finished_at_ms),
        notes=_notes(message.notes),
    )


def tally(message: diff_pb2.Tally) -> dict[str, int]:
    """The fields of a `Tally`."""
    return {
        "only_in_a": message.only_in_a,
        "only_in_b": message.only_in_b,
        "mismatch": message.mismatch,
        "identical": message.identical,
        "failed": message.failed,
        "pending": message.pending,
        **_counts(message.counts),
    }


def _counts(message: diff_pb2.Counts) -> dict[str, int]:
    return {
        "rows_added": message.rows_added,
        "rows_removed": message.rows_removed,
        "rows_changed": message.rows_changed,
        "rows_moved": message.rows_moved,
        "cells_changed": message.cells_changed,
        "cells_format_only": message.cells_format_only,
    }


def _side(message: diff_pb2.Side) -> bodies.ComparedSide:
    return bodies.ComparedSide(
        collection_id=message.collection_id or None,
        document_id=message.document_id or None,
        version=cast("Any", message.version or "edited"),
        name=message.name,
        gone=message.gone,
        sha256=message.sha256 or None,
    )


def _notes(messages: Iterable[diff_pb2.Note]) -> list[bodies.Note]:
    return [bodies.Note(code=one.code, detail=one.detail) for one in messages]


def _renames(messages: Iterable[diff_pb2.Rename]) -> list[bodies.Rename]:
    return [bodies.Rename(from_=getattr(one, "from"), to=one.to) for one in messages]


def pair(message: diff_pb2.Pair) -> bodies.Pair:
    """Two documents with what comparing them gave."""
    return bodies.Pair(
        id=message.id,
        status=cast("Any", message.status),
        group=message.group,
        a_path=message.a_path or None,
        b_path=message.b_path or None,
        a_document_ids=list(message.a_document_ids),
        b_document_ids=list(message.b_document_ids),
        match=cast("Any", message.match or None),
        confidence=message.confidence,
        runner_up=message.runner_up or None,
        runner_up_confidence=message.runner_up_confidence,
        key_columns=list(message.key_columns),
        columns_added=list(message.columns_added),
        columns_removed=list(message.columns_removed),
        columns_renamed=_renames(message.columns_renamed),
        tables=[_table_pair(one) for one in message.tables],
        notes=_notes(message.notes),
        failure=_notes([message.failure])[0] if message.HasField("failure") else None,
        reviewed=message.reviewed,
        note=message.note,
        options=options(message.options) if message.HasField("options") else None,
        **_counts(message.counts),
    )


def _table_pair(message: diff_pb2.TablePair) -> bodies.TablePair:
    return bodies.TablePair(
        name=message.name,
        status=cast("Any", message.status),
        a_table_id=message.a_table_id or None,
        b_table_id=message.b_table_id or None,
        a_rows=message.a_rows,
        b_rows=message.b_rows,
        key_columns=list(message.key_columns),
        key_confidence=message.key_confidence,
        key_given=message.key_given,
        runner_ups=[
            bodies.KeyCandidate(columns=list(one.columns), confidence=one.confidence) for one in message.runner_ups
        ],
        columns_added=list(message.columns_added),
        columns_removed=list(message.columns_removed),
        columns_renamed=_renames(message.columns_renamed),
        notes=_notes(message.notes),
        changed_rows=message.changed_rows,
        full_rows=message.full_rows,
        **_counts(message.counts),
    )


def column(message: diff_pb2.ComparedColumn) -> dict[str, Any]:
    """A column of two tables that were compared (`bodies.ComparedColumn`)."""
    return {
        "name": message.name,
        "a_name": message.a_name or None,
        "b_name": message.b_name or None,
        "status": message.status,
        "key": message.key,
        "cells_changed": message.cells_changed,
    }


def rows_head(message: diff_pb2.RowsHeader) -> dict[str, Any]:
    """A page of compared rows, but for the rows (`bodies.ComparedRows`)."""
    return {"total": message.total, "columns": [column(one) for one in message.columns]}


def located(message: diff_pb2.LocateResponse) -> bodies.LocatedRow:
    """Where in a view something is."""
    return bodies.LocatedRow(
        position=message.position,
        a_row=message.a_row or None,
        b_row=message.b_row or None,
        column=message.column or None,
    )


def strip(message: diff_pb2.StripResponse) -> bodies.Strip:
    """A view at a glance."""
    return bodies.Strip(
        total=message.total,
        added=list(message.added),
        removed=list(message.removed),
        changed=list(message.changed),
        moved=list(message.moved),
        columns=[bodies.ComparedColumn.model_validate(column(one)) for one in message.columns],
    )


def patterns(message: diff_pb2.PatternsResponse) -> bodies.PatternList:
    """Equal changes by how often they were made."""
    return bodies.PatternList(items=[_pattern(one) for one in message.patterns], total=message.total)


def _pattern(message: diff_pb2.Pattern) -> bodies.Pattern:
    return bodies.Pattern(
        table=message.table,
        column=message.column,
        old=message.old if message.HasField("old") else None,
        new=message.new if message.HasField("new") else None,
        count=message.count,
        format_only=message.format_only,
        pairs=max(message.pairs, 1),
    )


def findings(message: diff_pb2.FindingsResponse) -> bodies.FindingList:
    """What was found across pairs."""
    items = [
        bodies.Finding(
            code=one.code,
            detail=one.detail,
            cells=one.cells,
            values=one.values,
            places=[
                bodies.FindingPlace(pair_id=at.pair_id, table=at.table, column=at.column, cells=at.cells)
                for at in one.places
            ],
            examples=[_pattern(example) for example in one.examples],
        )
        for one in message.findings
    ]
    return bodies.FindingList(items=items, total=len(items))


def tree_node(message: diff_pb2.TreeNode) -> dict[str, Any]:
    """A place of the merged tree, but for its children (`bodies.MergedNode`)."""
    fields: dict[str, Any] = {
        "name": message.name,
        "path": message.path,
        "type": message.type,
        "status": message.status,
        "summary": tally(message.tally),
    }
    return fields | ({"pair_id": message.pair_id} if message.pair_id else {})


def recipe(message: diff_pb2.Recipe) -> bodies.Recipe:
    """Options under a name."""
    return bodies.Recipe(name=message.name, options=options(message.options))
