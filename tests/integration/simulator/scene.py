"""A world without a server: what the parts below the wire need to be tried by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.build import replace
from waystation.simulator.acting.stage import Stage
from waystation.simulator.book.log import Log
from waystation.simulator.book.pages import page
from waystation.simulator.bot.job import Ask, Job
from waystation.simulator.bot.works import Works
from waystation.simulator.discord.files import Files
from waystation.simulator.discord.ids import Ids
from waystation.simulator.discord.messages import Messages
from waystation.simulator.discord.sessions import Session, Sessions
from waystation.simulator.discord.world import World
from waystation.simulator.options import Options
from waystation.simulator.payload import Payload, decode

__all__ = ["NOON", "UUID", "Listener", "Setting"]

UUID = "01234567-89ab-4def-8123-456789abcdef"
_OF_THE_ASK = {"options", "press", "picture", "pictures", "channel", "account", "user"}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Listener:
    """Stands where a connection would, and keeps what it is sent."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.closed: int | None = None
        self.was_cut = False

    def send(self, frame: bytes) -> None:
        self.frames.append(frame)

    def close(self, code: int, reason: str = "") -> None:
        self.closed = code

    def cut(self) -> None:
        self.was_cut = True

    @property
    def events(self) -> list[tuple[str, Payload]]:
        frames = [decode(frame) for frame in self.frames]
        return [(frame["t"], frame["d"]) for frame in frames if frame["op"] == 0]


class Setting:
    """One account, one bot, and everything that reacts to them."""

    def __init__(self, **options: object) -> None:
        self.options = Options(**({"model": "7"} | options))  # type: ignore[arg-type]
        self.ids = Ids(1, lambda: NOON)
        self.world = World(self.options, self.ids)
        self.world.url = "http://127.0.0.1:1"
        self.account, self.bot = self.world.accounts[0], self.world.bots[0]
        self.channel = self.world.channels[self.account.channel_id]
        self.direct = self.world.channels[self.account.dm_channel_id]
        self.files = Files(self.world, self.ids, lambda: NOON)
        self.sessions = Sessions(self.options)
        self.log = Log(100, lambda: NOON)
        self.messages = Messages(self.world, self.ids, lambda: NOON, self.sessions)
        self.works = Works(100)
        self.stage = Stage(
            self.world,
            self.ids,
            lambda: NOON,
            self.files,
            self.messages,
            self.sessions,
            self.log,
            self.works,
        )
        self.scene = self.stage.scene

    def listen(self, caller: object = None, intents: int = -1) -> tuple[Session, Listener]:
        """Begin a session and connect a listener to it."""
        session = Session(self.ids.snowflake(), caller or self.account, 100)  # type: ignore[arg-type]
        session.intents = intents
        self.sessions.add(session)
        listener = Listener()
        session.connection = listener  # type: ignore[assignment]
        return session, listener

    def job(self, verb: str = "describe", **fields: object) -> Job:
        """Return a job that nothing has happened to."""
        ask = Ask(
            user=self.account.user,
            account=self.account,
            channel=self.channel,
            verb=verb,
            command_id="1",
            nonce="42",
        )
        ask = replace(ask, **{name: fields.pop(name) for name in set(fields) & _OF_THE_ASK})
        entry = page(ask, 1, "100", "7", NOON.timestamp()) | {"uuid": UUID}
        return Job(ask, 1, "100", UUID, self.ids.rng("job"), 5, entry, **fields)  # type: ignore[arg-type]
