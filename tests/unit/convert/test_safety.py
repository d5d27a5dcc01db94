from __future__ import annotations

import io
import tracemalloc

import pytest
from convert_documents import made

from ret_convert.errors import EntityBomb, Malformed
from ret_convert.flatten import Options
from ret_convert.layout import Layout
from ret_convert.xml import xml_flatten


def laughs(levels: int = 12) -> str:
    entities = '<!ENTITY l0 "ha ha ha ha">' + "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, levels)
    )
    return f"<!DOCTYPE r [{entities}]><r><x>&l{levels - 1};</x></r>"


def quadratic(times: int = 20_000) -> str:
    return f'<!DOCTYPE r [<!ENTITY a "{"a" * 100_000}">]><r><x>{"&a;" * times}</x></r>'


@pytest.mark.parametrize("bomb", [laughs(), quadratic(), laughs().replace("<x>", '<x k="&l11;">')])
def test_an_entity_bomb_is_refused(bomb: str) -> None:
    with pytest.raises(EntityBomb) as refused:
        made(bomb)
    assert refused.value.code == "XML_ENTITY_BOMB"
    assert "refused" in refused.value.detail


def test_entities_that_grow_moderately_are_no_bomb() -> None:
    one = made(quadratic(30))
    assert one.main[0]["x"] == "a" * 3_000_000


@pytest.mark.parametrize(
    "declaration", ['<!ENTITY x SYSTEM "file:///etc/passwd">', '<!ENTITY x PUBLIC "p" "http://h/">']
)
def test_an_external_entity_gives_nothing_and_a_warning(declaration: str) -> None:
    one = made(f"<!DOCTYPE r [{declaration}]><r><i><a>&x;</a><b>1</b></i><i><a>2</a><b>3</b></i></r>")
    assert one.main[0] == {"a": "", "b": "1"}
    assert one.codes == ["XML_EXTERNAL_ENTITY"]
    assert "entity x " in one.flattened.warnings[0].detail


def test_an_external_entity_inside_an_internal_one_is_named_alone() -> None:
    one = made('<!DOCTYPE r [<!ENTITY x SYSTEM "f"><!ENTITY y "a&x;b">]><r><i>&y;</i></r>')
    assert [warning.detail.split()[2] for warning in one.flattened.warnings] == ["x"]
    assert one.main == [{"i": "ab"}]


def test_an_external_dtd_that_is_not_needed_is_no_reason_for_a_warning() -> None:
    one = made('<!DOCTYPE r SYSTEM "r.dtd"><r><i k="a&amp;b"><a>1</a></i><i k="2"><a>2</a></i></r>')
    assert one.codes == []


def test_an_entity_of_an_external_dtd_is_left_out_with_a_warning() -> None:
    one = made('<!DOCTYPE r SYSTEM "r.dtd"><r><a>x&far;y</a></r>')
    assert one.codes == ["XML_EXTERNAL_ENTITY"]
    assert one.main == [{"a": "xy"}]


def test_very_many_such_entities_are_not_all_named() -> None:
    body = "".join(f"&e{n};" for n in range(30)) + f"&{'x' * 500};"
    one = made(f"<!DOCTYPE r SYSTEM 'r.dtd'><r><a>1{body}</a></r>")
    assert len(one.codes) == 21
    assert one.flattened.warnings[-1].detail == "11 further entities are outside and were left out."


def test_such_an_entity_is_found_in_attributes_too() -> None:
    one = made("<!DOCTYPE r SYSTEM 'r.dtd'><r><a k=\"x&far;y\" l='&lt;&#33;'>1</a><b/></r>")
    assert one.codes == ["XML_EXTERNAL_ENTITY"]
    assert one.main[0]["a.@k"] == "xy"


def test_an_attribute_that_spans_two_pieces_of_the_document_is_read_for_entities(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ret_convert.xml.FEED", 40)
    one = made("<!DOCTYPE r SYSTEM 'r.dtd'><r><abc k=\"0123456789&far;\">1</abc></r>")
    assert one.codes == ["XML_EXTERNAL_ENTITY"]


def test_a_parameter_entity_is_not_followed() -> None:
    one = made('<!DOCTYPE r [<!ENTITY % p SYSTEM "p.dtd"> %p;]><r><a>1&far;</a><b k="&near;">2</b></r>')
    assert [warning.detail.split()[2] for warning in one.flattened.warnings] == ["far", "near"]


def test_a_malformed_document_says_where_and_tells_no_content() -> None:
    with pytest.raises(Malformed) as wrong:
        made("<r>\n<secret>x</r>")
    assert (wrong.value.code, wrong.value.line, wrong.value.column) == ("XML_MALFORMED", 2, 12)
    assert "line 2, column 12: mismatched tag" in wrong.value.detail
    assert "secret" not in wrong.value.detail


@pytest.mark.parametrize("body", ["", "no markup", "<a></a><b></b>", "<a>&nbsp;</a>", "<a", "<a>\x01</a>"])
def test_what_is_no_xml_is_malformed(body: str) -> None:
    with pytest.raises(Malformed):
        made(body)


@pytest.mark.parametrize("layout, levels", [(Layout.AUTO, 200_000), (Layout.SINGLE, 20_000), (Layout.RELATED, 20_000)])
def test_two_hundred_thousand_levels_are_one_cell(layout: Layout, levels: int) -> None:
    one = made(b"<a>" * levels + b"x" + b"</a>" * levels, layout)
    assert one.codes == ["XML_DEPTH"]
    [cell] = [cell for row in one.main for cell in row.values() if cell]
    assert cell.count("<a>") == levels - 512


def test_512_levels_are_still_columns() -> None:
    one = made("".join(f"<n{n}>" for n in range(512)) + "x" + "".join(f"</n{n}>" for n in reversed(range(512))))
    assert one.codes == []
    assert list(one.main[0].values()) == ["x"]


def test_what_is_too_deep_keeps_its_attributes_and_counts_once() -> None:
    body = "<r>" + "<a>" * 511 + '<b k="v">t</b> and <c/>' + "</a>" * 511 + "</r>"
    one = made(body)
    assert one.flattened.values.count == 3
    [cell] = one.main[0].values()
    assert cell == '<b k="v">t</b> and <c/>'


def test_too_deep_within_mixed_content_is_within_its_source() -> None:
    body = "<r>" + "<a>" * 500 + "t" + "<b>" * 100 + "x" + "</b>" * 100 + "</a>" * 500 + "</r>"
    one = made(body)
    [cell] = one.main[0].values()
    assert cell is not None
    assert cell.startswith("t<b><b>")


def test_memory_does_not_follow_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ret_convert.xml.FEED", 4096)
    monkeypatch.setattr("ret_convert.native.PREFIX", 8192)
    monkeypatch.setattr("ret_convert.native.FLUSH", 8192)

    def peak(rows: int) -> int:
        data = b"<r>" + b"".join(b"<i><a>%06d</a><b>some words</b></i>" % n for n in range(rows)) + b"</r>"
        tracemalloc.start()
        for _ in xml_flatten(lambda: io.BytesIO(data), Options(), lambda _: None).batches():
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(10_000) < 1.5 * peak(2_000)
