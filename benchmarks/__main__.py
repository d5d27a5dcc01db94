"""`python -m benchmarks` names what can be measured; `python -m benchmarks system` measures the whole product."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def names() -> list[str]:
    """The benchmarks: every module and folder here that has a `main`."""
    here = Path(__file__).parent
    modules = [path.stem for path in here.glob("*.py") if path.stem not in {"__main__", "product"}]
    folders = [path.parent.name for path in here.glob("*/__main__.py")]
    return sorted(modules + folders)


def main() -> int:
    """Run the benchmarks that are named, or all of them."""
    asked = sys.argv[1:] or names()
    if unknown := [name for name in asked if name not in names()]:
        print(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(names())}")
        return 2
    for name in asked:
        folder = Path(__file__).parent / name
        importlib.import_module(f"benchmarks.{name}.__main__" if folder.is_dir() else f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
