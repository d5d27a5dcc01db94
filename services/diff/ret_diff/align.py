"""Which row of A became which row of B: equal rows, then the best key, then the next keys, then what is most alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ret_diff import equal, similar
from ret_diff.costs import Costs, costs
from ret_diff.keys import Finder, Key, joined
from ret_diff.links import SURE, Links
from ret_diff.rows import Rest, Tables

_ALIKE = 250
"""The confidence of a pair that is equal but for what the options leave out, or how values are written."""
_KEPT = 3
"""Runner-ups that are told."""
_FOLLOWED = 4
"""Keys that are tried on what the best one leaves."""


@dataclass(frozen=True)
class Found:
    """The pairs, and the key that made them (None: there is none)."""

    links: Links
    key: Key | None
    runner_ups: tuple[Key, ...] = ()


def aligned(tables: Tables, *, given: bool = False, strangers: bool = False) -> Found:
    """Align two tables.

    `given`: their blocks are the key, rows of one block are the same row whatever changed. `strangers`: the tables have
    columns, but none in common; no row of one is a row of the other then.
    """
    links = Links(*tables.rows)
    if not tables.names and strangers:
        return Found(links, None)
    equal.pair(links, links.left(), tables.hashes, SURE, exact=True)
    rest = _alike(links, Rest(tables, links.left()))
    price = costs(tables)
    if given:
        rest = _by_key(links, rest, Key((), 1.0), None)
        similar.pair(links, rest, price, forced=True)
        return Found(links, None)
    keys = Finder(tables, price, rest).found()
    price = price.without([at for key in keys if key.renumbered and len(key.columns) == 1 for at in key.columns])
    trusted = [key for key in keys[:_FOLLOWED] if key.trusted]
    for key in trusted:
        rest = _by_key(links, rest, key, None if key is keys[0] else price)
    similar.pair(links, rest, price)
    return Found(links, keys[0] if keys else None, tuple(keys[1 : 1 + _KEPT]))


def _alike(links: Links, rest: Rest) -> Rest:
    """Pair the rows that are equal as the options look at them, then those that are whatever way they are written."""
    for forms in (False, True):
        # Of few rows, the assignment finds those that are the same but for their writing, and the best of several.
        if not len(rest.a) or not len(rest.b) or (forms and similar.few(rest)):
            break
        hashes = rest.hashes(rest.forms if forms else rest.looked)
        equal.pair(links, (rest.a, rest.b), hashes, _ALIKE, exact=False)
        rest = rest.kept(np.flatnonzero(links.a[rest.a] < 0), np.flatnonzero(links.b[rest.b] < 0))
    return rest


def _by_key(links: Links, rest: Rest, key: Key, price: Costs | None) -> Rest:
    """Pair the rows of the same key, with `price` only where that costs less than removing and adding."""
    a, b = joined(rest, key.columns)
    if price is not None:
        cheap = similar.changes(rest, price, a, b) < price.replaced
        a, b = a[cheap], b[cheap]
    links.join(rest.a[a], rest.b[b], max(1, round(SURE * min(1.0, max(0.0, key.score)))))
    return rest.kept(np.flatnonzero(links.a[rest.a] < 0), np.flatnonzero(links.b[rest.b] < 0))
