from __future__ import annotations

from tests.integration.simulator.discord_client import Client
from waystation.simulator.discord.fixed import FIXED


async def test_each_row_is_answered_to_a_user_and_to_a_bot(client: Client) -> None:
    account, bot = client.account, client.sim.bots[0]
    names = {"guild": account.guild_id, "channel": account.channel_id, "type": "1"}
    for caller in (account.token, f"Bot {bot.token}"):
        for path, answer in FIXED.items():
            real = path.format(app=bot.user_id, **names)
            found = await client.get(f"/api/v10{real}", headers={"Authorization": caller})
            assert (found.status, found.json) == (200, answer), path


async def test_things_that_the_path_names_must_exist(client: Client) -> None:
    for path, code in (("/guilds/1/emojis", 10004), ("/channels/1/pins", 10003)):
        answer = await client.get("/api/v9" + path)
        assert (answer.status, answer.json["code"]) == (404, code)
