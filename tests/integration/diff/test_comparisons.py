"""Two sides are compared, and only what changed is told."""

from __future__ import annotations

import pytest
from diff_bench import Bench, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

KINDS = ("only_in_a", "only_in_b", "mismatch", "identical", "failed", "pending")


async def test_every_document_of_two_collections_has_its_status(shared: Bench) -> None:
    user = shared.user()
    a = await user.scanned({"same.xml": words("a", "b"), "other.xml": words("a", "b", "c"), "gone.xml": words("x" * 9)})
    b = await user.scanned({"same.xml": words("a", "b"), "other.xml": words("a", "B", "c"), "new.xml": words("y" * 9)})
    result = await user.compared(a, b)
    assert await result.statuses() == {
        "same.xml": "identical",
        "other.xml": "mismatch",
        "gone.xml": "only_in_a",
        "new.xml": "only_in_b",
    }
    assert [result.count(kind) for kind in KINDS] == [1, 1, 1, 1, 0, 0]
    pair = await result.pair("other.xml")
    [row] = await result.rows(pair, columns="all")
    assert (row["status"], row["a_row"], row["b_row"], row["changed"]) == ("changed", 2, 2, [1])
    assert (row["a"], row["b"]) == (["K002", "b"], ["K002", "B"])
    full = await result.rows(pair, columns="all", view="full")
    assert [one["status"] for one in full] == ["same", "changed", "same"]
