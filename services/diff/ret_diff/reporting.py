"""From the service's messages to the order of a report, and what the file is called."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from ret_diff.report import order as orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ret.diff.v1 import diff_pb2

REPORT = "ret_diff.report.making:report"
"""What a pool child is to run: it streams the file."""
NAME_LIMIT = 60


def order(
    request: diff_pb2.ReportRequest,
    comparison: diff_pb2.Comparison,
    pairs: Iterable[diff_pb2.Pair],
    prefixes: Mapping[tuple[str, str], str],
    *,
    blobs: str,
    patterns: diff_pb2.PatternsResponse,
    findings: Iterable[diff_pb2.Finding] = (),
    recipes: Sequence[diff_pb2.Recipe] = (),
) -> orders.Order:
    """The order of a report, made now. `prefixes` are those of the artefacts, by pair id and name of the table.

    `request.format` must be one of `orders.FORMATS`.
    """
    format_: orders.Format = "html" if request.format == "html" else "xlsx"
    return orders.Order(
        blobs=blobs,
        format=format_,
        comparison_id=comparison.id,
        status=comparison.status,
        a=_side(comparison.a),
        b=_side(comparison.b),
        groups=list(comparison.groups),
        options=_options(comparison.options),
        recipe=next((one.name for one in recipes if one.options == comparison.options), ""),
        summary=_tally(comparison.summary),
        by_group=[(one.name, _tally(one.tally)) for one in comparison.by_group],
        notes=_notes(comparison.notes),
        pairs=[_pair(one, prefixes) for one in pairs],
        patterns=[_pattern(one) for one in patterns.patterns],
        patterns_total=max(patterns.total, len(patterns.patterns)),
        findings=[_finding(one) for one in findings],
        made_by=request.by,
        made_at=_moment(datetime.now(UTC)),
        compared_at=_moment(datetime.fromtimestamp(comparison.finished_at_ms / 1000, UTC))
        if comparison.finished_at_ms
        else "",
        engine=f"ret-diff {version('ret-diff')}",
    )


def header(made: orders.Order) -> tuple[str, str]:
    """(file name, media type) of a report."""
    names = (_short(made["a"]["name"]), _short(made["b"]["name"]))
    return f"Comparison {names[0]} - {names[1]}.{made['format']}", orders.MEDIA_TYPES[made["format"]]


def _short(name: str) -> str:
    visible = "".join(one for one in name if unicodedata.category(one)[0] != "C" and one not in '/\\:*?"<>|')
    return visible.strip()[:NAME_LIMIT] or "unnamed"


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _side(message: diff_pb2.Side) -> orders.Side:
    return orders.Side(
        name=message.name,
        kind="document" if message.document_id else "collection",
        id=message.document_id or message.collection_id,
        version=message.version or "edited",
        sha256=message.sha256,
        gone=message.gone,
    )


def _options(message: diff_pb2.Options) -> orders.Options:
    return orders.Options(
        keys=list(message.keys),
        ignore_columns=list(message.ignore_columns),
        ignore_case=message.ignore_case,
        ignore_space=message.ignore_space,
        numeric_tolerance=message.numeric_tolerance,
    )


def _counts(message: diff_pb2.Counts) -> orders.Counts:
    return orders.Counts(
        rows_added=message.rows_added,
        rows_removed=message.rows_removed,
        rows_changed=message.rows_changed,
        rows_moved=message.rows_moved,
        cells_changed=message.cells_changed,
        cells_format_only=message.cells_format_only,
    )


def _tally(message: diff_pb2.Tally) -> orders.Tally:
    return orders.Tally(
        only_in_a=message.only_in_a,
        only_in_b=message.only_in_b,
        mismatch=message.mismatch,
        identical=message.identical,
        failed=message.failed,
        pending=message.pending,
        counts=_counts(message.counts),
    )


def _notes(messages: Iterable[diff_pb2.Note]) -> list[orders.Note]:
    return [orders.Note(code=one.code, detail=one.detail) for one in messages]


def _pair(message: diff_pb2.Pair, prefixes: Mapping[tuple[str, str], str]) -> orders.Pair:
    return orders.Pair(
        id=message.id,
        status=message.status,
        group=message.group,
        a_path=message.a_path,
        b_path=message.b_path,
        match=message.match,
        confidence=message.confidence,
        counts=_counts(message.counts),
        tables=[_table(one, prefixes.get((message.id, one.name), "")) for one in message.tables],
        notes=_notes(message.notes),
        failure=_notes([message.failure])[0] if message.HasField("failure") else None,
        reviewed=message.reviewed,
        note=message.note,
        options=_options(message.options) if message.HasField("options") else None,
    )


def _table(message: diff_pb2.TablePair, prefix: str) -> orders.Table:
    return orders.Table(
        name=message.name,
        status=message.status,
        counts=_counts(message.counts),
        a_rows=message.a_rows,
        b_rows=message.b_rows,
        key_columns=list(message.key_columns),
        key_confidence=message.key_confidence,
        key_given=message.key_given,
        columns_added=list(message.columns_added),
        columns_removed=list(message.columns_removed),
        columns_renamed=[(getattr(one, "from"), one.to) for one in message.columns_renamed],
        notes=_notes(message.notes),
        prefix=prefix,
    )


def _pattern(message: diff_pb2.Pattern) -> orders.Pattern:
    return orders.Pattern(
        table=message.table,
        column=message.column,
        old=message.old if message.HasField("old") else None,
        new=message.new if message.HasField("new") else None,
        count=message.count,
        format_only=message.format_only,
        pairs=max(1, message.pairs),
    )


def _finding(message: diff_pb2.Finding) -> orders.Finding:
    return orders.Finding(
        code=message.code,
        detail=message.detail,
        cells=message.cells,
        values=message.values,
        places=[(at.pair_id, at.table, at.column, at.cells) for at in message.places],
        examples=[_pattern(one) for one in message.examples],
    )
