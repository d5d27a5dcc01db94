from __future__ import annotations

import codecs
import io

import pytest

from ret_convert import html_page, html_tables
from ret_convert.flatten import Flattened, Options
from ret_convert.html_page import Page
from ret_convert.html_tables import HtmlFlattening, html_flatten
from ret_convert.workbooks.errors import WorkbookTooLarge

Rows = list[list[str | None]]


def read(page: str | bytes, options: Options | None = None) -> tuple[dict[str, Rows], Flattened]:
    data = page if isinstance(page, bytes) else page.encode()
    flattening = html_flatten(lambda: io.BytesIO(data), options or Options(), lambda _: None)
    found: dict[str, Rows] = {}
    for one in flattening.batches():
        rows = found.setdefault(one.table.name, [[column.name for column in one.table.columns]])
        rows.extend([*row.values()] for row in one.columns.to_pylist())
    return found, flattening.result()


def tables(page: str | bytes) -> dict[str, Rows]:
    """Every table by name, its names first."""
    found, flattened = read(page)
    assert flattened.conserved
    return found


def test_a_table_with_a_row_of_names() -> None:
    page = "<table><tr><th>Id<th>Word</tr><tr><td>007</td><td>M&uuml;ller &amp; &lt;Co&gt;</td></tr></table>"
    assert tables(page) == {"Table 1": [["Id", "Word"], ["007", "Müller & <Co>"]]}


def test_text_stays_as_it_is_shown() -> None:
    page = """<table><tr><th>a</th><th>b</th></tr><tr><td style='mso-number-format:"\\@"'>  00<b>1</b>
    2 </td><td>one<br>two<p>three</p><div>four</div></td></tr></table>"""
    assert tables(page)["Table 1"][1] == ["001 2", "one\ntwo\nthree\nfour"]


def test_cells_that_reach_over_columns_and_rows_keep_the_others_in_their_place() -> None:
    page = """<table><tr><th>a<th colspan=2>b<th>d</tr><tr><td rowspan=3>1<td>2<td>3<td>4</tr>
    <tr><td colspan="2">5<td rowspan=x>6</tr><tr><td>7<td>8</tr><tr><td>9</tr></table>"""
    assert tables(page)["Table 1"] == [
        ["a", "b", "Column 3", "d"],
        ["1", "2", "3", "4"],
        [None, "5", None, "6"],
        [None, "7", "8", None],
        ["9", None, None, None],
    ]


def test_the_largest_table_is_the_main_one_and_text_outside_is_kept() -> None:
    page = """<html><head><title>Report</title><style>td{x:y}</style></head><body><h1>AR  Aging</h1>
    <table><tr><td>Logo</td></tr></table> between
    <table><caption>Open</caption><tr><th>Id<th>Due</tr><tr><td>1<td>2</tr></table><p>end</p></body></html>"""
    found, flattened = read(page)
    assert found == {
        "Table 2": [["Id", "Due"], ["1", "2"]],
        "Table 1": [["Logo"]],
        "_document": [["Column 1"], ["Report"], ["AR Aging"], ["between"], ["Open"], ["end"]],
    }
    assert [(table.name, table.role) for table in flattened.tables] == [
        ("Table 2", "main"),
        ("Table 1", "child"),
        ("_document", "child"),
    ]


def test_nested_tables_are_tables_of_their_own() -> None:
    page = """<table><tr><td>a<table><tr><th>x<th>y</tr><tr><td>1<td>2</tr></table>b</td><td>c</td></tr>
    <tr><td>d</td><td>e</td></tr></table>"""
    assert tables(page) == {"Table 1": [["a\nb", "c"], ["d", "e"]], "Table 2": [["x", "y"], ["1", "2"]]}


def test_rows_of_names_in_two_lines_keep_the_upper_one() -> None:
    page = "<table><tr><th colspan=2>2024</tr><tr><th>Q1<th>Q2</tr><tr><td>1<td>2</tr></table>"
    assert tables(page) == {"Table 1._document": [["Column 1"], ["2024"]], "Table 1": [["Q1", "Q2"], ["1", "2"]]}


def test_blank_rows_stay_inside_and_go_at_the_end() -> None:
    page = "<table><tr><th>a</tr><tr><td>1</tr><tr><td>&nbsp;</tr><tr></tr><tr><td>2</tr><tr><td> </tr></table>"
    assert tables(page)["Table 1"] == [["a"], ["1"], [None], [None], ["2"]]


def test_what_programs_read_is_no_content() -> None:
    page = """<!--[if mso]><xml><x:Name>S</x:Name></xml><![endif]--><xml><x:Name>S</x:Name></xml><script>a<b</script>
    <table><tr><td>1 &copy 2 &bogus; 3 < 4</td></tr></table>"""
    assert tables(page) == {"Table 1": [["1 © 2 &bogus; 3 < 4"]]}


@pytest.mark.parametrize(
    "data",
    [
        "<meta charset=windows-1252><table><tr><td>€ é</table>".encode("cp1252"),
        b"<meta http-equiv='Content-Type' content='text/html; charset=iso-8859-1'><table><tr><td>\x80 \xe9</table>",
        "<meta charset='utf-8'><table><tr><td>€ é</table>".encode(),
        "<meta charset='utf-8'><table><tr><td>€ é</table>".encode("cp1252"),
        "<meta charset='none-such'><table><tr><td>€ é</table>".encode(),
        "<?xml version='1.0' encoding='iso-8859-15'?><table><tr><td>€ é</table>".encode("iso-8859-15"),
        codecs.BOM_UTF8 + "<meta charset='cp1252'><table><tr><td>€ é</table>".encode(),
        "<table><tr><td>€ é</table>".encode("utf-16"),
        "<table><tr><td>€ é</table>".encode(),
    ],
)
def test_the_encoding_is_what_the_page_says_if_it_is_that(data: bytes) -> None:
    assert tables(data) == {"Table 1": [["€ é"]]}


def test_a_page_without_a_table_is_its_text() -> None:
    assert tables("<p>one</p>two<br>three") == {"_document": [["Column 1"], ["one"], ["two\nthree"]]}
    assert tables("") == {"_document": [["Column 1"]]}


def test_an_unfinished_page_keeps_what_it_has() -> None:
    assert tables("<table><tr><th>a<th>b<tr><td>1<td>2<table><tr><td>in")["Table 1"] == [["a", "b"], ["1", "2"]]


def test_columns_beyond_all_measure_are_not_reached_for() -> None:
    found = tables("<table><tr>" + "<td colspan=1000>x" * 20 + "</table>")
    assert len(found["Table 1"][0]) == 16_004


def test_a_table_spread_too_far_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_tables, "AREA", 1 << 20)
    page = "<table><tr>" + "<td colspan=1000 rowspan=65534>x" * 16 + "<tr><td>y" * 100
    with pytest.raises(WorkbookTooLarge) as refused:
        read(page)
    assert refused.value.code == "WORKBOOK_TOO_LARGE"


def test_long_tables_come_in_batches() -> None:
    page = "<table>" + "<tr><td>x<td>1" * 10 + "</table>"
    flattening = html_flatten(lambda: io.BytesIO(page.encode()), Options(rows=4), lambda _: None)
    assert [one.columns.num_rows for one in flattening.batches()] == [4, 4, 2]


def test_a_lost_cell_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = html_page.shown

    def careless(runs: list[str | None]) -> str | None:
        return None if "b" in runs else real(runs)

    monkeypatch.setattr(html_page, "shown", careless)
    assert read("<table><tr><td>a<td>b</table>")[1].fidelity == 0.5


@pytest.mark.parametrize("size", [1, 2, 5, 11])
def test_characters_are_counted_whatever_the_borders_of_the_pieces(size: int) -> None:
    text = "<!-- no --><p title='a>b'>x &amp; y</p> 1 < 2 <style>z</style>&lt;end<!doctype q>"
    page, whole = Page(), Page()
    for at in range(0, len(text), size):
        page.feed(text[at : at + size])
    page.close()
    whole.feed(text)
    whole.close()
    assert page.characters.tally == whole.characters.tally
    assert whole.characters.tally.count == len("x&y1<2<end")


def test_a_comment_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_page, "HELD", 10)
    page = Page()
    page.feed("a<!-- and so on, and on")
    page.feed("more")
    page.close()
    assert not page.sure


def test_there_is_no_result_before_the_last_batch() -> None:
    with pytest.raises(RuntimeError):
        HtmlFlattening(lambda: io.BytesIO(b""), Options(), lambda _: None).result()
