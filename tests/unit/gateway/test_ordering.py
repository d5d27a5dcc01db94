"""Nothing missed, nothing repeated, seq strictly rising: whatever the bus loses, repeats or delivers late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret.jobs.v1 import jobs_pb2
from ret_gateway.ordering import Backlog, Order, Overrun, Verdict, is_state_change


def event(seq: int, state_seq: int, job: str = "ingest-1") -> jobs_pb2.JobEvent:
    return jobs_pb2.JobEvent(seq=seq, state_seq=state_seq, job=jobs_pb2.Job(id=job))


def state(seq: int, job: str = "ingest-1") -> jobs_pb2.JobEvent:
    return event(seq, seq, job)


def test_events_that_follow_on_are_sent_without_a_question() -> None:
    order = Order()
    for one in (state(1), state(2), event(3, 2), event(4, 2), state(5)):
        assert order.offer(one) is Verdict.SEND
        assert order.sent(one)
    assert order.last("ingest-1") == 5


def test_what_was_sent_is_dropped() -> None:
    order = Order.after({"ingest-1": 7})
    assert order.offer(state(7)) is Verdict.DROP
    assert not order.sent(state(3))
    assert order.positions() == {"ingest-1": 7}


def test_a_percentage_that_knows_a_state_change_the_listener_has_not_seen_asks_for_it() -> None:
    order = Order()
    order.sent(state(1))
    assert order.offer(event(9, 2)) is Verdict.FILL


def test_a_percentage_after_lost_percentages_is_sent() -> None:
    order = Order()
    order.sent(state(1))
    order.sent(state(2))
    assert order.offer(event(9, 2)) is Verdict.SEND


def test_a_state_change_after_a_gap_asks_for_what_may_be_missing() -> None:
    order = Order()
    order.sent(state(1))
    assert order.offer(state(4)) is Verdict.FILL


def test_the_rows_fill_the_gap_in_order_and_once() -> None:
    order = Order.after({"ingest-1": 1})
    changes = [state(5), state(2), state(1), state(2, "ingest-2")]
    sent = [(one.job.id, one.seq) for one in order.unsent(changes)]
    assert sent == [("ingest-1", 2), ("ingest-1", 5), ("ingest-2", 2)]
    assert list(order.unsent(changes)) == []


@given(data=st.data())
def test_any_delivery_ends_in_all_state_changes_once_and_in_order(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.booleans(), min_size=1, max_size=30))
    truth: list[jobs_pb2.JobEvent] = []
    for seq, change in enumerate([True, *kinds], start=1):
        truth.append(state(seq) if change else event(seq, truth[-1].state_seq))
    delivered = data.draw(st.lists(st.sampled_from(truth), max_size=60))
    order, sent = Order(), list[jobs_pb2.JobEvent]()
    # The rows hold at least what was delivered so far, and at the end all of it.
    for one in [*delivered, None]:
        known = truth if one is None else [row for row in truth if row.seq <= max(one.seq, order.last("ingest-1"))]
        verdict = Verdict.FILL if one is None else order.offer(one)
        if verdict is Verdict.FILL:
            sent += order.unsent(row for row in known if is_state_change(row))
        if one is not None and verdict is not Verdict.DROP and order.sent(one):
            sent.append(one)
    seqs = [one.seq for one in sent]
    assert seqs == sorted(set(seqs))
    assert [one.seq for one in sent if is_state_change(one)] == [one.seq for one in truth if is_state_change(one)]


def test_a_slow_listener_gets_the_newest_percentage_and_every_state() -> None:
    backlog = Backlog(limit=100)
    for one in (state(1), state(2), event(3, 2), event(4, 2), event(5, 2), state(6), event(7, 6), event(8, 6)):
        backlog.add(one)
    assert [backlog.take().seq for _ in range(len(backlog))] == [1, 2, 5, 6, 8]


def test_percentages_of_one_job_do_not_push_out_those_of_another() -> None:
    backlog = Backlog(limit=100)
    for seq in range(1, 50):
        backlog.add(event(seq, 0, "a-1"))
        backlog.add(event(seq, 0, "b-1"))
    assert [(one.job.id, one.seq) for one in (backlog.take(), backlog.take())] == [("a-1", 49), ("b-1", 49)]
    assert len(backlog) == 0


def test_a_percentage_taken_makes_room_for_the_next() -> None:
    backlog = Backlog(limit=100)
    backlog.add(event(2, 1))
    backlog.take()
    backlog.add(event(3, 1))
    assert backlog.take().seq == 3


def test_a_late_percentage_does_not_replace_a_newer_one() -> None:
    backlog = Backlog(limit=100)
    backlog.add(event(9, 1))
    backlog.add(event(4, 1))
    assert backlog.take().seq == 9


def test_states_that_pile_up_end_the_listener_instead_of_getting_lost() -> None:
    backlog = Backlog(limit=3)
    for seq in range(1, 4):
        backlog.add(state(seq))
    with pytest.raises(Overrun):
        backlog.add(state(4))
