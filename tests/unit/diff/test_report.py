"""Evidence tells everything that was found, in a form in which nothing of it is taken for anything else."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.escape import unescape
from result_tables import Cells, Memory, Pair, Store, random_pair

from ret.diff.v1 import diff_pb2
from ret_diff import reporting
from ret_diff.artefact import Side, write
from ret_diff.model import NOWHERE, ColumnStatus, MatchedColumn
from ret_diff.report import html, making, workbook, xlsx
from ret_diff.report.order import Order

HOSTILE = [
    '=HYPERLINK("http://evil.example")',
    "@SUM(1)",
    "<script>alert(1)</script>",
    "http://evil.example/",
    "007",
    "1e5",
    "a\x00b\x0b",
    "_x0041_",
    " spaces \n",
    '"><img src=x onerror=alert(1)>',
    "\u202eabc",
    "TRUE",
]
VOID = {"meta", "br"}
KNOWN = {"html", "head", "meta", "title", "style", "body", "nav", "div", "h1", "h2", "h3", "p", "a", "br"} | {
    *("table", "thead", "tbody", "tr", "th", "td", "del", "ins", "i")
}


def pair_of(a: Sequence[Cells], b: Sequence[Cells], partner: list[int]) -> Pair:
    names = [f"C{at}" for at in range(len((a or b)[0]))]
    columns = [MatchedColumn(at, at, name, ColumnStatus.SAME, compared=True) for at, name in enumerate(names)]
    return Pair(Memory(names, [*a]), Memory(names, [*b]), partner, columns)


class Evidence:
    """A report in the making: pairs are added to a comparison."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.comparison = diff_pb2.Comparison(
            id="c1",
            status="ready",
            a=diff_pb2.Side(collection_id="A1", version="original", name="Was <b>.zip", sha256="ab" * 32),
            b=diff_pb2.Side(document_id="D2", name="=Now.xml", gone=True),
            options=diff_pb2.Options(keys=["Code"], ignore_case=True, numeric_tolerance=0.01),
            summary=diff_pb2.Tally(mismatch=2, identical=1, failed=1, counts=diff_pb2.Counts(cells_changed=7)),
            by_group=[diff_pb2.GroupTally(name="AR", tally=diff_pb2.Tally(mismatch=2))],
            finished_at_ms=1_763_640_000_000,
            notes=[diff_pb2.Note(code="KEY_NOT_UNIQUE", detail="The key is not unique.")],
        )
        self.pairs: list[diff_pb2.Pair] = []
        self.prefixes: dict[tuple[str, str], str] = {}
        self.patterns = diff_pb2.PatternsResponse()
        self.findings: list[diff_pb2.Finding] = []
        self.recipes: list[diff_pb2.Recipe] = []

    def add(self, pair: Pair, **fields: Any) -> None:
        """A pair that was compared."""
        at = len(self.pairs)
        result = pair.result()
        sides = [Side(one, self.store.table(one, f"{name}{at}")) for one, name in ((pair.a, "a"), (pair.b, "b"))]
        facts = write(self.store.blobs, f"sessions/s1/{at}/", result, *sides)
        counts = diff_pb2.Counts(
            rows_added=facts.counts.rows_added,
            rows_removed=facts.counts.rows_removed,
            rows_changed=facts.counts.rows_changed,
            cells_changed=facts.counts.cells_changed,
        )
        table = diff_pb2.TablePair(name="Rows", status=facts.status, counts=counts, a_rows=facts.a_rows)
        self.prefixes[f"p{at}", "Rows"] = facts.prefix
        values: dict[str, Any] = {"status": "mismatch", "a_path": f"AR/{at}.xml", "b_path": f"AR/{at}.xml"}
        self.pairs.append(diff_pb2.Pair(id=f"p{at}", counts=counts, tables=[table], **(values | fields)))

    def order(self, form: str = "xlsx") -> Order:
        return reporting.order(
            diff_pb2.ReportRequest(comparison_id="c1", format=form, by="<i>somebody</i>"),
            self.comparison,
            self.pairs,
            self.prefixes,
            blobs=self.store.folder.as_uri(),
            patterns=self.patterns,
            findings=self.findings,
            recipes=self.recipes,
        )

    def made(self, form: str) -> bytes:
        pieces: list[bytes] = []
        making.report(dict(self.order(form)), pieces.append)
        return b"".join(pieces)

    def book(self) -> Any:
        return openpyxl.load_workbook(io.BytesIO(self.made("xlsx")))

    def lines(self, sheet: str) -> list[list[Any]]:
        """The rows of a sheet, without what is empty at their ends."""
        return [trimmed([cell.value for cell in row]) for row in self.book()[sheet].iter_rows()]

    def page(self) -> Page:
        page = Page()
        page.feed(self.made("html").decode())
        assert page.open == []
        return page


def trimmed(cells: list[Any]) -> list[Any]:
    while cells and cells[-1] is None:
        cells.pop()
    return cells


class Page(HTMLParser):
    """A page as a reader takes it: its tags, its texts, the cells of its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.changes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag in ("del", "ins"):
            self.changes.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.texts.append(data)
        if self.open and self.open[-1] in ("del", "ins"):
            self.changes[-1] = (self.changes[-1][0], self.changes[-1][1] + data)
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return Evidence(tmp_path)


SMALL = pair_of(
    [("1", "a", None), ("2", "b", "x"), ("3", "c", ""), ("4", "d", "y")],
    [("1", "A", ""), ("2", "b", "x"), ("4", "d", " y"), ("5", "e", "z")],
    [0, 1, NOWHERE, 2],
)


def test_the_workbook_has_what_was_and_what_is_of_every_changed_row(evidence: Evidence) -> None:
    evidence.add(SMALL)
    assert evidence.lines("Changes") == [
        ["1. AR/0.xml: Rows"],
        ["What", "Side", "Row", "C0", "C1", "C2"],
        ["changed", "A was", 1, "1", "a", "(absent)"],
        ["changed", "B now", 1, "1", "A", "(empty)"],
        ["removed", "A was", 3, "3", "c", ""],
        ["changed", "A was", 4, "4", "d", "y"],
        ["changed", "B now", 3, "4", "d", " y"],
        ["added", "B now", 4, "5", "e", "z"],
    ]


def test_changed_cells_are_told_by_their_look_and_those_only_written_differently_by_another(evidence: Evidence) -> None:
    evidence.add(SMALL)
    sheet = evidence.book()["Changes"]
    colours = {sheet[where].value: sheet[where].fill.fgColor.rgb for where in ("E3", "E4", "F6", "F7", "D3", "D5")}
    assert colours == {
        "a": "FFFDECEA",
        "A": "FFE6F3EA",
        "y": "FFFFF4DF",
        " y": "FFFFF4DF",
        "1": "00000000",
        "3": "FFFDECEA",
    }


def test_the_page_has_the_same(evidence: Evidence) -> None:
    evidence.add(SMALL)
    page = evidence.page()
    begin = page.rows.index(["What", "Row in A", "Row in B", "C0", "C1", "C2"])
    assert page.rows[begin + 1 : begin + 5] == [
        ["changed", "1", "1", "1", "aA", "(absent)(empty)"],
        ["removed", "3", "", "3", "c", ""],
        ["changed", "4", "3", "4", "d", "y y"],
        ["added", "", "4", "5", "e", "z"],
    ]
    assert page.changes[:2] == [("del", "a"), ("ins", "A")]


@pytest.mark.parametrize("form", ["xlsx", "html"])
def test_a_summary_says_what_was_compared_how_and_by_whom(evidence: Evidence, form: str) -> None:
    evidence.add(SMALL, reviewed=True, note="Looked at <it>", group="AR", match="path", confidence=1)
    evidence.recipes = [
        diff_pb2.Recipe(name="other"),
        diff_pb2.Recipe(name="Mine", options=evidence.comparison.options),
    ]
    failure = diff_pb2.Note(code="MEMORY_EXCEEDED", detail="It needed too much memory.")
    evidence.pairs += [
        diff_pb2.Pair(id="p7", status="failed", a_path="AR/bad.xml", b_path="AR/bad.xml", failure=failure),
        diff_pb2.Pair(id="p8", status="identical", a_path="AR/same.xml", b_path="AR/same.xml"),
        diff_pb2.Pair(id="p9", status="only_in_b", b_path="AR/new.xml"),
    ]
    if form == "xlsx":
        book = evidence.book()
        texts = [cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell]
        assert book.sheetnames == ["Summary", "Pairs", "Tables", "Changes", "Failed objects"]
    else:
        texts = [cell for row in evidence.page().rows for cell in row] + evidence.page().texts
    for expected in (
        *("Was <b>.zip", "=Now.xml (deleted since)", "ab" * 32, "not known", "collection A1", "document D2"),
        *(
            "as it was converted",
            "with its edits",
            "2025-11-20 12:00:00 UTC",
            "<i>somebody</i>",
            "Mine",
            "Code",
            "0.01",
        ),
        *("AR/same.xml", "AR/new.xml", "The key is not unique.", "In both with mismatch"),
    ):
        assert expected in texts, expected
    whole = "\n".join(map(str, texts))
    for expected in ("ret-diff 0", "MEMORY_EXCEEDED", "It needed too much memory.", "Looked at <it>"):
        assert expected in whole


def test_pairs_are_listed_class_by_class_and_say_where_their_changes_are(evidence: Evidence) -> None:
    evidence.pairs.append(diff_pb2.Pair(id="p0", status="identical", a_path="z", b_path="z"))
    evidence.add(SMALL)
    titles, first, second = evidence.lines("Pairs")
    assert (first[:2], second[:2]) == ([1, "In both with mismatch"], [2, "In both and identical"])
    assert first[titles.index("Changes")] == "Changes, row 1"
    assert evidence.lines("Tables")[1][-1] == "Changes, row 1"


def test_patterns_and_findings_are_told(evidence: Evidence) -> None:
    evidence.add(SMALL)
    pattern = diff_pb2.Pattern(table="Rows", column="C1", old="a", count=3, pairs=2)
    evidence.patterns = diff_pb2.PatternsResponse(patterns=[pattern], total=12)
    place = diff_pb2.FindingPlace(pair_id="p0", table="Rows", column="C0", cells=40)
    evidence.findings = [
        diff_pb2.Finding(code="ids_renumbered", detail="Ids anew.", cells=40, places=[place], examples=[pattern])
    ]
    assert evidence.lines("Patterns")[1:] == [
        ["Rows", "C1", "a", "(absent)", 3, 2, "no"],
        ["The most frequent 1 of 12."],
    ]
    assert evidence.lines("Findings")[1][:3] == ["ids_renumbered", "Ids anew.", 40]
    assert evidence.lines("Findings")[1][4] == "1. AR/0.xml: Rows, C0 (40 cells)"
    page = evidence.page()
    assert ["Rows", "C1", "a", "(absent)", "3", "2", "no"] in page.rows
    assert "Ids anew." in page.texts


def test_hostile_cells_are_texts_in_a_workbook(evidence: Evidence) -> None:
    evidence.add(pair_of([("k", *HOSTILE)], [("k", *(f"{one}!" for one in HOSTILE))], [0]))
    sheet = evidence.book()["Changes"]
    for number, tail in ((3, ""), (4, "!")):
        row = next(sheet.iter_rows(min_row=number, max_row=number))
        assert [unescape(cell.value) for cell in row[4:]] == [one + tail for one in HOSTILE]
        assert {cell.data_type for cell in row[4:]} == {"s"}
        assert {cell.hyperlink for cell in row} == {None}
    assert sheet.protection.sheet is False


def test_hostile_cells_are_texts_on_the_page(evidence: Evidence) -> None:
    evidence.add(pair_of([("k", *HOSTILE)], [("k", *(f"{one}!" for one in HOSTILE))], [0]))
    text = evidence.made("html").decode()
    page = evidence.page()
    assert {tag for tag, _ in page.tags} <= KNOWN
    for _, attributes in page.tags:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "style")}
        assert (attributes.get("href") or "#").startswith("#")
    shown = [text for tag, text in page.changes if tag == "del"]
    assert shown == [one.replace("\x00", "␀").replace("\x0b", "␋") for one in HOSTILE]
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", text)
    assert "default-src 'none'" in text


def test_a_text_that_is_too_long_for_a_cell_goes_on_below(evidence: Evidence) -> None:
    long = "x" * 70_000 + "💶" * 10
    evidence.add(pair_of([("k", long, "t")], [("k", "short", "t")], [0]))
    rows = evidence.lines("Changes")[2:]
    was = [row for row in rows if len(row) > 4 and row[4] != "short"]
    assert "".join(row[4] for row in was) == long
    assert max(len(row[4].encode("utf-16-le")) // 2 for row in was) <= 32_767
    assert was[0][3:] == ["k", was[0][4], "t"]
    assert [row[:3] for row in rows if "short" in row] == [["changed", "B now", 1]]


def test_a_table_with_more_columns_than_a_sheet_goes_on_below(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "ACROSS", 2)
    evidence.add(SMALL)
    assert evidence.lines("Changes")[1:7] == [
        ["What", "Side", "Row", "C0", "C1"],
        ["… continued", "columns 3 to 3", None, "C2"],
        ["changed", "A was", 1, "1", "a"],
        ["… continued", "columns 3 to 3", None, "(absent)"],
        ["changed", "B now", 1, "1", "A"],
        ["… continued", "columns 3 to 3", None, "(empty)"],
    ]


def test_more_rows_than_a_sheet_takes_go_on_on_the_next_one(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "ROWS", 6)
    evidence.add(SMALL)
    book = evidence.book()
    names = [name for name in book.sheetnames if name.startswith("Changes")]
    assert names == ["Changes", "Changes 2", "Changes 3"]
    rows = [[trimmed(list(row)) for row in book[name].iter_rows(values_only=True)] for name in names]
    assert rows[0][-1] == ["Continued on the sheet “Changes 2”"]
    assert rows[1][:2] == rows[0][:2]
    assert max(map(len, rows)) <= 6
    kept = [row for some in rows for row in some if row and row[0] in ("changed", "added", "removed")]
    monkeypatch.undo()
    assert kept == [row for row in evidence.lines("Changes") if row and row[0] in ("changed", "added", "removed")]
    assert "Changes, Changes 2, Changes 3" in {
        row[1] for name in book.sheetnames[:9] for row in book[name].iter_rows(max_col=2, values_only=True)
    }


def test_of_a_wide_table_without_new_rows_only_what_changed_is_shown(evidence: Evidence) -> None:
    evidence.add(pair_of([tuple("abcdefghij" * 4)], [("a", "B", *"cdefghij" + "abcdefghij" * 3)], [0]))
    assert evidence.lines("Changes")[1:4] == [
        ["1 of 40 columns: keys and those with a change"],
        ["What", "Side", "Row", "C1"],
        ["changed", "A was", 1, "b"],
    ]
    assert ["What", "Row in A", "Row in B", "C1"] in evidence.page().rows


def test_a_difference_nobody_looks_at_is_shown_and_not_marked(evidence: Evidence) -> None:
    evidence.add(random_pair(2))
    page = evidence.page()
    marked = sum(tag == "del" for tag, _ in page.changes)
    assert marked == evidence.pairs[0].counts.cells_changed


def test_a_comparison_without_differences_has_a_report_too(evidence: Evidence) -> None:
    evidence.pairs.append(diff_pb2.Pair(id="p0", status="identical", a_path="z", b_path="z"))
    assert evidence.book().sheetnames == ["Summary", "Pairs"]
    assert "No row was added, removed or changed." in evidence.page().texts


def test_what_is_held_does_not_grow_with_the_result(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    a = [(str(at), "x" * 300) for at in range(1200)]
    evidence.add(pair_of(a, [(key, "y" * 300) for key, _ in a], list(range(1200))))
    monkeypatch.setattr(workbook, "BUFFER", 1 << 12)
    monkeypatch.setattr(html, "BUFFER", 1 << 12)
    for form in ("xlsx", "html"):
        sizes: list[int] = []
        making.report(dict(evidence.order(form)), lambda piece, sizes=sizes: sizes.append(len(piece)))
        assert max(sizes) < 1 << 15, form
    assert len(sizes) > 100


@pytest.mark.parametrize("form,media_type", [("xlsx", "spreadsheetml.sheet"), ("html", "text/html")])
def test_the_file_is_named_after_both_sides(evidence: Evidence, form: str, media_type: str) -> None:
    evidence.comparison.a.name = "../x" + "y" * 100 + "\x00"
    name, kind = reporting.header(evidence.order(form))
    assert name == f"Comparison ..x{'y' * 57} - =Now.xml.{form}"
    assert kind.endswith(media_type)


def test_an_order_survives_the_way_to_a_child(evidence: Evidence) -> None:
    evidence.add(SMALL)
    there = json.loads(json.dumps(evidence.order("html")))
    pieces: list[bytes] = []
    making.report(there, pieces.append)
    assert b"".join(pieces) == evidence.made("html")
