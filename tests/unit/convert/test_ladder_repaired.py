"""The second rung: what can be mended without a guess."""

from __future__ import annotations

import codecs

import pytest
from convert_ladder import HEAD, ROWS, TWO, climbed, doc

from ret_convert.flatten import Options, outside_warnings
from ret_convert.ladder import decoding
from ret_convert.layout import Layout

WORDS = "<R><I><A>Café</A><B>naïve</B></I><I><A>über</A><B>x</B></I></R>"
JAPANESE = "<R><I><名>税区分</名><B>支払</B></I><I><名>条件</名><B>コード</B></I></R>"


@pytest.mark.parametrize(
    "data",
    [
        doc().encode() + b"\n-- end --",
        b"HTTP/1.1 200 OK\r\n\r\n" + doc().encode(),
        doc().replace("<Items>", "<Items><!-- a -- b -->").encode(),
        doc().replace("</Items>", "").encode(),
        doc().replace("</Items>", "\n<!-- cut -->").encode(),
        doc().replace("<Item>", "<?pi without end><Item>").encode(),
        doc().replace("?>", ">").encode(),
        b"\n" + doc().encode(),
        codecs.BOM_UTF8 + b" " + doc().encode(),
        codecs.BOM_UTF16_LE + doc().encode(),
        doc().encode("utf-16-le"),
        doc().encode("utf-16-be"),
        codecs.BOM_UTF16_BE + doc().replace("?>", "?>]]>").replace("]]>", "", 1).encode("utf-16-be") + b"\0]",
        codecs.BOM_UTF32_LE + doc().encode("utf-32-le"),
        doc().replace("UTF-8", "UTF-16").encode(),
        doc().replace("UTF-8", "no-such-encoding").encode(),
        doc().replace("UTF-8", "punycode").encode(),
        b"<!doctype items>" + doc().removeprefix(HEAD).encode(),
    ],
)
def test_what_needs_no_guess_is_repaired(data: bytes) -> None:
    one = climbed(data)
    assert (one.method, one.fidelity) in {("repaired", 1.0), ("native", 1.0)}
    assert one.main == ROWS
    assert one.codes == (["XML_REPAIRED"] if one.method == "repaired" else [])


@pytest.mark.parametrize(
    "body, cell, reason",
    [
        ("R&D", "R&D", "ampersand"),
        ("a & b && c", "a & b && c", "ampersand"),
        ("a&nbsp;b", "a\xa0b", "HTML"),
        ("5&euro; d&eacute;", "5€ dé", "HTML"),
        ("&unknown; x", "&unknown; x", "not declared"),
        ("1 < 2", "1 < 2", "begins no markup"),
        ("1 << 2 <= 3", "1 << 2 <= 3", "begins no markup"),
        ("x]]>y", "x]]>y", "]]>"),
        ("&#X41;", "A", "well-formed"),
        ("<![CDATA[a & <b>]]> &", "a & <b> &", "ampersand"),
    ],
)
def test_a_value_is_mended_and_kept(body: str, cell: str, reason: str) -> None:
    one = climbed(doc(TWO[0], f"<Item><A>{body}</A><B>b2</B></Item>"))
    assert (one.method, one.fidelity) == ("repaired", 1.0)
    assert one.main[1] == {"A": cell, "B": "b2"}
    assert reason in one.said


@pytest.mark.parametrize(
    "tag, value",
    [
        ("<Item k=v>", "v"),
        ("<Item k='v'l=\"w\">", "v"),
        ('<Item k="a < b">', "a < b"),
        ('<Item k="R&D">', "R&D"),
        ('<Item k="x &nbsp;">', "x \xa0"),
    ],
)
def test_an_attribute_is_mended_and_kept(tag: str, value: str) -> None:
    one = climbed(doc(TWO[0].replace("<Item>", tag), TWO[1]))
    assert (one.method, one.fidelity) == ("repaired", 1.0)
    assert one.main[0]["@k"] == value
    assert one.main[1] == {**dict.fromkeys(one.main[0]), **ROWS[1]}


@pytest.mark.parametrize(
    "character", ["\x00", "\x01", "\x0b", "\x1f", "\ufffe", "\uffff", "&#0;", "&#xFFFF;", "&#999999999;"]
)
def test_a_character_that_is_none_is_replaced_and_counted(character: str) -> None:
    one = climbed(doc(f"<Item><A>be{character}fore</A><B>b1</B></Item>", TWO[1]))
    assert one.method == "repaired"
    assert one.main == [{"A": "be\ufffdfore", "B": "b1"}, ROWS[1]]
    assert 0.8 < one.fidelity < 1
    assert "mean nothing" in one.said


@pytest.mark.parametrize(
    "encoding, shown",
    [("cp1252", "windows-1252"), ("latin-1", "windows-1252")],
)
def test_windows_bytes_are_read_as_such(encoding: str, shown: str) -> None:
    one = climbed(HEAD.encode() + WORDS.encode(encoding))
    assert (one.method, one.fidelity) == ("repaired", 1.0)
    assert one.main[0] == {"A": "Café", "B": "naïve"}
    assert shown in one.said


def test_bytes_of_windows_among_utf_8_cost_nobody_his_text() -> None:
    one = climbed(HEAD.encode() + WORDS.replace("x", "税区分" * 9 + "\x7f").encode().replace(b"\x7f", b"\x80\x81"))
    assert one.main[0] == {"A": "Café", "B": "naïve"}
    assert one.main[1]["B"] == "税区分" * 9 + "€\x81"
    assert "mixed" in one.said


def test_surrogates_that_oracle_writes_in_utf_8_are_characters() -> None:
    emoji = "\U0001f600".encode("utf-16-be")
    pair = b"".join(chr(int.from_bytes(emoji[at : at + 2], "big")).encode("utf-8", "surrogatepass") for at in (0, 2))
    one = climbed(HEAD.encode() + WORDS.encode().replace(b"x", pair) + "税区分".encode() * 20)
    assert "\U0001f600" in one.cells


@pytest.mark.parametrize("head", ["", HEAD, HEAD.replace("UTF-8", "Shift_JIS")])
def test_japanese_bytes_are_read_as_such(head: str) -> None:
    one = climbed(head.encode() + JAPANESE.replace("支払", "①").encode("cp932"))
    assert one.main == [{"名": "税区分", "B": "①"}, {"名": "条件", "B": "コード"}]


@pytest.mark.parametrize("piece", [decoding.PIECE, 7])
def test_a_declared_utf_7_is_read_as_such(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(decoding, "PIECE", piece)
    one = climbed((HEAD.replace("UTF-8", "UTF-7") + JAPANESE.replace("支払", "1 + 1 = é")).encode("utf-7"))
    assert (one.method, one.fidelity, one.main[0]) == ("repaired", 1.0, {"名": "税区分", "B": "1 + 1 = é"})
    assert "read as UTF-7" in one.said


@pytest.mark.parametrize("text", ["C++ 1+1", "Café", "+" + "AOk" * 9 + "-"])
def test_what_is_declared_utf_7_and_is_none_is_read_as_what_it_is(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(decoding, "PIECE", 7)
    monkeypatch.setattr(decoding, "HELD", 14)
    one = climbed(doc(f"<Item><A>{text}</A><B>b1</B></Item>", TWO[1]).replace("UTF-8", "UTF-7"))
    assert (one.method, one.main[0]) == ("repaired", {"A": text, "B": "b1"})
    assert "read as UTF-8" in one.said


def test_bytes_that_a_declared_encoding_has_not_are_replaced() -> None:
    data = HEAD.replace("UTF-8", "EUC-JP").encode() + JAPANESE.encode("euc-jp").replace(b"<B>", b"<B>\xff", 1)
    one = climbed(data)
    assert one.method == "repaired"
    assert one.main[0] == {"名": "税区分", "B": "\ufffd支払"}
    assert one.fidelity < 1


def test_utf_16_with_half_a_character_is_still_utf_16() -> None:
    one = climbed(codecs.BOM_UTF16_LE + JAPANESE.replace("コード", "\ud800").encode("utf-16-le", "surrogatepass"))
    assert one.main == [{"名": "税区分", "B": "支払"}, {"名": "条件", "B": "\ufffd"}]


def test_several_roots_get_one_around_them() -> None:
    one = climbed(f"{doc()}\n{doc().replace('a1', 'a3')}")
    assert one.method == "repaired"
    assert [row["A"] for row in one.main] == ["a1", "a2", "a3", "a2"]
    assert one.landed.flattened.record_path == "_document/Items/Item"


def test_text_around_the_root_is_kept_beside_the_records() -> None:
    one = climbed(f"Dear all,\n{doc()}\nRegards")
    assert one.made.rows["_document"] == [{"_outside": "Dear all,\n\n", "_outside[2]": "\nRegards"}]


@pytest.mark.parametrize("path", ["Items/Item", "_document/Items/Item", "/Items/Item/"])
def test_a_record_path_is_found_below_a_root_of_ours(path: str) -> None:
    assert climbed(f"junk {doc()}", Options(record_path=path)).main == ROWS


@pytest.mark.parametrize("layout", list(Layout))
def test_repaired_documents_have_every_layout(layout: Layout) -> None:
    one = climbed(f"{doc()} junk &", Options(layout))
    assert one.method == "repaired"
    assert {"a1", "a2", "b1", "b2"} <= set(one.cells)


def test_entities_of_a_damaged_document_are_resolved() -> None:
    head = '<!DOCTYPE Items [<!ENTITY co "Acme &#38;#38; &two;"><!ENTITY two "&self;Sons"><!ENTITY self "&self;">]>'
    one = climbed(f"{head}<Items><Item><A>&co;</A><B>&</B></Item>{TWO[1]}</Items>")
    assert (one.method, one.main[0]["A"]) == ("repaired", "Acme & Sons")


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE Items [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Items SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE Items [<!ENTITY % p SYSTEM "p.dtd"> %p;]>',
    ],
)
def test_what_is_outside_a_damaged_document_is_not_followed(head: str) -> None:
    one = climbed(f"{head}<Items><Item><A>&x;1</A><B>&</B></Item>{TWO[1]}</Items>")
    assert one.main[0] == {"A": "1", "B": "&"}
    assert one.codes == ["XML_REPAIRED", "XML_EXTERNAL_ENTITY"]


def test_very_many_entities_outside_are_not_all_named() -> None:
    assert len(outside_warnings([f"e{number}" for number in range(30)], 30)) == 21
