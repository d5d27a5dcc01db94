"""The promise, held against documents nobody thought of: what goes in as values comes out, no more and no less."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest
from convert_documents import made, values
from convert_examples import examples
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ret_convert._core import tally
from ret_convert.arrow import pa
from ret_convert.conservation import Hashes, Tally, is_declaration, stripped
from ret_convert.layout import Layout

NAMES = ["a", "b", "c", "Row", "n:a", "n:b", "m:a", "x.y"]
ATTRIBUTES = ["id", "k", "n:id", "xml:lang", "xsi:nil"]
SPACES = ' xmlns:n="urn:n" xmlns:m="urn:m" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'  # the prefixes above
WORDS = st.text(st.sampled_from("ab1 \t\n\r&<>\"'é税\u00a0]-"), max_size=6)


@dataclass
class Element:
    """An element as it was made up: its children are elements and runs of text, in their order."""

    name: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list["Element | str"])


def elements() -> st.SearchStrategy[Element]:
    attributes = st.dictionaries(st.sampled_from(ATTRIBUTES), WORDS, max_size=2)
    leaf = st.builds(Element, st.sampled_from(NAMES), attributes, st.lists(WORDS, max_size=1))
    return st.recursive(
        leaf,
        lambda inner: st.builds(
            Element, st.sampled_from(NAMES), attributes, st.lists(st.one_of(inner, inner, inner, WORDS), max_size=6)
        ),
        max_leaves=25,
    )


def escaped(text: str, style: int) -> str:
    """Text in one of the ways a document may write it; a carriage return only survives as a reference."""
    # In a CDATA section there are no references, so it has only what every encoding has.
    if style == 1 and text.isascii() and "]]>" not in text and "\r" not in text:
        return f"<![CDATA[{text}]]>"
    found = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    if style == 2:
        middle = len(found) // 2
        if "&" not in found:
            found = f"{found[:middle]}<!-- note --><?pi?>{found[middle:]}"
    return found


def written(element: Element, spaces: str, style: int) -> str:
    attributes = "".join(f' {name}="{quoted(value)}"' for name, value in element.attributes.items())
    inside = "".join(
        escaped(child, (style + at) % 3) if isinstance(child, str) else written(child, "", style + at)
        for at, child in enumerate(element.children)
    )
    return f"<{element.name}{spaces}{attributes}>{inside}</{element.name}>"


def quoted(value: str) -> str:
    found = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return found.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#9;")


def expected(element: Element) -> Counter[str]:
    """The values of an element: attributes, and runs of text between two tags."""
    found = Counter(value for raw in element.attributes.values() if (value := raw.strip()))
    run = ""
    for child in [*element.children, None]:
        if isinstance(child, str):
            run += child
            continue
        if run.strip():
            found[run.strip()] += 1
        run = ""
        if child is not None:
            found += expected(child)
    return found


@dataclass
class Dressing:
    """How a document is written around its elements."""

    style: int
    encoding: str
    depth: int
    repeats: int
    entity: bool

    def document(self, root: Element) -> bytes:
        """The document; `deep` elements around its root, its children several times, an entity of its own."""
        spaces = SPACES if not self.depth else ""
        body = written(root, spaces, self.style)
        outer = "".join(f"<deep{SPACES if not at else ''}>" for at in range(self.depth))
        doctype = f'<!DOCTYPE {"deep" if self.depth else "root"} [<!ENTITY own "{OWN}">]>' if self.entity else ""
        text = f'<?xml version="1.0" encoding="{self.encoding}"?>{doctype}{outer}{body}{"</deep>" * self.depth}'
        text = text.replace(f">{OWN}<", ">&own;<")
        # What an encoding does not have is written as a reference, as every program does.
        return text.encode(self.encoding, "xmlcharrefreplace")

    def root(self, parts: list[Element | str]) -> Element:
        return Element("root", {}, parts * self.repeats)


OWN = "of its own"
DRESSINGS = st.builds(
    Dressing,
    style=st.integers(0, 2),
    encoding=st.sampled_from(["utf-8", "utf-16", "iso-8859-1", "windows-1252", "Shift_JIS", "ascii"]),
    depth=st.sampled_from([0, 0, 0, 3, 30, 520]),
    repeats=st.sampled_from([1, 1, 2, 12]),
    entity=st.booleans(),
)


def tell_features(root: Element, dressing: Dressing) -> None:
    """Let hypothesis count what the documents were made of: `--hypothesis-show-statistics` prints it."""
    event(f"encoding {dressing.encoding}")
    event(f"depth {dressing.depth}")
    event(f"repeats {dressing.repeats}")
    event(["references", "CDATA sections", "comments and instructions"][dressing.style])
    waiting = [root]
    found: set[str] = {"entity of its own"} if dressing.entity else set()
    for one in waiting:  # grows while it is walked
        waiting += [child for child in one.children if isinstance(child, Element)]
        texts = any(isinstance(child, str) and child.strip() for child in one.children)
        inner = any(isinstance(child, Element) for child in one.children)
        found |= {"mixed content"} if texts and inner else set()
        found |= {"attributes"} if one.attributes else set()
        found |= {"nil"} if "xsi:nil" in one.attributes else set()
        found |= {"namespaces"} if ":" in one.name else set()
        found |= {"empty elements"} if not one.children else set()
    for feature in sorted(found):
        event(feature)


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(elements() | WORDS, max_size=5), DRESSINGS, st.sampled_from(list(Layout)), st.integers(1, 4))
def test_every_value_of_every_document_is_in_its_tables(
    parts: list[Element | str], dressing: Dressing, layout: Layout, repeats: int
) -> None:
    root = dressing.root([*parts, Element("own", {}, [OWN])] if dressing.entity else parts)
    tell_features(root, dressing)
    one = made(dressing.document(root), layout, repeats=repeats, columns=12)
    assert values(one, f"<x{SPACES}>{{}}</x>") == expected(root)
    assert one.flattened.values.count == expected(root).total()
    for table in one.flattened.tables:
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=4), max_size=30), st.randoms())
def test_a_tally_does_not_depend_on_the_order(words: list[str], random: Random) -> None:
    one, other = Tally(), Tally()
    one.add(words)
    shuffled = list(words)
    random.shuffle(shuffled)
    for word in shuffled:
        other.add([word])
    assert one == other
    assert len(one.hex) == 32


def test_a_tally_tells_one_changed_value() -> None:
    one, other = Tally(), Tally()
    one.add(["a", "b"])
    other.add(["a", "c"])
    assert one.count == other.count
    assert one != other


def test_two_times_a_value_is_not_no_value() -> None:
    # Sums, not exclusive ors: pairs must not cancel each other out.
    one, other = Tally(), Tally()
    one.add(["a", "a"])
    other.add(["b", "b"])
    assert one != other


def test_remembered_hashes_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_convert.conservation.REMEMBERED", 3)
    hashes = Hashes()
    first = [hashes[word] for word in "abcdef"]
    assert len(hashes) <= 3
    assert [hashes[word] for word in "abcdef"] == first


def test_blank_cells_are_no_values() -> None:
    assert stripped([None, "", " \n", " x "]) == ["x"]


def test_declarations_of_namespaces_are_no_values() -> None:
    assert [name for name in ("xmlns", "xmlns:a", "xmlnsx", "id") if not is_declaration(name)] == ["xmlnsx", "id"]


def counted(cells: list[str | None], *, source: bool = False) -> tuple[int, int]:
    column = pa.array(cells, pa.string())
    _, offsets, data = column.buffers()
    return tally(offsets, data, 0, len(cells), source)


def test_a_source_is_read_like_a_document() -> None:
    sources = ['a <b k="v" xmlns:n="urn:n">c</b> d<e/><n:f/>g']
    assert counted([*sources], source=True) == counted(["a", "v", "c", "d", "g"])
    with pytest.raises(ValueError, match="no cells"):
        counted(["<b>"], source=True)


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_values_are_stripped_of_what_python_strips(cells: list[str | None]) -> None:
    assert counted(cells) == counted([*stripped(cells)])


def test_the_order_of_values_is_nothing_and_their_number_is() -> None:
    assert counted(["a", "b", None, ""]) == counted(["b", " a "])
    assert counted(["a", "a"]) != counted(["a"])
    assert counted(["ab"]) != counted(["ba"])


def test_an_element_with_a_huge_attribute_is_read_in_one_piece() -> None:
    value = "v" * (3 << 20)
    one = made(io.BytesIO(f'<r><i k="{value}"><a>1</a></i><i k="w"><a>2</a></i></r>'.encode()).read())
    assert one.main[0]["@k"] == value
