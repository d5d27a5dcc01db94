"""The first answer to a key, kept for the life of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from ret_kit.database import now_ms

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection


async def recall(conn: AsyncConnection, table: Table, session_id: str, route: str, key: str) -> bytes | None:
    """What was answered first, or None; always None without a key."""
    if not key:
        return None
    return (
        await conn.execute(
            select(table.c.answer).where(table.c.session_id == session_id, table.c.route == route, table.c.key == key)
        )
    ).scalar_one_or_none()


async def remember(conn: AsyncConnection, table: Table, session_id: str, route: str, key: str, answer: bytes) -> None:
    """Keep the answer in the transaction that made what it tells; nothing without a key.

    Of two at the same time, one breaks the primary key and its transaction with it; it recalls the other's answer then.
    """
    if key:
        await conn.execute(
            insert(table).values(session_id=session_id, route=route, key=key, answer=answer, created_at=now_ms())
        )
