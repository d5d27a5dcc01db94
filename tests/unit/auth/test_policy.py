from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret_auth.policy import (
    Count,
    Lifetimes,
    LockRules,
    RefreshState,
    RefreshVerdict,
    judge_refresh,
)

RULES = LockRules()
MINUTE, HOUR = 60_000, 3_600_000
START = 1_000 * HOUR


def after(failures: int, apart_ms: int = 1000) -> tuple[Count, int]:
    """The count after so many wrong passwords, each tried when it was allowed; and the time of the last."""
    count, now = Count(), START
    for _ in range(failures):
        now += apart_ms + RULES.wait_ms(count, now + apart_ms)
        count = RULES.failed(count, now)
    return count, now


@pytest.mark.parametrize("failures", range(5))
def test_four_wrong_passwords_lock_nothing(failures: int) -> None:
    count, now = after(failures)
    assert RULES.wait_ms(count, now) == 0


@pytest.mark.parametrize("failures,minutes", [(5, 1), (6, 2), (7, 4), (8, 8), (9, 16), (10, 32)])
def test_from_the_fifth_wrong_password_on_each_lock_is_twice_as_long(failures: int, minutes: int) -> None:
    count, now = after(failures)
    assert RULES.wait_ms(count, now) == minutes * MINUTE
    assert RULES.wait_ms(count, now + minutes * MINUTE - 1) == 1
    assert RULES.wait_ms(count, now + minutes * MINUTE) == 0


@given(st.integers(min_value=5, max_value=10_000))
def test_no_lock_is_longer_than_an_hour(failures: int) -> None:
    count = RULES.failed(Count(failures, START, 0), START + 1)
    assert RULES.wait_ms(count, START + 1) <= HOUR


def test_a_wrong_password_while_locked_does_not_prolong_the_lock() -> None:
    count, now = after(5)
    assert RULES.failed(count, now + 1) == count


def test_an_hour_without_failure_forgets_them_all() -> None:
    count, now = after(4)
    assert RULES.failed(count, now + HOUR - 1).failures == 5
    assert RULES.failed(count, now + HOUR).failures == 1


def test_a_success_forgives_an_address_no_more_than_the_failures_of_that_account() -> None:
    sprayed = Count(failures=4, last_failure_ms=START)
    assert RULES.forgiven(sprayed, 1).failures == 3
    assert RULES.forgiven(sprayed, 9).failures == 0


def test_forgiving_does_not_lift_a_lock() -> None:
    locked, now = after(5)
    assert RULES.wait_ms(RULES.forgiven(locked, 5), now) == MINUTE


def test_a_session_ends_when_unused_but_never_later_than_its_absolute_end() -> None:
    lifetimes = Lifetimes(idle_ms=30 * MINUTE, absolute_ms=12 * HOUR)
    absolute = lifetimes.absolute_end(START)
    assert absolute == START + 12 * HOUR
    assert lifetimes.end(START, absolute) == START + 30 * MINUTE
    assert lifetimes.end(absolute - MINUTE, absolute) == absolute


@pytest.mark.parametrize(
    "state,at,verdict",
    [
        (RefreshState(None, successor_rotated=False), 50_000, RefreshVerdict.ROTATE),
        (RefreshState(50_000, successor_rotated=False), 50_000, RefreshVerdict.REPEAT),
        (RefreshState(50_000, successor_rotated=False), 60_000, RefreshVerdict.REPEAT),
        (RefreshState(50_000, successor_rotated=False), 60_001, RefreshVerdict.REUSE),
        (RefreshState(50_000, successor_rotated=True), 50_001, RefreshVerdict.REUSE),
    ],
    ids=["current", "parent at once", "parent at the last moment", "parent too late", "grandparent"],
)
def test_only_the_current_token_rotates_and_only_its_parent_has_a_grace(
    state: RefreshState, at: int, verdict: RefreshVerdict
) -> None:
    assert judge_refresh(state, at, grace_ms=10_000) is verdict
