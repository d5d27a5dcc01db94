from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ret_convert.export import ahead
from ret_convert.export.ahead import Done, Step, at_once, in_order


def test_values_come_in_the_order_of_their_steps_whoever_is_done_first() -> None:
    second_done = threading.Event()

    def first() -> int:
        assert second_done.wait(10)
        return 1

    def second() -> int:
        second_done.set()
        return 2

    steps: list[Step[int]] = [Done(0), first, second, Done(3)]
    assert list(in_order(steps)) == [0, 1, 2, 3]


def test_steps_are_taken_only_a_few_ahead() -> None:
    taken: list[int] = []

    def steps() -> Iterator[Step[int]]:
        for number in range(1000):
            taken.append(number)
            yield lambda number=number: number

    values = in_order(steps())
    for number in range(100):
        assert next(values) == number
        assert len(taken) <= number + ahead.AHEAD + 2
    assert list(values) == list(range(100, 1000))


def test_the_first_value_does_not_wait_for_later_steps() -> None:
    def steps() -> Iterator[Step[int]]:
        yield Done(1)
        raise AssertionError("was taken too early")

    assert next(in_order(steps())) == 1


def test_an_error_of_a_step_is_raised_in_its_turn_and_nothing_comes_after_it() -> None:
    def fails() -> int:
        raise ZeroDivisionError

    found: list[int] = []
    steps: list[Step[int]] = [Done(1), fails, Done(3)]
    with pytest.raises(ZeroDivisionError):
        found.extend(in_order(steps))
    assert found == [1]


def test_after_an_error_in_taking_steps_what_waits_is_dropped() -> None:
    began: list[int] = []
    may_end = threading.Event()

    def slow(number: int) -> int:
        began.append(number)
        assert may_end.wait(10)
        return number

    def steps() -> Iterator[Step[int]]:
        for number in range(ahead.AHEAD):
            yield lambda number=number: slow(number)
        may_end.set()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(in_order(steps()))
    assert len(began) <= ahead.AHEAD


def test_at_once_gives_the_same_in_this_thread() -> None:
    steps: list[Step[object]] = [Done(1), threading.get_ident]
    assert list(at_once(steps)) == [1, threading.get_ident()]
