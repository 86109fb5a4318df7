from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from tests.build import replace
from tests.fakes import START, FakeClock, FakeIds
from tests.harness.due_store import DueStore, callback
from tests.limits import PATIENCE
from waystation.callbacks import ATTEMPT_AFTER_S, Attempt, Callback, CallbackStatus
from waystation.engine.outbox import callbacks as module
from waystation.engine.outbox import due
from waystation.engine.outbox.callbacks import (
    ALWAYS_HELD,
    IN_FLIGHT,
    PER_RECEIVER,
    PER_USER,
    Callbacks,
)
from waystation.engine.outbox.claims import UNCLAIMED
from waystation.errors import StoreError, VaultError

OK = Attempt(200, None, 0.01)
BROKEN = Attempt(None, "a broken connection", 0.01)


class FakeSender:
    """A `ports.Sender` whose hosts answer, fail or hang as told."""

    def __init__(self) -> None:
        self.sent: list[Callback] = []
        self.headers: list[Mapping[str, str]] = []
        self.inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.answers: dict[str, Callable[[], Awaitable[Attempt]]] = {}
        self.release = asyncio.Event()

    async def send(self, callback: Callback, headers: Mapping[str, str]) -> Attempt:
        host = urlsplit(callback.url).hostname or ""
        self.sent.append(callback)
        self.headers.append(headers)
        for name in (host, "all"):
            self.inside[name] += 1
            self.most[name] = max(self.most[name], self.inside[name])
        try:
            return await self.answers.get(host, self.ok)()
        finally:
            for name in (host, "all"):
                self.inside[name] -= 1

    async def ok(self) -> Attempt:
        return OK

    async def broken(self) -> Attempt:
        return BROKEN

    async def raises(self) -> Attempt:
        raise UnicodeError("a fault of ours")

    async def hang(self) -> Attempt:
        await self.release.wait()
        return BROKEN

    def sent_to(self, host: str) -> int:
        return sum(urlsplit(one.url).hostname == host for one in self.sent)


class Bench:
    """A callbacks on a fake store, sender and clock."""

    def __init__(self, send_timeout_s: float = 15, drain_s: float = 5) -> None:
        self.clock, self.ids = FakeClock(), FakeIds()
        self.renewed: dict[bytes, bytes] = {}
        self.unsigned: Exception | None = None
        self.mail_owed = asyncio.Event()
        self.store, self.sender = DueStore(), FakeSender()
        self.callbacks = Callbacks(
            self.store.port,
            self.sender,
            self.clock,
            self.ids,
            self.renew,
            self.signed,
            mail_owed=self.mail_owed.set,
            patience=PATIENCE,
            send_timeout_s=send_timeout_s,
            drain_s=drain_s,
        )

    async def renew(self, old: Callback) -> Callback:
        return replace(old, body=self.renewed.get(old.body, old.body))

    async def signed(self, callback: Callback) -> Mapping[str, str]:
        if self.unsigned is not None:
            raise self.unsigned
        return {"signed": callback.body.decode()}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.ensure_future(self.callbacks.loop.run())
        await self.settle()
        yield task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def settle(self) -> None:
        for _ in range(30):
            await self.clock.elapse(0)

    def status(self, number: int = 1) -> CallbackStatus:
        return self.store.callbacks[f"callback-{number}"].status


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the store when something is due, and not every few seconds for a day."""
    monkeypatch.setattr(due, "LONGEST_WAIT_S", 100_000)


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_a_due_callback_is_sent_and_recorded(bench: Bench) -> None:
    bench.store.add(callback())
    async with bench.running():
        assert bench.status() is CallbackStatus.DELIVERED
    assert bench.store.attempts == [(callback(), OK, None)]


async def test_the_body_that_is_sent_is_the_one_that_is_signed(bench: Bench) -> None:
    bench.store.add(callback())
    bench.renewed[callback().body] = b"with fresh links"
    async with bench.running():
        assert bench.sender.headers == [{"signed": "with fresh links"}]


async def test_with_the_store_down_nothing_is_signed_and_no_attempt_is_counted(
    bench: Bench,
) -> None:
    bench.store.add(callback())
    bench.unsigned = StoreError()
    async with bench.running():
        assert (bench.sender.sent, bench.store.attempts) == ([], [])
        bench.unsigned = None
        await bench.clock.elapse(45)
        assert bench.status() is CallbackStatus.DELIVERED


async def test_a_secret_that_cannot_be_opened_is_a_fault_of_ours(bench: Bench) -> None:
    bench.store.add(callback())
    bench.unsigned = VaultError("no such key")
    async with bench.running():
        ((_, attempt, _),) = bench.store.attempts
    assert attempt.reason == "a fault of Waystation's own; its log says more"
    assert bench.sender.sent == []


async def test_a_new_callback_is_sent_when_the_bell_rings(bench: Bench) -> None:
    async with bench.running():
        bench.store.add(callback())
        bench.callbacks.loop.nudge()
        await bench.settle()
        assert bench.status() is CallbackStatus.DELIVERED


async def test_a_callback_that_is_claimed_already_is_sent_without_a_round(bench: Bench) -> None:
    async with bench.running():
        rounds = len(bench.store.claims)
        claim = bench.callbacks.claiming()
        assert claim.until == START + timedelta(seconds=45)
        claimed = replace(callback(), next_attempt_at=claim.until)
        bench.store.add(claimed)
        bench.callbacks.take([claimed], claim)
        await bench.settle()
        assert bench.sender.sent == [claimed]
        assert bench.status() is CallbackStatus.DELIVERED
        assert len(bench.store.claims) == rounds


async def test_a_claim_whose_commit_took_too_long_is_not_used(bench: Bench) -> None:
    async with bench.running():
        claim = bench.callbacks.claiming()
        claimed = replace(callback(), next_attempt_at=claim.until)
        bench.store.add(claimed)
        await bench.clock.elapse(15.5)
        bench.callbacks.take([claimed], claim)
        await bench.settle()
        assert bench.sender.sent == []
        await bench.clock.elapse(30)
        assert bench.status() is CallbackStatus.DELIVERED


async def test_a_stop_ends_claiming_and_leaves_a_claim_to_the_next_start(bench: Bench) -> None:
    async with bench.running() as task:
        claim = bench.callbacks.claiming()
        bench.callbacks.loop.stop()
        assert bench.callbacks.claiming() == UNCLAIMED
        bench.callbacks.take([callback()], claim)
        await bench.settle()
        assert task.done() and bench.sender.sent == []


async def test_a_callback_of_later_is_sent_when_its_time_comes(bench: Bench) -> None:
    bench.store.add(callback(at=START + timedelta(seconds=30)))
    async with bench.running():
        await bench.clock.elapse(29)
        assert bench.sender.sent == []
        await bench.clock.elapse(1)
        assert bench.status() is CallbackStatus.DELIVERED


@pytest.mark.usefixtures("seldom")
async def test_a_failing_receiver_is_tried_eight_times_and_given_up(bench: Bench) -> None:
    bench.store.add(callback())
    bench.sender.answers["a.test"] = bench.sender.broken
    async with bench.running():
        for number, after_s in enumerate(ATTEMPT_AFTER_S[1:], start=1):
            assert len(bench.sender.sent) == number
            assert bench.status() is CallbackStatus.PENDING
            await bench.clock.elapse(after_s - 0.5)
            assert len(bench.sender.sent) == number
            await bench.clock.elapse(0.5)
        assert len(bench.sender.sent) == 8
        assert bench.status() is CallbackStatus.GIVEN_UP
        await bench.clock.elapse(100_000)
        assert len(bench.sender.sent) == 8
    assert {one.callback_id for one in bench.sender.sent} == {"callback-1"}
    assert {one.body for one in bench.sender.sent} == {callback().body}


@pytest.mark.usefixtures("seldom")
async def test_one_that_was_asked_for_again_is_tried_eight_times_more(bench: Bench) -> None:
    bench.store.add(replace(callback(attempts=8), earlier=8))
    bench.sender.answers["a.test"] = bench.sender.broken
    async with bench.running():
        for after_s in ATTEMPT_AFTER_S[1:]:
            assert bench.status() is CallbackStatus.PENDING
            await bench.clock.elapse(after_s)
        assert len(bench.sender.sent) == 8
        assert bench.status() is CallbackStatus.GIVEN_UP


@pytest.mark.usefixtures("seldom")
async def test_a_fault_of_ours_counts_as_an_attempt_and_is_given_up_like_any(bench: Bench) -> None:
    bench.store.add(callback())
    bench.sender.answers["a.test"] = bench.sender.raises
    async with bench.running():
        assert bench.status() is CallbackStatus.PENDING
        for after_s in ATTEMPT_AFTER_S[1:]:
            await bench.clock.elapse(after_s)
        assert len(bench.sender.sent) == 8
        assert bench.status() is CallbackStatus.GIVEN_UP
    (attempt,) = {attempt.reason for _, attempt, _ in bench.store.attempts}
    assert attempt == "a fault of Waystation's own; its log says more"


async def test_a_receiver_that_asks_to_wait_is_left_alone_for_so_long(bench: Bench) -> None:
    async def busy() -> Attempt:
        return Attempt(429, None, 0.01, retry_after_s=60)

    bench.store.add(callback())
    bench.sender.answers["a.test"] = busy
    async with bench.running():
        await bench.clock.elapse(59)
        assert len(bench.sender.sent) == 1
        bench.sender.answers.clear()
        await bench.clock.elapse(1)
        assert bench.status() is CallbackStatus.DELIVERED


async def test_a_url_that_is_gone_is_not_tried_again(bench: Bench) -> None:
    """R41."""

    async def is_gone() -> Attempt:
        return Attempt(410, None, 0.01)

    bench.store.add(callback())
    bench.sender.answers["a.test"] = is_gone
    async with bench.running():
        assert bench.status() is CallbackStatus.GIVEN_UP


@pytest.mark.parametrize("owed", [True, False])
async def test_a_mail_about_a_receiver_is_sent_at_once(bench: Bench, owed: bool) -> None:
    bench.store.owes_mail = owed
    bench.store.add(callback())
    async with bench.running():
        assert bench.mail_owed.is_set() is owed


async def test_jitter_lengthens_the_wait_by_up_to_a_tenth(bench: Bench) -> None:
    bench.ids.next_fraction = 0.5
    bench.store.add(callback())
    bench.sender.answers["a.test"] = bench.sender.broken
    async with bench.running():
        pass
    ((_, _, next_at),) = bench.store.attempts
    assert next_at == START + timedelta(seconds=5 * 1.05)


async def test_an_answer_that_is_no_success_is_tried_again(bench: Bench) -> None:
    async def unavailable() -> Attempt:
        return Attempt(503, None, 0.01)

    bench.store.add(callback())
    bench.sender.answers["a.test"] = unavailable
    async with bench.running():
        assert bench.status() is CallbackStatus.PENDING
        bench.sender.answers.clear()
        await bench.clock.elapse(5)
        assert bench.status() is CallbackStatus.DELIVERED


async def test_few_are_in_flight_per_receiver_and_all_are_sent(bench: Bench) -> None:
    bench.sender.answers["a.test"] = bench.sender.hang
    bench.store.add(*(callback(number) for number in range(10)))
    async with bench.running():
        assert bench.sender.inside["a.test"] == PER_RECEIVER
        bench.sender.answers.clear()
        bench.sender.release.set()
        await bench.settle()
        assert bench.sender.sent_to("a.test") == 10
    assert bench.sender.most["a.test"] == PER_RECEIVER


async def test_fifty_hung_receivers_do_not_delay_another(bench: Bench) -> None:
    """R41: the clock does not move at all before the other's attempt."""
    number = 0
    for host in range(50):
        bench.sender.answers[f"hung{host}.test"] = bench.sender.hang
        for _ in range(20):
            number += 1
            bench.store.add(callback(number, f"http://hung{host}.test/"))
    async with bench.running():
        assert bench.sender.inside["all"] == 50 * PER_RECEIVER
        bench.store.add(callback(9999, "http://good.test/"))
        bench.callbacks.loop.nudge()
        await bench.settle()
        assert bench.sender.sent_to("good.test") == 1
        assert bench.clock.now() == START


async def test_retries_leave_places_for_first_attempts(bench: Bench) -> None:
    for host in range(400):
        bench.sender.answers[f"hung{host}.test"] = bench.sender.hang
        one = callback(host, f"http://hung{host}.test/", attempts=1)
        bench.store.add(replace(one, user_id=host % 4))
    async with bench.running():
        assert bench.sender.inside["all"] == IN_FLIGHT // 2
        bench.store.add(callback(9999, "http://good.test/"))
        bench.callbacks.loop.nudge()
        await bench.settle()
        assert bench.sender.sent_to("good.test") == 1


async def test_a_receivers_retries_leave_places_for_its_own_first_attempts(bench: Bench) -> None:
    bench.sender.answers["a.test"] = bench.sender.hang
    bench.store.add(*(callback(number, attempts=1) for number in range(10)))
    async with bench.running():
        assert bench.sender.inside["a.test"] == PER_RECEIVER // 2
        bench.store.add(callback(99))
        bench.callbacks.loop.nudge()
        await bench.settle()
        assert "callback-99" in {one.callback_id for one in bench.sender.sent}


async def test_all_together_are_bounded(bench: Bench) -> None:
    for number in range(IN_FLIGHT + 50):
        bench.sender.answers[f"h{number}.test"] = bench.sender.hang
        bench.store.add(replace(callback(number, f"http://h{number}.test/"), user_id=number))
    async with bench.running():
        assert bench.sender.inside["all"] == IN_FLIGHT
        bench.sender.release.set()
        await bench.settle()
        assert len({one.callback_id for one in bench.sender.sent}) == IN_FLIGHT + 50


async def test_a_receiver_cannot_fill_the_room_and_its_surplus_comes_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOM", 4 * ALWAYS_HELD)
    bench.sender.answers["a.test"] = bench.sender.hang
    bench.store.add(*(callback(number) for number in range(100)))
    async with bench.running():
        assert sum(bench.store.claims) == 100
        assert bench.callbacks.loop.under_way == ALWAYS_HELD
        bench.sender.answers.clear()
        bench.sender.release.set()
        await bench.settle()
        for _ in range(10):
            await bench.clock.elapse(45)
        assert len({one.callback_id for one in bench.sender.sent}) == 100
        assert {one.attempts for one in bench.sender.sent} <= {0, 1}


async def test_a_callback_whose_claim_could_end_under_the_request_is_left_to_it(
    bench: Bench,
) -> None:
    bench.sender.answers["a.test"] = bench.sender.hang
    bench.store.add(*(callback(number) for number in range(PER_RECEIVER + 1)))
    async with bench.running():
        bench.clock.advance(15.1)
        bench.sender.answers.clear()
        bench.sender.release.set()
        await bench.settle()
        assert len(bench.sender.sent) == PER_RECEIVER
        await bench.clock.elapse(30)
        assert bench.status(PER_RECEIVER) is CallbackStatus.DELIVERED


async def test_claims_outlive_waiting_and_request(bench: Bench) -> None:
    bench.sender.answers["a.test"] = bench.sender.hang
    bench.store.add(callback())
    async with bench.running():
        await bench.clock.elapse(15 + 15)
        assert len(bench.sender.sent) == 1


async def test_an_attempt_that_outlives_its_claim_is_not_made_twice_at_once(bench: Bench) -> None:
    bench.sender.answers["a.test"] = bench.sender.hang
    bench.store.add(callback())
    async with bench.running():
        # the machine was suspended: the claim is over, the request's own timer stood still
        await bench.clock.elapse(3600)
        assert len(bench.sender.sent) == 1
        bench.sender.answers.clear()
        bench.sender.release.set()
        await bench.settle()
        await bench.clock.elapse(60)
        assert bench.status() is CallbackStatus.DELIVERED


async def test_a_callback_that_a_dead_process_claimed_is_sent_when_the_claim_ends(
    bench: Bench,
) -> None:
    bench.store.add(callback())
    await bench.store.claim_callbacks(START, START + timedelta(seconds=45), 10)
    async with bench.running():
        await bench.clock.elapse(44)
        assert bench.sender.sent == []
        await bench.clock.elapse(1)
        assert bench.status() is CallbackStatus.DELIVERED


async def test_a_store_that_fails_for_a_while_loses_nothing(bench: Bench) -> None:
    bench.store.add(callback())
    bench.store.failing = 3
    async with bench.running():
        await bench.clock.elapse(10)
        assert bench.status() is CallbackStatus.DELIVERED
        assert len(bench.sender.sent) == 1


async def test_recording_is_tried_again_rather_than_delivering_twice(bench: Bench) -> None:
    async def ok_then_fail() -> Attempt:
        bench.store.failing = 3
        return OK

    bench.store.add(callback())
    bench.sender.answers["a.test"] = ok_then_fail
    async with bench.running():
        await bench.clock.elapse(10)
    assert len(bench.sender.sent) == 1
    assert bench.status() is CallbackStatus.DELIVERED


async def test_an_attempt_that_cannot_be_recorded_is_made_again(bench: Bench) -> None:
    async def ok_then_fail() -> Attempt:
        bench.store.failing = 100
        return OK

    bench.store.add(callback())
    bench.sender.answers["a.test"] = ok_then_fail
    with capture_logs() as logs:
        async with bench.running():
            await bench.clock.elapse(20)
            assert "callbacks.work_failed" in {line["event"] for line in logs}
            bench.store.failing = 0
            bench.sender.answers.clear()
            await bench.clock.elapse(120)
    assert bench.status() is CallbackStatus.DELIVERED
    assert [one.attempts for one in bench.sender.sent] == [0, 0]


async def test_a_sender_that_breaks_its_word_is_cut_off() -> None:
    bench = Bench(send_timeout_s=-0.95)
    bench.sender.answers["a.test"] = bench.sender.hang
    attempt = await bench.callbacks._send(callback())
    assert (attempt.status, attempt.reason) == (None, "a time-out")


async def test_a_bug_in_the_sender_costs_one_callback_at_most(bench: Bench) -> None:
    async def bug() -> Attempt:
        raise RuntimeError("bug")

    bench.sender.answers["a.test"] = bug
    bench.store.add(callback(1), callback(2, "http://b.test/"))
    with capture_logs():
        async with bench.running() as task:
            assert bench.status(2) is CallbackStatus.DELIVERED
            assert not task.done()


async def test_stopping_lets_attempts_under_way_end_and_starts_no_more(bench: Bench) -> None:
    bench.sender.answers["a.test"] = bench.sender.hang
    bench.store.add(*(callback(number) for number in range(PER_RECEIVER + 3)))
    async with bench.running() as task:
        bench.callbacks.loop.stop()
        await bench.settle()
        assert not task.done()
        bench.sender.release.set()
        await asyncio.wait_for(task, 30)
    assert len(bench.store.attempts) == PER_RECEIVER
    assert bench.sender.sent_to("a.test") == PER_RECEIVER


async def test_stopping_waits_no_longer_than_the_drain_time(bench: Bench) -> None:
    bench.sender.answers["a.test"] = bench.sender.hang
    bench.store.add(callback())
    async with bench.running() as task:
        bench.callbacks.loop.stop()
        await bench.clock.elapse(5)
        await asyncio.wait_for(task, 30)
    assert bench.store.attempts == []
    assert bench.status() is CallbackStatus.PENDING


async def test_receivers_are_forgotten_when_nothing_is_held(bench: Bench) -> None:
    bench.store.add(*(callback(n, f"http://h{n}.test/") for n in range(20)))
    async with bench.running():
        assert bench.callbacks._receivers == {}


async def test_the_log_names_the_receiver_and_no_secret(bench: Bench) -> None:
    url = "https://user:pw@a.test:8443/secret-path?token=abc"
    bench.store.add(callback(url=url), callback(2, "http://b.test:99999/"))
    with capture_logs() as logs:
        async with bench.running():
            pass
    lines = {line["receiver"]: line for line in logs if line["event"] == "callback.attempted"}
    assert lines.keys() == {"https://a.test:8443", "unreadable"}
    line = lines["https://a.test:8443"]
    assert (line["callback_id"], line["jobid"], line["attempt"]) == ("callback-1", "job:1", 1)
    for secret in ("pw", "secret-path", "abc"):
        assert secret not in repr(logs)


async def test_an_attempt_that_failed_is_a_warning_in_the_log(bench: Bench) -> None:
    bench.sender.answers["a.test"] = bench.sender.broken
    bench.store.add(callback(), callback(2, "http://b.test/"))
    with capture_logs() as logs:
        async with bench.running():
            await bench.settle()
    lines = [line for line in logs if line["event"] == "callback.attempted"]
    levels = {line["delivered"]: line["log_level"] for line in lines}
    assert levels == {False: "warning", True: "info"}


def progress(number: int = 1) -> Callback:
    return replace(callback(number), callback_id=f"progress-{number}", is_final=False)


async def test_progress_that_is_not_taken_is_not_tried_again(bench: Bench) -> None:
    bench.sender.answers["a.test"] = bench.sender.broken
    bench.store.add(progress())
    async with bench.running():
        await bench.settle()
        assert bench.store.callbacks["progress-1"].status is CallbackStatus.GIVEN_UP
        assert len(bench.sender.sent) == 1


async def test_an_end_breaks_off_the_progress_that_hangs_before_it(bench: Bench) -> None:
    bench.sender.answers["a.test"] = bench.sender.hang
    bench.store.add(progress())
    async with bench.running():
        await bench.settle()
        assert bench.sender.inside["a.test"] == 1
        bench.sender.answers["a.test"] = bench.sender.ok
        bench.store.add(callback())
        bench.callbacks.loop.nudge()
        await bench.settle()
        assert [one.callback_id for one in bench.sender.sent] == ["progress-1", "callback-1"]
        assert bench.sender.most["a.test"] == 1
        assert bench.status() is CallbackStatus.DELIVERED
        assert not bench.callbacks._progress


async def test_each_attempt_is_made_with_links_that_work_then(bench: Bench) -> None:
    bench.sender.answers["a.test"] = bench.sender.broken
    bench.store.add(callback())
    async with bench.running():
        await bench.settle()
        bench.renewed[callback().body] = b"renewed"
        bench.sender.answers["a.test"] = bench.sender.ok
        await bench.clock.elapse(ATTEMPT_AFTER_S[1])
        await bench.settle()
        assert [one.body for one in bench.sender.sent] == [callback().body, b"renewed"]
        assert bench.store.callbacks["callback-1"].body == callback().body


async def test_four_hundred_hung_receivers_of_one_user_do_not_delay_another_user(
    bench: Bench,
) -> None:
    for number in range(1, 401):
        bench.sender.answers[f"hung{number}.test"] = bench.sender.hang
        bench.store.add(callback(number, f"http://hung{number}.test/"))
    async with bench.running():
        assert bench.sender.most["all"] <= PER_USER
        bench.store.add(replace(callback(401, "http://good.test/"), user_id=2))
        bench.callbacks.loop.nudge()
        await bench.settle()
        assert bench.status(401) is CallbackStatus.DELIVERED


async def test_hung_receivers_of_three_users_together_do_not_delay_another(bench: Bench) -> None:
    for number in range(1, 1201):
        name = f"hung{number}.test"
        bench.sender.answers[name] = bench.sender.hang
        bench.store.add(replace(callback(number, f"http://{name}/"), user_id=1 + number % 3))
    async with bench.running():
        bench.store.add(replace(callback(1201, "http://good.test/"), user_id=4))
        bench.callbacks.loop.nudge()
        await bench.settle()
        assert bench.status(1201) is CallbackStatus.DELIVERED


async def test_a_user_with_receivers_without_end_holds_so_many_callbacks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD_PER_USER", 20)
    hosts = [f"h{number}.test" for number in range(50)]
    for host in hosts:
        bench.sender.answers[host] = bench.sender.hang
    bench.store.add(
        *(replace(callback(n, f"http://{host}/"), user_id=7) for n, host in enumerate(hosts)),
        replace(callback(99, "http://quick.test/"), user_id=8),
    )
    async with bench.running():
        assert bench.callbacks._held[7] == 20
        assert len(bench.callbacks._receivers) == 20
        assert bench.sender.sent_to("quick.test") == 1
        bench.sender.release.set()
        await bench.settle()
        for _ in range(4):
            await bench.clock.elapse(45)
        assert {one.callback_id for one in bench.sender.sent} >= {
            f"callback-{number}" for number in range(50)
        }
        assert not bench.callbacks._held
