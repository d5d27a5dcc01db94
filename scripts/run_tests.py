"""The whole check after everything is installed: `make check`, every test with coverage, the coverage gate."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import check
import coverage_gate

ROOT = Path(__file__).resolve().parent.parent
SUMMARY = re.compile(r"^=+ (?P<counts>.*\b(passed|failed|errors?|skipped|no tests ran)\b.*) in [\d.]+s.* =+$")
COUNT = re.compile(r"(\d+) (passed|failed|error|skipped)")
FAILURE = re.compile(r"^(FAILED|ERROR) \S+::")


@dataclass(frozen=True)
class Round:
    """One run of pytest."""

    name: str
    arguments: tuple[str, ...]


ROUNDS = (
    # More processes than CI has cores: many tests wait for the servers they have started.
    Round("everything but the page", ("-n", "3", "--dist", "loadfile", "--ignore=tests/e2e")),
    # By itself: Playwright's event loop would be in the way of every asynchronous test after it in its process.
    Round("the page in a browser", ("tests/e2e",)),
)


def run(tests: Round, more: list[str]) -> tuple[int, Counter[str], list[str]]:
    """Runs one round under coverage; gives pytest's status, what its closing line counts, and its lines of failures."""
    command = [sys.executable, "-m", "coverage", "run", "-m", "pytest", *tests.arguments, *more]
    counts: Counter[str] = Counter()
    failures: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None  # noqa: S101 - asked for with PIPE
        for line in runner.stdout:
            if closing := SUMMARY.match(line.rstrip()):
                counts = Counter({word: int(number) for number, word in COUNT.findall(closing["counts"])})
            if FAILURE.match(line):
                failures.append(line.rstrip())
            print(line, end="", flush=True)
    return runner.returncode, counts, failures


def main() -> int:
    """Runs everything, also after a failure, so that one run tells all; gives 1 when anything failed."""
    began = time.monotonic()
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    print("· checking style, types and generated files", flush=True)
    wrong = ["check"] if check.main(without="architecture") else []  # its tests are among all the others
    counts: Counter[str] = Counter()
    failures: list[str] = []
    for tests in ROUNDS:
        print(f"· testing {tests.name}", flush=True)
        status, found, failed = run(tests, sys.argv[1:])
        counts += found
        failures += failed
        wrong += [tests.name] if status else []
    if not sys.argv[1:] and coverage_gate.main():
        wrong.append("coverage")
    print(f"· {'failed: ' + ', '.join(wrong) if wrong else 'all is well'} ({time.monotonic() - began:.0f} s)")
    for line in failures:
        print(line)
    # Last, and in words that whoever reads only the end understands.
    print(
        f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed, {counts['skipped']} skipped",
        flush=True,
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
