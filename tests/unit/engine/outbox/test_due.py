from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.fakes import START, FakeClock
from tests.harness.due_store import DueStore, callback
from waystation.engine.outbox.due import BACKOFF_S, LONGEST_WAIT_S, SHORTEST_WAIT_S, DueLoop
from waystation.errors import StoreError


class Rounds:
    """Counts rounds, answers them from a list and then with nothing."""

    def __init__(self, *answers: tuple[int, bool] | Exception) -> None:
        self.count = 0
        self.answers = list(answers)

    async def __call__(self) -> tuple[int, bool]:
        self.count += 1
        answer = self.answers.pop(0) if self.answers else (0, False)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Running:
    """A loop under way, with what it runs on."""

    def __init__(self, rounds: Rounds, drain_s: float = 5) -> None:
        self.clock = FakeClock()
        self.store = DueStore()
        self.rounds = rounds
        self.loop = DueLoop("due", self.store.port, self.clock, rounds, drain_s)

    async def __aenter__(self) -> Running:
        self.task = asyncio.ensure_future(self.loop.run())
        await self.clock.elapse(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_nothing_due_means_no_round_until_the_longest_wait_is_over() -> None:
    async with Running(Rounds()) as running:
        assert running.rounds.count == 1
        await running.clock.elapse(LONGEST_WAIT_S - 1)
        assert running.rounds.count == 1
        await running.clock.elapse(1)
        assert running.rounds.count == 2


async def test_it_wakes_exactly_when_something_is_due() -> None:
    running = Running(Rounds())
    running.store.add(callback(at=START + timedelta(seconds=20)))
    async with running:
        await running.clock.elapse(19.9)
        assert running.rounds.count == 1
        await running.clock.elapse(0.1)
        assert running.rounds.count == 2


async def test_a_nudge_wakes_it_at_once_and_many_nudges_once() -> None:
    async with Running(Rounds()) as running:
        for _ in range(10):
            running.loop.nudge()
        await running.clock.elapse(0)
        assert running.rounds.count == 2


async def test_a_nudge_during_a_round_is_not_lost() -> None:
    running = Running(Rounds())

    class Nudging(Rounds):
        async def __call__(self) -> tuple[int, bool]:
            if self.count == 0:
                running.loop.nudge()
            return await super().__call__()

    rounds = Nudging()
    running = Running(rounds)
    async with running:
        assert rounds.count == 2


async def test_it_goes_on_at_once_while_there_may_be_more() -> None:
    async with Running(Rounds((5, True), (5, True), (1, False))) as running:
        assert running.rounds.count == 3


async def test_something_due_that_cannot_be_claimed_is_no_busy_loop() -> None:
    running = Running(Rounds())
    running.store.add(callback())
    async with running:
        assert running.rounds.count == 1
        await running.clock.elapse(3 * SHORTEST_WAIT_S)
        assert running.rounds.count == 4


async def test_expecting_something_sooner_shortens_the_wait() -> None:
    async with Running(Rounds()) as running:
        running.loop.expect(START + timedelta(seconds=LONGEST_WAIT_S + 1))
        await running.clock.elapse(0)
        assert running.rounds.count == 1
        running.store.add(callback(at=START + timedelta(seconds=5)))
        running.loop.expect(START + timedelta(seconds=5))
        await running.clock.elapse(0)
        assert running.rounds.count == 2
        await running.clock.elapse(5)
        assert running.rounds.count == 3


async def test_expecting_something_during_a_round_is_not_lost() -> None:
    running = Running(Rounds())

    class Expecting(Rounds):
        async def __call__(self) -> tuple[int, bool]:
            answer = await super().__call__()
            if self.count == 1:
                running.loop.expect(START + timedelta(seconds=5))
            return answer

    rounds = Expecting()
    running = Running(rounds)
    async with running:
        assert rounds.count == 2


@pytest.mark.parametrize("error", [StoreError(), RuntimeError("a bug")])
async def test_a_round_that_fails_is_tried_again_ever_more_slowly(error: Exception) -> None:
    failures = [error] * (len(BACKOFF_S) + 2)
    with capture_logs() as logs:
        async with Running(Rounds(*failures)) as running:
            for number, wait_s in enumerate([*BACKOFF_S, BACKOFF_S[-1]], start=1):
                assert running.rounds.count == number
                running.loop.nudge()
                await running.clock.elapse(wait_s - 0.1)
                assert running.rounds.count == number
                await running.clock.elapse(0.1)
    assert logs[0]["event"] == "due.round_failed"


async def test_the_slowness_is_forgotten_after_a_good_round() -> None:
    async with Running(Rounds(StoreError(), StoreError(), (1, False), StoreError())) as running:
        await running.clock.elapse(BACKOFF_S[0] + BACKOFF_S[1])
        assert running.rounds.count == 3
        running.loop.nudge()
        await running.clock.elapse(BACKOFF_S[0])
        assert running.rounds.count == 5


async def test_stopping_ends_it_at_once_also_while_the_store_is_down() -> None:
    async with Running(Rounds(*[StoreError()] * 9)) as running:
        await running.clock.elapse(1)
        running.loop.stop()
        await asyncio.wait_for(running.task, 30)


async def test_stopping_waits_for_work_under_way() -> None:
    async with Running(Rounds()) as running:
        release, done = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            await release.wait()
            done.set()

        running.loop.start(work())
        running.loop.stop()
        await running.clock.elapse(1)
        assert not running.task.done()
        release.set()
        await asyncio.wait_for(running.task, 30)
        assert done.is_set()


async def test_work_that_does_not_end_is_cancelled_after_the_drain_time() -> None:
    async with Running(Rounds(), drain_s=3) as running:
        running.loop.start(asyncio.sleep(3600))
        running.loop.stop()
        await running.clock.elapse(2.9)
        assert running.loop.under_way == 1
        await running.clock.elapse(0.1)
        await asyncio.wait_for(running.task, 30)
        assert running.loop.under_way == 0


async def test_cancelling_it_cancels_the_work() -> None:
    async with Running(Rounds()) as running:
        running.loop.start(asyncio.sleep(3600))
        await running.clock.elapse(0)
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)
        assert running.loop.under_way == 0


async def test_work_that_fails_is_logged_and_nothing_else() -> None:
    async def work() -> None:
        raise RuntimeError("broken")

    with capture_logs() as logs:
        async with Running(Rounds()) as running:
            running.loop.start(work())
            await running.clock.elapse(0)
            assert not running.task.done()
    assert [line["event"] for line in logs] == ["due.work_failed"]
