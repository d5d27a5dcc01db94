from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def prepare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prepare", ROOT / "scripts" / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_work_is_done_once_for_the_same_sources(prepare: ModuleType, tmp_path: Path) -> None:
    done: list[bool] = []
    for _ in range(3):
        with prepare.once(tmp_path / "stamp", "sources") as to_do:
            done.append(to_do)
    assert done == [True, False, False]


def test_changed_sources_are_work_again(prepare: ModuleType, tmp_path: Path) -> None:
    with prepare.once(tmp_path / "stamp", "old"):
        pass
    with prepare.once(tmp_path / "stamp", "new") as to_do:
        assert to_do


def test_work_that_failed_is_done_again(prepare: ModuleType, tmp_path: Path) -> None:
    with prepare.once(tmp_path / "stamp", "old"):
        pass
    with pytest.raises(prepare.Missing), prepare.once(tmp_path / "stamp", "new"):
        raise prepare.Missing
    with prepare.once(tmp_path / "stamp", "old") as to_do:
        assert to_do


def test_a_fingerprint_sees_names_contents_and_words(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("b")
    first = prepare.fingerprint([one, two], "word")
    assert prepare.fingerprint([two, one], "word") == first
    assert prepare.fingerprint([one, two], "other") != first
    one.write_text("b")
    two.write_text("a")
    assert prepare.fingerprint([one, two], "word") != first


def test_a_command_that_fails_shows_what_it_printed(prepare: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(prepare.Missing, match="status 3"):
        prepare.call("sh", "-c", "echo no such package; exit 3")
    assert "no such package" in capfd.readouterr().err


def test_a_machine_without_apt_is_told_what_to_install(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(prepare.Missing, match="nats-server redis-server"):
        prepare.apt("nats-server", "redis-server")
