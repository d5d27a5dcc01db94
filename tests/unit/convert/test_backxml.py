"""Edited tables put back into their documents: what changes, and that nothing else does."""

from __future__ import annotations

import gzip

import pytest
from backxml_documents import Document

from ret_convert.backxml.errors import NotWrittenBack

HEAD = '<?xml version="1.0"?>\n<!-- kept -->\n'


def rows(*inner: str) -> str:
    return f"{HEAD}<R>\n" + "".join(f"  <Row>{one}</Row>\n" for one in inner) + "</R>\n<!-- end -->"


def changed(document: Document, *pairs: tuple[str, str]) -> None:
    """The document that is written back is the original but for these replacements, each of which is there once."""
    wanted = document.data.decode()
    for old, new in pairs:
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, new)
    assert document.back().decode() == wanted


FULL = "<A>1</A><B k='2'>3</B>"


def test_a_text_is_replaced_where_it_stands() -> None:
    changed(Document(rows(FULL, "<A>x</A><B>y</B>")).edit((2, "A", "n<&>")), ("<A>x<", "<A>n&lt;&amp;><"))


def test_a_section_stays_one_and_comments_stay() -> None:
    document = Document(rows(FULL, "<A><!--c--><![CDATA[x]]><?p?></A><B>y</B>"))
    changed(document.edit((2, "A", "n<]]>")), ("[x]", "[n<]]]]><![CDATA[>]"))


def test_a_text_in_pieces_becomes_one_piece() -> None:
    document = Document(rows(FULL, "<A> \n<!--c-->x&amp;<![CDATA[y]]><!--d-->z</A><B>y</B>"))
    changed(document.edit((2, "A", "n")), (" \n<!--c-->x&amp;<![CDATA[y]]><!--d-->z", "<!--c-->n<!--d-->"))


def test_attributes_keep_their_quotation_marks() -> None:
    document = Document(rows(FULL, '<A>x</A><B k="7">y</B>'))
    document.edit((1, "B.@k", "a'\"<\n"), (2, "B.@k", "a'\"&"))
    changed(document, ("'2'", "'a&apos;\"&lt;&#10;'"), ('"7"', '"a\'&quot;&amp;"'))


def test_attributes_come_and_go() -> None:
    document = Document(rows(FULL, "<A>x</A><B >y</B>", "<A/><B  k = '5' >y</B>"))
    document.edit((2, "B.@k", "n"), (3, "B.@k", None))
    changed(document, ("<B >", '<B k="n" >'), ("<B  k = '5' >", "<B >"))


def test_an_absent_element_comes_where_its_column_is() -> None:
    wide = "\n    <A>1</A>\n    <B>2</B>\n    <C>3</C>\n  "
    document = Document(rows(wide, "\n    <A>4</A>\n    <C>5</C>\n  ", "\n    <C>6</C>\n  ", "", " "))
    document.edit((2, "B", "b"), (3, "A", "a"), (3, "B", "b"), (4, "B", "b"), (5, "C", "c"))
    changed(
        document,
        ("<A>4</A>", "<A>4</A>\n    <B>b</B>"),
        ("<C>6</C>", "<A>a</A>\n    <B>b</B>\n    <C>6</C>"),
        ("<Row></Row>", "<Row>\n    <B>b</B>\n  </Row>"),
        ("<Row> </Row>", "<Row>\n    <C>c</C> </Row>"),
    )


def test_absent_elements_in_absent_elements_come_together() -> None:
    wide = "<A>1</A><G><H j='1'><X>1</X><Y>2</Y></H></G>"
    document = Document(rows(wide, "<A>4</A>")).edit((2, "G.H.Y", "y"), (2, "G.H.@j", ""))
    changed(document, ("<A>4</A>", '<A>4</A><G><H j=""><Y>y</Y></H></G>'))


def test_absent_is_no_element_and_empty_is_an_empty_one() -> None:
    document = Document(rows(FULL, "\n<A>x</A>\n<B>y</B>\n", "<A>z</A><B/>"))
    document.edit((2, "A", None), (2, "B", ""), (3, "B", "b"))
    changed(document, ("\n<A>x</A>", ""), ("<B>y</B>", "<B></B>"), ("<B/>", "<B>b</B>"))


def test_what_is_around_absent_elements_goes_with_them() -> None:
    wide = "<A>1</A>\n<G>\n<H>\n<X>1</X>\n<Y>2</Y>\n</H>\n</G>"
    document = Document(rows(wide, wide.replace("1", "5").replace("2", "6"), "<A/><G><!--c--><H><X>7</X></H>\n</G>"))
    document.edit((1, "G.H.X", None), (1, "G.H.Y", None), (2, "G.H.X", None), (3, "G.H.X", None))
    gone = "\n<G>\n<H>\n<X>1</X>\n<Y>2</Y>\n</H>\n</G>"
    changed(document, (gone, ""), ("\n<X>5</X>", ""), ("<G><!--c--><H><X>7</X></H>\n</G>", ""))


def test_absent_repeats_stay_empty_while_others_are_behind_them() -> None:
    items = "<A>1</A><T>a</T><T>b</T><I><N>x</N></I><I><N>y</N><M>z</M></I>"
    document = Document(rows(items, items.replace("1", "2")), "single")
    document.edit((1, "T", None), (1, "I.N", None), (2, "T[2]", None), (2, "T", None), (2, "I[2].N", None))
    wanted = rows("<A>1</A><T></T><T>b</T><I></I><I><N>y</N><M>z</M></I>", "<A>2</A><I><N>x</N></I><I><M>z</M></I>")
    assert document.back().decode() == wanted


def test_an_absent_repeat_stays_empty_where_another_is_put_behind_it() -> None:
    document = Document(rows("<A>1</A><T>a</T><T>b</T>", "<A>2</A><T>c</T>"), "single")
    document.edit((2, "T[2]", "only"), (2, "T", None))
    assert document.back().decode() == rows("<A>1</A><T>a</T><T>b</T>", "<A>2</A><T></T><T>only</T>")


def test_an_element_with_attributes_stays_without_its_text() -> None:
    document = Document(rows(FULL, "<A>x</A><B k='5'>y</B>", "<A>x</A><B k='6'>z</B>"))
    document.edit((2, "B", None), (3, "B", None), (3, "B.@k", None))
    changed(document, (">y<", "><"), ("<B k='6'>z</B>", ""))


def test_repeats_are_told_apart_by_their_numbers() -> None:
    document = Document(rows("<A>1</A><T>a</T><T>b</T><T>c</T>", "<A>1</A><T>d</T>"), "single")
    document.edit((1, "T[2]", "n"), (2, "T[3]", "m"))
    changed(document, ("<T>b</T>", "<T>n</T>"), ("<T>d</T>", "<T>d</T><T/><T>m</T>"))


def test_namespaces_are_written_as_in_other_rows() -> None:
    body = (
        '<R xmlns:p="urn:p" xmlns:q="urn:q"><Row p:n="1"><p:A>1</p:A><q:A>2</q:A></Row>'
        '<Row><p:A>3</p:A></Row><Row xmlns:o="urn:o" o:z="9"><q:A>5</q:A></Row></R>'
    )
    document = Document(body, "single", "R/Row")
    document.edit((2, "@n", "7"), (2, "q:A", "8"), (2, "@z", "6"), (3, "p:A", "4"), (3, "q:A", "x"))
    changed(
        document,
        ("<Row><p:A>3</p:A>", '<Row p:n="7" xmlns:o="urn:o" o:z="6"><p:A>3</p:A><q:A>8</q:A>'),
        ("<q:A>5</q:A>", "<p:A>4</p:A><q:A>x</q:A>"),
    )
    assert document.again().shown() == document.shown()


def test_siblings_of_several_namespaces_and_one_name_are_told_apart() -> None:
    two = '<P xmlns="urn:1" a="1"><X>x</X></P><P xmlns="urn:2"><Y>y</Y></P>'
    document = Document(f"<R><Row><A>1</A>{two}</Row><Row><A>2</A><P xmlns='urn:2'><Y>z</Y></P></Row></R>", "single")
    document.edit((1, "P.X", "n"), (1, "P.Y", "m"), (1, "P.@a", "3"), (2, "P.Y", None))
    changed(document, (">x<", ">n<"), (">y<", ">m<"), ('a="1"', 'a="3"'), ("<P xmlns='urn:2'><Y>z</Y></P>", ""))
    with pytest.raises(NotWrittenBack, match=r"several namespaces. It is row 2"):
        document.edit((2, "P.X", "n")).back()


def test_prefixes_of_one_namespace_are_the_same() -> None:
    body = '<R xmlns:p="urn:1" xmlns:q="urn:1"><Row><A>1</A><p:T>a</p:T><q:T>b</q:T></Row><Row><A>2</A></Row></R>'
    document = Document(body, "single", "R/Row").edit((1, "T[2]", "n"))
    changed(document, (">b<", ">n<"))


def test_nil_is_an_attribute() -> None:
    body = (
        '<R xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Row><A xsi:nil="true"/><B>1</B></Row>'
        "<Row><A>2</A><B>1</B></Row></R>"
    )
    document = Document(body).edit((1, "A.@nil", None), (1, "A", "x"), (2, "A.@nil", "true"), (2, "A", None))
    changed(document, ('<A xsi:nil="true"/>', "<A>x</A>"), ("<A>2</A>", '<A xsi:nil="true"></A>'))


def test_mixed_content_is_put_in_as_markup() -> None:
    document = Document(rows("<A>1</A><P>one <b>two</b></P>", "<A>2</A><P>three <i>four</i></P>"))
    document.edit((1, "P.#xml", "new <u>x &amp; y</u>"), (2, "P.#xml", None))
    changed(document, ("one <b>two</b>", "new <u>x &amp; y</u>"), ("<P>three <i>four</i></P>", ""))


@pytest.mark.parametrize("value", ["<b>", "</P><P>", "&unknown;", "<a x=1/>"])
def test_mixed_content_must_be_well_formed(value: str) -> None:
    document = Document(rows("<A>1</A><P>one <b>two</b></P>", "<A>2</A>"))
    with pytest.raises(NotWrittenBack, match="well-formed"):
        document.edit((1, "P.#xml", value)).back()


def test_characters_that_xml_does_not_have_are_refused() -> None:
    with pytest.raises(NotWrittenBack, match="character"):
        Document(rows(FULL, FULL)).edit((1, "A", "a\0b")).back()


OUTSIDE = f"<R>\n<T k='1'>t</T>{'<Row><A>1</A><B>2</B></Row>' * 3}<U>u</U>\n</R>"


def test_values_outside_the_rows_are_found() -> None:
    single = Document(OUTSIDE, "single").edit((1, "T", "new"), (1, "U", None), (1, "T.@k", "2"))
    changed(single, (">t<", ">new<"), ("<U>u</U>", ""), ("'1'", "'2'"))
    related = Document(OUTSIDE, "related").edit((1, "U", "new"), table="_document")
    changed(related, (">u<", ">new<"))


def test_rows_are_inserted_as_their_neighbours_are_written() -> None:
    row = "\n    <A>1</A>\n    <B k='2'/>\n  "
    document = Document(rows(row, row.replace("1", "5")))
    document.edit(inserts=[(3, 1, {"A": "x", "B.@k": "y"}), (4, 0, {"A": "", "B.@k": "z"}), (5, 3, {})])
    first, second = '\n    <A/>\n    <B k="z"/>\n  ', '\n    <A>x</A>\n    <B k="y"/>\n  '
    wanted = rows(first, row, second, row.replace("1", "5"))
    wanted = wanted.replace("<Row>\n    <A>5", "<Row/>\n  <Row>\n    <A>5")
    assert document.back().decode() == wanted


def test_deleted_rows_go_with_the_white_space_before_them() -> None:
    document = Document(rows(FULL, "<A>x</A><B>y</B>", "<A>z</A>")).edit((2, "A", "gone"), deletes=[2, 3])
    changed(document, ("\n  <Row><A>x</A><B>y</B></Row>\n  <Row><A>z</A></Row>", ""))


def test_rows_can_stand_behind_deleted_ones() -> None:
    document = Document(rows(FULL, "<A>x</A>", "<A>z</A>"))
    document.edit(inserts=[(4, 2, {"A": "n"}), (5, 0, {"A": "m"})], deletes=[1, 2])
    assert document.back().decode() == rows("<A>m</A>", "<A>n</A>", "<A>z</A>")


CHILDREN = """<R>
 <O><K>1</K>
  <L><N>a</N><M>b</M></L>
  <L><N>c</N></L>
 </O>
 <O><K>2</K>
  <L><N>e</N><M>f</M></L>
 </O>
 <O><K>3</K></O>
</R>"""


def related() -> Document:
    document = Document(CHILDREN, "related", "R/O")
    assert list(document.rows) == ["O", "L"]
    return document


def test_child_rows_are_edited_where_they_stand() -> None:
    changed(related().edit((2, "N", "n"), (3, "M", None), table="L"), (">c<", ">n<"), ("<M>f</M>", ""))
    changed(related().edit((1, "K", "k")), ("<K>1<", "<K>k<"))


def test_a_deleted_parent_takes_its_children_with_it() -> None:
    document = related().edit(deletes=[1]).edit((1, "N", "n"), table="L", inserts=[(4, 2, {"N": "x"})], deletes=[2])
    assert document.back().decode() == "<R>" + CHILDREN[CHILDREN.index("</O>") + 4 :]


def test_child_rows_are_inserted_beside_others_or_into_the_row_they_name() -> None:
    document = related().edit(
        table="L",
        inserts=[
            (4, 1, {"N": "beside"}),
            (5, 1, {"N": "second", "_parent_id": "2"}),
            (6, 3, {"N": "third", "_parent_id": "3"}),
        ],
    )
    changed(
        document,
        ("<M>b</M></L>", "<M>b</M></L>\n  <L><N>beside</N></L>"),
        ("<M>f</M></L>", "<M>f</M></L>\n  <L><N>second</N></L>"),
        ("<K>3</K>", "<K>3</K><L><N>third</N></L>"),
    )


def test_a_new_parent_takes_new_children() -> None:
    document = related().edit(inserts=[(4, 3, {"K": "4", "_id": "new"})])
    document.edit(table="L", inserts=[(4, 3, {"N": "n", "_parent_id": "new"})])
    changed(document, ("<O><K>3</K></O>", "<O><K>3</K></O>\n <O><K>4</K><L><N>n</N></L></O>"))


def test_links_are_not_of_the_document() -> None:
    with pytest.raises(NotWrittenBack, match="link"):
        related().edit((1, "_parent_id", "2"), table="L").back()


def test_runs_of_text_are_found_by_where_they_end() -> None:
    inner = "<Row><A>1</A><B>2</B></Row>"
    document = Document(f"<R>one{inner}<!--c-->two{inner}three{inner}</R>", "related", "R/Row")
    assert [row["#text"] for row in document.rows["R.#text"]] == ["one", "two", "three"]
    document.edit((2, "#text", "new"), table="R.#text", deletes=[1, 3])
    changed(document, ("one", ""), ("two", "new"), ("three", ""))


def test_vo_rows_of_oracle_are_rows() -> None:
    row = "<OrderVORow><Id>{}</Id><Line><LineVO><LineVORow><No>1</No></LineVORow></LineVO></Line></OrderVORow>"
    document = Document(f"<OrderVO>{row.format(1)}{row.format(2)}</OrderVO>", "single")
    changed(document.edit((2, "Id", "9")), ("<Id>2<", "<Id>9<"))


ENCODINGS = ["utf-8", "utf-16", "utf-8-sig", "windows-1252", "iso-8859-1", "us-ascii", "shift_jis", "gb18030", "utf-32"]


@pytest.mark.parametrize("encoding", [*ENCODINGS, "iso-2022-jp", "utf-16-le"])
def test_new_text_is_written_in_the_documents_encoding(encoding: str) -> None:
    word = {"shift_jis": "日本", "gb18030": "中文", "iso-2022-jp": "日本"}.get(encoding, "plain")
    declared = "utf-8" if encoding == "utf-8-sig" else "utf-16" if encoding == "utf-16-le" else encoding
    text = f'<?xml version="1.0" encoding="{declared}"?><R><Row><A>{word}</A><B>x</B></Row><Row><A>{word}</A></Row></R>'
    document = Document(text.encode(encoding))
    assert document.method == "native"
    document.edit((1, "B", "é日€"), (2, "B", "é日€"), (2, "A", word + "!"))
    back = document.back()
    assert document.again().shown() == document.shown()
    lacking = "".join(one if can(one, encoding) else f"&#{ord(one)};" for one in "é日€")
    end = f"{word}</A></Row></R>"
    wanted = text.replace("<B>x<", f"<B>{lacking}<").replace(end, f"{word}!</A><B>{lacking}</B></Row></R>")
    assert back.decode(encoding) == wanted
    assert back[:40] == document.data[:40]


def can(one: str, encoding: str) -> bool:
    try:
        one.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def test_a_packed_document_is_packed_again() -> None:
    document = Document(rows(FULL, FULL))
    document.data = gzip.compress(document.data[:50]) + gzip.compress(document.data[50:])
    back = document.edit((1, "A", "new")).back()
    assert gzip.decompress(back).decode() == rows(FULL.replace(">1<", ">new<"), FULL)


ENTITIES = '<!DOCTYPE R [<!ENTITY e "t&amp;u"><!ENTITY x "<A>in</A>"><!ATTLIST B k CDATA "dflt">]>'


def test_entities_are_read_as_they_are_declared() -> None:
    document = Document(f"{ENTITIES}<R><Row><A>a&e;</A><B k='&e;'>1</B></Row><Row><A>2</A><B>3</B></Row></R>")
    assert document.rows["Row"][0] == {"A": "at&u", "B.@k": "t&u", "B": "1"}
    document.edit((1, "A", "n"), (1, "B.@k", "m"), (2, "B.@k", "set"))
    changed(document, ("a&e;", "n"), ("'&e;'", "'m'"), ("<B>3<", '<B k="set">3<'))


def test_what_stands_in_an_entity_is_refused() -> None:
    document = Document(f"{ENTITIES}<R><Row>&x;<B>1</B></Row><Row><A>2</A><B>3</B></Row></R>").edit((1, "A", "n"))
    with pytest.raises(NotWrittenBack, match="entity"):
        document.back()


BROKEN = "<R><Row><A>1</A><B>2</B></Row><Row><A>3</A></R>"
TEXT = "<R><Row><A>1</A><B>2</B></Row><Row>t</Row></R>"
ALONE = "<R><A>1</A><B>2</B></R>"
REFUSED = {
    "no known place": lambda: Document(BROKEN).edit((1, "A", "n")),
    "whole document": lambda: Document(ALONE).edit(deletes=[1]),
    "one root": lambda: Document(ALONE).edit(inserts=[(2, 1, {"A": "n"})]),
    "not there": lambda: related().edit(table="L", inserts=[(4, 1, {"_parent_id": "99"})]),
    "first row": lambda: Document(OUTSIDE, "single").edit((2, "T", "n")),
    "would get children": lambda: Document(TEXT, path="R/Row").edit((2, "A", "n")),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_has_no_way_back_is_refused(reason: str) -> None:
    with pytest.raises(NotWrittenBack, match=reason):
        REFUSED[reason]().back()


def test_without_edits_nothing_is_read() -> None:
    document = Document(rows(FULL, FULL))
    document.edit((1, "A", "1"))
    assert document.back() == document.data
