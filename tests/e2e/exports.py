"""Uploads as setup-data exports are: ZIPs in ZIPs in ZIPs, made here so that the tests bring their own data."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterable, Iterator

XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def packed(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """A ZIP of names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def records(root: str, record: str, rows: Iterable[dict[str, str]]) -> bytes:
    """A document of flat records."""

    def element(row: dict[str, str]) -> str:
        return f"<{record}>{''.join(f'<{name}>{value}</{name}>' for name, value in row.items())}</{record}>"

    return XML + f"<{root}>{''.join(map(element, rows))}</{root}>".encode()


def ledgers(count: int, start: int = 1) -> bytes:
    """A document with one ledger a row, codes with leading zeros among its values."""
    rows = ({"Code": f"{i:05}", "Name": f"Ledger {i}", "Currency": "EUR"} for i in range(start, start + count))
    return records("Ledgers", "Ledger", rows)


def named(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """Records of an id and a name."""
    return [{"Id": key, "Name": name} for key, name in pairs]


def nested_export() -> bytes:
    """FY with three documents, GL with two in a ZIP within FY's; a note; a file of an operating system."""
    companies = packed(
        [
            ("companies.xml", records("Companies", "Company", named(("007", "Nord"), ("8", "")))),
            ("regions.xml", records("Regions", "Region", named(("1", "North"), ("2", "South")))),
        ]
    )
    fiscal = packed(
        [
            ("2024/ledger.xml", ledgers(3)),
            ("2025/ledger.xml", ledgers(4, 100)),
            ("calendar.xml", records("Calendar", "Period", named(("Jan-25", "Open"), ("Feb-25", "Closed")))),
            ("GL_companies.zip", companies),
            ("readme.txt", b"other files are kept\n"),
        ]
    )
    return packed([("FY_Ledgers.zip", fiscal), ("__MACOSX/._FY_Ledgers.zip", b"\0")])


OBJECTS = {
    "AP": ("PAYMENT_TERM", "SUPPLIER_SITE", "INVOICE_OPTION", "HOLD_CODE"),
    "AR": ("PAYMENT_TERM", "RECEIPT_METHOD", "TRANSACTION_TYPE", "STATEMENT_CYCLE"),
    "CST": ("COST_ELEMENT", "COST_BOOK", "COST_PROFILE"),
    "FND": ("APP_STANDARD_LOOKUP", "VALUE_SET", "DESCRIPTIVE_FLEXFIELD", "PROFILE_OPTION"),
    "GL": ("CALENDAR", "LEDGER", "CHART_OF_ACCOUNTS", "JOURNAL_SOURCE", "ACCOUNTING_PERIOD"),
    "INV": ("UNIT_OF_MEASURE", "ORGANIZATION", "SUBINVENTORY"),
    "PER": ("GRADE", "JOB_FAMILY", "LOCATION", "LEGISLATIVE_DATA_GROUP"),
    "PO": ("DOCUMENT_STYLE", "AGENT", "LINE_TYPE"),
    "XLA": ("JOURNAL_LINE_RULE", "ACCOUNTING_METHOD", "EVENT_CLASS"),
    "ZX": ("TAX_REGIME", "TAX_RATE", "TAX_JURISDICTION", "TAX_STATUS"),
}
WORDS = (
    "Immediate",
    "Net 30",
    "Corporate",
    "Primary",
    "EMEA",
    "Standard",
    "Accrual",
    "Quarterly",
    "Manual",
    "Intercompany",
)


def _object(module: str, name: str, chance: random.Random) -> bytes:
    columns = [f"{word}{i}" for i in range(chance.randint(2, 9)) for word in ("Code", "Attribute", "Description")]

    def row(number: int) -> str:
        values = "".join(f"<{column}>{chance.choice(WORDS)} {number}</{column}>" for column in columns)
        lines = "".join(f"<Line><Seq>{i}</Seq><Due>{i * 15}</Due></Line>" for i in range(chance.choice((0, 0, 2, 12))))
        return f'<{module}{name}VORow id="{number:06}">{values}{lines}</{module}{name}VORow>'

    rows = "".join(row(number) for number in range(chance.randint(40, 400)))
    return XML + f"<{module}_{name}>{rows}</{module}_{name}>".encode()


def _object_zips(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    for module, names in OBJECTS.items():
        for name in names:
            batches = [
                (f"{i}_BATCH.zip", packed([(f"{module}_{name}.xml", _object(module, name, chance))]))
                for i in range(1, chance.choice((2, 2, 3)))
            ]
            manifest = records("Metadata", "Object", [{"Code": f"{module}_{name}", "Version": "1"}])
            inner = packed([*batches, ("ASM_SETUP_CSV_METADATA.xml", manifest), ("README.txt", b"Exported setup")])
            yield f"businessObjectData/{module}_{name}.zip", inner


def setup_export() -> bytes:
    """What an ERP exports: about a hundred documents of ten modules, each in a ZIP in a ZIP, and a few spoilt ones."""
    chance = random.Random(2026)
    spoilt = packed([("1_BATCH.zip", packed([("AR_RECEIPT_CLASS.xml", b"<Rows><Row><Name>cut off")]))])
    return packed(
        [
            *_object_zips(chance),
            ("businessObjectData/AR_RECEIPT_CLASS.zip", spoilt),
            ("taskListData/tasks.pdf", b"%PDF-1.4 an order of tasks"),
            ("__MACOSX/._businessObjectData", b"\0"),
        ]
    )


def many_documents(count: int) -> bytes:
    """One ZIP with many small documents in a few groups."""
    modules = sorted(OBJECTS)
    return packed((f"{modules[i % len(modules)]}_Setup/{i:05}.xml", ledgers(1, i)) for i in range(count))
