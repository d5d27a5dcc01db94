from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel, ByteSize, Field
from pydantic_settings import BaseSettings

ROOT = Path(__file__).resolve().parents[3]


class Lease(BaseModel):
    seconds: float = Field(default=30.0, description="how long.")


class Wanted(BaseSettings):
    limit: ByteSize = Field(ByteSize(64 << 20), description="most bytes | of all")
    names: tuple[str, ...] = Field(("a", "b"), description="Names.")
    on: bool = Field(default=True, description="Whether.")
    lease: Lease = Lease()
    empty: str = Field("", description="Nothing.")


@pytest.fixture(scope="module")
def settings_doc() -> ModuleType:
    spec = importlib.util.spec_from_file_location("settings_doc", ROOT / "scripts" / "settings_doc.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_setting_is_a_row_with_its_default_as_it_would_be_written(settings_doc: ModuleType) -> None:
    assert list(settings_doc.rows(Wanted, "RET_", set())) == [
        "| `RET_LIMIT` | `64MiB` | Most bytes \\| of all |",
        "| `RET_NAMES` | `a,b` | Names. |",
        "| `RET_ON` | `true` | Whether. |",
        "| `RET_LEASE_SECONDS` | `30.0` | How long. |",
        "| `RET_EMPTY` |  | Nothing. |",
    ]


def test_a_setting_that_was_described_is_not_repeated(settings_doc: ModuleType) -> None:
    assert len(list(settings_doc.rows(Wanted, "RET_", {"RET_LIMIT", "RET_NAMES"}))) == 3


def test_a_setting_without_description_is_refused(settings_doc: ModuleType) -> None:
    class Bare(BaseSettings):
        port: int = 1

    with pytest.raises(SystemExit, match="RET_PORT has no description"):
        list(settings_doc.rows(Bare, "RET_", set()))


@pytest.mark.parametrize("value,words", [(0, "0"), (1, "1"), (1 << 10, "1KiB"), (3 << 30, "3GiB"), (1500, "1500")])
def test_sizes_are_written_with_the_largest_unit_that_fits(settings_doc: ModuleType, value: int, words: str) -> None:
    assert settings_doc.size(value) == words
