"""The mutator, its scores and the cases of the peers, which are those of the tests: tests/unit/diff."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "unit" / "diff"
if str(FOLDER) not in sys.path:
    sys.path.append(str(FOLDER))

from planted import EDITS, EVERYTHING, ROWS, SHUFFLED, planted  # noqa: E402 - found by the line above
from planted_scores import parents_of, score  # noqa: E402 - as above
from planted_shapes import SHAPES  # noqa: E402 - as above
from truth_peers import CASES, NOT_RUN, Case, as_csv  # noqa: E402 - as above

PLANS = {"edits": EDITS, "rows": ROWS, "everything": EVERYTHING, "shuffled": SHUFFLED}

__all__ = ["CASES", "NOT_RUN", "PLANS", "SHAPES", "Case", "as_csv", "parents_of", "planted", "score"]
