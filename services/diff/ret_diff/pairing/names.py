"""Names of documents: what in them says when and how often something was exported, and what says what it is."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from math import log

KEPT = 1 << 16
"""Names whose cleaning is remembered."""
OWN = 2.0
"""How much more a word in a document's own name says than one in a folder's."""

_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0[1-9]|1[0-2])"
_TIME = r"(?:[01]\d|2[0-3])[-:._]?[0-5]\d(?:[-:._]?[0-5]\d(?:[.,]?\d{1,6})?)?Z?"
_RUN = r"(?:batch|run|job|request|req|process|export|extract)"
# A year alone, the month of a year or a plain number stays: `rates_2024`, `FORM_1099` and `level 2` say what they are.
MARKS = tuple(
    re.compile(one, re.IGNORECASE)
    for one in (
        r"\s*\((?:\d{1,3}|copy)\)$",
        r"[\s_-]+copy(?:[\s_-]*\d{1,2})?$",
        r"^copy of\s+",
        r"(?<![0-9a-z])\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?(?![0-9a-z])",
        rf"(?<!\d)(?:19|20)\d\d([-_.]?){_MONTH}\1{_DAY}(?:[T_\-. ]?{_TIME})?(?!\d)",
        rf"(?<!\d){_DAY}([-_.]){_MONTH}\1(?:19|20)\d\d(?:[T_\-. ]?{_TIME})?(?!\d)",
        r"(?<!\d)\d{9,}(?!\d)",
        rf"(?<![0-9a-z])\d+(?=[\s_-]?{_RUN}(?![a-z]))",
        rf"(?<![a-z])(?P<kept>{_RUN})[\s_-]?\d+(?![0-9a-z])",
        r"(?<=[\s_.-])(?:v|ver|version|rev)[\s_.-]?\d+(?:[._]\d+)*$",
    )
)
UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
NUMBERED = re.compile(r"(.*) \((\d+)\)")


def folded(name: str) -> str:
    """Equal for names that some file system takes for the same."""
    return (
        name.casefold()
        if name.isascii()
        else unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    )


@lru_cache(KEPT)
def split(name: str) -> tuple[str, str]:
    """(stem, ending) of a name, as exports see them: `ledger.xml.gz` is (`ledger`, `.xml.gz`), `.hidden` a stem."""
    plain = name[:-3] if name[-3:].lower() == ".gz" and len(name) > len(".gz") else name
    stem = plain.rpartition(".")[0] or plain
    return stem, name[len(stem) :]


@lru_cache(KEPT)
def exported(name: str) -> str:
    """What exports make of a name so that every file system takes it, folded."""
    found = UNSAFE.sub("_", name).strip().rstrip(".")
    return folded((f"_{found}" if RESERVED.fullmatch(found) else found) or "_")


@lru_cache(KEPT)
def bare(name: str) -> str:
    """A name without time stamps, long ids, numbers of batches, versions and marks of copies; folded.

    What is left are its words and numbers with `_` between them; a name of which nothing would be left stays.
    """
    text = unicodedata.normalize("NFKC", name)
    while True:
        before = text
        for mark in MARKS:
            text = mark.sub(_kept, text)
        text = text.strip(" _-.")
        if text == before:
            break
    return "_".join(words(text)) or "_".join(words(name)) or folded(name)


def _kept(found: re.Match[str]) -> str:
    return f"{found.groupdict().get('kept') or ''} "


def words(name: str) -> list[str]:
    """The runs of letters and digits of a name, folded."""
    return "".join(one if one.isalnum() else " " for one in folded(name)).split()


def parts(path: str) -> tuple[str, str]:
    """(folder, name) of a path."""
    folder, _, name = path.rpartition("/")
    return folder, name


def above(path: str) -> list[str]:
    """The paths of the containers of a document, the outermost first."""
    steps = path.split("/")
    return ["/".join(steps[:at]) for at in range(1, len(steps))]


@lru_cache(KEPT)
def bare_path(path: str) -> str:
    """A path of which every step is bare, its endings gone."""
    folder, name = parts(path)
    steps = [bare(_container(step)) for step in folder.split("/")] if folder else []
    return "/".join([*steps, bare(split(name)[0])])


def _container(step: str) -> str:
    return step[:-4] if step[-4:].lower() == ".zip" and len(step) > len(".zip") else step


class Places:
    """Where exports put the documents of a side: (folder, stem), so that ZIPs may have become folders."""

    def __init__(self, zips: Iterable[str]) -> None:
        self._zips = set(zips)
        self._folders: dict[str, str] = {"": ""}

    def of(self, path: str) -> tuple[str, str]:
        """The folder of a document and the stem of its name, both as exports write them, folded."""
        folder, name = parts(path)
        return self.folder(folder), exported(split(name)[0])

    def folder(self, path: str) -> str:
        """The folder as exports write it, folded."""
        found = self._folders.get(path)
        if found is None:
            found = "/".join(self._step(one) for one in [*above(path), path])
            self._folders[path] = found
        return found

    def _step(self, container: str) -> str:
        name = parts(container)[1]
        base, dot, ending = name.rpartition(".")
        plain = ending.lower() == "zip" or container in self._zips
        return exported(base if base and dot and plain else name)


def unnumbered(stem: str) -> tuple[str, int]:
    """A stem without the number that tells it from another of that name: `a (2)` is (`a`, 2), `a` is (`a`, 1)."""
    found = NUMBERED.fullmatch(stem)
    return (found[1], int(found[2])) if found else (stem, 1)


class Likeness:
    """How like paths are, by words that few paths have; both sides' paths are needed for that."""

    def __init__(self, paths: Collection[str]) -> None:
        found: Counter[str] = Counter()
        for path in paths:
            found.update(words_of(path))
        self._total = len(paths)
        self._weights: Mapping[str, float] = {word: log(1 + self._total / count) for word, count in found.items()}

    def of(self, one: str, other: str) -> float:
        """0 (no word in common) to 1 (the same words)."""
        mine, others = words_of(one), words_of(other)
        shared = whole = 0.0
        for word in mine.keys() | others.keys():
            weight = self._weights.get(word, log(1 + self._total))
            least, most = sorted((mine.get(word, 0.0), others.get(word, 0.0)))
            shared += weight * least
            whole += weight * most
        return shared / whole if whole else 1.0


@lru_cache(KEPT)
def words_of(path: str) -> Mapping[str, float]:
    """The words of a path when its marks are gone, and how much each says: those of its own name the most."""
    folder, _, name = bare_path(path).rpartition("/")
    found = dict.fromkeys(words(folder), 1.0)
    return found | dict.fromkeys(words(name), OWN)
