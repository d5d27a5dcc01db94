from __future__ import annotations

import codecs

import pytest
from convert_documents import made

from ret_convert.encoding import declared_encoding
from ret_convert.errors import Malformed

WORDS = {
    "utf-8": "Café 税 €",
    "UTF8": "Café 税",
    "iso-8859-1": "Café ü",
    "us-ascii": "plain",
    "windows-1252": "Café „ €",
    "iso-8859-15": "Café €",
    "koi8-r": "привет",
    "shift_jis": "税区分 コード",
    "euc-jp": "支払条件",
    "gbk": "税务代码",
    "gb18030": "税务代码",
    "big5": "稅務",
    "euc-kr": "세금",
}


def document(encoding: str, word: str) -> str:
    body = f"<r><i><a>{word}</a><b>1</b></i><i><a>{word}</a><b>2</b></i></r>"
    return f'<?xml version="1.0" encoding="{encoding}"?>{body}'


@pytest.mark.parametrize("encoding", list(WORDS))
def test_a_declared_encoding_is_read(encoding: str) -> None:
    one = made(document(encoding, WORDS[encoding]).encode(encoding))
    assert [row["a"] for row in one.main] == [WORDS[encoding]] * 2


@pytest.mark.parametrize(
    "mark, encoding",
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_a_byte_order_mark_is_believed(mark: bytes, encoding: str) -> None:
    declared = encoding.rpartition("-")[0] if encoding != "utf-8" else encoding
    one = made(mark + document(declared, "税区分").encode(encoding))
    assert one.main[0]["a"] == "税区分"


@pytest.mark.parametrize("declared", ["windows-1252", "ISO-8859-1", "us-ascii", "no-such-thing"])
@pytest.mark.parametrize(
    "mark, encoding",
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_byte_order_mark_wins_over_another_declaration(mark: bytes, encoding: str, declared: str) -> None:
    one = made(mark + document(declared, "Café 税").encode(encoding))
    assert one.main[0]["a"] == "Café 税"


@pytest.mark.parametrize("encoding", ["shift_jis", "gbk", "windows-1252"])
def test_characters_may_lie_on_the_border_of_two_pieces(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setattr("ret_convert.xml.FEED", 61)
    one = made(document(encoding, WORDS[encoding] * 5).encode(encoding))
    assert one.main[1]["a"] == WORDS[encoding] * 5


@pytest.mark.parametrize("name", ["no-such-thing", "hex", "rot13", "unicode_escape", "utf-7"])
def test_what_is_no_encoding_of_documents_is_malformed(name: str) -> None:
    with pytest.raises(Malformed) as wrong:
        made(f'<?xml version="1.0" encoding="{name}"?><a/>'.encode())
    assert "encoding is unknown" in wrong.value.detail


def test_bytes_that_the_encoding_does_not_have_are_malformed_at_their_line() -> None:
    with pytest.raises(Malformed) as wrong:
        made(b'<?xml version="1.0" encoding="shift_jis"?>\n' + b"<a>\x81\x00</a>")
    assert wrong.value.reason == "bytes that its encoding does not have"


def test_a_document_that_ends_within_a_character_is_malformed() -> None:
    with pytest.raises(Malformed):
        made(document("shift_jis", "税").encode("shift_jis") + b"\x81")


def test_without_a_declaration_expat_decides() -> None:
    assert declared_encoding(b"<a/>") is None
    assert declared_encoding(b"") is None
