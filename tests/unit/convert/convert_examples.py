"""How many examples hypothesis tries: few in `make test`, a multiple of them at night."""

from __future__ import annotations

import os


def examples(count: int) -> int:
    """So many, times the factor that the environment asks for."""
    return count * int(os.environ.get("RET_TEST_EXAMPLES_FACTOR", "1"))
