"""What an image installs is what the repository holds: also migrations, word lists and type markers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def distributions() -> list[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["tool"]["ret"]["distributions"])


@pytest.mark.parametrize("folder", distributions())
def test_a_wheel_holds_every_file_of_its_package(folder: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    # Built from a copy: setuptools leaves its working files beside what it builds.
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "tools", "node_modules")
    shutil.copytree(ROOT / folder, source, ignore=unwanted)
    top = source / "gen" if folder == "proto" else source
    packages = [path for path in top.iterdir() if path.is_dir() and path.name.startswith("ret")]
    wanted = {str(path.relative_to(top)) for package in packages for path in package.rglob("*") if path.is_file()}
    if folder == "proto":
        wanted = {name for name in wanted if name.startswith("ret/")}
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-q", "--no-deps"]
    subprocess.run(
        [*command, "--no-build-isolation", "-w", str(tmp_path), str(source)],
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == wanted
