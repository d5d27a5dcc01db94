"""Judges branch coverage: at least 80 % over all, at least 90 % in each file of the craft."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OVERALL, CRAFT = 80.0, 90.0  # per cent
CRAFT_FILES = [
    "services/auth/ret_auth/passwords.py",
    "services/auth/ret_auth/policy.py",
    "services/auth/ret_auth/sessions.py",
    "services/auth/ret_auth/tokens.py",
    "services/convert/ret_convert/backxml/",
    "services/convert/ret_convert/flatten.py",
    "services/convert/ret_convert/ladder/",
    "services/convert/ret_convert/naming.py",
    "services/convert/ret_convert/native.py",
    "services/convert/ret_convert/positions.py",
    "services/convert/ret_convert/shape.py",
    "services/convert/ret_convert/tables.py",
    "services/convert/ret_convert/xml.py",
    "services/convert/ret_convert/export/",
    "services/diff/ret_diff/align.py",
    "services/diff/ret_diff/applying.py",
    "services/diff/ret_diff/artefact.py",
    "services/diff/ret_diff/assign.py",
    "services/diff/ret_diff/cells.py",
    "services/diff/ret_diff/columns.py",
    "services/diff/ret_diff/costs.py",
    "services/diff/ret_diff/encode.py",
    "services/diff/ret_diff/engine.py",
    "services/diff/ret_diff/equal.py",
    "services/diff/ret_diff/keyed.py",
    "services/diff/ret_diff/keys.py",
    "services/diff/ret_diff/moves.py",
    "services/diff/ret_diff/patterns.py",
    "services/diff/ret_diff/renames.py",
    "services/diff/ret_diff/similar.py",
    "services/diff/ret_diff/values.py",
    "services/diff/ret_diff/pairing/",
    "services/diff/ret_diff/report/",
    "services/ingest/ret_ingest/archive.py",
    "services/ingest/ret_ingest/grouping.py",
    "services/ingest/ret_ingest/inventory.py",
    "services/ingest/ret_ingest/sniff.py",
]


def verdict(report: dict[str, Any]) -> list[str]:
    """What is too low, a line each; a name of the list that no measured file has is too low as well."""
    wrong: list[str] = []
    overall = float(report["totals"]["percent_covered"])
    if overall < OVERALL:
        wrong.append(f"over all {overall:.1f} % < {OVERALL:.0f} %")
    for craft in CRAFT_FILES:
        found = {path: file for path, file in report["files"].items() if path == craft or path.startswith(craft)}
        if not found:
            wrong.append(f"{craft} was not measured")
        for path, file in sorted(found.items()):
            percent = float(file["summary"]["percent_covered"])
            if percent < CRAFT:
                wrong.append(f"{path} {percent:.1f} % < {CRAFT:.0f} %")
    return wrong


def main() -> int:
    """Combines what all processes measured, prints the report, and gives 1 when something is too low."""
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "-q"], cwd=ROOT, check=False)
    subprocess.run([*coverage, "report"], cwd=ROOT, check=False)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([*coverage, "json", "-q", "-o", file.name], cwd=ROOT, check=True)
        report = json.load(file)
    wrong = verdict(report)
    for line in wrong:
        print(f"coverage too low: {line}")
    if not wrong:
        print(
            f"coverage: {report['totals']['percent_covered']:.1f} % over all, every craft file at {CRAFT:.0f} % or more"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
