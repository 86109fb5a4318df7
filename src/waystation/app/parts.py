"""Parts: everything that runs, built from the settings and joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from socket import gethostname
from typing import Any

import aiohttp

from waystation.app.limits import (
    FILES_PER_FETCH,
    copy_bounds,
    drain_step_s,
    fetch_limits,
    owner_limits,
    retention,
    service_limits,
)
from waystation.app.news import wakes_of
from waystation.app.state import State
from waystation.clock import SystemIds
from waystation.discord.buckets import Breaker
from waystation.discord.media import DiscordMedia
from waystation.discord.probe import DiscordProbe
from waystation.discord.sharing import BreakerSharing
from waystation.discord.site import Site
from waystation.discord.transport import discord_factory
from waystation.engine.account.adapters import Adapters
from waystation.engine.account.deeds import Deeds
from waystation.engine.account.pool import Pool
from waystation.engine.account.spreading import Spreading
from waystation.engine.account.timekeeper import Follower, Timekeeper
from waystation.engine.accounts import Accounts
from waystation.engine.deliveries import Deliveries
from waystation.engine.everywhere import Everywhere
from waystation.engine.feed import Feed
from waystation.engine.indexing import Indexing
from waystation.engine.links import Links
from waystation.engine.logins import Logins
from waystation.engine.media.copying import Copying
from waystation.engine.media.keys import Keys
from waystation.engine.media.serving import Media
from waystation.engine.nodes.elsewhere import Elsewhere
from waystation.engine.nodes.hearing import Hearing, news_of
from waystation.engine.nodes.node import Node
from waystation.engine.nodes.serving import Serving
from waystation.engine.nodes.telling import Telling
from waystation.engine.outbox.callbacks import Callbacks
from waystation.engine.outbox.due import DueLoop
from waystation.engine.outbox.janitor import Janitor
from waystation.engine.outbox.mail import Mailing
from waystation.engine.outbox.signing import Signing
from waystation.engine.outbox.tracing import TracedSender
from waystation.engine.queueing.neighbours import Neighbours
from waystation.engine.service import Service
from waystation.ignored import Ignored
from waystation.media.copying import COPY_AFTER
from waystation.outbound.callbacks import CallbackSender
from waystation.outbound.cutting import PictureCutter
from waystation.outbound.fetch import PictureFetcher
from waystation.outbound.mail import NullMailer, SmtpMailer, read_smtp_url
from waystation.ports import Mailer, Sender, Traces
from waystation.ports.wakes import Alone, Heard, Wakes
from waystation.settings import Settings
from waystation.shelf.folder import FolderShelf

__all__ = ["Parts", "build", "mailer_of"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that run side by side."""

    service: Service
    node: Node
    pool: Pool
    outbox: Sequence[DueLoop]
    """Callbacks, mail and copies of files."""
    janitor: Janitor
    upkeep: Sequence[Callable[[], Coroutine[Any, Any, None]]]
    """Loops that may be cut off anywhere."""
    breaker: BreakerSharing
    spreading: Spreading
    serving: Serving
    wakes: Wakes
    heard: Heard
    """Takes the news of other nodes."""
    copying: Copying | None
    """None: files of jobs are not copied."""


def build(
    settings: Settings,
    state: State,
    ids: SystemIds,
    outside: aiohttp.ClientSession,
    pictures: aiohttp.ClientSession,
    inside: aiohttp.ClientSession,
    traces: Traces,
    *,
    alone: bool,
) -> Parts:
    """Join everything; nothing runs yet.

    Args: outside, pictures: guarded, for callbacks and for pictures; inside: for Discord; alone:
    no other node may act for accounts
    Raises: ConfigurationError
    """
    store, vault, clock = state.store, state.vault, state.clock
    wakes = Alone() if alone else wakes_of(settings, store, clock, ids)
    feed = Feed() if alone else Feed(lambda job: wakes.tell(*news_of(job)))
    site = Site(
        settings.discord_url,
        inside,
        clock,
        ids,
        Breaker(settings.breaker_invalid),
        upload_hosts=settings.upload_hosts,
        media_hosts=settings.media_hosts,
        activity_url=settings.activity_url or settings.usual_activity_url,
        contact=settings.contact,
    )
    mailing = Mailing(
        store,
        mailer_of(settings),
        clock,
        ids,
        send_timeout_s=settings.mail_timeout_s,
        drain_s=drain_step_s(settings),
    )

    def nudge_outbox() -> None:
        callbacks.loop.nudge()
        mailing.loop.nudge()

    ignored: Counter[Ignored] = Counter()

    def ignore(reason: Ignored) -> None:
        ignored[reason] += 1

    folder, copying = settings.copies_folder, None

    def expect_copies(at: datetime) -> None:
        if copying is not None:
            copying.loop.expect(at + COPY_AFTER)

    def freed(account_id: str) -> None:
        service.dispatcher.wake(account_id)
        telling.moved()

    adapters = Adapters(
        store,
        discord_factory(site, ignore, store.identifies),
        vault,
        clock,
        ids,
        feed,
        nudge_outbox,
        freed,
        settings.midjourney_cdn_url,
        ignored,
        folder is not None,
        expect_copies,
        traces,
        lambda: callbacks,
    )
    limits = owner_limits(settings)
    node = Node(
        store.nodes,
        clock,
        lambda: ids.token(9),
        length_s=limits.lease_s,
        name=gethostname(),
    )
    pool = Pool(adapters, limits, node, alone=alone, unowned=lambda: spreading.look())
    spreading = Spreading(store.nodes, node, pool, clock, wakes, length_s=limits.lease_s)
    everywhere = Everywhere(store, pool, clock)
    telling = Telling(store.nodes, node, clock, everywhere.here)
    elsewhere = None if alone else Elsewhere(store.commands, clock, ids, wakes)
    deeds = Deeds(adapters, pool, elsewhere)
    serving = Serving(store.commands, node, clock, deeds.served, wakes)
    links = Links(store, deeds, clock, site.time.now)
    sender: Sender = CallbackSender(outside, clock, settings.callback_timeout_s)
    if settings.otlp_endpoint:
        sender = TracedSender(sender, store, traces)
    callbacks = Callbacks(
        store,
        sender,
        clock,
        ids,
        links.in_callback,
        Signing(store.deliveries, vault, clock).headers,
        mail_owed=mailing.loop.nudge,
        patience=timedelta(days=settings.receiver_patience_days),
        send_timeout_s=settings.callback_timeout_s,
        drain_s=drain_step_s(settings),
    )
    indexing = Indexing(store.search, clock)
    timekeeper = Timekeeper(store, clock, lambda: site.time.ahead)
    fetcher = PictureFetcher(
        pictures, fetch_limits(settings), settings.mask_repaints, settings.reachable_networks
    )
    source = DiscordMedia(site)
    if folder is not None:
        shelf = FolderShelf(folder, clock)
        shelf.make()
        step_s, room = drain_step_s(settings), copy_bounds(settings)
        copying = Copying(store, shelf, source, links, clock, ids, room, step_s)
    media = Media(
        store,
        links,
        source,
        PictureCutter(fetcher.pool),
        Keys(store.media_keys, vault, clock, ids),
        clock,
        (settings.fetches_per_user, FILES_PER_FETCH * settings.fetches),
        copying,
    )
    janitor = Janitor(store, clock, ids, node, retention(settings), pool.holds, feed.publish)
    service = Service(
        store=store,
        pool=pool,
        everywhere=everywhere,
        deeds=deeds,
        feed=feed,
        fetcher=fetcher,
        sealer=vault,
        clock=clock,
        ids=ids,
        links=links,
        logins=Logins(store, store.tallies, vault, clock),
        accounts=Accounts(store, everywhere, deeds, DiscordProbe(site), vault, clock, ids),
        deliveries=Deliveries(
            store.deliveries, vault, clock, ids, callbacks.claim, callbacks.loop.nudge
        ),
        media=media,
        clock_warning=lambda: site.time.warning,
        limits=service_limits(settings),
        nudge_outbox=nudge_outbox,
    )
    hearing = Hearing(
        store,
        feed,
        clock,
        lambda: wakes.silent_since is None,
        service.dispatcher.wake,
    )

    def wrote() -> None:
        service.dispatcher.wake()
        spreading.rows_changed()

    def heard(ids: Collection[str] | None) -> None:
        hearing.heard(ids)
        spreading.heard(ids)
        serving.heard(ids)
        if elsewhere is not None:
            elsewhere.heard(ids)

    neighbours = Neighbours(store, wrote, clock)
    copies = () if copying is None else (copying.loop,)
    outbox = (callbacks.loop, mailing.loop, *copies)
    breaker = BreakerSharing(site, store.tallies)
    upkeep: list[Callable[[], Coroutine[Any, Any, None]]] = [
        *(janitor.run, indexing.run, service.dispatcher.run, neighbours.run, breaker.run)
    ]
    if copying is not None:
        upkeep.append(copying.run)
    if alone:
        upkeep.append(timekeeper.run)
    else:
        upkeep += [spreading.run, hearing.run, serving.run, telling.run]
        upkeep.append(Follower(store, clock).run)
    return Parts(
        service,
        node,
        pool,
        outbox,
        janitor,
        upkeep,
        breaker,
        spreading,
        serving,
        wakes,
        heard,
        copying,
    )


def mailer_of(settings: Settings) -> Mailer:
    """Return the mailer of the settings. Raises: ConfigurationError."""
    url = settings.smtp_url.reveal()
    if not url:
        return NullMailer()
    return SmtpMailer(
        read_smtp_url(url, settings.mail_from or None), timeout_s=settings.mail_timeout_s
    )
