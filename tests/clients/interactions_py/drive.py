"""Drives PyPI `interactions.py` as a bot with a command of its own and prints what it received.

Only a class attribute is set from outside: where the REST API is, which names the gateway. The bot
writes its command, says hello, mends that, and waits for another's finished picture.

Arguments: base URL, bot token, channel id.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import interactions
from interactions.api.events import MessageCreate, Startup
from interactions.api.http.route import Route

BASE_URL, TOKEN, CHANNEL = sys.argv[1:]

PATIENCE_S = 60.0


def _custom_ids(message: interactions.Message) -> list[str]:
    rows = message.components
    return [getattr(one, "custom_id", "") or "" for row in rows for one in row.components]


class Bystander(interactions.Client):
    """Says hello, then watches the channel."""

    seen: dict[str, Any]
    done: asyncio.Event

    @interactions.slash_command(name="greet", description="Says hello")
    async def greet(self, context: interactions.SlashContext) -> None:
        await context.send("hello")

    @interactions.listen(Startup)
    async def on_startup(self) -> None:
        channel = await self.fetch_channel(int(CHANNEL))
        assert isinstance(channel, interactions.GuildText)
        await channel.trigger_typing()
        sent = await channel.send("helo")
        edited = await sent.edit(content="hello")
        await sent.add_reaction("👍")
        await edited.delete()
        members = [member.username for member in channel.guild.members]
        self.seen = {"edited": edited.content, "members": members, "me": self.user.username}
        print("READY", flush=True)

    @interactions.listen(MessageCreate)
    async def on_result(self, event: MessageCreate) -> None:
        message = event.message
        if not any("::upsample::" in one for one in _custom_ids(message)):
            return
        history = await message.channel.fetch_messages(limit=5)
        self.seen |= {
            "content": message.content,
            "url": message.attachments[0].url,
            "custom_ids": _custom_ids(message),
            "history": [str(one.id) for one in history],
            "id": str(message.id),
        }
        self.done.set()


async def main() -> None:
    Route.BASE = f"{BASE_URL}/api/v10"
    bot = Bystander(intents=interactions.Intents.ALL, sync_interactions=True)
    bot.done = asyncio.Event()
    running = asyncio.create_task(bot.astart(TOKEN))
    async with asyncio.timeout(PATIENCE_S):
        await bot.done.wait()
    print("RESULT " + json.dumps(bot.seen), flush=True)
    assert not running.done()
    # The package's own stop waits for a heartbeat that has no connection any more.
    os._exit(0)


asyncio.run(main())
