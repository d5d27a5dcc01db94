"""Sound documents, damaged at random: always a table, never an error, and nothing lost where nothing was damaged."""

from __future__ import annotations

import io
from collections import Counter
from html import unescape

import pytest
from convert_examples import examples
from convert_ladder import Climbed, climbed
from hypothesis import given, settings
from hypothesis import strategies as st

from ret_convert.flatten import Options
from ret_convert.ladder.ladder import NATIVE, REPAIRED
from ret_convert.ladder.reading import document_of
from ret_convert.ladder.repaired import repaired
from ret_convert.ladder.survey import survey_of
from ret_convert.layout import Layout

RECORDS = 12
ENCODINGS = ("utf-8", "cp1252")
INSERTED = tuple(b"< > & \" ' / = </ /> <!-- --> ]]> <? \0 \xff \r".split(b" "))
DAMAGES = st.tuples(
    st.integers(0, 1 << 20),
    st.sampled_from(["flip", "replace", "delete", "insert", "cut"]),
    st.integers(0, 255),
)


def record(number: int) -> str:
    return (
        f"<Item id=\"i{number}x\" n:k='k{number}x'><Code>{number:04d}x</Code>"
        f"<Word>wörd{number}x &amp; &lt;more&gt;</Word><!-- note --><N>n{number}x</N></Item>"
    )


def values(number: int) -> list[str]:
    return [f"i{number}x", f"k{number}x", f"{number:04d}x", f"wörd{number}x & <more>", f"n{number}x"]


def document(encoding: str) -> tuple[bytes, list[tuple[int, int]]]:
    """A document, and from where to where its records go."""
    data = f'<?xml version="1.0" encoding="{encoding}"?>\n<Items xmlns:n="urn:n">\n'.encode(encoding)
    spans: list[tuple[int, int]] = []
    for number in range(RECORDS):
        one = record(number).encode(encoding)
        spans.append((len(data), len(data) + len(one)))
        data += one + "\n".encode(encoding)
    return data + "</Items>".encode(encoding), spans


def damaged(data: bytes, how: tuple[int, str, int]) -> tuple[bytes, int, int]:
    """The document with one damage, and from where to where it was touched."""
    place, kind, byte = how
    at = place % len(data)
    if kind == "insert":
        return data[:at] + INSERTED[byte % len(INSERTED)] + data[at:], at - 1, at + 1
    if kind == "cut":
        return data[:at] + data[at + byte + 1 :], at - 1, at + byte + 2
    put = {"flip": bytes([data[at] ^ (1 << byte % 8)]), "replace": bytes([byte]), "delete": b""}[kind]
    return data[:at] + put + data[at + 1 :], at - 1, at + 2


def lost(one: Climbed, spans: list[tuple[int, int]], start: int, end: int) -> list[str]:
    """Values of records that were not touched and are in no cell."""
    cells = set(one.cells)
    text = unescape("\0".join(one.cells))
    untouched = (number for number, (first, last) in enumerate(spans) if last <= start or first >= end)
    return [value for number in untouched for value in values(number) if value not in cells and value not in text]


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=examples(25), deadline=None)
@given(how=DAMAGES, layout=st.sampled_from(list(Layout)))
def test_no_value_of_an_undamaged_record_is_lost(encoding: str, how: tuple[int, str, int], layout: Layout) -> None:
    data, spans = document(encoding)
    body, start, end = damaged(data, how)
    one = climbed(body, Options(layout))
    assert one.landed.flattened.tables
    assert one.landed.flattened.conserved
    assert 0 <= one.fidelity <= 1
    assert bool(one.codes) == (one.method != NATIVE)
    if one.method != NATIVE:  # what is still well-formed means what it says
        assert lost(one, spans, start, end) == []


@settings(max_examples=examples(20), deadline=None)
@given(st.lists(DAMAGES, min_size=2, max_size=12))
def test_however_much_is_damaged_there_is_a_table(damages: list[tuple[int, str, int]]) -> None:
    body, _ = document("utf-8")
    for how in damages:
        body = damaged(body, how)[0]
    one = climbed(body)
    assert one.landed.flattened.tables
    assert one.landed.flattened.conserved


@settings(max_examples=examples(50), deadline=None)
@given(st.binary(max_size=200) | st.lists(st.sampled_from((*INSERTED, b"a", b"a b", b"!", b"![CDATA["))).map(b"".join))
def test_any_bytes_are_a_table(body: bytes) -> None:
    one = climbed(body)
    assert one.landed.flattened.tables
    assert one.landed.flattened.conserved


@settings(max_examples=examples(12), deadline=None)
@given(st.integers(0, RECORDS - 1), st.sampled_from(["&", " < ", "]]>", "&nbsp;", "&what;", "&#65"]))
def test_what_is_repaired_is_the_same_each_time_and_keeps_everything(number: int, fault: str) -> None:
    data, spans = document("utf-8")
    body = data.decode().replace(f"n{number}x", f"n{number}x{fault}").encode()
    survey = survey_of(document_of(lambda: io.BytesIO(body)), lambda _: None)
    assert survey.guesses == 0
    opened = repaired(survey)
    with opened() as first, opened() as second:
        whole = first.read()
        assert b"".join(iter(lambda: second.read(7), b"")) == whole
    one = climbed(body)
    assert (one.method, one.fidelity) == (REPAIRED, 1.0)
    wanted = Counter(value for other in range(RECORDS) if other != number for value in values(other))
    assert not wanted - Counter(one.cells)
    assert len(one.main) == RECORDS == len(spans)
