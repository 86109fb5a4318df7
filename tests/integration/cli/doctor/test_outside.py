"""The doctor's findings beyond this host."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.build import replace
from tests.fakes import START, FakeIds, FakeSealer
from tests.limits import BREAKER
from waystation.cli.demo.mailbox import Mailbox
from waystation.cli.doctor.findings import Finding
from waystation.cli.doctor.outside import (
    look_at_account,
    look_at_clock,
    look_at_discord,
    look_at_mail,
)
from waystation.clock import SystemClock
from waystation.discord.site import Site
from waystation.errors import HumanCheckRequired, NotAuthorised, Unreachable, VaultError
from waystation.ports import Account, Counts, DiscordIdentity, HaltCause
from waystation.secret import Secret
from waystation.settings import load
from waystation.sidelining import Cause, Trouble

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ACCOUNT = Account(
    account_id="a1",
    user_id=1,
    discord_user_id="7",
    channel="2",
    guild_id=None,
    max_jobs=3,
    sealed_token=FakeSealer().seal("accounts", "a1", b"tok.en"),
    masked_token="tok…secured….en",
    created_at=START,
)


@asynccontextmanager
async def site(handler: Handler | None) -> AsyncIterator[Site]:
    """A Discord whose /gateway answers so; None for a port where nobody listens."""
    async with aiohttp.ClientSession() as http:
        if handler is None:
            with socket.socket() as unused:
                unused.bind(("127.0.0.1", 0))
                url = f"http://127.0.0.1:{unused.getsockname()[1]}"
                yield Site(url, http, SystemClock(), FakeIds(), BREAKER)
            return
        app = web.Application()
        app.router.add_get("/api/v9/gateway", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Site(
            f"http://127.0.0.1:{runner.addresses[0][1]}", http, SystemClock(), FakeIds(), BREAKER
        )
        await runner.cleanup()


async def test_a_discord_that_answers_is_fine_and_tells_the_time() -> None:
    async def gateway(request: web.Request) -> web.Response:
        return web.json_response({"url": "ws://127.0.0.1:1"})

    async with site(gateway) as there:
        finding, time = await look_at_discord(there)
    assert finding.level == "ok" and "ws://127.0.0.1:1" in finding.what
    assert time is not None and abs(SystemClock().now() - time) < timedelta(minutes=1)


async def test_a_time_without_a_zone_is_utc() -> None:
    async def gateway(request: web.Request) -> web.Response:
        date = {"Date": "Thu, 01 Jan 2026 00:00:00 -0000"}
        return web.json_response({"url": "ws://127.0.0.1:1"}, headers=date)

    async with site(gateway) as there:
        _, time = await look_at_discord(there)
    assert look_at_clock(START, time).level in ("ok", "error")


@pytest.mark.parametrize("body", ["<html>", "[]", '{"a":' + "[" * 100_000])
async def test_something_else_under_that_url_is_told(body: str) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text=body)

    async with site(page) as there:
        finding, _ = await look_at_discord(there)
    assert finding.level == "error" and finding.what.endswith("an answer that cannot be read")


async def test_a_discord_in_trouble_is_told_with_its_status() -> None:
    async def broken(request: web.Request) -> web.Response:
        return web.Response(status=503)

    async with site(broken) as there:
        finding, time = await look_at_discord(there)
    assert finding.level == "error" and "503" in finding.what
    assert time is not None


async def test_a_discord_that_is_not_there_is_told() -> None:
    async with site(None) as there:
        finding, time = await look_at_discord(there)
    assert finding.level == "error" and "cannot be reached: connection refused" in finding.what
    assert time is None


@pytest.mark.parametrize(
    ("skew_s", "level", "words"),
    [(0, "ok", "as Discord"), (4, "ok", ""), (90, "error", "90 s ahead"), (-90, "error", "behind")],
)
def test_the_clock_is_compared_with_discords(skew_s: float, level: str, words: str) -> None:
    finding = look_at_clock(START + timedelta(seconds=skew_s), START)
    assert finding.level == level and words in finding.what


def test_without_discords_time_the_clock_is_unknown() -> None:
    assert look_at_clock(START, None).level == "warning"


async def mail(url: str, counts: Counts | None = None) -> list[Finding]:
    settings = load(environ={"WAYSTATION_SMTP_URL": url})
    return [each async for each in look_at_mail(settings, counts or Counts())]


async def test_a_mail_server_that_takes_mail_is_fine() -> None:
    box = Mailbox()
    await box.start()
    (finding,) = await mail(f"smtp://127.0.0.1:{box.port}/?from=a@example.org")
    await box.stop()
    assert finding.level == "ok" and "a@example.org" in finding.what


async def test_a_mail_server_that_is_not_there_is_told_without_its_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        (finding,) = await mail(f"smtp://me:hunter2@127.0.0.1:{port}/?from=a@example.org")
    assert finding.level == "error" and "hunter2" not in finding.what
    assert "SMTPConnectError" not in finding.what


async def test_no_mail_server_and_waiting_mails_are_told() -> None:
    found = await mail("", Counts(mails_pending=2))
    assert [each.level for each in found] == ["warning", "warning"]
    assert found[0].what.startswith("2 mails")


async def test_a_mail_url_that_is_wrong_is_told_without_its_value() -> None:
    (finding,) = await mail("smtp://hunter2/?sender=nobody")
    assert finding.level == "error" and "hunter2" not in finding.what


class FakeProbe:
    """A `ports.Probe` that says what it was made with."""

    def __init__(self, identity: DiscordIdentity | Exception, *, readable: bool = True) -> None:
        self._identity, self._readable = identity, readable

    async def identify(self, token: Secret) -> DiscordIdentity:
        assert token.reveal() == "tok.en"
        if isinstance(self._identity, Exception):
            raise self._identity
        return self._identity

    async def can_read(self, token: Secret, channel: str) -> bool:
        assert channel == ACCOUNT.channel
        return self._readable

    async def guild_of(self, token: Secret, channel: str) -> str | None:
        return None


ME = DiscordIdentity("7", "ada", "2")


async def look(account: Account, probe: FakeProbe, sealer: Any = None) -> tuple[str, str]:
    found = await look_at_account(account, sealer or FakeSealer(), probe)
    return found.level, f"{found.what} → {found.mend}"


async def test_an_account_that_works_is_fine() -> None:
    level, what = await look(ACCOUNT, FakeProbe(ME))
    assert level == "ok" and "token accepted" in what and "tok.en" not in what


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (FakeProbe(NotAuthorised()), "accounts add"),
        (FakeProbe(HumanCheckRequired("verify")), "Log in to Discord"),
        (FakeProbe(Unreachable("no answer")), "no answer"),
        (FakeProbe(DiscordIdentity("8", "eve", "2")), "another Discord user"),
        (FakeProbe(ME, readable=False), "cannot be read"),
        (FakeProbe(DiscordIdentity("7", "ada", None)), "no conversation"),
    ],
)
async def test_the_hindrance_of_an_account_is_told(probe: FakeProbe, words: str) -> None:
    level, what = await look(ACCOUNT, probe)
    assert level == "error" and words in what


async def test_an_account_in_a_guild_needs_no_conversation() -> None:
    in_guild = replace(ACCOUNT, guild_id="9")
    level, _ = await look(in_guild, FakeProbe(DiscordIdentity("7", "ada", None)))
    assert level == "ok"


async def test_a_halted_account_names_the_reset_and_is_looked_at_all_the_same() -> None:
    halted = replace(ACCOUNT, halt="Please acknowledge")
    level, what = await look(halted, FakeProbe(ME))
    assert level == "error" and "Please acknowledge — token accepted" in what
    assert what.endswith("→ Deal with it in Discord, then `waystation accounts reset 2`")


async def test_a_halted_account_with_a_dead_token_is_one_finding_with_both_steps() -> None:
    level, what = await look(replace(ACCOUNT, halt="Please"), FakeProbe(NotAuthorised()))
    assert level == "error" and "does not accept the token" in what
    mend = what.partition(" → ")[2]
    assert mend.startswith("`waystation accounts add`")
    assert mend.endswith(", then `waystation accounts reset 2`")


async def test_a_token_that_cannot_be_unsealed_is_told() -> None:
    class Closed(FakeSealer):
        def unseal(self, table: str, row_id: str, sealed: bytes) -> bytes:
            raise VaultError("sealed by an unknown key")

    level, what = await look(ACCOUNT, FakeProbe(ME), Closed())
    assert level == "error" and "unknown key" in what


async def test_a_halt_by_a_rejected_token_is_mended_by_a_new_one_alone() -> None:
    halted = replace(ACCOUNT, halt="Discord rejected it", halt_cause=HaltCause.TOKEN)
    for probe in (FakeProbe(ME), FakeProbe(NotAuthorised())):
        finding = await look_at_account(halted, FakeSealer(), probe)
        assert finding.level == "error"
        assert "accounts add" in finding.mend and "reset" not in finding.mend


async def test_a_sidelined_account_is_a_warning_with_its_cause() -> None:
    cause = Cause(403, "50013", "Missing Permissions")
    trouble = Trouble(cause, 3, since=START, span=timedelta(minutes=10))
    level, what = await look(replace(ACCOUNT, trouble=trouble), FakeProbe(ME))
    assert level == "warning" and "is sidelined" in what
    assert "HTTP status 403 with code 50013: Missing Permissions" in what
    assert what.endswith("`waystation accounts reset 2`")


async def test_a_sidelined_account_whose_token_is_dead_names_that_first() -> None:
    trouble = Trouble(Cause(403, "", ""), 3, since=START, span=timedelta(minutes=10))
    level, what = await look(replace(ACCOUNT, trouble=trouble), FakeProbe(NotAuthorised()))
    assert level == "error" and "does not accept the token" in what


async def test_an_account_that_was_refused_once_is_fine() -> None:
    refused_once = replace(ACCOUNT, trouble=Trouble(Cause(403, "", ""), 1))
    assert (await look(refused_once, FakeProbe(ME)))[0] == "ok"
