"""The inside of an element as source again: as a parser has read it, so that it stands on its own.

Entities are resolved, CDATA sections are text, comments and instructions are gone: what is left is the element's
values, every run of text in one piece, and markup that needs nothing of the document around it but its namespaces.
"""

from __future__ import annotations

from collections.abc import Callable

TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)


class Capture:
    """Writes the events inside one element; `open` is how many elements are open in it."""

    def __init__(self) -> None:
        self.open = 0
        self._parts: list[str] = []
        self._pending = False

    def start(self, written: str, attributes: dict[str, str]) -> None:
        """An element begins inside."""
        write = self._flush()
        write(f"<{written}")
        for name, value in attributes.items():
            write(f' {name}="{value.translate(ATTRIBUTE)}"')
        self._pending = True
        self.open += 1

    def end(self, written: str) -> None:
        """An element inside ends."""
        self.open -= 1
        if self._pending:
            self._pending = False
            self._parts.append("/>")
        else:
            self._parts.append(f"</{written}>")

    def text(self, run: str) -> None:
        """A run of text."""
        self._flush()(run.translate(TEXT))

    def _flush(self) -> Callable[[str], None]:
        """Close a tag that is still open; how to write on."""
        if self._pending:
            self._pending = False
            self._parts.append(">")
        return self._parts.append

    def source(self) -> str:
        """What was written."""
        return "".join(self._parts)
