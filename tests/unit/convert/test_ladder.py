"""What holds for all rungs, and what none of them takes."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from convert_ladder import ROWS, TWO, climbed, doc

from ret_convert.errors import EntityBomb, RecordPathMissing, Undecodable
from ret_convert.flatten import Batch, Flattening, Options, Progress, Source
from ret_convert.ladder import ladder, survey
from ret_convert.ladder.ladder import Keeping, climb, percent, rising, text_rungs
from ret_convert.xml import xml_flatten
from ret_kit.errors import StorageFull


def test_a_sound_document_stays_on_the_first_rung() -> None:
    one = climbed(doc())
    assert (one.method, one.fidelity, one.codes, one.main) == ("native", 1.0, [], ROWS)


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
