from __future__ import annotations

from pathlib import Path

import pytest
from result_tables import Store, random_pair

from ret_diff.marks import Which


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "blobs")


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize("seed, shuffled", [(1, False), (2, True)])
def test_pages_of_any_size_are_together_what_the_two_tables_say(
    store: Store, seed: int, shuffled: bool, limit: int
) -> None:
    pair = random_pair(seed, shuffled=shuffled)
    result = pair.result()
    _, of = store.written(pair, result)
    expected = pair.shown(result)
    assert store.rows(of, Which.FULL, limit) == expected
    assert store.rows(of, Which.CHANGED, limit) == [row for row in expected if row["status"] != "same"]
    assert store.rows(of, Which.MOVES, limit) == [row for row in expected if row["status"] != "same" or row["moved"]]
