"""POST /interactions: checks an interaction as Discord does and hands it to the bot.

Success is 204 and empty; it means that the bot was told, not that it agrees (wire notes 1.2).
"""

from __future__ import annotations

from waystation.simulator.acting.bot import Bot
from waystation.simulator.bot.buttons import Button, button_of, component_of, label_of
from waystation.simulator.bot.forms import read_form
from waystation.simulator.bot.job import Ask, Press
from waystation.simulator.bot.preferences import setting_button
from waystation.simulator.discord.arguments import Arguments, read_arguments
from waystation.simulator.discord.call import Call, Reply
from waystation.simulator.discord.commands import (
    MESSAGE_MENU,
    SUB_COMMAND,
    SUB_GROUP,
    Command,
    applications,
    command_of,
)
from waystation.simulator.discord.files import Files, Picture
from waystation.simulator.discord.languages import default_name
from waystation.simulator.discord.messages import Messages
from waystation.simulator.discord.refusals import Refused, error_effect, invalid_form, outdated
from waystation.simulator.discord.sessions import Sessions
from waystation.simulator.discord.world import Account, Channel, World
from waystation.simulator.faults.fault import Place
from waystation.simulator.faults.switches import Switchboard
from waystation.simulator.payload import Payload, objects
from waystation.wire.interaction import InteractionType

__all__ = ["Interactions", "verb_of"]

_MAX_NONCE_CHARS = 100


def verb_of(body: Payload) -> str | None:
    """Return what an interaction asks for, as faults call it: a command, `button` or `modal`."""
    presses = {InteractionType.MESSAGE_COMPONENT: "button", InteractionType.MODAL_SUBMIT: "modal"}
    if body.get("type") in presses:
        return presses[body["type"]]
    data = body.get("data")
    return _named(data) if isinstance(data, dict) else None


def _named(data: Payload) -> str | None:
    """Return a command's name with those of the commands below it."""
    name = default_name(data.get("name"))
    if not isinstance(name, str):
        return None
    for option in objects(data, "options"):
        if option.get("type") in (SUB_COMMAND, SUB_GROUP):
            return f"{name} {_named(option)}"
    return name


class Interactions:
    """The one route that asks something of an application."""

    def __init__(
        self,
        world: World,
        bot: Bot,
        files: Files,
        messages: Messages,
        sessions: Sessions,
        board: Switchboard,
    ) -> None:
        self._world = world
        self._bot = bot
        self._files = files
        self._messages = messages
        self._sessions = sessions
        self._board = board

    def post(self, call: Call) -> Reply:
        """Check an interaction; the bot begins once the 204 has left."""
        account, body = call.account, call.body.json
        kind = body.get("type")
        if not isinstance(kind, int) or kind not in list(InteractionType):
            raise invalid_form("type", "BASE_TYPE_CHOICES", "Value must be one of {2, 3, 4, 5}.")
        channel = self._channel(account, body)
        self._check_session(account, body)
        application_id = str(body.get("application_id"))
        if application_id not in {app["id"] for app in applications()}:
            raise Refused(error_effect("unknown_application"))
        match InteractionType(kind):
            case InteractionType.APPLICATION_COMMAND:
                return self._command(account, channel, application_id, body, call)
            case InteractionType.AUTOCOMPLETE:
                return Reply(status=204)
            case InteractionType.MESSAGE_COMPONENT:
                return self._component(account, channel, application_id, body)
            case InteractionType.MODAL_SUBMIT:
                return self._form(account, channel, body)

    def _channel(self, account: Account, body: Payload) -> Channel:
        """Return the channel; its guild must be named exactly if it has one (wire notes 1.2)."""
        channel = self._world.channels.get(str(body.get("channel_id")))
        guild_id = body.get("guild_id")
        if channel is None or (guild_id or None) != channel.guild_id:
            raise Refused(error_effect("unknown_channel"))
        if not self._world.is_member(account, channel):
            raise Refused(error_effect("missing_access"))
        return channel

    def _check_session(self, account: Account, body: Payload) -> None:
        if not self._world.options.strict_sessions:
            return
        session = self._sessions.find(str(body.get("session_id")))
        if session is None or session.caller is not account or session.connection is None:
            raise invalid_form("session_id", "INVALID_SESSION", "Unknown session.")

    # Commands.

    def _command(
        self, account: Account, channel: Channel, application_id: str, body: Payload, call: Call
    ) -> Reply:
        data = _data(body)
        command = command_of(application_id, str(data.get("id")))
        if command is None or default_name(data.get("name")) != command.name:
            raise Refused(error_effect("unknown_command"))
        self._check_version(account, command, data)
        arguments = read_arguments(command, data, call, self._files)
        link = arguments.texts.get("link")
        ask = Ask(
            user=account.user,
            account=account,
            channel=channel,
            verb=arguments.verb,
            command_id=command.id,
            nonce=_nonce(body),
            session_id=_session_id(body),
            picture=self._picture(command, arguments),
            link=link,
            pictures=tuple(arguments.pictures),
            options=arguments.texts,
            press=self._menu_press(account, channel, command, data),
        )
        return self._told(ask, application_id)

    def _picture(self, command: Command, arguments: Arguments) -> Picture | None:
        """Return the one picture of /describe, which comes as a file or as a link."""
        link = arguments.texts.get("link")
        if command.name == "describe" and not arguments.pictures and link is None:
            raise invalid_form("data.options", "BASE_TYPE_REQUIRED", "This field is required")
        if arguments.pictures:
            return arguments.pictures[0]
        return None if link is None else self._files.read_link(link)

    def _menu_press(
        self, account: Account, channel: Channel, command: Command, data: Payload
    ) -> Press | None:
        """Return the message that a command of its menu was chosen for."""
        if command.type != MESSAGE_MENU:
            return None
        message = self._message(account, channel, data.get("target_id"))
        return Press(message, Button(command.name, "", "cancel"), command.name, "")

    def _check_version(self, account: Account, command: Command, data: Payload) -> None:
        """Refuse an old version once the commands have changed; before, any version is taken."""
        for switch in self._board.take(Place.VERSION, account.user_id, command.name):
            account.index_generation += 1
            account.refuses_stale = True
            if switch.params["announce"]:
                event = {"guild_id": account.guild_id}
                name = "GUILD_APPLICATION_COMMAND_INDEX_UPDATE"
                self._sessions.publish((account.user_id,), name, event)
        current = command.version_at(account.index_generation)
        if account.refuses_stale and str(data.get("version")) != current:
            raise outdated()

    # Buttons and forms.

    def _component(
        self, account: Account, channel: Channel, application_id: str, body: Payload
    ) -> Reply:
        """Take a press of a button, or a choice from a menu, of a message that can be seen."""
        message = self._message(account, channel, body.get("message_id"))
        data = _data(body)
        custom_id = str(data.get("custom_id"))
        component = component_of(message, custom_id)
        if component is None:
            raise invalid_form(
                "data.custom_id", "COMPONENT_VALIDATION_FAILED", "Component validation failed"
            )
        label = label_of(component)
        button = button_of(custom_id) or setting_button(custom_id) or Button(label, custom_id, "")
        values = data.get("values")
        chosen = tuple(map(str, values)) if isinstance(values, list) else ()
        press = Press(message, button, label or button.label, custom_id, chosen)
        return self._told(self._ask(account, channel, "button", body, press), application_id)

    def _form(self, account: Account, channel: Channel, body: Payload) -> Reply:
        """Take a form that was filled in; each is taken once and not too late."""
        data = _data(body)
        key = str(data.get("id"))
        opener = self._bot.openings.find(key)
        if opener is None or opener.form is None or opener.ask.user.id != account.user_id:
            raise Refused(error_effect("unknown_interaction"))
        text = read_form(opener.form, data)
        assert opener.ask.press is not None, "a form is opened by a press"
        press = opener.ask.press.filled(text, opener.interaction_id)
        self._bot.openings.close(key)
        return self._told(self._ask(account, channel, "modal", body, press))

    def _message(self, account: Account, channel: Channel, message_id: object) -> Payload:
        if message_id is None:
            raise invalid_form("message_id", "BASE_TYPE_REQUIRED", "This field is required")
        message = self._messages.seen_by(account.user_id, channel.id, str(message_id))
        if message is None:
            raise Refused(error_effect("unknown_message"))
        return message

    def _ask(
        self, account: Account, channel: Channel, verb: str, body: Payload, press: Press
    ) -> Ask:
        return Ask(
            user=account.user,
            account=account,
            channel=channel,
            verb=verb,
            command_id="",
            nonce=_nonce(body),
            session_id=_session_id(body),
            press=press,
        )

    def _told(self, ask: Ask, application_id: str = "") -> Reply:
        """Tell the bot; it begins once the answer has left."""
        switches = self._board.take(Place.SCRIPT, ask.user.id, ask.verb)
        job = self._bot.accept(ask, switches, application_id)
        return Reply(status=204, after=lambda: self._bot.start(job, switches))


def _data(body: Payload) -> Payload:
    data = body.get("data")
    if not isinstance(data, dict):
        raise invalid_form("data", "BASE_TYPE_REQUIRED", "This field is required")
    return data


def _session_id(body: Payload) -> str | None:
    return str(body["session_id"]) if body.get("session_id") else None


def _nonce(body: Payload) -> str | None:
    """Return the nonce as a string; numbers and absence are fine (wire notes 1.2)."""
    nonce = body.get("nonce")
    if nonce is None:
        return None
    if not isinstance(nonce, str | int) or len(str(nonce)) > _MAX_NONCE_CHARS:
        raise invalid_form("nonce", "NONCE_TYPE_INVALID_TYPE", "Nonce is too long or no string.")
    return str(nonce)
