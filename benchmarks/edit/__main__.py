"""Everything that is measured of looking at tables and editing them, in one run: `python -m benchmarks edit`."""

from __future__ import annotations

import sys

from benchmarks.edit import back, browser, pages, save


def main() -> None:
    """Print the figures."""
    sys.argv[1:] = []  # the words were names of benchmarks
    for part in (pages, save, back, browser):
        print(f"== {part.__name__.rpartition('.')[2]}", flush=True)
        part.main()


if __name__ == "__main__":
    main()
