"""Calls of the account routes."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Installation, Person
from waystation.simulator.discord.world import Account
from waystation.wire.gateway import Opcode

ACCOUNTS = "/v2/account/midjourney"


def era_a(account: Account, **changed: Any) -> dict[str, Any]:
    """Return the body of `POST /v2/account/midjourney/<channel>`."""
    return {
        "discord": account.token,
        "server": account.guild_id,
        "channel": account.channel_id,
        "maxJobs": 3,
    } | changed


async def put(person: Person, account: Account, **changed: Any) -> tuple[int, Any, Any]:
    """Set an account up in its guild's channel."""
    body = era_a(account, **changed)
    return await person.call("POST", f"{ACCOUNTS}/{body['channel']}", body)


async def started(person: Person, here: Installation, **body: Any) -> dict[str, Any]:
    """Ask for a description that must be accepted."""
    status, job, _ = await person.describe(here.photo(), **body)
    assert status == 200, job
    return dict(job)


def give_another_token(here: Installation, account: Account) -> str:
    """Let Discord know an account by a second token, as after a new login."""
    token = f"{account.token[:-4]}AAAA"
    here.sim.world._by_token[token] = account
    return token


def identified_with(here: Installation) -> list[str]:
    """Return the tokens of all IDENTIFY frames."""
    return [
        entry["d"]["token"]
        for entry in here.sim.log
        if entry["kind"] == "frame" and entry["op"] == Opcode.IDENTIFY
    ]
