from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret_ingest import sniff
from ret_ingest.sniff import CSV, ODS, OTHER, TSV, XLS, XLSX, XML, Kind, Package

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    "head",
    [
        b"<?xml version='1.0'?><a/>",
        b"<a/>",
        b"<a>",
        b"  \r\n\t<a b='c'>",
        b"<!DOCTYPE html><html>",
        b"<!-- comment --><a/>",
        b"<?pi x?><a/>",
        b"<ns:a xmlns:ns='u'/>",
        b"<a",
        "<税 x='1'/>".encode(),
        codecs.BOM_UTF8 + b" <a/>",
        "\ufeff\n<a/>".encode("utf-16-le"),
        "\ufeff<?xml version='1.0'?>".encode("utf-16-be"),
        "\ufeff<a/>".encode("utf-32-le"),
        "<a/>".encode("utf-16-le"),
        "<?xml version='1.0'?>".encode("utf-16-be"),
        "<?xml version='1.0' encoding='cp500'?>".encode("cp500"),
        b" " * 5000 + b"<a/>",
    ],
)
def test_xml_is_known_by_its_content(head: bytes) -> None:
    assert sniff.has_markup(head)
    assert sniff.kind_of("track.gpx", head) == XML


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"a <b>",
        b"< a>",
        b"<3 hearts",
        b"<foo@bar.com>",
        b"<?php echo 1; ?>",
        b"<?= $x ?>",
        b"<%@ page %>",
        codecs.BOM_UTF8 + b"a,b",
        codecs.BOM_UTF16_LE + "hello".encode("utf-16-le"),
        b"\x89PNG\r\n\x1a\n",
        b"{'a': '<b/>'}",
    ],
)
def test_what_only_holds_an_angle_bracket_is_no_xml(head: bytes) -> None:
    assert not sniff.has_markup(head)
    assert sniff.kind_of("file.txt", head) == OTHER


@pytest.mark.parametrize(
    "name,head,kind",
    [
        ("a.xml", b"damaged < beyond & repair", XML),
        ("A.XML", b"", XML),
        ("a.xml", b"\x89PNG\r\n\x1a\n", OTHER),
        ("a.xml", b"%PDF-1.7", OTHER),
        ("a.csv", b"a,b\n1,2", CSV),
        ("a.csv", b"", CSV),
        ("a.csv", b"<b>,c", CSV),
        ("a.csv", b"<?xml version='1.0'?><a/>", XML),
        ("a.csv", "a,b".encode("utf-16"), CSV),
        ("a.csv", b"a\0b", OTHER),
        ("a.csv", b"PK\3\4zip", OTHER),
        ("a.tsv", b"a\tb", TSV),
        ("a.tab", b"a\tb", TSV),
        ("a.xls", OLE + b"\0" * 100, XLS),
        ("a.doc", OLE + b"\0" * 100, OTHER),
        ("a.xls", b"<?xml version='1.0'?><Workbook/>", XML),
        ("a.xls", b"a\tb", TSV),
        ("a.xls", b"a;b", OTHER),
        ("a.xls", "\ufeffa\tb".encode("utf-16-le"), TSV),
        ("a.xls", b"<html><body><table>", XLS),
        ("a.xls", b"<!-- report --><TABLE border=1>", XLS),
        ("a.xls", "\ufeff<html>".encode("utf-16-le"), XLS),
        ("a.xls", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', XLS),
        ("a.xls", b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', XLS),
        ("a.xml", b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', XML),
        ("a.html", b"<html><body><table>", XML),
        ("a.xlsx", OLE + b"\0" * 100, XLSX),
        ("a.docx", OLE + b"\0" * 100, OTHER),
        ("a.txt", b"a,b", OTHER),
        ("a.xml.gz", b"\x1f\x8b\x08\0", OTHER),
        ("no ending", b"<a/>", XML),
    ],
)
def test_a_file_is_what_name_and_content_say_together(name: str, head: bytes, kind: Kind) -> None:
    assert sniff.kind_of(name, head) == kind


@pytest.mark.parametrize(
    "name,package,kind",
    [
        ("a.xlsx", Package.XLSX, XLSX),
        ("a.XLSM", Package.XLSX, XLSX),
        ("a.ods", Package.ODS, ODS),
        ("a.xlsx", Package.OTHER, OTHER),
        ("a.bin", Package.XLSX, OTHER),
        ("a.docx", Package.OTHER, OTHER),
        ("a.xml", Package.OTHER, OTHER),
    ],
)
def test_a_package_is_a_spreadsheet_when_name_and_content_agree(name: str, package: Package, kind: Kind) -> None:
    assert sniff.kind_of(name, b"PK\3\4", package) == kind


@pytest.mark.parametrize("head", [b"PK\3\4...", b"PK\5\6" + b"\0" * 18, b"PK\7\x08PK\3\4"])
def test_a_zip_is_known_by_its_signature(head: bytes) -> None:
    assert sniff.is_zip(head)


@pytest.mark.parametrize(
    "name,head,possible",
    [
        ("a.zip", b"anything", True),
        ("a.exe", b"MZ", False),
        ("a.jpg", b"\xff\xd8\xff", False),
        ("a.txt", b"hello", False),
        ("a.txt", b"<a/>", True),
        ("a.csv", b"a,b", True),
        ("a.csv", b"MZ\0", False),
        ("a.xlsx", b"PK\3\4", True),
        ("a.xml", b"not quite", True),
        ("a.xml.gz", b"\x1f\x8b\x08", True),
        ("a.bin", b"PK\3\4", True),
        ("a.ods", b"", True),
    ],
)
def test_an_upload_is_refused_early_only_where_that_is_certain(name: str, head: bytes, *, possible: bool) -> None:
    assert sniff.may_be_upload(name, head) is possible


@given(st.text(), st.binary(max_size=200))
def test_any_bytes_under_any_name_are_something(name: str, head: bytes) -> None:
    kind = sniff.kind_of(name, head)
    assert kind.media_type
    assert kind.document is (kind != OTHER)
    if kind.document:
        assert sniff.may_be_upload(name, head)
