"""The scanner beside expat: what it reads is the same, and what it does not read is expat's."""

from __future__ import annotations

import io

import pytest
from convert_documents import Made, taken
from convert_examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ret_convert import native, xml
from ret_convert._core import Core
from ret_convert.errors import DocumentFailed
from ret_convert.layout import Options
from ret_convert.native import NativeFlattening
from ret_convert.xml import XmlReading

PLAIN = {
    "line ends": b"<r>a\r\nb\rc\r\r\n<x>\r</x>\n</r>",
    "line ends in a section": b"<r><![CDATA[a\r\nb\r]]>\r\n<![CDATA[\n]]></r>",
    "sections beside text": b"<r>a<![CDATA[<b>]]]]>c<![CDATA[]]></r>",
    "white space in values": b"<r a=' x\t y\r\nz\rw\n' b=\"it's\" c='say \"x\"'/>",
    "references in values": b"<r a='&lt;&gt;&amp;&quot;&apos;&#10;&#xD;&#x9;'>&#9;<x>&#xe4;&#x1F600;&#228;</x></r>",
    "brackets": b"<r>]]<x>]</x>]] ></r>",
    "comments and instructions": b"<!--a--><?p?><r>x<!-- <b> - -->y<?q a?b ?></r><!----> <?p ?>",
    "white space in tags": b"<r\n a = '1'\r\n\tb='2' ><x /><y\t></y\n></r \r>\n",
    "characters of two, three and four bytes": "<r a='äß'>é税\U0001f600\ufffd\ud7ff\ue000</r>".encode(),
    "names with all signs": b"<_a.b-c:D9 :x='1' xml:lang='de'/>",
    "a byte order mark": b"\xef\xbb\xbf<r>a</r>",
    "a declaration": b"<?xml version='1.0' encoding=\"utf-8\" standalone='yes' ?>\n<r>\xc3\xa4</r>",
    "a mark and a declaration left over": b"\xef\xbb\xbf<?xml version='1.0' encoding='windows-1252'?><r>\xc3\xa4</r>",
    "namespaces": b"<r xmlns='urn:d' xmlns:n='urn:n'><n:x n:a='1' a='2'/><x xmlns=''>3</x></r>",
    "many attributes": b"<r " + b" ".join(b"Attribute%d='%d'" % (at, at) for at in range(400)) + b"/>",
    "depth": b"<d>" * 600 + b"x" + b"</d>" * 600,
    "a long value": b"<r a='" + b"x" * 3000 + b"'>" + b"y" * 3000 + b"</r>",
}
ODD = {
    "nothing": b"",
    "only white space": b" \n",
    "text before the root": b"x<r/>",
    "text behind the root": b"<r/>x",
    "a reference behind the root": b"<r/>&#32;",
    "a section behind the root": b"<r/><![CDATA[]]>",
    "two roots": b"<r/><r/>",
    "an end without a beginning": b"<r/></r>",
    "another end": b"<r><a></b></r>",
    "an end with less": b"<r><ab></a></r>",
    "an end with more": b"<r><a></ab></r>",
    "no end": b"<r><a>1</a>",
    "an open tag": b"<r><a",
    "an open value": b"<r a='1",
    "an open comment": b"<r><!-- ",
    "an open section": b"<r><![CDATA[ ]]",
    "a bare ampersand": b"<r>a & b</r>",
    "an unknown entity": b"<r>&nbsp;</r>",
    "an unknown entity in a value": b"<r a='&nbsp;'/>",
    "a smaller than in a value": b"<r a='<'/>",
    "the end of a section in text": b"<r>]]></r>",
    "two dashes in a comment": b"<r><!-- -- --></r>",
    "a dash at the end of a comment": b"<r><!-- ---></r>",
    "an instruction called xml": b"<r/><?xml version='1.0'?>",
    "an instruction without a name": b"<r><? x?></r>",
    "a declaration of something inside": b"<r><!ELEMENT a ANY></r>",
    "an attribute twice": b"<r k='1' kk='2' k='3'/>",
    "a long attribute twice": b"<r Attribute1='1' Attribute2='2' Attribute1='3'/>",
    "attributes without a gap": b"<r a='1'b='2'/>",
    "an attribute without quotes": b"<r a=1/>",
    "an attribute without a value": b"<r a/>",
    "a slash in a tag": b"<r><a/ ></r>",
    "a name that begins with a digit": b"<r><1a/></r>",
    "a space before a name": b"<r>< a/></r>",
    "a control character": b"<r>\x01</r>",
    "a NUL": b"<r>a\x00b</r>",
    "a NUL in a value": b"<r a='\x00'/>",
    "a reference to a control character": b"<r>&#1;</r>",
    "a reference to half a character": b"<r>&#xD800;</r>",
    "a reference to no character": b"<r>&#xFFFE;</r>",
    "a reference beyond all characters": b"<r>&#x110000;</r>",
    "an empty reference": b"<r>&#;&;</r>",
    "a long reference": b"<r>&#000000000000000000065;</r>",
    "a continuation alone": b"<r>\x80</r>",
    "two bytes for one": b"<r>\xc0\x80\xc1\xbf</r>",
    "three bytes for two": b"<r>\xe0\x9f\xbf</r>",
    "half a pair": b"<r>\xed\xa0\x80</r>",
    "no character": b"<r>\xef\xbf\xbe</r>",
    "beyond all characters": b"<r>\xf4\x90\x80\x80</r>",
    "a character cut short": b"<r a='\xe4'>\xf0\x9f</r>",
    "names beyond ASCII": "<r><Straße größe='1'>x</Straße></r>".encode(),
    "a document type": b"<!DOCTYPE r [<!ENTITY e 'v'>]><r a='&e;'>&e;</r>",
    "a document type behind a comment": b"<!-- c --><!DOCTYPE r [<!ENTITY e 'v'>]><r>&e;</r>",
    "another encoding": "<?xml version='1.0' encoding='ISO-8859-1'?><r>ä</r>".encode("latin-1"),
    "another version": b"<?xml version='1.1'?><r>a</r>",
    "a mark and an encoding without a name": b"\xef\xbb\xbf<?xml version='1.0' encoding=''?><r>a</r>",
    "a mark and an encoding that is a number": b"\xef\xbb\xbf<?xml version='1.0' encoding='1252'?><r>a</r>",
    "a mark and an encoding with a prefix": b"\xef\xbb\xbf<?xml version='1.0' encoding='a:b'?><r>a</r>",
    "many attributes in one tag": b"<r " + b" ".join(b"A%d_Description='1'" % at for at in range(1500)) + b"/>",
    "an attribute twice among many": b"<r " + b" ".join(b"A%d='1'" % at for at in [*range(900), 7]) + b"/>",
    "a rarity behind what came late": b"<r>"
    + b"<i><a>1</a><b>2</b></i>" * 20
    + b"<late n='1'>x<y/></late>" * 20
    + "<i ä='1'/></r>".encode(),
    "damage behind what came late": b"<r>"
    + b"<i><a>1</a><b>2</b></i>" * 20
    + b"<i><a>1</a><late n='1'/></i>" * 20
    + b"<x></r>",
    "a declaration in disorder": b"<?xml encoding='utf-8' version='1.0'?><r/>",
    "a declaration behind a space": b" <?xml version='1.0'?><r/>",
    "UTF-16": "<r>ä</r>".encode("utf-16"),
}


def outcome(data: bytes, *, plain: bool) -> Made | tuple[type[DocumentFailed], str]:
    """What becomes of a document: tables, or its refusal."""
    try:
        return taken(NativeFlattening(XmlReading(lambda: io.BytesIO(data), plain=plain), Options(), lambda _: None))
    except DocumentFailed as failed:
        return type(failed), failed.detail


def agree(data: bytes) -> None:
    scanned, parsed = outcome(data, plain=True), outcome(data, plain=False)
    if isinstance(scanned, Made) and isinstance(parsed, Made):
        assert scanned.rows == parsed.rows
        assert scanned.flattened.values == parsed.flattened.values
        assert scanned.flattened.record_path == parsed.flattened.record_path
    else:
        assert scanned == parsed


@pytest.mark.parametrize("piece", [1 << 20, 7, 1])
@pytest.mark.parametrize("name", [*PLAIN, *ODD])
def test_the_scanner_reads_what_expat_reads(name: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces of this size, or larger ones where there would be thousands; little is learned, rows leave at once."""
    data = {**PLAIN, **ODD}[name]
    size = piece if len(data) < 2000 else 100 * piece
    monkeypatch.setattr(xml, "FEED", size)
    monkeypatch.setattr(native, "PREFIX", size)
    monkeypatch.setattr(native, "FLUSH", 1)
    agree(data)


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_document_needs_no_expat(name: str) -> None:
    data = PLAIN[name]
    core = Core()
    core.restart(None, 0)
    core.open("UTF-8" if data.startswith(b"\xef\xbb\xbf") else None, None, plain=True)
    assert core.feed(data, last=True)
    assert core.scanned


PIECES = [
    *("<a>", "<b k='v'>", "<Row>", "</a>", "</b>", "</Row>", "<d/>", "<e x='1' y=' 2&#10;\r\n'/>", "text", " ", "\r\n"),
    *("&amp;", "&#65;", "&#x1F600;", "&e;", "<![CDATA[ <x>\r\n]]>", "]]", "<!-- c -->", "<?p i?>", "é税", "<ä/>", "\0"),
]


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(PIECES), max_size=12),
    st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=2)), max_size=2),
    st.booleans(),
)
def test_the_scanner_agrees_with_expat_about_any_bytes(
    parts: list[str], damage: list[tuple[int, bytes]], closed: bool
) -> None:
    """Well-formed or not: what opens is closed in half of the documents, and some bytes are others."""
    open_now: list[str] = []
    text = ""
    for part in parts:
        if part.startswith("</") and closed:
            text += f"</{open_now.pop()}>" if open_now else ""
            continue
        if part[0] == "<" and part[1].isascii() and part[1].isalpha() and part[-2] != "/":
            open_now.append(part[1:].split(" ")[0].rstrip(">"))
        text += part
    text += "".join(f"</{name}>" for name in reversed(open_now)) if closed else ""
    data = f"<r>{text}</r>".encode()
    for at, other in damage:
        data = data[:at] + other + data[at + len(other) :]
    agree(data)
