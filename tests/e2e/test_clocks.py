"""Clocks that are wrong, or set while something waits: nothing is lost, nothing is late (R28).

Each run ends with the zeros of docs/reliability.md. Each job has a callback, and its receiver goes
by the clock that the machine shows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from standardwebhooks import Webhook

from tests.e2e.conftest import Install, Installation, Person, eventually
from tests.e2e.records import Row
from tests.e2e.zeros import at_rest, zeros
from waystation.app import open_state
from waystation.clock import SystemClock
from waystation.errors import LeaseLost
from waystation.simulator.discord.sessions import Disturbance

HOUR = timedelta(hours=1)
SKEWS = [timedelta(seconds=8), -timedelta(seconds=8), HOUR, -HOUR]
NOTHING_TELLS = ("missing_progress", "missing_nonce", "no_interaction_events", "missing_metadata")


class Wall:
    """The machine's wall clock, which a test sets; every clock of the service shows it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def clock(self) -> SystemClock:
        return SystemClock(self.now)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    wall = Wall()
    monkeypatch.setattr("waystation.app.state.SystemClock", wall.clock)
    return wall


@pytest.fixture
def install(install: Install, wall: Wall, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Count the zeros after each run."""
    receivers = type("_Shown", (datetime,), {"now": classmethod(lambda *_, tz=None: wall.now())})
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", receivers)

    @contextlib.asynccontextmanager
    async def counted(**values: Any) -> AsyncIterator[Installation]:
        async with install(**values) as here:
            yield here
            await at_rest(cast(Any, here))
            assert {one for one in (await zeros(cast(Any, here))).items() if one[1]} == set()
            assert here.outside.callbacks

    return counted


async def _ready(here: Installation) -> Person:
    """Add a person with one account and a receiver, which verifies each callback."""
    ada = await here.ready()
    await here.change(ada, reply_url=f"{here.outside.url}/callback")
    status, made, _ = await ada.call("POST", "/v2/deliveries/secret")
    assert status == 201, made
    here.outside.verifier = Webhook(made["secret"])
    return ada


def _discord(ahead: timedelta) -> dict[str, object]:
    return {"clock_ahead_s": ahead.total_seconds()}


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("ahead", SKEWS, ids=str)
async def test_a_picture_that_only_its_time_tells_is_found_however_far_discords_clock_is_off(
    install: Install, ahead: timedelta, restarted: bool
) -> None:
    async with install(sim_options=_discord(ahead), speed=40.0) as here:
        ada = await _ready(here)
        await ada.run("imagine", prompt="an earlier fox")
        for fault in NOTHING_TELLS:
            here.sim.fault(fault, count=1)
        asking = _asking(ada, "a red fox")
        await _job_is(here, "submitted")
        if restarted:
            await _lose_everything(here)
            await asyncio.wait({asking})
            asking.exception()
        else:
            await asking
        await _job_is(here, "completed")
        with here.records() as records:
            assert "a red fox" in records.jobs()[-1]["content"]


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=str)
async def test_the_wall_clock_is_set_while_a_job_runs(
    install: Install, wall: Wall, jump: timedelta
) -> None:
    async with install(speed=40.0, janitor_s=0.05, lease_s=3.0) as here:
        ada = await _ready(here)
        posted = await ada.ask("imagine", prompt="a red fox")
        wall.ahead += jump
        done = await ada.final(posted["jobid"])
        assert done["status"] == "completed", done
        assert done["created"] == posted["created"]
        # what is asked from now on bears the time that the machine shows
        later = await ada.run("describe", describeUrl=here.photo())
        ahead = datetime.fromisoformat(later["created"]) - datetime.fromisoformat(done["created"])
        assert abs(ahead - jump) < timedelta(minutes=5)
        assert len(here.sim.sessions.all()) == 1


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=str)
async def test_the_wall_clock_is_set_between_two_renewals_of_a_lease(
    install: Install, wall: Wall, jump: timedelta
) -> None:
    """R28: the account keeps its owner, and a second process gets no lease of it."""
    async with install(speed=10.0, lease_s=3.0) as here:
        ada = await _ready(here)
        posted = await ada.ask("imagine", prompt="a red fox")
        (before,) = _leases(here)
        for _ in range(2):
            wall.ahead += jump
            for _ in range(2):
                (last,) = _leases(here)
                await eventually(lambda: _leases(here)[0]["lease_until"] > last["lease_until"])  # noqa: B023
                await _contend(here, before["account_id"])
        done = await ada.final(posted["jobid"])
        assert done["status"] == "completed", done
        assert (await ada.run("describe", describeUrl=here.photo()))["status"] == "completed"
        (after,) = _leases(here)
        assert (after["node_id"], after["epoch"]) == (before["node_id"], before["epoch"])
        assert len(here.sim.sessions.all()) == 1


def _leases(here: Installation) -> list[Row]:
    with here.records() as records:
        return records.rows(
            "select account_id, node_id, epoch, lease_until"
            " from assignments join nodes using (node_id)"
        )


async def _contend(here: Installation, account_id: object) -> None:
    """Ask for the account as a process does that is started now."""
    async with open_state(here.settings) as state:
        state.clock.go_on(await state.store.load_clock())
        await state.store.nodes.begin("another", "test", HOUR)
        with pytest.raises(LeaseLost):
            await state.store.nodes.take(str(account_id), "another")
        await state.store.nodes.leave("another")


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=str)
async def test_the_wall_clock_is_set_between_two_attempts_of_a_callback(
    install: Install, wall: Wall, jump: timedelta
) -> None:
    async with install() as here:
        ada = await _ready(here)
        here.outside.answer = lambda: 500 if len(here.outside.callbacks) < 2 else 200
        url = f"{here.outside.url}/callback"
        await ada.run("describe", describeUrl=here.photo(), replyUrl=url)
        await here.outside.callback()
        wall.ahead += jump
        first, second = await here.outside.callback(1), await here.outside.callback(2)
        assert first == second
        sent = [int(headers["webhook-timestamp"]) for headers, _ in here.outside.callbacks]
        # receivers compare it with the clock on their wall
        assert abs(sent[1] - sent[0] - jump.total_seconds()) < 60


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=str)
async def test_the_wall_clock_is_set_between_a_stop_and_the_next_start(
    install: Install, wall: Wall, jump: timedelta
) -> None:
    async with install(speed=40.0) as here:
        ada = await _ready(here)
        asking = _asking(ada, "a red fox")
        await _job_is(here, "progress", "started")
        await here.stop()
        await asyncio.wait({asking})
        asking.exception()
        wall.ahead += jump
        await here.start()
        await _job_is(here, "completed")


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=str)
async def test_a_reset_holds_and_a_new_trigger_halts_again_after_the_wall_clock_was_set(
    install: Install, wall: Wall, jump: timedelta
) -> None:
    async with install(sim_options=_discord(jump)) as here:
        ada = await _ready(here)
        for _ in range(2):
            here.sim.fault("pending_mod_message", count=1)
            status, body, _ = await ada.describe(here.photo())
            assert status == 596, body
            channel = here.sim.accounts[0].channel_id
            path = f"/v2/account/midjourney/{channel}/reset"
            assert (await ada.call("POST", path))[0] == 204
            # what halted it is read back, and is older than the reset
            here.sim.drop(0, Disturbance.LOSE)
            await here.connected()
            assert "pendingModMessage" not in await ada.account(channel)
            wall.ahead += jump
        assert (await ada.run("describe", describeUrl=here.photo()))["status"] == "completed"


def _asking(person: Person, prompt: str) -> asyncio.Task[object]:
    return asyncio.ensure_future(person.call("POST", "/v2/jobs/imagine", {"prompt": prompt}))


async def _job_is(here: Installation, *statuses: str) -> None:
    """Wait until the newest job is so far."""

    def is_so() -> bool:
        with here.records() as records:
            jobs = records.jobs()
        return bool(jobs) and jobs[-1]["status"] in statuses

    await eventually(is_so)


async def _lose_everything(here: Installation) -> None:
    """Stop, let Discord forget the session, and start when the bot is done."""
    await here.stop()
    here.sim.drop(0, Disturbance.LOSE)
    await here.sim.settled()
    await here.start()


async def test_a_wall_clock_that_is_off_is_told_to_whoever_looks(
    install: Install, wall: Wall
) -> None:
    async with install(sim_options=_discord(timedelta(seconds=60))) as here:
        ada = await _ready(here)
        async with here.http.get(f"{here.url}/readyz") as answer:
            told = await answer.json()
        assert (answer.status, told["ready"]) == (200, True)
        assert "s behind Discord" in told["warnings"][0]
        wall.ahead += timedelta(seconds=60)
        async with here.http.get(f"{here.url}/readyz") as answer:
            assert "warnings" not in await answer.json()
        assert (await ada.run("info"))["status"] == "completed"
