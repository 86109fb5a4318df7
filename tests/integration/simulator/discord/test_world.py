from __future__ import annotations

from datetime import UTC, datetime

import pytest

from waystation.simulator.discord.ids import Ids
from waystation.simulator.discord.world import PLANS, Account, SimulatedBot, Standing, World
from waystation.simulator.options import Options


@pytest.fixture
def world() -> World:
    return World(Options(accounts=3, bots=2), Ids(1, lambda: datetime.now(UTC)))


def test_every_account_has_places_of_its_own(world: World) -> None:
    places = [
        place for a in world.accounts for place in (a.guild_id, a.channel_id, a.dm_channel_id)
    ]
    assert len(set(places)) == 9
    assert set(world.channels) == set(places) - {a.guild_id for a in world.accounts}


def test_bots_are_members_of_guild_channels_only(world: World) -> None:
    account, bot = world.accounts[0], world.bots[0]
    assert world.is_member(bot, world.channels[account.channel_id])
    assert not world.is_member(bot, world.channels[account.dm_channel_id])
    assert not world.is_member(world.accounts[1], world.channels[account.channel_id])


def test_a_caller_is_known_by_the_header_of_its_kind(world: World) -> None:
    account, bot = world.accounts[0], world.bots[0]
    assert world.by_authorization(account.token) is account
    assert world.by_authorization(f"Bot {bot.token}") is bot
    assert world.by_authorization(f"Bot {account.token}") is None
    assert world.by_authorization(bot.token) is None
    assert world.by_authorization(None) is None


def test_an_account_is_found_by_number_id_and_token(world: World) -> None:
    account: Account = world.accounts[1]
    for key in (1, "1", account.user_id, account.token):
        assert world.account(key) is account
    for key in (3, -1, "99", "nobody"):
        assert world.account(key) is None


def test_payloads_name_what_the_ready_line_promises(world: World) -> None:
    assert list(world.accounts[0].payload()) == [
        "token",
        "user_id",
        "guild_id",
        "channel_id",
        "dm_channel_id",
    ]
    bot: SimulatedBot = world.bots[0]
    assert bot.payload()["token"] == bot.token


def test_slots_and_room_count_foreign_jobs_too() -> None:
    standing = Standing(concurrency=2, queue_limit=1, foreign_running=1)
    assert standing.has_slot and standing.has_room
    standing.running.add(1)
    standing.waiting.append(2)
    assert not standing.has_slot and not standing.has_room
    assert (standing.running_jobs, standing.queued_jobs) == (2, 1)


@pytest.mark.parametrize(
    ("plan", "jobs"), [("Basic", 3), ("Standard", 3), ("Pro", 15), ("Mega", 15), ("Trial", 3)]
)
def test_a_plan_decides_how_many_jobs_run(plan: str, jobs: int) -> None:
    standing = Standing(plan=plan, foreign_running=jobs - 1)
    assert standing.has_slot
    standing.foreign_running += 1
    assert not standing.has_slot
    assert set(PLANS) == {"Basic", "Standard", "Pro", "Mega"}
