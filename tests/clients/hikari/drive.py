"""Drives PyPI `hikari` as a bot that listens for results and prints what it received.

Only public arguments are set: where the REST API is; the gateway's address comes from there. The
bot prints every picture that the channel shows, until one has come without a `(n%)`.

Arguments: base URL, bot token, channel id.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import hikari

BASE_URL, TOKEN, CHANNEL = sys.argv[1:]

PATIENCE_S = 60.0


def _custom_ids(message: hikari.PartialMessage) -> list[str]:
    return [
        component.custom_id
        for row in message.components or ()
        for component in getattr(row, "components", ())
        if getattr(component, "custom_id", None)
    ]


async def main() -> None:
    bot = hikari.GatewayBot(
        TOKEN,
        banner=None,
        rest_url=f"{BASE_URL}/api/v10",
        intents=hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.MESSAGE_CONTENT,
        suppress_optimization_warning=True,
    )
    seen: dict[str, Any] = {"progress": 0, "deleted": 0}
    done = asyncio.Event()

    @bot.listen()
    async def on_started(event: hikari.StartedEvent) -> None:
        application = await bot.rest.fetch_application()
        seen["application"] = str(application.id)
        seen["guilds"] = [str(guild) for guild in bot.cache.get_guilds_view()]
        members = await bot.rest.fetch_members(next(iter(bot.cache.get_guilds_view())))
        seen["members"] = [member.username for member in members]
        print("READY", flush=True)

    @bot.listen()
    async def on_update(event: hikari.GuildMessageUpdateEvent) -> None:
        seen["progress"] += "%)" in (event.message.content or "")

    @bot.listen()
    async def on_delete(event: hikari.GuildMessageDeleteEvent) -> None:
        seen["deleted"] += 1
        if "url" in seen:
            done.set()

    @bot.listen()
    async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
        message = event.message
        if str(event.channel_id) == CHANNEL and message.attachments:
            seen["content"] = message.content
            seen["url"] = message.attachments[0].url
            seen["custom_ids"] = _custom_ids(message)
            if seen["deleted"]:
                done.set()

    await bot.start(check_for_updates=False)
    async with asyncio.timeout(PATIENCE_S):
        await done.wait()
    await bot.close()
    print("RESULT " + json.dumps(seen), flush=True)


asyncio.run(main())
