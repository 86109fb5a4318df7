"""Drives PyPI `discord.py` as a bot and prints what it saw.

Only class attributes are set from outside: where the REST API and the gateway are. The bot greets
the channel, waits for a /describe of somebody else to finish, and reads it back from history.

Arguments: base URL, gateway URL, bot token, channel id.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

BASE_URL, GATEWAY_URL, TOKEN, CHANNEL = sys.argv[1:]


class Bystander(discord.Client):
    """Says hello, then watches the channel."""

    result: dict[str, Any]

    async def on_ready(self) -> None:
        channel = await self.fetch_channel(int(CHANNEL))
        assert isinstance(channel, discord.TextChannel)
        sent = await channel.send("hello")
        self.result = {"sent": str(sent.id), "guilds": [str(guild.id) for guild in self.guilds]}
        print("READY", flush=True)

    async def on_message_edit(self, before: discord.Message, after: discord.Message) -> None:
        history = [message async for message in after.channel.history(limit=10)]
        self.result |= {
            "edited": after.embeds[0].description,
            "image": after.embeds[0].image.url,
            "history": [message.content for message in history],
            "kept": history[0].embeds[0].description,
            "custom_ids": [
                child.custom_id
                for row in after.components
                if isinstance(row, discord.ActionRow)
                for child in row.children
            ],
            "interaction": after.interaction_metadata and str(after.interaction_metadata.id),
        }
        await self.close()


async def main() -> None:
    Route.BASE = f"{BASE_URL}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(GATEWAY_URL)
    intents = discord.Intents.default()
    intents.message_content = True
    client = Bystander(intents=intents)
    async with asyncio.timeout(30), client:
        await client.start(TOKEN)
    print("RESULT " + json.dumps(client.result), flush=True)


asyncio.run(main())
