"""The rows of comparisons and options under names: made, read, forgotten with their session."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, Select, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_diff.orders import OptionFacts
from ret_diff.schema import comparisons, jobs, leftovers, pairs, recipes, table_pairs
from ret_kit.database import now_ms

CHUNK = 500
"""Ids in one statement."""
OPEN = ("queued", "running")
"""The states of jobs that have not ended."""
Name = Literal["a", "b"]


def dumps(value: object) -> str:
    """As JSON stands in text columns."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class SideOrder:
    """What is compared on a side. `document_id` is empty for a whole collection."""

    collection_id: str
    document_id: str
    version: str
    name: str

    def columns(self, side: Name) -> dict[str, str]:
        """As the row has it."""
        return {
            f"{side}_collection": self.collection_id,
            f"{side}_document": self.document_id,
            f"{side}_version": self.version,
            f"{side}_name": self.name,
        }


@dataclass(frozen=True)
class NewComparison:
    """A comparison that is to be made."""

    id: str
    session_id: str
    user_id: str
    job_id: str
    a: SideOrder
    b: SideOrder
    groups: list[str]
    options: OptionFacts


def new_id() -> str:
    """An id for a comparison."""
    return uuid.uuid4().hex


async def create(conn: AsyncConnection, new: NewComparison) -> None:
    """Write it; its job is there."""
    values = {
        "id": new.id,
        "session_id": new.session_id,
        "user_id": new.user_id,
        "job_id": new.job_id,
        **new.a.columns("a"),
        **new.b.columns("b"),
        "groups": dumps(new.groups),
        "options": dumps(new.options),
        "created_at": now_ms(),
    }
    await conn.execute(insert(comparisons).values(values))


def _comparisons() -> Select[Any]:
    """Comparisons with the state of their job."""
    of = jobs.jobs
    query = select(comparisons, of.c.state.label("job_state"), of.c.finished_at)
    return query.select_from(comparisons.join(of, of.c.id == comparisons.c.job_id))


async def one(conn: AsyncConnection, session_id: str, comparison_id: str) -> Row[Any] | None:
    """A comparison of the session."""
    query = _comparisons().where(comparisons.c.id == comparison_id, comparisons.c.session_id == session_id)
    return (await conn.execute(query)).one_or_none()


async def locked(conn: AsyncConnection, session_id: str, comparison_id: str) -> Row[Any] | None:
    """As `one`; nobody else changes its pairs before the end of the transaction."""
    query = _comparisons().where(comparisons.c.id == comparison_id, comparisons.c.session_id == session_id)
    return (await conn.execute(query.with_for_update(of=comparisons))).one_or_none()


async def page(conn: AsyncConnection, session_id: str, offset: int, limit: int) -> tuple[Sequence[Row[Any]], int]:
    """The session's comparisons, newest first, and how many there are."""
    mine = comparisons.c.session_id == session_id
    total = (await conn.execute(select(func.count()).select_from(comparisons).where(mine))).scalar_one()
    query = _comparisons().where(mine).order_by(comparisons.c.created_at.desc(), comparisons.c.id)
    return (await conn.execute(query.offset(offset).limit(limit))).all(), total


async def found_out(conn: AsyncConnection, comparison_id: str, **values: Any) -> None:
    """Note what has been found out about a comparison; lists are written as JSON."""
    told = {name: value if isinstance(value, str) else dumps(value) for name, value in values.items()}
    if told:
        await conn.execute(update(comparisons).where(comparisons.c.id == comparison_id).values(told))


async def changed(conn: AsyncConnection, comparison_id: str) -> None:
    """A pair has changed."""
    await conn.execute(
        update(comparisons).where(comparisons.c.id == comparison_id).values(state=comparisons.c.state + 1)
    )


async def remember_conversion(conn: AsyncConnection, comparison_id: str, job_id: str) -> None:
    """Note a conversion that was begun for a comparison."""
    query = select(comparisons.c.conversions).where(comparisons.c.id == comparison_id).with_for_update()
    kept = (await conn.execute(query)).scalar_one_or_none()
    known: list[str] = json.loads(kept) if kept else []
    if kept is not None and job_id not in known:
        await found_out(conn, comparison_id, conversions=[*known, job_id])


async def side_gone(conn: AsyncConnection, session_id: str, collection_id: str) -> list[tuple[str, Name]]:
    """Note that a collection is not there any more; (job, side) of what still runs of comparisons with it."""
    mine = comparisons.c.session_id == session_id
    found: dict[str, Name] = {}
    sides: tuple[Name, Name] = ("a", "b")
    for side in sides:
        of = comparisons.c[f"{side}_collection"] == collection_id
        gone = update(comparisons).where(mine, of).values({f"{side}_gone": True}).returning(comparisons.c.id)
        for one in (await conn.execute(gone)).scalars():
            found.setdefault(one, side)
    of = jobs.jobs
    still = select(of.c.id, of.c.payload).where(of.c.session_id == session_id, of.c.state.in_(OPEN))
    named = [(row.id, json.loads(row.payload)["comparison_id"]) for row in await conn.execute(still)]
    return [(job_id, found[comparison_id]) for job_id, comparison_id in named if comparison_id in found]


async def jobs_of(conn: AsyncConnection, session_id: str, comparison_id: str) -> list[str]:
    """The jobs for a comparison."""
    of = jobs.jobs
    query = select(of.c.id, of.c.payload).where(of.c.session_id == session_id)
    return [row.id for row in await conn.execute(query) if json.loads(row.payload)["comparison_id"] == comparison_id]


async def forget(conn: AsyncConnection, session_id: str, comparison_id: str) -> list[str]:
    """Delete a comparison, and note what its jobs have stored for removal; gives these jobs."""
    made = await jobs_of(conn, session_id, comparison_id)
    await leave(conn, session_id, [f"sessions/{session_id}/jobs/{job}/" for job in made])
    await conn.execute(delete(comparisons).where(comparisons.c.id == comparison_id))
    return made


async def forget_session(conn: AsyncConnection, session_id: str) -> int:
    """Delete the rows of a session; how many there were. Its blobs go with its prefix."""
    rows = 0
    for whose in (table_pairs, pairs, comparisons, recipes, leftovers):
        rows += (await conn.execute(delete(whose).where(whose.c.session_id == session_id))).rowcount
    return rows


# --- artefacts to remove ----------------------------------------------------------------------------------------


async def leave(conn: AsyncConnection, session_id: str, prefixes: Iterable[str]) -> None:
    """Note artefacts for removal."""
    values = [{"prefix": prefix, "session_id": session_id} for prefix in sorted(set(prefixes))]
    if values:
        await conn.execute(insert(leftovers), values)


async def leftover(conn: AsyncConnection, session_id: str) -> list[str]:
    """Artefacts that are to be removed, some of them."""
    query = select(leftovers.c.prefix).where(leftovers.c.session_id == session_id).limit(CHUNK)
    return list((await conn.execute(query)).scalars())


async def removed(conn: AsyncConnection, prefixes: Sequence[str]) -> None:
    """These artefacts are gone."""
    await conn.execute(delete(leftovers).where(leftovers.c.prefix.in_(prefixes)))


# --- options under names ----------------------------------------------------------------------------------------


async def list_recipes(conn: AsyncConnection, session_id: str) -> list[tuple[str, OptionFacts]]:
    """The session's, by name."""
    query = select(recipes.c.name, recipes.c.options).where(recipes.c.session_id == session_id).order_by(recipes.c.name)
    return [(row.name, json.loads(row.options)) for row in await conn.execute(query)]


async def put_recipe(conn: AsyncConnection, session_id: str, name: str, options: OptionFacts) -> None:
    """Put options in place of those of the same name."""
    mine = and_(recipes.c.session_id == session_id, recipes.c.name == name)
    values = {"session_id": session_id, "name": name, "options": dumps(options)}
    if not (await conn.execute(update(recipes).where(mine).values(options=values["options"]))).rowcount:
        await conn.execute(insert(recipes).values(values))


async def delete_recipe(conn: AsyncConnection, session_id: str, name: str) -> bool:
    """Whether there was one."""
    mine = and_(recipes.c.session_id == session_id, recipes.c.name == name)
    return bool((await conn.execute(delete(recipes).where(mine))).rowcount)
