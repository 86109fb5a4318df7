"""Chat: what people do to messages beside writing them: read, react, edit, delete, type.

Source: wire notes 1.4 and 4.10.
"""

from __future__ import annotations

from collections import OrderedDict

from waystation.simulator.acting.bot import Bot
from waystation.simulator.bot.buttons import Button, uuid_in
from waystation.simulator.bot.job import Ask, Press
from waystation.simulator.discord.call import Call, Reply
from waystation.simulator.discord.guilds import member_payload
from waystation.simulator.discord.ids import Ids, Now
from waystation.simulator.discord.messages import Draft, Messages
from waystation.simulator.discord.refusals import Refused, error_effect
from waystation.simulator.discord.sessions import Sessions
from waystation.simulator.discord.world import Account, Channel, SimulatedBot, World
from waystation.simulator.faults.fault import Place
from waystation.simulator.faults.switches import Switchboard
from waystation.simulator.payload import Payload

__all__ = ["Chat"]

_KEPT_REACTIONS = 1_000
"""Messages whose emojis are kept."""
_ENVELOPE = "✉"
_VARIATION = "\ufe0f"
"""Follows an emoji, or does not; both are the same emoji."""


class Chat:
    """Takes what is done to a message."""

    def __init__(
        self,
        world: World,
        bot: Bot,
        messages: Messages,
        sessions: Sessions,
        board: Switchboard,
        ids: Ids,
        now: Now,
    ) -> None:
        self._world = world
        self._bot = bot
        self._messages = messages
        self._sessions = sessions
        self._board = board
        self._ids = ids
        self._now = now
        self._reactors: OrderedDict[str, dict[str, list[str]]] = OrderedDict()
        """Emojis under the messages touched last, each with its users, first to last."""

    def shown(self, message: Payload, caller: Account | SimulatedBot) -> Payload:
        """Return a message as a reader gets it, with the emojis below it."""
        below = [
            {
                "emoji": {"id": None, "name": emoji},
                "count": len(users),
                "count_details": {"burst": 0, "normal": len(users)},
                "me": caller.user_id in users,
                "me_burst": False,
                "burst_colors": [],
            }
            for emoji, users in self._reactors.get(message["id"], {}).items()
            if users
        ]
        return message | {"reactions": below} if below else message

    def reactors(self, call: Call, channel: Channel) -> Reply:
        """Answer who has put an emoji under a message. Source: Discord, Get Reactions."""
        below = self._reactors.get(self._message(call, channel)["id"], {})
        users = below.get(call.path("emoji"), ())
        return Reply([self._world.users[user].payload() for user in users])

    def acknowledge(self, call: Call, channel: Channel) -> Reply:
        """Note that a message was read; the user's other sessions hear of it."""
        message = self._message(call, channel)
        account = call.account
        event = {
            "channel_id": channel.id,
            "message_id": message["id"],
            "version": 1,
            "last_viewed": call.body.json.get("last_viewed"),
        }
        return Reply(
            {"token": None},
            after=lambda: self._sessions.publish((account.user_id,), "MESSAGE_ACK", event),
        )

    def react(self, call: Call, channel: Channel) -> Reply:
        """Put an emoji under a message; the envelope makes the bot write its seed."""
        message, emoji = self._message(call, channel), call.path("emoji")
        event = self._reaction(call, channel, message, emoji)
        users = self._reactors.setdefault(message["id"], {}).setdefault(emoji, [])
        if call.caller.user_id not in users:
            users.append(call.caller.user_id)
        if len(self._reactors) > _KEPT_REACTIONS:
            self._reactors.popitem(last=False)

        def after() -> None:
            self._sessions.publish(channel.members, "MESSAGE_REACTION_ADD", event)
            if emoji.replace(_VARIATION, "") == _ENVELOPE and isinstance(call.caller, Account):
                self._ask_seed(call.caller, channel, message)

        return Reply(status=204, after=after)

    def unreact(self, call: Call, channel: Channel) -> Reply:
        """Take one's emoji away again."""
        message, emoji = self._message(call, channel), call.path("emoji")
        event = self._reaction(call, channel, message, emoji)
        users = self._reactors.get(message["id"], {}).get(emoji, [])
        if call.caller.user_id in users:
            users.remove(call.caller.user_id)
        name, members = "MESSAGE_REACTION_REMOVE", channel.members
        return Reply(status=204, after=lambda: self._sessions.publish(members, name, event))

    def unreact_all(self, call: Call, channel: Channel) -> Reply:
        """Take all emojis away from a message; users may not, in a direct channel nobody."""
        message = self._message(call, channel)
        if isinstance(call.caller, Account) or channel.guild_id is None:
            raise Refused(error_effect("missing_permissions"))
        self._reactors.pop(message["id"], None)
        event = {
            "message_id": message["id"],
            "channel_id": channel.id,
            "guild_id": channel.guild_id,
        }
        name, members = "MESSAGE_REACTION_REMOVE_ALL", channel.members
        return Reply(status=204, after=lambda: self._sessions.publish(members, name, event))

    def type_text(self, call: Call, channel: Channel) -> Reply:
        """Tell the channel that somebody is typing."""
        event: Payload = {
            "channel_id": channel.id,
            "user_id": call.caller.user_id,
            "timestamp": int(self._now().timestamp()),
        }
        if channel.guild_id:
            event |= {"guild_id": channel.guild_id, "member": member_payload(call.caller.user)}
        name, members = "TYPING_START", channel.members
        return Reply(status=204, after=lambda: self._sessions.publish(members, name, event))

    def edit(self, call: Call, channel: Channel, content: str) -> Reply:
        """Change the words of one's own message; what is not named stays."""
        message = self._own(call, channel, "not_the_author")
        draft = Draft(
            content if "content" in call.body.json else message["content"],
            tuple(message["embeds"]),
            tuple(message["components"]),
            message["flags"],
            tuple(message["attachments"]),
        )
        event = self._messages.edit(message, draft)
        announce = self._messages.announce
        return Reply(dict(message), after=lambda: announce("MESSAGE_UPDATE", event))

    def delete(self, call: Call, channel: Channel) -> Reply:
        """Take one's own message back."""
        event = self._messages.delete(self._own(call, channel, "missing_permissions"))
        announce = self._messages.announce
        return Reply(status=204, after=lambda: announce("MESSAGE_DELETE", event))

    def _own(self, call: Call, channel: Channel, refusal: str) -> Payload:
        message = self._message(call, channel)
        if message["author"]["id"] != call.caller.user_id:
            raise Refused(error_effect(refusal))
        return message

    def _message(self, call: Call, channel: Channel) -> Payload:
        message = self._messages.get(channel.id, call.path("message"))
        if message is None:
            raise Refused(error_effect("unknown_message"))
        return message

    def _reaction(self, call: Call, channel: Channel, message: Payload, emoji: str) -> Payload:
        body: Payload = {
            "user_id": call.caller.user_id,
            "channel_id": channel.id,
            "message_id": message["id"],
            "message_author_id": message["author"]["id"],
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "type": 0,
        }
        return body | ({"guild_id": channel.guild_id} if channel.guild_id else {})

    def _ask_seed(self, account: Account, channel: Channel, message: Payload) -> None:
        """Let the bot write the seed of its own user's result; of others' it says nothing."""
        work = self._bot.work_of(uuid_in(message))
        if work is None or work.owner != account.user_id:
            return
        button = Button(_ENVELOPE, "", "seed")
        ask = Ask(
            user=account.user,
            account=account,
            channel=channel,
            verb="seed",
            command_id="",
            press=Press(message, button, _ENVELOPE + _VARIATION, ""),
        )
        switches = self._board.take(Place.SCRIPT, account.user_id, "seed")
        self._bot.start(self._bot.accept(ask, switches), switches)
