"""Users as they stand in SQL. Every function works in the transaction it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ret_auth.errors import UserExists
from ret_auth.names import checked_name, name_key
from ret_auth.policy import Role, UserStatus
from ret_auth.schema import user_limits, users
from ret_kit.database import now_ms


@dataclass(frozen=True)
class Limits:
    """What one user may use."""

    upload_bytes: int
    running_tasks: int


@dataclass(frozen=True)
class User:
    """A user with limits. `password_hash` is None until the user has set a password."""

    id: str
    username: str
    role: Role
    status: UserStatus
    must_change_password: bool
    created_at_ms: int
    version: int
    limits: Limits
    password_hash: str | None
    login_address_hash: str | None


def same_password(earlier: User, now: User) -> bool:
    """Whether a password that was verified earlier is still the user's.

    Renewing a hash at a login changes the hash and not the version; changing anything else changes the version.
    """
    return earlier.password_hash == now.password_hash or earlier.version == now.version


@dataclass(frozen=True)
class NewUser:
    """What a user starts with."""

    username: str
    role: Role
    password_hash: str | None
    must_change_password: bool
    limits: Limits


def _selected() -> Select[Any]:
    return select(users, user_limits.c.upload_bytes, user_limits.c.running_tasks).join(user_limits)


def _user(row: Row[Any]) -> User:
    return User(
        row.id,
        row.username,
        Role(row.role),
        UserStatus(row.status),
        row.must_change_password,
        row.created_at_ms,
        row.version,
        Limits(row.upload_bytes, row.running_tasks),
        row.password_hash,
        row.login_address_hash,
    )


async def find_by_name(conn: AsyncConnection, username: str) -> User | None:
    """The user of this name, in whatever spelling."""
    row = (await conn.execute(_selected().where(users.c.name_key == name_key(username)))).one_or_none()
    return _user(row) if row else None


async def find(conn: AsyncConnection, user_id: str, *, hold: bool = False) -> User | None:
    """The user of this id; with `hold` nobody else changes the row until the transaction ends."""
    query = _selected().where(users.c.id == user_id)
    row = (await conn.execute(query.with_for_update(of=users) if hold else query)).one_or_none()
    return _user(row) if row else None


async def list_users(conn: AsyncConnection, offset: int, limit: int) -> tuple[list[User], int]:
    """A window of all users by age, and how many there are."""
    rows = await conn.execute(_selected().order_by(users.c.created_at_ms, users.c.id).offset(offset).limit(limit))
    return [_user(row) for row in rows], await count(conn)


async def count(conn: AsyncConnection) -> int:
    """How many users there are."""
    return (await conn.execute(select(func.count()).select_from(users))).scalar_one()


async def create(conn: AsyncConnection, new: NewUser) -> User:
    """A new active user with its row of limits; raises Invalid for an unusable name and UserExists for a taken one."""
    user_id, name = uuid4().hex, checked_name(new.username)
    try:
        async with conn.begin_nested():
            await conn.execute(
                insert(users).values(
                    id=user_id,
                    username=name,
                    name_key=name_key(name),
                    password_hash=new.password_hash,
                    must_change_password=new.must_change_password,
                    role=new.role.value,
                    status=UserStatus.ACTIVE.value,
                    version=1,
                    created_at_ms=now_ms(),
                )
            )
    except IntegrityError:
        raise UserExists from None
    await conn.execute(
        insert(user_limits).values(
            user_id=user_id, upload_bytes=new.limits.upload_bytes, running_tasks=new.limits.running_tasks, version=1
        )
    )
    created = await find(conn, user_id)
    if created is None:
        raise AssertionError("a row that was just inserted is there")
    return created


async def set_password(conn: AsyncConnection, user_id: str, password_hash: str) -> None:
    """Keep a password that the user has chosen."""
    await conn.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(password_hash=password_hash, must_change_password=False, version=users.c.version + 1)
    )


async def logged_in(conn: AsyncConnection, user_id: str, address_hash: str | None, renewed_hash: str | None) -> None:
    """Note where a login came from, and its hash with today's cost if there is one."""
    changes = {"login_address_hash": address_hash} | ({"password_hash": renewed_hash} if renewed_hash else {})
    await conn.execute(update(users).where(users.c.id == user_id).values(changes))
