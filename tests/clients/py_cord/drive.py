"""Drives PyPI `py-cord` as a bot with a command of its own and prints what it saw.

Only a class attribute is set from outside: where the REST API is, which names the gateway. The bot
writes its command, says hello, mends and deletes that, and waits for another's finished picture.

Arguments: base URL, bot token, channel id.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

import discord
from discord.http import Route

BASE_URL, TOKEN, CHANNEL = sys.argv[1:]

PATIENCE_S = 60.0


def _custom_ids(message: discord.Message) -> list[str]:
    rows = message.components
    return [getattr(one, "custom_id", "") or "" for row in rows for one in row.children]


class Bystander(discord.Bot):
    """Says hello, then watches the channel."""

    seen: dict[str, Any]

    async def on_ready(self) -> None:
        channel = await self.fetch_channel(int(CHANNEL))
        assert isinstance(channel, discord.TextChannel)
        sent = await channel.send("helo")
        edited = await sent.edit(content="hello")
        await edited.delete()
        members = [member.name async for member in channel.guild.fetch_members()]
        self.seen = {"edited": edited.content, "members": members, "me": channel.guild.me.name}
        print("READY", flush=True)

    async def on_message(self, message: discord.Message) -> None:
        if not any("::upsample::" in one for one in _custom_ids(message)):
            return
        history = [one async for one in message.channel.history(limit=5)]
        self.seen |= {
            "content": message.content,
            "url": message.attachments[0].url,
            "custom_ids": _custom_ids(message),
            "history": [str(one.id) for one in history],
            "id": str(message.id),
        }
        print("RESULT " + json.dumps(self.seen), flush=True)
        await self.close()


async def main() -> None:
    Route.API_BASE_URL = f"{BASE_URL}/api/v10"
    bot = Bystander(intents=discord.Intents.all())

    @bot.slash_command(name="greet")
    async def greet(context: discord.ApplicationContext) -> None:
        await context.respond("hello")

    async with asyncio.timeout(PATIENCE_S):
        # The package asks the gateway once more when it is closed from one of its own events.
        with contextlib.suppress(RuntimeError):
            await bot.start(TOKEN)


asyncio.run(main())
