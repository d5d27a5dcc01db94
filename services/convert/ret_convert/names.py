"""Names as documents write them, and namespaces.

An element's or attribute's *key* is `{uri}local`, or the bare local name where there is no namespace. A prefix that is
bound to nothing stands for itself. The core makes the keys (native/shape.c).
"""

from __future__ import annotations

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def local_name(written: str) -> str:
    """A name without its prefix."""
    return written.rpartition(":")[2]


def prefix_of(written: str) -> str:
    """The prefix of a name, empty if it has none."""
    return written.rpartition(":")[0]
