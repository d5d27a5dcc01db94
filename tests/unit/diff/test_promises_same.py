"""The same two tables give the same bytes, whoever compares them, and however they come."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from truth_digest import digests

from ret_diff.arrow import pa


@pytest.fixture(scope="module")
def expected() -> list[str]:
    return digests()


def test_the_hash_seed_and_the_threads_of_a_process_do_not_count(expected: list[str]) -> None:
    program = Path(__file__).with_name("truth_digest.py")
    started = [
        subprocess.Popen(
            [sys.executable, str(program)],
            env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads, "ARROW_IO_THREADS": threads},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed, threads in (("1", "1"), ("271828", "7"))
    ]
    assert [process.communicate()[0].split() for process in started] == [expected, expected]


@pytest.mark.parametrize("pieces", [2, 7, 1000])
def test_the_chunks_of_a_source_do_not_count(expected: list[str], pieces: int) -> None:
    assert digests(pieces) == expected


def test_the_threads_of_arrow_do_not_count(expected: list[str]) -> None:
    before = pa.cpu_count()
    try:
        pa.set_cpu_count(1 if before > 1 else 8)
        assert digests() == expected
    finally:
        pa.set_cpu_count(before)
