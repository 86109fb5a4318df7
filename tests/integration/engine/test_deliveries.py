from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests import build
from tests.build import replace
from tests.harness.house import House, house
from tests.harness.leases import claim
from tests.limits import PATIENCE
from waystation.callbacks import Attempt, Callback, CallbackStatus
from waystation.engine import deliveries as module
from waystation.engine.deliveries import PINGS, REDELIVERIES, REPLAYS
from waystation.errors import InvalidRequest, NotFound, Throttled
from waystation.jobs import Job
from waystation.ports import User
from waystation.secret import redact


async def owed(here: House, *numbers: int) -> tuple[Job, list[Callback]]:
    """Owe callbacks of a job that ends with them."""
    store, now = here.here.store, here.here.clock.now()
    # nobody else is to end the job
    here.running.cancel()
    await asyncio.gather(here.running, return_exceptions=True)
    job = await here.here.add()
    epoch = await claim(store, job.account_id, "holder")
    made = [build.callback(job, number, due=now) for number in numbers]
    ends = build.completed(job, callbacks=made)
    await store.commit(build.change(ends, account_id=job.account_id, epoch=epoch, at=now))
    return job, made


async def give_up(here: House, one: Callback) -> None:
    attempt = Attempt(500, None, 0.5)
    await here.here.store.record_attempt(one, attempt, here.here.clock.now(), None, PATIENCE)


async def status(here: House, one: Callback) -> CallbackStatus:
    delivery, _ = await here.deliveries.find(await here.user(), one.callback_id)
    return delivery.status


async def eve(here: House) -> User:
    return await here.here.store.add_user("eve@example.org", b"h", here.here.clock.now())


async def test_the_text_of_a_secret_is_not_shown_in_logs(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        secret = await here.deliveries.new_secret(await here.user())
        assert secret.reveal().startswith("whsec_")
        assert secret.reveal() not in redact(f"made {secret.reveal()}")
        assert secret.reveal() not in repr(secret)


async def test_a_secret_is_kept_sealed_in_its_own_row(tmp_path: Path) -> None:
    """R45."""
    async with house(tmp_path) as here:
        await here.deliveries.new_secret(await here.user())
        (row,) = await here.deliveries.secrets(await here.user())
        assert row.sealed.startswith(f"signing_secrets/{row.secret_id}:".encode())


# ── the log ──


async def test_a_callback_is_read_with_each_of_its_attempts(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        job, (one,) = await owed(here, 1)
        store, now = here.here.store, here.here.clock.now()
        refused, broken = Attempt(503, None, 0.5), Attempt(None, "a time-out", 15.0)
        await store.record_attempt(one, refused, now, now + timedelta(seconds=5), PATIENCE)
        later = now + timedelta(seconds=5)
        await store.record_attempt(replace(one, attempts=1), broken, later, None, PATIENCE)
        delivery, attempts = await here.deliveries.find(await here.user(), one.callback_id)
        assert (delivery.jobid, delivery.attempts) == (job.jobid, 2)
        assert delivery.status is CallbackStatus.GIVEN_UP
        assert [(each.number, each.at, each.ended) for each in attempts] == [
            (1, now, refused),
            (2, later, broken),
        ]


async def test_a_page_tells_by_one_more_that_there_are_more(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await owed(here, 1, 2, 3)
        user = await here.user()
        for limit, found in ((1, 2), (2, 3), (3, 3)):
            page = await here.deliveries.page(
                user, jobid=None, status=None, before=None, limit=limit
            )
            assert len(page) == found


async def test_a_foreign_callback_is_as_an_absent_one(tmp_path: Path) -> None:
    """I13."""
    async with house(tmp_path) as here:
        _, (one,) = await owed(here, 1)
        stranger = await eve(here)
        for id_ in (one.callback_id, "absent"):
            for ask in (here.deliveries.find, here.deliveries.redeliver):
                with pytest.raises(NotFound, match=f"^Unable to locate delivery {id_}$"):
                    await ask(stranger, id_)
        found = await here.deliveries.page(stranger, jobid=None, status=None, before=None, limit=9)
        assert found == []


# ── asking again ──


async def test_a_callback_that_was_given_up_is_sent_again(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        _, (one,) = await owed(here, 1)
        await give_up(here, one)
        told = await here.deliveries.redeliver(await here.user(), one.callback_id)
        assert (told.status, told.next_attempt_at) == (
            CallbackStatus.PENDING,
            here.here.clock.now(),
        )
        assert here.nudged.is_set()


async def test_progress_cannot_be_asked_for_again(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        told = await here.deliveries.ping(await here.user(), "http://a.test/")
        with pytest.raises(InvalidRequest) as refused:
            await here.deliveries.redeliver(await here.user(), told.callback_id)
        assert refused.value.message == "Only the end of a job can be delivered again"


async def test_a_replay_begins_at_a_moment_of_the_wall_clock(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.here.clock.set_wall(timedelta(hours=3))
        _, made = await owed(here, 1, 2)
        for one in made:
            await give_up(here, one)
        user, wall = await here.user(), here.here.clock.wall()
        after = wall + timedelta(microseconds=1)
        assert await here.deliveries.replay(user, after) == (0, False)
        assert await here.deliveries.replay(user, wall) == (2, False)
        assert here.nudged.is_set()
        assert {await status(here, one) for one in made} == {CallbackStatus.PENDING}


async def test_a_replay_of_very_many_says_that_there_are_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPLAYED", 4)
    monkeypatch.setattr("waystation.store.transactions.deliveries.REPLAYED_AT_ONCE", 2)
    async with house(tmp_path) as here:
        _, made = await owed(here, *range(1, 6))
        for one in made:
            await give_up(here, one)
        user, wall = await here.user(), here.here.clock.wall()
        assert await here.deliveries.replay(user, wall) == (4, True)
        assert await here.deliveries.replay(user, wall) == (1, False)


@pytest.mark.parametrize("since", [datetime.min, datetime.max])
async def test_a_moment_that_no_clock_has_is_refused(tmp_path: Path, since: datetime) -> None:
    async with house(tmp_path) as here:
        ahead = timedelta(hours=3) if since == datetime.min else -timedelta(hours=3)
        here.here.clock.set_wall(ahead)
        with pytest.raises(InvalidRequest, match=r"^since must be a moment"):
            await here.deliveries.replay(await here.user(), since.replace(tzinfo=UTC))


async def test_a_ping_is_a_callback_of_no_job_that_is_tried_once(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        told = await here.deliveries.ping(await here.user(), "http://a.test/hook")
        assert (told.jobid, told.url, told.is_final) == (None, "http://a.test/hook", False)
        now = here.here.clock.now()
        (one,) = await here.here.store.claim_callbacks(now, now + timedelta(seconds=45), 9)
        assert msgspec.json.decode(one.body) == {
            "jobid": f"ping:{told.callback_id}",
            "verb": "ping",
            "status": "completed",
            "created": "2026-01-02T03:04:05.000Z",
            "updated": "2026-01-02T03:04:05.000Z",
            "replyUrl": "http://a.test/hook",
            "code": 200,
        }


async def test_an_hour_has_a_limit_for_each_wish_and_each_user(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user, store, clock = await here.user(), here.here.store.deliveries, here.here.clock
        _, (one,) = await owed(here, 1)
        for kind, most in (("ping", PINGS), ("replay", REPLAYS), ("redeliver", REDELIVERIES)):
            for _ in range(most):
                assert await store.ask(user.user_id, kind, clock.now(), most)
        for wish, error in (
            (
                here.deliveries.ping(user, "http://a.test/"),
                "60 pings of this user were asked for within an hour; wait",
            ),
            (
                here.deliveries.replay(user, clock.wall()),
                "60 replays of this user were asked for within an hour; wait",
            ),
            (
                here.deliveries.redeliver(user, one.callback_id),
                "600 callbacks of this user were sent again within an hour; wait",
            ),
        ):
            with pytest.raises(Throttled) as refused:
                await wish
            assert refused.value.message == error
        await here.deliveries.ping(await eve(here), "http://a.test/")
        clock.advance(3600)
        await here.deliveries.ping(user, "http://a.test/")
