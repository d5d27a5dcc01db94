"""What holds for every test."""

from __future__ import annotations


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """The processes of a parallel run must give a case the same name: a clock's value or raw bytes are no name."""
    return argname if isinstance(val, float | bytes) else None
