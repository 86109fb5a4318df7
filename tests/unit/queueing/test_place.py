from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from waystation.queueing.place import AccountNow, InQueue, Rival, place_of, reason

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def job(**fields: Any) -> InQueue:
    known = {"priority": 3, "own": 0, "above": 0, "weight": 1}
    before, until = NOW - timedelta(hours=1), NOW + timedelta(hours=23)
    return InQueue(not_before=before, until=until, **{**known, **fields})


def account(**fields: Any) -> AccountNow:
    return AccountNow(**{"channel": "900", "limit": 3, "taken": 3, **fields})


@pytest.mark.parametrize(
    ("fields", "position"),
    [
        ({}, 1),
        ({"own": 4}, 5),
        ({"above": 2}, 3),
        # another user has one turn for each of one's own
        ({"rivals": [Rival(1000, 1)]}, 2),
        ({"own": 4, "rivals": [Rival(2, 1)]}, 7),
        ({"rivals": [Rival(1000, 3)]}, 4),
        ({"own": 3, "weight": 2, "rivals": [Rival(1000, 1), Rival(1, 1)]}, 7),
    ],
)
def test_a_position_counts_all_that_are_sent_before(fields: dict[str, Any], position: int) -> None:
    assert place_of(job(**fields), [account()], NOW).position == position


@pytest.mark.parametrize(
    ("own", "span_s", "accounts", "estimate_s"),
    [
        (0, None, [account()], None),
        (0, 40.2, [account()], 41),
        (2, 40.0, [account()], 40),
        (3, 40.0, [account()], 80),
        (3, 40.0, [account(), account(limit=2)], 40),
        (0, 40.0, [account(halt="look")], None),
        (0, 40.0, [account(spent=True)], None),
        (3, 40.0, [account(), account(passed_over=True)], 80),
    ],
)
def test_an_estimate_is_made_of_the_length_of_the_last_jobs(
    own: int, span_s: float | None, accounts: list[AccountNow], estimate_s: int | None
) -> None:
    assert place_of(job(own=own, span_s=span_s), accounts, NOW).estimate_s == estimate_s


@pytest.mark.parametrize(
    ("fields", "accounts", "before", "why"),
    [
        ({}, [], 0, "There is no account that may take it."),
        ({"revoked": True}, [account(taken=0)], 0, "The user's token is revoked."),
        ({"expired": True}, [account(taken=0)], 0, "The user's subscription has ended."),
        ({}, [account(halt="look")], 0, "The account of channel 900 is halted: look"),
        (
            {},
            [account(halt="look"), account(channel="901", halt="x")],
            0,
            "All 2 accounts are halted; that of channel 900: look",
        ),
        (
            {},
            [account(connected=False)],
            0,
            "Waystation is connecting to Discord, or cannot be heard there.",
        ),
        (
            {"not_before": NOW + timedelta(seconds=10)},
            [account()],
            0,
            "It was refused for the moment, and is tried again from 2026-01-02 03:04:15 UTC.",
        ),
        (
            {},
            [account(wait_s=30.4), account(wait_s=20.0)],
            0,
            "Discord asks to wait until 2026-01-02 03:04:25 UTC.",
        ),
        (
            {},
            [account(wait_s=30, lets_nothing_through=True)],
            0,
            "Discord has refused too many requests, so nothing is sent to it for a while.",
        ),
        ({"mode": "fast"}, [account(mode="relax")], 0, "No account is known to be in fast mode."),
        ({"mode": "fast"}, [account(mode="fast")], 0, "All 3 slots are in use."),
        (
            {"takes_slot": False},
            [account()],
            0,
            "The account has as many jobs without a slot as it can send in time.",
        ),
        (
            {"at_once": 2},
            [account(taken=0)],
            0,
            "As many jobs of the user run as may at once: 2.",
        ),
        (
            {},
            [account(spent=True), account(spent=True)],
            0,
            "As many jobs were taken today (UTC) as an account may take.",
        ),
        (
            {},
            [account(taken=0, hurried=True), account()],
            0,
            "All 3 slots are in use.",
        ),
        (
            {},
            [account(taken=0, hurried=True)],
            0,
            "As many jobs were taken as an account may take within a minute.",
        ),
        (
            {},
            [account(taken=0, passed_over=True), account(channel="901")],
            0,
            "All 3 slots are in use. Discord keeps refusing the account of channel 900, so others "
            "are preferred.",
        ),
        (
            {},
            [*[account(taken=0, passed_over=True)] * 2, account(connected=False)],
            0,
            "Waystation is connecting to Discord, or cannot be heard there. Discord keeps refusing "
            "2 accounts, so others are preferred.",
        ),
        (
            {},
            [account(taken=0, rests_until=NOW + timedelta(seconds=9))] * 2,
            0,
            "Midjourney's own queue is full; it is asked again from 2026-01-02 03:04:14 UTC.",
        ),
        (
            {},
            [account(taken=0, rests_until=NOW + timedelta(seconds=9)), account(rests_until=NOW)],
            0,
            "All 3 slots are in use.",
        ),
        ({}, [account(passed_over=True), account(taken=0)], 0, "It is about to be sent."),
        ({}, [account(limit=1, taken=1)], 0, "The slot is in use."),
        ({}, [account()], 1, "All 3 slots are in use, and 1 job is before it."),
        (
            {},
            [account(), account(limit=2, taken=2)],
            4,
            "All 5 slots are in use, and 4 jobs are before it.",
        ),
        ({}, [account(taken=2)], 0, "It is about to be sent."),
        ({}, [account(taken=2)], 2, "2 jobs are before it."),
        # the others are no reason while one could take it
        (
            {},
            [account(halt="look"), account(wait_s=9), account(taken=0)],
            0,
            "It is about to be sent.",
        ),
    ],
)
def test_a_waiting_job_says_why(
    fields: dict[str, Any], accounts: list[AccountNow], before: int, why: str
) -> None:
    waiting = job(**{key: value for key, value in fields.items() if key != "not_before"})
    if "not_before" in fields:
        waiting = InQueue(3, fields["not_before"], waiting.until, 0, 0, 1)
    assert reason(waiting, accounts, NOW, before) == why


def test_the_jobs_before_are_those_of_the_position() -> None:
    place = place_of(job(own=2), [account()], NOW)
    assert (place.position, place.priority) == (3, 3)
    assert place.why == "All 3 slots are in use, and 2 jobs are before it."
