"""What is judged without running the product: style, types, drift of generated files, the page's own checks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = f"{ROOT / '.venv' / 'ret-node'}:{Path(sys.executable).parent}"
BUF = ROOT / "scripts" / "buf" / "node_modules" / ".bin" / "buf"


@dataclass(frozen=True)
class Check:
    """One command that must end with 0."""

    name: str
    command: Sequence[str | Path]
    folder: Path = ROOT


def baseline() -> str:
    """What the contracts may not break: the last release, or what is committed while there is none."""
    tag = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0", "--match", "v*"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return f".git#{f'tag={tag}' if tag else 'ref=HEAD'},subdir=proto"


def checks() -> list[Check]:
    """The checks, those that take longest first."""
    python = sys.executable
    return [
        Check("types (basedpyright, strict)", ["basedpyright", "--level", "warning", "--warnings"]),
        Check("page: eslint, vue-tsc, vitest", ["npm", "run", "--silent", "check"], ROOT / "frontend"),
        Check("page: API types without drift", [python, "scripts/api_types.py", "--check"]),
        Check("architecture", [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/architecture"]),
        Check("style (ruff check)", ["ruff", "check", "-q", "."]),
        Check("format (ruff format)", ["ruff", "format", "-q", "--check", "."]),
        Check("stubs without drift", [python, "scripts/proto.py", "--check"]),
        Check("docs/settings.md without drift", [python, "scripts/settings_doc.py", "--check"]),
        Check("contracts: buf lint", [BUF, "lint", "proto"]),
        Check("contracts: buf breaking", [BUF, "breaking", "proto", "--against", baseline()]),
    ]


def run(check: Check) -> bool:
    """Runs one check; prints one line, and the output of a failed one."""
    began = time.monotonic()
    done = subprocess.run(
        [str(word) for word in check.command],
        cwd=check.folder,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "PATH": f"{TOOLS}:{os.environ.get('PATH', '')}"},
    )
    good = done.returncode == 0
    line = f"{'ok  ' if good else 'FAIL'} {check.name} ({time.monotonic() - began:.0f} s)"
    print(line if good else f"{line}\n{done.stdout.rstrip()}", flush=True)
    return good


def main(*, without: str = "", width: int = 2) -> int:
    """Runs all checks but the one without which it is asked to be, `width` at a time; gives 1 when one failed."""
    with ThreadPoolExecutor(width) as pool:
        results = list(pool.map(run, [check for check in checks() if check.name != without]))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
