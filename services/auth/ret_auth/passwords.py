"""Passwords: which are accepted, and how they are kept and compared (Argon2id, RFC 9106)."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from ret_auth.errors import PasswordNamesUser, PasswordTooCommon, PasswordTooLong, PasswordTooShort
from ret_auth.names import name_key

Result = TypeVar("Result")


@cache
def common_passwords() -> frozenset[str]:
    """Passwords that are guessed first, case-folded."""
    return frozenset(resources.files("ret_auth").joinpath("common_passwords.txt").read_text("utf-8").splitlines())


def normal(password: str) -> str:
    """The password in NFKC, so that another keyboard or system types the same one."""
    return unicodedata.normalize("NFKC", password)


@dataclass(frozen=True)
class PasswordRules:
    """Length counts in characters; any composition is as good as any other."""

    least: int = 12
    most: int = 1024

    def check(self, password: str, username: str) -> None:
        """Raises the PasswordRefused that names the broken rule."""
        given = normal(password)
        if len(given) < self.least:
            raise PasswordTooShort(least=self.least)
        if len(given) > self.most:
            raise PasswordTooLong(most=self.most)
        folded = name_key(given)
        if folded in common_passwords():
            raise PasswordTooCommon
        if _bare(folded) == _bare(name_key(username)):
            raise PasswordNamesUser


def _bare(text: str) -> str:
    """The letters alone, without the numbers and marks people put around a name; a text without letters as it is."""
    return "".join(character for character in text if character.isalpha()) or text


@dataclass(frozen=True)
class Cost:
    """What one hash costs: passes, KiB of memory, lanes. The default is RFC 9106's for little memory."""

    passes: int = 3
    memory_kib: int = 65536
    lanes: int = 4


@dataclass(frozen=True)
class Verdict:
    """Whether a password is right; `renewed` is its hash with today's cost when the kept one was made with another."""

    right: bool
    renewed: str | None = None


class Passwords:
    """Hashes and verifies in threads of its own, so that the loop goes on and memory stays threads x memory_kib."""

    def __init__(self, cost: Cost, threads: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes, type=Type.ID
        )
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._nobodys = self._hasher.hash("a user who is not there has a password as well")

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The encoded hash (`$argon2id$…`) with today's cost and a fresh salt."""
        return await self._in_thread(lambda: self._hasher.hash(normal(password)))

    async def verify(self, kept: str | None, password: str) -> Verdict:
        """Compare with the kept hash. Without one (no such user, no password yet) it is wrong in the same time."""
        return await self._in_thread(lambda: self._verify(kept, normal(password)))

    def _verify(self, kept: str | None, password: str) -> Verdict:
        try:
            self._hasher.verify(kept or self._nobodys, password)
        except (VerificationError, InvalidHashError):
            return Verdict(right=False)
        if kept is None:
            return Verdict(right=False)
        return Verdict(
            right=True, renewed=self._hasher.hash(password) if self._hasher.check_needs_rehash(kept) else None
        )

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)
