from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from waystation.queueing.rotation import Head, Turn, first, highest, next_turn

A, B, C = 1, 2, 3


def head(user_id: int, number: int, priority: int = 3) -> Head:
    return Head(f"job-{number}", user_id, priority, number)


class Account:
    """Turns of one account in one class, and what waits for them."""

    def __init__(self, weights: Sequence[int] = (1, 1, 1)) -> None:
        self.turns: dict[int, Turn] = {}
        self.waiting: dict[int, list[int]] = {}
        self.weights = weights
        self._number = 0

    def wait(self, user_id: int, jobs: int = 1) -> None:
        for _ in range(jobs):
            self._number += 1
            self.waiting.setdefault(user_id, []).append(self._number)

    def grant(self) -> int:
        heads = [head(user, jobs[0]) for user, jobs in self.waiting.items() if jobs]
        found = first(heads, list(self.turns.values()))
        assert found is not None
        self.took(found.user_id)
        self.waiting[found.user_id].remove(found.number)
        return found.user_id

    def took(self, user_id: int) -> None:
        turns, weight = list(self.turns.values()), self.weights[user_id - 1]
        self.turns[user_id] = next_turn(turns, user_id, weight)


def test_nothing_is_first_of_nothing() -> None:
    assert first([], []) is None
    assert highest([]) == []


def test_the_highest_priority_goes_first() -> None:
    heads = [head(A, 1, 3), head(B, 2, 5), head(C, 3, 5)]
    assert highest(heads) == heads[1:]


def test_the_oldest_job_goes_first_where_nobody_has_had_a_turn() -> None:
    assert first([head(B, 2), head(A, 1)], []) == head(A, 1)


def test_a_user_who_sends_one_job_is_next_after_another_has_sent_1000() -> None:
    account = Account()
    account.took(A)
    account.wait(A, 1000)
    account.wait(B)
    assert account.grant() == B
    assert account.grant() == A


def test_a_user_who_has_had_many_turns_alone_is_not_put_back_for_them() -> None:
    account = Account()
    account.wait(A, 100)
    for _ in range(50):
        account.grant()
    account.wait(B, 2)
    assert [account.grant() for _ in range(4)] == [B, A, B, A]


def test_turns_that_were_not_used_are_not_saved_up() -> None:
    account = Account()
    account.took(B)
    account.wait(A, 50)
    for _ in range(40):
        account.grant()
    account.wait(B, 10)
    assert [account.grant() for _ in range(6)].count(B) == 3


def test_a_user_of_three_times_the_weight_has_three_times_the_turns() -> None:
    account = Account(weights=(3, 1))
    account.wait(A, 100)
    account.wait(B, 100)
    granted = [account.grant() for _ in range(40)]
    assert (granted.count(A), granted.count(B)) == (30, 10)
    assert all(B in granted[place : place + 5] for place in range(36))


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.booleans()), max_size=120),
    st.integers(1, 5),
)
def test_no_user_waits_for_more_turns_than_there_are_users(
    moves: list[tuple[int, int, bool]], users: int
) -> None:
    """Lesson 9: whoever comes and goes, however often."""
    account = Account(weights=(1,) * users)
    waited: dict[int, int] = {}
    for user, jobs, takes_at_once in moves:
        user = 1 + user % users
        if not account.waiting.get(user):
            waited[user] = 0
            if takes_at_once and not any(account.waiting.values()):
                account.took(user)
        account.wait(user, jobs)
        if any(account.waiting.values()):
            granted = account.grant()
            for other, left in account.waiting.items():
                waited[other] = 0 if other == granted or not left else waited[other] + 1
                assert waited[other] < max(2, users)
