"""The doctor's findings beyond this host: clock, mail server, Discord, each account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import aiosmtplib
import msgspec

from waystation.cli.doctor.findings import Finding, error, ok, warning
from waystation.discord.site import Site
from waystation.errors import (
    ConfigurationError,
    HumanCheckRequired,
    NotAuthorised,
    TransportError,
    VaultError,
)
from waystation.outbound.mail import SmtpServer, read_smtp_url
from waystation.ports import Account, Counts, HaltCause, Probe, Sealer
from waystation.reasons import why
from waystation.secret import Secret, redact
from waystation.settings import Settings
from waystation.sidelining import Trouble
from waystation.wire.gateway import GatewayAddress

__all__ = ["look_at_account", "look_at_clock", "look_at_discord", "look_at_mail"]

_TIMEOUT_S = 10.0
_SKEW_S = 5.0
"""The HTTP date has whole seconds and the answer took a while; more than this is the clock."""


async def look_at_discord(site: Site) -> tuple[Finding, datetime | None]:
    """Return whether Discord answers, and what time it has."""
    url = site.api("/gateway")
    try:
        async with site.http.get(
            url, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), allow_redirects=False
        ) as response:
            date = response.headers.get("Date")
            time = parsedate_to_datetime(date) if date else None
            time = time and time.replace(tzinfo=time.tzinfo or UTC)
            if response.status == 200:
                gateway = msgspec.json.decode(await response.read(), type=GatewayAddress).url
                return ok(f"{site.base_url} answers; its gateway is {gateway}"), time
            what = f"GET {url} answers with HTTP status {response.status}"
            return error(what, "Check WAYSTATION_DISCORD_URL and Discord's status page."), time
    except (aiohttp.ClientError, OSError, RecursionError, ValueError) as failure:
        what = f"{site.base_url} cannot be reached: {why(failure)}"
        return error(what, "Check this host's network and WAYSTATION_DISCORD_URL."), None


def look_at_clock(now: datetime, theirs: datetime | None) -> Finding:
    """Return whether this host's clock agrees with Discord's."""
    if theirs is None:
        return warning("Discord did not tell the time to compare with", "See Discord above.")
    skew_s = (now - theirs).total_seconds()
    if abs(skew_s) <= _SKEW_S:
        return ok(f"{now:%Y-%m-%d %H:%M:%S} UTC, as Discord has it")
    side = "ahead of" if skew_s > 0 else "behind"
    what = f"this host is {abs(skew_s):.0f} s {side} Discord"
    return error(what, "Switch on time synchronisation: timedatectl set-ntp true")


async def look_at_mail(settings: Settings, counts: Counts) -> AsyncIterator[Finding]:
    """Yield whether a halt can be told by e-mail (R34)."""
    if counts.mails_pending:
        yield warning(f"{counts.mails_pending} mails wait to be sent", "They go when mail works.")
    url = settings.smtp_url.reveal()
    if not url:
        mend = "Set WAYSTATION_SMTP_URL=smtp://user:password@host:587/?from=me@example.org"
        yield warning("no mail server is set: nobody is told when an account is halted", mend)
        return
    try:
        server = read_smtp_url(url, settings.mail_from or None)
    except ConfigurationError as failure:
        yield error(failure.message, "Mend the setting.")
        return
    yield await _look_at_server(server)


_RENEW = "`waystation accounts add` with a fresh token of the same Discord user"


async def look_at_account(account: Account, sealer: Sealer, probe: Probe) -> Finding:
    """Return whether an account can work: token, halt, bot and channel."""
    name = f"{account.channel} ({account.masked_token})"
    found = await _look_at_token(account, sealer, probe)
    if account.halt is None:
        trouble = account.trouble
        if trouble is not None and trouble.until is not None and found.level == "ok":
            return _sidelined(account, trouble, f"{name} is sidelined")
        return Finding(found.level, f"{name}: {found.what}", found.mend)
    what = f"{name} is halted: {account.halt} — {found.what}"
    if account.halt_cause is HaltCause.TOKEN:
        return error(what, _RENEW)
    first = "Deal with it in Discord" if found.level == "ok" else found.mend.rstrip(".")
    return error(what, f"{first}, then `waystation accounts reset {account.channel}`")


def _sidelined(account: Account, trouble: Trouble, what: str) -> Finding:
    """Return what is known of an account that only its own jobs show to be refused (R50)."""
    answer = "" if trouble.cause is None else trouble.cause.text
    return warning(
        f"{what}: {trouble.cause}: {answer}",
        "Look whether that Discord user may use the bot's commands and attach files there, then "
        f"`waystation accounts reset {account.channel}`",
    )


async def _look_at_token(account: Account, sealer: Sealer, probe: Probe) -> Finding:
    try:
        token = Secret(sealer.unseal("accounts", account.account_id, account.sealed_token).decode())
        return await _look_with_token(account, token, probe)
    except VaultError as failure:
        return error(failure.message, _RENEW)
    except NotAuthorised:
        return error("Discord does not accept the token", _RENEW)
    except HumanCheckRequired as failure:
        return error(failure.message, "Log in to Discord as that user and follow it.")
    except TransportError as failure:
        return error(failure.message, "See Discord above.")


async def _look_with_token(account: Account, token: Secret, probe: Probe) -> Finding:
    identity = await probe.identify(token)
    if identity.discord_user_id != account.discord_user_id:
        return error("the token is another Discord user's", "Remove and add the account.")
    if not await probe.can_read(token, account.channel):
        return error(
            "the token is accepted, but its channel cannot be read",
            "Give that Discord user access to the channel, or add the account again.",
        )
    if identity.dm_channel is None and account.guild_id is None:
        mend = "Send the Midjourney bot a direct message as that user."
        return error("there is no conversation with the Midjourney bot", mend)
    return ok("token accepted, channel and bot found")


async def _look_at_server(server: SmtpServer) -> Finding:
    where = f"{server.host} port {server.port}"
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.username,
        password=server.password.reveal() if server.password else None,
        local_hostname=server.sender.rpartition("@")[2],
        use_tls=server.tls,
        start_tls=False if server.tls else server.starttls,
        timeout=_TIMEOUT_S,
    )
    try:
        async with client:
            await client.noop()
    except (aiosmtplib.SMTPException, OSError, ValueError) as failure:
        why = redact(str(failure)) or "it did not answer"
        return error(f"{where} does not take mail: {why}", "Check WAYSTATION_SMTP_URL.")
    return ok(f"{where} takes mail from {server.sender}")
