"""The one clock: the database's. Replicas whose own clocks differ agree on it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_kit.database import now_ms


async def clock(conn: AsyncConnection) -> int:
    """Milliseconds since 1970 as the database counts them."""
    return (await conn.execute(select(now_ms()))).scalar_one()
