"""From what listings and pairing say to the pairs of a comparison, and to what children are to compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ret_diff.orders import OptionFacts, PairOrder, StoredTable, TableOrder
from ret_diff.pair_records import Planned
from ret_diff.pairing.bytes import by_bytes
from ret_diff.pairing.model import ByBytes, FileFacts, FilePair, Match, NoteFacts, PairFacts, Side, TablePair

Files = Mapping[str, FileFacts]
Failures = Mapping[str, tuple[str, str]]
NOT_CONVERTED = ("NOT_CONVERTED", "The document could not be converted.")


@dataclass(frozen=True)
class Listing:
    """Both sides as they are listed: documents by id, paths of ZIPs; `alone`: a side is one document."""

    a: Files
    b: Files
    a_zips: Sequence[str]
    b_zips: Sequence[str]
    alone: bool = False

    def sides(self) -> tuple[Side, Side]:
        """As pairing takes them."""
        return (
            Side(documents=list(self.a.values()), zips=list(self.a_zips)),
            Side(documents=list(self.b.values()), zips=list(self.b_zips)),
        )


@dataclass
class First:
    """What listings alone say.

    `rows` are the pairs as far as they are known, `stands` what pairing does not change any more, `open_a` and `open_b`
    the documents whose tables are needed.
    """

    rows: list[Planned]
    stands: list[FilePair]
    identical: list[FilePair]
    open_a: list[str]
    open_b: list[str]


def first(listing: Listing) -> First:
    """Pairs by path and by content. Where only one side has documents left, these are only there."""
    found = _two(listing) if listing.alone else by_bytes(*listing.sides())
    rows = [
        Planned(
            status="identical" if pair["identical"] else "pending",
            group=listing.b[pair["b"]]["group"],
            a_path=listing.a[pair["a"]]["path"],
            b_path=listing.b[pair["b"]]["path"],
            a_documents=[pair["a"]],
            b_documents=[pair["b"]],
            match=pair["match"],
            confidence=pair["confidence"],
            runner_up=pair["runner_up"],
            runner_up_confidence=pair["runner_up_confidence"],
        )
        for pair in found["pairs"]
    ]
    different = [pair for pair in found["pairs"] if not pair["identical"]]
    open_a, open_b = [pair["a"] for pair in different], [pair["b"] for pair in different]
    if found["a"] and found["b"]:
        open_a += found["a"]
        open_b += found["b"]
    else:
        rows += [only(listing.a[one], "a") for one in found["a"]]
        rows += [only(listing.b[one], "b") for one in found["b"]]
    identical = [pair for pair in found["pairs"] if pair["identical"]]
    return First(rows, found["pairs"], identical, open_a, open_b)


def _two(listing: Listing) -> ByBytes:
    """Two documents are a pair, whatever they are called."""
    [a], [b] = listing.a.values(), listing.b.values()
    same = bool(a["sha256"]) and a["sha256"] == b["sha256"]
    match: Match = "path" if a["path"] == b["path"] else "content" if same else "manual"
    pair = FilePair(
        a=a["id"],
        b=b["id"],
        match=match,
        confidence=1.0,
        identical=same and not a["edited"] and not b["edited"],
        runner_up="",
        runner_up_confidence=0.0,
    )
    return ByBytes(pairs=[pair], a=[], b=[])


def only(file: FileFacts, side: str) -> Planned:
    """A document that only one side has."""
    is_a = side == "a"
    return Planned(
        status=f"only_in_{side}",
        group=file["group"],
        a_path=file["path"] if is_a else "",
        b_path="" if is_a else file["path"],
        a_documents=[file["id"]] if is_a else [],
        b_documents=[] if is_a else [file["id"]],
    )


@dataclass
class Final:
    """All pairs that listings alone could not decide, and what is to be compared of them, with its size in bytes."""

    rows: list[Planned] = field(default_factory=list[Planned])
    orders: list[tuple[PairOrder, int]] = field(default_factory=list[tuple[PairOrder, int]])


@dataclass(frozen=True)
class Known:
    """What is known when tables have been paired: the tables of both sides by id, why documents have none by document.

    A table may be on both sides, with edits on one and without them on the other.
    """

    comparison_id: str
    options: OptionFacts
    listing: Listing
    a: Mapping[str, StoredTable]
    b: Mapping[str, StoredTable]
    converted: frozenset[str]
    failures: Failures


def final(known: Known, found: Iterable[PairFacts]) -> Final:
    """The pairs as they stay."""
    made = Final()
    for facts in found:
        planned = _planned(known, facts)
        made.rows.append(planned)
        if planned.status == "pending":
            tables = [table_order(known, one) for one in facts["tables"]]
            order = PairOrder(
                id=planned.id(known.comparison_id), options=known.options, tables=tables, order=facts["order"]
            )
            made.orders.append((order, size_of(order)))
    return made


def _planned(known: Known, facts: PairFacts) -> Planned:
    documents = [known.listing.a[one] for one in facts["a"]] + [known.listing.b[one] for one in facts["b"]]
    failure = _failure(known, [*facts["a"], *facts["b"]]) if facts["a"] and facts["b"] else None
    status = "failed" if failure else "pending"
    if not (facts["a"] and facts["b"]):
        status = "only_in_a" if facts["a"] else "only_in_b"
    return Planned(
        status=status,
        group=documents[-1]["group"],
        a_path=facts["a_path"],
        b_path=facts["b_path"],
        a_documents=facts["a"],
        b_documents=facts["b"],
        match=facts["match"],
        confidence=facts["confidence"],
        runner_up=facts["runner_up"],
        runner_up_confidence=facts["runner_up_confidence"],
        notes=facts["notes"],
        failure=failure,
    )


def _failure(known: Known, ids: Sequence[str]) -> NoteFacts | None:
    """Why a pair of these documents cannot be compared; None if it can."""
    for one in ids:
        if one not in known.converted:
            code, detail = known.failures.get(one, NOT_CONVERTED)
            return NoteFacts(code=code, detail=detail)
    return None


def table_order(known: Known, pair: TablePair) -> TableOrder:
    """Two tables as a child is told of them."""
    return TableOrder(
        name=pair["name"],
        a=known.a.get(pair["a"]),
        b=known.b.get(pair["b"]),
        parent=pair["parent"],
        links=pair["links"],
        a_reading=pair["a_reading"],
        b_reading=pair["b_reading"],
        a_long=known.a.get(pair["a_long"]),
        b_long=known.b.get(pair["b_long"]),
    )


def size_of(order: PairOrder) -> int:
    """Bytes of the tables of a pair."""
    return sum(side["size"] for table in order["tables"] for side in (table["a"], table["b"]) if side)


def parts(orders: Sequence[tuple[PairOrder, int]], most_bytes: int, most: int) -> list[list[tuple[PairOrder, int]]]:
    """Pairs cut into tasks of bounded size, the biggest first; one that is bigger is a task alone."""
    found: list[list[tuple[PairOrder, int]]] = []
    held: list[tuple[PairOrder, int]] = []
    size = 0
    for one in sorted(orders, key=lambda order: (-order[1], order[0]["id"])):
        if held and (size + one[1] > most_bytes or len(held) >= most):
            found.append(held)
            held, size = [], 0
        held.append(one)
        size += one[1]
    return [*found, held] if held else found
