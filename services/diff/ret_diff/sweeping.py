"""Artefacts that nobody needs any more are removed, once the transaction that says so has counted."""

from __future__ import annotations

from ret_diff import records
from ret_kit.blobs import Blobs
from ret_kit.database import Database


async def remove_leftovers(db: Database, blobs: Blobs, session_id: str) -> None:
    """Remove artefacts of a session that were replaced or whose comparison is gone. Idempotent."""
    while True:
        async with db.read() as conn:
            prefixes = await records.leftover(conn, session_id)
        if not prefixes:
            return
        for prefix in prefixes:
            await blobs.delete_prefix(prefix)
        async with db.write() as conn:
            await records.removed(conn, prefixes)
