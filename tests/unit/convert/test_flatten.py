from __future__ import annotations

import io

import pytest
from convert_documents import made

from ret_convert import native, xml
from ret_convert.batch import Restart
from ret_convert.conservation import Tally
from ret_convert.flatten import Flattened, Options
from ret_convert.layout import Layout
from ret_convert.xml import xml_flatten

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def rows(*contents: str) -> str:
    return "<Items>" + "\n".join(f"<Item>{content}</Item>" for content in contents) + "</Items>"


def test_attributes_and_text_beside_them_are_columns() -> None:
    one = made('<r><row id="1"><v unit="kg">1.50</v></row><row id="2"><v unit="g">2</v></row></r>')
    assert one.columns == ["@id", "v.@unit", "v"]
    assert one.main[0] == {"@id": "1", "v.@unit": "kg", "v": "1.50"}


def test_text_is_kept_exactly() -> None:
    one = made(rows("<A>007</A><B>  padded  </B>", "<A>1e5</A><B>a\nb</B>"))
    assert [row["B"] for row in one.main] == ["  padded  ", "a\nb"]
    assert [row["A"] for row in one.main] == ["007", "1e5"]


def test_text_empty_absent_and_nil_are_four_things() -> None:
    body = (
        f"<r {XSI}><i><A>t</A><B>x</B></i><i><A>e</A><B></B></i><i><A>a</A></i><i><A>n</A><B xsi:nil='true'/></i></r>"
    )
    one = made(body)
    assert [(row["B"], row["B.@nil"]) for row in one.main] == [("x", None), ("", None), (None, None), (None, "true")]


def test_nil_is_known_by_its_namespace_whatever_its_prefix() -> None:
    nil = '<r xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><a><b i:nil="true"/><c>1</c></a>'
    body = f"{nil}<a><b>2</b><c>3</c></a></r>"
    assert made(body).columns == ["b.@nil", "b", "c"]


def test_an_element_that_only_ever_has_attributes_has_no_column_for_text() -> None:
    assert made('<r><i><a k="1"/><b>x</b></i><i><a k="2"/><b>y</b></i></r>').columns == ["a.@k", "b"]


def test_blanks_between_tags_are_no_text_and_blanks_in_a_leaf_are_kept() -> None:
    one = made("<r>\n  <i>\n <a> </a> <b>1</b>\n</i>\n<i><a>x</a><b>2</b></i></r>")
    assert one.main[0] == {"a": " ", "b": "1"}


def test_comments_instructions_and_cdata_do_not_split_a_run() -> None:
    one = made(rows("<A>al<!-- in -->p<?pi x?>ha</A><B>1</B>", "<A>x<![CDATA[<y>]]>z</A><B>2</B>"))
    assert [row["A"] for row in one.main] == ["alpha", "x<y>z"]


def test_entities_and_references_are_resolved() -> None:
    body = '<!DOCTYPE r [<!ENTITY co "Acme &#38;#38; Sons">]>' + rows(
        "<A>&co;</A><B>&#x20AC;&lt;5</B>", "<A>1</A><B>2</B>"
    )
    assert made(body).main[0] == {"A": "Acme & Sons", "B": "€<5"}


def test_an_entity_may_hold_markup() -> None:
    body = '<!DOCTYPE r [<!ENTITY x "<A>1</A><B>2</B>">]>' + rows("&x;", "&x;")
    assert made(body).main == [{"A": "1", "B": "2"}] * 2


def test_attributes_that_only_the_dtd_names_are_there() -> None:
    body = '<!DOCTYPE r [<!ATTLIST i kind CDATA "std">]><r><i><a>1</a></i><i kind="own"><a>2</a></i></r>'
    assert [row["@kind"] for row in made(body).main] == ["std", "own"]


def test_mixed_content_keeps_its_source_and_plain_occurrences_their_column() -> None:
    one = made(rows("<K>1</K><P>Hello <b>bold</b> and <i>slanted</i> world</P>", "<K>2</K><P>plain</P>"))
    assert one.columns == ["K", "P", "P.#xml"]
    assert one.main[0] == {"K": "1", "P": None, "P.#xml": "Hello <b>bold</b> and <i>slanted</i> world"}
    assert one.main[1] == {"K": "2", "P": "plain", "P.#xml": None}


def test_an_occurrence_that_is_not_mixed_goes_to_ordinary_columns() -> None:
    one = made(rows("<K>1</K><P>a <b>b</b></P>", "<K>2</K><P><b>only</b></P>"))
    assert one.columns == ["K", "P.#xml", "P.b"]
    assert one.main[1] == {"K": "2", "P.#xml": None, "P.b": "only"}


def test_attributes_of_mixed_content_are_columns_and_those_inside_stay_inside() -> None:
    one = made(rows('<K>1</K><P lang="en">a <b c="1&amp;2">b</b><br/></P>', "<K>2</K><P>x</P>"))
    assert one.main[0]["P.@lang"] == "en"
    assert one.main[0]["P.#xml"] == 'a <b c="1&amp;2">b</b><br/>'


def test_the_source_of_mixed_content_stands_on_its_own() -> None:
    body = '<!DOCTYPE r [<!ENTITY co "A&#38;#38;B">]>' + rows(
        "<K>1</K><P>&co; <b t='a&#10;b&quot;'>x<!-- c -->y<![CDATA[<z>]]></b>&#13;</P>", "<K>2</K><P>x</P>"
    )
    assert made(body).main[0]["P.#xml"] == 'A&amp;B <b t="a&#10;b&quot;">xy&lt;z&gt;</b>&#13;'


def test_mixed_content_within_mixed_content_is_kept_once() -> None:
    one = made(rows("<K>1</K><P>a <b>b <i>c</i> d</b> e</P>", "<K>2</K><P>f</P>"))
    assert one.main[0]["P.#xml"] == "a <b>b <i>c</i> d</b> e"
    assert one.columns == ["K", "P", "P.#xml"]


def test_a_mixed_root_is_one_cell() -> None:
    assert made("<p>Hello <b>you</b></p>").main == [{"#xml": "Hello <b>you</b>"}]


def test_stray_text_between_records_does_not_swallow_them() -> None:
    one = made("<r>one<i><a>1</a><b>2</b></i>two<i><a>3</a><b>4</b></i>three</r>")
    assert [row["a"] for row in one.main] == ["1", "3"]
    assert one.rows["_document"] == [{"#text": "one", "#text[2]": "two", "#text[3]": "three"}]


def test_much_stray_text_becomes_a_table() -> None:
    body = "<r>" + "".join(f"t{n}<i><a>1</a><b>2</b><c>3</c></i>" for n in range(12)) + "</r>"
    one = made(body)
    assert [row["#text"] for row in one.rows["r.#text"]] == [f"t{n}" for n in range(12)]


def test_text_of_an_element_that_elsewhere_has_children_is_told_apart() -> None:
    one = made(rows("<K>1</K><A>text</A>", "<K>2</K><A><B>b</B></A>"))
    assert one.columns == ["K", "A.#text", "A.B"]
    assert [row["A.#text"] for row in one.main] == ["text", None]


def test_prefixes_go_unless_two_namespaces_share_a_name() -> None:
    body = (
        '<r xmlns:a="urn:a" xmlns:b="urn:b">'
        + "<row><a:code>1</a:code><b:code>2</b:code><a:k>3</a:k></row>" * 2
        + "</r>"
    )
    assert made(body).columns == ["a:code", "b:code", "k"]


def test_two_prefixes_of_one_namespace_are_one_column() -> None:
    body = '<r xmlns:a="urn:x" xmlns:b="urn:x"><row><a:c>1</a:c><k>1</k></row><row><b:c>2</b:c><k>2</k></row></r>'
    assert made(body).columns == ["c", "k"]


def test_default_namespaces_that_change_are_told_apart() -> None:
    row = '<row><c xmlns="urn:1">1</c><c xmlns="urn:2">2</c></row>'
    body = f"<r>{row * 2}</r>"
    assert made(body).columns == ["c", "c (2)"]


def test_a_namespace_declared_again_is_the_same() -> None:
    one = made('<r xmlns="urn:1">' + '<row xmlns="urn:1"><a>1</a><b>2</b></row>' * 3 + "</r>")
    assert len(one.main) == 3


def test_unbound_prefixes_are_no_error() -> None:
    assert made("<x:r><x:row><y:a>1</y:a><b>2</b></x:row><x:row><y:a>3</y:a><b>4</b></x:row></x:r>").columns == [
        "a",
        "b",
    ]


def test_attributes_of_two_namespaces_are_told_apart() -> None:
    body = '<r xmlns:a="urn:a"><i id="1" a:id="2"/><i id="3" a:id="4" xml:lang="en"/></r>'
    assert made(body).columns == ["@id", "@a:id", "@lang"]


def test_attributes_of_two_prefixes_of_one_namespace_on_one_element_are_both_kept() -> None:
    body = '<r xmlns:p="urn:x" xmlns:q="urn:x"><i p:x="1" q:x="2"/><i q:x="4" p:x="3"/><i q:x="5" p:y="6"/></r>'
    one = made(body)
    assert one.main == [
        {"@p:x": "1", "@q:x": "2", "@y": None},
        {"@p:x": "3", "@q:x": "4", "@y": None},
        {"@p:x": "5", "@q:x": None, "@y": "6"},
    ]


def test_columns_say_where_their_values_come_from() -> None:
    one = made(rows('<A k="1">x</A><A k="2">y</A>', "<A>z</A><B>1</B>"))
    paths = {column.name: column.path for column in one.flattened.tables[0].columns}
    assert paths == {
        "A.@k": "/Items/Item/A/@k",
        "A": "/Items/Item/A",
        "A[2].@k": "/Items/Item/A[2]/@k",
        "A[2]": "/Items/Item/A[2]",
        "B": "/Items/Item/B",
    }


def test_rows_leave_after_so_many_bytes_and_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "FLUSH", 1)
    monkeypatch.setattr(xml, "FEED", 64)
    data = rows(*(f"<A>{n}</A><B>x</B>" for n in range(25))).encode()
    flattening = xml_flatten(lambda: io.BytesIO(data), Options(), lambda _: None)
    batches = [batch for batch in flattening.batches() if not isinstance(batch, Restart)]
    assert len(batches) > 5
    assert [row["0"] for batch in batches for row in batch.columns.to_pylist()] == [str(n) for n in range(25)]
    assert flattening.result().conserved


def test_progress_rises_to_the_size_of_the_document() -> None:
    told: list[int] = []
    data = rows("<A>1</A><B>2</B>", "<A>1</A><B>2</B>").encode()
    list(xml_flatten(lambda: io.BytesIO(data), Options(), told.append).batches())
    assert told == sorted(told)
    assert told[-1] == len(data)


def test_there_is_no_result_before_the_last_batch() -> None:
    flattening = xml_flatten(lambda: io.BytesIO(b"<a/>"), Options(), lambda _: None)
    with pytest.raises(RuntimeError):
        flattening.result()


def test_fidelity_is_one_only_if_nothing_differs() -> None:
    def fidelity(values: list[str], written: list[str]) -> float:
        whole = Tally()
        kept = whole.sibling()
        whole.add(values)
        kept.add(written)
        return Flattened([], whole, kept, [], "", []).fidelity

    assert fidelity(["a", "b"], ["b", "a"]) == 1.0
    assert fidelity(["a", "b", "b", "c"], ["a", "b", "c"]) == 0.75
    assert fidelity(["a", "b"], ["a", "x"]) == 0.5
    assert fidelity([], ["x"]) == 0.0


@pytest.mark.parametrize("layout", list(Layout))
def test_a_document_in_one_line_is_the_same(layout: Layout) -> None:
    body = rows("<A>1</A><B>2</B>", "<A>3</A><B>4</B>")
    assert made(body, layout).main == made(body.replace("\n", ""), layout).main
