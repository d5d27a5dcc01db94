"""The present versions of many tables at once: by listing what is stored, without opening any of them."""

from __future__ import annotations

import re
from collections.abc import Collection

from ret_convert.editing.log import edits_of
from ret_kit.blobs import Blobs

FEW = 16
"""Documents whose folders are listed one by one; of more, those around them are."""
ENTRY = re.compile(r"(.+/)(\d+)\.json")


def present_versions(blobs: Blobs, keys: Collection[str]) -> dict[str, int]:
    """The versions of those of these tables that have more than one, by their keys."""
    by_edits = {edits_of(key): key for key in keys}
    folders = {key.rpartition("/")[0] for key in keys}
    if len(folders) > FEW:
        folders = {folder.rpartition("/")[0] or folder for folder in folders}
    found: dict[str, int] = {}
    for folder in folders:
        for stored in blobs.keys_sync(f"{folder}/"):
            one = ENTRY.fullmatch(stored)
            if one is not None and (key := by_edits.get(one[1])) is not None:
                found[key] = max(found.get(key, 0), int(one[2]))
    return found
