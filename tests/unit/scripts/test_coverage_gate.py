from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_gate", ROOT / "scripts" / "coverage_gate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(gate: ModuleType, overall: float, **changed: float) -> dict[str, Any]:
    names = [f"{name}csv.py" if name.endswith("/") else name for name in gate.CRAFT_FILES]
    files = {name: {"summary": {"percent_covered": changed.get(Path(name).stem, 95.0)}} for name in names}
    return {"totals": {"percent_covered": overall}, "files": files}


def test_enough_coverage_is_no_complaint(gate: ModuleType) -> None:
    assert gate.verdict(report(gate, 80.0)) == []


def test_too_little_over_all_is_told(gate: ModuleType) -> None:
    assert gate.verdict(report(gate, 79.94)) == ["over all 79.9 % < 80 %"]


def test_one_weak_file_of_the_craft_is_told_by_name(gate: ModuleType) -> None:
    assert gate.verdict(report(gate, 99.0, shape=89.9)) == ["services/convert/ret_convert/shape.py 89.9 % < 90 %"]


def test_a_craft_file_that_nobody_measured_is_told(gate: ModuleType) -> None:
    partial = report(gate, 99.0)
    del partial["files"]["services/ingest/ret_ingest/sniff.py"]
    assert gate.verdict(partial) == ["services/ingest/ret_ingest/sniff.py was not measured"]


def test_every_file_of_the_craft_is_there(gate: ModuleType) -> None:
    assert [name for name in gate.CRAFT_FILES if not (ROOT / name).exists()] == []
