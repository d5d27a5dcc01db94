"""Workbooks as Excel wrote them until 2003."""

from __future__ import annotations

import struct

import pytest
from workbook_reading import read, refusal, tables
from workbook_samples import OLD

from ret_convert.errors import DocumentFailed
from ret_convert.workbooks import xls


def test_an_old_workbook_is_read_with_its_errors() -> None:
    assert tables(OLD.read_bytes()) == {
        "Über": [
            ["Id", "Amount", "Flag", "When", "Note"],
            ["007", "0.3", "TRUE", "2024-01-02T03:04:05", " two\nlines "],
            [None] * 5,
            [None, "#N/A", None, "2024-01-02", None],
            ["12", "1234567890123", None, "03:04:00", None],
        ],
        "Hidden": [["n0", "n1", "n2"], ["0", "1", "2"]],
    }


def records(*found: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in found)


def test_records_are_counted_by_a_walk_of_their_own() -> None:
    boundsheet = (xls.BOUNDSHEET, struct.pack("<IBB", 0, 0, 0) + b"\1\0A")
    head = [(xls.BOF, bytes(16)), boundsheet, (xls.EOF, b"")]
    start = len(records(*head))
    at = struct.pack("<HHH", 4, 2, 0)
    head[1] = (xls.BOUNDSHEET, struct.pack("<IBB", start, 0, 0) + b"\1\0A")
    body = [
        (xls.BOF, bytes(16)),
        (xls.DIMENSIONS, struct.pack("<IIHHH", 0, 5, 0, 3, 0)),
        (xls.MULRK, struct.pack("<HH", 1, 0) + bytes(12) + struct.pack("<H", 1)),
        (xls.NUMBER, at + bytes(8)),
        (xls.LABEL, at + b"\1\0\0x"),
        (xls.BOOLERR, at + b"\x07\1"),
        (xls.FORMULA, at + bytes(8)),
        (xls.FORMULA, at + b"\0\0\0\0\0\0\xff\xff"),
        (xls.FORMULA, at + b"\1\0\1\0\0\0\xff\xff"),
        (xls.FORMULA, at + b"\2\0\x2a\0\0\0\xff\xff"),
        (xls.FORMULA, at + b"\3\0\0\0\0\0\xff\xff"),
        (xls.BOF, bytes(16)),
        (xls.NUMBER, at + bytes(8)),
        (xls.EOF, b""),
        (xls.EOF, b""),
    ]
    [walked] = xls.Records(records(*head, *body)).sheets
    assert (walked.others, walked.texts, walked.errors) == (7, [(4, 2), (4, 2)], {(4, 2): "#N/A"})
    assert (walked.reach.rows, walked.reach.columns) == (5, 3)
    with pytest.raises(DocumentFailed):
        xls.Records(records(head[0], head[1], head[1], head[2], *body))
    body[1] = (xls.DIMENSIONS, struct.pack("<HHHHH", 0, 5, 0, 3, 0))  # as Excel 95 wrote it
    assert xls.Records(records(*head, *body)).sheets[0].reach.rows == 5
    body[1] = (xls.DIMENSIONS, struct.pack("<IIHHH", 0, 1 << 31, 0, 3, 0))
    with pytest.raises(DocumentFailed):
        xls.Records(records(*head, *body))


def test_damaged_old_workbooks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = OLD.read_bytes()
    assert refusal(whole[:8]) == "WORKBOOK_DAMAGED"
    assert refusal(whole[:600]) == "WORKBOOK_DAMAGED"
    assert refusal(whole[:30] + b"\5" + whole[31:]) == "WORKBOOK_DAMAGED"
    assert refusal(whole.replace("Workbook".encode("utf-16-le"), "Nothings".encode("utf-16-le"))) == "WORKBOOK_DAMAGED"
    monkeypatch.setattr(xls, "AREA", 5)
    assert refusal(whole) == "WORKBOOK_TOO_LARGE"


@pytest.mark.parametrize("at", range(512, 5632, 331))
def test_an_old_workbook_with_a_broken_spot_is_read_or_refused(at: int) -> None:
    data = bytearray(OLD.read_bytes())
    data[at : at + 16] = b"\xff" * 16
    try:
        found, _ = read(bytes(data))
    except DocumentFailed:
        return
    assert found


def test_panics_of_calamine_are_damage() -> None:
    class PanicException(BaseException):
        pass

    with pytest.raises(DocumentFailed), xls.judged():
        raise PanicException
    with pytest.raises(KeyboardInterrupt), xls.judged():
        raise KeyboardInterrupt
