"""Deeds that go on when one of two nodes dies: asked of either, and those that take two."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from tests.e2e.conftest import eventually
from tests.e2e.deeds import DEEDS, Deed, Place
from waystation.simulator.discord.world import Account

__all__ = ["ACCOUNTS_NODE", "ALONE", "KILLED", "ON_NODES", "OTHER_NODE"]

KILLED = "the node of the account is killed"

ACCOUNTS_NODE, OTHER_NODE = range(2)
"""Places in `Place.nodes`."""

_AT_THE_ACCOUNTS = ", asked of the account's node"

_ASKED_OF_BOTH = (
    "a picture by URL is described",
    "a picture of several parts is described",
    "four pictures are imagined",
    "a job is cancelled",
    "a job waits in the queue",
)
"""Deeds whose way differs with the node that is asked; the others are asked of the other one."""

_OWN: dict[str, Deed] = {}


def deed(name: str) -> Callable[[Deed], Deed]:
    def register(function: Deed) -> Deed:
        _OWN[name] = function
        return function

    return register


def asked_of(node: int, function: Deed) -> Deed:
    """Let a deed be asked of one of the nodes."""

    def done(place: Place) -> Awaitable[None]:
        place.asks = node
        return function(place)

    return done


@deed("links are renewed")
async def _(place: Place) -> None:
    place.here.sim.fault("expired_links", command="imagine", count=1)
    await place.ask("imagine", prompt=f"crow number {place.number()} on a roof")
    newest = (await place.here.final())[-1]
    await place.done("GET", f"/v2/jobs/?jobid={newest['jobid']}")


def _row_of(account: Account, most: int) -> Mapping[str, Any]:
    told = {"discord": account.token, "server": account.guild_id, "channel": account.channel_id}
    return {**told, "maxJobs": most}


@deed("an account is changed")
async def _(place: Place) -> None:
    account = place.here.sim.accounts[0]
    place.asked += 1
    path = f"/v2/account/midjourney/{account.channel_id}"
    await eventually(partial(place.done, "POST", path, _row_of(account, 15 - place.asked % 2)))


@deed("a halted account is reset")
async def _(place: Place) -> None:
    here = place.here
    here.sim.fault("pending_mod_message", account=0, count=1)
    await place.ask("imagine", prompt=f"wolf number {place.number()} at night")
    await here.final()
    path = f"/v2/account/midjourney/{here.sim.accounts[0].channel_id}/reset"
    await eventually(partial(place.done, "POST", path))


@deed(KILLED)
async def _(place: Place) -> None:
    await _ended_in_a_job(place, signal.SIGKILL)


@deed("the node of the account is told to stop")
async def _(place: Place) -> None:
    await _ended_in_a_job(place, signal.SIGTERM)


async def _ended_in_a_job(place: Place, number: signal.Signals) -> None:
    node = place.nodes[ACCOUNTS_NODE]
    place.here.doors.at("MESSAGE_UPDATE", lambda: place.end(node, number))
    await place.ask("imagine", prompt=f"lynx number {place.number()} on a rock")


@deed("an account comes and goes")
async def _(place: Place) -> None:
    account = place.here.sim.accounts[1]
    path = f"/v2/account/midjourney/{account.channel_id}"
    await eventually(partial(place.done, "POST", path, _row_of(account, 3)))
    await place.ask("imagine", prompt=f"goat number {place.number()}", channel=account.channel_id)
    await place.here.final()
    await eventually(partial(place.done, "DELETE", path))


def _all() -> Mapping[str, Deed]:
    deeds = {name: asked_of(OTHER_NODE, one) for name, one in (DEEDS | _OWN).items()}
    for name in _ASKED_OF_BOTH:
        deeds[name + _AT_THE_ACCOUNTS] = asked_of(ACCOUNTS_NODE, DEEDS[name])
    return deeds


ON_NODES = _all()

ALONE = frozenset({"a job is cancelled", f"a job is cancelled{_AT_THE_ACCOUNTS}", *_OWN})
"""Deeds beside which nothing else goes on: it would be cancelled, too, or get no result."""
