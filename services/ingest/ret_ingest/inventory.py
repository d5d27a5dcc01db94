"""The listing of an upload: its files in depth-first order, its groups by both modes, its figures and warnings.

Folders are not kept as entries unless they are empty: they follow from the paths, and `Unfolding` puts them back.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from ret_ingest.archive import Container, Warned
from ret_ingest.grouping import Layout, Mode, Placed
from ret_ingest.packing import Content
from ret_ingest.words import Words

NO_DOCUMENTS = Warned("NO_DOCUMENTS", "", "There is no document in the upload.")


@dataclass(frozen=True, slots=True)
class File:
    """A file that was taken. `plain` is where a compressed document lies unpacked, else None."""

    path: str
    name: str
    media_type: str
    document: bool
    content: Content
    plain: Content | None = None


@dataclass(slots=True)
class _Node:
    """A folder, a ZIP or the upload, with what is in it in the order it came."""

    folders: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    children: list[_Child] = field(default_factory=list["_Child"])


@dataclass(frozen=True, slots=True)
class _Child:
    """Something in a folder or ZIP; what has a node may have children itself."""

    name: str
    thing: File | Container | None  # None: a folder
    node: _Node | None


class Listing:
    """Collects what a scan finds and gives the rows of its inventory."""

    def __init__(self) -> None:
        self._nodes: dict[int, _Node] = {0: _Node()}
        self._containers = 0
        self.documents = 0
        self.others = 0
        self.max_depth = 0
        self.warnings: list[Warned] = []
        self._paths: list[str] = []

    def container(self, container: Container) -> None:
        self.max_depth = max(self.max_depth, container.depth)
        if container.number:
            self._containers += 1
            node = self._nodes[container.number] = _Node()
            self._place(container.parent, container.name, container, node)

    def folder(self, container: Container, path: str) -> None:
        self._folder(self._nodes[container.number], path.split("/"))

    def file(self, container: Container, file: File) -> None:
        if file.document:
            self.documents += 1
            self._paths.append(file.path)
        else:
            self.others += 1
        self._place(container.number, file.name, file, None)

    def _place(self, container: int, name: str, thing: File | Container, node: _Node | None) -> None:
        *folders, last = name.split("/")
        parent = self._folder(self._nodes[container], folders)
        parent.children.append(_Child(last, thing, node))

    def _folder(self, node: _Node, folders: Iterable[str]) -> _Node:
        for name in folders:
            inner = node.folders.get(name)
            if inner is None:
                inner = node.folders[name] = _Node()
                node.children.append(_Child(name, None, inner))
                self._containers += 1
            node = inner
        return node

    @property
    def figures(self) -> dict[str, int]:
        """Documents, other files, containers (ZIPs and folders in the upload), ZIPs one inside the other."""
        return {
            "documents": self.documents,
            "other_files": self.others,
            "containers": self._containers,
            "max_depth": self.max_depth,
        }

    def rows(self, upload: str, words: Words) -> Iterator[dict[str, Any]]:
        """The inventory: one row a group, an entry, a warning, each with its `row` naming which. Groups come first."""
        layout = Layout(self._paths, upload, words)
        by_container, by_name = layout.groups(Mode.CONTAINER), layout.groups(Mode.NAME)
        numbers: dict[str, int] = {}
        for placed in (*by_container.values(), *by_name.values()):
            key = placed.group.casefold()
            if key not in numbers:
                numbers[key] = len(numbers)
                yield {"row": "group", "number": numbers[key], "name": placed.group, "name_key": key}

        def group(placed: Placed) -> tuple[int, str]:
            return numbers[placed.group.casefold()], str(placed.reason)

        for position, entry in enumerate(self._entries()):
            if entry["type"] == "document":
                entry["id"] = uuid.uuid4().hex
                entry["by_container"], entry["container_reason"] = group(by_container[entry["path"]])
                entry["by_name"], entry["name_reason"] = group(by_name[entry["path"]])
            yield {"row": "entry", "position": position} | entry
        warnings = self.warnings if self.documents else [*self.warnings, NO_DOCUMENTS]
        for position, warning in enumerate(warnings):
            yield {"row": "warning", "position": position} | asdict(warning)

    def _entries(self) -> Iterator[dict[str, Any]]:
        """Files, ZIPs and empty folders in depth-first order; an open folder or ZIP lies on a stack."""
        stack: list[tuple[Iterator[_Child], str, int]] = [(iter(self._nodes[0].children), "", 0)]
        while stack:
            children, place, levels = stack[-1]
            child = next(children, None)
            if child is None:
                stack.pop()
                continue
            path = f"{place}/{child.name}" if place else child.name
            found = {"path": path, "name": child.name, "depth": len(stack), "levels": levels}
            if isinstance(child.thing, File):
                yield found | _file(child.thing)
            elif child.thing is not None:
                yield found | {"type": "zip"}
            elif child.node and not child.node.children:
                yield found | {"type": "folder"}
            if child.node:
                inside = levels + 1 if child.thing is None else 0
                stack.append((iter(child.node.children), path, inside))


def _file(file: File) -> dict[str, Any]:
    return {
        "type": "document" if file.document else "other",
        "media_type": file.media_type,
        "content": asdict(file.content),
        "plain": asdict(file.plain) if file.plain else None,
    }


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder, as it follows from the path of what is in it. `depth` counts its ancestors, the upload included."""

    path: str
    depth: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


class Unfolding:
    """Puts the folders back: fed with the entries in depth-first order, it says which folders begin before each."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []  # (type, path) of the ancestors of the entry before

    def folders(self, path: str, kind: str, depth: int, levels: int) -> list[Opened]:
        """The folders that begin before this entry, outermost first.

        `kind` is its type; it has `depth` ancestors, the upload among them, the last `levels` of which are folders.
        """
        keep = depth - 1 - levels
        parts = path.split("/")
        chain = [("folder", "/".join(parts[: len(parts) - levels + at])) for at in range(levels)]
        while chain and keep < len(self._open) and self._open[keep] == chain[0]:
            del chain[0]
            keep += 1
        del self._open[keep:]
        fresh = [Opened(path, keep + at + 1) for at, (_, path) in enumerate(chain)]
        self._open += chain
        if kind == "zip":
            self._open.append(("zip", path))
        return fresh
