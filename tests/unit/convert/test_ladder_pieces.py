"""A document is read in pieces, and must be the same whatever lies on their borders, and however long its parts are."""

from __future__ import annotations

import io

import pytest
from convert_ladder import climbed

from ret_convert import native
from ret_convert.flatten import Options
from ret_convert.ladder import decoding, reading, tokens
from ret_convert.ladder.decoding import BYTES, Encoding, Text, encoding_of
from ret_convert.ladder.reading import Reading, document_of

RECORDS = "".join(
    f"<Item k='{n}'><A>a{n} &amp; é税</A><B><![CDATA[<b{n}>]]></B><!-- c{n} --></Item>\r\n" for n in range(9)
)
HEAD = '<?xml version="1.0"?><!DOCTYPE Items [<!ENTITY e "ent">]>'


class Told:
    """Everything a reading tells, text in one piece."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.events.append(("start", f"{name} {attributes}"))

    def end(self, name: str) -> None:
        self.events.append(("end", name))

    def text(self, data: str) -> None:
        if self.events and self.events[-1][0] == "text":
            data = self.events.pop()[1] + data
        self.events.append(("text", data))


def told(body: str | bytes) -> tuple[list[tuple[str, str]], list[tuple[int, int, str]]]:
    """The events of a document, and the line, the character and the reason of each damage."""
    data = body.encode() if isinstance(body, str) else body
    found: list[tuple[int, int, str]] = []
    handler = Told()
    read = Reading(
        document_of(lambda: io.BytesIO(data)), lambda one: found.append((one.line, one.at, one.fault.reason))
    )
    for _ in read.drive(handler):
        pass
    return handler.events, found


DAMAGED = [
    f"{HEAD}<Items>{RECORDS}&e;</Items> & junk",
    f"{HEAD}<Items>\n{RECORDS}\n</X>{RECORDS}</Items>",
    f"<Items>{RECORDS}<Item k='1' k='2' l=3 m><A>x < y &nbsp; &unknown;</A></Item>{RECORDS}</Items>",
    f"<Items>{RECORDS}<!-- without end {RECORDS}</Items>",
    f"<Items>{RECORDS}<B><![CDATA[without end </B>{RECORDS}</Items>",
    f"<Items>{RECORDS}<Item k='without end><A>1</A></Item>{RECORDS}</Items>",
    f"<Items>{RECORDS}<Item k='x < y'><A>1</A></Item >{RECORDS}<?pi a<b ?></Items>",
    f"<Items>{RECORDS}<Item><A>cut",
    f"<Items>{RECORDS}<Item><A",
    f"<Items>{RECORDS}</Item",
    f"<Items>{RECORDS}<!DOCTYPE x [ {RECORDS}</Items>",
]


@pytest.mark.parametrize("body", DAMAGED)
@pytest.mark.parametrize("size", [1, 7, 64])
def test_borders_between_pieces_change_nothing(body: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = told(body)
    monkeypatch.setattr(decoding, "PIECE", size)
    assert told(body) == whole


def test_bytes_of_one_character_may_lie_in_two_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    surrogates = b"\xed\xa0\xbd\xed\xb8\x80"
    data = "<r>é税".encode() * 9 + surrogates * 3 + b"\xe9"
    encoding = encoding_of(lambda: io.BytesIO(data))
    assert encoding == Encoding("utf-8", BYTES)
    whole = "".join(Text(lambda: io.BytesIO(data), encoding).pieces())
    assert whole == "<r>é税" * 9 + "\U0001f600" * 3 + "é"
    for size in (6, 7, 8, 9, 10, 11):
        monkeypatch.setattr(decoding, "PIECE", size)
        assert "".join(Text(lambda: io.BytesIO(data), encoding).pieces()) == whole


def test_a_stream_may_give_less_than_it_is_asked_for() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 3))

    data = "<r>é税</r>".encode() + b"\xe9"
    assert "".join(Text(lambda: Slow(data), Encoding("utf-8", BYTES)).pieces()) == "<r>é税</r>é"


@pytest.mark.parametrize(
    "body, cells",
    [
        (f"<r><a>1</a><!--{'x' * 500}--><b>2</b></a></r>", {"1", "2"}),
        (f"<r><a>1</a><b><![CDATA[{'x' * 500}]]></b></a></r>", {"1", "x" * 500}),
        (f"<r><a>1</a><b k='{'x' * 500}' >2</b></a></r>", {"1"}),
        (f"<r><a>1</a><b>2</b></a><!--{'x' * 500}--></r>", {"1", "2"}),
    ],
)
def test_what_is_longer_than_any_buffer_is_read_all_the_same(
    body: str, cells: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "PIECE", 16)
    monkeypatch.setattr(tokens, "AHEAD", 8)
    monkeypatch.setattr(tokens, "LONGEST", 100)
    events, _ = told(body)
    assert cells <= {text for kind, text in events if kind == "text"}
    assert "".join(text for _, text in events).count("x") == (0 if "<!--" in body else 500)


def test_a_document_of_events_is_learned_by_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "PREFIX", 200)
    monkeypatch.setattr(decoding, "PIECE", 64)
    monkeypatch.setattr(reading, "STEP", 4)
    one = climbed(f"<Items>{RECORDS}<Item><A></B>a</A></Item></Items></Q>", Options(rows=2))
    assert one.method == "recovered"
    assert [row["@k"] for row in one.main] == [*map(str, range(9)), None]


@pytest.mark.parametrize("tag", ["<b\u3007>", "<x k\u3007='1'/>", "</b\u3007>"])
def test_names_that_the_strict_reader_does_not_take_do_not_reach_it(tag: str) -> None:
    one = climbed(f"<r><i><a>1</a>t{tag}</i><i><a>2</a></i></x></r>")
    assert one.method in {"salvaged", "recovered"}
    assert any("1" in cell for cell in one.cells)
    assert one.landed.flattened.conserved


def test_a_tag_with_very_many_attributes_is_no_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_convert.ladder.tags.MOST", 3)
    events, _ = told("<r><i a=1 b=2 c=3 d=4 e=5>x</i></r>")
    assert ("start", "r {}") in events
    assert not any(text.startswith("i ") for kind, text in events if kind == "start")
