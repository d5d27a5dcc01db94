"""Documents of the shapes that setup data has, different in every row, as large as asked for."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

WORDS = ("standard", "immediate", "net days", "approval", "local transfer", "résumé", "税", "R&amp;D", "interest")
Row = Callable[[random.Random, int], str]


def record(rng: random.Random, number: int) -> str:
    """A flat record: a number, a code with leading zeros, money, a flag, a date, prose."""
    fields = {
        "Number": str(number),
        "ObjectId": f"3000{rng.randrange(10**11):011d}",
        "Code": f"{number:07d}",
        "Currency": rng.choice(["EUR", "USD", "GBP"]),
        "Amount": f"{rng.randrange(10**7) / 100:.2f}",
        "Enabled": rng.choice("YN"),
        "Start": f"2026-{rng.randrange(1, 13):02d}-01",
        "Description": " ".join(rng.choices(WORDS, k=5)),
    }
    cells = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"  <InvoiceVORow>{cells}</InvoiceVORow>\n"


def oracle(rng: random.Random, number: int) -> str:
    """A view object in a view object, indented, with empty and nil fields."""
    periods = "".join(
        f"\n      <PeriodVORow>\n        <PeriodName>{month:02d}-{rng.randrange(10, 30)}</PeriodName>"
        f"\n        <StatusCode>{rng.choice('OCF')}</StatusCode>\n        <Note/>\n      </PeriodVORow>"
        for month in range(1, 4)
    )
    return (
        f"  <LedgerVORow>\n    <LedgerId>{rng.randrange(10**15)}</LedgerId>\n    <Name>Ledger {number:06d}</Name>\n"
        f'    <ChartOfAccountsId>{rng.randrange(10**6)}</ChartOfAccountsId>\n    <EndDate xsi:nil="true"/>\n'
        f"    <Description>{' '.join(rng.choices(WORDS, k=4))}</Description>\n"
        f"    <PeriodVO>{periods}\n    </PeriodVO>\n"
        f"    <EnabledFlag>{rng.choice('YN')}</EnabledFlag>\n  </LedgerVORow>\n"
    )


def wide(rng: random.Random, number: int) -> str:
    """Three hundred columns."""
    cells = "".join(f"<Attribute{at}>{number * 7 + at}{rng.choice('abc')}</Attribute{at}>" for at in range(300))
    return f"<RowVORow>{cells}</RowVORow>\n"


def attributes(rng: random.Random, number: int) -> str:
    """Everything in attributes."""
    cells = " ".join(f'attr{at}="{rng.randrange(10**6)}"' for at in range(15))
    return f'<entry id="{number}" {cells}/>\n'


def deep(rng: random.Random, number: int) -> str:
    """Thirty levels, with a value on each."""
    opened = "".join(f"<Level{at}><Value>{number}.{rng.randrange(1000)}</Value>" for at in range(30))
    return f"<Tree>{opened}{''.join(f'</Level{at}>' for at in reversed(range(30)))}</Tree>\n"


def tiny(rng: random.Random, _: int) -> str:
    """Values of a letter or two."""
    return f"<r>{''.join(f'<{name}>{rng.randrange(100)}</{name}>' for name in 'abcdefgh')}</r>\n"


SHAPES: dict[str, Row] = {
    "record-shaped": record,
    "Oracle rows": oracle,
    "300 columns": wide,
    "attributes": attributes,
    "deep": deep,
    "tiny text": tiny,
}
ROOT = '<?xml version="1.0" encoding="UTF-8"?>\n<Rows xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'


def write(path: Path, shape: str, megabytes: float) -> int:
    """Write about so many megabytes of a shape; how many bytes there are. Rows repeat after some thousands."""
    rng, row = random.Random(3), SHAPES[shape]
    block = [row(rng, number).encode() for number in range(20_000 if shape not in {"300 columns", "deep"} else 1000)]
    with path.open("wb") as file:
        file.write(ROOT.encode())
        wanted, at = int(megabytes * 1e6), 0
        while file.tell() < wanted:
            file.write(block[at % len(block)])
            at += 1
        file.write(b"</Rows>\n")
        return file.tell()


def small(kilobytes: int, seed: int) -> bytes:
    """A record-shaped document of about so many kilobytes."""
    rng = random.Random(seed)
    rows: list[str] = []
    while sum(map(len, rows)) < kilobytes * 1000:
        rows.append(record(rng, len(rows)))
    return f"{ROOT}{''.join(rows)}</Rows>\n".encode()
