"""Everything that is measured of comparing, in one run: `python -m benchmarks compare`."""

from __future__ import annotations

import sys

from benchmarks.compare import packages, pages, peers, speed, truth


def main() -> None:
    """Print the figures."""
    sys.argv[1:] = []  # the words were names of benchmarks
    for part in (peers, truth, speed, pages, packages):
        print(f"== {part.__name__.rpartition('.')[2]}", flush=True)
        part.main()


if __name__ == "__main__":
    main()
