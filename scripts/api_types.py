"""Writes what the page knows of the API, frontend/openapi.json and its types, from the gateway's own description.

python scripts/api_types.py            writes both
python scripts/api_types.py --check    writes nothing; ends with 1 when one of them is not up to date
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from ret_gateway.app import create_app
from ret_gateway.metrics import Metrics
from ret_gateway.openapi import describe
from ret_gateway.settings import GatewaySettings

FRONTEND = Path(__file__).resolve().parent.parent / "frontend"
TYPES = "src/api/schema.d.ts"


def description() -> str:
    """The OpenAPI document, in a form in which a change is a small difference."""
    document = describe(create_app(GatewaySettings(env="local"), Metrics()))
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def types(source: Path, target: Path) -> None:
    """Generates the types of a description, with the generator and the options of the page's own `types` script."""
    command = ["npx", "openapi-typescript", str(source), "-o", str(target), "--alphabetize"]
    subprocess.run(command, cwd=FRONTEND, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def main() -> int:
    """Runs the command; gives its exit status."""
    parser = argparse.ArgumentParser(description="Writes frontend/openapi.json and the types made from it.")
    parser.add_argument("--check", action="store_true", help="only say whether both are up to date")
    check = bool(parser.parse_args().check)
    with tempfile.TemporaryDirectory() as folder:
        fresh = {"openapi.json": Path(folder, "openapi.json"), TYPES: Path(folder, "schema.d.ts")}
        fresh["openapi.json"].write_text(description())
        types(fresh["openapi.json"], fresh[TYPES])
        stale = [name for name, path in fresh.items() if path.read_text() != _text(FRONTEND / name)]
        if not check:
            for name in stale:
                (FRONTEND / name).write_text(fresh[name].read_text())
    for name in stale:
        print(f"frontend/{name} {'is not what the gateway gives; run `make types`' if check else 'written'}")
    return 1 if check and stale else 0


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
