"""The simulator as one object: build it, start it, ask it, stop it.

One port serves the REST API, the gateway, uploads, both content networks and the control API.

    async with Simulator(accounts=2, speed=1000.0) as sim:
        sim.fault("queue_full", count=1)
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Self

from aiohttp import web

from waystation.simulator.activity import Activity
from waystation.simulator.book.log import Book, Log
from waystation.simulator.bot.bot import Bot
from waystation.simulator.bot.gallery import Gallery
from waystation.simulator.bot.job import Ask
from waystation.simulator.bot.stage import Stage
from waystation.simulator.bot.timeline import Disturbance
from waystation.simulator.bot.works import Works
from waystation.simulator.control import Control
from waystation.simulator.discord.api import ENTRY, Api
from waystation.simulator.discord.chat import Chat
from waystation.simulator.discord.files import Files
from waystation.simulator.discord.gateway import Gateway
from waystation.simulator.discord.ids import Ids, Now
from waystation.simulator.discord.interactions import Interactions
from waystation.simulator.discord.limits import Limits
from waystation.simulator.discord.messages import Messages
from waystation.simulator.discord.rest import Rest
from waystation.simulator.discord.sessions import Sessions
from waystation.simulator.discord.uploads import Uploads
from waystation.simulator.discord.world import Account, SimulatedBot, World
from waystation.simulator.faults.switches import Switch, Switchboard, parse_switch
from waystation.simulator.midjourney_cdn import MidjourneyCdn
from waystation.simulator.options import Options
from waystation.simulator.payload import Payload

__all__ = ["Simulator"]

_SHUTDOWN_S = 0.5
_MAX_REQUEST_BYTES = 128 * 1024 * 1024
"""Larger than any limit that is imitated, so that the imitated one answers."""


class Simulator:
    """A stand-in for Discord and the bot, on a port of its own."""

    def __init__(
        self,
        accounts: int = 1,
        seed: int = 1,
        speed: float = 1.0,
        port: int = 0,
        faults: Iterable[str] = (),
        *,
        now: Now = lambda: datetime.now(UTC),
        **options: Any,
    ) -> None:
        """Build a simulator; nothing listens before `start`.

        Args:
            faults: texts as on the command line, `NAME[:value][,key=value…]`
            now: aware UTC time; a clock set by hand makes all ids repeatable
            options: any other field of `Options`
        Raises: FaultError: a fault is named or parametrised wrongly
        """
        self.options = Options(accounts=accounts, seed=seed, speed=speed, port=port, **options)
        now = _ahead(now, timedelta(seconds=self.options.clock_ahead_s))
        self._now = now
        self.ids = Ids(seed, now)
        self.world = World(self.options, self.ids)
        self.board = Switchboard()
        self._log = Log(self.options.log_limit, now)
        self._book = Book(self.options.book_limit)
        self._files = Files(self.world, self.ids, now)
        self.sessions = Sessions(self.options)
        self.messages = Messages(self.world, self.ids, now, self.sessions)
        self._works = Works(self.options.book_limit)
        stage = Stage(
            self.world,
            self.ids,
            now,
            self._files,
            self.messages,
            self.sessions,
            self._log,
            self._works,
        )
        self._gallery = Gallery(self.options.picture_size)
        self.bot = Bot(self.world, self.ids, self._book, stage, now, self._gallery)
        self._limits = Limits(self.options.global_limit_per_s)
        self._gateway = Gateway(self.world, self.ids, self.sessions, self.board, self._log)
        self._runner: web.AppRunner | None = None
        for text in faults:
            self.fault(**parse_switch(text))

    @property
    def url(self) -> str:
        """Return the base URL, `http://host:port`; empty before `start`."""
        return self.world.url

    @property
    def accounts(self) -> list[Account]:
        """Return the accounts."""
        return self.world.accounts

    @property
    def bots(self) -> list[SimulatedBot]:
        """Return the bots that clients may connect as."""
        return self.world.bots

    @property
    def log(self) -> list[Payload]:
        """Return every request and frame received, oldest first."""
        return self._log.entries()

    @property
    def book(self) -> list[Payload]:
        """Return every interaction executed and what became of it, oldest first."""
        return self._book.entries()

    def read_log(self, since: int = 0, kind: str | None = None) -> list[Payload]:
        """Return the part of the log after entry `since`, of some kinds only."""
        return self._log.entries(since, kind)

    def ready_line(self) -> Payload:
        """Return what `waystation-simulator` prints once it listens."""
        return {
            "url": self.url,
            "accounts": [account.payload() for account in self.accounts],
            "bots": [bot.payload() for bot in self.bots],
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; afterwards `url` is known.

        Raises: OSError: the port is taken, or a file of TLS cannot be read
        """
        app = web.Application(client_max_size=_MAX_REQUEST_BYTES, middlewares=[self._logged])
        api = Api(self.world, self._rest(), self._limits, self.board, self._log, self._now)
        app.add_routes(Control(self).routes())
        app.add_routes(api.routes())
        app.add_routes(Uploads(self.world, self._files, self.board).routes())
        app.add_routes(Activity(self.bot, self.board).routes())
        app.add_routes(MidjourneyCdn(self._works, self._gallery, self.board).routes())
        app.router.add_get("/", self._root)
        app.on_response_prepare.append(self._dated)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S
        )
        await self._runner.setup()
        options, tls = self.options, _tls(self.options)
        site = web.TCPSite(self._runner, options.host, options.port, ssl_context=tls)
        await site.start()
        port = self._runner.addresses[0][1]
        scheme = "http" if tls is None else "https"
        self.world.url = options.public_url or f"{scheme}://{options.host}:{port}"

    async def _dated(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(self._now(), usegmt=True)

    def _rest(self) -> Rest:
        interactions = Interactions(
            self.world, self.bot, self._files, self.messages, self.sessions, self.board
        )
        chat = Chat(
            self.world,
            self.bot,
            self.messages,
            self.sessions,
            self.board,
            self.ids,
            self._now,
        )
        post = interactions.post
        return Rest(self.world, self._files, self.messages, post, chat, self.ids)

    async def stop(self) -> None:
        """Close every socket and drop what is in work; quick, and safe to repeat."""
        await self.bot.stop()
        self._gateway.close_all()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _root(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._gateway.serve(request)
        return web.Response(text="waystation-simulator: see /_sim/\n")

    @web.middleware
    async def _logged(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if request.path.startswith("/_sim"):
            return await handler(request)
        entry = self._log.add(
            "request",
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=dict(request.headers),
            account=None,
            status=None,
        )
        request[ENTRY] = entry
        response = await handler(request)
        entry["status"] = response.status if entry["status"] is None else entry["status"]
        return response

    # What a test or the control API may do.

    def find_account(self, key: Account | str | int | None) -> Account:
        """Return an account by itself, number, user id or token; None is the first.

        Raises: LookupError: no such account
        """
        if isinstance(key, Account):
            return key
        found = self.world.account(0 if key is None else key)
        if found is None:
            raise LookupError(f"no account {key!r}")
        return found

    def fault(
        self,
        name: str,
        account: Account | str | int | None = None,
        command: str | None = None,
        count: int | None = None,
        **params: Any,
    ) -> Switch:
        """Switch a fault on.

        Args:
            account: whom it concerns, None for all
            command: the verb it concerns, None for all
            count: how many times, None until `clear_faults`
            params: parameters of the fault's row
        Raises: FaultError: no such fault or parameter; LookupError: no such account
        """
        user_id = None if account is None else self.find_account(account).user_id
        given = params.pop("params", {}) | params
        return self.board.on(name, user_id, command, count, given)

    def clear_faults(self, id_: int | None = None) -> None:
        """Switch one fault off, or all."""
        self.board.off(id_)

    def drop(
        self,
        account: Account | str | int | None = None,
        how: Disturbance = Disturbance.DROP,
        code: int = 4000,
    ) -> int:
        """Disturb the gateway sessions of one account now, or of all; return how many."""
        chosen = self.accounts if account is None else [self.find_account(account)]
        return sum(self.sessions.disturb(one.user_id, how, code) for one in chosen)

    def revoke(self, account: Account | str | int | None = None, *, revoked: bool = True) -> None:
        """Make an account's token invalid and close its sessions with 4004, or restore it."""
        chosen = self.find_account(account)
        chosen.revoked = revoked
        if revoked:
            self.sessions.disturb(chosen.user_id, Disturbance.CLOSE, 4004)

    def by_hand(
        self,
        verb: str,
        account: Account | str | int | None = None,
        *,
        direct: bool = False,
        picture: bytes = b"",
        filename: str = "by-hand.png",
        options: Mapping[str, str] | None = None,
    ) -> Payload:
        """Let the account's owner type a command into Discord.

        Args: options: texts of the command by name, such as `prompt`
        Returns: its page of the book
        """
        owner = self.find_account(account)
        channel_id = owner.dm_channel_id if direct else owner.channel_id
        kept = self._files.keep(filename, picture, "image/png", owner.user_id) if picture else None
        ask = Ask(
            user=owner.user,
            account=owner,
            channel=self.world.channels[channel_id],
            verb=verb,
            command_id="0",
            nonce=self.ids.snowflake(),
            picture=kept,
            pictures=(kept,) if kept else (),
            options=dict(options or {}),
            by_hand=True,
        )
        job = self.bot.accept(ask)
        self.bot.start(job)
        return job.entry

    def set_speed(self, speed: float) -> None:
        """Change the bot's pace. Raises: ValueError: out of range"""
        self.bot.speed = replace(self.options, speed=speed).speed

    def set_seed(self, seed: int) -> None:
        """Draw prompts, delays and ids of coming jobs from another seed."""
        self.ids.reseed(seed)

    async def reset(self) -> None:
        """Drop jobs, faults, history, log and book; accounts, tokens and sessions stay."""
        await self.bot.stop()
        self.board.off()
        self.messages.clear()
        self._limits.clear()
        self._log.clear()
        self._book.clear()
        self._works.clear()
        self.bot.openings.clear()
        for account in self.accounts:
            account.standing = type(account.standing)(version=self.options.model)
            account.index_generation, account.refuses_stale = 0, False

    async def settled(self) -> None:
        """Wait until no job is in work."""
        await self.bot.settled()


def _ahead(now: Now, by: timedelta) -> Now:
    """Return a clock that is ahead of another one."""
    return lambda: now() + by


def _tls(options: Options) -> ssl.SSLContext | None:
    if not options.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    return context
