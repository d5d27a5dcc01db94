from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ret.ingest.v1 import ingest_pb2
from ret_convert.errors import NotConverted, NotReady
from ret_convert.listing import Listed, entries
from ret_convert.orders import SourceOrder
from ret_convert.worker import fact, parts, refused, source_order
from ret_kit.errors import Kind
from ret_kit.pools import WorkerLost


def source(size: int) -> SourceOrder:
    return SourceOrder(
        document_id="d", media_type="application/xml", bytes=size, key="k", offset=0, length=size, sha256=""
    )


def sizes(given: list[int], most_bytes: int = 100, most_documents: int = 64) -> list[list[int]]:
    return [
        [one["bytes"] for one in part] for part in parts([source(size) for size in given], most_bytes, most_documents)
    ]


def test_documents_are_cut_by_size_and_a_big_one_is_alone() -> None:
    assert sizes([500, 60, 50, 40, 10]) == [[500], [60], [50, 40, 10]]


def test_documents_are_cut_by_number() -> None:
    assert [len(part) for part in sizes([1] * 5000, most_bytes=10**9)] == [64] * 78 + [8]


def test_a_few_hundred_documents_are_enough_tasks_for_all_workers() -> None:
    assert [len(part) for part in sizes([1] * 320, most_bytes=10**9)] == [20] * 16


def test_a_few_documents_are_one_task() -> None:
    assert sizes([1] * 5) == [[1] * 5]
    assert sizes([]) == []


def test_a_child_is_told_no_names() -> None:
    content = ingest_pb2.Content(blob_key="k", offset=3, length=7, sha256="s")
    told = ingest_pb2.ConversionSource(document_id="d", name="Secret.xml", media_type="m", bytes=7, content=content)
    order = source_order(told)
    assert order == {
        "document_id": "d",
        "media_type": "m",
        "bytes": 7,
        "key": "k",
        "offset": 3,
        "length": 7,
        "sha256": "s",
    }


def test_a_document_that_was_given_up_is_told_with_its_reason() -> None:
    told = fact(refused(source(5), WorkerLost(how="SIGSEGV")))
    assert (told.status, told.method, told.HasField("fidelity")) == ("failed", "", False)
    assert [(warning.code, warning.detail) for warning in told.warnings] == [
        ("WORKER_LOST", "The process that did the work was lost (SIGSEGV).")
    ]


def entry(kind: str, name: str, **given: Any) -> ingest_pb2.InventoryEntry:
    content = ingest_pb2.Content(blob_key="k", length=1) if kind in ("document", "other") else None
    return ingest_pb2.InventoryEntry(path=f"p/{name}", type=kind, name=name, depth=1, content=content, **given)


def row(name: str) -> Any:
    return SimpleNamespace(name=name, role="main", blob_key="b", rows=1, columns=1, size=1, sha256="s")


def test_the_listing_and_the_tables_are_joined() -> None:
    found = [
        entry("zip", "z.zip"),
        entry("document", "a.xml", document_id="a", status="converted"),
        entry("document", "b.xml", document_id="b", status="failed"),
        entry("other", "c.txt"),
    ]
    tables = cast("Any", {"a": [row("t"), row("u")]})
    whole = entries(found, tables, Listed(keep=True, main=False))
    assert [(one["name"], len(one["tables"])) for one in whole] == [
        ("z.zip", 0),
        ("a.xml", 2),
        ("b.xml", 0),
        ("c.txt", 0),
    ]
    part = entries(found, tables, Listed(keep=False, main=True))
    assert [(one["name"], len(one["tables"])) for one in part] == [("z.zip", 0), ("a.xml", 1), ("b.xml", 0)]


@pytest.mark.parametrize("status", ["found", "converting", "converted"])
def test_a_document_without_tables_that_has_not_failed_is_not_converted(status: str) -> None:
    with pytest.raises(NotConverted) as missing:
        entries([entry("document", "a.xml", document_id="a", status=status)], {}, Listed(keep=True, main=False))
    assert (missing.value.kind, missing.value.detail) == (Kind.CONFLICT, "A document is not converted yet.")
    assert NotConverted(documents=3).detail == "3 documents are not converted yet."


def test_a_collection_that_is_not_ready_says_why() -> None:
    assert NotReady(status="scanning").detail == "The upload is still being scanned."
    assert NotReady(status="failed").detail == "The upload could not be scanned."
