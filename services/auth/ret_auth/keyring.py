"""The signing keys in SQL: one that is announced, one that signs, one that is still believed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_auth.clock import clock
from ret_auth.errors import SealBroken
from ret_auth.schema import signing_keys
from ret_auth.tokens import Secret, SigningKey
from ret_kit.database import Database

log = logging.getLogger("ret.auth")
KEYS = signing_keys.c


@dataclass(frozen=True)
class PublicKey:
    """What verifiers need; state is next, current or previous."""

    kid: str
    raw: bytes
    state: str


class Keyring:
    """The keys of this process, renewed by `load`. A next key is published a whole interval before it signs."""

    def __init__(self, db: Database, secrets: Sequence[Secret], interval_ms: int) -> None:
        """`secrets`: the first seals, all of them open; a key that another one opened is sealed anew."""
        self._db, self._secrets, self._interval_ms = db, secrets, interval_ms
        self._signing: SigningKey | None = None

    @property
    def signing(self) -> SigningKey:
        """The key that signs."""
        if self._signing is None:
            raise AssertionError("the keyring is loaded before anything is served")
        return self._signing

    async def public(self) -> list[PublicKey]:
        """All keys that a verifier believes."""
        async with self._db.read() as conn:
            rows = (await conn.execute(select(KEYS.kid, KEYS.public_key, KEYS.state).order_by(KEYS.state))).all()
        return [PublicKey(row.kid, row.public_key, row.state) for row in rows]

    async def load(self) -> None:
        """Make the first keys, rotate if it is time, and take the key that signs; raises SealBroken."""
        try:
            async with self._db.write() as conn:
                await self._turn(conn)
        except IntegrityError:
            log.info("another replica has rotated the keys")
        async with self._db.write() as conn:
            rows = (
                await conn.execute(select(KEYS.kid, KEYS.state, KEYS.sealed_key).where(KEYS.state != "previous"))
            ).all()
            opened = {row.state: await self._opened(conn, row.kid, row.sealed_key) for row in rows}
        self._signing = opened["current"]

    async def _turn(self, conn: AsyncConnection) -> None:
        now = await clock(conn)
        since = (
            await conn.execute(select(KEYS.since_ms).where(KEYS.state == "current").with_for_update())
        ).scalar_one_or_none()
        if since is None:
            await self._add(conn, "current", now)
            await self._add(conn, "next", now)
        elif since <= now - self._interval_ms:
            await conn.execute(delete(signing_keys).where(KEYS.state == "previous"))
            await conn.execute(
                update(signing_keys).where(KEYS.state == "current").values(state="previous", since_ms=now)
            )
            await conn.execute(update(signing_keys).where(KEYS.state == "next").values(state="current", since_ms=now))
            await self._add(conn, "next", now)
            log.info("signing keys rotated")

    async def _add(self, conn: AsyncConnection, state: str, now: int) -> None:
        key = SigningKey.new()
        await conn.execute(
            insert(signing_keys).values(
                kid=key.kid, state=state, public_key=key.public, sealed_key=key.sealed(self._secrets[0]), since_ms=now
            )
        )

    async def _opened(self, conn: AsyncConnection, kid: str, sealed: bytes) -> SigningKey:
        for at, secret in enumerate(self._secrets):
            try:
                key = SigningKey.opened(kid, sealed, secret)
            except SealBroken:
                continue
            if at:
                await conn.execute(
                    update(signing_keys).where(KEYS.kid == kid).values(sealed_key=key.sealed(self._secrets[0]))
                )
            return key
        raise SealBroken(f"the signing key {kid} was sealed with another secret than RET_AUTH_KEY_SECRET")
