"""Drives PyPI `nextcord` as a bot with a command of its own and prints what it received.

Only a class attribute is set from outside: where the REST API is, which names the gateway. The bot
writes its command, answers and mends a message, and waits for another's finished picture.

Arguments: base URL, bot token, channel id.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import nextcord
from nextcord.http import Route

BASE_URL, TOKEN, CHANNEL = sys.argv[1:]

PATIENCE_S = 60.0


def _custom_ids(message: nextcord.Message) -> list[str]:
    rows = message.components
    return [getattr(one, "custom_id", "") or "" for row in rows for one in row.children]


class Bystander(nextcord.Client):
    """Says hello, then watches the channel."""

    seen: dict[str, Any]

    async def on_ready(self) -> None:
        channel = await self.fetch_channel(int(CHANNEL))
        assert isinstance(channel, nextcord.TextChannel)
        async with channel.typing():
            sent = await channel.send("helo")
        edited = await sent.edit(content="hello")
        await sent.add_reaction("👍")
        again = await channel.fetch_message(sent.id)
        await again.delete()
        members = [member.name async for member in channel.guild.fetch_members()]
        self.seen = {"edited": edited.content, "members": members, "me": channel.guild.me.name}
        print("READY", flush=True)

    async def on_message(self, message: nextcord.Message) -> None:
        if not any("::upsample::" in one for one in _custom_ids(message)):
            return
        history = [one async for one in message.channel.history(limit=5)]
        self.seen |= {
            "content": message.content,
            "custom_ids": _custom_ids(message),
            "history": [str(one.id) for one in history],
            "id": str(message.id),
            "url": message.attachments[0].url,
        }
        print("RESULT " + json.dumps(self.seen), flush=True)
        await self.close()


async def main() -> None:
    Route.BASE = f"{BASE_URL}/api/v10"
    bot = Bystander(intents=nextcord.Intents.all())

    @bot.slash_command(name="greet", description="Says hello")
    async def greet(interaction: nextcord.Interaction) -> None:
        await interaction.send("hello")

    async with asyncio.timeout(PATIENCE_S):
        await bot.start(TOKEN)


asyncio.run(main())
