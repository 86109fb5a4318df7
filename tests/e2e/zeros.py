"""Zeros: what must not have happened to any job, whatever happened to the service.

The words are those of section 9 of docs/rules.md. Judges are the simulator's book, its log of
requests, the receiver of the callbacks and the rows on disk.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from tests.e2e.invariants import (
    FINAL,
    Evidence,
    evidence,
    i4_each_nonce_is_committed_and_sent_once,
    nothing_is_doubled,
    nothing_is_lost,
    nothing_is_swapped,
)
from tests.e2e.process import Ground
from tests.e2e.records import PostgresRecords, Records, Row
from waystation.midjourney.commands import COMMANDS

__all__ = ["at_rest", "zeros"]

AT_REST_S = 20.0
"""Far longer than jobs and callbacks take to end where nothing was killed."""

LOOK_S = 0.05
"""Time between two looks whether all is at rest."""


async def zeros(here: Ground) -> Mapping[str, Sequence[str]]:
    """Return for each word a sentence for each job of which it is true. Call it at rest."""
    seen = await evidence(cast(Any, here))
    return {
        "lost": [*nothing_is_lost(seen)],
        "doubled": [*nothing_is_doubled(seen), *i4_each_nonce_is_committed_and_sent_once(seen)],
        "swapped": [*nothing_is_swapped(seen)],
        "leaked": [*_leaked(here, seen)],
        "callbacks lost": [*_callbacks_lost(seen)],
        "unverified": [*_unverified(here, seen)],
        "dropped": [*_dropped(seen)],
    }


async def at_rest(here: Ground, within_s: float = AT_REST_S) -> None:
    """Wait until every job is final, its callback taken, and nothing is held for it any more."""
    await here.sim.settled()
    with here.records() as records:
        try:
            async with asyncio.timeout(within_s):
                while _unfinished(records):
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise AssertionError(f"not at rest: {_unfinished(records)}") from None


def _unfinished(records: Records) -> list[Row]:
    return [
        *records.rows(
            "select jobid, status, slot, error from jobs where finished_at is null or slot = 1"
        ),
        *records.rows("select jobid, attempts from callbacks where status = 'pending'"),
        *_kept_inputs(records),
    ]


def _leaked(here: Ground, seen: Evidence) -> Iterator[str]:
    for job in seen.jobs:
        if job["status"] not in FINAL:
            yield f"{job['jobid']} is {job['status']} for ever"
        elif job["slot"]:
            yield f"{job['jobid']} is {job['status']} and holds a slot"
    with here.records() as records:
        for row in _kept_inputs(records):
            yield f"{row['place']} keeps {row['input_id']}"
        for row in records.rows("select * from callbacks where status = 'pending'"):
            yield f"a callback of {row['jobid']} is still owed"
    for account in here.sim.accounts:
        open_ = [one for one in here.sim.sessions.of(account.user_id) if one.connection]
        if len(open_) > 1:
            yield f"{account.user_id} has {len(open_)} connections to the gateway"


def _kept_inputs(records: Records) -> Sequence[Row]:
    """Return pictures of requests that are kept.

    Where there are nodes, those do not count that had no job yet when their node died: another
    node cannot know that it did, and sweeps them ten minutes later.
    """
    of_jobs = "where jobid is not null" if isinstance(records, PostgresRecords) else ""
    parts = f"where input_id in (select input_id from job_inputs {of_jobs})" if of_jobs else ""
    return records.rows(
        f"select input_id, 'job_inputs' as place from job_inputs {of_jobs}"
        f" union all select input_id, 'job_input_parts' from job_input_parts {parts}"
    )


def _callbacks_lost(seen: Evidence) -> Iterator[str]:
    told = [json.loads(raw) for raw in seen.callbacks]
    ends = {(body["jobid"], body["status"]) for body in told if body["status"] in FINAL}
    for job in seen.jobs:
        # R4: while the POST waits, a 429 of Discord's or the bot's is told by it alone
        by_post = job["code"] == 429 and (job["post_until"] or 0) >= (job["finished_at"] or 0)
        is_owed = job["reply_url"] and job["status"] in FINAL and not by_post
        if is_owed and (job["jobid"], job["status"]) not in ends:
            yield f"nobody was told that {job['jobid']} is {job['status']}"


def _unverified(here: Ground, seen: Evidence) -> Iterator[str]:
    """Find attempts that do not verify, and ids that do not stand for one end of one job."""
    yield from here.outside.unverified
    jobs = {row["callback_id"]: row["jobid"] for row in seen.owed}
    told: dict[str, tuple[str, str]] = {}
    for headers, body in here.outside.callbacks:
        callback_id = headers["webhook-id"]
        if "webhook-signature" not in headers:
            yield f"{callback_id} of {body['jobid']} is not signed"
        if jobs.get(callback_id, body["jobid"]) != body["jobid"]:
            yield f"{callback_id} tells of {body['jobid']} and is owed for {jobs[callback_id]}"
        first = told.setdefault(callback_id, (body["jobid"], body["status"]))
        if first != (body["jobid"], body["status"]):
            yield f"{callback_id} tells {first}, then {body['jobid']} {body['status']}"


def _dropped(seen: Evidence) -> Iterator[str]:
    for job in seen.jobs:
        unasked = job["nonce"] is None and COMMANDS[job["verb"]].reaction is None
        if unasked and job["status"] == "failed":
            yield f"{job['jobid']} was never asked and is {job['code']} {job['error']}"
