"""DEEDS: what is going on when a service dies; one function per row."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp

from tests.e2e.conftest import eventually
from tests.e2e.nodes import Node, sessions_of
from tests.e2e.process import Ground
from tests.e2e.relations import Seen, mask_of
from tests.harness.png import png_chunk
from tests.pictures import proof
from waystation.simulator.discord.sessions import Disturbance
from waystation.simulator.payload import Payload

__all__ = ["DEEDS", "REFUSED", "Deed", "Place", "laid_out"]

REFUSED = "the receiver refuses at first"


@dataclass
class Place:
    """An installation with a grid and a single picture to press on, and how often was asked."""

    here: Ground
    grid: Payload
    single: Payload
    asked: int = 0
    alike: bool = False
    """All prompts of a kind are the same."""
    refuse: int = 0
    """How many callbacks its receiver refuses before it takes the next."""
    masks: dict[str, str] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    """All services; the one that has the account is the first."""
    asks: int = 0
    """The number of the one that is asked."""
    down: set[Node] = field(default_factory=set)
    """Services that have ended, or are about to."""
    deeds: Mapping[str, Deed] = field(default_factory=lambda: DEEDS)
    """All that can be done here, by name."""

    async def in_order(self) -> None:
        """Wait until one service has the account and hears Discord, and put it first."""

        async def one_has_it() -> bool:
            has = {node: await sessions_of(node.ada) for node in self.nodes}
            self.nodes.sort(key=lambda node: -has[node])
            return sum(has.values()) == 1

        await eventually(one_has_it)

    def end(self, node: Node, number: signal.Signals) -> None:
        """End a service from within a deed, unless it would be the last."""
        self.down.add(node)
        if len(self.down) == len(self.nodes):
            self.down.remove(node)
            return
        with contextlib.suppress(ProcessLookupError):
            node.service.signal(number)

    async def all_start(self) -> None:
        """Start each service again that is down."""
        for node in [*self.down]:
            await node.service.end()
            await node.start()
            self.down.remove(node)

    async def ask(self, verb: str, **body: Any) -> None:
        """POST a job; the connection may break."""
        body = {
            "replyUrl": f"{self.here.outside.url}/callback",
            "replyProgress": True,
            **body,
        }
        await self.done("POST", f"/v2/jobs/{verb}", body)

    async def done(self, method: str, path: str, body: object = None) -> bool:
        """Ask for anything; tell whether it was done.

        The connection may break; then another service is asked from now on.
        """
        number = self.asks
        try:
            status, _, _ = await self.nodes[number].ada.call(method, path, body)
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            self.asks = (number + 1) % len(self.nodes)
            return False
        # what was done when the connection broke is not there to be done again
        return status in (200, 204) or (method, status) == ("DELETE", 404)

    def number(self) -> int:
        """Return a number that tells a prompt from others; the same again where all are alike."""
        self.asked += 1
        return 0 if self.alike else self.asked

    def taken(self) -> int:
        """Answer a callback."""
        if self.refuse:
            self.refuse -= 1
            return 503
        return 200


Deed = Callable[[Place], Awaitable[None]]

DEEDS: dict[str, Deed] = {}


def deed(name: str) -> Callable[[Deed], Deed]:
    def register(function: Deed) -> Deed:
        DEEDS[name] = function
        return function

    return register


@deed("a picture by URL is described")
async def _(place: Place) -> None:
    await place.ask("describe", describeUrl=place.here.photo())


@deed("a picture of several parts is described")
async def _(place: Place) -> None:
    head, tail = proof("tall.png").build().split(b"IEND")
    # a chunk that nobody reads, before the last one
    padding = png_chunk(b"teXt", b"x" * (3 << 19))
    large = head[:-4] + padding + head[-4:] + b"IEND" + tail
    await place.ask("describe", describeUrl=place.here.outside.picture("large.png", large))


@deed("four pictures are imagined")
async def _(place: Place) -> None:
    await place.ask("imagine", prompt=f"fox number {place.number()} in the snow")


@deed("a picture is varied")
async def _(place: Place) -> None:
    await place.ask("button", jobid=place.grid["jobid"], button="V2")


@deed("a region is painted anew")
async def _(place: Place) -> None:
    if not place.masks:
        (picture,) = place.single["attachments"]
        async with place.here.http.get(picture["url"]) as answer:
            seen = Seen(place.single, [await answer.read()])
        place.masks["mask"] = base64.b64encode(mask_of(seen)).decode()
    jobid = place.single["jobid"]
    await place.ask("button", jobid=jobid, button="Vary (Region)", **place.masks)


@deed("the account is asked about")
async def _(place: Place) -> None:
    await place.ask("info", channel=place.here.sim.accounts[0].channel_id)


@deed("a seed is asked for")
async def _(place: Place) -> None:
    await place.ask("seed", jobid=place.grid["jobid"])


@deed("a picture is moderated")
async def _(place: Place) -> None:
    place.here.sim.fault("invalid_link_moderated", command="describe", count=1)
    await place.ask("describe", describeUrl=place.here.photo())


@deed("Discord's answer is unclear")
async def _(place: Place) -> None:
    place.here.sim.fault("server_error_after", command="imagine", count=1)
    await place.ask("imagine", prompt=f"owl number {place.number()} in the rain")


@deed("the command has changed")
async def _(place: Place) -> None:
    place.here.sim.fault("outdated_400", command="imagine", count=1)
    await place.ask("imagine", prompt=f"cat number {place.number()} in the sun")


@deed("the session is lost")
async def _(place: Place) -> None:
    sim = place.here.sim
    place.here.doors.at("MESSAGE_UPDATE", lambda: sim.drop(0, Disturbance.LOSE))
    await place.ask("imagine", prompt=f"elk number {place.number()} in the fog")


@deed(REFUSED)
async def _(place: Place) -> None:
    place.refuse = 1
    await place.ask("shorten", prompt=f"bear number {place.number()} that eats small red apples")


@deed("a job is cancelled")
async def _(place: Place) -> None:
    here = place.here
    here.sim.fault("no_result", command="imagine", count=1)
    await place.ask("imagine", prompt=f"yak number {place.number()}")
    with here.records() as records:
        jobs = records.rows("select jobid from jobs where finished_at is null")
    for job in jobs:
        # again and again, as a caller does who is not answered, or told to come back
        path = f"/v2/jobs/cancel?jobid={job['jobid']}"
        await eventually(partial(place.done, "GET", path))


@deed("a job waits in the queue")
async def _(place: Place) -> None:
    # one of them takes the only place, the other waits for it
    asks = (f"hen number {place.number()} in a tree" for _ in range(2))
    await asyncio.gather(*(place.ask("imagine", prompt=one, maxJobs=1, queue=True) for one in asks))


@deed("a job is put back")
async def _(place: Place) -> None:
    place.here.sim.fault("queue_full", command="imagine", count=1)
    await place.ask("imagine", prompt=f"duck number {place.number()} in a pond", queue=True)


async def laid_out(here: Ground) -> Place:
    """Set an account up, and draw what is pressed later."""
    ada = await here.settle_in(maxJobs=15)
    grid = await ada.run("imagine", prompt="a red fox in the snow --v 7")
    single = await ada.run("button", jobid=grid["jobid"], button="U1")
    here.outside.retry_after = "1"
    place = Place(here, grid, single, nodes=[here])
    here.outside.answer = place.taken
    return place
