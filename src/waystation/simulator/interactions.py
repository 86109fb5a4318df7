"""POST /interactions: checks an interaction as Discord does and hands it to the bot.

Success is 204 and empty; it means that the bot was told, not that it agrees (wire notes 1.2).
"""

from __future__ import annotations

from waystation.simulator.bot import Bot
from waystation.simulator.call import Call, Reply, objects
from waystation.simulator.commands import Command, applications, command_of
from waystation.simulator.faults import Place
from waystation.simulator.files import Files, Picture
from waystation.simulator.job import Ask
from waystation.simulator.messages import Messages
from waystation.simulator.payload import Payload
from waystation.simulator.refusals import Refused, error_effect, invalid_form, outdated
from waystation.simulator.sessions import Sessions
from waystation.simulator.switches import Switchboard
from waystation.simulator.world import Account, Channel, World
from waystation.wire.interaction import InteractionType

__all__ = ["Interactions", "verb_of"]

_MAX_NONCE_CHARS = 100
_STRING = 3
_ATTACHMENT = 11


def verb_of(body: Payload) -> str | None:
    """Return the name of the command that a body asks for, if it has one."""
    data = body.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) else None


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
            case InteractionType.MESSAGE_COMPONENT | InteractionType.MODAL_SUBMIT:
                return self._unanswered(account, channel, application_id, body)

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

    def _command(
        self, account: Account, channel: Channel, application_id: str, body: Payload, call: Call
    ) -> Reply:
        data = body.get("data")
        if not isinstance(data, dict):
            raise invalid_form("data", "BASE_TYPE_REQUIRED", "This field is required")
        command = command_of(application_id, str(data.get("id")))
        if command is None or data.get("name") != command.name:
            raise Refused(error_effect("unknown_command"))
        self._check_version(account, command, data)
        picture, link = self._read_options(command, data, call)
        ask = Ask(
            user=account.user,
            account=account,
            channel=channel,
            verb=command.name,
            command_id=command.id,
            nonce=_nonce(body),
            session_id=str(body.get("session_id")) if body.get("session_id") else None,
            picture=picture,
            link=link,
        )
        switches = self._board.take(Place.SCRIPT, account.user_id, command.name)
        job = self._bot.accept(ask, switches, application_id)
        return Reply(status=204, after=lambda: self._bot.start(job, switches))

    def _unanswered(
        self, account: Account, channel: Channel, application_id: str, body: Payload
    ) -> Reply:
        """Take a button press or a modal; the bot has no script for them yet."""
        message_id = body.get("message_id")
        if message_id is not None and not self._messages.get(channel.id, str(message_id)):
            raise Refused(error_effect("unknown_message"))
        ask = Ask(account.user, account, channel, "", "", nonce=_nonce(body))
        job = self._bot.accept(ask, application_id=application_id)
        return Reply(status=204, after=lambda: self._bot.start(job))

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

    def _read_options(
        self, command: Command, data: Payload, call: Call
    ) -> tuple[Picture | None, str | None]:
        """Return the picture and the link among the options.

        Raises: Refused: an option of another name or type, or a file that was never uploaded
        """
        types = {name: kind for kind, name, _, _ in command.options}
        picture: Picture | None = None
        link: str | None = None
        for option in objects(data, "options"):
            name = option.get("name")
            if name not in types or option.get("type") != types[name]:
                raise invalid_form("data.options", "BASE_TYPE_CHOICES", "Unknown option.")
            if types[name] == _ATTACHMENT:
                picture = self._attachment(data, str(option.get("value")), call)
            elif types[name] == _STRING:
                link = str(option.get("value"))
                picture = picture or self._files.read_link(link)
        if types and picture is None and link is None:
            raise invalid_form("data.options", "BASE_TYPE_REQUIRED", "This field is required")
        return picture, link

    def _attachment(self, data: Payload, number: str, call: Call) -> Picture:
        """Find the file that an option names by the number of its attachment."""
        part = call.body.files.get(f"files[{number}]")
        if part is not None:
            user_id = call.caller.user_id
            return self._files.keep(part.filename, part.data, part.content_type, user_id)
        for attachment in objects(data, "attachments"):
            if str(attachment.get("id")) == number:
                slot = self._files.slot(str(attachment.get("uploaded_filename")))
                if slot is not None and slot.picture is not None:
                    return slot.picture
        raise invalid_form("data.attachments", "UPLOADED_FILE_NOT_FOUND", "File was not uploaded.")


def _nonce(body: Payload) -> str | None:
    """Return the nonce as a string; numbers and absence are fine (wire notes 1.2)."""
    nonce = body.get("nonce")
    if nonce is None:
        return None
    if not isinstance(nonce, str | int) or len(str(nonce)) > _MAX_NONCE_CHARS:
        raise invalid_form("nonce", "NONCE_TYPE_INVALID_TYPE", "Nonce is too long or no string.")
    return str(nonce)
