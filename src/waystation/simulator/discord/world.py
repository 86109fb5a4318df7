"""The world: accounts, the bot, other bots, guilds and channels, and each account's standing.

Every account has a guild of its own with one text channel, and a direct channel with the bot.
Nothing here speaks; messages and sessions live in `messages` and `gateway`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from waystation.simulator.discord.ids import Ids
from waystation.simulator.discord.languages import LOCALES
from waystation.simulator.options import ENGLISH, Options
from waystation.simulator.payload import Payload
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

__all__ = ["PLANS", "Account", "Channel", "SimulatedBot", "Standing", "User", "World"]

_ACCOUNT_LANDMARKS = 100
_BOT_LANDMARKS = 10
_STRIDE = 10

_BOT_AVATAR = "f6ce562a6b4979c4b1cbc5b436d3be76"
_BOT_PUBLIC_FLAGS = 589824
"""Both seen in captured messages of the bot. Source: wire notes 3."""

PLANS: Mapping[str, int] = {"Basic": 3, "Standard": 3, "Pro": 15, "Mega": 15}
"""How many jobs a plan runs at the same time. Source: wire notes 7, 3 for the smaller plans and 12
to 15 for the larger: here the most that a caller may count on."""

_FEWEST_JOBS = 3
_BY_PLAN = -1

RENEWAL_UNIX = 1_900_000_000
"""When every simulated subscription renews; far away, so that no run meets it."""


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot, as it appears inside messages."""

    id: str
    username: str
    global_name: str | None = None
    bot: bool = False
    discriminator: str = "0"
    avatar: str | None = None
    public_flags: int = 0

    def payload(self) -> Payload:
        """Write the user object that messages carry."""
        body: Payload = {
            "id": self.id,
            "username": self.username,
            "global_name": self.global_name,
            "discriminator": self.discriminator,
            "avatar": self.avatar,
            "avatar_decoration_data": None,
            "banner": None,
            "accent_color": None,
            "public_flags": self.public_flags,
            "clan": None,
            "primary_guild": None,
            "collectibles": None,
        }
        return body | {"bot": True} if self.bot else body


@dataclass(slots=True)
class Standing:
    """How an account stands with the bot; what /info reports and what the bot refuses by."""

    plan: str = "Pro"
    """A row of `PLANS`, or `Trial`."""
    cycle: str = "yearly"
    active: str = "Active"
    """`Active`, `Paused`, `Cancelled` or `Inactive`; anything but the first refuses jobs."""
    mode: str = "Fast"
    """`Fast`, `Relaxed` or `Turbo`."""
    visibility: str = "Public"
    """`Public` or `Stealth`."""
    version: str = "8.2"
    """The image model of prompts without `--v`; a row of `buttons.MODELS`."""
    remix: bool = False
    high_variation: bool = True
    raw: bool = False
    stylize: int = 100
    personalization: bool = False
    auto_dm: bool = False
    suffix: str = ""
    """Put behind every prompt."""
    fast_hours: float = 30.0
    fast_hours_used: float = 0.42
    images: int = 102
    image_hours: float = 1.77
    relaxed_images: int = 19
    relaxed_hours: float = 0.29
    concurrency: int = _BY_PLAN
    """Jobs that run at the same time; below 0 as many as the plan allows (`PLANS`)."""
    queue_limit: int = 10
    foreign_running: int = 0
    """Running jobs that nobody here asked for; a control call sets it."""
    foreign_queued: int = 0
    running: set[int] = field(default_factory=set)
    waiting: deque[int] = field(default_factory=deque)
    options: dict[str, str] = field(default_factory=dict)
    """The values of `/prefer option set`; they are listed and not applied."""

    @property
    def running_jobs(self) -> int:
        return len(self.running) + self.foreign_running

    @property
    def queued_jobs(self) -> int:
        return len(self.waiting) + self.foreign_queued

    @property
    def has_slot(self) -> bool:
        planned = PLANS.get(self.plan, _FEWEST_JOBS)
        return self.running_jobs < (planned if self.concurrency < 0 else self.concurrency)

    @property
    def has_room(self) -> bool:
        return self.queued_jobs < self.queue_limit


@dataclass(slots=True)
class Account:
    """A Discord user that the service may drive."""

    user: User
    token: str
    guild_id: str
    channel_id: str
    dm_channel_id: str
    standing: Standing = field(default_factory=Standing)
    revoked: bool = False
    locale: str = ENGLISH
    """The language in which Discord speaks to this user."""
    index_generation: int = 0
    """Counts new versions of the commands."""
    refuses_stale: bool = False

    @property
    def user_id(self) -> str:
        return self.user.id

    def payload(self) -> Payload:
        """Write the account as the ready line and the control API name it."""
        return {
            "token": self.token,
            "user_id": self.user_id,
            "guild_id": self.guild_id,
            "channel_id": self.channel_id,
            "dm_channel_id": self.dm_channel_id,
        }


@dataclass(slots=True)
class SimulatedBot:
    """Another application's bot, a member of every guild; clients connect as it."""

    user: User
    token: str
    revoked: bool = False
    locale: str = ENGLISH

    @property
    def user_id(self) -> str:
        return self.user.id

    def payload(self) -> Payload:
        """Write the bot as the ready line names it."""
        return {"token": self.token, "user_id": self.user_id, "application_id": self.user_id}


@dataclass(frozen=True, slots=True)
class Channel:
    """A text channel of a guild, or a direct channel with the bot."""

    id: str
    guild_id: str | None
    members: tuple[str, ...]
    """Ids of users whose gateway sessions hear the channel."""

    @property
    def is_direct(self) -> bool:
        return self.guild_id is None


class World:
    """Everyone and every place, built once from the seed. Raises: ValueError: no such locale."""

    def __init__(self, options: Options, ids: Ids) -> None:
        if options.locale not in LOCALES:
            known = ", ".join(LOCALES)
            raise ValueError(f"no locale is {options.locale!r} here; there are {known}")
        self.options = options
        self.url = ""
        """Own base URL; known once the server listens."""
        self.newest: dict[str, str] = {}
        """The newest message of each channel that has one."""
        self.midjourney = User(
            MIDJOURNEY_APPLICATION_ID,
            "Midjourney Bot",
            bot=True,
            discriminator="9282",
            avatar=_BOT_AVATAR,
            public_flags=_BOT_PUBLIC_FLAGS,
        )
        self.impostor = User(ids.landmark(1), "Midjourney Bot", bot=True, discriminator="0666")
        self.foreigner = User(ids.landmark(2), "passerby", "Passer-by")
        self.bots = [_bot(ids, number) for number in range(options.bots)]
        self.accounts = [_account(ids, number) for number in range(options.accounts)]
        for account in self.accounts:
            account.standing.version = options.model
            account.locale = options.locale
        self.channels: dict[str, Channel] = {}
        for account in self.accounts:
            self._add_channels(account)
        self.users = {user.id: user for user in self._everyone()}
        self._by_token: dict[str, Account | SimulatedBot] = {}
        self._by_token.update((account.token, account) for account in self.accounts)
        self._by_token.update((bot.token, bot) for bot in self.bots)

    def _everyone(self) -> list[User]:
        people = [account.user for account in self.accounts] + [bot.user for bot in self.bots]
        return [*people, self.midjourney, self.impostor, self.foreigner]

    def _add_channels(self, account: Account) -> None:
        bots = tuple(bot.user_id for bot in self.bots)
        members = (account.user_id, *bots)
        self.channels[account.channel_id] = Channel(account.channel_id, account.guild_id, members)
        direct = Channel(account.dm_channel_id, None, (account.user_id,))
        self.channels[account.dm_channel_id] = direct

    def by_token(self, token: str) -> Account | SimulatedBot | None:
        """Return whose token this is, unless it was revoked."""
        caller = self._by_token.get(token)
        return None if caller is None or caller.revoked else caller

    def by_authorization(self, header: str | None) -> Account | SimulatedBot | None:
        """Return who is calling: a bare token for a user, `Bot <token>` for a bot."""
        if not header:
            return None
        is_bot = header.startswith("Bot ")
        caller = self.by_token(header.removeprefix("Bot ").strip())
        return caller if isinstance(caller, SimulatedBot) == is_bot else None

    def account(self, key: str | int) -> Account | None:
        """Find an account by its number, user id or token."""
        if isinstance(key, int):
            return self.accounts[key] if 0 <= key < len(self.accounts) else None
        for account in self.accounts:
            if key in (account.user_id, account.token):
                return account
        return self.account(int(key)) if key.isdigit() and len(key) < 6 else None

    def is_member(self, caller: Account | SimulatedBot, channel: Channel) -> bool:
        """Tell whether the caller may read and write there."""
        return caller.user_id in channel.members

    def guild_accounts(self, guild_id: str) -> list[Account]:
        """Return the accounts of a guild: one, or none if there is no such guild."""
        return [account for account in self.accounts if account.guild_id == guild_id]


def _account(ids: Ids, number: int) -> Account:
    first = _ACCOUNT_LANDMARKS + number * _STRIDE
    user = User(ids.landmark(first), f"tester{number}", f"Tester {number}")
    return Account(
        user,
        ids.token(user.id),
        ids.landmark(first + 1),
        ids.landmark(first + 2),
        ids.landmark(first + 3),
    )


def _bot(ids: Ids, number: int) -> SimulatedBot:
    user = User(
        ids.landmark(_BOT_LANDMARKS + number), f"bystander{number}", bot=True, discriminator="0001"
    )
    return SimulatedBot(user, ids.token(user.id))
