from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ret.ingest.v1 import ingest_pb2
from ret_convert.errors import NotConverted
from ret_convert.listing import Listed, entries

TABLE = cast(
    "Any",
    SimpleNamespace(name="ledger", role="main", blob_key="sessions/s/t", rows=1, columns=1, size=1, sha256="0" * 64),
)


def document(status: str) -> ingest_pb2.InventoryEntry:
    return ingest_pb2.InventoryEntry(path="GL/ledger.xml", type="document", document_id="d", status=status, depth=2)


def test_what_is_converted_is_exported_as_its_tables() -> None:
    (entry,) = entries([document("converted")], {"d": [TABLE]}, Listed(keep=True, main=False))
    assert [table["name"] for table in entry["tables"]] == ["ledger"]


def test_what_is_converted_anew_is_not_exported_meanwhile() -> None:
    """Its old tables go while the export would read them."""
    with pytest.raises(NotConverted):
        entries([document("converting")], {"d": [TABLE]}, Listed(keep=True, main=False))


@pytest.mark.parametrize("status", ["found", "converting"])
def test_what_has_no_tables_yet_is_not_exported(status: str) -> None:
    with pytest.raises(NotConverted):
        entries([document(status)], {}, Listed(keep=True, main=False))


def test_what_failed_is_exported_as_its_original() -> None:
    (entry,) = entries([document("failed")], {}, Listed(keep=True, main=False))
    assert entry["tables"] == []
