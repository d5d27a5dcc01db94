"""What a pool child does for a report: writes it, piece by piece, while it reads the results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ret_diff.differing import Differences
from ret_diff.report import html, xlsx
from ret_diff.report.changed import Changed
from ret_diff.report.order import Order, Table
from ret_kit.blobs import Blobs


def report(payload: dict[str, Any], write: Callable[[bytes], object]) -> None:
    """Write the report of an `Order`. NotFound or BlobDamaged when a result is not as it was stored."""
    order = cast("Order", payload)
    results = Differences(Blobs(order["blobs"]))

    def opened(table: Table) -> Changed:
        return results.open(table["prefix"])

    (html if order["format"] == "html" else xlsx).write(order, opened, write)
