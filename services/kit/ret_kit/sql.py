"""What SQLite and PostgreSQL say differently: the address, the clock, the errors."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import BigInteger
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from ret_kit.errors import RetError, StorageFull, Unavailable

_SERVICE = re.compile(r"[a-z][a-z0-9_]*")
_FULL = re.compile(r"disk is full|no space left|could not extend file|disk quota", re.IGNORECASE)
_AWAY = re.compile(
    r"is locked|unable to open database|disk i/o error|connection|server closed|starting up|shutting down|too many",
    re.IGNORECASE,
)
_AWAY_STATES = ("08", "57P", "40001", "40P01", "53300", "55P03")


class now_ms(FunctionElement[int]):  # noqa: N801 - it reads as a function in a statement
    """SQL expression: milliseconds since 1970 by the database's own clock."""

    type = BigInteger()
    inherit_cache = True


@compiles(now_ms, "sqlite")
def _now_in_sqlite(_element: now_ms, _compiler: SQLCompiler, **_: object) -> str:
    # unixepoch('subsec') needs SQLite 3.42; the floor is Debian's 3.40.
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"


@compiles(now_ms, "postgresql")
def _now_in_postgresql(_element: now_ms, _compiler: SQLCompiler, **_: object) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


def address(url: str, service: str) -> URL:
    """The URL with its driver, and on PostgreSQL with the service's schema as search path."""
    if not _SERVICE.fullmatch(service):
        raise ValueError("a service's name is made of a-z, 0-9 and _")
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed.set(drivername="sqlite+aiosqlite")
    return parsed.set(drivername="postgresql+psycopg").update_query_dict({"options": f"-csearch_path={service}"})


@contextmanager
def translated() -> Generator[None]:
    """SQLAlchemy's errors of a database that is away, locked or full, as ours."""
    try:
        yield
    except IntegrityError:
        raise
    except PoolTimeout:
        raise Unavailable(what="database") from None
    except (DBAPIError, DisconnectionError, OSError) as error:
        if (ours := _meaning(error)) is None:
            raise
        raise ours from error


def _meaning(error: Exception) -> RetError | None:
    """What an error says about the state of the database; None when it is about the statement."""
    state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    said = str(getattr(error, "orig", None) or error)
    if state == "53100" or _FULL.search(said):
        return StorageFull(what="database")
    invalidated = isinstance(error, DBAPIError) and error.connection_invalidated
    if invalidated or state.startswith(_AWAY_STATES) or isinstance(error, DisconnectionError | OSError):
        return Unavailable(what="database")
    if not state and _AWAY.search(said):
        return Unavailable(what="database")
    return None
