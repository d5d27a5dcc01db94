"""Where everything of an export comes to be: the structure of the upload, names that are clean and unique."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ret_convert.export.naming import Folder, clean, split, stem
from ret_convert.export.order import EDITS, Entry, Order, Table, report_of

CELL_BYTES = 16
"""What a cell is expected to take; only decides about 64-bit sizes."""
NOT_WRITTEN = "_not written back"
"""What the list of documents is called that are exported as their originals although they were edited."""
UNPACKED = 20
"""How much bigger than its Parquet a table may become; as above."""


@dataclass
class Place:
    """Where an entry comes to be: its path inside the ZIP around it, for a document one path a file of it."""

    parent: int
    names: list[str] = field(default_factory=list[str])
    expected: int = 0


class Places:
    """The places of an order's entries, by their number."""

    def __init__(self, order: Order) -> None:
        self._entries = order["entries"]
        self._format = order["format"]
        self._folders = order["nested"] == "folder"
        self.not_written = ""
        self._places = self._placed()

    def is_archive(self, at: int) -> bool:
        """Whether the entry is a ZIP in the export."""
        return self._entries[at]["type"] == "zip" and not self._folders

    def expected(self, at: int) -> int:
        """About how many bytes an entry takes."""
        return self._places[at].expected

    def around(self, at: int) -> list[int]:
        """The ZIPs around an entry, the outermost first."""
        return [parent for parent in self._parents_of(at) if self.is_archive(parent)][::-1]

    def paths(self, at: int) -> list[str]:
        """The paths of an entry's files inside the ZIP around it."""
        steps: list[str] = []
        for parent in self._parents_of(at):
            if self.is_archive(parent):
                break
            steps.append(self._places[parent].names[0])
        folder = "".join(f"{step}/" for step in reversed(steps))
        return [folder + name for name in self._places[at].names]

    def _parents_of(self, at: int) -> Iterator[int]:
        """The containers of an entry, the innermost first."""
        parent = self._places[at].parent
        while parent >= 0:
            yield parent
            parent = self._places[parent].parent

    def shown(self, at: int) -> str:
        """The path of an entry inside the upload."""
        return "/".join(self._entries[one]["name"] for one in reversed([at, *self._parents_of(at)]))

    def _placed(self) -> list[Place]:
        """Names for everything: originals and containers keep theirs, then come main tables, then child tables."""
        places, folders = self._parents()
        ending = f".{self._format}"
        if self._format == "xml":
            self.not_written = folders[-1].take(NOT_WRITTEN, ".csv") + ".csv"
        for entry, place in zip(self._entries, places, strict=True):
            if not entry["tables"] or self._format == "xml":
                base, own = self._own_name(entry)
                place.names = [folders[place.parent].take(base, own) + own]
                place.expected = entry["original"]["length"] if entry["original"] else 0
        if self._format == "xml":
            self._reports(places, folders)
        else:
            self._tables(places, folders, ending)
        for place in reversed(places):
            if place.parent >= 0:
                places[place.parent].expected += place.expected
        return places

    def _reports(self, places: list[Place], folders: dict[int, Folder]) -> None:
        """Names for what is told of edits beside originals."""
        for entry, place in zip(self._entries, places, strict=True):
            if report_of(entry):
                base = folders[place.parent].take(f"{clean(stem(entry['name']))}.{EDITS}", ".csv")
                place.names.append(f"{base}.csv")

    def _tables(self, places: list[Place], folders: dict[int, Folder], ending: str) -> None:
        """Names for tables."""
        bases: dict[int, str] = {}
        for at, entry in enumerate(self._entries):
            if entry["tables"]:
                place = places[at]
                bases[at] = folders[place.parent].take(clean(stem(entry["name"])), ending)
                place.names = [bases[at] + ending]
                place.expected = sum(map(expected_bytes, entry["tables"]))
        for at, base in bases.items() if self._format != "xlsx" else ():
            place = places[at]
            for table in self._entries[at]["tables"][1:]:
                name = folders[place.parent].take(f"{base}.{clean(table['name'])}", ending)
                place.names.append(name + ending)

    def _parents(self) -> tuple[list[Place], dict[int, Folder]]:
        """A place for each entry, knowing the container it is in, and the names of each container."""
        places: list[Place] = []
        trail: list[int] = []
        folders: dict[int, Folder] = {-1: Folder()}
        for at, entry in enumerate(self._entries):
            del trail[max(0, entry["depth"] - 1) :]
            places.append(Place(trail[-1] if trail else -1))
            if entry["type"] in ("zip", "folder"):
                trail.append(at)
                folders[at] = Folder()
        return places, folders

    def _own_name(self, entry: Entry) -> tuple[str, str]:
        """(base, ending) of a container or of a file that is exported as it is; a ZIP made a folder has no ending."""
        name = clean(entry["name"])
        if entry["type"] == "folder":
            return name, ""
        base, ending = split(name)
        return base, "" if entry["type"] == "zip" and self._folders else ending


def expected_bytes(table: Table) -> int:
    """About how many bytes a table takes as text."""
    return max(table["rows"] * table["columns"] * CELL_BYTES, table["size"] * UNPACKED)
