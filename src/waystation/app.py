"""Composition root: settings in, a running service out; the only module that knows all the others.

How it works: `open_state` opens what is durable; `serve` joins it to the engine and the face, runs
until it is told to stop, and takes the parts down in the order that loses nothing: no new jobs,
waiting callers answered, connections to Discord left resumable, the store last.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import itertools
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network

import structlog
import uvicorn
from prometheus_client import CollectorRegistry

from waystation.api.asgi import create_face
from waystation.api.body import Limits as BodyLimits
from waystation.api.protocol import Bounds, bounded_protocol
from waystation.clock import SystemClock, SystemIds
from waystation.deliveries import LONGEST_WAITS_S
from waystation.discord.buckets import Breaker
from waystation.discord.probe import DiscordProbe
from waystation.discord.site import Site, discord_session
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
from waystation.engine.outbox.janitor import Janitor, Retention
from waystation.engine.outbox.mail import MAIL_WAITS_S, Mailing
from waystation.engine.service import Service, ServiceLimits
from waystation.errors import ConfigurationError
from waystation.midjourney.conversation import Limits
from waystation.outbound.connector import guarded_session
from waystation.outbound.fetch import FetchLimits, PictureFetcher
from waystation.outbound.mail import NullMailer, SmtpMailer, read_smtp_url
from waystation.outbound.webhooks import WebhookSender
from waystation.ports import Mailer
from waystation.settings import Settings
from waystation.store.sqlite.store import SqliteStore
from waystation.vault import Vault, open_vault

__all__ = ["State", "mailer_of", "open_state", "run", "serve"]

log = structlog.get_logger("waystation.app")

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
"""Source: glibc, mallopt(3)."""
_TRIM_EVERY_S = 20.0
_SELDOM = 1000
"""Looking for garbage stops everything, the longer the more is held: it may take so small a part of
the time."""
_LARGE_BYTES = 1 << 16
"""Above it memory is taken from the system piece by piece: bodies that wait are a little larger."""


@dataclass(frozen=True, slots=True)
class State:
    """The opened store and vault, and the clock by which the store counts."""

    store: SqliteStore
    vault: Vault
    clock: SystemClock


@contextlib.asynccontextmanager
async def open_state(settings: Settings) -> AsyncIterator[State]:
    """Open the database, migrated as needed, and the vault that belongs to it.

    Raises: ConfigurationError, SchemaMismatch, StoreError, VaultError: each names the mend
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {settings.data_dir} cannot be made: {error.strerror}. "
            "Set WAYSTATION_DATA_DIR to a directory that this user may write."
        ) from error
    clock = SystemClock()
    store = await SqliteStore.open(
        settings.database_path, clock, ghost_age=timedelta(seconds=settings.ghost_life_s)
    )
    try:
        check = await store.load_check()
        vault = open_vault(
            settings.data_dir,
            sealed_rows_exist=await store.has_sealed_rows(),
            check=check,
            key=settings.key if settings.key.reveal() else None,
        )
        if check is None:
            await store.save_check(vault.new_check())
        yield State(store, vault, clock)
    finally:
        await store.close()


def mailer_of(settings: Settings) -> Mailer:
    """Return the mailer of the settings. Raises: ConfigurationError."""
    url = settings.smtp_url.reveal()
    if not url:
        return NullMailer()
    return SmtpMailer(
        read_smtp_url(url, settings.mail_from or None), timeout_s=settings.mail_timeout_s
    )


async def serve(settings: Settings, *, ready: Callable[[str], None]) -> None:
    """Run the service until SIGTERM or SIGINT.

    Args: ready: called with the base URL once requests are answered
    Raises: ConfigurationError, SchemaMismatch, StoreError, VaultError, Conflict
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    await run(settings, stop, ready=ready)


async def run(settings: Settings, stop: asyncio.Event, *, ready: Callable[[str], None]) -> None:
    """Run the service until `stop` is set. Args and errors as in `serve`."""
    for warning in settings.warnings:
        log.warning("settings.unknown_variable", text=warning)
    _keep_memory_small()
    with contextlib.closing(_listen(settings)) as listening:
        async with open_state(settings) as state:
            await state.store.own_accounts()
            # what an earlier process wrote down to wait for is in its time (R28)
            state.clock.go_on(await state.store.load_clock())
            await state.store.save_clock(state.clock.kept(None))
            await state.store.bound_waits(state.clock.now(), LONGEST_WAITS_S, MAIL_WAITS_S)
            await _run(settings, state, listening, stop, ready)


async def _run(
    settings: Settings,
    state: State,
    listening: socket.socket,
    stop: asyncio.Event,
    ready: Callable[[str], None],
) -> None:
    ids, feed = SystemIds(), Feed()
    store, vault, clock = state.store, state.vault, state.clock
    networks = tuple(ip_network(text) for text in settings.allow_networks)
    async with contextlib.AsyncExitStack() as stack:
        outside = await stack.enter_async_context(guarded_session(networks))
        inside = await stack.enter_async_context(discord_session())
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
            callbacks.nudge()
            mailing.nudge()

        adapters = Adapters(
            store,
            discord_factory(site),
            vault,
            clock,
            ids,
            feed,
            nudge_outbox,
            settings.midjourney_cdn_url,
        )
        pool = Pool(adapters, _owner_limits(settings), holder=f"serve-{ids.token(9)}")
        links = Links(store, pool, clock, site.time.now)
        callbacks = Callbacks(
            store,
            WebhookSender(outside, clock, settings.delivery_timeout_s),
            clock,
            ids,
            links.in_delivery,
            send_timeout_s=settings.delivery_timeout_s,
            drain_s=settings.drain_s / 4,
        )
        timekeeper = Timekeeper(store, clock, lambda: site.time.ahead)
        janitor = Janitor(store, clock, ids, _retention(settings), pool.holds)
        service = Service(
            store=store,
            pool=pool,
            feed=feed,
            fetcher=PictureFetcher(
                outside, _fetch_limits(settings), settings.mask_repaints, networks
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
        if store.restored:
            await janitor.end_restored(upgraded=store.upgraded)
            await store.settle_restored()
        server = _server(settings, service, ids)
        async with asyncio.TaskGroup() as group:
            parts = [
                group.create_task(pool.run()),
                group.create_task(callbacks.run()),
                group.create_task(mailing.run()),
            ]
            cleaning = group.create_task(janitor.run())
            trimming = group.create_task(_give_memory_back(clock))
            keeping = group.create_task(timekeeper.run())
            await pool.started.wait()
            serving = group.create_task(server.serve(sockets=[listening]))
            await _started(server, serving)
            gc.collect()
            gc.freeze()
            ready(_url(listening))
            await stop.wait()
            log.info("service.stopping")
            await _within(settings.drain_s / 4, service.drain())
            server.should_exit = True
            await serving
            cleaning.cancel()
            trimming.cancel()
            keeping.cancel()
            callbacks.stop()
            mailing.stop()
            await _within(settings.drain_s / 4, pool.stop())
            await asyncio.wait(parts, timeout=settings.drain_s / 4)
            for part in parts:
                part.cancel()
    log.info("service.stopped")


async def _within(limit_s: float, step: Awaitable[None]) -> None:
    """Take one step of a stop; what it cannot finish in time the next start does."""
    try:
        async with asyncio.timeout(limit_s):
            await step
    except TimeoutError:
        log.warning("service.stop_step_cut_short", limit_s=limit_s)


def _keep_memory_small() -> None:
    """Let threads that start from now on take memory from where the main thread does, and give
    what pictures and bodies took back to the system at once.

    glibc gives each thread memory of its own, so that every picture that is looked at would be paid
    for in page faults. And it raises its threshold with each large piece that is freed: pictures
    then lie between small things, and the process never shrinks again.
    """
    with contextlib.suppress(OSError, AttributeError):  # not every system has glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


async def _give_memory_back(clock: SystemClock) -> None:
    """Hand to the system, now and then, what a burst of small things has left free between others.

    glibc itself gives back only what lies at the end, and Python looks for garbage that has lived
    for a while only when there is much more of it.
    """
    with contextlib.suppress(OSError, AttributeError):  # not every system has glibc
        trim = ctypes.CDLL(None).malloc_trim
        collects_s = 0.0
        while True:
            await clock.sleep(max(_TRIM_EVERY_S, _SELDOM * collects_s))
            began_at = clock.monotonic()
            gc.collect()
            collects_s = clock.monotonic() - began_at
            trim(0)


class _Server(uvicorn.Server):
    """uvicorn inside our loop: signals are ours, because draining comes before its shutdown."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(settings: Settings, service: Service, ids: SystemIds) -> _Server:
    start, numbers = ids.token(6), itertools.count(1)
    face = create_face(
        service,
        new_request_id=lambda: f"{start}{next(numbers):08x}",
        limits=BodyLimits(
            json_bytes=settings.json_limit_bytes,
            form_bytes=settings.form_limit_bytes,
            body_s=settings.body_timeout_s,
        ),
        cors_origins=settings.cors_origins,
        metrics=CollectorRegistry() if settings.metrics else None,
    )
    bounds = Bounds(
        head_s=settings.head_timeout_s,
        proxies=tuple(ip_network(text) for text in settings.trusted_proxies),
    )
    config = uvicorn.Config(
        face.app,
        http=bounded_protocol(bounds, face.straight),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=max(1, int(settings.drain_s / 4)),
    )
    return _Server(config)


async def _started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started:
        if serving.done():
            await serving
        await asyncio.sleep(0.005)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except (OSError, UnicodeError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or "no address"
        raise ConfigurationError(
            f"Cannot listen on {settings.host} port {settings.port}: {why}. "
            "Choose another --host (WAYSTATION_HOST) or --port (WAYSTATION_PORT); "
            "--port 0 takes a free one."
        ) from error
    listening.setblocking(False)
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
