"""Examination: every check in order. Changes nothing, works beside a running server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import aiohttp

from waystation.app import open_state
from waystation.app.state import key_place
from waystation.cli.doctor.copies import look_at_copies
from waystation.cli.doctor.findings import Finding, ok, warning
from waystation.cli.doctor.host import (
    look_at_database,
    look_at_key,
    look_at_settings,
    look_at_traces,
    look_at_users,
)
from waystation.cli.doctor.nodes import look_at_nodes
from waystation.cli.doctor.outside import (
    look_at_account,
    look_at_clock,
    look_at_discord,
    look_at_mail,
)
from waystation.cli.doctor.postgresql import look_at_postgresql
from waystation.cli.doctor.running import Patience, look_at_listening, look_at_running
from waystation.cli.remote import service_url
from waystation.clock import SystemClock, SystemIds
from waystation.discord.buckets import Breaker
from waystation.discord.probe import DiscordProbe
from waystation.discord.site import Site
from waystation.errors import WaystationError
from waystation.ports import Account, Counts, LiveNode, Probe, User
from waystation.settings import Settings
from waystation.vault import Vault

__all__ = ["Result", "examine"]

Result = tuple[str, Sequence[Finding]]
"""A check's title and what it found, never empty."""


async def examine(settings: Settings) -> AsyncIterator[Result]:
    """Yield each check's findings as they are made."""
    clock = SystemClock()
    yield "settings", list(look_at_settings(settings)) or [ok("nothing odd")]
    url = settings.postgresql_url
    if url is None:
        database = list(look_at_database(settings))
    else:
        database = [found async for found in look_at_postgresql(settings, url, clock.wall)]
    yield "database", database
    users, accounts, counts, vault = list[User](), list[Account](), Counts(), None
    running: Sequence[Finding] = ()
    nodes: Sequence[LiveNode] = ()
    # an empty database would be set up by opening it
    if all(finding.level == "ok" or finding.is_remark for finding in database):
        failure = None
        try:
            users, accounts, counts, vault, running, nodes = await _contents(settings)
        except WaystationError as raised:
            failure = raised
        yield "key", list(look_at_key(settings, failure))
        if url is not None and vault is not None:
            yield "nodes", list(look_at_nodes(nodes, vault, key_place(settings)))
        if failure is None:
            yield "users", list(look_at_users(users, counts, clock.wall()))
    yield "copies", [look_at_copies(settings)]
    yield "traces", [look_at_traces(settings)]
    yield "mail", [finding async for finding in look_at_mail(settings, counts)]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        site = Site(
            settings.discord_url, http, clock, SystemIds(), Breaker(settings.breaker_invalid)
        )
        discord, time = await look_at_discord(site)
        yield "Discord", [discord]
        yield "clock", [look_at_clock(clock.wall(), time)]
        if vault is not None:
            yield "accounts", await _accounts(accounts, vault, DiscordProbe(site))
        if accounts:
            yield "running", [await look_at_listening(http, service_url(settings)), *running]


async def _contents(
    settings: Settings,
) -> tuple[list[User], list[Account], Counts, Vault, Sequence[Finding], Sequence[LiveNode]]:
    patience = Patience(
        timedelta(seconds=settings.job_timeout_s + settings.blind_grace_s),
        timedelta(seconds=settings.slot_hold_s),
    )
    async with open_state(settings) as state:
        accounts = list(await state.store.list_accounts())
        jobs = {
            account.channel: await state.store.in_flight_jobs(account.account_id)
            for account in accounts
        }
        counts = await state.store.counts()
        return (
            list(await state.store.list_users()),
            accounts,
            counts,
            state.vault,
            list(look_at_running(jobs, counts, state.clock.now(), patience)),
            await state.store.nodes.live(),
        )


async def _accounts(accounts: Sequence[Account], vault: Vault, probe: Probe) -> Sequence[Finding]:
    findings = [
        await look_at_account(account, vault, probe)
        for account in accounts
        if account.removed_at is None
    ]
    return findings or [warning("there is no Discord account yet", "`waystation accounts add`")]
