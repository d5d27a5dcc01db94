# ruff: noqa: INP001 - a command, run by its path
"""Writes ret_auth/common_passwords.txt: passwords of twelve characters and more that are guessed first.

They are made from rules, not collected: what people do to reach twelve characters is to repeat, to walk over the
keyboard, and to put a year or a row of digits behind a word. Run this file after a change; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

LEAST, MOST = 12, 20
TARGET = Path(__file__).resolve().parent.parent / "ret_auth" / "common_passwords.txt"


def _words(text: str) -> list[str]:
    return text.split()


WORDS = _words("""
password passwort passcode passphrase secret welcome letmein login admin administrator root user guest test
testing master changeme default system oracle database server computer internet company office finance ledger
account accounting money manager service support security access qwerty qwertz azerty asdfgh zxcvbn dragon
monkey tiger lion eagle falcon phoenix shadow sunshine moonlight rainbow summer winter spring autumn monday
friday january february march april june july august september october november december football baseball
basketball soccer hockey tennis chelsea arsenal liverpool barcelona princess prince queen king angel devil
heaven iloveyou lovely forever together freedom butterfly flower orange banana cherry chocolate cookie coffee
pepper ginger whatever nothing something superman batman spiderman starwars pokemon minecraft matrix london
paris berlin munich newyork america england germany thomas michael daniel jessica jennifer michelle charlie
jordan hunter killer ranger soldier warrior wizard magic mustang ferrari porsche mercedes hello goodbye please
thankyou trustno secure private letmeinnow opensesame abracadabra
""")
PAIRED = _words("""
password secret welcome admin login letmein master user test system oracle server dragon monkey hello iloveyou
forever change please sunshine summer winter football super
""")
ROWS = [
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "abcdefghijklmnopqrstuvwxyz",
]
COLUMNS = ["1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol."]
UNITS = [
    "12",
    "123",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "0123456789",
    "1234567890",
    "321",
    "4321",
    "654321",
    "987654321",
    "0987654321",
    "abc",
    "abcd",
    "abc123",
    "123abc",
    "a1b2c3",
    "q1w2e3",
    "aa11",
    "qwe",
    "asd",
    "zxc",
    "qweasd",
    "qwe123",
    "asd123",
    "zxc123",
    "qwerty",
    "asdfgh",
    "zxcvbn",
    "qazwsx",
    "1q2w3e",
    "1q2w3e4r",
    "zaq1",
    "xsw2",
    "696969",
    "112233",
    "121212",
    "123123",
    "131313",
    "007",
    "666",
    "777",
    "love",
    "pass",
    "test",
    "root",
    "user",
    "admin",
]
PHRASES = _words("""
correcthorsebatterystaple thisismypassword thisisapassword mypasswordis mypassword123 passwordpassword
thequickbrownfox iloveyousomuch iloveyouforever ihatepasswords idontknowthis idontremember dontforgetthis
nevergonnagiveyouup maytheforcebewithyou maytheforce1 onetwothreefour onetwothreefourfive abcdefghijkl1
letmeinplease pleaseletmein openthedoor1 opensesame123 changemeplease changemenow1 pleasechangeme
temporarypassword temppassword1 defaultpassword initialpassword firstpassword newpassword123 oldpassword123
secretpassword supersecret123 topsecret1234 adminpassword adminpassword1 rootpassword1 testpassword1
userpassword1 welcometothe1 welcomehome12 helloworld123 helloworld1234 whatsupdoc123 oraclefusion oraclefusion1
fusionoracle setupandmaintenance functionalsetup manageroracle systemmanager
""")
LEET = str.maketrans({"a": "@", "o": "0", "i": "1", "e": "3", "s": "$"})


def repeated(unit: str) -> Iterator[str]:
    """The unit again and again, at every length, cut off where the length says."""
    for length in range(LEAST, MOST + 1):
        yield (unit * (length // len(unit) + 1))[:length]


def walks() -> Iterator[str]:
    """Along the rows of a keyboard and the alphabet, there and back, and down its columns."""
    for row in ROWS:
        for start in (row, row[::-1], row + row[::-1], row[::-1] + row):
            for offset in range(min(4, len(start))):
                yield from repeated(start[offset:])
    for first, second in product(ROWS, ROWS):
        yield first + second
        yield first[:6] + second[:6]
        yield "".join(a + b for a, b in zip(first, second, strict=False))
    for width in (3, 4, 5, 6):
        for offset in range(len(COLUMNS) - width + 1):
            columns = COLUMNS[offset : offset + width]
            yield "".join(columns)
            yield "".join(column[::-1] for column in columns)
            yield "".join(column if at % 2 == 0 else column[::-1] for at, column in enumerate(columns))
            yield "".join(reversed(columns))


def worded() -> Iterator[str]:
    """Words repeated, in pairs, and with the digits, years and marks that people put around them."""
    tails = [
        "1",
        "12",
        "123",
        "1234",
        "12345",
        "123456",
        "1234567",
        "12345678",
        "123456789",
        "1234567890",
        "0123",
        "321",
        "111",
        "007",
        *(str(year) for year in range(2018, 2031)),
    ]
    for word in WORDS:
        yield from (word * 2, word * 3)
        for form, tail, mark in product((word, word.translate(LEET)), tails, ("", "!")):
            yield form + tail + mark
        yield from (tail + word for tail in tails)
    for first, second in product(PAIRED, PAIRED):
        yield first + second
        yield first + second + "1"
        yield first + second + "123"


def common() -> list[str]:
    """All of them, folded, sorted, each once."""
    characters = (repeated(character) for character in "abcdefghijklmnopqrstuvwxyz0123456789.!*-_ ")
    sources: list[Iterable[str]] = [*characters, *(repeated(unit) for unit in UNITS), walks(), worded(), PHRASES]
    return sorted({text.casefold() for source in sources for text in source if LEAST <= len(text) <= MOST})


if __name__ == "__main__":
    TARGET.write_text("\n".join(common()) + "\n", encoding="utf-8")
