"""Every rung, by documents that need it."""

from __future__ import annotations

import codecs
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from convert_documents import taken
from convert_ladder import climbed

from ret_convert.errors import EntityBomb, RecordPathMissing, Undecodable
from ret_convert.flatten import Batch, Flattening, Options, Progress, Source, outside_warnings
from ret_convert.ladder import ladder, lines, recovered, survey
from ret_convert.ladder.ladder import Keeping, climb, percent, rising, text_rungs
from ret_convert.ladder.lines import LinesFlattening
from ret_convert.ladder.reading import document_of
from ret_convert.layout import Layout
from ret_convert.xml import xml_flatten
from ret_kit.errors import StorageFull

TWO = "<Item><A>a1</A><B>b1</B></Item>", "<Item><A>a2</A><B>b2</B></Item>"
ROWS = [{"A": "a1", "B": "b1"}, {"A": "a2", "B": "b2"}]
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def doc(*items: str) -> str:
    return f"{HEAD}<Items>{''.join(items or TWO)}</Items>"


WORDS = "<R><I><A>Café</A><B>naïve</B></I><I><A>über</A><B>x</B></I></R>"
JAPANESE = "<R><I><名>税区分</名><B>支払</B></I><I><名>条件</名><B>コード</B></I></R>"


def test_a_sound_document_stays_on_the_first_rung() -> None:
    one = climbed(doc())
    assert (one.method, one.fidelity, one.codes, one.main) == ("native", 1.0, [], ROWS)


@pytest.mark.parametrize(
    "data",
    [
        doc().encode() + b"\n-- end --",
        b"HTTP/1.1 200 OK\r\n\r\n" + doc().encode(),
        doc().replace("<Items>", "<Items><!-- a -- b -->").encode(),
        doc().replace("</Items>", "").encode(),
        doc().replace("</Items>", "\n<!-- cut -->").encode(),
        doc().replace("<Item>", "<?pi without end><Item>").encode(),
        doc().replace("?>", ">").encode(),
        b"\n" + doc().encode(),
        codecs.BOM_UTF8 + b" " + doc().encode(),
        codecs.BOM_UTF16_LE + doc().encode(),
        doc().encode("utf-16-le"),
        doc().encode("utf-16-be"),
        codecs.BOM_UTF16_BE + doc().replace("?>", "?>]]>").replace("]]>", "", 1).encode("utf-16-be") + b"\0]",
        codecs.BOM_UTF32_LE + doc().encode("utf-32-le"),
        doc().replace("UTF-8", "UTF-16").encode(),
        doc().replace("UTF-8", "no-such-encoding").encode(),
        doc().replace("UTF-8", "punycode").encode(),
        b"<!doctype items>" + doc().removeprefix(HEAD).encode(),
    ],
)
def test_what_needs_no_guess_is_repaired(data: bytes) -> None:
    one = climbed(data)
    assert (one.method, one.fidelity) in {("repaired", 1.0), ("native", 1.0)}
    assert one.main == ROWS
    assert one.codes == (["XML_REPAIRED"] if one.method == "repaired" else [])


@pytest.mark.parametrize(
    "body, cell, reason",
    [
        ("R&D", "R&D", "ampersand"),
        ("a & b && c", "a & b && c", "ampersand"),
        ("a&nbsp;b", "a\xa0b", "HTML"),
        ("5&euro; d&eacute;", "5€ dé", "HTML"),
        ("&unknown; x", "&unknown; x", "not declared"),
        ("1 < 2", "1 < 2", "begins no markup"),
        ("1 << 2 <= 3", "1 << 2 <= 3", "begins no markup"),
        ("x]]>y", "x]]>y", "]]>"),
        ("&#X41;", "A", "well-formed"),
        ("<![CDATA[a & <b>]]> &", "a & <b> &", "ampersand"),
    ],
)
def test_a_value_is_mended_and_kept(body: str, cell: str, reason: str) -> None:
    one = climbed(doc(TWO[0], f"<Item><A>{body}</A><B>b2</B></Item>"))
    assert (one.method, one.fidelity) == ("repaired", 1.0)
    assert one.main[1] == {"A": cell, "B": "b2"}
    assert reason in one.said


@pytest.mark.parametrize(
    "tag, value",
    [
        ("<Item k=v>", "v"),
        ("<Item k='v'l=\"w\">", "v"),
        ('<Item k="a < b">', "a < b"),
        ('<Item k="R&D">', "R&D"),
        ('<Item k="x &nbsp;">', "x \xa0"),
    ],
)
def test_an_attribute_is_mended_and_kept(tag: str, value: str) -> None:
    one = climbed(doc(TWO[0].replace("<Item>", tag), TWO[1]))
    assert (one.method, one.fidelity) == ("repaired", 1.0)
    assert one.main[0]["@k"] == value
    assert one.main[1] == {**dict.fromkeys(one.main[0]), **ROWS[1]}


@pytest.mark.parametrize(
    "character", ["\x00", "\x01", "\x0b", "\x1f", "\ufffe", "\uffff", "&#0;", "&#xFFFF;", "&#999999999;"]
)
def test_a_character_that_is_none_is_replaced_and_counted(character: str) -> None:
    one = climbed(doc(f"<Item><A>be{character}fore</A><B>b1</B></Item>", TWO[1]))
    assert one.method == "repaired"
    assert one.main == [{"A": "be\ufffdfore", "B": "b1"}, ROWS[1]]
    assert 0.8 < one.fidelity < 1
    assert "mean nothing" in one.said


@pytest.mark.parametrize(
    "encoding, shown",
    [("cp1252", "windows-1252"), ("latin-1", "windows-1252")],
)
def test_windows_bytes_are_read_as_such(encoding: str, shown: str) -> None:
    one = climbed(HEAD.encode() + WORDS.encode(encoding))
    assert (one.method, one.fidelity) == ("repaired", 1.0)
    assert one.main[0] == {"A": "Café", "B": "naïve"}
    assert shown in one.said


def test_bytes_of_windows_among_utf_8_cost_nobody_his_text() -> None:
    one = climbed(HEAD.encode() + WORDS.replace("x", "税区分" * 9 + "\x7f").encode().replace(b"\x7f", b"\x80\x81"))
    assert one.main[0] == {"A": "Café", "B": "naïve"}
    assert one.main[1]["B"] == "税区分" * 9 + "€\x81"
    assert "mixed" in one.said


def test_surrogates_that_oracle_writes_in_utf_8_are_characters() -> None:
    emoji = "\U0001f600".encode("utf-16-be")
    pair = b"".join(chr(int.from_bytes(emoji[at : at + 2], "big")).encode("utf-8", "surrogatepass") for at in (0, 2))
    one = climbed(HEAD.encode() + WORDS.encode().replace(b"x", pair) + "税区分".encode() * 20)
    assert "\U0001f600" in one.cells


@pytest.mark.parametrize("head", ["", HEAD, HEAD.replace("UTF-8", "Shift_JIS")])
def test_japanese_bytes_are_read_as_such(head: str) -> None:
    one = climbed(head.encode() + JAPANESE.replace("支払", "①").encode("cp932"))
    assert one.main == [{"名": "税区分", "B": "①"}, {"名": "条件", "B": "コード"}]


def test_bytes_that_a_declared_encoding_has_not_are_replaced() -> None:
    data = HEAD.replace("UTF-8", "EUC-JP").encode() + JAPANESE.encode("euc-jp").replace(b"<B>", b"<B>\xff", 1)
    one = climbed(data)
    assert one.method == "repaired"
    assert one.main[0] == {"名": "税区分", "B": "\ufffd支払"}
    assert one.fidelity < 1


def test_utf_16_with_half_a_character_is_still_utf_16() -> None:
    one = climbed(codecs.BOM_UTF16_LE + JAPANESE.replace("コード", "\ud800").encode("utf-16-le", "surrogatepass"))
    assert one.main == [{"名": "税区分", "B": "支払"}, {"名": "条件", "B": "\ufffd"}]


def test_several_roots_get_one_around_them() -> None:
    one = climbed(f"{doc()}\n{doc().replace('a1', 'a3')}")
    assert one.method == "repaired"
    assert [row["A"] for row in one.main] == ["a1", "a2", "a3", "a2"]
    assert one.landed.flattened.record_path == "_document/Items/Item"


def test_text_around_the_root_is_kept_beside_the_records() -> None:
    one = climbed(f"Dear all,\n{doc()}\nRegards")
    assert one.made.rows["_document"] == [{"_outside": "Dear all,\n\n", "_outside[2]": "\nRegards"}]


@pytest.mark.parametrize("path", ["Items/Item", "_document/Items/Item", "/Items/Item/"])
def test_a_record_path_is_found_below_a_root_of_ours(path: str) -> None:
    assert climbed(f"junk {doc()}", Options(record_path=path)).main == ROWS


@pytest.mark.parametrize("layout", list(Layout))
def test_repaired_documents_have_every_layout(layout: Layout) -> None:
    one = climbed(f"{doc()} junk &", Options(layout))
    assert one.method == "repaired"
    assert {"a1", "a2", "b1", "b2"} <= set(one.cells)


def test_entities_of_a_damaged_document_are_resolved() -> None:
    head = '<!DOCTYPE Items [<!ENTITY co "Acme &#38;#38; &two;"><!ENTITY two "&self;Sons"><!ENTITY self "&self;">]>'
    one = climbed(f"{head}<Items><Item><A>&co;</A><B>&</B></Item>{TWO[1]}</Items>")
    assert (one.method, one.main[0]["A"]) == ("repaired", "Acme & Sons")


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE Items [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Items SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE Items [<!ENTITY % p SYSTEM "p.dtd"> %p;]>',
    ],
)
def test_what_is_outside_a_damaged_document_is_not_followed(head: str) -> None:
    one = climbed(f"{head}<Items><Item><A>&x;1</A><B>&</B></Item>{TWO[1]}</Items>")
    assert one.main[0] == {"A": "1", "B": "&"}
    assert one.codes == ["XML_REPAIRED", "XML_EXTERNAL_ENTITY"]


def test_very_many_entities_outside_are_not_all_named() -> None:
    assert len(outside_warnings([f"e{number}" for number in range(30)], 30)) == 21


LAUGHS = "<!DOCTYPE r [" + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 10}">' for n in range(12))


@pytest.mark.parametrize(
    "body",
    [
        f"{LAUGHS}]><r><x>&l11;</x></r>",
        f"{LAUGHS}]><r><x></y>&l11;</x></r>",
        f"{LAUGHS}]><r><y k='&l11;'></z></r>",
        f"<!DOCTYPE r [<!ENTITY a '{'a' * 100_000}'>]><r></x>{'&a;' * 20_000}</r>",
    ],
)
def test_a_damaged_bomb_is_refused_like_any_other(body: str) -> None:
    with pytest.raises(EntityBomb):
        climbed(body)


def test_a_record_path_that_is_not_there_is_refused_on_every_rung() -> None:
    for body in (doc(), f"{doc()} &", f"{doc()}</x>"):
        with pytest.raises(RecordPathMissing):
            climbed(body, Options(record_path="Items/Other"))


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


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \r\n\t ",
        b"Dear all,\nthis is no markup.\nRegards\n",
        b"\0" * 5000,
        bytes(range(256)) * 40,
        b"<" * 5000,
        b'<a k="' * 5000,
        b"a <b and c> d\n" * 20,
        b"<?xml version='1.0'?>",
        b"\xff\xfe",
        b"\xed\xa0",
        codecs.BOM_UTF8,
    ],
)
def test_what_is_no_markup_is_given_line_by_line(body: bytes) -> None:
    one = climbed(body)
    assert (one.method, one.codes) == ("lines", ["XML_AS_LINES"])
    assert [column.name for column in one.landed.flattened.tables[0].columns] == ["line", "text"]


def text_of(body: bytes) -> list[tuple[str | None, str | None]]:
    made = taken(LinesFlattening(lambda: io.BytesIO(body), Options(rows=2), lambda _: None))
    assert made.flattened.conserved
    return [(row["line"], row["text"]) for row in made.main]


def test_lines_have_their_numbers_whatever_ends_them() -> None:
    assert text_of(b"a\n\n  b \r\nc\rd") == [("1", "a"), ("3", "  b "), ("4", "c"), ("5", "d")]


def test_a_line_too_long_for_a_cell_goes_into_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 4)
    monkeypatch.setattr(lines, "CHARACTERS", 3)
    assert text_of(b"abcdefghi\nj") == [("1", "abcd"), ("1", "efgh"), ("1", "i"), ("2", "j")]


def test_any_bytes_are_text_and_none_is_lost() -> None:
    assert text_of(bytes([0, 1, 0x80, 0x81, 0xE9, 0xFF])) == [("1", "\0\x01€\x81éÿ")]


def test_bytes_that_are_nothing_are_counted() -> None:
    flattening = LinesFlattening(
        lambda: io.BytesIO("ab\ud800c".encode("utf-16", "surrogatepass")), Options(), lambda _: None
    )
    assert [*flattening.batches()]
    assert flattening.kept == 0.75


def test_results_wait_for_their_batches() -> None:
    flattening = LinesFlattening(lambda: io.BytesIO(b"x"), Options(), lambda _: None)
    with pytest.raises(RuntimeError, match="taken"):
        flattening.result()


def test_very_many_open_tags_are_a_table() -> None:
    one = climbed("<a>" * 3_000)
    assert one.method == "recovered"


def test_an_attribute_without_an_end_is_a_table_however_long() -> None:
    one = climbed(f'{doc()[:-8]}<Item k="{"x" * 300_000}')
    assert one.method == "salvaged"
    assert [{name: row.get(name) for name in ("A", "B")} for row in one.main[:2]] == ROWS
    assert "x" * 300_000 in one.cells


# --- what holds for all rungs ---------------------------------------------------------------------------------------


def keeping() -> Keeping[list[Any]]:
    return Keeping(lambda batches: [*batches], lambda: None)


def test_a_reader_of_ours_that_fails_costs_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    def broken(source: Source, options: Options, progress: Progress) -> Flattening:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        one = climbed(doc(), native=broken)
    assert one.method == "recovered"
    assert "ZeroDivisionError" in one.said
    assert "reading a document failed" in caplog.text


def test_a_survey_of_ours_that_fails_leaves_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ladder, "survey_of", broken)
    assert climbed(f"{doc()} &").method == "lines"


@pytest.mark.parametrize("failing", ["survey_of", "repaired"])
def test_a_full_store_is_no_fault_of_a_document(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    def full(*_: object) -> None:
        raise StorageFull

    monkeypatch.setattr(ladder, failing, full)
    with pytest.raises(StorageFull):
        climbed(f"{doc()} &")


def test_rows_of_a_document_that_was_mended_have_no_place_in_it() -> None:
    one = climbed(f"{doc()} &")
    assert all(isinstance(batch, Batch) and not batch.starts and not batch.ends for batch in one.landed.kept)


def test_values_lost_on_a_rung_that_may_lose_some_are_confessed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ladder.SalvagedFlattening.result

    def careless(self: Any) -> Any:
        found = real(self)
        found.written.count -= 1
        return found

    monkeypatch.setattr(ladder.SalvagedFlattening, "result", careless)
    one = climbed(doc("<Item><A>a0</B></A></Item>", *TWO))
    assert one.codes == ["XML_SALVAGED", "VALUES_LOST"]
    assert one.fidelity < 1


def test_text_that_no_reader_can_decode_ends_as_lines() -> None:
    def reader(source: Source, options: Options, progress: Progress) -> Flattening:
        raise Undecodable

    landed = climb(text_rungs(lambda: io.BytesIO(b"a;b"), Options(), lambda _: None, reader), keeping(), "d")
    assert (landed.method, landed.fidelity) == ("lines", 1.0)
    assert [warning.code for warning in landed.warnings] == ["XML_AS_LINES"]


def test_the_last_rung_must_hold() -> None:
    def never() -> Any:
        raise Undecodable

    with pytest.raises(Undecodable):
        climb(iter([ladder.Rung("native", never)]), keeping(), "d")


def test_progress_rises_over_all_rungs_and_never_beyond_the_document() -> None:
    told: list[int] = []
    progress = rising(told.append, 10)
    for done in (3, 8, 1, 20):
        progress(done)
    assert told == [3, 8, 8, 10]


def test_a_share_is_whole_only_when_nothing_is_missing() -> None:
    assert [percent(share) for share in (1.0, 0.99999, 0.5, 0.0)] == ["100 %", "99.9 %", "50 %", "0 %"]


def test_a_reading_that_only_guesses_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "PATIENCE", 10)
    monkeypatch.setattr("ret_convert.ladder.reading.STEP", 4)
    read: list[int] = []
    real = survey.Reading.drive

    def drive(self: Any, handler: Any) -> Iterator[int]:
        for done in real(self, handler):
            read.append(self.at)
            yield done

    monkeypatch.setattr(survey.Reading, "drive", drive)
    body = b'<a k="' * 1000
    assert climbed(body).method == "lines"
    assert max(read) < len(body) / 2


def test_native_is_what_is_given() -> None:
    seen: list[bytes] = []

    def native(source: Any, options: Any, progress: Any) -> Any:
        with source() as stream:
            seen.append(stream.read())
        return xml_flatten(source, options, progress)

    climbed(f"{doc()} &", native=native)
    assert len(seen) == 2
    assert seen[1].startswith(b'<?xml version="1.0" encoding="UTF-8"?><_document><Items>')
