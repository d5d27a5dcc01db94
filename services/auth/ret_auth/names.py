"""User names: how they may look, and when two of them are the same."""

from __future__ import annotations

import unicodedata

from ret_kit.errors import Invalid

LONGEST = 100


def name_key(name: str) -> str:
    """What user names are compared by: NFKC, case-folded, and NFKC again, because folding can undo it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def checked_name(name: str) -> str:
    """The name as it is kept (NFKC).

    Raises Invalid unless it has 1 to 100 characters, none of them a space, a control, a format mark or unassigned:
    such names look like others, and commands could not name them.
    """
    normal = unicodedata.normalize("NFKC", name)
    if not 1 <= len(normal) <= LONGEST:
        raise Invalid(field="username", reason=f"has 1 to {LONGEST} characters")
    if any(unicodedata.category(character)[0] in "CZ" for character in normal):
        raise Invalid(field="username", reason="has no spaces and no invisible characters")
    return normal
