"""Rare ways back into a document: long tables, text beside children, markup in new rows, and what has no way."""

from __future__ import annotations

import pytest
from backxml_documents import Document

from ret_convert.backxml.errors import NotWrittenBack

BESIDE = "<R>one<Row><A>1</A><B>2</B></Row>two<Row><A>3</A><B>4</B></Row></R>"
MIXED = "<R><Row><A>1</A><P k='1'>x <b>y</b></P></Row><Row><A>2</A><P/></Row><Row><A>3</A><P>z</P></Row></R>"
MARKED = "<R><Row><A>1</A><T>x<U>y</U></T></Row><Row><A>2</A><T>t</T></Row></R>"
DEFINED = '<!DOCTYPE R [<!ENTITY x "<G><X>1</X></G>">]>'


def back(document: Document) -> str:
    return document.back().decode()


def test_rows_of_long_tables_are_found_in_their_row_groups() -> None:
    row = "<Row><A>{0}</A><B>{0}b</B></Row>\n"
    body = "<R>" + "".join(row.format(number) for number in range(1, 20_001)) + "<Row><C>last</C></Row></R>"
    document = Document(body, "single")
    document.edit((1, "A", "first"), (8193, "B", "n"), (20_000, "C", "m"), (20_001, "A", None))
    document.edit(deletes=[9000], inserts=[(20_002, 20_001, {"C": "new"})])
    wanted = body.replace("<A>1</A>", "<A>first</A>").replace(">8193b", ">n").replace("\n" + row.format(9000), "\n")
    wanted = wanted.replace("20000b</B>", "20000b</B><C>m</C>").replace("</R>", "\n<Row><C>new</C></Row></R>")
    assert back(document) == wanted


def test_values_outside_long_tables_are_found_without_their_rows() -> None:
    body = "<R><T>t</T>" + "<Row><A>1</A><B>2</B></Row>  " * 9000 + "<Row><A>1</A></Row>text</R>"
    document = Document(body, "single", "R/Row").edit((1, "T", "new"), (1, "#text", "more"))
    assert back(document) == body.replace(">t<", ">new<").replace("text", "more")


def test_runs_of_text_come_and_go() -> None:
    document = Document(BESIDE, "single", "R/Row")
    assert back(document.edit((1, "#text[2]", "new"), (1, "#text", None))) == BESIDE.replace("one", "").replace(
        "two", "new"
    )
    ended = Document(BESIDE.replace("two", "").replace("</Row></R>", "</Row>end</R>"), "single", "R/Row")
    assert back(ended.edit((1, "#text[2]", "more"))).endswith("</Row>more</R>")


def test_text_of_an_element_that_is_a_container_elsewhere_is_found() -> None:
    document = Document("<R><Row><A>1</A><B>2</B></Row><Row>t</Row><Row><A>3</A></Row></R>", "related", "R/Row")
    assert back(document.edit((2, "#text", "new"))) == document.data.decode().replace(">t<", ">new<")
    new = Document(document.data, "related", "R/Row").edit(inserts=[(4, 2, {"#text": "n&"}), (5, 3, {"A": "m"})])
    wanted = document.data.decode().replace("t</Row>", "t</Row><Row>n&amp;</Row>")
    assert back(new) == wanted.replace("</R>", "<Row><A>m</A></Row></R>")


def test_markup_comes_into_elements_that_are_empty() -> None:
    document = Document(MIXED, "single", "R/Row").edit((2, "P.#xml", "n <i>m</i>"), (1, "P.#xml", ""))
    assert back(document) == MIXED.replace("<P/>", "<P>n <i>m</i></P>").replace("x <b>y</b>", "")


def test_new_rows_may_have_markup() -> None:
    document = Document(MIXED, "single", "R/Row").edit(inserts=[(4, 1, {"P.#xml": "n <i>m</i>", "P.@k": "<"})])
    assert back(document) == MIXED.replace(
        "</P></Row><Row><A>2", '</P></Row><Row><P k="&lt;">n <i>m</i></P></Row><Row><A>2'
    )


def test_new_attributes_bring_their_namespace_with_them() -> None:
    body = "<R><Row><A xmlns:p='urn:p' p:k='1'>1</A><B>x</B></Row><Row><B>y</B></Row></R>"
    document = Document(body).edit((2, "A.@k", "2"), (2, "A", "3"))
    assert back(document) == body.replace("<Row><B>y", '<Row><A xmlns:p="urn:p" p:k="2">3</A><B>y')


@pytest.mark.parametrize("now", [b"<A>9</A>", b"<Z>3</Z>", b"<!--  -->", b"</Row>  "])
def test_a_row_that_is_not_what_was_converted_is_left_alone(now: bytes) -> None:
    document = Document(BESIDE, "single", "R/Row").edit((1, "B", "n"), (2, "B", "n"))
    document.data = document.data.replace(b"<A>3</A>", now)
    with pytest.raises(NotWrittenBack, match=r"not found where it was read\. It is row 2"):
        document.back()
    unread = Document(BESIDE, "single", "R/Row").edit((2, "B", "n"))
    unread.data = unread.data.replace(b"<A>3</A>", now)
    with pytest.raises(NotWrittenBack, match=r"not found where it was read\. It is row 2"):
        unread.back()


def test_a_first_child_row_comes_into_a_row_as_that_is_written() -> None:
    inner = "<O><K>1</K><G/><L><N>a</N><M>b</M></L><L><N>c</N></L></O>"
    body = f"<R>{inner}<O/><O></O><O> </O><O>t</O></R>"
    document = Document(body, "related", "R/O")
    document.edit(table="L", inserts=[(3 + at, 1, {"N": "n", "_parent_id": str(at)}) for at in (2, 3, 4)])
    new = "<O><L><N>n</N></L></O>"
    assert back(document) == f"<R>{inner}{new}{new}{new.replace('</L>', '</L> ')}<O>t</O></R>"
    document.edit(table="L", inserts=[(9, 1, {"N": "n", "_parent_id": "5"})])
    with pytest.raises(NotWrittenBack, match="would get children"):
        document.back()


def test_rows_that_stand_deeper_need_one_to_go_by() -> None:
    body = "<R><O><K>1</K><Ls><L><N>a</N><M>b</M></L><L><N>c</N></L></Ls></O><O><K>2</K></O></R>"
    document = Document(body, "related", "R/O").edit(table="L", inserts=[(3, 1, {"N": "n", "_parent_id": "2"})])
    with pytest.raises(NotWrittenBack, match="nothing shows how"):
        document.back()


def test_edits_of_the_same_value_change_nothing() -> None:
    document = Document(BESIDE, "single", "R/Row").edit((1, "A", "1"), (2, "#text", None))
    assert document.back() == document.data


def runs() -> Document:
    return Document(f"<R>one{'<Row><A>1</A><B>2</B></Row>two' * 2}</R>", "related", "R/Row")


REFUSED = {
    "has values already": lambda: Document(MIXED, "single", "R/Row").edit((3, "P.#xml", "<i/>")),
    "entity": lambda: Document(
        f"{DEFINED}<R><Row>&x;<A>1</A></Row><Row><G><X>2</X><Y>3</Y></G></Row></R>", "single"
    ).edit((1, "G.Y", "n")),
    "columns that link": lambda: runs().edit((1, "_pos", "5"), table="R.#text"),
    "Runs of text cannot be inserted": lambda: runs().edit(table="R.#text", inserts=[(9, 1, {"#text": "n"})]),
    "first row only": lambda: Document(BESIDE, "single", "R/Row").edit(inserts=[(3, 1, {"#text": "n"})]),
    "not well-formed": lambda: Document(MIXED, "single", "R/Row").edit(inserts=[(4, 1, {"P.#xml": "<i>"})]),
    "both text and elements": lambda: Document(MARKED, "single", "R/Row").edit(
        inserts=[(3, 1, {"T.#xml": "n", "T": "m"})]
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_has_no_way_back_says_so(reason: str) -> None:
    with pytest.raises(NotWrittenBack, match=reason):
        REFUSED[reason]().back()
