from __future__ import annotations

import asyncpg
import pytest

from waystation.store.postgresql.tries import (
    KNOWN_WITHIN_S,
    ROWS_WITHIN_S,
    Tries,
    is_broken,
    is_lost,
)

HINDERED = asyncpg.DeadlockDetectedError("hindered")
TWIN = asyncpg.UniqueViolationError("twin")
HELD = asyncpg.LockNotAvailableError("held")
GONE = asyncpg.ConnectionDoesNotExistError("gone")


class Clock:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def test_a_hindered_transaction_runs_eight_times() -> None:
    tries = Tries(Clock())
    assert [tries.again_after(HINDERED) for _ in range(8)] == [0.0] * 7 + [None]


def test_a_transaction_begins_anew_for_rows_of_others_for_half_a_minute() -> None:
    clock = Clock()
    tries = Tries(clock)
    assert {tries.again_after(HELD) for _ in range(20)} == {0.0}
    clock.s = ROWS_WITHIN_S
    assert tries.again_after(HELD) is None


ENDED = asyncpg.IdleInTransactionSessionTimeoutError("frozen")
CLOSED = asyncpg.InterfaceError("closed")


@pytest.mark.parametrize("error", [TWIN, GONE, ENDED, CLOSED, OSError()])
def test_a_transaction_runs_again_once(error: Exception) -> None:
    tries = Tries(Clock())
    assert [tries.again_after(error), tries.again_after(error)] == [0.0, None]
    assert tries.met_a_twin is (error is TWIN)


@pytest.mark.parametrize("error", [asyncpg.UndefinedTableError("no"), TimeoutError()])
def test_other_errors_are_told_at_once(error: Exception) -> None:
    assert Tries(Clock()).again_after(error) is None


def test_a_lost_commit_is_asked_for_until_ten_seconds_are_over() -> None:
    clock = Clock()
    tries = Tries(clock)
    assert tries.again_after_lost_commit()
    assert [tries.again_after(GONE), tries.again_after(TimeoutError())] == [0.1, 0.1]
    clock.s = KNOWN_WITHIN_S
    assert tries.again_after(GONE) is None
    assert not tries.again_after_lost_commit()


def test_a_timeout_breaks_no_connection_but_may_have_made_a_commit() -> None:
    assert (is_broken(TimeoutError()), is_lost(TimeoutError())) == (False, True)
    assert (is_broken(TWIN), is_lost(TWIN)) == (False, False)
    assert is_lost(asyncpg.InterfaceError("closed")) and is_broken(ConnectionResetError())
