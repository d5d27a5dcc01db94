"""The third and the fourth rung: what is recovered by libxml2, and what by our own guesses."""

from __future__ import annotations

import io

import pytest
from convert_ladder import ROWS, TWO, climbed, doc

from ret_convert.ladder import recovered, survey
from ret_convert.ladder.reading import document_of


def test_what_libxml2_recovers_whole_is_recovered() -> None:
    body = doc(*TWO * 5, '<n:Item xmlns:n="urn:n" n:k="R&amp;D & so"><A>a3</A><B>b3</B></n:Item>', "<Item><A>cut")
    one = climbed(body.removesuffix("</Items>"))
    assert one.method == "recovered"
    assert one.codes == ["XML_RECOVERED"]
    assert {"a1", "b1", "a2", "b2", "a3", "b3", "R&D & so"} <= set(one.cells)
    assert 0.8 < one.fidelity <= 1


def test_what_libxml2_misplaces_is_not_taken() -> None:
    body = doc("<Item><A>a0</B></A></Item>", *TWO)
    one = climbed(body)
    assert one.method == "salvaged"
    assert one.main == [{"A": "a0", "B": None}, *ROWS]


@pytest.mark.parametrize("character", ["\u203f", "\u2040"])
def test_tags_that_have_our_own_marks_are_not_recovered(character: str) -> None:
    assert climbed(doc(*TWO, f"<Item k='{character}'><A>cut")).method == "salvaged"


def test_a_fault_of_lxml_is_one_rung_less(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise recovered.etree.LxmlError

    monkeypatch.setattr(recovered.etree, "XMLParser", broken)
    assert climbed(doc(*TWO, "<Item><A>cut")).method == "salvaged"


@pytest.mark.parametrize(
    "third, reason",
    [
        ("<Item><A>a3</A></X><B>b3</B></Item>", "closes nothing"),
        ("<Item><A>a3<B>b3</B></Item></Q>", "not closed"),
        ("<Item><A>a3</A junk><B>b3</B></Item>", "more than its name"),
        ("<Item><A>a3</><B>b3</B></Item>", "more than its name"),
        ("<Item><A>a3</A<B>b3</B></Item>", "without >"),
        ("<Item k><A>a3</A></X><B>b3</B></Item>", "looks like a tag"),
        ('<Item k="1" k="2" k_2="0" k="3"><A>a3</A><B>b3</B></Item>', "stands twice"),
        ('<Item k="v><A>a3</A><B>b3</B></Item>', "without an end"),
        ('<Item k="v l="w"><A>a3</A><B>b3</B></Item>', "without an end"),
        ('<Item k="v" l><A>a3</A><B>b3</B></Item>', "without a value"),
        ('<Item k="v" = "><A>a3</A><B>b3</B></Item>', "more than attributes"),
        ('<Item k="v" <A>a3</A><B>b3</B></Item>', "without >"),
        ("<Item><A>a3</A><!-- <B>b3</B></Item>", "a comment"),
        ("<Item><A>a3</A><B><![CDATA[b3</B></Item>", "CDATA"),
        ("<Item><A>a3</A><?pi <B>b3</B></Item>", "an instruction"),
        ("<Item><A>a3</A><!ELEMENT x><B>b3</B></Item>", "declaration"),
    ],
)
def test_a_damaged_record_is_kept_and_told_and_no_other_is_touched(third: str, reason: str) -> None:
    one = climbed(doc(TWO[0], third + "</X>", TWO[1]))
    assert (one.method, one.codes) == ("salvaged", ["XML_SALVAGED"])
    rows = [{name: row.get(name) for name in ("A", "B")} for row in one.main]
    assert rows[0] == ROWS[0]
    assert rows[-1] == ROWS[1]
    assert any("a3" in cell for cell in one.cells)
    assert any("b3" in cell for cell in one.cells)
    assert any(reason in (error["reason"] or "") for error in one.errors)
    assert "a3" in "".join(error["source"] or "" for error in one.errors)


def test_errors_tell_the_record_the_line_and_the_source() -> None:
    body = doc(TWO[0], "\n<Item><A>a0</B></A>\n</Item>\n", "<x></y></x>", TWO[1], "</z>")
    one = climbed(body)
    assert one.errors == [
        {
            "record": "2",
            "line": "3",
            "reason": "an end tag that closes nothing",
            "source": "<Item><A>a0</B></A>\n</Item>",
        },
        {"record": None, "line": "5", "reason": "an end tag that closes nothing", "source": "\n<x></y></x>"},
        {"record": None, "line": "5", "reason": "an end tag that closes nothing", "source": "</z></Items>"},
    ]


def test_the_source_of_a_long_record_is_what_is_around_the_damage() -> None:
    record = f"<Item><A>{'x' * 100_000}</A></Q><B>{'y' * 100_000}</B></Item>"
    [error] = climbed(doc(*TWO, record)).errors
    source = error["source"] or ""
    assert len(source) == 32_767
    assert "</Q><B>yyy" in source


def test_very_many_damaged_records_are_all_told() -> None:
    one = climbed(doc(*(f"<Item><A>{n}</A></Q><B>{n}</B></Item>" for n in range(1200))))
    assert [error["record"] for error in one.errors] == [str(n) for n in range(1, 1201)]


def test_a_record_without_an_end_does_not_swallow_those_behind_it() -> None:
    body = doc(*TWO, "<Item><A>a3</A><B>b3</B>", *(f"<Item><A>x{n}</A><B>y{n}</B></Item>" for n in range(9)))
    one = climbed(body)
    assert one.method == "salvaged"
    assert [row["A"] for row in one.main] == ["a1", "a2", "a3", *(f"x{n}" for n in range(9))]
    assert [error["record"] for error in one.errors] == ["3"]


def test_elements_that_stand_in_themselves_by_right_are_left_so() -> None:
    inner = "<n><k>1</k><n><k>2</k></n><n><k>3</k><n><k>4</k></n></n></n>"
    body = f"<t>{inner}<n><k>5</k></n></k></n>{inner}</t>"
    found = survey.survey_of(document_of(lambda: io.BytesIO(body.encode())), lambda _: None)
    assert (found.guesses, found.flat, found.document.flat) == (2, frozenset(), frozenset())
    cut = f"<t>{inner}<n><k>5</k><n><k>6</k></n>{inner}</t>"
    found = survey.survey_of(document_of(lambda: io.BytesIO(cut.encode())), lambda _: None)
    assert (found.guesses, found.flat, found.document.flat) == (1, frozenset({"n"}), frozenset())


def test_a_table_of_the_document_that_is_called_like_ours_keeps_its_name() -> None:
    body = "<r>" + "<_errors><a>1</a><b>2</b></_errors>" * 3 + "<_errors><a>1</b></a></_errors>" + "<x>1</x></r>"
    one = climbed(body)
    assert [table.name for table in one.landed.flattened.tables] == ["_errors", "_document", "_errors (2)"]
