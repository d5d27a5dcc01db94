"""The rows of pairs and of their tables: planned, finished, listed, reviewed, put together anew by hand."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_diff.orders import CountFacts, OptionFacts, PairDone, TableDone, total
from ret_diff.pairing.model import NoteFacts
from ret_diff.records import CHUNK, changed, dumps, leave
from ret_diff.schema import COUNTS, pairs, table_pairs

PAIRS = uuid.UUID("a9be0c52-6f5b-4f3e-8f5b-6d6b0d2b7c55")
"""Namespace of the ids of pairs: the same comparison and paths give the same id, however often it is tried."""


@dataclass(frozen=True)
class Planned:
    """A pair, before it is compared or where there is nothing to compare. Documents by id, the first one leads."""

    status: str
    group: str
    a_path: str
    b_path: str
    a_documents: list[str]
    b_documents: list[str]
    match: str = ""
    confidence: float = 0.0
    runner_up: str = ""
    runner_up_confidence: float = 0.0
    notes: list[NoteFacts] = field(default_factory=list[NoteFacts])
    failure: NoteFacts | None = None

    def id(self, comparison_id: str) -> str:
        """Its id in a comparison."""
        return pair_id(comparison_id, self.a_path, self.b_path)


class Former(TypedDict):
    """What a pair was before it is compared again."""

    status: str
    failure_code: str
    failure_detail: str


@dataclass(frozen=True)
class Wanted:
    """Which pairs of a comparison: all that satisfy what is given."""

    group: str = ""
    status: str = ""
    text: str = ""


def pair_id(comparison_id: str, a_path: str, b_path: str) -> str:
    """The id of the pair of these paths."""
    return uuid.uuid5(PAIRS, f"{comparison_id}\0{a_path}\0{b_path}").hex


async def replan(conn: AsyncConnection, session_id: str, comparison_id: str, planned: Iterable[Planned]) -> None:
    """Put these pairs in place of all that the comparison has, and their artefacts among those to be removed."""
    await _forget(conn, session_id, pairs.c.comparison_id == comparison_id)
    await add(conn, session_id, comparison_id, planned)


async def add(conn: AsyncConnection, session_id: str, comparison_id: str, planned: Iterable[Planned]) -> None:
    """Further pairs."""
    values = [_row(session_id, comparison_id, one) for one in planned]
    for start in range(0, len(values), CHUNK):
        await conn.execute(insert(pairs), values[start : start + CHUNK])
    await changed(conn, comparison_id)


def _row(session_id: str, comparison_id: str, one: Planned) -> dict[str, Any]:
    return {
        "id": one.id(comparison_id),
        "comparison_id": comparison_id,
        "session_id": session_id,
        "status": one.status,
        "group": one.group,
        "path": one.b_path or one.a_path,
        "a_path": one.a_path,
        "b_path": one.b_path,
        "a_documents": dumps(one.a_documents),
        "b_documents": dumps(one.b_documents),
        "matched_by": one.match,
        "confidence": one.confidence,
        "runner_up": one.runner_up,
        "runner_up_confidence": one.runner_up_confidence,
        "notes": dumps(one.notes),
        "failure_code": one.failure["code"] if one.failure else "",
        "failure_detail": one.failure["detail"] if one.failure else "",
    }


async def remove(conn: AsyncConnection, session_id: str, ids: Sequence[str]) -> None:
    """Take pairs away; their artefacts are among those to be removed."""
    for chunk in _chunked(ids):
        await _forget(conn, session_id, pairs.c.id.in_(chunk))


async def _forget(conn: AsyncConnection, session_id: str, which: ColumnElement[bool]) -> None:
    ids = select(pairs.c.id).where(which, pairs.c.session_id == session_id)
    await _leave_artefacts(conn, session_id, table_pairs.c.pair_id.in_(ids))
    await conn.execute(delete(table_pairs).where(table_pairs.c.pair_id.in_(ids)))
    await conn.execute(delete(pairs).where(which, pairs.c.session_id == session_id))


async def _leave_artefacts(conn: AsyncConnection, session_id: str, which: ColumnElement[bool]) -> None:
    query = select(table_pairs.c.artefact).where(which, table_pairs.c.artefact != "")
    await leave(conn, session_id, (await conn.execute(query)).scalars())


# --- what became of them ----------------------------------------------------------------------------------------


async def finish(
    conn: AsyncConnection,
    session_id: str,
    comparison_id: str,
    done: Sequence[PairDone],
    options: Mapping[str, OptionFacts] | None = None,
) -> None:
    """Write results in place of former ones; `options` are those of pairs that have their own, by pair.

    A pair that is not there any more is passed over, and its artefacts are among those to be removed.
    """
    there: set[str] = set()
    for chunk in _chunked([one["id"] for one in done]):
        query = select(pairs.c.id).where(pairs.c.id.in_(chunk), pairs.c.comparison_id == comparison_id)
        there.update((await conn.execute(query)).scalars())
    for one in done:
        if one["id"] not in there:
            await leave(conn, session_id, [table["artefact"] for table in one["tables"] if table["artefact"]])
            continue
        of = table_pairs.c.pair_id == one["id"]
        await _leave_artefacts(conn, session_id, of)
        await conn.execute(delete(table_pairs).where(of))
        failure = one["failure"]
        values: dict[str, Any] = {
            "status": one["status"],
            "failure_code": failure["code"] if failure else "",
            "failure_detail": failure["detail"] if failure else "",
            "job_id": "",
            **total([table["counts"] for table in one["tables"]]),
        }
        if options and one["id"] in options:
            values["options"] = dumps(options[one["id"]])
        await conn.execute(update(pairs).where(pairs.c.id == one["id"]).values(values))
        rows = [_table_row(session_id, comparison_id, one["id"], at, table) for at, table in enumerate(one["tables"])]
        for start in range(0, len(rows), CHUNK):
            await conn.execute(insert(table_pairs), rows[start : start + CHUNK])
    await changed(conn, comparison_id)


def _table_row(session_id: str, comparison_id: str, pair: str, position: int, table: TableDone) -> dict[str, Any]:
    return {
        "pair_id": pair,
        "position": position,
        "comparison_id": comparison_id,
        "session_id": session_id,
        "name": table["name"],
        "status": table["status"],
        **table["counts"],
        "sides": dumps(table["sides"]),
        "changed_rows": table["changed_rows"],
        "full_rows": table["full_rows"],
        "told": dumps(table["told"]),
        "artefact": table["artefact"],
    }


async def fail_pending(conn: AsyncConnection, comparison_id: str, failure: NoteFacts, job_id: str = "") -> None:
    """What is still pending will not be compared: of the comparison, or of what a job compares again."""
    which = and_(pairs.c.comparison_id == comparison_id, pairs.c.status == "pending")
    if job_id:
        which = and_(which, pairs.c.job_id == job_id)
    values = {"status": "failed", "failure_code": failure["code"], "failure_detail": failure["detail"], "job_id": ""}
    await conn.execute(update(pairs).where(which).values(values))
    await changed(conn, comparison_id)


async def claimed(conn: AsyncConnection, ids: Sequence[str], job_id: str) -> None:
    """A job does something about these pairs."""
    for chunk in _chunked(ids):
        await conn.execute(update(pairs).where(pairs.c.id.in_(chunk)).values(job_id=job_id))


async def compare_again(conn: AsyncConnection, comparison_id: str, pair: str, job_id: str) -> None:
    """A job compares this pair again; its result stays until it has, its status is the caller's to keep."""
    values = {"status": "pending", "failure_code": "", "failure_detail": "", "job_id": job_id}
    await conn.execute(update(pairs).where(pairs.c.id == pair).values(values))
    await changed(conn, comparison_id)


async def put_back(conn: AsyncConnection, comparison_id: str, former: Mapping[str, Former], job_id: str) -> None:
    """What a job was to compare again and has not is what it was before, by pair."""
    for pair, facts in former.items():
        which = and_(pairs.c.id == pair, pairs.c.job_id == job_id, pairs.c.status == "pending")
        await conn.execute(update(pairs).where(which).values(**facts, job_id=""))
    await changed(conn, comparison_id)


async def review(conn: AsyncConnection, pair: str, **values: Any) -> None:
    """Note what the user thinks of a pair."""
    if values:
        await conn.execute(update(pairs).where(pairs.c.id == pair).values(values))


# --- reading ----------------------------------------------------------------------------------------------------


async def one(conn: AsyncConnection, session_id: str, comparison_id: str, pair: str) -> Row[Any] | None:
    """A pair of a comparison of the session."""
    mine = (pairs.c.id == pair, pairs.c.comparison_id == comparison_id, pairs.c.session_id == session_id)
    return (await conn.execute(select(pairs).where(*mine))).one_or_none()


async def page(
    conn: AsyncConnection, comparison_id: str, wanted: Wanted, offset: int, limit: int
) -> tuple[Sequence[Row[Any]], int]:
    """Pairs by their paths, and how many there are."""
    which = [pairs.c.comparison_id == comparison_id]
    if wanted.group:
        which.append(pairs.c.group == wanted.group)
    if wanted.status:
        which.append(pairs.c.status == wanted.status)
    if wanted.text:
        found = [pairs.c[name].icontains(wanted.text, autoescape=True) for name in ("a_path", "b_path")]
        which.append(or_(*found))
    count = (await conn.execute(select(func.count()).select_from(pairs).where(*which))).scalar_one()
    query = select(pairs).where(*which).order_by(pairs.c.path, pairs.c.a_path).offset(offset).limit(limit)
    return (await conn.execute(query)).all(), count


async def every(conn: AsyncConnection, comparison_id: str) -> Sequence[Row[Any]]:
    """All pairs of a comparison, by their paths."""
    query = select(pairs).where(pairs.c.comparison_id == comparison_id).order_by(pairs.c.path, pairs.c.a_path)
    return (await conn.execute(query)).all()


async def tables(conn: AsyncConnection, ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """The tables of pairs, the main one first, by pair."""
    found: dict[str, list[Row[Any]]] = {}
    for chunk in _chunked(ids):
        query = select(table_pairs).where(table_pairs.c.pair_id.in_(chunk))
        for row in await conn.execute(query.order_by(table_pairs.c.pair_id, table_pairs.c.position)):
            found.setdefault(row.pair_id, []).append(row)
    return found


@dataclass(frozen=True)
class Artefact:
    """Two tables with an artefact, and where it is; `renumbered` as of `orders.Told`."""

    pair_id: str
    table: str
    prefix: str
    renumbered: bool


async def artefacts(conn: AsyncConnection, comparison_id: str) -> list[Artefact]:
    """All of a comparison, in a fixed order."""
    of = table_pairs.c
    query = select(of.pair_id, of.name, of.artefact, of.told)
    query = query.where(of.comparison_id == comparison_id, of.artefact != "").order_by(of.pair_id, of.position)
    return [
        Artefact(row.pair_id, row.name, row.artefact, json.loads(row.told)["renumbered"])
        for row in await conn.execute(query)
    ]


async def tallies(conn: AsyncConnection, ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """(group, status, pairs, sums of the counts) of every group and status there is, by comparison."""
    found: dict[str, list[Row[Any]]] = {}
    sums = [func.sum(pairs.c[name]).label(name) for name in COUNTS]
    for chunk in _chunked(ids):
        query = select(pairs.c.comparison_id, pairs.c.group, pairs.c.status, func.count().label("pairs"), *sums)
        query = query.where(pairs.c.comparison_id.in_(chunk))
        for row in await conn.execute(query.group_by(pairs.c.comparison_id, pairs.c.group, pairs.c.status)):
            found.setdefault(row.comparison_id, []).append(row)
    return found


def counts_of(row: Row[Any]) -> CountFacts:
    """The counts of a row."""
    return CountFacts(**{name: int(getattr(row, name) or 0) for name in COUNTS})  # pyright: ignore[reportArgumentType]


def former_of(row: Row[Any]) -> Former:
    """What a pair is, to be put back."""
    return Former(status=row.status, failure_code=row.failure_code, failure_detail=row.failure_detail)


def documents_of(row: Row[Any]) -> tuple[list[str], list[str]]:
    """The documents of a pair on either side."""
    return json.loads(row.a_documents), json.loads(row.b_documents)


def _chunked(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
