from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from convert_documents import store as blob_store

from ret_convert.arrow import batch_of, pa, pq
from ret_convert.batch import Batch
from ret_convert.flatten import Options
from ret_convert.layout import Column, Kind, TablePlan
from ret_convert.tables import Written, batches_of, columns_of, repeating, store
from ret_convert.xml import xml_flatten
from ret_kit.blobs import Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return blob_store(tmp_path)[1]


def table(*names: str) -> TablePlan:
    return TablePlan("t", "main", [Column(name, f"/{name}") for name in names])


def stored(blobs: Blobs, plan: TablePlan, *batches: list[list[str | None]]) -> Written:
    """The table of batches that are given column by column."""
    names = [column.name for column in plan.columns]
    return store(blobs, (Batch(plan, batch_of(columns, names)) for columns in batches), "t/")[plan]


def read(blobs: Blobs, written: Written) -> tuple[list[str], list[dict[str, str | None]]]:
    parquet = pq.ParquetFile(io.BytesIO(blobs.get_sync(written.blob.key)))
    return parquet.schema_arrow.names, parquet.read().to_pylist()


def test_cells_come_back_as_they_went_in(blobs: Blobs) -> None:
    made = stored(blobs, table("a", "a.b"), [["1", "", None], [" x ", "ü", "é\n"]])
    names, rows = read(blobs, made)
    assert names == ["a", "a.b"]
    assert rows == [{"a": "1", "a.b": " x "}, {"a": "", "a.b": "ü"}, {"a": None, "a.b": "é\n"}]
    assert (made.rows, made.columns, made.cells) == (3, 2, 5)


def test_every_column_is_text_and_knows_its_path_and_kind(blobs: Blobs) -> None:
    plan = TablePlan(
        "t", "child", [Column("_id", "", Kind.LINK), Column("a", "/r/a"), Column("#xml", "/r", Kind.SOURCE)], 1
    )
    made = stored(blobs, plan, [["1"], ["2"], ["<b/>"]])
    schema = pq.read_schema(io.BytesIO(blobs.get_sync(made.blob.key)))
    assert {str(field.type) for field in schema} == {"string"}
    assert columns_of(schema) == plan.columns
    assert made.cells == 2


@pytest.mark.parametrize("batches", [1, 3])
def test_columns_without_a_cell_are_not_there(blobs: Blobs, batches: int) -> None:
    plan = table("Item", "Item.Name", "x")
    cells: list[list[str | None]] = [["1", "2"], [None, None], ["a", None]]
    made = stored(blobs, plan, *[cells] * batches)
    names, rows = read(blobs, made)
    assert names == ["Item", "x"]
    assert len(rows) == made.rows == 2 * batches
    assert made.columns == 2


async def test_a_trimmed_table_leaves_nothing_else_behind(blobs: Blobs) -> None:
    made = stored(blobs, table("a", "b"), [["1"], [None]], [["2"], [None]])
    assert await blobs.keys("t/") == [made.blob.key]


def test_rows_without_any_cell_are_still_rows(blobs: Blobs) -> None:
    made = stored(blobs, table("a", "b"), [[None, None], [None, None]])
    assert read(blobs, made) == (["a"], [{"a": None}, {"a": None}])


def test_the_digest_is_that_of_the_blob(blobs: Blobs) -> None:
    made = stored(blobs, table("a"), [["1"]])
    data = blobs.get_sync(made.blob.key)
    assert (made.blob.size, made.blob.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_only_columns_whose_values_repeat_get_a_dictionary() -> None:
    count = 100
    columns: list[list[str | None]] = [[str(n) for n in range(count)], ["same"] * count]
    cells = [Column("Unique", "", number=0), Column("Same", "", number=1)]
    assert repeating(batch_of(columns, ["0", "1"]), cells) == ["Same"]
    assert repeating(batch_of([["same"] * 5], ["1"]), cells) == []


def test_batches_become_row_groups(blobs: Blobs) -> None:
    made = stored(blobs, table("a"), [["1", "2"]], [["3"]])
    parquet = pq.ParquetFile(io.BytesIO(blobs.get_sync(made.blob.key)))
    assert parquet.num_row_groups == 2
    assert parquet.metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_document_that_breaks_off_leaves_no_table(blobs: Blobs) -> None:
    plan = table("a")

    def broken() -> Iterator[Batch]:
        yield Batch(plan, batch_of([["1"]], ["a"]))
        yield Batch(plan, batch_of([["2"]], ["a"]))
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        store(blobs, broken(), "t/")
    with pytest.raises(Exception, match="NOT_FOUND"):
        blobs.get_sync("t/0/whole.parquet")


def test_a_whole_document_is_stored_table_by_table(blobs: Blobs) -> None:
    body = "<r><h>1</h>" + f"<o><a>1</a><b>2</b><c>3</c>{'<l><x>1</x></l>' * 9}</o>" * 2 + "</r>"
    flattening = xml_flatten(lambda: io.BytesIO(body.encode()), Options(record_path="r/o"), lambda _: None)
    made = store(blobs, flattening.batches(), "d/")
    assert [(one.name, one.rows) for one in (made[plan] for plan in flattening.result().tables)] == [
        ("o", 2),
        ("l", 18),
        ("_document", 1),
    ]


def test_a_table_without_rows_still_names_its_columns(blobs: Blobs) -> None:
    made = stored(blobs, table("a", "b"), [[], []])
    [batch] = list(batches_of(io.BytesIO(blobs.get_sync(made.blob.key))))
    assert (batch.num_rows, batch.schema.names) == (0, ["a"])
    assert pa.types.is_string(next(iter(pq.read_schema(io.BytesIO(blobs.get_sync(made.blob.key))))).type)
