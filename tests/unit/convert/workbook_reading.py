"""Workbooks for tests: what they are read as, and rows of theirs."""

from __future__ import annotations

import io

import pytest

from ret_convert.errors import DocumentFailed
from ret_convert.flatten import Flattened, Options
from ret_convert.spreadsheets import WorkbookFlattening

Rows = list[list[str | None]]


def read(data: bytes, rows: int = 8192) -> tuple[dict[str, Rows], Flattened]:
    flattening = WorkbookFlattening(lambda: io.BytesIO(data), Options(rows=rows), lambda _: None)
    found: dict[str, Rows] = {}
    for one in flattening.batches():
        if one.table.name not in found:
            found[one.table.name] = [[column.name for column in one.table.columns]]
        found[one.table.name].extend([*row.values()] for row in one.columns.to_pylist())
    return found, flattening.result()


def tables(data: bytes) -> dict[str, Rows]:
    """Every table by name, its names first."""
    found, flattened = read(data)
    assert flattened.conserved
    return found


def sheet(data: bytes) -> Rows:
    """The only table."""
    [rows] = tables(data).values()
    return rows


def refusal(data: bytes) -> str:
    with pytest.raises(DocumentFailed) as refused:
        read(data)
    assert refused.value.detail.endswith(".")
    return refused.value.code


def cells(*texts: str, number: int = 1) -> str:
    """A row of a sheet with these texts."""
    inline = "".join(f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>' for text in texts)
    return f'<row r="{number}">{inline}</row>'


def table(name: str, *rows: str) -> str:
    return f'<table:table table:name="{name}">{"".join(rows)}</table:table>'


def row(*given: str, repeats: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeats}">{"".join(given)}</table:table-row>'


def cell(text: str = "", kind: str = "string", **given: str) -> str:
    names = {"times": "table:number-columns-repeated"}
    attributes = "".join(f' {names.get(name, f"office:{name}-value")}="{value}"' for name, value in given.items())
    shown = f"<text:p>{text}</text:p>" if text else ""
    attributes = attributes.replace("office:value-value", "office:value")
    return f'<table:table-cell office:value-type="{kind}"{attributes}>{shown}</table:table-cell>'
