"""Which group a document belongs to: a container with a code rules everything in it, else names decide.

Pure functions over paths; the rules and their numbers are those of docs/grouping.md. Paths are `/`-separated display
paths inside the upload, nested ZIPs included by name, the upload's own name apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from ret_ingest.words import Words

_FOLLOWED, _ALONE = range(2, 6), range(2, 5)  # lengths of a code in capitals
NAME_LIMIT = 300  # characters of a group's name
OTHER = "OTHER"

_COPY = re.compile(r"(?:\(\d+\)|- Copy(?: \(\d+\))?)$", re.IGNORECASE)
_ASCII_TOKEN = re.compile(r"[A-Za-z0-9]+")
_LEADING_NUMBERS = re.compile(r"^(?:[\W_]*\d+(?![^\W_]))+[\W_]*")
_STAMP = re.compile(r"\d+(?:t\d+z?)?|v\d+", re.IGNORECASE)
_HEX = re.compile(r"(?=.*\d)[0-9a-f]{8,}", re.IGNORECASE)
_GLUED = re.compile(r"([A-Z]{2,5})(?=[A-Z][^\W\d_A-Z])")


class Mode(StrEnum):
    """What decides first: the containers, or the files' own names."""

    CONTAINER = "container"
    NAME = "name"


class Reason(StrEnum):
    """Why a document is in its group."""

    CONTAINER = "container"
    FOLDER = "folder"
    NAME = "name"
    NONE = "none"


class Placed(NamedTuple):
    """A document's group and the reason for it."""

    group: str
    reason: Reason


UNPLACED = Placed(OTHER, Reason.NONE)


class Names:
    """What names say, each name read once. Shared by both modes, so that regrouping costs little."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._cleaned: dict[str, str] = {}
        self._codes: dict[str, str | None] = {}
        self._tokens: dict[str, tuple[str, ...]] = {}

    def cleaned(self, name: str) -> str:
        """The last segment without endings and marks of copies, in NFKC."""
        found = self._cleaned.get(name)
        if found is None:
            found = self._cleaned[name] = self._clean(name)
        return found

    def _clean(self, name: str) -> str:
        text = name if name.isascii() else unicodedata.normalize("NFKC", name)
        text = text.replace("\\", "/").rpartition("/")[2]
        while True:
            text = text.strip()
            stem, dot, ending = text.rpartition(".")
            if dot and ending.lower() in self._words.endings:
                text = stem
            elif text.endswith((")", "y", "Y")) and (mark := _COPY.search(text)):
                text = text[: mark.start()]
            else:
                return text

    def tokens(self, name: str) -> tuple[str, ...]:
        """The tokens of a name that are left when numbers, versions, ids and generic words in front are gone."""
        found = self._tokens.get(name)
        if found is None:
            tokens = split(self.cleaned(name))
            start = next((at for at, token in enumerate(tokens) if not self._means_nothing(token)), len(tokens))
            found = self._tokens[name] = tuple(tokens[start:])
        return found

    def code(self, name: str) -> str | None:
        """The code of a name, upper-cased, or None."""
        if name not in self._codes:
            self._codes[name] = self._read_code(self.tokens(name))
        return self._codes[name]

    def label(self, name: str) -> str:
        """A container's cleaned name without leading numbers, upper-cased; empty when there is nothing else."""
        cleaned = self.cleaned(name)
        if all(is_number(token) for token in split(cleaned)):
            return ""
        return _LEADING_NUMBERS.sub("", cleaned).strip().upper()

    def is_manifest(self, name: str) -> bool:
        return self.cleaned(name).casefold() in self._words.manifests

    def _means_nothing(self, token: str) -> bool:
        return is_number(token) or token.casefold() in self._words.generic

    def _read_code(self, tokens: tuple[str, ...]) -> str | None:
        if not tokens:
            return None
        token, followed = tokens[0].rstrip("0123456789"), len(tokens) > 1
        shouted = token.isupper() and len(token) in (_FOLLOWED if followed else _ALONE)
        whispered = followed and token.islower() and token.isalpha() and len(token) in (2, 3)
        if shouted or (whispered and token not in self._words.stop) or token.casefold() in self._words.modules:
            return token.upper()
        glued = _GLUED.match(token)
        return glued[1] if glued and glued[1].casefold() in self._words.modules else None


def split(name: str) -> list[str]:
    """The runs of letters and digits of any script; a combining mark belongs to its letter."""
    if name.isascii():
        return _ASCII_TOKEN.findall(name)
    return "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in name).split()


def is_number(token: str) -> bool:
    """Whether a token is a number, a date, a version or a hexadecimal id."""
    if token.isalpha():  # most are words, and every number has a digit
        return False
    return token.isdecimal() or bool(_STAMP.fullmatch(token) or _HEX.fullmatch(token))


def groups(paths: Iterable[str], upload: str, mode: Mode, words: Words | None = None) -> dict[str, Placed]:
    """The group of every document of an upload.

    `paths` are the documents only: other files neither have a group nor tell containers apart. Equal paths share a
    group. Groups that differ only in case are one, under the spelling met first.
    """
    return Layout(paths, upload, words or Words()).groups(mode)


class Layout:
    """The documents of one upload in their containers: what both modes are answered from."""

    def __init__(self, paths: Iterable[str], upload: str, words: Words | None = None) -> None:
        self._names = Names(words or Words())
        self._upload = upload
        self._paths = list(dict.fromkeys(paths))
        self._children: dict[str, set[str]] = {}  # container → the containers in it that hold documents
        self._shared: Counter[tuple[str, str]] = Counter()  # (folder, first token) → documents
        self._ruled: dict[str, Placed | None] = {"": self._by_upload()}
        self._apart: dict[str, bool] = {}
        for path in self._paths:
            self._place(path)

    def groups(self, mode: Mode) -> dict[str, Placed]:
        order = (self._by_container, self._by_name) if mode is Mode.CONTAINER else (self._by_name, self._by_container)
        manifests = [path for path in self._paths if self._names.is_manifest(last(path))]
        waiting = set(manifests)
        placed = {path: order[0](path) or order[1](path) or UNPLACED for path in self._paths if path not in waiting}
        placed |= self._manifests(manifests, placed)
        return merged(placed)

    def _place(self, path: str) -> None:
        folder = parent(path)
        tokens = self._names.tokens(last(path))
        if tokens:
            self._shared[folder, bare(tokens[0])] += 1
        while folder:
            outer = parent(folder)
            siblings = self._children.setdefault(outer, set())
            if folder in siblings:
                return
            siblings.add(folder)
            folder = outer

    def _by_upload(self) -> Placed | None:
        code = self._names.code(self._upload)
        return Placed(code, Reason.CONTAINER) if code else None

    def _by_container(self, path: str) -> Placed | None:
        """Rules 1 and 2: the nearest container with a code, else the nearest one that a sibling is told from."""
        return self._rule(parent(path))

    def _rule(self, folder: str) -> Placed | None:
        """What a container gives to what lies in it. Outer ones are asked once; nothing recurses."""
        chain: list[str] = []
        while folder not in self._ruled:
            chain.append(folder)
            folder = parent(folder)
        outer = self._ruled[folder]
        for inner in reversed(chain):
            outer = self._ruled[inner] = self._own(inner, outer)
        return outer

    def _own(self, folder: str, outer: Placed | None) -> Placed | None:
        code = self._names.code(last(folder))
        if code:
            return Placed(code, Reason.CONTAINER)
        if outer and outer.reason is Reason.CONTAINER:
            return outer
        label = self._names.label(last(folder)) if self._told_apart(parent(folder)) else ""
        return Placed(label[:NAME_LIMIT], Reason.FOLDER) if label else outer

    def _told_apart(self, folder: str) -> bool:
        """Whether the containers in a folder differ in their labels: three batches side by side tell nothing apart."""
        apart = self._apart.get(folder)
        if apart is None:
            inner = self._children[folder]
            apart = len(inner) > 1 and len({self._names.label(last(name)) for name in inner}) > 1
            self._apart[folder] = apart
        return apart

    def _by_name(self, path: str) -> Placed | None:
        """Rules 3 and 4: the file's own code, else its first token where it is shared, else all of them."""
        name = last(path)
        code = self._names.code(name)
        if code:
            return Placed(code, Reason.NAME)
        tokens = self._names.tokens(name)
        if tokens and self._shared[parent(path), bare(tokens[0])] > 1:
            tokens = tokens[:1]
        label = " ".join(filter(None, (bare(token) for token in tokens if not is_number(token))))
        return Placed(label[:NAME_LIMIT], Reason.NAME) if label else None

    def _manifests(self, manifests: list[str], placed: Mapping[str, Placed]) -> dict[str, Placed]:
        """A manifest takes its container's group in both modes.

        That is rules 1 and 2; where these are silent, the group of most documents beside it, else of most below.
        """
        if not manifests:
            return {}
        beside: dict[str, Counter[str]] = {}
        wanted = {parent(path) for path in manifests}
        for path, document in placed.items():
            folder = parent(path)
            weight = len(placed) + 1  # one document beside counts for more than all below
            while True:
                if folder in wanted:
                    beside.setdefault(folder, Counter())[document.group] += weight
                if not folder:
                    break
                folder, weight = parent(folder), 1
        found: dict[str, Placed] = {}
        for path in manifests:
            company = beside.get(parent(path), Counter[str]())
            common = company.most_common(1)
            alone = Placed(common[0][0], Reason.CONTAINER) if common and common[0][0] != OTHER else UNPLACED
            found[path] = self._by_container(path) or alone
        return found


def merged(placed: dict[str, Placed]) -> dict[str, Placed]:
    """Groups whose names differ only in case are one."""
    spelling: dict[str, str] = {}
    for path, document in placed.items():
        known = spelling.setdefault(document.group.casefold(), document.group)
        if known != document.group:
            placed[path] = Placed(known, document.reason)
    return placed


def bare(token: str) -> str:
    """A token without trailing digits, upper-cased."""
    return token.rstrip("0123456789").upper()


def parent(path: str) -> str:
    """The container of a path; the upload itself is the empty path."""
    return path.rpartition("/")[0]


def last(path: str) -> str:
    """The name at the end of a path."""
    return path.rpartition("/")[2]
