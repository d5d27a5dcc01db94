"""Made-up documents, edited at random and written back: nothing else differs, and converting the result gives the
edited tables."""

from __future__ import annotations

import re

from backxml_documents import LINKS, Document, Row
from convert_examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LAYOUTS = st.sampled_from(["auto", "single", "related"])
ENCODINGS = st.sampled_from(["utf-8", "utf-16", "windows-1252", "shift_jis", "utf-32"])
PLAIN = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class Maker:
    """A document in the making: every value is a mark of its own, written in one way or the other."""

    def __init__(self, data: st.DataObject) -> None:
        self._draw = data.draw
        self._marks = 0

    def some(self, most: int) -> int:
        return self._draw(st.integers(0, most))

    def maybe(self) -> bool:
        return self._draw(st.booleans())

    def mark(self) -> str:
        self._marks += 1
        return f"v{self._marks}v"

    def text(self) -> str:
        ways = ["{}", "<![CDATA[{}]]>", "<!--c-->{}", "{}<?p i?>", " {} ", "{}"]
        return self._draw(st.sampled_from(ways)).format(self.mark())

    def attribute(self, name: str) -> str:
        quote = self._draw(st.sampled_from(["'", '"']))
        return f" {name}={quote}{self.mark()}{quote}"

    def element(self, name: str, inner: str) -> str:
        return f"<{name}>{inner}</{name}>"

    def row(self, space: str, *, full: bool) -> str:
        """A row; a full one has everything."""
        fields = [self.element("A", self.text())]
        tag = "Row" + (self.attribute("n") if full or self.maybe() else "")
        tag += self.attribute("p:m") if full or self.maybe() else ""
        if full or self.maybe():
            fields.append(f"<B{self.attribute('k')}>{self.text()}</B>")
        if full or self.maybe():
            fields.append(self.element("p:G", self.element("X", self.text()) + self.element("Y", self.text())))
        if full or self.maybe():
            fields.append(self.element("P", f"{self.mark()} <b>{self.mark()}</b>"))
        items = range(2 if full else self.some(2))
        fields += [self.element("I", self.element("N", self.text()) + self.element("Q", self.text())) for _ in items]
        if full or self.maybe():
            fields.append(self.element("T", self.text()))
        inner = "".join(f"{space}  {field}" for field in fields) + space
        return f"{space}<{tag}>{inner}</Row>"

    def document(self, encoding: str) -> str:
        space = self._draw(st.sampled_from(["", "\n ", "\r\n\t"]))
        outside = self.element("H", self.text()) if self.maybe() else ""
        rows = self.row(space, full=True) + "".join(self.row(space, full=False) for _ in range(1 + self.some(3)))
        return f'<?xml version="1.0" encoding="{encoding}"?><R xmlns:p="urn:p">{outside}{rows}\n</R><!-- end -->\n'


@settings(PLAIN, max_examples=examples(15))
@given(st.data(), LAYOUTS, ENCODINGS)
def test_nothing_but_the_edited_values_differs(data: st.DataObject, layout: str, encoding: str) -> None:
    text = Maker(data).document(encoding)
    document = Document(text.encode(encoding), layout, "R/Row")
    assert document.back() == document.data
    for table, rows in document.rows.items():
        cells = [
            (number, column, value)
            for number, row in enumerate(rows, 1)
            for column, value in row.items()
            if value is not None and column not in LINKS
        ]
        for number, column, value in data.draw(st.lists(st.sampled_from(cells), max_size=4, unique=True)):
            document.edit((number, column, value.replace("v", "w")), table=table)
            text = re.sub("|".join(re.findall("v[0-9]+v", value)), lambda mark: mark[0].replace("v", "w"), text)
    assert document.back() == text.encode(encoding)


VALUES = st.one_of(st.none(), st.just(""), st.text(st.sampled_from("ab <>&'\"]日é\t"), min_size=1, max_size=6))
LEAVES = ("@n", "@m", "A", "B", "B.@k", "G.X", "G.Y", "T")


def normal(rows: list[Row]) -> list[Row]:
    """Rows without links and without what XML has no way to tell: an element with attributes is empty, not absent."""
    found: list[Row] = []
    for row in rows:
        cells: Row = {name: value for name, value in row.items() if name not in LINKS and value is not None}
        for name in list(cells):
            owner = name.partition(".@")[0]
            if owner != name:
                cells.setdefault(owner, "")
        found.append(cells)
    return found


@settings(PLAIN, max_examples=examples(25))
@given(st.data(), LAYOUTS, ENCODINGS)
def test_converting_the_result_gives_the_edited_tables(data: st.DataObject, layout: str, encoding: str) -> None:
    document = Document(Maker(data).document(encoding).encode(encoding), layout, "R/Row")
    main = document.main
    count = len(document.rows[main])
    # The first row stays as it is, so that every column keeps its place.
    for _ in range(data.draw(st.integers(0, 6))):
        row, column = data.draw(st.integers(2, count)), data.draw(st.sampled_from(LEAVES))
        value = data.draw(VALUES)
        if value is not None and column == "T" and not value.strip():
            value = "t"
        document.edit((row, column, value))
    deletes = data.draw(st.lists(st.integers(2, count), unique=True, max_size=2))
    inserts = [
        (count + 1 + number, data.draw(st.integers(1, count + number)), {
            column: data.draw(VALUES) for column in data.draw(st.lists(st.sampled_from(LEAVES), unique=True))
        })
        for number in range(data.draw(st.integers(0, 3)))
    ]  # fmt: skip
    document.edit(inserts=inserts, deletes=deletes)
    again = document.again()
    assert again.method == "native"
    assert normal(again.shown()) == normal(document.shown())


@settings(PLAIN, max_examples=examples(8))
@given(st.data(), ENCODINGS)
def test_child_rows_come_and_go_with_their_parents(data: st.DataObject, encoding: str) -> None:
    document = Document(Maker(data).document(encoding).encode(encoding), "related", "R/Row")
    parents, items = document.rows["Row"], document.rows["I"]
    gone = data.draw(st.lists(st.integers(2, len(parents)), unique=True, max_size=1))
    deletes = data.draw(st.lists(st.integers(3, len(items)), unique=True, max_size=2)) if len(items) > 2 else []
    wanted = data.draw(st.lists(st.integers(1, len(parents)), max_size=2))
    inserts = [
        (len(items) + 1 + number, 1, {"_parent_id": str(parent), "N": data.draw(VALUES), "Q": f"q{number}"})
        for number, parent in enumerate(wanted)
    ]
    document.edit(deletes=gone).edit(table="I", inserts=inserts, deletes=deletes)
    again = document.again()
    kept = [str(number) for number in range(1, len(parents) + 1) if number not in gone]

    def of_parents(rows: list[Row], ids: list[str]) -> list[list[Row]]:
        found = [normal([row for row in rows if row["_parent_id"] == one]) for one in ids]
        return [sorted(one, key=repr) for one in found]

    ids = [str(number) for number in range(1, len(kept) + 1)]
    assert of_parents(again.shown("I"), ids) == of_parents(document.shown("I"), kept)
