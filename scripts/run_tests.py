"""The whole check after everything is installed: `make check`, every test with coverage, the coverage gate."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import check
import coverage_gate

ROOT = Path(__file__).resolve().parent.parent
SUMMARY = re.compile(r"^=+ .*\b(passed|failed|error|no tests ran)\b.* =+$")


def tests(arguments: list[str]) -> tuple[int, str]:
    """Runs every test in two processes, under coverage; gives pytest's status and its closing line."""
    command = [
        sys.executable,
        "-m",
        "coverage",
        "run",
        "-m",
        "pytest",
        "-n",
        "2",
        "--dist",
        "loadfile",
        *arguments,
    ]
    # Warnings are errors in our own code and tests (pyproject.toml); the services they start are held to it as well.
    env = {**os.environ, "COVERAGE_CORE": "ctrace"}
    closing = ""
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=env
    ) as runner:
        assert runner.stdout is not None  # noqa: S101 - asked for with PIPE
        for line in runner.stdout:
            if SUMMARY.match(line.rstrip()):
                closing = line.rstrip()
            print(line, end="", flush=True)
    return runner.returncode, closing


def main() -> int:
    """Runs everything, also after a failure, so that one run tells all; gives 1 when anything failed."""
    began = time.monotonic()
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    print("· checking style, types and generated files", flush=True)
    checked = check.main(without="architecture")  # its tests are among all the others
    print("· running the tests", flush=True)
    status, closing = tests(sys.argv[1:])
    covered = coverage_gate.main() if not sys.argv[1:] else 0
    failed = [name for name, bad in (("check", checked), ("tests", status), ("coverage", covered)) if bad]
    print(f"· {'failed: ' + ', '.join(failed) if failed else 'all is well'} ({time.monotonic() - began:.0f} s)")
    print(closing, flush=True)  # last, where whoever reads only the end looks for it
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
