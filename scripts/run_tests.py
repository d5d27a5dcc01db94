"""The whole check after everything is installed: `make check`, every test with coverage, the coverage gate."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
    """One run of pytest. `measured` is whether coverage is taken of it."""

    name: str
    arguments: tuple[str, ...]
    measured: bool = True


# As many processes as CI has cores, and one more for the browser: many tests wait for the servers they have started.
EVERYTHING = Round(
    "everything but the page",
    ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "--ignore=tests/e2e"),
)
# By itself: Playwright's event loop would be in the way of every asynchronous test after it in its process. What it
# tests runs in processes of its own, so that there is nothing to measure.
BROWSER = Round("the page in a browser", ("tests/e2e",), measured=False)


@dataclass
class Result:
    """What came of a round: pytest's status, what its closing line counts, and its lines of failures."""

    name: str
    status: int
    counts: Counter[str]
    failures: list[str]


def run(tests: Round, more: list[str], show: Callable[[str], None]) -> Result:
    """Runs one round; `show` gets its output line by line."""
    measure = ["coverage", "run", "-m"] if tests.measured else []
    command = [sys.executable, "-m", *measure, "pytest", *tests.arguments, *more]
    result = Result(tests.name, 0, Counter(), [])
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None  # noqa: S101 - asked for with PIPE
        for line in runner.stdout:
            if closing := SUMMARY.match(line.rstrip()):
                result.counts = Counter({word: int(number) for number, word in COUNT.findall(closing["counts"])})
            if FAILURE.match(line):
                result.failures.append(line.rstrip())
            show(line)
    result.status = runner.returncode
    return result


def aside(more: list[str], lines: list[str]) -> tuple[int, Result]:
    """What goes on beside the long round: the checks, then the browser, whose output is kept for later."""
    status = check.main(without="architecture", width=1)  # its tests are among all the others
    return status, run(BROWSER, more, lines.append)


def main() -> int:
    """Runs everything, also after a failure, so that one run tells all; gives 1 when anything failed."""
    began = time.monotonic()
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    more, kept = sys.argv[1:], list[str]()
    with ThreadPoolExecutor(1) as beside:
        print("· checking style, types and generated files; testing everything but the page beside it", flush=True)
        other = beside.submit(aside, more, kept)
        results = [run(EVERYTHING, more, lambda line: print(line, end="", flush=True))]
        checked, browsed = other.result()
    print(f"· testing {browsed.name}\n{''.join(kept)}", end="", flush=True)
    results.append(browsed)
    wrong = ["check"] if checked else []
    wrong += [one.name for one in results if one.status]
    if not more and coverage_gate.main():
        wrong.append("coverage")
    print(f"· {'failed: ' + ', '.join(wrong) if wrong else 'all is well'} ({time.monotonic() - began:.0f} s)")
    for line in [line for one in results for line in one.failures]:
        print(line)
    # Last, and in words that whoever reads only the end understands.
    counts = sum((one.counts for one in results), Counter[str]())
    print(
        f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed, {counts['skipped']} skipped",
        flush=True,
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
