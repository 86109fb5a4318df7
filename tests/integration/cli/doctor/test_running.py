"""Findings about what runs, from jobs of a store and from a service that answers or does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from tests.build import later, replace
from waystation.cli.doctor.running import Patience, look_at_listening, look_at_running
from waystation.jobs import Job, JobId, JobStatus
from waystation.ports import Counts

PATIENCE = Patience(timedelta(minutes=40), timedelta(minutes=10))

NOW = later(3600)


def job(number: int, age_s: float, heard_s: float, *, slot: bool = True) -> Job:
    made = Job(
        JobId(f"job:{number}"), 1, "account-1", "7", "imagine", JobStatus.STARTED,
        NOW - timedelta(seconds=age_s), NOW - timedelta(seconds=heard_s), "ABC",
    )  # fmt: skip
    return replace(made, slot=slot)


def sent(number: int, age_s: float, heard_s: float) -> Job:
    made = job(number, age_s, heard_s)
    return replace(made, submitted_at=made.created_at)


def said(*jobs: Job) -> list[tuple[str, str]]:
    found = look_at_running({"7": jobs}, Counts(), NOW, PATIENCE)
    return [(finding.level, finding.what) for finding in found]


def test_each_slot_is_told_with_its_job_its_age_and_when_it_was_last_heard_of() -> None:
    assert said(sent(2, 100, 30), sent(1, 700, 90), job(3, 50, 1, slot=False)) == [
        ("ok", "7: a slot is held for 11 min by job:1, last heard of 90 s ago"),
        ("ok", "7: a slot is held for 100 s by job:2, last heard of 30 s ago"),
        ("ok", "the oldest of 3 running jobs is job:1: 11 min"),
    ]


def test_a_slot_and_a_job_beyond_their_limits_are_warnings() -> None:
    assert said(sent(1, 41 * 60, 120)) == [
        ("ok", "7: a slot is held for 41 min by job:1, last heard of 2 min ago"),
        ("warning", "the oldest of 1 running jobs is job:1: 41 min"),
    ]
    ghost = replace(sent(1, 51 * 60, 60), status=JobStatus.FAILED, finished_at=NOW)
    assert said(ghost) == [
        ("warning", "7: a slot is held for 51 min by job:1, ended, last heard of 60 s ago"),
        ("ok", "no job runs"),
    ]


def test_the_age_of_a_job_counts_from_its_submission() -> None:
    waited = replace(job(1, 9000, 1), submitted_at=NOW - timedelta(seconds=10))
    assert said(waited)[-1] == ("ok", "the oldest of 1 running jobs is job:1: 10 s")


def test_a_job_that_has_waited_in_the_queue_counts_from_its_account_on() -> None:
    assert said(job(1, 36000, 5))[0] == (
        "ok",
        "7: a slot is held for 5 s by job:1, last heard of 5 s ago",
    )


def test_jobs_that_wait_are_counted() -> None:
    waiting = Counts(queued=3, oldest_queued=NOW - timedelta(hours=5))
    found = [finding.what for finding in look_at_running({}, waiting, NOW, PATIENCE)]
    assert found == ["3 jobs wait in the queue, the oldest for 5 h", "no job runs"]


def test_commands_that_no_node_has_taken_are_counted() -> None:
    found = [one.what for one in look_at_running({}, Counts(commands=2), NOW, PATIENCE)]
    assert found == ["2 commands wait for the node of their account", "no job runs"]


def test_nothing_runs() -> None:
    assert said() == [("ok", "no job runs")]


@asynccontextmanager
async def answering(text: str) -> AsyncIterator[str]:
    async def metrics(request: web.Request) -> web.Response:
        return web.Response(text=text)

    serve: Callable[[web.Request], Awaitable[web.Response]] = metrics
    app = web.Application()
    app.router.add_get("/metrics", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("text", "level", "what"),
    [
        ('waystation_longest_wait_seconds{of="account"} 0\n', "ok", "listens to Discord"),
        ('waystation_longest_wait_seconds{of="account"} 300.0\n', "ok", "listens to Discord"),
        (
            'x 1\nwaystation_longest_wait_seconds{of="account"} 900.5\ny 2\n',
            "warning",
            "has heard nothing of an account for 15 min",
        ),
        (
            'waystation_longest_wait_seconds{of="account"} 0\n'
            'waystation_longest_wait_seconds{of="listener"} 900\n',
            "warning",
            "has heard no news of other nodes for 15 min",
        ),
        (
            'waystation_longest_wait_seconds{of="account"} 0\n'
            'waystation_longest_wait_seconds{of="listener"} 0\n',
            "ok",
            "listens to Discord",
        ),
        ("something else", "warning", "answers, and not like Waystation"),
    ],
)
async def test_a_service_tells_how_long_it_has_heard_nothing(
    text: str, level: str, what: str
) -> None:
    async with answering(text) as url, aiohttp.ClientSession() as http:
        finding = await look_at_listening(http, url)
    assert finding.level == level
    assert finding.what.endswith(what)


async def test_a_service_that_does_not_run_is_told() -> None:
    async with aiohttp.ClientSession() as http:
        finding = await look_at_listening(http, "http://127.0.0.1:9")
    assert finding.level == "warning"
    assert finding.what.startswith("no service answers at http://127.0.0.1:9")
