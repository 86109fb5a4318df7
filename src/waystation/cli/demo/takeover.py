"""The act with several nodes: one is killed in the middle of a job, and another finishes it."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import aiohttp

from waystation.cli.demo.stage import DemoNode, Stage
from waystation.cli.job_view import headline
from waystation.client import Client, Job
from waystation.errors import NotFound, Unavailable
from waystation.reasons import why

__all__ = ["LEASE_S", "taken_over"]

LEASE_S: Final = 3.0
"""Lease of a node of the demo: after so long another one takes its accounts over."""

_PROMPT: Final = "a lighthouse in a storm --ar 3:2"
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_SPREAD_WITHIN_S: Final = 30.0
_LOOK_S: Final = 0.1
_CALLBACK_WITHIN_S: Final = 10.0
_ONCE_S: Final = 3.0
"""How long a second callback is waited for, which must not come."""


async def taken_over(stage: Stage) -> None:
    """Kill the node that has an account while its job runs, and follow the job on another."""
    channel = stage.channels[0]
    near, far = await _sides(stage, channel)
    stage.show(f"{near.url} has the account; the job is sent to {far.url}")
    async with Client(far.url, stage.token) as client:
        started = await client.imagine(_PROMPT, channel=channel, reply_url=stage.site.callback_url)
        stage.check(
            started.get("status") == "started",
            f"the POST answered {started.get('status')}: the account's node has asked the bot",
        )
        await near.program.kill()
        stage.show(f"the node at {near.url} was killed (SIGKILL)")
        kept, stage.client = stage.client, client
        try:
            job = await stage.wait("imagine on two nodes", started)
            drawn = await _drawn(stage, job)
        finally:
            stage.client = kept
    stage.check(
        job.get("status") == "completed",
        f"{headline(job).plain[2:]}: the other node took the account and finished the job",
    )
    stage.check(drawn, "the simulator drew it once, and the job has that picture")
    told = await stage.site.callback(job["jobid"], _CALLBACK_WITHIN_S)
    await asyncio.sleep(_ONCE_S)
    times = stage.site.times(job["jobid"])
    stage.check(told == job and times == 1, f"its callback came, {times} in all")


async def _sides(stage: Stage, channel: str) -> tuple[DemoNode, DemoNode]:
    """Return the node that has an account, and another. Raises: Unavailable, NotFound"""
    if len(stage.nodes) < 2:
        raise NotFound("the act needs two nodes")
    try:
        async with asyncio.timeout(_SPREAD_WITHIN_S):
            while True:
                # each node tells of each account, and the one that connected it last has it
                since = [_live_since(node.program.log_text, channel) for node in stage.nodes]
                near = stage.nodes[since.index(max(since))]
                if max(since) and await _is_connected(stage, near, channel):
                    return near, next(one for one in stage.nodes if one is not near)
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise Unavailable("no node has connected the account") from None


def _live_since(log: str, channel: str) -> str:
    """Return the time of the last line of a log that says that a channel is heard; "" for none."""
    lines = [one for one in log.splitlines() if "gateway.live" in one and channel in one]
    times = [found[0] for one in lines if (found := _TIME.search(one))]
    return max(times, default="")


async def _is_connected(stage: Stage, node: DemoNode, channel: str) -> bool:
    async with Client(node.url, stage.token) as client:
        account = await client.discord_account(channel)
    return account.get("connection", {}).get("state") == "connected"


async def _drawn(stage: Stage, job: Job) -> bool:
    """Tell whether the simulator has drawn the prompt once, and the job has that picture.

    Raises: Unavailable: the simulator is gone
    """
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{stage.simulator['url']}/_sim/book") as response,
        ):
            book = await response.json()
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"the simulator cannot be reached: {why(error)}") from error
    words = _PROMPT.partition(" --")[0]
    pages = [page for page in book if (page["prompt"] or "").startswith(words)]
    return len(pages) == 1 and job.get("messageId") in pages[0]["message_ids"]
