"""Wrong passwords, counted in SQL: a restart of anything forgets none of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_auth.errors import AccountLocked
from ret_auth.policy import SECOND, Count, LockKind, LockRules
from ret_auth.schema import lockouts


@dataclass(frozen=True)
class Subject:
    """What is counted: an account's name, an address or a session, as a keyed hash."""

    kind: LockKind
    hash: str


async def _counted(conn: AsyncConnection, subject: Subject, *, hold: bool = False) -> Count | None:
    query = select(lockouts).where(lockouts.c.kind == subject.kind.value, lockouts.c.subject_hash == subject.hash)
    row = (await conn.execute(query.with_for_update() if hold else query)).one_or_none()
    return Count(row.failures, row.last_failure_ms, row.locked_until_ms) if row else None


async def refuse_locked(
    conn: AsyncConnection, subjects: Iterable[Subject], rules: LockRules, now_ms: int, *, hold: bool = False
) -> None:
    """Raises AccountLocked with the longest wait among the subjects, if any of them is locked.

    With `hold` the counts stay as they are until the transaction ends: what is decided by them is decided in turn.
    """
    waits = [rules.wait_ms(count, now_ms) for one in subjects if (count := await _counted(conn, one, hold=hold))]
    if longest := max(waits, default=0):
        raise _locked(longest)


def _locked(wait_ms: int) -> AccountLocked:
    return AccountLocked(retry_after=-(-wait_ms // SECOND))


async def fail(
    conn: AsyncConnection, subjects: Iterable[Subject], rules: LockRules, now_ms: int, holding: Collection[Subject]
) -> None:
    """Count one wrong password for each subject, in one order everywhere: two logins never wait for each other.

    Raises AccountLocked, and nothing is counted, when another attempt has meanwhile locked one of those in `holding`.
    """
    for subject in subjects:
        known = await _counted(conn, subject, hold=True)
        if known is None and not await _begun(conn, subject):
            known = await _counted(conn, subject, hold=True)
        count = known or Count()
        if subject in holding and (wait := rules.wait_ms(count, now_ms)):
            raise _locked(wait)
        await _keep(conn, subject, rules.failed(count, now_ms))


async def _begun(conn: AsyncConnection, subject: Subject) -> bool:
    """Insert an empty count; False when another login did so meanwhile."""
    try:
        async with conn.begin_nested():
            await conn.execute(
                insert(lockouts).values(
                    kind=subject.kind.value, subject_hash=subject.hash, failures=0, last_failure_ms=0, locked_until_ms=0
                )
            )
    except IntegrityError:
        return False
    return True


async def _keep(conn: AsyncConnection, subject: Subject, count: Count) -> None:
    await conn.execute(
        update(lockouts)
        .where(lockouts.c.kind == subject.kind.value, lockouts.c.subject_hash == subject.hash)
        .values(failures=count.failures, last_failure_ms=count.last_failure_ms, locked_until_ms=count.locked_until_ms)
    )


async def forgive(conn: AsyncConnection, account: Subject, address: Subject | None, rules: LockRules) -> None:
    """After a success: the account's failures are forgotten, and as many of its address."""
    own = await _counted(conn, account, hold=True)
    if own is None:
        return
    await conn.execute(
        delete(lockouts).where(lockouts.c.kind == account.kind.value, lockouts.c.subject_hash == account.hash)
    )
    if address and (counted := await _counted(conn, address, hold=True)):
        await _keep(conn, address, rules.forgiven(counted, own.failures))


async def sweep(conn: AsyncConnection, rules: LockRules, now_ms: int) -> int:
    """Delete the counts that count no more; gives how many."""
    gone: CursorResult[tuple[()]] = await conn.execute(
        delete(lockouts).where(
            lockouts.c.last_failure_ms <= now_ms - rules.forget_ms, lockouts.c.locked_until_ms <= now_ms
        )
    )
    return gone.rowcount
