"""Drives PyPI `discord.py-self` as a user who asks the bot, and prints what came of it.

Only class attributes are set from outside: where the REST API and the gateway are. The user looks
up /imagine, asks for a picture, presses U1 and writes, edits and deletes a message.

Arguments: base URL, gateway URL, token, channel id, prompt.
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

BASE_URL, GATEWAY_URL, TOKEN, CHANNEL, PROMPT = sys.argv[1:]

PATIENCE_S = 60.0
MIDJOURNEY = 936929561302675456


def _is_result(message: discord.Message) -> bool:
    custom_ids = [
        getattr(one, "custom_id", "") or "" for row in message.components for one in row.children
    ]
    return bool(message.attachments) and any(one.startswith("MJ::JOB") for one in custom_ids)


class User(discord.Client):
    """Asks for a picture once it is ready."""

    result: dict[str, Any]

    async def on_ready(self) -> None:
        channel = self.get_channel(int(CHANNEL))
        assert isinstance(channel, discord.TextChannel)
        me = channel.guild.me
        self.result = {"me": str(me.id), "joined": me.joined_at is not None}
        commands = [
            command
            for command in await channel.application_commands()
            if command.name == "imagine" and command.application_id == MIDJOURNEY
        ]
        interaction = await commands[0](channel, prompt=PROMPT)
        self.result["successful"] = interaction.successful
        grid = await self.wait_for("message", check=_is_result)
        button = grid.components[0].children[0]
        await button.click()
        single = await self.wait_for("message", check=_is_result)
        self.result |= {
            "grid": grid.attachments[0].url,
            "content": grid.content,
            "single": single.attachments[0].url,
            "replies_to": str(single.reference.message_id) == str(grid.id),
        }
        await self._chatter(channel)
        await self.close()

    async def _chatter(self, channel: discord.TextChannel) -> None:
        async with channel.typing():
            sent = await channel.send("helo")
        edited = await sent.edit(content="hello")
        await edited.delete()
        member = await channel.guild.fetch_member(MIDJOURNEY)
        self.result |= {"edited": edited.content, "member": member.name}


async def main() -> None:
    Route.BASE = f"{BASE_URL}/api/v9"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(GATEWAY_URL)
    client = User()
    async with asyncio.timeout(PATIENCE_S), client:
        await client.start(TOKEN)
    print("RESULT " + json.dumps(client.result), flush=True)


asyncio.run(main())
