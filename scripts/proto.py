"""Generates proto/gen from proto/ret: messages, services and their types.

    python scripts/proto.py            writes proto/gen anew
    python scripts/proto.py --check    writes nothing; says what differs and ends with 1 if anything does

The generators are grpcio-tools (the compiler, messages, services) and mypy-protobuf (types). Their versions are
pinned in constraints.txt, so that two machines generate the same bytes.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent.parent / "proto"
GENERATED = PROTO / "gen"


def generate(into: Path) -> None:
    """Writes the stubs of every contract below `into`, which must exist."""
    includes = Path(protoc.__file__).parent / "_proto"
    contracts = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("ret/**/*.proto"))
    # protoc looks for its plug-ins on the path: those of this interpreter, also when its environment is not activated.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    arguments = [
        "protoc",
        f"--proto_path={PROTO}",
        f"--proto_path={includes}",
        f"--python_out={into}",
        f"--grpc_python_out={into}",
        f"--mypy_out=quiet:{into}",
        f"--mypy_grpc_out=quiet:{into}",
        *contracts,
    ]
    compiled = cast("Callable[[list[str]], int]", protoc.main)(arguments)  # pyright: ignore[reportUnknownMemberType] - it has no types
    if compiled != 0:
        sys.exit("proto: the compiler refused a contract")


def differences(left: Path, right: Path) -> list[str]:
    """The files, relative to both, that only one of them has or that differ."""
    names = {path.relative_to(root) for root in (left, right) for path in root.rglob("*.py*") if path.suffix != ".pyc"}
    return sorted(
        str(name)
        for name in names
        if not (left / name).is_file()
        or not (right / name).is_file()
        or not filecmp.cmp(left / name, right / name, shallow=False)
    )


def main() -> int:
    """Runs the command; gives its exit status."""
    parser = argparse.ArgumentParser(description="Generates proto/gen from proto/ret.")
    parser.add_argument("--check", action="store_true", help="only say whether proto/gen is up to date")
    check = bool(parser.parse_args().check)
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        stale = differences(fresh, GENERATED)
        if check:
            for name in stale:
                print(f"proto: {name} is not what proto/ret gives; run `make proto`")
            return 1 if stale else 0
        shutil.rmtree(GENERATED / "ret", ignore_errors=True)
        shutil.copytree(fresh / "ret", GENERATED / "ret")
    print(f"proto: {len(stale)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
