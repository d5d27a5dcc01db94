from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import pytest
from convert_documents import store

from ret_convert import converting
from ret_convert.converting import convert
from ret_convert.flatten import Flattening, Options, Progress, Source
from ret_convert.orders import Order, Outcome, SourceOrder
from ret_kit.blobs import Blobs
from ret_kit.errors import StorageFull

GOOD = b"<r><i><a>1</a><b>2</b></i><i><a>3</a><b>4</b></i></r>"
BOMB = b"<!DOCTYPE r [<!ENTITY a '" + b"a" * 100_000 + b"'>]><r>" + b"&a;" * 20_000 + b"</r>"
XML = "application/xml"


@pytest.fixture
def place(tmp_path: Path) -> tuple[str, Blobs]:
    return store(tmp_path)


def source(blobs: Blobs, number: int, data: bytes, media_type: str = XML, **given: Any) -> SourceOrder:
    stored = blobs.put_sync(f"x/{number}", b"before" + data)
    order = SourceOrder(
        document_id=f"{number:032x}",
        media_type=media_type,
        bytes=len(data),
        key=stored.key,
        offset=6,
        length=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    order.update(given)  # pyright: ignore[reportCallIssue, reportArgumentType] - of the same keys
    return order


def order(url: str, *sources: SourceOrder, **given: Any) -> dict[str, Any]:
    whole = Order(
        blobs=url, prefix="p/", job_id="job", layout="auto", repeats=8, columns=200, record_paths={}, sources=[*sources]
    )
    return {**whole, **given}


def outcomes(url: str, *sources: SourceOrder, **given: Any) -> list[Outcome]:
    return convert(order(url, *sources, **given), lambda _: None)["outcomes"]


def test_a_document_becomes_stored_tables(place: tuple[str, Blobs]) -> None:
    url, blobs = place
    [made] = outcomes(url, source(blobs, 1, GOOD))
    assert (made["status"], made["method"], made["fidelity"], made["warnings"]) == ("converted", "native", 1.0, [])
    [table] = made["tables"]
    assert (table["name"], table["role"], table["rows"], table["columns"], table["cells"]) == ("i", "main", 2, 2, 4)
    assert table["blob_key"].startswith("p/")
    assert len(blobs.get_sync(table["blob_key"])) == table["size"]


def test_a_conversion_tells_how_records_were_cut_and_could_be(place: tuple[str, Blobs]) -> None:
    url, blobs = place
    data = b"<r><h><k>1</k><l>2</l></h><h><k>3</k><l>4</l></h><x><a>1</a><b>2</b></x><x><a>3</a><b>4</b></x></r>"
    both = [
        {"path": "r/h", "count": 2, "fields": 2, "share": 0.5},
        {"path": "r/x", "count": 2, "fields": 2, "share": 0.5},
    ]
    [found] = outcomes(url, source(blobs, 1, data))
    assert found.get("shape") == {
        "layout": "auto",
        "record_path": "r/h",
        "chosen": False,
        "candidates": both,
        "more": 0,
    }
    [asked] = outcomes(url, source(blobs, 1, data), layout="related", record_paths={f"{1:032x}": "r/x"})
    assert asked.get("shape") == {
        "layout": "related",
        "record_path": "r/x",
        "chosen": True,
        "candidates": both,
        "more": 0,
    }
    [failed] = outcomes(url, source(blobs, 1, data), record_paths={f"{1:032x}": "r/none"})
    assert (failed["status"], failed.get("shape")) == ("failed", None)


def test_of_many_candidates_those_that_hold_the_most_are_told(
    place: tuple[str, Blobs], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "CANDIDATES", 2)
    url, blobs = place
    sizes = (("a", 2), ("b", 5), ("c", 3), ("d", 3))
    data = "".join(f"<{name}><k>1</k><l>2</l></{name}>" * count for name, count in sizes)
    [made] = outcomes(url, source(blobs, 1, f"<r>{data}</r>".encode()))
    shape = made.get("shape")
    assert shape is not None
    assert ([one["path"] for one in shape["candidates"]], shape["more"]) == (["r/b", "r/c"], 2)


def test_the_same_order_gives_the_same_ids(place: tuple[str, Blobs]) -> None:
    url, blobs = place
    one, again = (outcomes(url, source(blobs, 1, GOOD))[0]["tables"][0]["id"] for _ in range(2))
    other = outcomes(url, source(blobs, 1, GOOD), job_id="other")[0]["tables"][0]["id"]
    assert one == again != other


def test_each_document_fails_alone(place: tuple[str, Blobs]) -> None:
    url, blobs = place
    kinds = [
        source(blobs, 1, BOMB.replace(b"<r>", b"<r><a></b>")),
        source(blobs, 2, BOMB),
        source(blobs, 3, GOOD),
        source(blobs, 4, b"PK", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ]
    made = outcomes(url, *kinds)
    assert [one["status"] for one in made] == ["failed", "failed", "converted", "failed"]
    assert [[warning["code"] for warning in one["warnings"]] for one in made] == [
        ["XML_ENTITY_BOMB"],
        ["XML_ENTITY_BOMB"],
        [],
        ["WORKBOOK_DAMAGED"],
    ]
    assert "cannot be read" in made[3]["warnings"][0]["detail"]


def test_csv_documents_are_read(place: tuple[str, Blobs]) -> None:
    url, blobs = place
    made = outcomes(
        url, source(blobs, 1, b"a,b\n1,2\n", "text/csv"), source(blobs, 2, b"a\tb\n", "text/tab-separated-values")
    )
    assert [one["tables"][0]["rows"] for one in made] == [1, 0]


def test_the_record_path_is_by_document(place: tuple[str, Blobs]) -> None:
    url, blobs = place
    sources = [source(blobs, 1, GOOD), source(blobs, 2, GOOD)]
    made = outcomes(url, *sources, record_paths={sources[0]["document_id"]: "r"}, layout="single")
    assert [one["tables"][0]["name"] for one in made] == ["r", "i"]


def test_a_document_whose_bytes_have_changed_is_not_converted(place: tuple[str, Blobs]) -> None:
    url, blobs = place
    [made] = outcomes(url, source(blobs, 1, GOOD, sha256="0" * 64))
    assert [warning["code"] for warning in made["warnings"]] == ["BLOB_DAMAGED"]


def test_warnings_of_a_converted_document_are_told(place: tuple[str, Blobs]) -> None:
    url, blobs = place
    data = b'<!DOCTYPE r [<!ENTITY x SYSTEM "f">]><r><i><a>&x;1</a><b>2</b></i></r>'
    [made] = outcomes(url, source(blobs, 1, data))
    assert (made["status"], made["warnings"][0]["code"]) == ("converted", "XML_EXTERNAL_ENTITY")


def test_an_error_of_ours_in_one_rung_costs_a_warning_and_is_logged(
    place: tuple[str, Blobs], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url, blobs = place

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(converting, "xml_flatten", broken)
    with caplog.at_level(logging.ERROR):
        [made] = outcomes(url, source(blobs, 1, GOOD))
    assert (made["status"], made["method"]) == ("converted", "recovered")
    assert "ZeroDivisionError" in made["warnings"][0]["detail"]
    assert caplog.records


def test_an_error_of_ours_elsewhere_fails_its_document_and_is_logged(
    place: tuple[str, Blobs], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url, blobs = place

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(converting, "rungs_of", broken)
    with caplog.at_level(logging.ERROR):
        [made] = outcomes(url, source(blobs, 1, GOOD))
    assert made["warnings"][0]["code"] == "INTERNAL"
    assert "ZeroDivisionError" in made["warnings"][0]["detail"]
    assert caplog.records


def test_a_full_store_ends_the_call(place: tuple[str, Blobs], monkeypatch: pytest.MonkeyPatch) -> None:
    url, blobs = place

    def full(*_: object) -> None:
        raise StorageFull

    monkeypatch.setattr(converting, "store", full)
    with pytest.raises(StorageFull):
        outcomes(url, source(blobs, 1, GOOD))


def test_lost_values_are_confessed_and_logged(
    place: tuple[str, Blobs], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url, blobs = place
    real = converting.xml_flatten

    def careless(*given: Any) -> Any:
        flattening = real(*given)
        whole = flattening.result

        def result() -> Any:
            found = whole()
            found.written.count -= 1
            return found

        flattening.result = result  # pyright: ignore[reportAttributeAccessIssue] - only here, to see it confessed
        return flattening

    monkeypatch.setattr(converting, "xml_flatten", careless)
    with caplog.at_level(logging.ERROR):
        [made] = outcomes(url, source(blobs, 1, GOOD))
    assert (made["status"], made["method"], made["fidelity"]) == ("converted", "recovered", 1.0)
    assert [warning["code"] for warning in made["warnings"]] == ["XML_RECOVERED"]
    assert "1 of 4 values are not in the tables." in made["warnings"][0]["detail"]
    assert "not conserved" in caplog.text


def test_nothing_stays_of_a_rung_that_did_not_hold(
    place: tuple[str, Blobs], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, blobs = place
    real = converting.store
    there: list[int] = []

    def stored(blobs: Blobs, batches: Any, prefix: str) -> Any:
        there.append(sum(path.is_file() for path in (tmp_path / "blobs" / "p").rglob("*")))
        found = real(blobs, batches, prefix)
        if len(there) == 1:
            raise ZeroDivisionError
        return found

    monkeypatch.setattr(converting, "store", stored)
    [made] = outcomes(url, source(blobs, 1, GOOD))
    assert made["method"] == "repaired"
    assert there == [0, 0]


def test_progress_tells_documents_bytes_and_figures(place: tuple[str, Blobs]) -> None:
    url, blobs = place
    told: list[dict[str, Any]] = []
    convert(order(url, source(blobs, 1, GOOD), source(blobs, 2, BOMB)), told.append)
    assert [one["bytes"] for one in told] == sorted(one["bytes"] for one in told)
    assert told[-1] == {
        "documents": 2,
        "bytes": len(GOOD) + len(BOMB),
        "rows": 2,
        "cells": 4,
        "failed": 1,
        "methods": {"native": 1},
    }


def test_options_are_those_of_the_order(place: tuple[str, Blobs], monkeypatch: pytest.MonkeyPatch) -> None:
    url, blobs = place
    seen: list[Options] = []
    real = converting.xml_flatten

    def watched(source: Source, options: Options, progress: Progress) -> Flattening:
        seen.append(options)
        return real(source, options, progress)

    monkeypatch.setattr(converting, "xml_flatten", watched)
    outcomes(url, source(blobs, 1, GOOD), repeats=3, columns=50, layout="related")
    assert (seen[0].repeats, seen[0].columns, seen[0].layout) == (3, 50, "related")


def test_a_large_damaged_document_is_no_damaged_blob(place: tuple[str, Blobs], monkeypatch: pytest.MonkeyPatch) -> None:
    url, blobs = place
    monkeypatch.setattr(converting, "IN_MEMORY", 100)
    document = b"<r>" + b"<i><a>1</a><b>2</i>" * 50 + b"</r>"
    [made] = outcomes(url, source(blobs, 1, document))
    assert made["status"] == "converted"
    assert made["method"] != "native"
