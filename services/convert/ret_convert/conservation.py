"""The promise, counted: the values of a document are the values of its tables.

A value is an attribute's value or a run of text between two tags, stripped at both ends and not blank. (A nil marker is
no value to a reader of the tables; it is counted here all the same, so that it cannot get lost either.) The multiset of
values is kept as their number and the sum of their 128-bit hashes modulo 2**128: the same in any order, and in constant
memory. (Order-independent sums of hashes: Clarke et al., "Incremental multiset hash functions", 2003.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

MODULUS = 1 << 128
REMEMBERED = 1 << 16


class Hashes(dict[str, int]):
    """The hash of each value; the latest values are remembered, since most values of a document come again."""

    def __missing__(self, value: str) -> int:
        if len(self) >= REMEMBERED:
            self.clear()
        # A lone surrogate cannot come out of a parser, but a hash that raises would hide whatever made one.
        found = int.from_bytes(blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big")
        self[value] = found
        return found


@dataclass
class Tally:
    """A multiset of values: how many there are, and their hash."""

    count: int = 0
    digest: int = 0
    _hashes: Hashes = field(default_factory=Hashes, repr=False, compare=False)

    def add(self, values: list[str]) -> None:
        """Count values; they are stripped and not blank."""
        self.count += len(values)
        self.digest = (self.digest + sum(map(self._hashes.__getitem__, values))) % MODULUS

    def sibling(self) -> Tally:
        """An empty tally that shares what is remembered, for the other side of the same document."""
        return Tally(_hashes=self._hashes)

    @property
    def hex(self) -> str:
        """The hash as 32 hexadecimal digits."""
        return f"{self.digest:032x}"


def stripped(cells: Iterable[str | None]) -> list[str]:
    """The values in a column of cells."""
    return [value for cell in cells if cell and (value := cell.strip())]


def is_declaration(attribute: str) -> bool:
    """Whether an attribute declares a namespace, and so is no value."""
    return attribute == "xmlns" or attribute.startswith("xmlns:")
