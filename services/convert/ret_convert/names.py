"""Namespaces without a namespace-aware parser: prefixes are looked up here, so that an unbound one is no error.

An element's or attribute's *key* is `{uri}local`, or the bare local name where there is no namespace. A prefix that is
bound to nothing stands for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ret_convert.conservation import is_declaration

REMEMBERED = 1000
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NIL = f"{{{XSI}}}nil"
# xsi is what its name says even in documents that forgot to declare it.
BOUND = {"": "", "xml": "http://www.w3.org/XML/1998/namespace", "xsi": XSI}


class Keys(dict[str, str]):
    """From a name as it is written to its key; worked out once a name."""

    def __init__(self, find: Callable[[str], str]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, written: str) -> str:
        self[written] = found = self._find(written)
        return found


class Scope:
    """The namespaces in force somewhere, with the keys of names that are written there."""

    __slots__ = ("_inner", "attributes", "doubled", "elements", "uris")

    def __init__(self, uris: dict[str, str]) -> None:
        self.uris = uris
        named = [uri for prefix, uri in uris.items() if prefix]
        self.doubled = len({*named}) < len(named)
        """Whether two prefixes are bound to the same namespace, so that two attributes may have the same key."""
        self.elements = Keys(self._element)
        self.attributes = Keys(self._attribute)
        self._inner: dict[tuple[tuple[str, str], ...], Scope] = {}

    def _element(self, written: str) -> str:
        prefix, colon, local = written.rpartition(":")
        uri = self.uris.get(prefix, f"{prefix}:") if colon else self.uris[""]
        return f"{{{uri}}}{local}" if uri else local

    def _attribute(self, written: str) -> str:
        """The key; empty for a declaration of a namespace."""
        if is_declaration(written):
            return ""
        prefix, colon, local = written.rpartition(":")
        # The default namespace does not reach attributes.
        return f"{{{self.uris.get(prefix, f'{prefix}:')}}}{local}" if colon else written

    def told_apart(self, attributes: Iterable[str]) -> dict[str, str]:
        """The keys of one element's attributes, by their written names; a second one of the same key gets its own."""
        found: dict[str, str] = {}
        taken: set[str] = set()
        for written in sorted(attributes):
            key = self.attributes[written]
            # A blank is in no name, so this is nobody else's key.
            found[written] = own = f"{key} {written}" if key and key in taken else key
            taken.add(own)
        return found

    def within(self, attributes: dict[str, str]) -> Scope:
        """The scope inside an element with these attributes; the same declarations give the same scope."""
        declared = tuple((name, uri) for name, uri in attributes.items() if is_declaration(name))
        if not declared:
            return self
        found = self._inner.get(declared)
        if found is None:
            uris = self.uris | {name.partition(":")[2]: uri for name, uri in declared}
            found = self if uris == self.uris else Scope(uris)
            if len(self._inner) >= REMEMBERED:
                self._inner.clear()  # a namespace of its own for every record: nothing is gained by keeping them
            self._inner[declared] = found
        return found


def outermost() -> Scope:
    """The scope around a document."""
    return Scope(dict(BOUND))


def declares(attributes: Iterable[str]) -> bool:
    """Whether some of the attributes may declare namespaces; quick, since it is asked of every element that has any."""
    return any(name.startswith("xmlns") for name in attributes)


def local_name(written: str) -> str:
    """A name without its prefix."""
    return written.rpartition(":")[2]


def prefix_of(written: str) -> str:
    """The prefix of a name, empty if it has none."""
    return written.rpartition(":")[0]
