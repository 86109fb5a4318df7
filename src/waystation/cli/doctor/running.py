"""The doctor's findings about what runs: jobs, their slots, and who listens to Discord."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from waystation.cli.doctor.findings import Finding, ok, warning
from waystation.jobs import Job
from waystation.ports import Counts

__all__ = ["SILENT_S", "Patience", "look_at_listening", "look_at_running"]

SILENT_S: Final = 300.0
"""Silence of Discord that is worth a look; docs/deployment.md has the same for an alarm."""

_TIMEOUT_S: Final = 10.0

_SILENCE = re.compile(rb'^waystation_longest_wait_seconds\{of="account"\} ([0-9.]+)$', re.MULTILINE)

_UNHEARD = re.compile(
    rb'^waystation_longest_wait_seconds\{of="listener"\} ([0-9.]+)$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a job may run, and how long it may keep its slot after that (R31)."""

    job: timedelta
    slot: timedelta


def look_at_running(
    jobs: Mapping[str, Sequence[Job]], counts: Counts, now: datetime, patience: Patience
) -> Iterator[Finding]:
    """Yield since when what holds each slot, the job that runs longest, and how many wait.

    Args: jobs: channel → the jobs of its account that are not final or hold a slot
    """
    for channel, held in jobs.items():
        for job in sorted((job for job in held if job.slot), key=_begun):
            yield _slot(channel, job, now, patience)
    if counts.queued and counts.oldest_queued is not None:
        oldest_s = _span(now - counts.oldest_queued)
        yield ok(f"{counts.queued} jobs wait in the queue, the oldest for {oldest_s}")
    if counts.commands:
        yield ok(f"{counts.commands} commands wait for the node of their account")
    running = [job for held in jobs.values() for job in held if not job.final]
    if not running:
        yield ok("no job runs")
        return
    oldest = min(running, key=_begun)
    age = _span(now - _begun(oldest))
    what = f"the oldest of {len(running)} running jobs is {oldest.jobid}: {age}"
    if now - _begun(oldest) > patience.job:
        yield warning(what, f"Start the service if it does not run; else {_cancel(oldest)}.")
    else:
        yield ok(what)


def _slot(channel: str, job: Job, now: datetime, patience: Patience) -> Finding:
    age = now - _begun(job)
    heard = f"last heard of {_span(now - job.updated_at)} ago"
    ended = ", ended" if job.final else ""
    what = f"{channel}: a slot is held for {_span(age)} by {job.jobid}{ended}, {heard}"
    if age <= patience.job + patience.slot:
        return ok(what)
    return warning(what, "Start the service if it does not run: it gives the slot back.")


async def look_at_listening(http: aiohttp.ClientSession, url: str) -> Finding:
    """Return whether a service listens to Discord, and since when it has heard nothing."""
    try:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with http.get(f"{url}/metrics", timeout=timeout, allow_redirects=False) as response:
            body = await response.read()
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
        return warning(
            f"no service answers at {url}: nobody listens to Discord", "Start it: waystation serve"
        )
    said, unheard = _SILENCE.search(body), _UNHEARD.search(body)
    if said is None:
        mend = "WAYSTATION_URL says where the service is."
        return warning(f"{url} answers, and not like Waystation", mend)
    silent_s = float(said[1])
    unheard_s = 0.0 if unheard is None else float(unheard[1])
    if silent_s <= SILENT_S < unheard_s:
        silence = _span(timedelta(seconds=unheard_s))
        return warning(
            f"the service at {url} has heard no news of other nodes for {silence}",
            "Let WAYSTATION_LISTEN_URL name the database without a pooler. Until then each node "
            "looks at the rows every second.",
        )
    if silent_s <= SILENT_S:
        return ok(f"the service at {url} listens to Discord")
    silence = _span(timedelta(seconds=silent_s))
    return warning(
        f"the service at {url} has heard nothing of an account for {silence}",
        "`waystation accounts` shows which one is not connected, and why.",
    )


def _begun(job: Job) -> datetime:
    # not from its POST on: it may have waited in the queue for hours
    return job.submitted_at or job.updated_at


def _cancel(job: Job) -> str:
    return f"`waystation jobs cancel {job.jobid}`"


def _span(age: timedelta) -> str:
    """Return a span in its largest whole unit."""
    seconds = max(0, round(age.total_seconds()))
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"
