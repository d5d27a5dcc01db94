"""What may be in the repository, and what must be."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

LARGEST = 1_000_000  # bytes of a tracked file
TEXT_CHECKED = 400_000  # bytes; generated stubs and lock files stay below
# Written in pieces, so that this file does not contain what it looks for.
REGISTRIES = ["py" + "pi.org", "pythonhosted" + ".org", "registry." + "npmjs", "deb." + "debian.org", "npm" + "mirror"]
MACHINE = [
    "/work/" + "main",
    "/work/" + "shared",
    "/tm" + "p/ret/",
    "." + "library/",
    "/root/" + ".pyenv",
    "../" + "shared",
]
UNFINISHED = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content[:8000] else content.decode("utf-8")


def lines_with(paths: list[Path], words: list[str], root: Path, *, whole_words: bool = False) -> list[str]:
    edge = r"\b" if whole_words else ""
    pattern = re.compile("|".join(f"{edge}{re.escape(word)}{edge}" for word in words))
    return [
        f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_tracked_file_is_larger_than_a_megabyte(tracked: list[Path], root: Path) -> None:
    assert [str(path.relative_to(root)) for path in tracked if path.stat().st_size > LARGEST] == []


def test_no_file_says_where_packages_come_from(tracked: list[Path], root: Path) -> None:
    assert lines_with(tracked, REGISTRIES, root) == []


def test_no_file_knows_the_machine_it_was_written_on(tracked: list[Path], root: Path) -> None:
    assert lines_with(tracked, MACHINE, root) == []


def test_nothing_is_left_for_later_in_the_code(tracked: list[Path], root: Path) -> None:
    code = [path for path in tracked if path.suffix in {".py", ".ts", ".vue", ".proto", ".sh", ".yaml", ".css"}]
    assert lines_with(code, UNFINISHED, root, whole_words=True) == []


@pytest.mark.parametrize("words", [REGISTRIES, MACHINE, UNFINISHED])
def test_each_search_finds_what_it_looks_for(words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    for word in words:
        path.write_text(f"see {word} there\n")
        assert lines_with([path], words, tmp_path), word


def test_every_decision_has_a_number_of_its_own_and_says_it(root: Path) -> None:
    numbers: list[str] = []
    for path in sorted((root / "docs/decisions").glob("*.md")):
        found = re.fullmatch(r"(\d{4})-[a-z0-9-]+", path.stem)
        assert found, path.name
        assert path.read_text().startswith(f"# {found[1]} "), path.name
        numbers.append(found[1])
    assert numbers
    assert len(set(numbers)) == len(numbers), numbers


def test_constraints_are_names_and_versions_only(root: Path) -> None:
    lines = [line for line in (root / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) > 20
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[a-z0-9.+!]+", line)] == []
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0])


def test_lock_files_of_the_page_hold_no_addresses(tracked: list[Path], root: Path) -> None:
    locks = [path for path in tracked if path.name == "package-lock.json"]
    assert [str(path.relative_to(root)) for path in locks] == ["frontend/package-lock.json"]
    assert [path for path in locks if '"resolved"' in path.read_text()] == []


def test_every_part_is_a_distribution_of_its_own(root: Path, tracked: list[Path]) -> None:
    with (root / "pyproject.toml").open("rb") as file:
        settings = tomllib.load(file)
    assert "project" not in settings, "the root holds tools and the workspace only"
    listed = {root / folder / "pyproject.toml" for folder in settings["tool"]["ret"]["distributions"]}
    assert listed == {path for path in tracked if path.name == "pyproject.toml" and path.parent != root}


def test_ci_runs_what_the_readme_tells_everybody_to_run(root: Path) -> None:
    lines = (root / ".ci/run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make test"]
    assert "make test" in (root / "README.md").read_text()


def test_every_target_of_the_makefile_explains_itself_and_finds_its_script(root: Path) -> None:
    text = (root / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)[0].split())
    explained = set(re.findall(r"^([a-z]+):.*## \S", text, re.MULTILINE))
    assert phony == explained
    for script in re.findall(r"scripts/[\w.-]+", text):
        assert (root / script).exists(), script


def test_top_folders_are_no_packages(root: Path) -> None:
    # A bare `gateway/` with an __init__.py would hide the package of the same name.
    for name in ("proto", "services", "gateway", "frontend", "deploy", "tests", "benchmarks", "scripts"):
        assert not (root / name / "__init__.py").exists(), name


def test_every_link_between_pages_leads_somewhere(tracked: list[Path], root: Path) -> None:
    wrong = [
        f"{path.relative_to(root)}: {target}"
        for path in tracked
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text())
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert wrong == []
