"""Parts: everything that runs, built from the settings and joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from waystation.app.state import State
from waystation.clock import SystemIds
from waystation.discord.buckets import Breaker
from waystation.discord.probe import DiscordProbe
from waystation.discord.site import Site
from waystation.discord.transport import discord_factory
from waystation.engine.account.adapters import Adapters, OwnerLimits
from waystation.engine.account.pool import Pool
from waystation.engine.account.timekeeper import Timekeeper
from waystation.engine.account.turns import lane
from waystation.engine.accounts import Accounts
from waystation.engine.choice import jobs_a_minute
from waystation.engine.feed import Feed
from waystation.engine.links import Links
from waystation.engine.logins import Logins
from waystation.engine.outbox.callbacks import Callbacks
from waystation.engine.outbox.due import DueLoop
from waystation.engine.outbox.janitor import Janitor, Retention
from waystation.engine.outbox.mail import Mailing
from waystation.engine.service import Service, ServiceLimits
from waystation.ignored import Ignored
from waystation.midjourney.conversation import Limits
from waystation.outbound.callbacks import CallbackSender
from waystation.outbound.fetch import FetchLimits, PictureFetcher
from waystation.outbound.mail import NullMailer, SmtpMailer, read_smtp_url
from waystation.ports import Mailer
from waystation.settings import Settings

__all__ = ["Parts", "build", "mailer_of"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that run side by side."""

    service: Service
    pool: Pool
    outbox: Sequence[DueLoop]
    """Callbacks and mail."""
    janitor: Janitor
    timekeeper: Timekeeper


def build(
    settings: Settings,
    state: State,
    ids: SystemIds,
    outside: aiohttp.ClientSession,
    inside: aiohttp.ClientSession,
) -> Parts:
    """Join everything; nothing runs yet.

    Args: outside: guarded, for URLs of callers; inside: for Discord
    Raises: ConfigurationError
    """
    store, vault, clock, feed = state.store, state.vault, state.clock, Feed()
    site = Site(
        settings.discord_url,
        inside,
        clock,
        ids,
        upload_hosts=settings.upload_hosts,
        activity_url=settings.activity_url or settings.usual_activity_url,
        contact=settings.contact,
        breaker=Breaker(limit=settings.breaker_invalid),
    )
    mailing = Mailing(
        store,
        mailer_of(settings),
        clock,
        ids,
        send_timeout_s=settings.mail_timeout_s,
        drain_s=settings.drain_s / 4,
    )

    def nudge_outbox() -> None:
        callbacks.loop.nudge()
        mailing.loop.nudge()

    ignored: Counter[Ignored] = Counter()

    def ignore(reason: Ignored) -> None:
        ignored[reason] += 1

    adapters = Adapters(
        store,
        discord_factory(site, ignore),
        vault,
        clock,
        ids,
        feed,
        nudge_outbox,
        settings.midjourney_cdn_url,
        ignored,
    )
    pool = Pool(adapters, _owner_limits(settings), holder=f"serve-{ids.token(9)}")
    links = Links(store, pool, clock, site.time.now)
    callbacks = Callbacks(
        store,
        CallbackSender(outside, clock, settings.callback_timeout_s),
        clock,
        ids,
        links.in_callback,
        send_timeout_s=settings.callback_timeout_s,
        drain_s=settings.drain_s / 4,
    )
    timekeeper = Timekeeper(store, clock, lambda: site.time.ahead)
    janitor = Janitor(store, clock, ids, _retention(settings), pool.holds)
    service = Service(
        store=store,
        pool=pool,
        feed=feed,
        fetcher=PictureFetcher(
            outside, _fetch_limits(settings), settings.mask_repaints, settings.reachable_networks
        ),
        sealer=vault,
        clock=clock,
        ids=ids,
        links=links,
        logins=Logins(store, vault, clock),
        accounts=Accounts(store, pool, DiscordProbe(site), vault, clock, ids),
        clock_warning=lambda: site.time.warning,
        limits=ServiceLimits(
            settings.first_answer_s,
            settings.first_edit_s,
            lane=(most := lane(settings.first_answer_s, settings.pacing_s)),
            a_minute=jobs_a_minute(most, settings.pacing_s),
            pictures_per_user=settings.fetches_per_user,
            pictures=settings.fetches,
            picture_bytes=settings.fetch_limit_bytes,
        ),
    )
    return Parts(service, pool, (callbacks.loop, mailing.loop), janitor, timekeeper)


def mailer_of(settings: Settings) -> Mailer:
    """Return the mailer of the settings. Raises: ConfigurationError."""
    url = settings.smtp_url.reveal()
    if not url:
        return NullMailer()
    return SmtpMailer(
        read_smtp_url(url, settings.mail_from or None), timeout_s=settings.mail_timeout_s
    )


def _owner_limits(settings: Settings) -> OwnerLimits:
    return OwnerLimits(
        conversation=Limits(
            first_answer=timedelta(seconds=settings.first_answer_s),
            job_timeout=timedelta(seconds=settings.job_timeout_s),
            silence=timedelta(seconds=settings.silence_s),
            vanish_grace=timedelta(seconds=settings.vanish_grace_s),
            slot_hold=timedelta(seconds=settings.slot_hold_s),
            ghost_life=timedelta(seconds=settings.ghost_life_s),
            blind_grace=timedelta(seconds=settings.blind_grace_s),
        ),
        pacing_s=settings.pacing_s,
        pacing_jitter_s=settings.pacing_jitter_s,
        request_timeout_s=settings.request_timeout_s,
        lease_s=settings.lease_s,
    )


def _fetch_limits(settings: Settings) -> FetchLimits:
    return FetchLimits(
        max_bytes=settings.fetch_limit_bytes,
        max_pixels=settings.fetch_limit_pixels,
        timeout_s=settings.fetch_timeout_s,
    )


def _retention(settings: Settings) -> Retention:
    return Retention(
        jobs=timedelta(days=settings.job_retention_days),
        unrecognised=timedelta(days=settings.unrecognised_days),
        round=timedelta(seconds=settings.janitor_s),
        orphan_grace=timedelta(seconds=settings.blind_grace_s),
    )
