from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.fakes import START, FakeClock, FakeIds
from tests.harness.due_store import DueStore, mail
from waystation.engine.outbox.mail import IN_FLIGHT, MAIL_AGAIN_S, MAIL_KEPT, Mailing, next_mail_at
from waystation.errors import Unreachable
from waystation.ports import Mail


class FakeMailer:
    """A `ports.Mailer` that sends, fails or hangs as told."""

    def __init__(self) -> None:
        self.configured = True
        self.sent: list[Mail] = []
        self.failing = 0
        self.gate: asyncio.Event | None = None
        self.inside = 0
        self.most = 0

    async def send(self, mail: Mail) -> None:
        self.sent.append(mail)
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.failing:
                self.failing -= 1
                raise Unreachable("450 try later")
        finally:
            self.inside -= 1


class Bench:
    """A mailing loop on a fake store, mailer and clock."""

    def __init__(self) -> None:
        self.clock, self.ids = FakeClock(), FakeIds()
        self.store, self.mailer = DueStore(), FakeMailer()
        self.mailing = Mailing(
            self.store.port, self.mailer, self.clock, self.ids, send_timeout_s=30, drain_s=5
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.ensure_future(self.mailing.loop.run())
        await self.settle()
        yield task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def settle(self) -> None:
        for _ in range(10):
            await self.clock.elapse(0)


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_a_due_mail_is_sent_once(bench: Bench) -> None:
    bench.store.add(mail())
    async with bench.running():
        await bench.clock.elapse(1000)
    assert bench.store.sent_mails == ["mail-1"]
    assert bench.mailer.sent == [mail()]


async def test_a_new_mail_is_sent_when_the_bell_rings(bench: Bench) -> None:
    async with bench.running():
        bench.store.add(mail())
        bench.mailing.loop.nudge()
        await bench.settle()
        assert bench.store.sent_mails == ["mail-1"]


async def test_a_mail_that_fails_is_retried_by_its_own_schedule(bench: Bench) -> None:
    bench.store.add(mail())
    bench.mailer.failing = 3
    with capture_logs() as logs:
        async with bench.running():
            for number, after_s in enumerate(MAIL_AGAIN_S[:3], start=1):
                await bench.clock.elapse(after_s - 1)
                assert len(bench.mailer.sent) == number
                await bench.clock.elapse(1)
    assert bench.store.sent_mails == ["mail-1"]
    failed = [line for line in logs if line["event"] == "mail.failed"]
    assert [line["attempt"] for line in failed] == [1, 2, 3]
    assert failed[0]["reason"] == "450 try later"


def test_a_mail_is_given_up_after_a_week() -> None:
    old = mail(attempts=40)
    week = START + MAIL_KEPT
    assert next_mail_at(old, week - timedelta(hours=7), 0) == week - timedelta(hours=1)
    assert next_mail_at(old, week - timedelta(hours=5), 0) is None


def test_jitter_lengthens_the_wait_by_up_to_a_tenth() -> None:
    assert next_mail_at(mail(), START, 0.5) == START + timedelta(seconds=63)


async def test_giving_up_is_recorded(bench: Bench) -> None:
    bench.store.add(mail(at=START - MAIL_KEPT))
    bench.mailer.failing = 1
    async with bench.running():
        await bench.settle()
    assert bench.store.given_up_mails == ["mail-1"]


async def test_without_a_server_mails_are_kept_and_the_log_says_so_once(bench: Bench) -> None:
    bench.mailer.configured = False
    bench.store.add(mail(1), mail(2))
    with capture_logs() as logs:
        async with bench.running():
            await bench.clock.elapse(5 * 3600)
            warned = [line for line in logs if line["event"] == "mail.not_configured"]
            assert [line["mail_id"] for line in warned] == ["mail-1", "mail-2"]
            assert warned[0]["setting"] == "WAYSTATION_SMTP_URL"
            assert bench.mailer.sent == []
            bench.mailer.configured = True
            await bench.clock.elapse(3600)
    assert sorted(bench.store.sent_mails) == ["mail-1", "mail-2"]


async def test_few_are_sent_at_once(bench: Bench) -> None:
    bench.mailer.gate = asyncio.Event()
    bench.store.add(*(mail(number) for number in range(40)))
    async with bench.running():
        assert bench.mailer.inside == IN_FLIGHT
        bench.mailer.gate.set()
        await bench.settle()
        assert len(bench.store.sent_mails) == 40
    assert bench.mailer.most == IN_FLIGHT


async def test_a_mailer_that_breaks_its_word_is_cut_off() -> None:
    bench = Bench()
    bench.mailer.gate = asyncio.Event()
    mailing = Mailing(
        bench.store.port, bench.mailer, bench.clock, bench.ids, send_timeout_s=-0.95, drain_s=5
    )
    assert await mailing._send(mail()) == "a time-out"


async def test_a_store_that_fails_for_a_while_loses_nothing(bench: Bench) -> None:
    bench.store.add(mail())
    bench.store.failing = 3
    async with bench.running():
        await bench.clock.elapse(10)
    assert bench.store.sent_mails == ["mail-1"]


async def test_stopping_lets_mails_under_way_end(bench: Bench) -> None:
    bench.mailer.gate = asyncio.Event()
    bench.store.add(*(mail(number) for number in range(IN_FLIGHT + 2)))
    async with bench.running() as task:
        bench.mailing.loop.stop()
        await bench.settle()
        assert not task.done()
        bench.mailer.gate.set()
        await asyncio.wait_for(task, 30)
    assert len(bench.store.sent_mails) == IN_FLIGHT
    assert len(bench.store.mails) == 2


async def test_stopping_waits_no_longer_than_the_drain_time(bench: Bench) -> None:
    bench.mailer.gate = asyncio.Event()
    bench.store.add(mail())
    async with bench.running() as task:
        bench.mailing.loop.stop()
        await bench.clock.elapse(5)
        await asyncio.wait_for(task, 30)
    assert bench.store.mails.keys() == {"mail-1"}
