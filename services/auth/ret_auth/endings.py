"""The end of a session: closing, ordered, answered, destroyed; and once more after the longest lease.

The first order leaves in the transaction that closes the session. It is repeated until every service has answered, then
the session is destroyed, a receipt is written, and after the longest lease a second sweep takes what a late worker
wrote. Every step is a conditional update: any replica may take it, and taking it twice changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_auth.policy import Reason, SessionState
from ret_auth.schema import audit_receipts, clearings, created_users, endings, refresh_tokens, sessions

FIRST, SECOND = 1, 2
ENDINGS, CLEARINGS = endings.c, clearings.c
BATCH = 500


class Orders(Protocol):
    """Where orders to delete go: they leave if the transaction commits."""

    async def add(self, conn: AsyncConnection, session_id: str, sweep: int, number: int) -> None:
        """Order every service to delete what it has of the session. `number` counts repetitions of this sweep."""
        ...


@dataclass(frozen=True)
class EndingRules:
    """Who must answer, when the second sweep follows, and how often an unanswered order is repeated (doubling)."""

    services: tuple[str, ...]
    second_sweep_ms: int
    repeat_ms: int
    longest_repeat_ms: int

    def next_order(self, number: int, now_ms: int) -> int:
        """When the order is repeated if it was given for the `number`th time now."""
        return now_ms + min(self.longest_repeat_ms, self.repeat_ms << min(number - 1, 16))

    def order_again(self, number: int, now_ms: int) -> int:
        """When all are asked again because blobs were left after the last answer: soon, then less and less soon."""
        return now_ms + min(self.longest_repeat_ms, self.repeat_ms // 16 << min(number, 16))


@dataclass(frozen=True)
class Cleared:
    """A service's answer: how many rows and blobs it has deleted."""

    session_id: str
    sweep: int
    service: str
    rows: int
    blobs: int


@dataclass(frozen=True)
class Ended:
    """A session that a transaction has closed."""

    session_id: str
    reason: Reason


class Closing:
    """Closes sessions and follows them to their end. Nothing here commits."""

    def __init__(self, orders: Orders, rules: EndingRules) -> None:
        self._orders, self._rules = orders, rules

    async def close(
        self, conn: AsyncConnection, condition: ColumnElement[bool], reason: Reason, now_ms: int
    ) -> list[Ended]:
        """Close the active sessions under a condition and order their data deleted."""
        closed = (
            (
                await conn.execute(
                    update(sessions)
                    .where(sessions.c.state == SessionState.ACTIVE.value, condition)
                    .values(state=SessionState.CLOSING.value)
                    .returning(sessions.c.id)
                )
            )
            .scalars()
            .all()
        )
        for session_id in closed:
            await conn.execute(
                insert(endings).values(
                    session_id=session_id,
                    reason=reason.value,
                    closing_at_ms=now_ms,
                    sweep=FIRST,
                    orders=1,
                    next_order_ms=self._rules.next_order(1, now_ms),
                )
            )
            await self._orders.add(conn, session_id, FIRST, 1)
        return [Ended(session_id, reason) for session_id in closed]

    async def repeat(self, conn: AsyncConnection, now_ms: int) -> list[Ended]:
        """Order again what is due and unanswered, and the second sweeps whose time has come."""
        due = (
            await conn.execute(
                select(endings)
                .where(ENDINGS.finished_at_ms.is_(None), ENDINGS.next_order_ms <= now_ms)
                .order_by(ENDINGS.next_order_ms)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
        ).all()
        for row in due:
            number = row.orders + 1
            await conn.execute(
                update(endings)
                .where(ENDINGS.session_id == row.session_id)
                .values(orders=number, next_order_ms=self._rules.next_order(number, now_ms))
            )
            await self._orders.add(conn, row.session_id, row.sweep, number)
        return [Ended(row.session_id, Reason(row.reason)) for row in due]

    async def answer(self, conn: AsyncConnection, cleared: Cleared, now_ms: int) -> bool:
        """Keep an answer; whether all services have now answered the sweep that is under way."""
        ending = (
            await conn.execute(
                select(ENDINGS.sweep, ENDINGS.finished_at_ms)
                .where(ENDINGS.session_id == cleared.session_id)
                .with_for_update()
            )
        ).one_or_none()
        if ending is None or ending.finished_at_ms is not None:
            return False
        # A sweep that had to be ordered twice deleted in both: the counts of its answers are added.
        known = (
            (CLEARINGS.session_id == cleared.session_id)
            & (CLEARINGS.sweep == cleared.sweep)
            & (CLEARINGS.service == cleared.service)
        )
        added = await conn.execute(
            update(clearings)
            .where(known)
            .values(rows=CLEARINGS.rows + cleared.rows, blobs=CLEARINGS.blobs + cleared.blobs, at_ms=now_ms)
        )
        if not added.rowcount:
            await conn.execute(
                insert(clearings).values(
                    session_id=cleared.session_id,
                    sweep=cleared.sweep,
                    service=cleared.service,
                    rows=cleared.rows,
                    blobs=cleared.blobs,
                    at_ms=now_ms,
                )
            )
        return not await self._missing(conn, cleared.session_id, ending.sweep)

    async def answered(self, conn: AsyncConnection) -> list[str]:
        """Sessions whose sweep has all its answers and is not finished: a crash, or blobs that were still there."""
        of_sweep = (
            (CLEARINGS.session_id == ENDINGS.session_id)
            & (CLEARINGS.sweep == ENDINGS.sweep)
            & (CLEARINGS.service.in_(self._rules.services))
        )
        rows = await conn.execute(
            select(ENDINGS.session_id)
            .outerjoin(clearings, of_sweep)
            .where(ENDINGS.finished_at_ms.is_(None), ENDINGS.orders > 0)
            .group_by(ENDINGS.session_id)
            .having(func.count(CLEARINGS.service) == len(self._rules.services))
            .limit(BATCH)
        )
        return list(rows.scalars())

    async def _missing(self, conn: AsyncConnection, session_id: str, sweep: int) -> set[str]:
        answers = await conn.execute(
            select(CLEARINGS.service).where(CLEARINGS.session_id == session_id, CLEARINGS.sweep == sweep)
        )
        return set(self._rules.services) - set(answers.scalars())

    async def finish(
        self, conn: AsyncConnection, session_id: str, *, empty: bool, correlation_id: str, now_ms: int
    ) -> int:
        """Finish the sweep under way if all have answered and nothing is left; gives which it was, else 0.

        `empty`: the session's blobs are gone, seen after the answers. Where they are not, all services are asked again.
        """
        query = select(endings, sessions.c.user_id).join(sessions).where(ENDINGS.session_id == session_id)
        ending = (await conn.execute(query.with_for_update(of=endings))).one_or_none()
        if ending is None or ending.finished_at_ms is not None or await self._missing(conn, session_id, ending.sweep):
            return 0
        answers = (CLEARINGS.session_id == session_id) & (CLEARINGS.sweep == ending.sweep)
        if not empty:
            await conn.execute(delete(clearings).where(answers))
            await conn.execute(
                update(endings)
                .where(ENDINGS.session_id == session_id)
                .values(next_order_ms=self._rules.order_again(ending.orders, now_ms))
            )
            return 0
        await self._receipt(conn, ending, answers, correlation_id, now_ms)
        if ending.sweep == FIRST:
            await self._destroy(conn, ending, now_ms)
        else:
            await conn.execute(update(endings).where(ENDINGS.session_id == session_id).values(finished_at_ms=now_ms))
        return ending.sweep

    async def _receipt(
        self, conn: AsyncConnection, ending: Row[Any], answers: ColumnElement[bool], correlation_id: str, now_ms: int
    ) -> None:
        rows = (await conn.execute(select(clearings).where(answers).order_by(CLEARINGS.service))).all()
        await conn.execute(
            insert(audit_receipts).values(
                id=uuid4().hex,
                session_id=ending.session_id,
                user_id=ending.user_id,
                reason=ending.reason,
                sweep=ending.sweep,
                closing_at_ms=ending.closing_at_ms,
                at_ms=now_ms,
                rows=sum(row.rows for row in rows),
                blobs=sum(row.blobs for row in rows),
                correlation_id=correlation_id,
                services=json.dumps({row.service: {"rows": row.rows, "blobs": row.blobs} for row in rows}),
            )
        )

    async def _destroy(self, conn: AsyncConnection, ending: Row[Any], now_ms: int) -> None:
        """Closing → destroyed; what this service itself has of the user's goes with it; the second sweep is set."""
        session_id: str = ending.session_id
        await conn.execute(
            update(sessions)
            .where(sessions.c.id == session_id, sessions.c.state == SessionState.CLOSING.value)
            .values(state=SessionState.DESTROYED.value, address="", user_agent="")
        )
        await conn.execute(delete(refresh_tokens).where(refresh_tokens.c.session_id == session_id))
        await conn.execute(delete(created_users).where(created_users.c.session_id == session_id))
        await conn.execute(
            update(endings)
            .where(ENDINGS.session_id == session_id)
            .values(
                sweep=SECOND, orders=0, next_order_ms=max(now_ms, ending.closing_at_ms + self._rules.second_sweep_ms)
            )
        )


async def closing_since(conn: AsyncConnection, since_ms: int) -> list[Ended]:
    """Sessions that began to close after a time."""
    rows = await conn.execute(
        select(ENDINGS.session_id, ENDINGS.reason).where(
            ENDINGS.closing_at_ms >= since_ms, ENDINGS.finished_at_ms.is_(None)
        )
    )
    return [Ended(row.session_id, Reason(row.reason)) for row in rows]


async def is_due(conn: AsyncConnection, now_ms: int) -> bool:
    """Whether an order is to be given again, or a second sweep to begin."""
    due = select(ENDINGS.session_id).where(ENDINGS.finished_at_ms.is_(None), ENDINGS.next_order_ms <= now_ms).limit(1)
    return (await conn.execute(due)).first() is not None


async def forget(conn: AsyncConnection, before_ms: int) -> int:
    """Delete sessions whose end was finished before a time; their receipts stay."""
    finished = select(ENDINGS.session_id).where(ENDINGS.finished_at_ms < before_ms)
    return (await conn.execute(delete(sessions).where(sessions.c.id.in_(finished)))).rowcount
