from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from zip_samples import GOOD, plain

from ret_ingest import uploads, words
from ret_ingest.archive import Limits
from ret_ingest.errors import EmptyUpload, NotSupported, UploadTooLarge
from ret_ingest.settings import IngestSettings
from ret_ingest.uploads import Place
from ret_ingest.words import Words
from ret_kit.blobs import Blobs
from ret_kit.errors import Invalid, RetError

PLACE = Place("session", "collection")


async def pieces(*chunks: bytes, then: Exception | None = None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if then:
        raise then


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path.as_uri())


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
async def test_an_upload_is_stored_as_it_came_whatever_its_chunks(blobs: Blobs, size: int) -> None:
    data = plain({"a.xml": GOOD * 9000})
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    stored = await uploads.store(blobs, PLACE, "a.zip", pieces(*chunks), len(data))
    assert stored.size == len(data)
    assert await blobs.get(PLACE.key) == data


@pytest.mark.parametrize(
    "chunks,name,error",
    [
        ([b"x" * 60_000] * 3, "a.zip", UploadTooLarge(limit=100_000)),
        ([b"PK\3\4", b"x" * 200_000], "a.zip", UploadTooLarge(limit=100_000)),
        ([b"hello"], "a.txt", NotSupported()),
        ([b"\xff\xd8\xff" + b"\0" * 90_000], "a.jpg", NotSupported()),
        ([], "a.zip", EmptyUpload()),
        ([b"", b""], "a.zip", EmptyUpload()),
    ],
)
async def test_what_is_refused_leaves_nothing(
    blobs: Blobs, tmp_path: Path, chunks: list[bytes], name: str, error: RetError
) -> None:
    with pytest.raises(type(error)) as refused:
        await uploads.store(blobs, PLACE, name, pieces(*chunks), 100_000)
    assert refused.value == error
    assert files_below(tmp_path) == []


async def test_an_upload_that_breaks_off_leaves_nothing_and_says_why(blobs: Blobs, tmp_path: Path) -> None:
    broken = pieces(b"PK\3\4" + b"x" * 20_000_000, then=Invalid(field="file", reason="was cut off"))
    with pytest.raises(Invalid, match="cut off"):
        await uploads.store(blobs, PLACE, "a.zip", broken, 1 << 30)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "given,name",
    [("Upload.zip", "Upload.zip"), ("C:\\temp\\Upload.zip", "Upload.zip"), ("../../x\n.zip", "x_.zip")],
)
def test_a_file_name_is_made_harmless(given: str, name: str) -> None:
    assert uploads.file_name(given) == name


@pytest.mark.parametrize("given", ["", "  ", "folder/"])
def test_a_file_without_a_name_is_refused(given: str) -> None:
    with pytest.raises(Invalid):
        uploads.file_name(given)


@pytest.mark.parametrize("error", [UploadTooLarge(limit=5_000), EmptyUpload(), NotSupported()], ids=str)
def test_details_are_sentences(error: RetError) -> None:
    assert error.detail.endswith(".")


def test_the_guards_are_those_of_the_specification_and_settings() -> None:
    settings = IngestSettings()
    assert settings.limits() == Limits(20 << 30, 1000, 10 << 20, 200_000, 256)
    assert int(settings.ingest_upload_limit) == 2 << 30
    assert Words.of(**settings.words()) == Words()
    assert IngestSettings(ingest_depth_limit=7, ingest_modules="XY").limits().depth == 7
    assert settings.child_limits().memory_bytes == 1 << 30
    with pytest.raises(ValidationError):
        IngestSettings(ingest_entries_limit=0)


def test_the_words_are_written_once_each() -> None:
    modules = words.MODULES.split()
    assert len(modules) == len(set(modules))
    assert {
        "AP",
        "AR",
        "GL",
        "FA",
        "FND",
        "CE",
        "CST",
        "INV",
        "PO",
        "OM",
        "HR",
        "PER",
        "PAY",
        "XLA",
        "XLE",
        "ZX",
        "EGP",
    } <= set(modules)
