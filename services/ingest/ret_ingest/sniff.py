"""What a file is, by its first bytes and its name."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from enum import StrEnum

HEAD = 1 << 16  # bytes that are looked at


class Package(StrEnum):
    """ZIPs that are one file to people: none of them is opened."""

    XLSX = "xlsx"
    ODS = "ods"
    OTHER = "package"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is: a document that becomes tables, or any other file."""

    document: bool
    media_type: str


XML = Kind(document=True, media_type="application/xml")
CSV = Kind(document=True, media_type="text/csv")
TSV = Kind(document=True, media_type="text/tab-separated-values")
XLSX = Kind(document=True, media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
XLS = Kind(document=True, media_type="application/vnd.ms-excel")
ODS = Kind(document=True, media_type="application/vnd.oasis.opendocument.spreadsheet")
OTHER = Kind(document=False, media_type="application/octet-stream")

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROMISES = ("xml", "csv", "tsv", "tab", "xlsx", "xlsm", "xls", "ods")
_GZIP = b"\x1f\x8b\x08"
_ZIP = (b"PK\3\4", b"PK\5\6", b"PK\7\x08PK\3\4")  # with entries, without any, and marked as one part of one
_EBCDIC = b"\x4c\x6f\xa7\x94\x93"  # `<?xml` in every EBCDIC
# Behind a byte order mark the text begins; the longer marks first, UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BARE = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_MARKUP = re.compile(r"\s*<(?:\?xml\b|\?(?!php\b|=)[^\W\d]|![\[A-Za-z-]|[^\W\d][\w.:-]*(?:[\s/>]|$))")
_REPORT = re.compile(
    rb"urn:schemas-microsoft-com:office:spreadsheet|<(?:!doctype\s+html|html|head|body|table|meta|style|title|div|center)\b",
    re.IGNORECASE,
)
_OLE_KINDS = {"xls": XLS, "xlsx": XLSX, "xlsm": XLSX}
# Content of another kind under a name that promises text is what the magic says, not what the name says.
_FOREIGN = (b"%PDF-", b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"MZ", b"\x7fELF", b"7z\xbc\xaf", b"Rar!", _OLE, *_ZIP)


def is_zip(head: bytes) -> bool:
    """Whether a file begins as a ZIP does."""
    return head.startswith(_ZIP)


def is_gzip(head: bytes) -> bool:
    """Whether a file begins as a gzip file does."""
    return head.startswith(_GZIP)


def is_foreign(head: bytes) -> bool:
    """Whether a file begins as one of the well-known binary formats."""
    return head.startswith(_FOREIGN)


def kind_of(name: str, head: bytes, package: Package | None = None) -> Kind:
    """What the file of this name with these first bytes is; `package` where it is a ZIP that is not to be opened."""
    ending = name.lower().rpartition(".")[2]
    if package is not None:
        if ending in ("xlsx", "xlsm") and package is Package.XLSX:
            return XLSX
        return ODS if ending == "ods" and package is Package.ODS else OTHER
    if is_gzip(head):
        return OTHER
    head = head[:HEAD]
    if ending in ("csv", "tsv", "tab") and is_text(head) and not head.lstrip().startswith(b"<?xml"):
        return CSV if ending == "csv" else TSV
    if has_markup(head) or (ending == "xml" and not is_foreign(head)):
        return XLS if ending == "xls" and is_report(head) else XML
    return _workbook(ending, head)


def _workbook(ending: str, head: bytes) -> Kind:
    """What a file is that is no ZIP and no markup, but may be called a workbook."""
    if ending == "xls" and is_text(head) and b"\t" in head:
        return TSV
    # A workbook with a password is one of these, whatever its name: it is refused with that reason, not passed over.
    return _OLE_KINDS.get(ending, OTHER) if head.startswith(_OLE) else OTHER


def has_markup(head: bytes) -> bool:
    """Whether a text begins, after white space, with a declaration, DOCTYPE, comment, instruction or tag."""
    head = head[:HEAD]
    for mark, encoding in (*_MARKS, *_BARE):
        if head.startswith(mark):
            text = head.decode(encoding, "replace").removeprefix("\ufeff")
            return _MARKUP.match(text) is not None
    return head.startswith(_EBCDIC) or _MARKUP.match(head.lstrip()[:1024].decode("utf-8", "replace")) is not None


def is_report(head: bytes) -> bool:
    """Whether a file that is called a workbook is a page with tables, or Excel's XML of 2003."""
    return has_markup(head) and _REPORT.search(head[:HEAD].replace(b"\0", b"")) is not None


def is_text(head: bytes) -> bool:
    """Whether these can be the first bytes of a text in any common encoding."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        return True
    return b"\0" not in head and not is_foreign(head)


def package_of(names: set[str], mimetype: bytes) -> Package | None:
    """Which package a ZIP is by the names in it; `mimetype` is the content of its entry of that name, else empty."""
    if "[Content_Types].xml" in names:
        return Package.XLSX if "xl/workbook.xml" in names else Package.OTHER
    if mimetype:
        return Package.ODS if mimetype.startswith(ODS.media_type.encode()) else Package.OTHER
    if "META-INF/MANIFEST.MF" in names or any(
        name.endswith((".dist-info/WHEEL", ".dist-info/METADATA", ".egg-info/PKG-INFO"))
        or name == "AndroidManifest.xml"
        for name in names
    ):
        return Package.OTHER
    return None


def may_be_upload(name: str, head: bytes) -> bool:
    """False only where it is certain, from the first bytes, that an upload can be nothing that is read here."""
    ending = name.lower().rpartition(".")[2]
    if is_zip(head) or is_gzip(head) or ending == "zip" or kind_of(name, head).document:
        return True
    return (ending == "gz" or promises_document(name)) and not is_foreign(head)


def promises_document(name: str) -> bool:
    """Whether a file of this name should be a document."""
    return name.lower().rpartition(".")[2] in _PROMISES
