"""The core, read in one piece and in many, by expat and by hand: always the same tables."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

import pytest
from convert_documents import Made, made, taken
from convert_documents import store as blob_store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ret_convert import native, xml
from ret_convert._core import Core
from ret_convert.arrow import pq
from ret_convert.batch import Restart
from ret_convert.errors import CellTooLarge, EntityBomb, Malformed, TooManyLevels, TooManyPaths
from ret_convert.layout import Layout, Options
from ret_convert.native import NativeFlattening
from ret_convert.positions import positions
from ret_convert.tables import Written, store
from ret_convert.xml import xml_flatten
from ret_kit.blobs import Blobs


@pytest.fixture
def bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents come in small pieces, little is learned beforehand, and rows leave at once."""
    monkeypatch.setattr(xml, "FEED", 64)
    monkeypatch.setattr(native, "PREFIX", 64)
    monkeypatch.setattr(native, "FLUSH", 1)


def item(body: str) -> str:
    return f"<Item>{body}</Item>"


LATE = {
    "a column": item("<A>1</A><B>2</B>") * 50 + item("<A>1</A><C>3</C>"),
    "a repeat": item("<A>1</A><B>2</B>") * 50 + item("<A>1</A><A>2</A><B>3</B>"),
    "too many repeats": item("<A>1</A><B>2</B>") * 50 + item("<A>1</A>" * 12 + "<B>3</B>"),
    "another record": item("<A>1</A><B>2</B>") * 20 + "<Big>" + "<Row><X>1</X><Y>2</Y></Row>" * 90 + "</Big>",
    "mixed content": item("<A>1</A><B>2</B>") * 50 + item("<A>one <i>two</i> three</A><B>4</B>"),
    "mixed content again": item("<A>a<i>b</i></A><B>2</B>") * 3 + item("<A>c<i>d<j>e</j>f</i></A><B>g<k/>h</B>"),
    "a container": item("<A>1</A><B> </B>") * 50 + item("<A>x<D>2</D></A><B>3</B>") + item("<A>4</A><B/>"),
    "text for the empty": item('<A k="1"/><B>2</B>') * 50 + item('<A k="2">t</A><B>3</B>'),
    "values around": item("<A>1</A><B>2</B>") * 50 + "<Total>50</Total>",
    "attributes": item("<A>1</A><B>2</B>") * 50 + '<Item n="1"><A m="2">1</A><B>2</B></Item>',
    "a namespace": item("<A>1</A><B>2</B>") * 50 + '<Item xmlns:n="urn:n"><n:A>1</n:A><A>2</A></Item>',
    "runs of text": "<r>a<x/>b</r>" * 2 + item("<A>1</A><B>2</B>") * 20 + "c" + item("<A>1</A><B>2</B>") + "d",
}


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("late", LATE)
def test_what_comes_late_changes_nothing(
    late: str, layout: Layout, bit_by_bit: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = f"<Items>{LATE[late]}</Items>"
    piecemeal = made(document, layout)
    monkeypatch.undo()
    same(piecemeal, made(document, layout))


def same(one: Made, other: Made) -> None:
    assert one.rows == other.rows
    assert [table.name for table in one.flattened.tables] == [table.name for table in other.flattened.tables]
    assert one.flattened.record_path == other.flattened.record_path
    assert one.flattened.values == other.flattened.values


def test_a_layout_that_turns_out_wrong_begins_anew(bit_by_bit: None) -> None:
    data = f"<Items>{LATE['too many repeats']}</Items>".encode()
    flattening = xml_flatten(lambda: io.BytesIO(data), Options(), lambda _: None)
    kinds = [type(batch) for batch in flattening.batches()]
    assert Restart in kinds
    assert kinds.index(Restart) > 0
    assert flattening.result().conserved


def test_progress_never_falls_when_a_document_is_read_again(bit_by_bit: None) -> None:
    data = f"<Items>{LATE['too many repeats']}</Items>".encode()
    told: list[int] = []
    list(xml_flatten(lambda: io.BytesIO(data), Options(), told.append).batches())
    assert told == sorted(set(told))
    assert told[-1] == len(data)


def kept(blobs: Blobs, document: str) -> Written:
    flattening = xml_flatten(lambda: io.BytesIO(document.encode()), Options(), lambda _: None)
    tables = store(blobs, flattening.batches(), "t/")
    return tables[flattening.result().tables[0]]


@pytest.mark.parametrize("late", LATE)
def test_a_table_that_is_stored_in_parts_is_the_same(late: str, bit_by_bit: None, tmp_path: Path) -> None:
    document = f"<Items>{LATE[late]}</Items>"
    expected = made(document).main
    _, blobs = blob_store(tmp_path)
    main = kept(blobs, document)
    rows = pq.read_table(io.BytesIO(blobs.get_sync(main.blob.key))).to_pylist()
    filled = [{name: cell for name, cell in row.items() if cell is not None} for row in rows]
    assert filled == [{name: cell for name, cell in row.items() if cell is not None} for row in expected]
    assert main.rows == len(expected)
    assert main.cells == sum(len([name for name in row if not name.startswith("_")]) for row in filled)


@pytest.mark.parametrize("pieces", [1 << 20, 64])
def test_where_each_row_stands_in_its_document_is_kept(
    pieces: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(xml, "FEED", pieces)
    monkeypatch.setattr(native, "FLUSH", 1)
    items = [item(f"<A>{number}é</A><B/>") for number in range(40)]
    items[7] = item("<A>mixed <i>content</i></A>")
    document = f"<?xml version='1.0'?>\n<Items>\n  {'  '.join(items)}</Items>"
    _, blobs = blob_store(tmp_path)
    main = kept(blobs, document)
    places = positions(blobs, main.blob.key)
    assert places is not None
    data = document.encode()
    assert [data[start:end].decode() for start, end in places] == items


def test_text_beside_many_children_is_a_table_and_not_a_thousand_columns(bit_by_bit: None) -> None:
    data = b"<log>" + b"at <b>1</b> by " * 3000 + b"</log>"
    flattening = xml_flatten(lambda: io.BytesIO(data), Options(), lambda _: None)
    widest = max(len(batch.columns.schema.names) for batch in flattening.batches() if not isinstance(batch, Restart))
    assert flattening.result().conserved
    assert widest < 20


def by_hand(document: str) -> Made:
    """The events of a document, told by another parser."""

    def drive(core: Core, _: int | None) -> Iterator[int]:
        parser = expat.ParserCreate()
        parser.StartElementHandler = core.start
        parser.EndElementHandler = core.end
        parser.CharacterDataHandler = core.text
        parser.Parse(document.encode(), True)
        yield len(document)
        assert core.finish()

    return taken(NativeFlattening(drive, Options(), lambda _: None))


@pytest.mark.parametrize("late", LATE)
def test_events_that_are_told_by_hand_give_the_same_tables(late: str) -> None:
    document = f"<Items>{LATE[late]}</Items>"
    same(by_hand(document), made(document))


def test_elements_that_do_not_end_are_no_document() -> None:
    core = Core()
    core.restart(None, 0)
    core.start("a", {})
    assert not core.finish()
    assert core.failure()[0] == "unbalanced"
    core.restart(None, 0)
    core.end("a")
    assert not core.finish()
    core.restart(None, 0)
    assert not core.finish()
    assert core.failure()[0] == "empty"


def test_a_nul_is_in_no_attribute() -> None:
    core = Core()
    with pytest.raises(ValueError, match="NUL"):
        core.start("a", {"k": "x\0y"})


def test_the_core_refuses_what_makes_no_sense() -> None:
    core = Core()
    with pytest.raises(ValueError, match="nothing is open"):
        core.feed(b"<a/>", last=True)
    with pytest.raises(IndexError):
        core.held(0)
    with pytest.raises(ValueError, match="no such path"):
        core.restart([(9, False)], 10)
    with pytest.raises(ValueError, match="256"):
        core.open(None, [1], plain=True)


def test_too_many_different_elements_are_a_reason() -> None:
    with pytest.raises(TooManyPaths):
        made("<r>" + "".join(f"<e{number}/>" for number in range(66_000)) + "</r>")


def test_too_many_levels_are_a_reason() -> None:
    with pytest.raises(TooManyLevels):
        made("<a>" * 1_100_000)


def test_a_value_that_no_cell_can_hold_is_a_reason() -> None:
    with pytest.raises(CellTooLarge):
        made(b"<r><a>" + b"x" * (65 << 20) + b"</a></r>")


def test_a_table_that_would_be_all_but_empty_is_a_reason() -> None:
    with pytest.raises(TooManyPaths):
        made("<r>" + "".join(f'<x a{number}="1"/>' for number in range(8400)) + "</r>")


def test_rows_leave_in_the_middle_of_a_piece_when_many_wait() -> None:
    data = ("<r>" + "".join(f'<x a{number % 600}="{number}"/>' for number in range(18_000)) + "</r>").encode()
    assert len(data) < xml.FEED
    one = xml_flatten(lambda: io.BytesIO(data), Options(columns=1000), lambda _: None)
    rows = [batch.columns.num_rows for batch in one.batches() if not isinstance(batch, Restart)]
    assert len(rows) > 1
    assert sum(rows) == 18_000
    assert one.result().conserved


def test_entities_in_attributes_are_counted_as_well() -> None:
    entity = f'<!DOCTYPE r [<!ENTITY e "{"x" * 60_000}">]>'
    uses = '<x v="&e;"/>' * 600
    with pytest.raises(EntityBomb):
        made(f"{entity}<r><!--{' ' * 1_000_000}-->{uses}</r>")


def test_namespaces_inside_namespaces_are_told_apart_however_many() -> None:
    inner = '<a:y xmlns:b="urn:b{b}"><b:z xmlns:c="urn:c{c}"><c:v>{n}</c:v></b:z></a:y>'
    body = "".join(f'<x xmlns:a="urn:{n % 40}">{inner.format(b=n % 30, c=n % 20, n=n)}</x>' for n in range(3000))
    one = made(f"<r>{body}</r>")
    assert one.flattened.values.count == 3000


def test_names_that_never_come_again_cost_no_memory_for_ever() -> None:
    body = "".join(f'<i xmlns:n{number}="urn:n"><a n{number}:k="1">x</a></i>' for number in range(30_000))
    one = made(f"<r>{body}</r>")
    assert len(one.main) == 30_000
    assert one.main[-1] == {"a.@k": "1", "a": "x"}


def test_a_failed_reading_says_where(bit_by_bit: None) -> None:
    with pytest.raises(Malformed) as wrong:
        made("<r>\n" + item("<A>1</A>") * 30 + "\n  <x></y></r>")
    assert (wrong.value.line, wrong.value.column) == (3, 8)


PIECES = st.lists(
    st.sampled_from(
        [
            "<a>",
            "</a>",
            "<b k='v'>",
            "</b>",
            "<c/>",
            "text",
            " ",
            "<d>1</d>",
            "<d>2</d>",
            "&amp;",
            "<![CDATA[x]]>",
            "<!-- -->",
        ]
    ),
    max_size=60,
)


@given(PIECES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_document_is_read_differently_in_small_pieces(pieces: list[str]) -> None:
    document = f"<r>{balanced(pieces)}</r>"
    whole = made(document)
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in ((xml, "FEED", 7), (native, "PREFIX", 7), (native, "FLUSH", 1)):
            patch.setattr(module, name, value)
        same(made(document), whole)


def balanced(pieces: list[str]) -> str:
    """The pieces, with every element ended that was begun, and none that was not."""
    open_names: list[str] = []
    found: list[str] = []
    for piece in pieces:
        if piece.startswith("</"):
            if not open_names:
                continue
            found.append(f"</{open_names.pop()}>")
            continue
        found.append(piece)
        if piece in {"<a>", "<b k='v'>"}:
            open_names.append(piece[1])
    return "".join(found) + "".join(f"</{name}>" for name in reversed(open_names))
