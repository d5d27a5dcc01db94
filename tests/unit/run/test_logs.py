from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from ret_run import logs
from ret_run.logs import Log, Output, as_json


def test_a_line_that_is_json_passes_as_it_is() -> None:
    assert as_json("auth", '{"message": "ready"}') == '{"message": "ready"}'


def test_a_plain_line_of_a_server_becomes_json_with_its_name() -> None:
    words = json.loads(as_json("nats", 'Server is "ready"'))
    assert words["service"] == "nats"
    assert words["message"] == 'Server is "ready"'
    assert words["time"].endswith("Z")


def test_every_line_stands_in_the_file_and_on_standard_output(tmp_path: Path) -> None:
    stream = io.StringIO()
    output = Output(stream)
    log = Log("auth", tmp_path, output, json_lines=False)
    log.write(b"one")
    log.write(b"")
    log.write("zwei ü".encode())
    log.close()
    output.close()
    lines = (tmp_path / "auth.log").read_text().splitlines()
    assert [line.split(" | ")[1] for line in lines] == ["one", "zwei ü"]
    assert stream.getvalue().splitlines() == lines
    assert list(log.last) == ["one", "zwei ü"]


def test_a_full_file_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ROTATE_AT", 100)
    log = Log("auth", tmp_path, None, json_lines=False)
    for number in range(10):
        log.write(b"%d" % number * 30)
    log.close()
    assert (tmp_path / "auth.log").stat().st_size <= 150
    assert (tmp_path / "auth.log.1").exists()


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    log = Log("auth", tmp_path, None, json_lines=False)
    log.write(b"x" * (logs.LONGEST_LINE + 5))
    log.close()
    assert len(log.last[0]) == logs.LONGEST_LINE


def test_a_reader_that_went_away_stops_nobody(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", closefd=True) as stream:
        output = Output(stream)
        log = Log("auth", tmp_path, output, json_lines=False)
        for _ in range(20_000):
            log.write(b"still here")
        log.close()
        output.close()
        assert len((tmp_path / "auth.log").read_text().splitlines()) == 20_000
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
