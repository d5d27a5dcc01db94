"""Display names of entries: what an archive calls them, made harmless. No name here ever becomes a path on a disk."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

SEGMENT_LIMIT = 255  # characters of one segment, as file systems have it
FOLDER_LIMIT = 64  # folders in one entry's name
PATH_LIMIT = 4096  # characters of a display path; past it further names are replaced by short ones
_ENDING = 12  # characters that can be an ending; more are a sentence with a dot in it

_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f:\u200e\u200f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)
_CLUTTER = re.compile(r"(?:^|/)(?:__MACOSX(?:/|$)|\._[^/]*$|\.DS_Store$|Thumbs\.db$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A `/`-separated relative path without `.`/`..`, drives, control characters or colons, and whether it was changed.

    Backslashes count as separators, and doubled slashes and `.` are dropped, without calling that a change.
    """

    path: str
    changed: bool


def cleaned(name: str, number: int) -> Cleaned:
    """The display name of the `number`th entry; an entry whose name has nothing to show is called `entry-<number>`."""
    if _plain(name):
        return Cleaned(name, changed=False)
    harmless = _HARMFUL.sub("_", name).replace("\\", "/")
    changed = harmless != name.replace("\\", "/") or harmless.startswith("/")
    kept: list[str] = []
    for segment in harmless.split("/"):
        if segment in ("", "."):
            continue
        if not segment.strip(". "):
            changed = True
            continue
        kept.append(short(segment, number))
        changed = changed or kept[-1] != segment
    if len(kept) > FOLDER_LIMIT:
        kept, changed = [*kept[: FOLDER_LIMIT - 1], kept[-1]], True
    if not kept:
        return Cleaned(f"entry-{number}", changed=True)
    return Cleaned("/".join(kept), changed)


def _plain(name: str) -> bool:
    """The ordinary case, told quickly: a short ASCII name with nothing to clean."""
    return (
        len(name) <= SEGMENT_LIMIT
        and name.isascii()
        and name.isprintable()
        and _UNUSUAL.search(name) is None
        and name.count("/") < FOLDER_LIMIT
    )


_UNUSUAL = re.compile(
    r"[:\\]|^$|^/|/$|//|(?:^|/)[. ]+(?:/|$)|(?:^|/)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|/|$)", re.IGNORECASE
)


def short(segment: str, number: int) -> str:
    """A segment of at most 255 characters that no system takes for a device; what is cut keeps its ending."""
    if _DEVICE.match(segment):
        segment = "_" + segment
    if len(segment) <= SEGMENT_LIMIT:
        return segment
    stem, dot, ending = segment.rpartition(".")
    tail = f"~{number}{dot}{ending}" if stem and len(ending) <= _ENDING else f"~{number}"
    return segment[: SEGMENT_LIMIT - len(tail)] + tail


def joined(container: str, name: str, number: int) -> Cleaned:
    """The path of a name in a container; one too long gives way to a short one with the same ending."""
    path = f"{container}/{name}" if container else name
    if len(path) <= PATH_LIMIT:
        return Cleaned(path, changed=False)
    ending = name.rpartition("/")[2].rpartition(".")[2]
    own = f"~{number}.{ending}" if len(ending) <= _ENDING else f"~{number}"
    return Cleaned(f"{container}/{own}" if container else own, changed=True)


def collision_key(path: str) -> str:
    """Equal for paths that some file system takes for the same."""
    return path.casefold() if path.isascii() else unicodedata.normalize("NFC", path).casefold()


def is_clutter(path: str) -> bool:
    """Whether a path is what systems leave behind: `__MACOSX/`, `._*`, `.DS_Store`, `Thumbs.db`."""
    return _CLUTTER.search(path) is not None
