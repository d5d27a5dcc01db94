"""Pairing as a pool child does it: both sides' documents in, pairs of documents and of their tables out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ret_diff.pairing.model import Order, Paired


def pair(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Pair the documents of an `Order` and their tables; gives `Paired`. Errors of the store end the whole call.

    Reports `{"read": tables that were sampled, "of": tables to be}`. The same whatever the order of documents; with A
    and B swapped the same pairs, swapped. Reads the tables of what has no partner, and of a few others, each at most
    once and in pieces.
    """
    order = cast("Order", payload)
    return cast("dict[str, Any]", paired(order, lambda read, of: report({"read": read, "of": of})))


def paired(order: Order, progress: Callable[[int, int], None]) -> Paired:
    """As `pair`, with types."""
    raise NotImplementedError((order, progress))
