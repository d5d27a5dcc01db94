"""What of pages and shapes can be said without a service."""

from __future__ import annotations

import pytest

from ret.convert.v1 import convert_pb2
from ret_gateway import answers
from ret_gateway.models import TablePage
from ret_gateway.tables import names


@pytest.mark.parametrize(
    "given, expected",
    [
        ("", []),
        ("Id", ["Id"]),
        ("Id,@x,#text", ["Id", "@x", "#text"]),
        ("a%2Cb,100%25,Item[2].Name", ["a,b", "100%", "Item[2].Name"]),
        ("gr%C3%B6%C3%9Fe,größe", ["größe", "größe"]),
        ("a,,b", ["a", "", "b"]),
        ("50%", ["50%"]),
    ],
)
def test_names_in_a_list_are_decoded_one_by_one(given: str, expected: list[str]) -> None:
    assert names(given) == expected


def test_the_head_of_a_page_has_every_field_but_the_rows() -> None:
    header = convert_pb2.PageHeader(
        table_id="t", role="child", version=1, columns=[convert_pb2.PageColumn(name="A", path="/r/A", type="xml")]
    )
    head = answers.table_head(header)
    assert head.keys() | {"rows"} == TablePage.model_fields.keys()
    assert TablePage.model_validate(head | {"rows": [{"row": 1, "values": [None]}]}).columns[0].type == "xml"


def test_a_document_without_records_to_choose_has_no_record_path() -> None:
    shape = answers.shape(convert_pb2.ShapeResponse(document_id="d", layout="auto"))
    assert (shape.record_path, shape.candidates, shape.chosen) == (None, [], False)
