"""Everything that is measured of conversion, in one run: `python -m benchmarks convert`.

The core and its peers, shape for shape (`core`); the whole path in a running product (`whole`); the writers of exports
and theirs (`writers`). What is compared is compared on the same files in the same run.
"""

from __future__ import annotations

import sys

from benchmarks.convert import core, whole, writers


def main() -> None:
    """Print the figures."""
    sys.argv[1:] = []  # the words were names of benchmarks
    for part in (core, whole, writers):
        print(f"== {part.__name__.rpartition('.')[2]}", flush=True)
        part.main()


if __name__ == "__main__":
    main()
