"""Chaos: gaps, storms, stops and a full disk under load, with the zeros of docs/reliability.md."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.conftest import eventually
from tests.e2e.deeds import Place
from tests.e2e.matrix import at_rest, standing
from tests.e2e.zeros import zeros
from waystation.simulator.discord.sessions import Disturbance

ALIKE = ("a fox in the snow",) * 2
"""Prompts that nothing but an id tells apart."""

PATIENCE_S = 60.0
"""How long a caller goes on asking."""

PATIENT_S = 30.0
"""How long jobs wait for their turn and their answer: longer than the chaos lasts."""

BRIEF_S = 14.0
"""The same where an answer never comes; two unclear asks hold up the others for 5 s each."""


async def insist(place: Place, verb: str, **body: object) -> str:
    """Ask until a job is made, as a caller does who knows `Retry-After` and keys; return its id."""
    here = place.here
    place.asked += 1
    key = {"Idempotency-Key": f"caller-{place.asked}"}
    body |= {"replyUrl": f"{here.outside.url}/callback"}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            wait_s = 0.1
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, TimeoutError):
                asked = await here.ada.call("POST", f"/v2/jobs/{verb}", body, headers=key)
                status, answer, headers = asked
                if status == 200 or (status != 409 and "jobid" in answer):
                    return str(answer["jobid"])
                assert status in (409, 429, 502, 503), answer
                wait_s = min(float(headers.get("Retry-After", wait_s)), 1.0)
            await asyncio.sleep(wait_s)


ASKS = len(ALIKE) + 3
"""How many asks `load` brings to Discord."""


def load(place: Place, prompts: Iterable[str] = ALIKE) -> asyncio.Future[list[str]]:
    """Let callers ask for pictures and descriptions at once."""
    asks = [insist(place, "imagine", prompt=prompt) for prompt in prompts]
    asks += [insist(place, "describe", describeUrl=place.here.photo()) for _ in range(2)]
    asks += [insist(place, "button", jobid=place.grid["jobid"], button="V1")]
    return asyncio.gather(*asks)


async def loaded(place: Place) -> asyncio.Future[list[str]]:
    """Let callers ask, and wait until Discord has each ask.

    An ask whose process is stopped between its nonce and its sending ends honestly, so that a
    stop there would end jobs by chance.
    """
    before = len(place.here.interactions)
    asked = load(place)
    await eventually(lambda: len(place.here.interactions) >= before + ASKS)
    return asked


async def prove(place: Place, asked: asyncio.Future[list[str]], *, failed: int = 0) -> None:
    """Assert that every job completed but so many, and that all is zero."""
    jobids = await asked
    await at_rest(place)
    jobs = [await place.here.ada.job(jobid) for jobid in jobids]
    ends = [(job["verb"], job["status"], job.get("error")) for job in jobs]
    assert sum(status == "completed" for _, status, _ in ends) == len(jobs) - failed, ends
    found = await zeros(place.here)
    assert not any(found.values()), found


async def test_a_gap_beyond_the_resume_window_loses_nothing(tmp_path: Path) -> None:
    async with standing(tmp_path, {"resume_window_s": 0.2}, first_answer_s=PATIENT_S) as place:
        here = place.here
        here.doors.hold("MESSAGE_UPDATE")
        asked = await loaded(place)
        here.service.signal(signal.SIGSTOP)
        here.sim.drop(0, Disturbance.DROP)
        here.doors.release()
        # the bot goes on, and Discord forgets who listened
        await here.sim.settled()
        await eventually(lambda: not here.sim.sessions.of(here.sim.accounts[0].user_id))
        here.service.signal(signal.SIGCONT)
        await prove(place, asked)


async def test_a_storm_of_429_loses_nothing(tmp_path: Path) -> None:
    async with standing(tmp_path, first_answer_s=PATIENT_S) as place:
        for route in ("interactions", "upload", "attachments", "index", "messages.read"):
            place.here.sim.fault("rate_limited_bucket", retry_after=0.2, count=3, route=route)
        await prove(place, load(place))


async def test_5xx_after_the_execution_lose_nothing(tmp_path: Path) -> None:
    async with standing(tmp_path, first_answer_s=PATIENT_S) as place:
        place.here.sim.fault("server_error_after", count=3)
        await prove(place, load(place))


async def test_5xx_before_the_execution_fail_their_own_jobs_alone(tmp_path: Path) -> None:
    async with standing(tmp_path, first_answer_s=BRIEF_S) as place:
        place.here.sim.fault("server_error_before", count=2, command="imagine")
        prompts = [f"an elk, number {number}" for number in range(3)]
        await prove(place, load(place, prompts), failed=2)


@pytest.mark.parametrize("lost", [False, True], ids=["session kept", "session lost"])
async def test_a_process_that_is_stopped_beyond_its_lease_and_goes_on_loses_nothing(
    tmp_path: Path, lost: bool
) -> None:
    lease_s = 3.0
    async with standing(
        tmp_path, lease_s=lease_s, request_timeout_s=1.0, first_answer_s=PATIENT_S
    ) as place:
        here = place.here
        here.doors.hold("MESSAGE_UPDATE")
        asked = await loaded(place)
        here.service.signal(signal.SIGSTOP)
        here.doors.release()
        stopped = time.monotonic()
        if lost:
            here.sim.drop(0, Disturbance.LOSE)
        await here.sim.settled()
        await eventually(lambda: time.monotonic() > stopped + lease_s + 0.5)
        here.service.signal(signal.SIGCONT)
        await prove(place, asked)


async def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path: Path) -> None:
    async with standing(tmp_path, first_answer_s=PATIENT_S) as place:
        here = place.here
        here.doors.hold("MESSAGE_UPDATE")
        asked = load(place)
        await eventually(lambda: len(here.interactions) >= 3)
        # for that process no file can be longer than half of SQLite's log any more
        log = here.settings.database_path.with_name("waystation.db-wal").stat().st_size
        free = resource.prlimit(
            here.service.pid, resource.RLIMIT_FSIZE, (log // 2, resource.RLIM_INFINITY)
        )
        here.doors.release()
        await eventually(lambda: "owner.hold_broken" in here.service.log)
        await here.sim.settled()
        resource.prlimit(here.service.pid, resource.RLIMIT_FSIZE, free)
        await prove(place, asked)
