"""The REST API: the few things that each of its routes answers."""

from __future__ import annotations

from collections.abc import Callable

from waystation.simulator.discord import commands, guilds, ready
from waystation.simulator.discord.call import Call, Reply
from waystation.simulator.discord.files import Files
from waystation.simulator.discord.fixed import FIXED
from waystation.simulator.discord.ids import Ids
from waystation.simulator.discord.messages import Messages
from waystation.simulator.discord.posts import Posts, read_content
from waystation.simulator.discord.refusals import Refused, error_effect, invalid_form
from waystation.simulator.discord.routes import Route
from waystation.simulator.discord.world import Account, Channel, SimulatedBot, User, World
from waystation.simulator.doors.chat import Chat
from waystation.simulator.payload import Payload

__all__ = ["Rest"]

_MAX_HISTORY = 100
_MAX_FILES = 10
_MAX_REFRESHED = 50


class Rest:
    """Answers the routes."""

    def __init__(
        self,
        world: World,
        files: Files,
        messages: Messages,
        post_interaction: Callable[[Call], Reply],
        chat: Chat,
        ids: Ids,
    ) -> None:
        self._world = world
        self._files = files
        self._messages = messages
        self._post_interaction = post_interaction
        self._chat = chat
        self._ids = ids
        self._posts = Posts(files, messages)

    def answer(self, route: Route, call: Call) -> Reply:
        """Answer one call.

        Raises: Refused: Discord answers with an error
        """
        method: Callable[[Call], Reply] = getattr(self, route.answer)
        return method(call)

    def public(self, route: Route) -> Reply:
        """Answer a route that needs no token. Raises: Refused."""
        method: Callable[[], Reply] = getattr(self, route.answer)
        return method()

    @property
    def _gateway_url(self) -> str:
        return self._world.url.replace("http", "ws", 1)

    def interactions(self, call: Call) -> Reply:
        return self._post_interaction(call)

    def unknown_interaction(self) -> Reply:
        """Refuse an answer of a bot: nobody can use its commands here."""
        raise Refused(error_effect("unknown_interaction"))

    def unknown_webhook(self) -> Reply:
        """Refuse a later answer of a bot, and a webhook: there are none here."""
        raise Refused(error_effect("unknown_webhook"))

    # Who am I, and where.

    def gateway(self) -> Reply:
        return Reply({"url": self._gateway_url})

    def gateway_bot(self, call: Call) -> Reply:
        if isinstance(call.caller, Account):
            raise Refused(error_effect("only_bots"))
        limit = {"total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 1}
        return Reply({"url": self._gateway_url, "shards": 1, "session_start_limit": limit})

    def me(self, call: Call) -> Reply:
        return Reply(ready.self_payload(call.caller))

    def user(self, call: Call) -> Reply:
        return Reply(self._user(call).payload())

    def user_profile(self, call: Call) -> Reply:
        """Answer what the window about a person shows. Source: discord-userdoccers."""
        user = self._user(call)
        return Reply(
            {
                "user": user.payload() | {"bio": "", "flags": user.public_flags},
                "user_profile": {"bio": "", "pronouns": "", "accent_color": None},
                "badges": [],
                "connected_accounts": [],
                "mutual_guilds": [],
                "premium_since": None,
                "premium_type": None,
                "premium_guild_since": None,
                "legacy_username": None,
            }
        )

    def _user(self, call: Call) -> User:
        user = self._world.users.get(call.path("user"))
        if user is None:
            raise Refused(error_effect("unknown_user"))
        return user

    def nothing(self, call: Call) -> Reply:
        """Take what has no effect here."""
        return Reply(status=204)

    def fixed(self, call: Call) -> Reply:
        """Answer what is the same for everybody; what the path names must exist."""
        if "guild" in call.request.match_info:
            self._guild_account(call)
        if "channel" in call.request.match_info:
            self._channel(call)
        return Reply(FIXED[call.route])

    def my_settings(self, call: Call) -> Reply:
        """Answer the settings that Discord keeps for a user."""
        return Reply({"locale": call.caller.locale, "theme": "dark", "status": "online"})

    def country(self, call: Call) -> Reply:
        return Reply({"country_code": "US"})

    def my_guilds(self, call: Call) -> Reply:
        return Reply(
            [
                guilds.brief_guild(self._world, account, call.caller)
                for account in self._visible(call)
            ]
        )

    def application(self, call: Call) -> Reply:
        if isinstance(call.caller, Account):
            raise Refused(error_effect("only_bots"))
        return Reply(ready.application_payload(self._world, call.caller))

    def guild(self, call: Call) -> Reply:
        return Reply(guilds.rest_guild(self._world, self._guild_account(call)))

    def guild_roles(self, call: Call) -> Reply:
        return Reply(guilds.roles_payload(self._guild_account(call)))

    def members(self, call: Call) -> Reply:
        """Answer who is in a guild; users must search. Source: Discord, List Guild Members"""
        account = self._guild_account(call)
        if isinstance(call.caller, Account):
            raise Refused(error_effect("only_bots"))
        after = call.number("after") or 0
        users = sorted(guilds.members_of(self._world, account), key=lambda user: int(user.id))
        later = [user for user in users if int(user.id) > after]
        return Reply([guilds.member_payload(user) for user in later[: call.number("limit") or 1]])

    def search_members(self, call: Call) -> Reply:
        asked = {"query": call.request.query.get("query", ""), "limit": call.number("limit") or 1}
        chunk = guilds.chunk_payload(self._world, self._guild_account(call), asked)
        return Reply(chunk["members"])

    def member(self, call: Call) -> Reply:
        account, wanted = self._guild_account(call), call.path("user")
        own = call.caller.user_id if wanted == "@me" else wanted
        for user in guilds.members_of(self._world, account):
            if user.id == own:
                return Reply(guilds.member_payload(user))
        raise Refused(error_effect("unknown_member"))

    def guild_channels(self, call: Call) -> Reply:
        return Reply([guilds.channel_payload(self._world, self._guild_account(call))])

    def channel(self, call: Call) -> Reply:
        channel = self._channel(call)
        for account in self._world.accounts:
            if account.channel_id == channel.id:
                return Reply(guilds.channel_payload(self._world, account))
        return Reply(guilds.direct_payload(self._world, call.account))

    def my_channels(self, call: Call) -> Reply:
        if isinstance(call.caller, SimulatedBot):
            return Reply([])
        return Reply([guilds.direct_payload(self._world, call.caller)])

    def open_channel(self, call: Call) -> Reply:
        wanted = call.body.json.get("recipients") or [call.body.json.get("recipient_id")]
        if wanted != [self._world.midjourney.id]:
            raise Refused(error_effect("missing_permissions"))
        return Reply(guilds.direct_payload(self._world, call.account))

    def _visible(self, call: Call) -> list[Account]:
        if isinstance(call.caller, SimulatedBot):
            return self._world.accounts
        return [call.caller]

    def _guild_account(self, call: Call) -> Account:
        accounts = self._world.guild_accounts(call.path("guild"))
        if not accounts:
            raise Refused(error_effect("unknown_guild"))
        if accounts[0] not in self._visible(call):
            raise Refused(error_effect("missing_access"))
        return accounts[0]

    def _channel(self, call: Call) -> Channel:
        channel = self._world.channels.get(call.path("channel"))
        if channel is None:
            raise Refused(error_effect("no_channel"))
        if not self._world.is_member(call.caller, channel):
            raise Refused(error_effect("missing_access"))
        return channel

    # Commands.

    @staticmethod
    def _index(call: Call, account: Account, application_id: str | None = None) -> Payload:
        return commands.index(account.index_generation, application_id, call.caller.locale)

    def my_index(self, call: Call) -> Reply:
        return Reply(self._index(call, call.account))

    def guild_index(self, call: Call) -> Reply:
        return Reply(self._index(call, self._guild_account(call)))

    def channel_index(self, call: Call) -> Reply:
        self._channel(call)
        return self.my_index(call)

    def application_index(self, call: Call) -> Reply:
        index = self._index(call, call.account, call.path("app"))
        if not index["applications"]:
            raise Refused(error_effect("unknown_application"))
        return Reply(index)

    def application_commands(self, call: Call) -> Reply:
        if isinstance(call.caller, SimulatedBot):
            return self._own_commands(call)
        reply = self.application_index(call).json
        assert isinstance(reply, dict), "an index is an object"
        return Reply(reply["application_commands"])

    def _own_commands(self, call: Call) -> Reply:
        """Answer a bot's own commands: none, or what it has just written, which nobody can use."""
        if call.path("app") != call.caller.user_id:
            raise Refused(error_effect("only_own_application"))
        return Reply([])

    def own_commands(self, call: Call) -> Reply:
        """Take commands that a bot writes."""
        if isinstance(call.caller, Account):
            raise Refused(error_effect("only_bots"))
        self._own_commands(call)
        given = call.body.listed or [call.body.json]
        written = [
            {"type": 1, "description": "", "default_member_permissions": None, "nsfw": False}
            | command
            | {"id": self._ids.snowflake(), "application_id": call.caller.user_id, "version": "1"}
            for command in given
            if command
        ]
        if call.request.method == "POST":
            return Reply(written[0] if written else {}, status=201)
        return Reply(written)

    def search_commands(self, call: Call) -> Reply:
        """Answer the legacy search by the beginning of a name."""
        self._channel(call)
        index = self._index(call, call.account)
        query = call.request.query.get("query", "")
        limit = call.number("limit") or 25
        found = [c for c in index["application_commands"] if c["name"].startswith(query)][:limit]
        used = {command["application_id"] for command in found}
        owners = [app for app in index["applications"] if app["id"] in used]
        return Reply({"applications": owners, "application_commands": found, "cursor": {}})

    # Messages and uploads.

    def history(self, call: Call) -> Reply:
        channel = self._channel(call)
        limit = call.number("limit")
        count = 50 if limit is None else limit
        if not 1 <= count <= _MAX_HISTORY:
            raise invalid_form("limit", "NUMBER_TYPE_MAX", "int value should be 1 to 100.")
        bounds = (call.number("before"), call.number("after"), call.number("around"))
        found = self._messages.read(channel.id, count, *bounds)
        return Reply([self._chat.shown(message, call.caller) for message in found])

    def message(self, call: Call) -> Reply:
        """Answer a single message, which user tokens may not read. Source: wire notes 1.4"""
        if isinstance(call.caller, Account):
            raise Refused(error_effect("only_bots"))
        found = self._messages.get(self._channel(call).id, call.path("message"))
        if found is None:
            raise Refused(error_effect("unknown_message"))
        return Reply(self._chat.shown(found, call.caller))

    def send(self, call: Call) -> Reply:
        return self._posts.send(call, self._channel(call))

    def acknowledge(self, call: Call) -> Reply:
        return self._chat.acknowledge(call, self._channel(call))

    def react(self, call: Call) -> Reply:
        return self._chat.react(call, self._channel(call))

    def unreact(self, call: Call) -> Reply:
        return self._chat.unreact(call, self._channel(call))

    def reactors(self, call: Call) -> Reply:
        return self._chat.reactors(call, self._channel(call))

    def unreact_all(self, call: Call) -> Reply:
        return self._chat.unreact_all(call, self._channel(call))

    def type_text(self, call: Call) -> Reply:
        return self._chat.type_text(call, self._channel(call))

    def edit_message(self, call: Call) -> Reply:
        return self._chat.edit(call, self._channel(call), read_content(call))

    def delete_message(self, call: Call) -> Reply:
        return self._chat.delete(call, self._channel(call))

    def refresh(self, call: Call) -> Reply:
        """Answer links with new signatures. Source: wire notes 1.6"""
        urls = call.body.json.get("attachment_urls")
        if not isinstance(urls, list) or not 1 <= len(urls) <= _MAX_REFRESHED:
            raise invalid_form("attachment_urls", "BASE_TYPE_BAD_LENGTH", "Must be 1 to 50.")
        fresh = [{"original": url, "refreshed": self._files.refresh(str(url))} for url in urls]
        return Reply({"refreshed_urls": fresh})

    def attachments(self, call: Call) -> Reply:
        """Answer where to put files. Source: wire notes 1.5"""
        self._channel(call)
        files = call.body.json.get("files")
        if not isinstance(files, list) or not 1 <= len(files) <= _MAX_FILES:
            raise invalid_form("files", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 10.")
        return Reply({"attachments": [self._slot(call, wanted) for wanted in files]})

    def _slot(self, call: Call, wanted: object) -> Payload:
        if not isinstance(wanted, dict) or not isinstance(wanted.get("filename"), str):
            raise invalid_form("files.filename", "BASE_TYPE_REQUIRED", "This field is required")
        size = wanted.get("file_size")
        if not isinstance(size, int):
            raise invalid_form("files.file_size", "BASE_TYPE_REQUIRED", "This field is required")
        if size > self._world.options.max_file_bytes:
            raise Refused(error_effect("too_large"))
        slot = self._files.open_slot(wanted["filename"], call.caller.user_id)
        number = str(wanted.get("id", "0"))
        return {
            "id": int(number) if number.isdigit() else number,
            "upload_url": f"{self._world.url}/uploads/{slot.name}?upload_id={slot.key}",
            "upload_filename": slot.name,
        }

    def drop_attachment(self, call: Call) -> Reply:
        if not self._files.drop(call.path("name")):
            raise Refused(error_effect("not_found"))
        return Reply(status=204)
