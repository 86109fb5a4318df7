"""The play: Discord, the bot and their people, and the things that a test may do to them.

The network around it is `server`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from waystation.simulator.acting.bot import Bot
from waystation.simulator.acting.stage import Stage
from waystation.simulator.book.log import Book, Log
from waystation.simulator.bot.buttons import MODELS
from waystation.simulator.bot.gallery import Gallery
from waystation.simulator.bot.job import Ask
from waystation.simulator.bot.works import Works
from waystation.simulator.discord.files import Files
from waystation.simulator.discord.ids import Ids, Now
from waystation.simulator.discord.limits import Limits
from waystation.simulator.discord.messages import Messages
from waystation.simulator.discord.sessions import Disturbance, Sessions
from waystation.simulator.discord.world import Account, SimulatedBot, World
from waystation.simulator.faults.switches import Switch, Switchboard, parse_switch
from waystation.simulator.options import Options
from waystation.simulator.payload import Payload

__all__ = ["Play"]


class Play:
    """Discord and the bot without a network."""

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
        """Build the play; nothing of it is on a network.

        Args:
            faults: texts as on the command line, `NAME[:value][,key=value…]`
            now: aware UTC time; a clock set by hand makes all ids repeatable
            options: any other field of `Options`
        Raises: FaultError: a fault is named or parametrised wrongly; ValueError: no such option
        """
        self.options = Options(accounts=accounts, seed=seed, speed=speed, port=port, **options)
        if (model := self.options.model) not in MODELS:
            raise ValueError(f"no model is called {model!r}; there are {', '.join(MODELS)}")
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
