"""Parameters that many routes share. Lists: `?offset=0&limit=100`, a limit above 1,000 is 422."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Path, Query

from ret_gateway.models import NAME_LIMIT, PRINTABLE

LIMIT = 1000
OFFSET_LIMIT = 2**31 - 1

Offset = Annotated[int, Query(ge=0, le=OFFSET_LIMIT, description="items to leave out at the start")]
Limit = Annotated[int, Query(ge=1, le=LIMIT, description="items at most")]

# A name or a part of one, to choose by; empty chooses everything.
Text = Annotated[str, Query(max_length=NAME_LIMIT, pattern=PRINTABLE)]

# A group is named, and not numbered, in a path too.
GroupName = Annotated[str, Path(max_length=NAME_LIMIT, pattern=PRINTABLE)]

# The same key in the same session gives the first answer again.
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", max_length=200)]
