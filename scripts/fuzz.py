"""The native core under sanitizers: documents nobody thought of for ten minutes, then the tests of the core.

`make fuzz` runs it; its arguments are the seconds for which documents are made up (600), and a seed. A crash, a read
beyond what was allocated, undefined behaviour, a leak, a value lost or a document that never ends fails it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONVERT = ROOT / "services" / "convert"
NATIVE = CONVERT / "native"
PLACE = ROOT / ".make" / "fuzz"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-g", "-fno-omit-frame-pointer", *SANITIZERS]
ALONE = ("memory", "tally", "source", "shape", "columns", "events", "scan", "parse")
"""What needs no Python."""
TESTS = ("native", "scan", "flatten", "conservation", "safety", "shape", "layout")
PRELOADED = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("ret_convert._core", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
sys.modules["ret_convert._core"] = module
import ret_convert
ret_convert._core = module
import pytest
sys.exit(pytest.main(sys.argv[2:]))
"""


def compiler() -> str:
    """The C compiler."""
    return os.environ.get("CC", "cc")


def alone(seconds: int, seed: str) -> None:
    """Make documents up, and hold the core to its promises, with leaks counted at the end."""
    program = PLACE / "fuzz"
    sources = [NATIVE / f"{name}.c" for name in ALONE]
    subprocess.run([compiler(), *FLAGS, *sources, NATIVE / "fuzz" / "fuzz.c", "-lexpat", "-o", program], check=True)
    # Whoever takes much longer than was asked for hangs.
    subprocess.run([program, str(seconds), *([seed] if seed else [])], check=True, timeout=seconds + 120)


def with_python() -> None:
    """Run the tests of the core with a core that watches its memory."""
    module = PLACE / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = f"-I{sysconfig.get_path('include')}"
    sources = sorted(NATIVE.glob("*.c"))
    subprocess.run([compiler(), *FLAGS, "-fPIC", "-shared", include, *sources, "-lexpat", "-o", module], check=True)
    library = subprocess.run(
        [compiler(), "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
    ).stdout.strip()
    # Python itself leaves things behind: leaks are the other half's subject.
    env = {**os.environ, "LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    tests = [str(ROOT / "tests" / "unit" / "convert" / f"test_{name}.py") for name in TESTS]
    command = [sys.executable, "-c", PRELOADED, str(module), "-q", "-p", "no:cacheprovider", *tests]
    subprocess.run(command, check=True, cwd=ROOT, env=env)


def main() -> int:
    """Both; 1 when one of them found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=int, nargs="?", default=600)
    parser.add_argument("seed", nargs="?", default="")
    asked = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    try:
        alone(asked.seconds, asked.seed)
        with_python()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
